"""The report endpoints (Gladly API reference, Generate a Report and Work Session Report)."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.answers import error_answer
from sandbox.clock import SandboxClock
from sandbox.directory import Directory
from sandbox.report_catalog import ALL_METRIC_SETS, WORK_SESSION_EVENTS_ENDPOINT
from sandbox.report_csv import WORK_SESSION_EVENTS, ReportOddities, report_csv
from sandbox.report_model import ReportModels
from sandbox.report_padding import PaddedModels
from sandbox.report_present import Present, present_of
from sandbox.report_refusals import ReportRequestError
from sandbox.report_request import (
    Days,
    Instants,
    ReportRequest,
    read_report_request,
    read_work_session_request,
)
from sandbox.reports import (
    MetricSet,
    RecordedEvents,
    ReportScope,
    ReportSources,
    report_scope,
    scope_of_instants,
)
from sandbox.world import World


def _file_name(name: str, span: Days | Instants, level: str | None) -> str:
    if isinstance(span, Instants):
        return f"{name}-{span.start:%Y%m%dT%H%MZ}-{span.end:%Y%m%dT%H%MZ}.csv"
    ending = "" if level is None else f"-{level[0].upper()}{level[1:]}"
    return f"{name}-{span.first:%Y%m%d}-{span.last:%Y%m%d}{ending}.csv"


def _scope(request: ReportRequest, now: datetime) -> ReportScope:
    span = request.span
    if isinstance(span, Instants):
        scope = scope_of_instants(span.start, span.end, now)
    else:
        try:
            scope = report_scope(span.first, span.last, span.timezone, now)
        except OverflowError as error:
            raise ReportRequestError("endAt", "invalid", "endAt is beyond the calendar") from error
    return scope._replace(level=request.level, choice=request.choice)


def _csv_answer(file: bytes, name: str) -> Response:
    return Response(
        file,
        headers={
            "Content-Type": "text/csv",  # named here, for Starlette would add a charset
            "Content-Disposition": f"attachment; filename={name}",
        },
    )


def routes(
    world: World,
    clock: SandboxClock,
    events: RecordedEvents,
    oddities: ReportOddities,
    directory: Directory | None = None,
) -> list[Route]:
    """Return the routes of the report area; `oddities` may be changed while they serve.

    Args:
        world: The organisation.
        clock: Its present.
        events: What the reports count.
        oddities: How their files look.
        directory: Its present names and teams, by default those of the world.
    """
    models, lists = ReportModels(events), directory or Directory(world, clock)

    def file_of(
        metric_set: MetricSet[Any], padded_as: str, scope: ReportScope, name: str, present: Present
    ) -> bytes:
        padded = oddities.pad_rows.get(padded_as)
        counted = models if padded is None else PaddedModels(models, world, padded)
        sources = ReportSources(events, present.names, present, world, counted)
        return report_csv(metric_set, metric_set.records(scope, sources), name, oddities)

    def report(body: bytes, now: datetime) -> Response:
        present = present_of(lists)
        request = read_report_request(body, ALL_METRIC_SETS, present)
        scope = _scope(request, now)
        metric_set = ALL_METRIC_SETS[request.metric_set]
        level = request.level if metric_set.has_levels else None
        name = _file_name(request.metric_set, request.span, level)
        return _csv_answer(file_of(metric_set, request.metric_set, scope, name, present), name)

    def work_sessions(body: bytes, now: datetime) -> Response:
        span = read_work_session_request(body)
        scope = scope_of_instants(span.start, span.end, now)
        name = _file_name("WorkSessionEventsReport", span, None)
        metric_set = WORK_SESSION_EVENTS_ENDPOINT
        file = file_of(metric_set, WORK_SESSION_EVENTS, scope, name, present_of(lists))
        return _csv_answer(file, name)

    def refusing(answer: Callable[[bytes, datetime], Response], body: bytes) -> Response:
        try:
            return answer(body, clock.now())
        except ReportRequestError as error:
            return error_answer(400, error.code, str(error), error.attribute)

    async def generate_report(request: Request) -> Response:
        # A report of many events takes seconds; other requests must not wait for it.
        return await asyncio.to_thread(refusing, report, await request.body())

    async def generate_work_sessions(request: Request) -> Response:
        return await asyncio.to_thread(refusing, work_sessions, await request.body())

    return [
        Route("/api/v1/reports", generate_report, methods=["POST"]),
        Route("/api/v1/reports/work-session-events", generate_work_sessions, methods=["POST"]),
    ]
