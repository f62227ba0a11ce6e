"""Who became whom, and who is gone: merges and deletions as rows, told by events.

Source: Gladly API reference, Events CUSTOMER/MERGED, CUSTOMER_PROFILE/MERGED (its deprecated twin)
and CUSTOMER_PROFILE/DELETED. A pair of ids is one merge however many events tell of it, so the twin
never counts twice; a GET that answers 301 is one more piece of evidence for the same pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sources.tables.declarations import EXTRACTED_AT, LINEAGE, VERSION, Column, Kind, TableSchema

_AT = "When it was recorded."
_EVENT_ID = Column("event_id", Kind.TEXT, "The event that told it, if one did.")
_EVIDENCE = Column(
    "evidence",
    Kind.TEXT,
    "What told it: a type of event, a redirect, or two reads that found nothing.",
    nullable=False,
)

CUSTOMER_MERGES = TableSchema(
    "customer_merges",
    (
        Column("source_customer_id", Kind.TEXT, "Profile that was merged away.", nullable=False),
        Column("destination_customer_id", Kind.TEXT, "Profile that remains.", nullable=False),
        Column("merged_at", Kind.TIMESTAMP, _AT),
        _EVENT_ID,
        _EVIDENCE,
        *LINEAGE,
    ),
    key=("source_customer_id", "destination_customer_id"),
    description="Customer profiles that were merged into others.",
    version=VERSION,
)

CONVERSATION_MERGES = TableSchema(
    "conversation_merges",
    (
        Column(
            "source_conversation_id",
            Kind.TEXT,
            "Open conversation that was merged away; its id is gone for good.",
            nullable=False,
        ),
        Column(
            "destination_conversation_id", Kind.TEXT, "Conversation that remains.", nullable=False
        ),
        Column("merged_at", Kind.TIMESTAMP, _AT),
        _EVENT_ID,
        _EVIDENCE,
        *LINEAGE,
    ),
    key=("source_conversation_id", "destination_conversation_id"),
    description="Open conversations that were merged when their customers were.",
    version=VERSION,
)

DELETED_CUSTOMERS = TableSchema(
    "deleted_customers",
    (
        Column("customer_id", Kind.TEXT, "The profile that was deleted.", nullable=False),
        Column("deleted_at", Kind.TIMESTAMP, _AT),
        _EVENT_ID,
        _EVIDENCE,
        *LINEAGE,
    ),
    key=("customer_id",),
    description="Customer profiles that were deleted at Gladly; the id is all that is kept.",
    version=VERSION,
)

ERASED_CUSTOMERS = TableSchema(
    "erased_customers",
    (
        Column("customer_id", Kind.TEXT, "An id of a deleted profile.", nullable=False),
        Column("erased_at", Kind.TIMESTAMP, "When its rows left all tables.", nullable=False),
        Column("rows_erased", Kind.INTEGER, "Rows that left the tables then."),
        Column("raw_lines_erased", Kind.INTEGER, "Lines that left the raw archive then."),
    ),
    key=("customer_id",),
    description="Deleted customers whose rows were erased here as well.",
    version=("erased_at",),
)

REDACTED_ITEMS = TableSchema(
    "redacted_items",
    (
        Column("item_id", Kind.TEXT, "The conversation item.", nullable=False),
        Column("part", Kind.TEXT, "The column that was emptied.", nullable=False),
        Column(
            "redacted_at",
            Kind.TIMESTAMP,
            "When the first version without it was extracted.",
            nullable=False,
        ),
        *LINEAGE,
    ),
    key=("item_id", "part"),
    description="Items whose text was there once and is empty now: redacted at Gladly.",
    version=VERSION,
)

IDENTITY = (
    CUSTOMER_MERGES,
    CONVERSATION_MERGES,
    DELETED_CUSTOMERS,
    ERASED_CUSTOMERS,
    REDACTED_ITEMS,
)

# the columns of event tables that identity is told by
EVENT_COLUMNS: dict[str, tuple[str, ...]] = {
    "customer_events": (
        "source_customer_id",
        "destination_customer_id",
        "source_conversation_id",
        "destination_conversation_id",
    ),
    "customer_profile_events": (
        "customer_id",
        "source_customer_id",
        "destination_customer_id",
    ),
}
IDENTITY_EVENTS = ("CUSTOMER/MERGED", "CUSTOMER_PROFILE/MERGED", "CUSTOMER_PROFILE/DELETED")

Row = dict[str, Any]


def identity_rows(events: Iterable[Mapping[str, Any]]) -> dict[str, list[Row]]:
    """Return the rows that events tell of, by table, each key once.

    Args:
        events: Rows of event tables of the ``IDENTITY_EVENTS`` types, with their lineage. An id
            that is absent or empty, and a merge into itself, tell of nothing.
    """
    rows: dict[str, dict[tuple[str, ...], Row]] = {}
    for event in sorted(events, key=_trust):
        for table, key, moment in _told(event):
            if all(key.values()) and len({*key.values()}) == len(key):
                rows.setdefault(table, {})[tuple(key.values())] = key | moment | _origin(event)
    return {table: list(found.values()) for table, found in rows.items()}


def redirect_row(source: str, destination: str, lineage: Row) -> Row:
    """Return the row of ``customer_merges`` that a redirect tells of.

    Args:
        source: The id that was asked for.
        destination: The id that it was merged into.
        lineage: Where the read stands; its time is the merge's, which nothing else tells.
    """
    key = {"source_customer_id": source, "destination_customer_id": destination}
    told = {"merged_at": lineage[EXTRACTED_AT], "event_id": None, "evidence": "redirect"}
    return key | told | lineage


def missing_row(customer_id: str, since: datetime, lineage: Row) -> Row:
    """Return the row of ``deleted_customers`` that two reads which found nothing tell of.

    Args:
        customer_id: The id that was asked for.
        since: When it was first not there.
        lineage: Where the second read stands.
    """
    told = {"deleted_at": since, "event_id": None, "evidence": "not found twice"}
    return {"customer_id": customer_id} | told | lineage


def _told(event: Mapping[str, Any]) -> Iterable[tuple[str, Row, Row]]:
    at = event["timestamp"]
    if event["type"] == "CUSTOMER_PROFILE/DELETED":
        yield DELETED_CUSTOMERS.name, {"customer_id": event["customer_id"]}, {"deleted_at": at}
        return
    for table in (CUSTOMER_MERGES, CONVERSATION_MERGES):
        key = {name: event.get(name) for name in table.key}
        yield table.name, key, {"merged_at": at}


def _origin(event: Mapping[str, Any]) -> Row:
    lineage = {column.name: event[column.name] for column in LINEAGE}
    return {"event_id": event["event_id"], "evidence": event["type"]} | lineage


def _trust(event: Mapping[str, Any]) -> tuple[Any, ...]:
    """The deprecated twin comes first, so that the event proper is the one that is kept."""
    version = tuple(event[name] for name in VERSION)
    return event["type"] == "CUSTOMER/MERGED", *version, event["timestamp"]
