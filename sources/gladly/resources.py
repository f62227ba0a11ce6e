"""Gladly's export API over HTTP: lists, and files into the raw archive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from sources.gladly.jobs import ExportJob, JobFile, parse_job
from sources.gladly.settings import EXPORT_STREAM, JOBS_PATH, SCHEDULES_PATH
from sources.http.client import ApiClient
from sources.http.download import download_file
from sources.http.errors import GapError, RetryableError, UnsafeError
from sources.http.faults import server_clock
from sources.http.files import write_whole_file
from sources.http.hosts import path_segment
from sources.http.replies import Reply
from sources.http.retry import http_date
from sources.streams.archive import (
    RawFile,
    archive_path,
    is_whole,
    read_description,
    size_and_digest,
)
from sources.streams.lines import Lines, whole_lines
from sources.tables.conform import DECODE_ERRORS, decode_json, encode_json
from sources.tables.timestamps import format_timestamp

_JOB_FILE = "job.json"


@dataclass(frozen=True, slots=True)
class Listing:
    """A list the API returned, one JSON object a line, and when it was asked for."""

    path: str
    lines: Lines
    at: datetime

    def values(self) -> list[Any]:
        """Return the elements."""
        return [decode_json(line) for line in self.lines.data.splitlines()]


def list_jobs(client: ApiClient, params: Mapping[str, str]) -> Listing:
    """List export jobs of the last 14 days; ``params`` may filter (status, startAt, endAt)."""
    return _list(client, JOBS_PATH, params)


def list_schedules(client: ApiClient) -> Listing:
    """List export schedules."""
    return _list(client, SCHEDULES_PATH, {})


def jobs_of(listing: Listing) -> dict[str, ExportJob]:
    """Return the usable jobs of a listing, by id."""
    jobs = (parse_job(value) for value in listing.values() if isinstance(value, dict))
    return {job.id: job for job in jobs if job is not None}


def raw_path(archive: Path, job: ExportJob, name: str) -> Path:
    """Return where the archive keeps a file of this version of a job."""
    return archive_path(archive, job.id, format_timestamp(job.updated_at), name)


def fetch_file(
    client: ApiClient,
    archive: Path,
    job_file: JobFile,
    *,
    on_bytes: Callable[[int], None],
    require_final_newline: bool,
) -> RawFile:
    """Return a file from the archive, downloading it first where it is not there yet.

    A file that stands in the archive under its own name is whole: it got that name last. One that
    has another size all the same, after a crash of the disk, is fetched again.

    Raises:
        GapError: Gladly no longer has it, or its name is one that nobody can ask for.
        HelpdeskError: as ``download_file``.
    """
    job, name = job_file.job, job_file.name
    path = raw_path(archive, job, name)
    identity = (EXPORT_STREAM, job.id, name, job.updated_at, job.window)
    if is_whole(path, _told_bytes(path.parent).get(name)):
        return RawFile(*identity, path, *size_and_digest(path), 0.0)
    downloaded = download_file(
        client,
        _address(job_file),
        path,
        on_bytes=on_bytes,
        require_final_newline=require_final_newline,
    )
    _remember_job(path.parent, job, {name: downloaded.bytes})
    return RawFile(*identity, path, downloaded.bytes, downloaded.sha256, downloaded.seconds)


def _address(job_file: JobFile) -> str:
    job, name = job_file.job, job_file.name
    try:
        return f"{JOBS_PATH}/{path_segment(job.id)}/files/{path_segment(name)}"
    except UnsafeError as error:
        raise GapError(
            f"A file of export job {job.id[:100]!r} cannot be asked for. {error}"
        ) from error


def archived_jobs(archive: Path, done: AbstractSet[str]) -> Iterator[ExportJob]:
    """Yield the jobs whose files are all in the archive, whether Gladly still lists them or not.

    Jobs in ``done`` are passed over unread: the archive grows for years.
    """
    passed_over = {archive_path(archive, job_id).name for job_id in done}
    for folder in sorted(archive.glob("*")):
        if folder.name in passed_over:
            continue
        for path in sorted(folder.glob(f"*/{_JOB_FILE}")):
            job = parse_job(read_description(path))
            if job and all(raw_path(archive, job, name).exists() for name in job.files):
                yield job


def json_of(reply: Reply, path: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return a body as JSON whose numbers keep every digit; ``path`` answered it.

    Raises:
        RetryableError: it cannot become a line of the archive, though the client could read it.
    """
    with suppress(*DECODE_ERRORS):
        return decode_json(reply.body)
    # raised here, outside `except`: a decode error may carry the body
    raise RetryableError(
        f"{path} answered {reply.status} with JSON that is not plain UTF-8. Check any proxy in "
        "between, or run again later.",
        status=reply.status,
    )


def lines_of_list(values: Any, path: str) -> bytes:  # noqa: ANN401 - any JSON value
    """Return the elements of a JSON list, one a line.

    Raises:
        RetryableError: it is no list; ``path`` answered it.
    """
    if not isinstance(values, list):
        raise RetryableError(
            f"{path} answered something that is no list. Check the base URL, or run again later."
        )
    return "".join(f"{encode_json(value)}\n" for value in values).encode()


def delete_job(client: ApiClient, job: ExportJob) -> None:
    """Delete a job and its files at Gladly."""
    client.request(
        "DELETE", f"{JOBS_PATH}/{path_segment(job.id)}", expect={204, 404}, as_json=False
    )


def _told_bytes(folder: Path) -> Mapping[str, object]:
    told = read_description(folder / _JOB_FILE).get("bytes")
    return told if isinstance(told, dict) else {}


def _remember_job(folder: Path, job: ExportJob, sizes: Mapping[str, int]) -> None:
    """Keep beside a job's files what is needed to load them when Gladly no longer lists it."""
    start, end = job.window or (None, None)
    text = orjson.dumps(
        {
            "id": job.id,
            "scheduleId": job.schedule_id,
            "status": job.status,
            "updatedAt": format_timestamp(job.updated_at),
            "parameters": {
                "startAt": start and format_timestamp(start),
                "endAt": end and format_timestamp(end),
            },
            "files": list(job.files),
            "bytes": {**_told_bytes(folder), **sizes},
        }
    )
    write_whole_file(folder / _JOB_FILE, [text])


def _list(client: ApiClient, path: str, params: Mapping[str, str]) -> Listing:
    reply = client.request("GET", path, params=params)
    lines = whole_lines(lines_of_list(json_of(reply, path), path))
    return Listing(path, lines, server_clock(http_date(reply.headers.get("date")), f"GET {path}"))
