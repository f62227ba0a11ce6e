"""The timestamps reports: the events again, one row each, for ever (Gladly help, Timestamps).

They name no event id, show the assignment before the event, and rename two event types.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sandbox.reports import MetricSet, ReportScope, ReportSources, from_milliseconds
from sandbox.timestamps import parse_instant


class EventRow(NamedTuple):
    """One event on its way into a row.

    Attributes:
        type: The event's name in the report.
        recorded_at: Milliseconds since 1970.
        record: The event as the Events API shows it.
        timezone: The report's.
        names: Names of agents, inboxes and topics by id.
    """

    type: str
    recorded_at: int
    record: dict[str, Any]
    timezone: ZoneInfo
    names: Mapping[str, str]

    def value(self, *path: str) -> Any:  # noqa: ANN401 - any JSON value
        """Return what stands at `path` in the event, or None."""
        value: Any = self.record
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def text(self, *path: str) -> str:
        """Return what stands at `path` in the event as text, empty where there is nothing."""
        value = self.value(*path)
        return "" if value is None else str(value)


Cell = Callable[[EventRow], str]


def _instant(instant: datetime, timezone: ZoneInfo) -> str:
    text = instant.astimezone(timezone).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def _instant_or_as_it_is(text: str, timezone: ZoneInfo) -> str:
    try:
        return _instant(parse_instant(text), timezone)
    except (ValueError, OverflowError):  # nothing at all, or what a test made up
        return text


def _timezone_filter(row: EventRow) -> str:
    return row.timezone.key


def _all_teams(_: EventRow) -> str:
    return "All Teams"


def _event_type(row: EventRow) -> str:
    return row.type


def _timestamp(row: EventRow) -> str:
    return _instant(from_milliseconds(row.recorded_at), row.timezone)


def _of_event(*path: str) -> Cell:
    return lambda row: row.text(*path)


def _name_of(*path: str) -> Cell:
    return lambda row: row.names.get(row.text(*path), "")


def _instant_of(*path: str) -> Cell:
    return lambda row: _instant_or_as_it_is(row.text(*path), row.timezone)


def _only_for(event_type: str, cell: Cell) -> Cell:
    """Fill the column for events of one type and leave it empty for all others."""
    return lambda row: cell(row) if row.type == event_type else ""


def _initiator_agent_name(row: EventRow) -> str:
    is_agent = row.text("initiator", "type") == "AGENT"
    return row.names.get(row.text("initiator", "id"), "") if is_agent else ""


def _available_for(row: EventRow) -> str:
    channels = row.value("content", "availableFor") or []
    return f"[{', '.join(map(str, channels)) or ' '}]"


def _conversation_id(row: EventRow) -> str:
    return row.text("content", "conversationId") or row.text("content", "destinationConversationId")


def _customer_id(row: EventRow) -> str:
    return row.text("content", "customerId") or row.text("content", "destinationCustomerId")


def _task_due_at(row: EventRow) -> str:
    """Return the new due date where it changes, empty if it is taken away, else the task's."""
    changes = row.type == "TASK/DUE_DATE_UPDATED"
    path = ("content", "dueAt") if changes else ("content", "context", "dueAt")
    return _instant_of(*path)(row)


_ASSIGNED = ("content", "context", "assignee")
_NEWLY_ASSIGNED = ("content", "assignee")

_INITIATOR: dict[str, Cell] = {
    "Initiator Type": _of_event("initiator", "type"),
    "Initiator ID": _of_event("initiator", "id"),
    "Initiator Agent Name": _initiator_agent_name,
}
_ASSIGNED_BEFORE: dict[str, Cell] = {
    "Assigned Inbox ID": _of_event(*_ASSIGNED, "inboxId"),
    "Assigned Inbox Name": _name_of(*_ASSIGNED, "inboxId"),
    "Assigned Agent ID": _of_event(*_ASSIGNED, "agentId"),
    "Assigned Agent Name": _name_of(*_ASSIGNED, "agentId"),
}


def _unchanged(*event_types: str) -> dict[str, str]:
    return {event_type: event_type for event_type in event_types}


def _rows(
    event_types: Mapping[str, str], scope: ReportScope, sources: ReportSources
) -> Iterator[EventRow]:
    for event in sources.events.events(scope.start, scope.end):
        event_type = event_types.get(str(event.record.get("type")))
        if event_type is not None:
            yield EventRow(
                event_type, event.recorded_at, event.record, scope.timezone, sources.names
            )


AGENT_TIMESTAMPS = MetricSet(
    columns={
        "Timezone Filter": _timezone_filter,
        "Teams Filter": _all_teams,
        "Timestamp": _timestamp,
        "Occurred At": _instant_of("content", "occurredAt"),
        "Agent": _name_of("content", "agentId"),
        "Type": _event_type,
        "Available For": _only_for("AGENT_AVAILABILITY/UPDATED", _available_for),
        "Away Reason": _of_event("content", "awayReason", "name"),
        "Active Reason": _of_event("content", "activeReason", "name"),
        "Agent ID": _of_event("content", "agentId"),
    },
    records=partial(
        _rows,
        _unchanged(
            "AGENT_AVAILABILITY/UPDATED",
            "AGENT_STATUS/CHANGED_ACTIVE_REASON",
            "AGENT_STATUS/LOGGED_IN",
            "AGENT_STATUS/LOGGED_OUT",
            "AGENT_STATUS/RETURNED_FROM_AWAY",
            "AGENT_STATUS/WENT_AWAY",
        ),
    ),
    filters=frozenset({"teams"}),
)

CONTACT_TIMESTAMPS = MetricSet(
    columns={
        "Timezone Filter": _timezone_filter,
        "Timestamp": _timestamp,
        "Event Type": _event_type,
        "Contact ID": _of_event("content", "contactId"),
        "Conversation ID": _of_event("content", "conversationId"),
        "Customer ID": _of_event("content", "customerId"),
        "Channel": _of_event("content", "channel"),
        **_INITIATOR,
        **_ASSIGNED_BEFORE,
        "Transferred To Inbox Name": _name_of(*_NEWLY_ASSIGNED, "inboxId"),
        "Final IVR Selection": _of_event("content", "finalIVRSelection"),
        "Fulfilled by Contact ID": _only_for(
            "CONTACT/FULFILLED", _of_event("content", "contactId")
        ),
    },
    records=partial(
        _rows,
        _unchanged(
            "CONTACT/ENDED",
            "CONTACT/FULFILLED",
            "CONTACT/HOLD_ENDED",
            "CONTACT/HOLD_STARTED",
            "CONTACT/JOINED",
            "CONTACT/MESSAGE_RECEIVED",
            "CONTACT/MESSAGE_SENT",
            "CONTACT/OFFERED",
            "CONTACT/OFFER_ACCEPTED",
            "CONTACT/OFFER_REJECTED",
            "CONTACT/STARTED",
            "CONTACT/TRANSFERRED",
            "PAYMENT_REQUEST/CREATED",
            "PAYMENT_REQUEST/VIEWED",
        )
        | {"PAYMENT_REQUEST/STATUS_CHANGED": "PAYMENT_REQUEST/CHANGED"},
    ),
)

CONVERSATION_TIMESTAMPS = MetricSet(
    columns={
        "Timezone Filter": _timezone_filter,
        "Timestamp": _timestamp,
        "Event Type": _event_type,
        "Conversation ID": _conversation_id,
        "Customer ID": _customer_id,
        **_INITIATOR,
        **_ASSIGNED_BEFORE,
        "Topic ID": _of_event("content", "topicId"),
        "Topic Name": _name_of("content", "topicId"),
        "Newly Assigned Inbox ID": _of_event(*_NEWLY_ASSIGNED, "inboxId"),
        "Newly Assigned Inbox Name": _name_of(*_NEWLY_ASSIGNED, "inboxId"),
        "Newly Assigned Agent ID": _of_event(*_NEWLY_ASSIGNED, "agentId"),
        "Newly Assigned Agent Name": _name_of(*_NEWLY_ASSIGNED, "agentId"),
        "Assignment Update Reason": _of_event("content", "reason"),
        "Merged Customer ID": _of_event("content", "sourceCustomerId"),
        "Merged Conversation ID": _of_event("content", "sourceConversationId"),
    },
    records=partial(
        _rows,
        _unchanged(
            "CONVERSATION/CLOSED",
            "CONVERSATION/CREATED",
            "CONVERSATION/REOPENED",
            "CONVERSATION/TOPIC_ADDED",
            "CONVERSATION/TOPIC_REMOVED",
            "CONVERSATION_ASSIGNEE/UPDATED",
            "CUSTOMER/MERGED",
        )
        | {"CONVERSATION/NOTE_CREATED": "NOTE/CREATED"},
    ),
)

# No public page shows this report; its columns are the others' by analogy.
TASK_TIMESTAMPS = MetricSet(
    columns={
        "Timezone Filter": _timezone_filter,
        "Timestamp": _timestamp,
        "Event Type": _event_type,
        "Task ID": _of_event("content", "taskId"),
        "Customer ID": _of_event("content", "customerId"),
        **_INITIATOR,
        **_ASSIGNED_BEFORE,
        "Newly Assigned Inbox ID": _of_event(*_NEWLY_ASSIGNED, "inboxId"),
        "Newly Assigned Agent ID": _of_event(*_NEWLY_ASSIGNED, "agentId"),
        "Due At": _task_due_at,
        "Created At": _instant_of("content", "context", "createdAt"),
        "Comment ID": _of_event("content", "commentId"),
        "Follower Agent ID": _of_event("content", "agentId"),
    },
    records=partial(
        _rows,
        _unchanged(
            "TASK/ASSIGNEE_UPDATED",
            "TASK/CLOSED",
            "TASK/COMMENT_ADDED",
            "TASK/CONTENT_UPDATED",
            "TASK/CREATED",
            "TASK/DUE_DATE_UPDATED",
            "TASK/FOLLOWER_ADDED",
            "TASK/FOLLOWER_REMOVED",
            "TASK/REOPENED",
        ),
    ),
)
