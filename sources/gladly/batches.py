"""Batches in the raw archive: files that were answered together, all of them or none.

One is known by its feed and by its time, which is the version of its rows: no other of the feed
may have the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from sources.http.files import write_whole_file
from sources.streams.archive import (
    RawFile,
    archive_path,
    is_whole,
    read_description,
    size_and_digest,
)
from sources.tables.timestamps import format_timestamp, parse_timestamp

# passed over by whatever reads the archive's records
_REQUEST_FILE: Final = "request.json"


@dataclass(frozen=True, slots=True)
class Batch:
    """Files that are loaded together.

    Attributes:
        job_id: what the ledger and the archive call it.
        at: the version of its rows.
        files: its files, by name.
        request: what has to be known to load them, besides them.
    """

    job_id: str
    at: datetime
    files: tuple[RawFile, ...]
    request: Mapping[str, Any]


def write_batch(
    archive: Path, stream: str, at: datetime, files: Mapping[str, bytes], **request: object
) -> Batch:
    """Write files into a folder of the archive, which appears only once all are on disk.

    Args:
        archive: The folder of raw files of this feed.
        stream: The feed, as the ledger names it.
        at: The version of their rows; a batch of the same is replaced.
        files: Their content, by name.
        request: What has to be known to load them, besides them.

    Raises:
        GiveUpError: the disk is full or refuses.
    """
    folder = archive_path(archive, _job_id(stream, at))
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    sizes = {name: len(content) for name, content in files.items()}
    told = {"at": format_timestamp(at), "bytes": sizes, **request}
    write_whole_file(part / _REQUEST_FILE, [orjson.dumps(told)])
    for name, content in files.items():
        write_whole_file(part / name, [content])
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)
    return _read(stream, folder, at, told)


def archived_batches(archive: Path, stream: str, done: AbstractSet[str]) -> Iterator[Batch]:
    """Yield the batches in the archive, oldest first, but for those in ``done``.

    ``done`` holds the ids of batches that are loaded; their files are not read. A batch that is
    not whole, or not described, counts as not read: what it held is asked for again.
    """
    passed_over = {archive_path(archive, job_id).name for job_id in done}
    folders = (path.parent for path in archive.glob(f"*/{_REQUEST_FILE}"))
    batches = (
        _usable(stream, folder)
        for folder in folders
        if folder.name not in passed_over and folder.suffix != ".part"
    )
    yield from sorted((batch for batch in batches if batch), key=lambda batch: batch.at)


def _usable(stream: str, folder: Path) -> Batch | None:
    request = read_description(folder / _REQUEST_FILE)
    parsed = parse_timestamp(str(request.get("at")))
    # batches of earlier versions tell no sizes
    sizes = request.get("bytes", {})
    if parsed is None or not all(is_whole(folder / name, size) for name, size in sizes.items()):
        return None
    return _read(stream, folder, parsed.at, request)


def _read(stream: str, folder: Path, at: datetime, request: Mapping[str, Any]) -> Batch:
    job_id = _job_id(stream, at)
    files = tuple(
        RawFile(stream, job_id, path.name, at, None, path, *size_and_digest(path), 0.0)
        for path in sorted(folder.glob("*.jsonl"))
    )
    return Batch(job_id, at, files, request)


def _job_id(stream: str, at: datetime) -> str:
    return f"{stream.removeprefix('gladly.')} {format_timestamp(at)}"
