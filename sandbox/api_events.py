"""The event stream over HTTP (Gladly API reference, Events)."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sandbox.answers import error_answer
from sandbox.clock import SandboxClock
from sandbox.events import EventStream
from sandbox.timestamps import parse_instant, to_milliseconds

RETENTION = timedelta(hours=24)
ENTITIES = (
    "AGENT_AVAILABILITY",
    "AGENT_STATUS",
    "CONTACT",
    "CONVERSATION",
    "CUSTOMER",
    "CUSTOMER_PROFILE",
    "PAYMENT_REQUEST",
    "TASK",
    # not in the reference's list, though types of these entities are
    "CONVERSATION_ASSIGNEE",
    "CONVERSATION_STATUS",
)
_WITH_CONVERSATION = frozenset({"CONVERSATION_ASSIGNEE", "CONVERSATION_STATUS"})
_LINES_SENT_AT_ONCE = 500


class _BadParameterError(ValueError):
    """A query parameter the API refuses with 400."""

    def __init__(self, attribute: str, detail: str, code: str = "invalid") -> None:
        super().__init__(detail)
        self.attribute = attribute
        self.code = code


def _instant(query: QueryParams, name: str) -> datetime | None:
    text = query.get(name)
    try:
        return None if text is None else parse_instant(text)
    except ValueError as error:
        raise _BadParameterError(name, f"{name} must be a date in ISO 8601 format") from error


def _interval(query: QueryParams, now: datetime) -> tuple[datetime, datetime]:
    """Return the interval asked for, both ends inside.

    ```
    24 hours ago              now
    |---------------------------|      startAt lies in here, its first instant included
         startAt |-------------------| endAt lies anywhere after it
    ```

    Raises:
        _BadParameterError: The interval is missing, unreadable, too old or not an interval.
    """
    start, end = _instant(query, "startAt"), _instant(query, "endAt")
    if start is None:
        raise _BadParameterError("startAt", "startAt cannot be blank", "blank")
    if end is None:
        end = now
    if end <= start:
        raise _BadParameterError("startAt", "endAt must occur after startAt")
    if not now - RETENTION <= start <= now:
        raise _BadParameterError("startAt", "startAt must be within the last 24 hours")
    return start, end


def _entities(query: QueryParams) -> frozenset[str]:
    asked = query.getlist("entities")
    if not asked:
        raise _BadParameterError("entities", "entities cannot be blank", "blank")
    unknown = [entity for entity in asked if entity not in ENTITIES]
    if unknown:
        detail = f"entities must be among {', '.join(ENTITIES[:-2])}"
        raise _BadParameterError("entities", detail)
    return frozenset(asked) | (_WITH_CONVERSATION if "CONVERSATION" in asked else frozenset())


def _is_of(record: dict[str, Any], entities: frozenset[str]) -> bool:
    # an event that a test added may be of any type; one of no known entity comes with all others
    entity = str(record.get("type")).partition("/")[0]
    return entity in entities or entity not in ENTITIES


def _chunks(records: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    lines = (orjson.dumps(record) + b"\n" for record in records)
    while batch := list(islice(lines, _LINES_SENT_AT_ONCE)):
        yield b"".join(batch)


def routes(clock: SandboxClock, events: EventStream) -> list[Route]:
    """Return the route of the event stream."""

    async def list_events(request: Request) -> Response:
        now = clock.now()
        try:
            start, end = _interval(request.query_params, now)
            entities = _entities(request.query_params)
        except _BadParameterError as error:
            return error_answer(400, error.code, str(error), error.attribute)
        latest = to_milliseconds(now)
        records = (
            event.record
            for event in events.events(start, end)
            if event.visible_at <= latest and _is_of(event.record, entities)
        )
        return StreamingResponse(_chunks(records), media_type="application/x-jsonlines")

    return [Route("/api/v1/events", list_events)]
