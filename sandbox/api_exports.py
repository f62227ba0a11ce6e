"""Export endpoints: schedules, jobs and files (Gladly API reference, Export)."""

import asyncio
from datetime import datetime
from urllib.parse import unquote

from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from sandbox.answers import error_answer, json_answer, not_found
from sandbox.clock import SandboxClock
from sandbox.export_store import ExportStore
from sandbox.exports import JOB_STATUSES, RETENTION, schedule_record
from sandbox.timestamps import parse_instant, to_nanoseconds
from sandbox.world import WorldSettings

_JOBS = "/api/v1/export/jobs"
_FINISHED = ("COMPLETED", "FAILED")


class _AnyText(Convertor[str]):
    """The rest of a path, whatever it holds: names of jobs and files may be anything."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("any_text", _AnyText())


class _LargeChunks(FileResponse):
    """Streams with Content-Length, ETag and Range; 64 KiB chunks would halve the speed."""

    chunk_size = 1 << 20


class _BadFilterError(ValueError):
    """A query parameter the API refuses with 400."""

    def __init__(self, attribute: str, detail: str) -> None:
        super().__init__(f"{attribute} {detail}")
        self.attribute = attribute


def _instant(query: QueryParams, name: str, default: datetime) -> datetime:
    text = query.get(name)
    try:
        return default if text is None else parse_instant(text)
    except ValueError as error:
        raise _BadFilterError(name, "must be a date in ISO 8601 format") from error


def _check_filters(status: str | None, start: datetime, end: datetime, now: datetime) -> None:
    if status is not None and status not in JOB_STATUSES:
        raise _BadFilterError("status", f"must be one of {', '.join(JOB_STATUSES)}")
    if start < now - RETENTION:
        raise _BadFilterError("startAt", "cannot be more than 14 days ago")
    if end < start:
        raise _BadFilterError("endAt", "cannot be before startAt")
    if end > now:
        raise _BadFilterError("endAt", "cannot be in the future")


def _filters(query: QueryParams, now: datetime) -> tuple[str | None, int, int]:
    status = query.get("status")
    start = _instant(query, "startAt", now - RETENTION)
    end = _instant(query, "endAt", now)
    _check_filters(status, start, end, now)
    return status, to_nanoseconds(start), to_nanoseconds(end)


def _job_and_rest(request: Request) -> tuple[str, list[str]]:
    """Return the job's id and what follows it, each decoded by itself: one may hold a slash."""
    path: bytes = request.scope["raw_path"]
    job_id, *rest = path.decode("ascii").removeprefix(f"{_JOBS}/").split("/")
    return unquote(job_id), [unquote(name) for name in rest]


def routes(settings: WorldSettings, clock: SandboxClock, store: ExportStore) -> list[Route]:
    """Return the routes of the export area."""

    async def list_schedules(_: Request) -> Response:
        return json_answer([schedule_record(settings, clock.now())])

    async def list_jobs(request: Request) -> Response:
        try:
            status, first, last = _filters(request.query_params, clock.now())
        except _BadFilterError as error:
            return error_answer(400, "invalid", str(error), error.attribute)
        return json_answer(
            [
                job.record()
                for job in store.jobs()
                if status in (None, job.status) and first <= job.updated_at <= last
            ]
        )

    async def get_job_or_file(request: Request) -> Response:
        job_id, rest = _job_and_rest(request)
        if rest[:1] == ["files"]:
            return await file_of(job_id, "/".join(rest[1:]))
        job = None if rest else store.job(job_id)
        return not_found() if job is None else json_answer(job.record())

    async def delete_job(request: Request) -> Response:
        job_id, rest = _job_and_rest(request)
        job = None if rest else store.job(job_id)
        if job is None:
            return not_found()
        if job.status not in _FINISHED:
            detail = f"a job with status [{job.status}] cannot be deleted before it has finished"
            return error_answer(400, "temporary_failure", detail, "status")
        store.remove(job.id)
        return Response(status_code=204)

    async def file_of(job_id: str, name: str) -> Response:
        # Writing the files of a large job takes seconds; other requests must not wait for it.
        path = await asyncio.to_thread(store.file, job_id, name)
        return (
            not_found() if path is None else _LargeChunks(path, media_type="application/x-ndjson")
        )

    return [
        Route("/api/v1/export/schedules", list_schedules),
        Route(_JOBS, list_jobs),
        Route(_JOBS + "/{rest:any_text}", get_job_or_file, methods=["GET"]),
        Route(_JOBS + "/{rest:any_text}", delete_job, methods=["DELETE"]),
    ]
