"""The report endpoint: requests, days, rows and files."""

import asyncio
import csv
import io
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from sandbox import (
    Sandbox,
    SandboxClock,
    SandboxSettings,
    World,
    WorldSettings,
    api_directory,
    api_reports,
)
from sandbox.report_catalog import METRIC_SETS
from sandbox.report_csv import ReportOddities
from sandbox.reports import RecordedEvents, report_scope

REPORTS = "/api/v1/reports"
WORLD = World(WorldSettings(items=100, days=2))
AGENT, OTHER_AGENT = WORLD.agents[0], WORLD.agents[7]
INBOX, OTHER_INBOX = WORLD.inboxes[0], WORLD.inboxes[3]
TOPIC = WORLD.topics[13]
AGENTS, TASKS = "AgentTimestampsReport", "TaskTimestampsReport"
LONG_AFTER = datetime(2026, 4, 1, tzinfo=UTC)
BEFORE = {"assignee": {"inboxId": INBOX["id"], "agentId": AGENT["id"]}}
TASK_BEFORE = BEFORE | {
    "dueAt": "2026-03-04T08:00:00.000Z",
    "createdAt": "2026-03-01T07:30:00.5Z",
}
AFTER = {"inboxId": OTHER_INBOX["id"], "agentId": OTHER_AGENT["id"]}
SCHEMAS = orjson.loads(
    (Path(__file__).parents[1] / "reference" / "gladly-schemas.json").read_bytes()
)["$defs"]


class Recorded(NamedTuple):
    recorded_at: int
    record: dict[str, Any]


class Script:
    """Events a test wrote down, served as the world's stream serves its own."""

    def __init__(self, *events: Recorded) -> None:
        self._events = events

    def events(self, start: datetime, end: datetime) -> Iterator[Recorded]:
        for event in sorted(self._events, key=lambda event: event.recorded_at):
            if milliseconds(start) <= event.recorded_at <= milliseconds(end):
                yield event


def milliseconds(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def event(
    event_type: str,
    content: dict[str, Any] | None = None,
    *,
    at: str = "2026-03-02T10:00:00.000Z",
    number: int = 0,
) -> Recorded:
    record = {
        "id": f"event-{number}",
        "type": event_type,
        "timestamp": at,
        "initiator": {"id": AGENT["id"], "type": "AGENT"},
        "content": content or {},
    }
    return Recorded(milliseconds(datetime.fromisoformat(at)), record)


def body_of(metric_set: str, **fields: object) -> dict[str, Any]:
    days = {"startAt": "2026-03-02", "endAt": "2026-03-02", "timezone": "UTC"}
    return {"metricSet": metric_set} | days | fields


async def post(
    body: bytes, events: RecordedEvents, now: datetime, oddities: ReportOddities
) -> httpx.Response:
    app = Starlette(routes=api_reports.routes(WORLD, SandboxClock(now), events, oddities))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        return await client.post(REPORTS, content=body)


def answer(
    body: object,
    *events: Recorded,
    now: datetime = LONG_AFTER,
    oddities: ReportOddities | None = None,
) -> httpx.Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return asyncio.run(post(content, Script(*events), now, oddities or ReportOddities()))


def lines_of(file: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.decode(), newline=""), strict=True))


def rows_of(answered: httpx.Response) -> list[dict[str, str]]:
    assert answered.status_code == 200
    header, *lines = lines_of(answered.content)
    return [dict(zip(header, line, strict=True)) for line in lines]


def report(metric_set: str, *events: Recorded, **fields: object) -> list[dict[str, str]]:
    return rows_of(answer(body_of(metric_set, **fields), *events))


# The columns as the reports' public pages and public clients name them.
FIRST = "Timezone Filter,Timestamp,Event Type"
INITIATOR = "Initiator Type,Initiator ID,Initiator Agent Name"
ASSIGNED = "Assigned Inbox ID,Assigned Inbox Name,Assigned Agent ID,Assigned Agent Name"
HEADERS = {
    "AgentTimestampsReport": (
        "Timezone Filter,Teams Filter,Timestamp,Occurred At,Agent,Type,Available For,"
        "Away Reason,Active Reason,Agent ID"
    ),
    "ContactTimestampsReport": (
        f"{FIRST},Contact ID,Conversation ID,Customer ID,Channel,{INITIATOR},{ASSIGNED},"
        "Transferred To Inbox Name,Final IVR Selection,Fulfilled by Contact ID"
    ),
    "ConversationTimestampsReport": (
        f"{FIRST},Conversation ID,Customer ID,{INITIATOR},{ASSIGNED},Topic ID,Topic Name,"
        "Newly Assigned Inbox ID,Newly Assigned Inbox Name,"
        "Newly Assigned Agent ID,Newly Assigned Agent Name,Assignment Update Reason,"
        "Merged Customer ID,Merged Conversation ID"
    ),
    "TaskTimestampsReport": (
        f"{FIRST},Task ID,Customer ID,{INITIATOR},{ASSIGNED},Newly Assigned Inbox ID,"
        "Newly Assigned Agent ID,Due At,Created At,Comment ID,Follower Agent ID"
    ),
}


@pytest.mark.parametrize("metric_set", METRIC_SETS)
def test_a_report_without_rows_is_its_header(metric_set: str) -> None:
    answered = answer(body_of(metric_set))
    assert answered.status_code == 200
    assert answered.content == HEADERS[metric_set].encode() + b"\r\n"


NOT_REPORTED = ("AGENT_AVAILABILITY/FOCUS_", "CONVERSATION/CUSTOM_ATTRIBUTE_", "CUSTOMER_PROFILE/")
RENAMED = {
    "CONVERSATION/NOTE_CREATED": "NOTE/CREATED",
    "PAYMENT_REQUEST/STATUS_CHANGED": "PAYMENT_REQUEST/CHANGED",
}


def listed_event_types() -> list[str]:
    return [
        schema["properties"]["type"]["const"]
        for schema in SCHEMAS.values()
        if schema.get("x-in-events-list")
    ]


def any_content(event_type: str) -> dict[str, Any]:
    return {"context": TASK_BEFORE} | (
        {"availableFor": ["MAIL"]} if event_type == "AGENT_AVAILABILITY/UPDATED" else {}
    )


def test_every_listed_event_type_is_in_its_report_under_its_name() -> None:
    types = listed_event_types()
    assert len(types) == 45
    events = [event(event_type, any_content(event_type)) for event_type in types]
    shown = {
        metric_set: sorted(
            row.get("Event Type") or row["Type"] for row in report(metric_set, *events)
        )
        for metric_set in METRIC_SETS
    }

    def named(*prefixes: str) -> list[str]:
        return sorted(
            RENAMED.get(event_type, event_type)
            for event_type in types
            if event_type.startswith(prefixes) and not event_type.startswith(NOT_REPORTED)
        )

    assert shown == {
        "AgentTimestampsReport": named("AGENT_"),
        "ContactTimestampsReport": named("CONTACT/", "PAYMENT_REQUEST/"),
        "ConversationTimestampsReport": named("CONVERSATION", "CUSTOMER/MERGED"),
        "TaskTimestampsReport": named("TASK/"),
    }
    assert [len(shown[metric_set]) for metric_set in METRIC_SETS] == [6, 15, 8, 9]


ASSIGNED_BEFORE = {
    "Assigned Inbox ID": INBOX["id"],
    "Assigned Inbox Name": INBOX["name"],
    "Assigned Agent ID": AGENT["id"],
    "Assigned Agent Name": AGENT["name"],
}
BY_THE_AGENT = {
    "Initiator Type": "AGENT",
    "Initiator ID": AGENT["id"],
    "Initiator Agent Name": AGENT["name"],
}
OF_CONTACT = {"contactId": "contact", "conversationId": "conversation", "customerId": "customer"}
CONTACT_IDS = {
    "Contact ID": "contact",
    "Conversation ID": "conversation",
    "Customer ID": "customer",
}
OF_TASK = {"taskId": "task", "customerId": "customer", "context": TASK_BEFORE}
TASK_CELLS = {
    "Task ID": "task",
    "Customer ID": "customer",
    "Due At": "2026-03-04T08:00:00.000Z",
    "Created At": "2026-03-01T07:30:00.500Z",
    **BY_THE_AGENT,
    **ASSIGNED_BEFORE,
}
OF_AGENT = {"agentId": AGENT["id"], "occurredAt": "2026-03-02T09:59:58.12Z"}
AGENT_CELLS = {
    "Teams Filter": "All Teams",
    "Occurred At": "2026-03-02T09:59:58.120Z",
    "Agent": AGENT["name"],
    "Agent ID": AGENT["id"],
}


@pytest.mark.parametrize(
    ("metric_set", "event_type", "content", "cells"),
    [
        (
            "AgentTimestampsReport",
            "AGENT_AVAILABILITY/UPDATED",
            {**OF_AGENT, "availableFor": ["MAIL", "VOICE"]},
            {**AGENT_CELLS, "Available For": "[MAIL, VOICE]"},
        ),
        (
            "AgentTimestampsReport",
            "AGENT_AVAILABILITY/UPDATED",
            {**OF_AGENT, "availableFor": []},
            {**AGENT_CELLS, "Available For": "[ ]"},
        ),
        (
            "AgentTimestampsReport",
            "AGENT_STATUS/RETURNED_FROM_AWAY",
            {
                **OF_AGENT,
                "awayAt": "2026-03-02T09:00:00.000Z",
                "awayReason": {"id": "away", "name": "Coffee"},
                "activeReason": {"id": "active", "name": "Triage"},
            },
            {**AGENT_CELLS, "Away Reason": "Coffee", "Active Reason": "Triage"},
        ),
        ("AgentTimestampsReport", "AGENT_STATUS/LOGGED_OUT", OF_AGENT, AGENT_CELLS),
        (
            "ContactTimestampsReport",
            "CONTACT/STARTED",
            {**OF_CONTACT, "channel": "PHONE_CALL", "finalIVRSelection": "2: orders, returns"},
            {
                **CONTACT_IDS,
                **BY_THE_AGENT,
                "Channel": "PHONE_CALL",
                "Final IVR Selection": "2: orders, returns",
            },
        ),
        (
            "ContactTimestampsReport",
            "CONTACT/FULFILLED",
            {**OF_CONTACT, "channel": "SMS", "fulfilledType": "RESPONDED", "context": BEFORE},
            {
                **CONTACT_IDS,
                **BY_THE_AGENT,
                **ASSIGNED_BEFORE,
                "Channel": "SMS",
                "Fulfilled by Contact ID": "contact",
            },
        ),
        (
            "ContactTimestampsReport",
            "CONTACT/TRANSFERRED",
            {**OF_CONTACT, "channel": "CHAT", "assignee": AFTER, "context": BEFORE},
            {
                **CONTACT_IDS,
                **BY_THE_AGENT,
                **ASSIGNED_BEFORE,
                "Channel": "CHAT",
                "Transferred To Inbox Name": OTHER_INBOX["name"],
            },
        ),
        (
            "ContactTimestampsReport",
            "PAYMENT_REQUEST/STATUS_CHANGED",
            {**OF_CONTACT, "newStatus": "ERROR", "context": {"currency": "EUR"}},
            {**CONTACT_IDS, **BY_THE_AGENT, "Event Type": "PAYMENT_REQUEST/CHANGED"},
        ),
        (
            "ConversationTimestampsReport",
            "CONVERSATION/TOPIC_REMOVED",
            {
                "conversationId": "conversation",
                "customerId": "customer",
                "topicId": TOPIC["id"],
                "context": {"assignee": {"inboxId": INBOX["id"]}},
            },
            {
                "Conversation ID": "conversation",
                "Customer ID": "customer",
                **BY_THE_AGENT,
                "Assigned Inbox ID": INBOX["id"],
                "Assigned Inbox Name": INBOX["name"],
                "Topic ID": TOPIC["id"],
                "Topic Name": TOPIC["name"],
            },
        ),
        (
            "ConversationTimestampsReport",
            "CONVERSATION_ASSIGNEE/UPDATED",
            {
                "conversationId": "conversation",
                "customerId": "customer",
                "reason": "MANUAL",
                "assignee": AFTER,
                "context": BEFORE,
            },
            {
                "Conversation ID": "conversation",
                "Customer ID": "customer",
                **BY_THE_AGENT,
                **ASSIGNED_BEFORE,
                "Newly Assigned Inbox ID": OTHER_INBOX["id"],
                "Newly Assigned Inbox Name": OTHER_INBOX["name"],
                "Newly Assigned Agent ID": OTHER_AGENT["id"],
                "Newly Assigned Agent Name": OTHER_AGENT["name"],
                "Assignment Update Reason": "MANUAL",
            },
        ),
        (
            "ConversationTimestampsReport",
            "CONVERSATION/NOTE_CREATED",
            {"noteId": "note", "conversationId": "conversation", "customerId": "customer"},
            {
                "Event Type": "NOTE/CREATED",
                "Conversation ID": "conversation",
                "Customer ID": "customer",
                **BY_THE_AGENT,
            },
        ),
        (
            "ConversationTimestampsReport",
            "CUSTOMER/MERGED",
            {
                "sourceCustomerId": "loser",
                "destinationCustomerId": "survivor",
                "sourceConversationId": "gone",
                "destinationConversationId": "kept",
            },
            {
                "Conversation ID": "kept",
                "Customer ID": "survivor",
                **BY_THE_AGENT,
                "Merged Customer ID": "loser",
                "Merged Conversation ID": "gone",
            },
        ),
        (
            "ConversationTimestampsReport",
            "CUSTOMER/MERGED",
            {
                "sourceCustomerId": "loser",
                "destinationCustomerId": "survivor",
                "sourceConversationId": None,
                "destinationConversationId": "",
            },
            {"Customer ID": "survivor", **BY_THE_AGENT, "Merged Customer ID": "loser"},
        ),
        (
            "TaskTimestampsReport",
            "TASK/ASSIGNEE_UPDATED",
            {**OF_TASK, "assignee": AFTER},
            {
                **TASK_CELLS,
                "Newly Assigned Inbox ID": OTHER_INBOX["id"],
                "Newly Assigned Agent ID": OTHER_AGENT["id"],
            },
        ),
        (
            "TaskTimestampsReport",
            "TASK/DUE_DATE_UPDATED",
            {**OF_TASK, "dueAt": "2026-03-09T08:00:00.000Z"},
            {**TASK_CELLS, "Due At": "2026-03-09T08:00:00.000Z"},
        ),
        (
            "TaskTimestampsReport",
            "TASK/DUE_DATE_UPDATED",
            OF_TASK,
            {column: cell for column, cell in TASK_CELLS.items() if column != "Due At"},
        ),
        (
            "TaskTimestampsReport",
            "TASK/COMMENT_ADDED",
            {**OF_TASK, "commentId": "comment"},
            {**TASK_CELLS, "Comment ID": "comment"},
        ),
        (
            "TaskTimestampsReport",
            "TASK/FOLLOWER_REMOVED",
            {**OF_TASK, "agentId": OTHER_AGENT["id"]},
            {**TASK_CELLS, "Follower Agent ID": OTHER_AGENT["id"]},
        ),
    ],
)
def test_a_row_says_what_its_event_says_and_nothing_else(
    metric_set: str, event_type: str, content: dict[str, Any], cells: dict[str, str]
) -> None:
    (row,) = report(metric_set, event(event_type, content))
    filled = {column: cell for column, cell in row.items() if cell}
    type_column = "Type" if metric_set == "AgentTimestampsReport" else "Event Type"
    always = {
        "Timezone Filter": "UTC",
        "Timestamp": "2026-03-02T10:00:00.000Z",
        type_column: event_type,
    }
    assert filled == always | cells


@pytest.mark.parametrize(
    ("initiator_type", "initiator_id"), [("SYSTEM", "SIDEKICK_V2"), ("CUSTOMER", AGENT["id"])]
)
def test_only_an_agent_who_acts_is_named(initiator_type: str, initiator_id: str) -> None:
    created = event("TASK/CREATED")
    created.record["initiator"] = {"id": initiator_id, "type": initiator_type}
    (row,) = report("TaskTimestampsReport", created)
    assert (row["Initiator Type"], row["Initiator ID"]) == (initiator_type, initiator_id)
    assert row["Initiator Agent Name"] == ""


def test_whoever_left_the_organisation_is_an_id_without_a_name() -> None:
    moved = event(
        "CONVERSATION_ASSIGNEE/UPDATED", {"assignee": {"inboxId": "gone", "agentId": "gone"}}
    )
    (row,) = report("ConversationTimestampsReport", moved)
    assert (row["Newly Assigned Agent ID"], row["Newly Assigned Agent Name"]) == ("gone", "")


HOSTILE_RECORDS: list[dict[str, Any]] = [
    {},
    {"type": None},
    {"type": ["TASK/CREATED"]},
    {"type": "TASK/CREATED"},
    {"type": "TASK/CREATED", "content": "text", "initiator": 5},
    {"type": "TASK/CREATED", "content": {"context": {"createdAt": "soon", "assignee": []}}},
    {"type": "TASK/CREATED", "content": {"taskId": 5, "context": {"dueAt": "9999-12-31T23:59-09"}}},
    {"type": "AGENT_AVAILABILITY/UPDATED", "content": {"availableFor": None}},
    {"type": "AGENT_AVAILABILITY/UPDATED", "content": {"availableFor": [5], "agentId": []}},
]


def test_an_event_that_breaks_the_rules_is_shown_as_well_as_it_can_be() -> None:
    events = [Recorded(event("").recorded_at, record) for record in HOSTILE_RECORDS]
    assert len(report(TASKS, *events)) == 4
    assert sorted(row["Available For"] for row in report(AGENTS, *events)) == ["[ ]", "[5]"]


def test_no_report_shows_the_id_of_an_event() -> None:
    events = [
        event(event_type, any_content(event_type), number=number)
        for number, event_type in enumerate(listed_event_types())
    ]
    for metric_set in METRIC_SETS:
        assert "event-" not in answer(body_of(metric_set), *events).text


@pytest.mark.parametrize(
    ("timezone", "at", "shown"),
    [
        ("UTC", "2026-03-02T10:00:00.000Z", "2026-03-02T10:00:00.000Z"),
        ("Etc/UTC", "2026-03-02T10:00:00.007Z", "2026-03-02T10:00:00.007Z"),
        ("America/Los_Angeles", "2026-03-02T10:00:00.123Z", "2026-03-02T02:00:00.123-08:00"),
        ("Asia/Kathmandu", "2026-03-02T10:00:00.999Z", "2026-03-02T15:45:00.999+05:45"),
        ("Europe/London", "2026-03-02T10:00:00.000Z", "2026-03-02T10:00:00.000Z"),
        ("America/Los_Angeles", "2026-11-01T08:30:00.000Z", "2026-11-01T01:30:00.000-07:00"),
        ("America/Los_Angeles", "2026-11-01T09:30:00.000Z", "2026-11-01T01:30:00.000-08:00"),
    ],
)
def test_instants_are_shown_in_the_zone_of_the_report(timezone: str, at: str, shown: str) -> None:
    created = event("TASK/CREATED", {"context": TASK_BEFORE | {"createdAt": at}}, at=at)
    body = body_of("TaskTimestampsReport", endAt="2026-12-31", timezone=timezone)
    (row,) = rows_of(answer(body, created, now=datetime(2027, 1, 1, tzinfo=UTC)))
    assert (row["Timezone Filter"], row["Timestamp"]) == (timezone, shown)
    assert row["Created At"] == row["Timestamp"]


def shown_of(
    instants: Sequence[str], *, now: datetime = LONG_AFTER, **fields: str | None
) -> list[str]:
    """Return which of the instants, in UTC, a report shows when an event happens at each."""
    events = [event("TASK/CREATED", at=at) for at in instants]
    rows = rows_of(answer(body_of("TaskTimestampsReport", **fields), *events, now=now))
    shown = {datetime.fromisoformat(row["Timestamp"]) for row in rows}
    assert len(rows) == len(shown)
    return [at for at in instants if datetime.fromisoformat(at) in shown]


def test_the_last_day_is_included_in_full_and_the_next_one_not_at_all() -> None:
    instants = [
        "2026-03-01T23:59:59.999Z",
        "2026-03-02T00:00:00.000Z",
        "2026-03-03T23:59:59.999Z",
        "2026-03-04T00:00:00.000Z",
    ]
    assert shown_of(instants, startAt="2026-03-02", endAt="2026-03-03") == instants[1:3]


def test_without_a_timezone_the_days_are_those_of_the_organisation() -> None:
    instants = ["2026-03-02T07:59:59.999Z", "2026-03-02T08:00:00.000Z", "2026-03-03T07:59:59.999Z"]
    assert shown_of(instants, timezone=None) == instants[1:]
    body = body_of("TaskTimestampsReport")
    del body["timezone"]
    (row,) = rows_of(answer(body, event("TASK/CREATED")))
    assert row["Timezone Filter"] == "America/Los_Angeles"


def test_the_day_the_clocks_change_has_23_hours() -> None:
    instants = [
        "2026-03-08T07:59:59.999Z",
        "2026-03-08T08:00:00.000Z",
        "2026-03-09T06:59:59.999Z",
        "2026-03-09T07:00:00.000Z",
    ]
    shown = shown_of(
        instants, startAt="2026-03-08", endAt="2026-03-08", timezone="America/Los_Angeles"
    )
    assert shown == instants[1:3]


def test_reports_are_an_hour_behind_to_the_millisecond() -> None:
    instants = ["2026-03-02T10:00:00.000Z", "2026-03-02T10:00:00.001Z"]
    now = datetime(2026, 3, 2, 11, tzinfo=UTC)
    assert shown_of(instants, now=now) == instants[:1]
    assert shown_of(instants, now=now + timedelta(milliseconds=1)) == instants
    assert shown_of(instants, now=now - timedelta(microseconds=1)) == []


@pytest.mark.parametrize("timezone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_a_report_can_begin_with_the_calendar(timezone: str) -> None:
    instants = ["2026-03-02T10:00:00.000Z"]
    assert shown_of(instants, startAt="0001-01-01", timezone=timezone) == instants
    body = body_of(TASKS, startAt="0001-01-01", endAt="0001-01-01", timezone=timezone)
    assert rows_of(answer(body, event("TASK/CREATED"))) == []


def test_a_day_that_has_not_come_yet_is_empty() -> None:
    assert shown_of(["2026-03-02T10:00:00.000Z"], now=datetime(2026, 1, 1, tzinfo=UTC)) == []


@given(
    day=st.dates(date(2000, 1, 1), date(2037, 12, 31)),
    zone=st.sampled_from(
        ["UTC", "America/Los_Angeles", "Africa/Cairo", "America/Havana", "Asia/Kathmandu"]
    ),
    length=st.integers(0, 40),
)
def test_the_windows_of_adjacent_days_leave_no_gap_and_share_nothing(
    day: date, zone: str, length: int
) -> None:
    timezone, now = ZoneInfo(zone), datetime(2040, 1, 1, tzinfo=UTC)
    last = day + timedelta(days=length)
    scope = report_scope(day, last, timezone, now)
    after = report_scope(last + timedelta(days=1), last + timedelta(days=1), timezone, now)
    assert scope.end + timedelta(milliseconds=1) == after.start
    assert scope.start.astimezone(timezone).date() == day
    assert scope.end.astimezone(timezone).date() == last


@pytest.mark.parametrize(
    ("body", "attribute", "code"),
    [
        (b"", None, "invalid"),
        (b"{", None, "invalid"),
        ([], None, "invalid"),
        ({}, "metricSet", "blank"),
        (body_of("NoSuchReport"), "metricSet", "invalid"),
        (body_of("taskTimestampsReport"), "metricSet", "invalid"),
        (body_of(TASKS, metricSet=5), "metricSet", "invalid"),
        ({"metricSet": TASKS, "endAt": "2026-03-02"}, "startAt", "blank"),
        (body_of(TASKS, endAt=""), "endAt", "blank"),
        (body_of(TASKS, startAt=20260302), "startAt", "invalid"),
        (body_of(TASKS, startAt="20260302"), "startAt", "invalid"),
        (body_of(TASKS, startAt="2026-3-2"), "startAt", "invalid"),
        (body_of(TASKS, startAt="2026-02-30"), "startAt", "invalid"),
        (body_of(TASKS, startAt="2026-W10-1"), "startAt", "invalid"),
        (body_of(TASKS, endAt="2026-03-02T00:00:00Z"), "endAt", "invalid"),
        (body_of(TASKS, startAt="2026-03-03"), "endAt", "invalid"),
        (body_of(TASKS, endAt="9999-12-31"), "endAt", "invalid"),
        (body_of(TASKS, timezone="Mars/Olympus"), "timezone", "invalid"),
        (body_of(TASKS, timezone="../UTC"), "timezone", "invalid"),
        (body_of(TASKS, timezone="Europe"), "timezone", "invalid"),
        (body_of(TASKS, timezone=0), "timezone", "invalid"),
        (body_of(TASKS, startAtTime="2026-03-02T00:00Z"), "startAtTime", "invalid"),
        (body_of(TASKS, endAtTime="2026-03-02T00:00Z"), "endAtTime", "invalid"),
        (body_of(TASKS, aggregationLevel="hourly"), "aggregationLevel", "invalid"),
        (body_of(TASKS, filters=[]), "filters", "invalid"),
        (body_of(TASKS, filters={"teams": []}), "filters.teams", "invalid"),
        (body_of(AGENTS, filters={"inboxes": []}), "filters.inboxes", "invalid"),
        (body_of(AGENTS, filters={"teams": "all"}), "filters.teams", "invalid"),
        (body_of(AGENTS, filters={"teams": ["nobody"]}), "filters.teams", "present"),
    ],
    ids=str,
)
def test_what_cannot_be_reported_is_refused_with_the_field_named(
    body: object, attribute: str | None, code: str
) -> None:
    answered = answer(body)
    assert answered.status_code == 400
    assert answered.headers["content-type"] == "application/json"
    (error,) = answered.json()["errors"]
    assert (error.get("attr"), error["code"]) == (attribute, code)
    assert error["detail"]


def test_filters_that_choose_everything_are_accepted() -> None:
    assert answer(body_of(AGENTS, filters={"teams": []})).status_code == 200
    assert answer(body_of(TASKS, filters={}, aggregationLevel="daily")).status_code == 200


def test_the_file_is_named_and_its_type_has_no_charset() -> None:
    answered = answer(body_of(TASKS, endAt="2026-03-04"))
    assert answered.headers["content-type"] == "text/csv"
    disposition = "attachment; filename=TaskTimestampsReport-20260302-20260304.csv"
    assert answered.headers["content-disposition"] == disposition


def test_cells_are_quoted_where_they_need_it_and_nowhere_else() -> None:
    reason = 'A "long", wet\nWalk — Größe'
    away = event("AGENT_STATUS/WENT_AWAY", {**OF_AGENT, "awayReason": {"id": "1", "name": reason}})
    file = answer(body_of(AGENTS), away).content
    assert b',"A ""long"", wet\nWalk \xe2\x80\x94 Gr\xc3\xb6\xc3\x9fe",' in file
    assert file.count(b'"') == 6
    assert file.count(b"\r\n") == 2
    assert file.endswith(b"\r\n")
    assert lines_of(file)[1][7] == reason


def many(count: int) -> list[Recorded]:
    return [event("TASK/CREATED", {"taskId": f"task {n:04}"}) for n in range(count)]


def task_ids(answered: httpx.Response) -> list[str]:
    return [row["Task ID"] for row in rows_of(answered)]


def test_rows_come_in_no_order_but_the_same_each_time() -> None:
    events = many(200)
    first = answer(body_of(TASKS), *events)
    assert answer(body_of(TASKS), *events).content == first.content
    ids = task_ids(first)
    assert ids != sorted(ids)
    assert sorted(ids) == [event.record["content"]["taskId"] for event in events]
    assert task_ids(answer(body_of(TASKS, endAt="2026-03-03"), *events)) != ids


def test_equal_events_make_equal_rows_and_none_is_dropped() -> None:
    rows = report(TASKS, *[event("TASK/CREATED", number=number) for number in range(3)])
    assert len(rows) == 3
    assert len({tuple(row.items()) for row in rows}) == 1


def test_beyond_the_cap_rows_are_missing_from_anywhere() -> None:
    events = many(500)
    cut = answer(body_of(TASKS), *events, oddities=ReportOddities(row_cap=100))
    ids = task_ids(cut)
    assert len(set(ids)) == len(ids) == 100
    assert min(ids) < "task 0100"
    assert max(ids) > "task 0400"
    exact = answer(body_of(TASKS), *events, oddities=ReportOddities(row_cap=500))
    assert exact.content == answer(body_of(TASKS), *events).content


def test_a_file_can_begin_with_a_mark_and_blank_lines() -> None:
    plain = answer(body_of(TASKS), *many(2)).content
    oddities = ReportOddities(byte_order_mark=True, blank_lines_before_header=2)
    odd = answer(body_of(TASKS), *many(2), oddities=oddities).content
    assert odd == b"\xef\xbb\xbf\r\n\r\n" + plain


def test_a_report_without_rows_can_be_empty_or_a_blank_line() -> None:
    oddities = ReportOddities(empty_body_when_no_rows=True)
    empty = answer(body_of(TASKS), oddities=oddities)
    assert (empty.status_code, empty.content) == (200, b"")
    assert len(rows_of(answer(body_of(TASKS), *many(2), oddities=oddities))) == 2
    oddities.blank_lines_before_header = 1
    assert answer(body_of(TASKS), oddities=oddities).content == b"\r\n"


def test_a_file_can_have_a_column_nobody_knows() -> None:
    oddities = ReportOddities(extra_column="Task Priority")
    rows = rows_of(answer(body_of(TASKS), *many(2), oddities=oddities))
    assert [list(row)[-1] for row in rows] == ["Task Priority"] * 2
    assert all(row["Task Priority"] for row in rows)
    (header,) = lines_of(answer(body_of(TASKS), oddities=oddities).content)
    assert ",".join(header) == HEADERS[TASKS] + ",Task Priority"


def test_other_requests_are_answered_while_a_report_is_made() -> None:
    begun, answered_meanwhile = threading.Event(), threading.Event()

    class Slow:
        def events(self, start: datetime, end: datetime) -> Iterator[Recorded]:
            assert start <= end
            begun.set()
            assert answered_meanwhile.wait(timeout=20)
            yield event("TASK/CREATED")

    async def talk() -> httpx.Response:
        oddities = ReportOddities()
        reports = api_reports.routes(WORLD, SandboxClock(LONG_AFTER), Slow(), oddities)
        app = Starlette(routes=[*reports, *api_directory.routes(WORLD)])
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            asked = asyncio.create_task(client.post(REPORTS, json=body_of(TASKS)))
            assert await asyncio.to_thread(begun.wait, timeout=20)
            assert (await client.get("/api/v1/agents")).status_code == 200
            answered_meanwhile.set()
            return await asked

    assert len(rows_of(asyncio.run(talk()))) == 1


def client_of(sandbox: Sandbox) -> httpx.Client:
    return httpx.Client(base_url=sandbox.base_url, auth=(sandbox.email, sandbox.api_token))


ENTITIES = (
    "AGENT_AVAILABILITY", "AGENT_STATUS", "CONTACT", "CONVERSATION",
    "CUSTOMER", "CUSTOMER_PROFILE", "PAYMENT_REQUEST", "TASK",
)  # fmt: skip


def test_reports_repeat_the_events_of_a_day_and_nothing_else() -> None:
    settings = SandboxSettings(
        world=WorldSettings(items=3000, days=2), requests_per_second=1000, reports_per_minute=1000
    )
    day, midnight = "2026-03-02", datetime(2026, 3, 3, tzinfo=UTC)
    with Sandbox(settings) as sandbox, client_of(sandbox) as client:
        sandbox.clock.set(midnight)
        window = {"startAt": f"{day}T00:00:00.000Z", "entities": ENTITIES}
        listed = client.get("/api/v1/events", params=window)
        assert listed.status_code == 200
        sandbox.clock.set(midnight + timedelta(hours=2))
        rows = [
            row
            for metric_set in METRIC_SETS
            for row in rows_of(client.post(REPORTS, json=body_of(metric_set)))
        ]
    events = [orjson.loads(line) for line in listed.content.splitlines()]
    reported = [event for event in events if not event["type"].startswith(NOT_REPORTED)]
    assert 100 < len(reported) < len(events)
    kinds = {row.get("Event Type") or row["Type"] for row in rows}
    assert kinds >= {*RENAMED.values(), "CUSTOMER/MERGED", "TASK/CREATED", "AGENT_STATUS/LOGGED_IN"}
    assert Counter(
        (row.get("Event Type") or row["Type"], datetime.fromisoformat(row["Timestamp"]))
        for row in rows
    ) == Counter(
        (RENAMED.get(event["type"], event["type"]), datetime.fromisoformat(event["timestamp"]))
        for event in reported
    )


def test_every_column_is_filled_by_something_the_world_does() -> None:
    settings = SandboxSettings(
        world=WorldSettings(items=5000, days=2), now=LONG_AFTER, requests_per_second=1000
    )
    with Sandbox(settings) as sandbox, client_of(sandbox) as client:
        for metric_set in METRIC_SETS:
            body = body_of(metric_set, endAt="2026-03-04")
            rows = rows_of(client.post(REPORTS, json=body))
            empty = [column for column in rows[0] if not any(row[column] for row in rows)]
            assert (metric_set, empty) == (metric_set, [])


def test_a_running_sandbox_can_be_made_to_report_oddly_and_of_added_events() -> None:
    settings = SandboxSettings(
        world=WorldSettings(items=100, days=0), now=LONG_AFTER, requests_per_second=1000
    )
    with Sandbox(settings) as sandbox, client_of(sandbox) as client:
        for added in many(3):
            sandbox.add_event(added.record)
        sandbox.reports.row_cap = 2
        sandbox.reports.byte_order_mark = True
        file = client.post(REPORTS, json=body_of(TASKS)).content
        assert file.startswith(b"\xef\xbb\xbfTimezone Filter,")
        assert len(lines_of(file)) == 3
        sandbox.reports.row_cap = 3
        assert len(lines_of(client.post(REPORTS, json=body_of(TASKS)).content)) == 4
