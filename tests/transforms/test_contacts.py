"""Contacts as a program would follow them that reads one event after the other."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sources.gladly.identity import CONVERSATION_MERGES, CUSTOMER_MERGES
from sources.gladly.work_sessions import WORK_SESSION_EVENTS
from tests.transforms.places import NOW, Place, Row, lineage
from tests.transforms.test_identities import Merge, merge_rows
from tests.transforms.world import BuiltWorld, Raw

ASKS_FOR = ("contacts",)
ONLY_WHOLE = True

MICROSECOND = timedelta(microseconds=1)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
INBOUND, OUTBOUND = {"CUSTOMER", "INTERNAL", "EXTERNAL"}, {"AGENT", "APPLICATION", "SYSTEM"}
WRITERS = {
    "CUSTOMER": "customer",
    "EXTERNAL": "customer",
    "AGENT": "agent",
    "AUTOMATION": "rules",
    "API": "api",
    "APPLICATION": "api",
}
HOLDS = ("MANUAL", "WARM_TRANSFER", "COLD_TRANSFER", "CONFERENCE")


def instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def seconds(span: timedelta | None) -> Decimal | None:
    return None if span is None else Decimal(span // MICROSECOND) / 1_000_000


def between(start: datetime | None, end: datetime | None) -> timedelta | None:
    return None if start is None or end is None else end - start


def work_sessions(raw: Raw) -> dict[str, list[dict[str, str]]]:
    """Read the work sessions of each contact as the last reading that has any of them shows it."""
    found: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for name, lines in raw.readings("work-session-events"):
        for line in lines:
            found[line["contact_session_id"]][name].append(line)
    return {contact: readings[max(readings)] for contact, readings in found.items()}


class OpenHours:
    """The default business hours of an organisation, as its raw record tells them."""

    def __init__(self, configurations: Iterable[Row]) -> None:
        (default,) = {each["id"]: each for each in configurations if each["primary"]}.values()
        self.hours = default["officeHours"]
        self.zone = ZoneInfo(self.hours["timezone"])

    def spans(self, day: datetime) -> Iterator[tuple[datetime, datetime]]:
        for block in self.hours.get(WEEKDAYS[day.weekday()], ()):
            yield (
                datetime.combine(day, time.fromisoformat(f"{block['start']:0>5}"), self.zone),
                datetime.combine(day, time.fromisoformat(f"{block['stop']:0>5}"), self.zone),
            )

    def open_between(self, start: datetime | None, end: datetime | None) -> timedelta | None:
        if start is None or end is None:
            return None
        total, day = timedelta(), start.astimezone(self.zone) - timedelta(days=1)
        while day.date() <= end.astimezone(self.zone).date():
            for opens, closes in self.spans(day):
                both = min(closes.astimezone(UTC), end) - max(opens.astimezone(UTC), start)
                total += max(both, timedelta())
            day += timedelta(days=1)
        return total


class Story:
    """All events of one contact, in the order in which they were recorded."""

    def __init__(self, events: Sequence[Row]) -> None:
        self.events = sorted(events, key=lambda event: (instant(event["timestamp"]), event["id"]))

    def named(self, name: str) -> list[Row]:
        return [event for event in self.events if event["type"] == f"CONTACT/{name}"]

    def first(self, name: str) -> Row | None:
        return next(iter(self.named(name)), None)

    def when(self, name: str) -> datetime | None:
        first = self.first(name)
        return instant(first["timestamp"]) if first else None

    def says(self, name: str, *path: str) -> Any:  # noqa: ANN401 - a value of JSON
        value: Any = self.first(name)
        for key in path:
            value = (value or {}).get(key)
        return value

    def joined(self) -> list[str]:
        by = [event["initiator"] for event in self.named("JOINED")]
        return [who["id"] for who in by if who["type"] == "AGENT"]

    def holds(self) -> Iterator[tuple[str, timedelta]]:
        begun: Row | None = None
        for event in self.events:
            if event["type"] == "CONTACT/HOLD_STARTED":
                begun = event
            elif event["type"] == "CONTACT/HOLD_ENDED" and begun:
                length = between(instant(begun["timestamp"]), instant(event["timestamp"]))
                yield begun["content"].get("reason"), length or timedelta()
                begun = None

    def writers(self) -> list[str | None]:
        return [
            WRITERS.get(event["initiator"]["type"])
            for event in (*self.named("MESSAGE_RECEIVED"), *self.named("MESSAGE_SENT"))
        ]

    def rejections(self, *reasons: str) -> int:
        found = self.named("OFFER_REJECTED")
        return sum(not reasons or event["content"]["reason"] in reasons for event in found)


def direction(story: Story, session: Mapping[str, str]) -> str | None:
    starter = story.says("STARTED", "initiator", "type")
    if starter in INBOUND:
        return "inbound"
    return "outbound" if starter in OUTBOUND else session.get("direction", "").lower() or None


def within(story: Story, session: Mapping[str, str]) -> bool | None:
    fulfilled_at, due_at = (
        story.when("FULFILLED"),
        instant(story.says("STARTED", "content", "dueAt")),
    )
    if fulfilled_at is None:
        return None
    if story.first("STARTED") is None:
        return {"true": True, "false": False}.get(session.get("within_sla", ""))
    return None if due_at is None else fulfilled_at <= due_at


def contact_row(
    story: Story, sessions: Sequence[Mapping[str, str]], hours: OpenHours, raw: Raw
) -> Row:
    """Return what is known of a contact."""
    session = sessions[0] if sessions else {}
    is_over = bool(session.get("contact_session_ended_at"))
    queued_at, fulfilled_at = story.when("STARTED"), story.when("FULFILLED")
    ended_at, due_at = story.when("ENDED"), instant(story.says("STARTED", "content", "dueAt"))
    accepted_at = story.when("OFFER_ACCEPTED") if queued_at else None
    content, agents, held = story.events[-1]["content"], story.joined(), list(story.holds())
    on_hold = sum((length for _, length in held), timedelta())
    handle = after = None
    if is_over and ended_at:
        handle = sum(Decimal(one["work_session_handle_time_sec"] or 0) for one in sessions)
        after = sum(Decimal(one["work_session_after_contact_time_sec"] or 0) for one in sessions)
    status: str | None = "OPEN"
    if ended_at:
        status = story.says("ENDED", "content", "status") or session.get("status")
    started = ("STARTED", "content")
    return {
        "contact_id": content["contactId"],
        "conversation_id": raw.identities.conversation(content["conversationId"]),
        "customer_id": raw.identities.customer(content["customerId"]),
        "channel": content["channel"],
        "direction": direction(story, session),
        "inbox_id": story.says(*started, "context", "assignee", "inboxId")
        or session.get("inbox_id"),
        "entry_point": story.says(*started, "entryPoint"),
        "final_ivr_selection": story.says(*started, "finalIVRSelection"),
        "is_start_seen": queued_at is not None,
        "queued_at": queued_at,
        "first_offered_at": story.when("OFFERED") if queued_at else None,
        "first_accepted_at": accepted_at,
        "fulfilled_at": fulfilled_at,
        "fulfilled_type": story.says("FULFILLED", "content", "fulfilledType"),
        "ended_at": ended_at,
        "status": status,
        "end_reason": story.says("ENDED", "content", "reason"),
        "is_abandoned": status and status == "ABANDONED",
        "due_at": due_at,
        "target_seconds": seconds(between(queued_at, due_at)),
        "is_target_known": queued_at is not None or is_over,
        "is_within_target": within(story, session),
        "queued_to_accepted_seconds": seconds(between(queued_at, accepted_at)),
        "queued_to_fulfilled_seconds": seconds(between(queued_at, fulfilled_at)),
        "queued_to_fulfilled_business_seconds": seconds(
            hours.open_between(queued_at, fulfilled_at)
        ),
        "queued_to_ended_seconds": seconds(between(queued_at, ended_at)),
        "first_agent_id": next(iter(agents), None) if queued_at else None,
        "last_agent_id": next(reversed(agents), None),
        "agents": len(set(agents)),
        "offers": len(story.named("OFFERED")),
        "offers_accepted": len(story.named("OFFER_ACCEPTED")),
        "offers_rejected": story.rejections(),
        "offers_declined": story.rejections("DECLINED"),
        "offers_missed": story.rejections("MISSED"),
        "offers_device_error": story.rejections("DEVICE ERROR"),
        "transfers": len(story.named("TRANSFERRED")),
        "holds": len(story.named("HOLD_STARTED")),
        "hold_seconds": seconds(on_hold),
        **{
            f"hold_{reason.lower()}_seconds": seconds(
                sum((length for why, length in held if why == reason), timedelta())
            )
            for reason in HOLDS
        },
        "handle_seconds": handle,
        "after_contact_seconds": after,
        "talk_seconds": handle - (seconds(on_hold) or 0)
        if handle and content["channel"] == "PHONE_CALL"
        else None,
        "messages": len(story.writers()),
        **{
            f"messages_by_{who}": story.writers().count(who)
            for who in ("customer", "agent", "rules", "api")
        },
    }


def contact_rows(raw: Raw) -> list[Row]:
    stories = defaultdict(list)
    for event in raw.events:
        if event["type"].startswith("CONTACT/"):
            stories[event["content"]["contactId"]].append(event)
    sessions, hours = (
        work_sessions(raw),
        OpenHours(raw.records("reference", "business_hours.jsonl")),
    )
    return [
        contact_row(Story(story), sessions.get(contact_id, []), hours, raw)
        for contact_id, story in stories.items()
    ]


def by(rows: Iterable[Row], *key: str) -> list[Row]:
    return sorted(rows, key=lambda row: [str(row[name]) for name in key])


def test_contacts_of_the_world_are_those_of_a_program_that_reads_one_event_after_the_other(
    world: BuiltWorld,
) -> None:
    expected = contact_rows(world.raw)
    rows = world.models["contacts"]
    assert by(rows, "contact_id") == by(expected, "contact_id")
    assert len({row["conversation_id"] for row in rows}) < len(rows)
    shown = {name: sum(row[name] not in {None, 0} for row in rows) for name in rows[0]}
    never = {name for name, times in shown.items() if not times}
    assert never == {"messages_by_rules", "messages_by_api"}


def event(identifier: str, name: str, at: str, by: str = "SYSTEM", **content: Any) -> Row:  # noqa: ANN401
    """Return an event of contact c1; a time without a day is one of 2026-03-08."""
    kind, _, who = by.partition(" ")
    return {
        "id": identifier,
        "type": f"CONTACT/{name}",
        "timestamp": at if "T" in at else f"2026-03-08T{at}Z",
        "initiator": {"type": kind, "id": who},
        "content": {
            "channel": "PHONE_CALL",
            "contactId": "c1",
            "conversationId": "v1",
            "customerId": "p1",
        }
        | content,
    }


def contact(place: Place) -> Row:
    place.transform()
    (row,) = place.models()["contacts"]
    return row


def parts(row: Row, *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}


def test_a_contact_whose_start_is_not_loaded_has_no_waits(place: Place) -> None:
    place.load_events(
        [
            event("1", "OFFERED", "10:00:00", agentId="a1"),
            event("2", "OFFER_ACCEPTED", "10:00:05", "AGENT a1", agentId="a1"),
            event("3", "JOINED", "10:00:05", "AGENT a1"),
            event("4", "FULFILLED", "10:00:05", "AGENT a1", fulfilledType="RESPONDED"),
            event("5", "ENDED", "10:04:00", "AGENT a1", status="ANSWERED", reason="AGENT_ENDED"),
        ]
    )
    row = contact(place)
    seen = {"offers": 1, "offers_accepted": 1, "agents": 1, "last_agent_id": "a1"}
    assert parts(row, *seen) == seen
    assert parts(row, "status", "is_abandoned", "is_start_seen") == {
        "status": "ANSWERED",
        "is_abandoned": False,
        "is_start_seen": False,
    }
    unknown = [
        "direction",
        "inbox_id",
        "queued_at",
        "first_offered_at",
        "first_accepted_at",
        "first_agent_id",
        "due_at",
        "target_seconds",
        "is_within_target",
        "queued_to_accepted_seconds",
        "queued_to_fulfilled_seconds",
        "queued_to_fulfilled_business_seconds",
        "queued_to_ended_seconds",
        "handle_seconds",
        "talk_seconds",
    ]
    assert parts(row, *unknown) == dict.fromkeys(unknown)
    assert not row["is_target_known"]


def session(agent: str, handle: float | None, **values: Any) -> Row:  # noqa: ANN401
    return {
        "contact_session_id": "c1",
        "agent_id": agent,
        "direction": "INBOUND",
        "inbox_id": "i9",
        "work_session_handle_time_seconds": handle,
        "work_session_after_contact_time_seconds": handle and 1.5,
        **values,
        **lineage(1),
    }


ENDED_SESSION = {"contact_session_ended_at": NOW, "status": "ANSWERED", "within_sla": False}


def test_work_sessions_stand_in_for_what_no_event_tells(place: Place) -> None:
    # its start was not loaded, its end came from a report, which does not say how it ended
    place.load_events(
        [
            event("1", "FULFILLED", "10:00:05", "AGENT a1"),
            event("2", "HOLD_STARTED", "10:01:00", "AGENT a1"),
            event("3", "HOLD_ENDED", "10:01:10.5", "AGENT a1"),
            event("4", "ENDED", "10:04:00", "AGENT a1"),
        ]
    )
    agents = [session("a1", 100.001, **ENDED_SESSION), session("a2", 20.3, **ENDED_SESSION)]
    place.load({WORK_SESSION_EVENTS: agents})
    expected = {
        "direction": "inbound",
        "inbox_id": "i9",
        "status": "ANSWERED",
        "is_abandoned": False,
        "is_target_known": True,
        "is_within_target": False,
        "hold_seconds": Decimal("10.5"),
        "hold_manual_seconds": 0,
        "handle_seconds": Decimal("120.301"),
        "after_contact_seconds": 3,
        "talk_seconds": Decimal("109.801"),
    }
    assert parts(contact(place), *expected) == expected


HANDLED: dict[str, tuple[list[Row], str, Decimal | int | None]] = {
    "never read": ([], "UNANSWERED", None),
    "read while open": ([session("", None)], "UNANSWERED", None),
    "nobody worked on it": ([session("", None, **ENDED_SESSION)], "UNANSWERED", 0),
    "over": ([session("a1", 7.25, **ENDED_SESSION)], "UNANSWERED", Decimal("7.25")),
    "end not seen": ([session("a1", 7.25, **ENDED_SESSION)], "OPEN", None),
}


def handled_events(status: str) -> list[Row]:
    start = event("1", "STARTED", "10:00:00", "CUSTOMER p1")
    return [start] if status == "OPEN" else [start, event("2", "ENDED", "10:00:09", status=status)]


TARGETS: dict[str, tuple[str | None, str | None, tuple[bool | None, int | None]]] = {
    "just in time": ("10:01:00", "10:01:00", (True, 60)),
    "just too late": ("10:01:00", "10:01:00.001", (False, 60)),
    "not yet": ("10:01:00", None, (None, 60)),
    "nothing due": (None, "10:01:00", (None, None)),
}


def target_events(due: str | None, fulfilled: str | None) -> list[Row]:
    more = {"dueAt": f"2026-03-08T{due}Z"} if due else {}
    events = [event("1", "STARTED", "10:00:00", "EXTERNAL x", **more)]
    if fulfilled:
        events.append(event("2", "FULFILLED", fulfilled, fulfilledType="CANCELED"))
    return events


def hold(identifier: str, name: str, at: str, reason: str = "MANUAL") -> Row:
    return event(identifier, f"HOLD_{name}", at, "AGENT a1", reason=reason)


HELD: dict[str, tuple[list[Row], tuple[int, ...]]] = {
    "one": ([hold("1", "STARTED", "10:00:00"), hold("2", "ENDED", "10:00:07")], (1, 7, 7, 0)),
    "one after the other": (
        [
            hold("9", "STARTED", "10:00:00"),
            hold("8", "ENDED", "10:00:07"),
            hold("1", "STARTED", "10:00:07", "CONFERENCE"),
            hold("2", "ENDED", "10:00:08", "CONFERENCE"),
        ],
        (2, 8, 7, 1),
    ),
    "no beginning, no end": (
        [hold("1", "ENDED", "10:00:07"), hold("2", "STARTED", "10:00:09")],
        (1, 0, 0, 0),
    ),
    "an end is missing": (
        [
            hold("1", "STARTED", "10:00:00"),
            hold("2", "STARTED", "10:00:05", "CONFERENCE"),
            hold("3", "ENDED", "10:00:07", "CONFERENCE"),
        ],
        (2, 2, 0, 2),
    ),
}
EVENTS_OF = {
    **{name: handled_events(status) for name, (_, status, _) in HANDLED.items()},
    **{name: target_events(due, fulfilled) for name, (due, fulfilled, _) in TARGETS.items()},
    **{name: holds for name, (holds, _) in HELD.items()},
}


@pytest.fixture(scope="module")
def contacts(shared_place: Place) -> dict[str, Row]:
    """What a database makes of all these contacts in one build, by their names."""
    shared_place.load_events(
        # ids of a contact's events keep their order
        told | {"id": f"{told['id']} of {name}", "content": told["content"] | {"contactId": name}}
        for name, events in EVENTS_OF.items()
        for told in events
    )
    sessions = [
        one | {"contact_session_id": name}
        for name, (sessions, _, _) in HANDLED.items()
        for one in sessions
    ]
    shared_place.load({WORK_SESSION_EVENTS: sessions})
    shared_place.transform()
    found = {row["contact_id"]: row for row in shared_place.models()["contacts"]}
    assert found.keys() == EVENTS_OF.keys()
    return found


@pytest.mark.parametrize("name", HANDLED)
def test_handle_time_is_known_when_the_contact_has_ended_in_both_feeds(
    contacts: dict[str, Row], name: str
) -> None:
    _, status, handle = HANDLED[name]
    row = contacts[name]
    assert (row["handle_seconds"], row["status"]) == (handle, status)
    assert row["talk_seconds"] == (handle or None)


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_within_target(contacts: dict[str, Row], name: str) -> None:
    _, _, expected = TARGETS[name]
    row = contacts[name]
    assert (row["is_within_target"], row["target_seconds"]) == expected
    assert (row["direction"], row["is_target_known"]) == ("inbound", True)


@pytest.mark.parametrize("name", HELD)
def test_holds_count_from_beginning_to_end(contacts: dict[str, Row], name: str) -> None:
    _, expected = HELD[name]
    row = contacts[name]
    names = ("holds", "hold_seconds", "hold_manual_seconds", "hold_conference_seconds")
    assert tuple(row[name] for name in names) == expected


def test_a_contact_stands_in_the_conversation_that_its_last_event_names_after_merges(
    place: Place,
) -> None:
    place.load_events(
        [
            event("9", "STARTED", "10:00:00", "CUSTOMER p1"),
            event("1", "ENDED", "10:01:00", conversationId="v2", customerId="p2"),
        ]
    )
    place.load(
        {
            CONVERSATION_MERGES: merge_rows("conversation", [Merge("v2", "v3", 1)]),
            CUSTOMER_MERGES: merge_rows("customer", [Merge("p1", "p9", 1), Merge("p2", "p3", 1)]),
        }
    )
    expected = {"conversation_id": "v3", "customer_id": "p3", "queued_to_ended_seconds": 60}
    assert parts(contact(place), *expected) == expected
