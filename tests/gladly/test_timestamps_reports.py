"""Rows of the timestamps reports as events: in the API's shape, and nothing of a row lost."""

import csv
import json
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.gladly.timestamps_reports import (
    _PLACES,
    AGENT_TIMESTAMPS,
    CONTACT_TIMESTAMPS,
    CONVERSATION_TIMESTAMPS,
    NOT_REPORTED,
    TASK_TIMESTAMPS,
    TIMESTAMPS_REPORTS,
    TimestampsReport,
    event_lines,
    event_record,
    healed_event_id,
)
from sources.streams.csv_records import BrokenRecord, CsvTable, column_key

MANY = settings(max_examples=300, derandomize=True, deadline=None)
REFERENCE = Path(__file__).parents[1] / "reference"
SCHEMAS = json.loads((REFERENCE / "gladly-schemas.json").read_text())["$defs"]
# the columns of each report as far as public pages show them
SHOWN = json.loads((REFERENCE / "gladly-timestamps-reports.json").read_text())
MAPPING = SCHEMAS["Event"]["x-discriminator"]["mapping"]
TYPES = {name: SCHEMAS[link.rpartition("/")[2]] for name, link in MAPPING.items()}
REPORTS = pytest.mark.parametrize(
    "report", TIMESTAMPS_REPORTS, ids=lambda report: report.metric_set
)

# what an event of the API has no place for
NO_PLACE = {
    "timezone_filter",
    "teams_filter",
    "agent",
    "initiator_agent_name",
    "assigned_inbox_name",
    "assigned_agent_name",
    "newly_assigned_inbox_name",
    "newly_assigned_agent_name",
    "topic_name",
    "transferred_to_inbox_name",
    "fulfilled_by_contact_id",
}
GENERAL = {"timestamp", "type", "event_type", "initiator_type", "initiator_id"}
TIME = "2026-03-02T10:00:00.120Z"
TIME_KEYS = {"timestamp", "occurred_at", "due_at", "created_at"}
TYPED_ROWS = [
    pytest.param(report, event_type, id=event_type)
    for report in TIMESTAMPS_REPORTS
    for event_type in sorted(report.columns)
]


def paths(schema: dict[str, Any], above: str = "") -> dict[str, str]:
    """Return the type of every leaf of a schema."""
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    if "properties" not in schema:
        return {above: schema.get("type", "string")}
    found: dict[str, str] = {}
    for name, member in schema["properties"].items():
        found |= paths(member, f"{above}.{name}".lstrip("."))
    return found


def leaves(value: object, above: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {above: value}
    found: dict[str, Any] = {}
    for name, member in value.items():
        found |= leaves(member, f"{above}.{name}".lstrip("."))
    return found


def event_of(report: TimestampsReport, row: dict[str, str]) -> dict[str, Any]:
    """Translate a row given by the headers of its columns; its id is told elsewhere."""
    event = event_record(report, [*row], [column_key(name) for name in row], [*row.values()])
    assert isinstance(event, dict), event
    assert event.pop("id").startswith("healed-")
    return event


def csv_of(header: list[str], *rows: list[str]) -> CsvTable:
    text = StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    return CsvTable(BytesIO(text.getvalue().encode()))


def test_every_event_type_of_the_api_is_in_one_report_or_in_none_that_is_known() -> None:
    listed = sorted(event_type for report in TIMESTAMPS_REPORTS for event_type in report.columns)
    assert sorted([*listed, *NOT_REPORTED]) == sorted(TYPES)


@REPORTS
def test_every_column_a_report_shows_has_a_place_or_none_is_expected(
    report: TimestampsReport,
) -> None:
    shown = {column["key"] for column in SHOWN[report.metric_set]}
    placed = {key for columns in report.columns.values() for key in columns}
    assert shown - placed - GENERAL <= NO_PLACE
    assert {column_key(column["name"]) for column in SHOWN[report.metric_set]} == shown


@pytest.mark.parametrize(("report", "event_type"), TYPED_ROWS)
def test_a_row_with_every_cell_filled_has_the_shape_of_its_type(
    report: TimestampsReport, event_type: str
) -> None:
    keys = {*_PLACES, *(column["key"] for column in SHOWN[report.metric_set])} - {"type"}
    row = {key: f"value-of-{key}" for key in keys} | dict.fromkeys(TIME_KEYS, TIME)
    row |= dict.fromkeys(("agent_id", "follower_agent_id"), "agent-1")
    row |= {"available_for": "[MAIL, VOICE]", "event_type": event_type}
    event = event_of(report, row)
    left = event.pop("report")
    in_schema = paths(TYPES[event_type])
    for path, value in leaves(event).items():
        assert in_schema[path] == ("array" if isinstance(value, list) else "string")
    has_place = {*report.columns[event_type], *GENERAL}
    assert left == {key: cell for key, cell in row.items() if key not in has_place}


CONVERSATION_ROW = {
    "Timezone Filter": "UTC",
    "Timestamp": "2026-03-02T10:00:00.120Z",
    "Event Type": "CONVERSATION_ASSIGNEE/UPDATED",
    "Conversation ID": "conversation-1",
    "Customer ID": "customer-1",
    "Initiator Type": "AGENT",
    "Initiator ID": "agent-1",
    "Initiator Agent Name": "Ada Example",
    "Assigned Inbox ID": "inbox-1",
    "Assigned Inbox Name": "Billing",
    "Assigned Agent ID": "",
    "Topic ID": "",
    "Newly Assigned Inbox ID": "inbox-2",
    "Newly Assigned Agent ID": "agent-2",
    "Assignment Update Reason": "MANUAL",
    "Merged Customer ID": "",
}


def test_a_reassignment() -> None:
    assert event_of(CONVERSATION_TIMESTAMPS, CONVERSATION_ROW) == {
        "type": "CONVERSATION_ASSIGNEE/UPDATED",
        "timestamp": "2026-03-02T10:00:00.120Z",
        "initiator": {"type": "AGENT", "id": "agent-1"},
        "content": {
            "conversationId": "conversation-1",
            "customerId": "customer-1",
            "reason": "MANUAL",
            "context": {"assignee": {"inboxId": "inbox-1"}},
            "assignee": {"inboxId": "inbox-2", "agentId": "agent-2"},
        },
        "report": {
            "Timezone Filter": "UTC",
            "Initiator Agent Name": "Ada Example",
            "Assigned Inbox Name": "Billing",
        },
    }


def test_a_merge_names_the_customer_that_remains_and_the_one_that_went() -> None:
    row = {
        "Timestamp": TIME,
        "Event Type": "CUSTOMER/MERGED",
        "Conversation ID": "conversation-1",
        "Customer ID": "customer-1",
        "Merged Customer ID": "customer-2",
        "Merged Conversation ID": "conversation-2",
    }
    assert event_of(CONVERSATION_TIMESTAMPS, row) == {
        "type": "CUSTOMER/MERGED",
        "timestamp": TIME,
        "content": {
            "destinationConversationId": "conversation-1",
            "destinationCustomerId": "customer-1",
            "sourceCustomerId": "customer-2",
            "sourceConversationId": "conversation-2",
        },
    }


@pytest.mark.parametrize(
    ("report", "shown", "event_type"),
    [
        (CONTACT_TIMESTAMPS, "PAYMENT_REQUEST/CHANGED", "PAYMENT_REQUEST/STATUS_CHANGED"),
        (CONVERSATION_TIMESTAMPS, "NOTE/CREATED", "CONVERSATION/NOTE_CREATED"),
    ],
)
def test_a_type_with_a_name_of_the_report_gets_that_of_the_api_and_keeps_its_own(
    report: TimestampsReport, shown: str, event_type: str
) -> None:
    event = event_of(report, {"Timestamp": TIME, "Event Type": shown})
    assert (event["type"], event["report"]) == (event_type, {"Event Type": shown})


@pytest.mark.parametrize(
    ("cell", "content"),
    [
        ("[MAIL, VOICE]", {"availableFor": ["MAIL", "VOICE"]}),
        ("[MAIL,VOICE,]", {"availableFor": ["MAIL", "VOICE"]}),
        ("[ ]", {"availableFor": []}),
        ("[]", {"availableFor": []}),
        ("", {}),
        ("MAIL", {"report": {"Available For": "MAIL"}}),
    ],
)
def test_channels_become_a_list_if_they_look_like_one(cell: str, content: dict[str, Any]) -> None:
    row = {"Timestamp": TIME, "Type": "AGENT_AVAILABILITY/UPDATED", "Available For": cell}
    event = event_of(AGENT_TIMESTAMPS, row)
    assert event["content"] | {k: v for k, v in event.items() if k == "report"} == content


def test_reasons_of_an_agent_are_names() -> None:
    row = {
        "Timestamp": TIME,
        "Occurred At": "2026-03-02T09:59:59.000Z",
        "Agent": "Ada Example",
        "Type": "AGENT_STATUS/RETURNED_FROM_AWAY",
        "Away Reason": "Lunch",
        "Active Reason": "Phone",
        "Agent ID": "agent-1",
    }
    event = event_of(AGENT_TIMESTAMPS, row)
    assert event["content"] == {
        "occurredAt": "2026-03-02T09:59:59.000Z",
        "awayReason": {"name": "Lunch"},
        "activeReason": {"name": "Phone"},
        "agentId": "agent-1",
    }
    assert event["report"] == {"Agent": "Ada Example"}


@pytest.mark.parametrize(
    ("event_type", "path"),
    [("TASK/CREATED", "content.context.dueAt"), ("TASK/DUE_DATE_UPDATED", "content.dueAt")],
)
def test_the_due_date_of_a_task_is_the_new_one_only_where_it_changes(
    event_type: str, path: str
) -> None:
    row = {"Timestamp": TIME, "Event Type": event_type, "Due At": TIME}
    assert leaves(event_of(TASK_TIMESTAMPS, row))[path] == TIME


def test_a_follower_is_the_agent_of_the_event() -> None:
    row = {"Timestamp": TIME, "Event Type": "TASK/FOLLOWER_ADDED", "Follower Agent ID": "agent-1"}
    assert event_of(TASK_TIMESTAMPS, row)["content"] == {"agentId": "agent-1"}


@REPORTS
def test_an_event_of_an_unknown_type_is_translated_by_its_columns(report: TimestampsReport) -> None:
    row = {
        "Timestamp": TIME,
        "Event Type": "NEW/THING",
        "Initiator ID": "agent-1",
        "Contact ID": "contact-1",
        "Colour": "blue",
    }
    assert event_of(report, row) == {
        "type": "NEW/THING",
        "timestamp": TIME,
        "initiator": {"id": "agent-1"},
        "content": {"contactId": "contact-1"},
        "report": {"Colour": "blue"},
    }


@pytest.mark.parametrize(
    ("cell", "timestamp", "is_kept"),
    [
        ("2026-03-02T10:00:00.120Z", "2026-03-02T10:00:00.120Z", False),
        ("2026-03-02T10:00:00.12Z", "2026-03-02T10:00:00.120Z", False),
        ("2026-03-02 10:00:00.120", "2026-03-02T10:00:00.120Z", False),
        ("2026-03-02 10:00:00.120 UTC", "2026-03-02T10:00:00.120Z", False),
        ("2026-03-02T10:00:00.120+0000", "2026-03-02T10:00:00.120Z", False),
        ("2026-03-02T10:00:00.120000+00:00", "2026-03-02T10:00:00.120Z", False),
        ("2026-03-02 10:00:00", "2026-03-02T10:00:00.000Z", True),
        ("2026-03-02T10:00:00Z", "2026-03-02T10:00:00.000Z", True),
        ("2026-03-02T10:00:00.120456Z", "2026-03-02T10:00:00.120Z", True),
        ("2026-03-02T03:00:00.120-07:00", "2026-03-02T10:00:00.120Z", True),
        ("2026-03-01T23:59:60.000-0700", None, False),
        ("2026-02-29T10:00:00.120Z", None, False),
        ("2026-03-02", None, False),
        ("yesterday", None, False),
        ("", None, False),
    ],
)
def test_times_become_milliseconds_and_keep_their_text_where_it_says_something_else(
    cell: str, timestamp: str | None, *, is_kept: bool
) -> None:
    row = {"Timestamp": cell, "Event Type": "CONTACT/ENDED"}
    event = event_record(CONTACT_TIMESTAMPS, [*row], ["timestamp", "event_type"], [*row.values()])
    if timestamp is None:
        assert event == "no usable timestamp"
    else:
        assert isinstance(event, dict)
        assert event["timestamp"] == timestamp
        assert event.get("report") == ({"Timestamp": cell} if is_kept else None)


@pytest.mark.parametrize(
    ("zone", "cell", "is_event"),
    [
        ("UTC", "2026-03-02 10:00:00.000", True),
        ("Etc/UTC", "2026-03-02 10:00:00.000", True),
        ("America/Denver", "2026-03-02T10:00:00.000-07:00", True),
        ("America/Denver", "2026-03-02 10:00:00.000", False),
    ],
)
def test_a_local_time_is_never_taken_for_utc(zone: str, cell: str, *, is_event: bool) -> None:
    keys = ["timezone_filter", "timestamp", "event_type"]
    event = event_record(CONTACT_TIMESTAMPS, keys, keys, [zone, cell, "CONTACT/ENDED"])
    assert isinstance(event, dict) is is_event


def test_a_row_without_a_type_is_no_event() -> None:
    row = ["timestamp", "event_type", "type"]
    assert event_record(CONTACT_TIMESTAMPS, row, row, [TIME, " ", ""]) == "no event type"


CELLS = st.sampled_from(["", "", "x", "Null", TIME, "2026-03-02 10:00:00", "[A, B]", "[ ]", "AB/C"])


@MANY
@given(data=st.data(), report=st.sampled_from(TIMESTAMPS_REPORTS))
def test_nothing_of_a_row_is_lost(data: st.DataObject, report: TimestampsReport) -> None:
    names = ["Timestamp", "Event Type", "Type", "Colour"]
    names += [name for name in _PLACES if name != "timestamp"]
    names += [column["name"] for column in SHOWN[report.metric_set]]
    header = [*dict.fromkeys(names)]
    keys = CsvTable(BytesIO(",".join(header).encode())).keys
    event_types = st.sampled_from([*report.columns, *report.renamed, "NEW/THING"])
    row = {name: data.draw(CELLS, label=name) for name in header}
    row |= {"Timestamp": TIME, "Event Type": data.draw(event_types)}
    event = event_record(report, header, keys, [*row.values()])
    assert isinstance(event, dict)
    left = event.pop("report", {})
    assert left.items() <= row.items()
    told = [value for path, value in leaves(event).items() if path != "id"]
    texts = [f"[{', '.join(value) or ' '}]" if isinstance(value, list) else value for value in told]
    for name, cell in row.items():
        assert not cell or cell in texts or left[name] == cell
    assert "" not in left.values()
    assert len(told) >= 2


def ids(table: CsvTable) -> list[str]:
    lines = list(event_lines(CONVERSATION_TIMESTAMPS, table))
    return [json.loads(line[1])["id"] for line in lines if isinstance(line, tuple)]


HEADER, ROW = [*CONVERSATION_ROW], [*CONVERSATION_ROW.values()]


def test_the_id_of_an_event_is_the_same_for_ever() -> None:
    # a change of this id doubles what was healed before
    assert ids(csv_of(HEADER, ROW)) == ["healed-qVmZ516kYY1fysFpFy6iXg"]


def test_exact_duplicates_survive_and_every_telling_gives_the_same_ids() -> None:
    other = [cell.replace("customer-1", "customer-9") for cell in ROW]
    found = ids(csv_of(HEADER, ROW, other, ROW, ROW))
    assert len({*found}) == 4
    assert {*ids(csv_of(HEADER, ROW, ROW, ROW, other))} == {*found}


@pytest.mark.parametrize(
    "changed",
    [
        {"Initiator Agent Name": "Ada Renamed", "Assigned Inbox Name": ""},
        {"Timezone Filter": "Etc/UTC"},
        {"A New Column": "blue"},
        {"Timestamp": "2026-03-02 10:00:00.12"},
    ],
    ids=["names of today", "a filter", "a new column", "another form of the time"],
)
def test_what_a_later_day_changes_does_not_change_the_id(changed: dict[str, str]) -> None:
    row = CONVERSATION_ROW | changed
    assert ids(csv_of([*row], [*row.values()])) == ids(csv_of(HEADER, ROW))


def test_a_reason_that_is_renamed_does_not_change_the_id() -> None:
    row = {"Timestamp": TIME, "Type": "AGENT_STATUS/WENT_AWAY", "Agent ID": "agent-1"}
    found = [
        json.loads(line[1])["id"]
        for reason in ("Lunch", "Break")
        for line in event_lines(
            AGENT_TIMESTAMPS, csv_of([*row, "Away Reason"], [*row.values(), reason])
        )
        if isinstance(line, tuple)
    ]
    assert len(found) == 2
    assert len({*found}) == 1


def test_the_order_of_columns_does_not_change_the_id() -> None:
    assert ids(csv_of(HEADER[::-1], ROW[::-1])) == ids(csv_of(HEADER, ROW))


IDENTITY = st.tuples(
    st.sampled_from(["ReportA", "ReportB"]),
    st.sampled_from(["1", "2"]),
    st.sampled_from(["A/B", "A/C"]),
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(["agent_id", "contact_id"], st.sampled_from(["1", "2"]))
    ),
    st.integers(1, 3),
)


@MANY
@given(IDENTITY, IDENTITY)
def test_ids_are_equal_only_for_what_is_equal(
    one: tuple[str, str, str, dict[str, str], int], other: tuple[str, str, str, dict[str, str], int]
) -> None:
    assert (healed_event_id(*one) == healed_event_id(*other)) is (one == other)
    assert len(healed_event_id(*one)) == len("healed-") + 22


def test_rows_become_lines_or_broken_records() -> None:
    data = (
        b"Timestamp,Event Type,Note\r\n"
        b'2026-03-02T10:00:00.120Z,CONTACT/ENDED,"two\nlines"\r\n'
        b"never,CONTACT/ENDED,a secret\r\n"
        b"2026-03-02T10:00:00.120Z,CONTACT/ENDED\r\n"
        b"2026-03-02T10:00:00.120Z,CONTACT/ENDED,last"
    )
    first, untimed, short, last = event_lines(CONTACT_TIMESTAMPS, CsvTable(BytesIO(data)))
    assert isinstance(first, tuple)
    assert isinstance(last, tuple)
    assert (first[0], last[0]) == (2, 6)
    assert b"\n" not in first[1]
    assert json.loads(first[1])["report"] == {"Note": "two\nlines"}
    raw = b"never,CONTACT/ENDED,a secret"
    assert untimed == BrokenRecord(4, data.index(raw), len(raw), "no usable timestamp", raw)
    assert isinstance(short, BrokenRecord)
    assert short.reason == "2 cells below a header of 3"
