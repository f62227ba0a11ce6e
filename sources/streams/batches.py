"""Batches in the raw archive: files that were answered together, all of them or none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Final

import orjson

from sources.http.download import write_whole_file
from sources.streams.archive import archive_path

# passed over by whatever reads the archive's records
_REQUEST_FILE: Final = "request.json"


def write_batch(
    archive: Path, job_id: str, request: Mapping[str, Any], files: Mapping[str, bytes]
) -> Path:
    """Write files into a folder of the archive, which appears only once all are on disk.

    Args:
        archive: The folder of raw files of this feed.
        job_id: The batch; a batch of that name is replaced.
        request: What has to be known to load the files, besides them.
        files: Their content, by name.

    Raises:
        GiveUpError: the disk is full or refuses.
    """
    folder = archive_path(archive, job_id)
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    write_whole_file(part / _REQUEST_FILE, [orjson.dumps(request)])
    for name, content in files.items():
        write_whole_file(part / name, [content])
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)
    return folder


def read_request(folder: Path) -> dict[str, Any]:
    """Return what ``write_batch`` was told besides the files."""
    request: dict[str, Any] = orjson.loads((folder / _REQUEST_FILE).read_bytes())
    return request


def batches(archive: Path, done: AbstractSet[str]) -> Iterator[Path]:
    """Yield the folders of all batches but those named in ``done``, which are not read."""
    passed_over = {archive_path(archive, job_id).name for job_id in done}
    for path in sorted(archive.glob(f"*/{_REQUEST_FILE}")):
        folder = path.parent
        if folder.name not in passed_over and folder.suffix != ".part":
            yield folder
