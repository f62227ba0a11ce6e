"""Export endpoints: schedules, jobs and files (Gladly API reference, Export)."""

import asyncio
from datetime import datetime

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

_JOB = "/api/v1/export/jobs/{job_id}"
_FINISHED = ("COMPLETED", "FAILED")


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

    async def get_job(request: Request) -> Response:
        job = store.job(request.path_params["job_id"])
        return not_found() if job is None else json_answer(job.record())

    async def delete_job(request: Request) -> Response:
        job = store.job(request.path_params["job_id"])
        if job is None:
            return not_found()
        if job.status not in _FINISHED:
            detail = f"a job with status [{job.status}] cannot be deleted before it has finished"
            return error_answer(400, "temporary_failure", detail, "status")
        store.remove(job.id)
        return Response(status_code=204)

    async def get_file(request: Request) -> Response:
        # Writing the files of a large job takes seconds; other requests must not wait for it.
        path = await asyncio.to_thread(
            store.file, request.path_params["job_id"], request.path_params["name"]
        )
        return (
            not_found() if path is None else _LargeChunks(path, media_type="application/x-ndjson")
        )

    return [
        Route("/api/v1/export/schedules", list_schedules),
        Route("/api/v1/export/jobs", list_jobs),
        Route(_JOB, get_job, methods=["GET"]),
        Route(_JOB, delete_job, methods=["DELETE"]),
        Route(_JOB + "/files/{name:path}", get_file),
    ]
