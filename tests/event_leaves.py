"""What the data contract says of events, for ``tests/leaves.py``: tables, fields and lists.

Like there: the API's own names, and nothing of the code that keeps them.
"""

from __future__ import annotations

TEXT, TIMESTAMP, DECIMAL = "text", "timestamp", "decimal"
UNKNOWN_EVENTS = "unknown_events"

# what an event's type begins with -> its table
EVENT_TABLES = {
    "AGENT_AVAILABILITY": "agent_availability_events",
    "AGENT_STATUS": "agent_status_events",
    "CONTACT": "contact_events",
    "CONVERSATION": "conversation_events",
    "CONVERSATION_ASSIGNEE": "conversation_events",
    "CONVERSATION_STATUS": "conversation_events",
    "CUSTOMER": "customer_events",
    "CUSTOMER_PROFILE": "customer_profile_events",
    "EXPORT_JOB": "export_job_events",
    "PAYMENT_REQUEST": "payment_request_events",
    "TASK": "task_events",
}


def event_table(kind: object) -> str:
    """Return the table of an event, given its ``type`` as sent."""
    entity = kind.split("/")[0] if isinstance(kind, str) else ""
    return EVENT_TABLES.get(entity, UNKNOWN_EVENTS)


def _fields(texts: str, timestamps: str = "", decimals: str = "") -> dict[str, str]:
    kinds = ((texts, TEXT), (timestamps, TIMESTAMP), (decimals, DECIMAL))
    return {
        "id": TEXT,
        "type": TEXT,
        "timestamp": TIMESTAMP,
        "initiator.id": TEXT,
        "initiator.type": TEXT,
        **{f"content.{path}": kind for paths, kind in kinds for path in paths.split()},
    }


_CONTACT = "contactId conversationId customerId"
_ASSIGNEES = "assignee.inboxId assignee.agentId context.assignee.inboxId context.assignee.agentId"

# table -> path in the API -> kind of the leaf
EVENT_FIELDS = {
    "agent_availability_events": _fields("agentId", "occurredAt"),
    "agent_status_events": _fields(
        "agentId activeReason.id activeReason.name awayReason.id awayReason.name",
        "occurredAt awayAt",
    ),
    "contact_events": _fields(
        f"{_CONTACT} channel agentId reason status fulfilledType messageId entryPoint "
        f"finalIVRSelection transferType {_ASSIGNEES}",
        "dueAt",
    ),
    "conversation_events": _fields(
        "conversationId customerId reason topicId noteId customAttributeId customAttributeKey "
        f"customAttributeValue {_ASSIGNEES}"
    ),
    "customer_events": _fields(
        "sourceCustomerId destinationCustomerId sourceConversationId destinationConversationId"
    ),
    "customer_profile_events": _fields("customerId sourceCustomerId destinationCustomerId"),
    "export_job_events": _fields("jobId"),
    "payment_request_events": _fields(
        f"paymentRequestId {_CONTACT} context.currency oldStatus newStatus",
        decimals="context.monetaryUnit",
    ),
    "task_events": _fields(
        f"taskId customerId agentId commentId {_ASSIGNEES}",
        "dueAt context.dueAt context.createdAt",
    ),
    UNKNOWN_EVENTS: _fields(""),
}

# table -> path of a list -> the child table and the label that tells its rows apart
EVENT_LISTS: dict[str, dict[str, tuple[str, dict[str, str]]]] = {
    "agent_availability_events": {
        "content.availableFor": ("agent_availability_channels", {"state": "after"}),
        "content.context.availableFor": ("agent_availability_channels", {"state": "before"}),
    },
    "contact_events": {"content.matchReasons": ("contact_offer_match_reasons", {})},
}

EVENT_CHILDREN = {
    child: table for table, lists in EVENT_LISTS.items() for child, _ in lists.values()
}

# child tables -> the column that holds the text of an element
EVENT_VALUE_COLUMNS = {
    "agent_availability_channels": "channel",
    "contact_offer_match_reasons": "match_reason",
}

EVENT_RENAMES = {
    **{(table, "id"): "event_id" for table in EVENT_FIELDS},
    ("payment_request_events", "content.context.currency"): "currency",
    ("payment_request_events", "content.context.monetaryUnit"): "monetary_unit",
}
