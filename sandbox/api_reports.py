"""The report endpoint (Gladly API reference, Generate a Report)."""

import asyncio
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.answers import error_answer
from sandbox.clock import SandboxClock
from sandbox.report_catalog import METRIC_SETS
from sandbox.report_csv import ReportOddities, report_csv
from sandbox.report_request import ReportRequest, ReportRequestError, read_report_request
from sandbox.reports import RecordedEvents, ReportScope, ReportSources, names_of, report_scope
from sandbox.world import World


def _file_name(request: ReportRequest) -> str:
    return f"{request.metric_set}-{request.first_day:%Y%m%d}-{request.last_day:%Y%m%d}.csv"


def _scope(request: ReportRequest, now: datetime) -> ReportScope:
    try:
        return report_scope(request.first_day, request.last_day, request.timezone, now)
    except OverflowError as error:
        raise ReportRequestError("endAt", "invalid", "endAt is beyond the calendar") from error


def routes(
    world: World, clock: SandboxClock, events: RecordedEvents, oddities: ReportOddities
) -> list[Route]:
    """Return the routes of the report area; `oddities` may be changed while they serve."""
    sources = ReportSources(events, names_of(world))

    def answer(body: bytes, now: datetime) -> Response:
        try:
            request = read_report_request(body, METRIC_SETS)
            scope = _scope(request, now)
        except ReportRequestError as error:
            return error_answer(400, error.code, str(error), error.attribute)
        metric_set = METRIC_SETS[request.metric_set]
        name = _file_name(request)
        file = report_csv(metric_set, metric_set.records(scope, sources), name, oddities)
        return Response(
            file,
            headers={
                "Content-Type": "text/csv",  # named here, for Starlette would add a charset
                "Content-Disposition": f"attachment; filename={name}",
            },
        )

    async def generate_report(request: Request) -> Response:
        # A report of many events takes seconds; other requests must not wait for it.
        return await asyncio.to_thread(answer, await request.body(), clock.now())

    return [Route("/api/v1/reports", generate_report, methods=["POST"])]
