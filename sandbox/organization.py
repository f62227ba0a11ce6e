"""What an administrator sets up: agents, topics and inboxes."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sandbox.identifiers import identifier
from sandbox.people import agent_records

# Topic names are not unique in Gladly: two different parents have a child "Damaged" here.
_TOPICS: tuple[tuple[str, str | None, bool], ...] = (
    ("Orders", None, False),
    ("Order Returns", "Orders", False),
    ("Order Status", "Orders", False),
    ("Damaged", "Orders", False),
    ("Shipping", None, False),
    ("Late Parcel", "Shipping", False),
    ("Lost Parcel", "Shipping", False),
    ("Damaged", "Shipping", False),
    ("Paper Catalogue", "Shipping", True),
    ("Billing", None, False),
    ("Refunds", "Billing", False),
    ("Gift Cards", "Billing", True),
    ("Account", None, False),
    ("Größe & Passform", None, False),
    ("Holiday Campaign 2019", None, True),
)
_INBOXES = (
    ("General", False),
    ("Email Inbox", False),
    ("Voice", False),
    ("VIP", False),
    ("Old", True),
)


@dataclass(frozen=True, slots=True)
class Organization:
    """The lists of one organisation; each record is exactly what the API shows."""

    agents: tuple[dict[str, Any], ...]
    topics: tuple[dict[str, Any], ...]
    inboxes: tuple[dict[str, Any], ...]
    usable_topic_ids: tuple[str, ...]
    usable_inbox_ids: tuple[str, ...]


def _topic_records(seed: int) -> list[dict[str, Any]]:
    ids = {
        name: identifier(seed, "topic", number)
        for number, (name, parent, _) in enumerate(_TOPICS)
        if parent is None
    }
    records = []
    for number, (name, parent, disabled) in enumerate(_TOPICS):
        record: dict[str, Any] = {
            "id": identifier(seed, "topic", number),
            "name": name,
            "disabled": disabled,
        }
        if parent is not None:
            record["parentId"] = ids[parent]
        records.append(record)
    return records


def _inbox_records(seed: int) -> list[dict[str, Any]]:
    return [
        {"id": identifier(seed, "inbox", number), "name": name, "disabled": disabled}
        for number, (name, disabled) in enumerate(_INBOXES)
    ]


def _usable_ids(records: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(record["id"] for record in records if not record["disabled"])


@lru_cache(maxsize=8)
def organization_of(seed: int) -> Organization:
    """Return the organisation of a seed; the records are shared and must not be changed."""
    topics = _topic_records(seed)
    inboxes = _inbox_records(seed)
    return Organization(
        agents=tuple(agent_records(seed)),
        topics=tuple(topics),
        inboxes=tuple(inboxes),
        usable_topic_ids=_usable_ids(topics),
        usable_inbox_ids=_usable_ids(inboxes),
    )


def organization_record(seed: int, name: str) -> dict[str, Any]:
    """Return the organisation as Get Organization shows it; public answers are under its id."""
    return {
        "id": identifier(seed, "organization"),
        "loginDomain": "example.com",
        "name": f"{name.title()} & Söhne",
        # days of reports without a timezone of their own are counted in it
        "timezone": "America/Los_Angeles",
        "gladlyUrl": f"https://{name}.gladly.com",
    }
