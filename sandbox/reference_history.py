"""What an administrator changes in the course of time, remembered change by change."""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, get_args

ReferenceKind = Literal[
    "agents",
    "answers",
    "audiences",
    "business-hours",
    "custom-attributes",
    "inboxes",
    "organization",
    "teams",
    "topics",
    "webhooks",
]
REFERENCE_KINDS: tuple[ReferenceKind, ...] = get_args(ReferenceKind)

Records = dict[ReferenceKind, dict[str, dict[str, Any]]]
"""The records of each kind by id, in the order in which they came."""


class Change(NamedTuple):
    """One record's beginning, change or end.

    Attributes:
        at: When, in milliseconds since 1970.
        kind: Which list it is in.
        id: The record's id.
        fields: The whole record, its id included, when it begins; the fields that change, where
            None takes a field away; None for the record's end.
    """

    at: int
    kind: ReferenceKind
    id: str
    fields: dict[str, Any] | None


def begins(at: int, kind: ReferenceKind, record: dict[str, Any]) -> Change:
    """Return the beginning of a record."""
    return Change(at, kind, record["id"], record)


def _applied(known: dict[str, dict[str, Any]], change: Change) -> None:
    if change.fields is None:
        known.pop(change.id, None)
    elif change.id in known or "id" in change.fields:
        record = known.get(change.id, {}) | change.fields
        known[change.id] = {name: value for name, value in record.items() if value is not None}


def records_at(changes: Iterable[Change], at: int) -> Records:
    """Return all records as they stand at `at`, milliseconds since 1970.

    ```
    begins  x
    changes         x            x           those of one instant in the order given
    ends                                x
    record  |  v1   |     v2     |  v3  |    a change counts from its instant on
    ```
    """
    records: Records = {kind: {} for kind in REFERENCE_KINDS}
    for change in sorted(changes, key=lambda change: change.at):
        if change.at > at:
            break
        _applied(records[change.kind], change)
    return records
