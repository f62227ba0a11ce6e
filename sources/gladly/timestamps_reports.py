"""Rows of the timestamps reports as events of the Events API: what heals a gap.

Source: Gladly help, Agent / Contact / Conversation Timestamps; Gladly API reference, Events. The
reports hold most events for ever, about an hour behind, in no order, filtered by the time they were
recorded, and without event ids. A row becomes an event in the shape the Events API gives its type;
what has no place there stands under ``report`` by its header, so that nothing of a row is lost.

A new event type is one entry in its report's ``columns``; a new column one entry in ``_PLACES``.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import orjson

from sources.streams.csv_records import BrokenRecord, CsvTable
from sources.tables.timestamps import parse_timestamp

Columns = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TimestampsReport:
    """One report and the events it holds.

    Args:
        metric_set: its name in a request.
        columns: event type, by the name of the Events API -> the keys of the columns that have a
            place in the shape of that type, beyond timestamp, type and initiator.
        renamed: its own name of an event type -> that of the Events API.
    """

    metric_set: str
    columns: Mapping[str, Columns]
    renamed: Mapping[str, str] = field(default_factory=dict)


_AGENT = ("agent_id", "occurred_at")
_ASSIGNED = ("assigned_inbox_id", "assigned_agent_id")
_NEWLY_ASSIGNED = ("newly_assigned_inbox_id", "newly_assigned_agent_id")
_TRANSFERRED_TO = ("transferred_to_inbox_id", "transferred_to_agent_id")
_CONVERSATION = ("conversation_id", "customer_id")
_CONTACT = ("contact_id", *_CONVERSATION, "channel", *_ASSIGNED)
_PAYMENT = ("payment_request_id", "contact_id", *_CONVERSATION)
_TASK = ("task_id", "customer_id", *_ASSIGNED, "due_at", "created_at")

AGENT_TIMESTAMPS: Final = TimestampsReport(
    "AgentTimestampsReport",
    {
        "AGENT_AVAILABILITY/UPDATED": (*_AGENT, "available_for"),
        "AGENT_STATUS/CHANGED_ACTIVE_REASON": (*_AGENT, "active_reason"),
        "AGENT_STATUS/LOGGED_IN": (*_AGENT, "active_reason"),
        "AGENT_STATUS/LOGGED_OUT": _AGENT,
        "AGENT_STATUS/RETURNED_FROM_AWAY": (*_AGENT, "active_reason", "away_reason"),
        "AGENT_STATUS/WENT_AWAY": (*_AGENT, "away_reason"),
    },
)
CONTACT_TIMESTAMPS: Final = TimestampsReport(
    "ContactTimestampsReport",
    {
        "CONTACT/ENDED": _CONTACT,
        "CONTACT/FULFILLED": _CONTACT,
        "CONTACT/HOLD_ENDED": _CONTACT,
        "CONTACT/HOLD_STARTED": _CONTACT,
        "CONTACT/JOINED": _CONTACT,
        "CONTACT/MESSAGE_RECEIVED": _CONTACT,
        "CONTACT/MESSAGE_SENT": _CONTACT,
        "CONTACT/OFFERED": (*_CONTACT, "agent_id"),
        "CONTACT/OFFER_ACCEPTED": (*_CONTACT, "agent_id"),
        "CONTACT/OFFER_REJECTED": (*_CONTACT, "agent_id"),
        "CONTACT/STARTED": (*_CONTACT, "final_ivr_selection"),
        "CONTACT/TRANSFERRED": (*_CONTACT, *_TRANSFERRED_TO),
        "PAYMENT_REQUEST/CREATED": _PAYMENT,
        "PAYMENT_REQUEST/STATUS_CHANGED": _PAYMENT,
        "PAYMENT_REQUEST/VIEWED": _PAYMENT,
    },
    renamed={"PAYMENT_REQUEST/CHANGED": "PAYMENT_REQUEST/STATUS_CHANGED"},
)
CONVERSATION_TIMESTAMPS: Final = TimestampsReport(
    "ConversationTimestampsReport",
    {
        "CONVERSATION/CLOSED": (*_CONVERSATION, *_ASSIGNED),
        "CONVERSATION/CREATED": (*_CONVERSATION, *_ASSIGNED),
        "CONVERSATION/NOTE_CREATED": (*_CONVERSATION, "note_id"),
        "CONVERSATION/REOPENED": (*_CONVERSATION, *_ASSIGNED),
        "CONVERSATION/TOPIC_ADDED": (*_CONVERSATION, *_ASSIGNED, "topic_id"),
        "CONVERSATION/TOPIC_REMOVED": (*_CONVERSATION, *_ASSIGNED, "topic_id"),
        "CONVERSATION_ASSIGNEE/UPDATED": (
            *_CONVERSATION,
            *_ASSIGNED,
            *_NEWLY_ASSIGNED,
            "assignment_update_reason",
        ),
        "CUSTOMER/MERGED": (*_CONVERSATION, "merged_customer_id", "merged_conversation_id"),
    },
    renamed={"NOTE/CREATED": "CONVERSATION/NOTE_CREATED"},
)
# No public page shows its columns: these are the names that those of the others suggest.
TASK_TIMESTAMPS: Final = TimestampsReport(
    "TaskTimestampsReport",
    {
        "TASK/ASSIGNEE_UPDATED": (*_TASK, *_NEWLY_ASSIGNED),
        "TASK/CLOSED": _TASK,
        "TASK/COMMENT_ADDED": (*_TASK, "comment_id"),
        "TASK/CONTENT_UPDATED": _TASK,
        "TASK/CREATED": _TASK,
        "TASK/DUE_DATE_UPDATED": _TASK,
        "TASK/FOLLOWER_ADDED": (*_TASK, "follower_agent_id", "agent_id"),
        "TASK/FOLLOWER_REMOVED": (*_TASK, "follower_agent_id", "agent_id"),
        "TASK/REOPENED": _TASK,
    },
)
TIMESTAMPS_REPORTS: Final = (
    AGENT_TIMESTAMPS,
    CONTACT_TIMESTAMPS,
    CONVERSATION_TIMESTAMPS,
    TASK_TIMESTAMPS,
)

# As far as documented no report shows these: a gap in them stays.
NOT_REPORTED: Final = frozenset(
    {
        "AGENT_AVAILABILITY/FOCUS_ENTERED",
        "AGENT_AVAILABILITY/FOCUS_EXITED",
        "CONVERSATION/CUSTOM_ATTRIBUTE_ADDED",
        "CONVERSATION/CUSTOM_ATTRIBUTE_REMOVED",
        "CUSTOMER_PROFILE/CREATED",
        "CUSTOMER_PROFILE/DELETED",
        "CUSTOMER_PROFILE/UPDATED",
    }
)


# What a cell says, and whether that is all it says.
_Value = tuple[str | list[str], bool]


def _text(cell: str) -> _Value | None:
    """Read a text; some reports write Null where nothing is known (Gladly help, Contact Export)."""
    return None if cell == "Null" else (cell, True)


def _type(cell: str) -> _Value | None:
    return cell.strip(), True


_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?(?: ?(Z|z|UTC|[+-]\d\d:?\d\d))?", re.ASCII
)
_MILLISECOND = 1000


def _instant(cell: str) -> _Value | None:
    """Read an ISO 8601 time as UTC milliseconds; it is UTC where it says nothing, as we asked.

    Not exact are digits below a millisecond, another offset, and a time shown to the second: the
    text is then kept as well, and tells how precise the report is.
    """
    match = _INSTANT.fullmatch(cell.strip())
    if match is None:
        return None
    day, time, fraction, offset = match.groups()
    offset = "Z" if offset in (None, "UTC") else offset
    if offset not in ("Z", "z") and ":" not in offset:
        offset = f"{offset[:3]}:{offset[3:]}"
    parsed = parse_timestamp(f"{day}T{time}{fraction or ''}{offset}")
    if parsed is None:
        return None
    text = parsed.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    is_whole = parsed.at.microsecond % _MILLISECOND == 0
    return text, parsed.exact and is_whole and fraction is not None


def _list(cell: str) -> _Value | None:
    """Read ``[MAIL, VOICE]``; ``[ ]`` is an empty list."""
    inner = cell.strip()
    if not (inner.startswith("[") and inner.endswith("]")):
        return None
    names = [name.strip() for name in inner[1:-1].split(",")]
    return [name for name in names if name], True


class _Place(NamedTuple):
    """Where the cell of a column goes in an event, and how it is read."""

    path: tuple[str, ...]
    read: Callable[[str], _Value | None] = _text


def _content(*path: str, read: Callable[[str], _Value | None] = _text) -> _Place:
    return _Place(("content", *path), read)


# Names of columns by key. Ids made of them are for ever: see `healed_event_id`.
_PLACES: Final[Mapping[str, _Place]] = {
    "event_type": _Place(("type",), _type),
    "type": _Place(("type",), _type),
    "timestamp": _Place(("timestamp",), _instant),
    "initiator_type": _Place(("initiator", "type")),
    "initiator_id": _Place(("initiator", "id")),
    "occurred_at": _content("occurredAt", read=_instant),
    "agent_id": _content("agentId"),
    "available_for": _content("availableFor", read=_list),
    "away_reason": _content("awayReason", "name"),
    "active_reason": _content("activeReason", "name"),
    "contact_id": _content("contactId"),
    "conversation_id": _content("conversationId"),
    "customer_id": _content("customerId"),
    "merged_customer_id": _content("sourceCustomerId"),
    "merged_conversation_id": _content("sourceConversationId"),
    "task_id": _content("taskId"),
    "payment_request_id": _content("paymentRequestId"),
    "channel": _content("channel"),
    "final_ivr_selection": _content("finalIVRSelection"),
    "topic_id": _content("topicId"),
    "note_id": _content("noteId"),
    "comment_id": _content("commentId"),
    "follower_agent_id": _content("agentId"),
    "assignment_update_reason": _content("reason"),
    "assigned_inbox_id": _content("context", "assignee", "inboxId"),
    "assigned_agent_id": _content("context", "assignee", "agentId"),
    "newly_assigned_inbox_id": _content("assignee", "inboxId"),
    "newly_assigned_agent_id": _content("assignee", "agentId"),
    "transferred_to_inbox_id": _content("assignee", "inboxId"),
    "transferred_to_agent_id": _content("assignee", "agentId"),
    "due_at": _content("context", "dueAt", read=_instant),
    "created_at": _content("context", "createdAt", read=_instant),
}
# The same column means something else in these types.
_OTHER_PLACES: Final[Mapping[tuple[str, str], _Place]] = {
    ("CUSTOMER/MERGED", "customer_id"): _content("destinationCustomerId"),
    ("CUSTOMER/MERGED", "conversation_id"): _content("destinationConversationId"),
    ("TASK/DUE_DATE_UPDATED", "due_at"): _content("dueAt", read=_instant),
}
_TYPE_KEYS: Final = ("event_type", "type")
_IN_EVERY_TYPE: Final = (*_TYPE_KEYS, "timestamp", "initiator_type", "initiator_id")
# Reports show today's name of a thing also for past days (Gladly help, Metrics in Detail).
_SHOWN_AS_TODAY: Final = frozenset({"away_reason", "active_reason"})
_IDENTIFYING: Final = tuple(sorted(_PLACES.keys() - {*_TYPE_KEYS, "timestamp"} - _SHOWN_AS_TODAY))
_ZONE_ELSEWHERE: Final = re.compile(r"(?!Etc/)[A-Z][A-Za-z]+/[A-Z].*")


def event_record(
    report: TimestampsReport,
    header: Sequence[str],
    keys: Sequence[str],
    cells: Sequence[str],
    ordinal: int = 1,
) -> dict[str, Any] | str:
    """Return a row as an event of the Events API, or the reason why it cannot be one.

    Empty cells are left out. A cell whose text is more than its place holds is kept as text too.

    Args:
        report: where the row is from. Rows of a type it does not know are translated as well.
        header: names of the columns, distinct.
        keys: the same as keys: see `csv_records.column_key`.
        cells: the row.
        ordinal: see `healed_event_id`.
    """
    row = dict(zip(keys, cells, strict=True))
    shown_type = next(filter(None, (row.get(key, "").strip() for key in _TYPE_KEYS)), None)
    if shown_type is None:
        return "no event type"
    recorded = _instant(row.get("timestamp", ""))
    if recorded is None:
        return "no usable timestamp"
    if _is_local_elsewhere(row):
        return "a time without an offset, in another time zone than UTC"
    event_type = report.renamed.get(shown_type, shown_type)
    timestamp = str(recorded[0])
    event: dict[str, Any] = {
        "id": healed_event_id(report.metric_set, timestamp, event_type, row, ordinal),
        "type": event_type,
        "timestamp": timestamp,
        "initiator": {},
        "content": {},
    }
    places = _places(report, event_type, tuple(keys))
    left = {
        name: cell
        for name, cell, place in zip(header, cells, places, strict=True)
        if cell and not (place and _tells_all(event, place, cell))
    }
    if not event["initiator"]:
        del event["initiator"]
    if left:
        event["report"] = left
    return event


def healed_event_id(
    metric_set: str, timestamp: str, event_type: str, cells: Mapping[str, str], ordinal: int
) -> str:
    """Return the id of an event that a report tells without one: the same whenever it is told.

    It is made of what no later day changes: ids, times and kinds, but neither names nor filters
    nor columns that no declaration knows.

    Args:
        metric_set: the report.
        timestamp: as in the event.
        event_type: as in the event.
        cells: the row by the keys of its columns.
        ordinal: 1, 2, ... among the rows of one report for which all this is equal, so that exact
            duplicates stay apart.
    """
    told = [(key, cells[key]) for key in _IDENTIFYING if cells.get(key)]
    content = orjson.dumps([metric_set, timestamp, event_type, told, ordinal])
    digest = urlsafe_b64encode(blake2b(content, digest_size=16).digest())
    return "healed-" + digest.decode("ascii").rstrip("=")


def event_lines(
    report: TimestampsReport, table: CsvTable
) -> Iterator[tuple[int, bytes] | BrokenRecord]:
    """Yield each row as the line number in its file and the event as one line of JSON.

    A row that cannot become an event is yielded as a broken record: rows = lines + broken.
    """
    told = Counter[str]()
    for record in table:
        if isinstance(record, BrokenRecord):
            yield record
            continue
        event = event_record(report, table.header, table.keys, record.cells)
        if isinstance(event, dict) and (before := told[event["id"]]):
            told[event["id"]] += 1
            event = event_record(report, table.header, table.keys, record.cells, before + 1)
        elif isinstance(event, dict):
            told[event["id"]] = 1
        if isinstance(event, str):
            size = len(record.raw)
            yield BrokenRecord(record.line_number, record.byte_offset, size, event, record.raw)
        else:
            yield record.line_number, orjson.dumps(event)


@lru_cache(maxsize=256)
def _places(report: TimestampsReport, event_type: str, keys: Columns) -> tuple[_Place | None, ...]:
    """Return where each column goes in an event of a type: None for nowhere."""
    columns = report.columns.get(event_type, (*_PLACES,))
    return tuple(
        _OTHER_PLACES.get((event_type, key)) or _PLACES.get(key)
        if key in columns or key in _IN_EVERY_TYPE
        else None
        for key in keys
    )


def _tells_all(event: dict[str, Any], place: _Place, cell: str) -> bool:
    """Put a cell into its place in the event; say whether the event now tells all of it."""
    found = place.read(cell)
    if found is None:
        return False
    value, is_exact = found
    *parents, leaf = place.path
    node = event
    for parent in parents:
        node = node.setdefault(parent, {})
    return is_exact and bool(node.setdefault(leaf, value) == value)


def _is_local_elsewhere(row: Mapping[str, str]) -> bool:
    """Return whether the row's time is no UTC time: the report was made for another zone."""
    if not _ZONE_ELSEWHERE.fullmatch(row.get("timezone_filter", "")):
        return False
    match = _INSTANT.fullmatch(row["timestamp"].strip())
    return match is None or match[4] is None
