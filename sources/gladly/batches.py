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
from sources.streams.archive import RawFile, archive_path, size_and_digest
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
    told = {"at": format_timestamp(at), **request}
    write_whole_file(part / _REQUEST_FILE, [orjson.dumps(told)])
    for name, content in files.items():
        write_whole_file(part / name, [content])
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)
    return _read(stream, folder)


def archived_batches(archive: Path, stream: str, done: AbstractSet[str]) -> Iterator[Batch]:
    """Yield the batches in the archive, oldest first, but for those in ``done``.

    ``done`` holds the ids of batches that are loaded; their files are not read.
    """
    passed_over = {archive_path(archive, job_id).name for job_id in done}
    folders = (path.parent for path in archive.glob(f"*/{_REQUEST_FILE}"))
    batches = (
        _read(stream, folder)
        for folder in folders
        if folder.name not in passed_over and folder.suffix != ".part"
    )
    yield from sorted(batches, key=lambda batch: batch.at)


def _read(stream: str, folder: Path) -> Batch:
    request: dict[str, Any] = orjson.loads((folder / _REQUEST_FILE).read_bytes())
    parsed = parse_timestamp(request["at"])
    if parsed is None:
        raise ValueError(f"{folder.name} of the raw archive was not written by this program")
    at, job_id = parsed.at, _job_id(stream, parsed.at)
    files = tuple(
        RawFile(stream, job_id, path.name, at, None, path, *size_and_digest(path), 0.0)
        for path in sorted(folder.glob("*.jsonl"))
    )
    return Batch(job_id, at, files, request)


def _job_id(stream: str, at: datetime) -> str:
    return f"{stream.removeprefix('gladly.')} {format_timestamp(at)}"
