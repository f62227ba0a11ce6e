"""The raw archive: every file as it was received, so that all else can be made again from it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from os import SEEK_END
from pathlib import Path
from typing import Any

import orjson

from sources.streams.windows import Window

_SAFE = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_READABLE_CHARACTERS = 60
_DIGEST_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class RawFile:
    """A whole file in the raw archive.

    Args:
        stream: the feed it belongs to, as the ledger names it.
        job_id: the job, or the request, that delivered it.
        name: what the feed calls it; tells how it is parsed.
        extracted_at: the version of its rows.
        window: the span of the data it holds; None where the feed names none.
        path: where it is.
        bytes: its size.
        sha256: of its content, hexadecimal.
        seconds: what its download took; 0 where it was there already.
    """

    stream: str
    job_id: str
    name: str
    extracted_at: datetime
    window: Window | None
    path: Path
    bytes: int
    sha256: str
    seconds: float


def archive_path(root: Path, *names: str) -> Path:
    """Return where the file that a server calls by ``names`` belongs, always inside ``root``.

    A server's names never become paths: what is not plain is replaced, and a digest of the whole
    name keeps different names apart, however long or odd they are.
    """
    path = root
    for name in names:
        path /= _component(name)
    return path


def size_and_digest(path: Path) -> tuple[int, str]:
    """Return the size of a file in bytes and its SHA-256, hexadecimal."""
    with path.open("rb") as stream:
        return path.stat().st_size, hashlib.file_digest(stream, "sha256").hexdigest()


def ends_in_newline(path: Path) -> bool:
    """Return whether a file is there whose last byte is a newline."""
    if not path.is_file() or not path.stat().st_size:
        return False
    with path.open("rb") as stream:
        stream.seek(-1, SEEK_END)
        return stream.read() == b"\n"


def is_whole(path: Path, told_bytes: object) -> bool:
    """Return whether a file is there as it was received.

    Args:
        path: the file.
        told_bytes: its size as it was noted beside it; where a kill came before that, or nothing
            that can be read is noted, a newline at its end must do.
    """
    if isinstance(told_bytes, int):
        return path.is_file() and path.stat().st_size == told_bytes
    return ends_in_newline(path)


def read_description(path: Path) -> dict[str, Any]:
    """Return what is noted beside raw files; nothing where it is missing, cut or no JSON object."""
    try:
        value = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    return value if isinstance(value, dict) else {}


def _component(name: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARACTERS]
    readable = _SAFE.sub("_", name).lstrip(".")[:_READABLE_CHARACTERS] or "unnamed"
    return f"{readable}-{digest}"
