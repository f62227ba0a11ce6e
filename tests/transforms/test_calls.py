"""Calls and voicemails, from raw items, and which contact each belongs to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipelines.gladly_tables import GLADLY_TABLES
from tests.transforms.places import Place, Row, lineage
from tests.transforms.test_contacts import by, contact_rows, event, instant, seconds
from tests.transforms.world import BuiltWorld, Raw

ASKS_FOR = ("calls",)
ONLY_WHOLE = True

TABLES = {table.name: table for table in GLADLY_TABLES}
KINDS = {"PHONE_CALL": "call", "VOICEMAIL": "voicemail"}


def call_row(item: Row, contact_id: str | None, raw: Raw) -> Row:
    content, kind = item["content"], KINDS[item["content"]["type"]]
    started_at, answered_at, completed_at = (
        instant(content.get(name)) for name in ("startedAt", "answeredAt", "completedAt")
    )
    ringing = None
    if started_at and (answered_at or completed_at):
        ringing = (answered_at or completed_at or started_at) - started_at
    talking = completed_at - answered_at if answered_at and completed_at else None
    recorded = content.get("recordingDuration")
    return {
        "item_id": item["id"],
        "conversation_id": raw.identities.conversation(item["conversationId"]),
        "customer_id": raw.identities.customer(item["customerId"]),
        "contact_id": contact_id,
        "kind": kind,
        "direction": "inbound"
        if item["initiator"]["type"] in {"CUSTOMER", "EXTERNAL"}
        else "outbound",
        "from_number": content.get("from"),
        "to_number": content.get("to"),
        "started_at": started_at,
        "answered_at": answered_at,
        "completed_at": completed_at,
        "is_missed": answered_at is None if kind == "call" else None,
        "ring_seconds": seconds(ringing),
        "talk_seconds": seconds(talking),
        "recording_status": content.get("recordingStatus"),
        "recording_seconds": None if recorded is None else Decimal(recorded),
        "has_summary": bool((content.get("recordingSummary") or {}).get("summary")),
    }


def meet(item: Row, contact: Row) -> bool:
    """Return whether a call and a contact of the phone overlap, ends included."""
    started_at, completed_at = (
        datetime.fromisoformat(item["content"][name]) for name in ("startedAt", "completedAt")
    )
    return (
        contact["queued_at"] is not None
        and contact["queued_at"] <= completed_at
        and (contact["ended_at"] is None or started_at <= contact["ended_at"])
    )


def contact_of_calls(items: Iterable[Row], raw: Raw) -> dict[str, str]:
    """Pair calls and contacts where neither could be paired with another."""
    calls, contacts = defaultdict(list), defaultdict(list)
    for item in items:
        if item["content"]["type"] == "PHONE_CALL":
            calls[raw.identities.conversation(item["conversationId"])].append(item)
    for contact in contact_rows(raw):
        if contact["channel"] == "PHONE_CALL":
            contacts[contact["conversation_id"]].append(contact)
    pairs = [
        (call["id"], contact["contact_id"])
        for conversation, found in calls.items()
        for call in found
        for contact in contacts[conversation]
        if meet(call, contact)
    ]
    items_paired, contacts_paired = ([pair[side] for pair in pairs] for side in (0, 1))
    told = {
        one["content"]["messageId"]: one["content"]["contactId"]
        for one in raw.events
        if one["type"].startswith("CONTACT/MESSAGE_")
    }
    return told | {
        item: contact
        for item, contact in pairs
        if items_paired.count(item) == contacts_paired.count(contact) == 1
    }


def test_calls_of_the_world_are_those_of_its_raw_items(world: BuiltWorld) -> None:
    items = [item for item in world.raw.items if item["content"]["type"] in KINDS]
    contact_of = contact_of_calls(items, world.raw)
    expected = [call_row(item, contact_of.get(item["id"]), world.raw) for item in items]
    rows = world.models["calls"]
    assert by(rows, "item_id") == by(expected, "item_id")
    for kind in KINDS.values():
        assert any(row["contact_id"] for row in rows if row["kind"] == kind), kind
    # in this world a contact of the phone begins as its call begins to ring
    queued_at = {row["contact_id"]: row["queued_at"] for row in world.models["contacts"]}
    told = [row for row in rows if row["kind"] == "call" and row["contact_id"]]
    assert all(row["started_at"] == queued_at[row["contact_id"]] for row in told)


def at(minute: float) -> datetime:
    return datetime.fromisoformat("2026-03-08T10:00:00Z") + timedelta(minutes=minute)


def load_calls(place: Place, calls: Mapping[str, Iterable[tuple[str, float, float]]]) -> None:
    """Load calls of conversations: name, when it began, when it was over."""
    items, details = [], []
    found = [(conversation, *call) for conversation, each in calls.items() for call in each]
    for number, (conversation, name, started, completed) in enumerate(found, 1):
        of = {"conversation_id": conversation, "initiator_type": "CUSTOMER"}
        items.append({"id": name, **of, **lineage(number)})
        times = {"started_at": at(started), "completed_at": at(completed)}
        details.append({"id": name, **times, **lineage(number)})
    place.load({TABLES["conversation_items"]: items, TABLES["phone_calls"]: details})


def contact_events(name: str, started: float, ended: float | None, **content: Any) -> list[Row]:  # noqa: ANN401
    spans = [("STARTED", started)] + ([] if ended is None else [("ENDED", ended)])
    return [
        event(f"{name} {kind}", kind, at(minute).strftime("%H:%M:%S"), contactId=name, **content)
        for kind, minute in spans
    ]


# of each conversation: its calls, its contacts, and which contact each call belongs to
MEETINGS: dict[
    str,
    tuple[
        list[tuple[str, float, float]],
        list[tuple[str, float, float | None]],
        dict[str, str | None],
    ],
] = {
    "queued while it rang": ([("1", 0, 5)], [("A", 0.5, 4)], {"1": "A"}),
    "queued as it ended": ([("1", 0, 5)], [("A", 5, 6)], {"1": "A"}),
    "queued later": ([("1", 0, 5)], [("A", 5.1, 6)], {"1": None}),
    "not over": ([("1", 0, 5)], [("A", -9, None)], {"1": "A"}),
    "two contacts": ([("1", 0, 5)], [("A", 1, 2), ("B", 3, 4)], {"1": None}),
    "two calls": (
        [("1", 0, 5), ("2", 6, 9), ("3", 10, 12)],
        [("A", 1, 4), ("B", 7, 11)],
        {"1": "A", "2": None, "3": None},
    ),
}


@pytest.fixture(scope="module")
def contact_of(shared_place: Place) -> dict[str, str | None]:
    """The contact of each call of all these conversations: one build at a database."""
    load_calls(
        shared_place,
        {
            case: [(f"{call} of {case}", started, over) for call, started, over in calls]
            for case, (calls, _, _) in MEETINGS.items()
        },
    )
    # neither another conversation nor another channel has a part in it
    events = contact_events("other", 0, 30, conversationId="another")
    for case, (_, contacts, _) in MEETINGS.items():
        events += contact_events(f"chat of {case}", 0, 30, channel="CHAT", conversationId=case)
        for contact, started, over in contacts:
            name = f"{contact} of {case}"
            events += contact_events(name, started, over, conversationId=case)
    shared_place.load_events(events)
    shared_place.transform()
    return {row["item_id"]: row["contact_id"] for row in shared_place.models()["calls"]}


@pytest.mark.parametrize("case", MEETINGS)
def test_a_call_belongs_to_the_only_contact_it_meets(
    contact_of: dict[str, str | None], case: str
) -> None:
    of_case = f" of {case}"
    _, _, expected = MEETINGS[case]
    assert {call: contact for call, contact in contact_of.items() if call.endswith(of_case)} == {
        call + of_case: contact and contact + of_case for call, contact in expected.items()
    }


def test_what_events_name_comes_first_unless_they_contradict_each_other(place: Place) -> None:
    load_calls(place, {"v1": [("1", 0, 5), ("2", 20, 25)]})
    place.load_events(
        [
            *contact_events("A", 1, 2),
            *contact_events("B", 21, 22),
            event("n1", "MESSAGE_RECEIVED", "11:00:00", contactId="N", messageId="1"),
            event("n2", "MESSAGE_RECEIVED", "11:00:00", contactId="N", messageId="2"),
            event("m2", "MESSAGE_RECEIVED", "11:00:00", contactId="M", messageId="2"),
        ]
    )
    place.transform()
    rows = place.models()["calls"]
    assert {row["item_id"]: row["contact_id"] for row in rows} == {"1": "N", "2": None}
    assert [row["ring_seconds"] for row in rows] == [300, 300]
    assert all(row["is_missed"] for row in rows)
