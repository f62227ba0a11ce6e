"""The raw archive: every file as it was received, so that all else can be made again from it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

_SAFE = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_READABLE_CHARACTERS = 60
_DIGEST_CHARACTERS = 12


def archive_path(root: Path, *names: str) -> Path:
    """Return where the file that a server calls by ``names`` belongs, always inside ``root``.

    A server's names never become paths: what is not plain is replaced, and a digest of the whole
    name keeps different names apart, however long or odd they are.
    """
    path = root
    for name in names:
        path /= _component(name)
    return path


def _component(name: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARACTERS]
    readable = _SAFE.sub("_", name).lstrip(".")[:_READABLE_CHARACTERS] or "unnamed"
    return f"{readable}-{digest}"
