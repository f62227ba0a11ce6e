"""Agents over time: as a walk through the raw records finds them, and as Gladly reports."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.transforms.places import Row
from tests.transforms.raw_agents import (
    agent_states,
    availability_spans,
    contact_spans,
    days,
    half_hours,
    pieces_of,
    sessions_in,
)
from tests.transforms.raw_stories import People, reads_of
from tests.transforms.test_reconciliation import FIRST_WHOLE_DAY
from tests.transforms.world import ZONE, BuiltWorld, instant

LOS_ANGELES = ZoneInfo(ZONE)
# the third night reads up to here: fifteen seconds before it began
READ_UNTIL = datetime(2026, 3, 7, 5, 59, 45, tzinfo=UTC)
SAME: tuple[list[str], list[str]] = ([], [])


def differences(found: Iterable[Row], expected: Iterable[Row]) -> tuple[list[str], list[str]]:
    """Return some rows that only one side has; comparing long lists whole takes minutes to show."""
    ours, theirs = Counter(map(told, found)), Counter(map(told, expected))
    return sorted((ours - theirs).elements())[:3], sorted((theirs - ours).elements())[:3]


def told(row: Row) -> str:
    return json.dumps(row, default=plain, ensure_ascii=False, sort_keys=True)


def plain(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:.9f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value)


@pytest.fixture(scope="module")
def sessions(world: BuiltWorld) -> list[Row]:
    """Work sessions as received, with the ids of today."""
    people = People(world.raw.events, reads_of(world.raw))
    return [
        row
        | {
            "conversation_id": people.conversation(row["conversation_id"]),
            "customer_id": people.customer(row["customer_id"]),
        }
        for row in sessions_in(world.raw)
    ]


@pytest.fixture(scope="module")
def names(world: BuiltWorld) -> dict[str, str]:
    """What agents are called in the last list of them."""
    latest = world.raw.latest("reference", "agents.jsonl")
    return {identifier: agent["name"] for identifier, agent in latest.items()}


def test_work_sessions_are_those_received_with_the_ids_of_today(
    world: BuiltWorld, sessions: list[Row]
) -> None:
    assert len(sessions) > 200
    assert differences(world.models["work_sessions"], sessions) == SAME


def test_states_are_those_of_a_walk_through_the_events(world: BuiltWorld) -> None:
    expected = agent_states(world.raw.events)
    assert differences(world.models["agent_states"], expected) == SAME
    assert {row["state"] for row in expected if row["from_at"] is None} > {"active"}


def test_availability_is_that_of_a_walk_through_the_events(world: BuiltWorld) -> None:
    found = world.models["agent_availability_spans"]
    assert differences(found, availability_spans(world.raw.events)) == SAME


def test_contacts_in_hand_are_those_of_a_walk_through_the_events(
    world: BuiltWorld, sessions: list[Row]
) -> None:
    expected = contact_spans(world.raw.events, sessions)
    people = People(world.raw.events, reads_of(world.raw))
    conversations = {one["contact_session_id"]: one["conversation_id"] for one in sessions} | {
        event["content"]["contactId"]: people.conversation(event["content"]["conversationId"])
        for event in world.raw.events
        if event["type"].startswith("CONTACT/")
    }
    named = [row | {"conversation_id": conversations[row["contact_id"]]} for row in expected]
    assert differences(world.models["agent_contact_spans"], named) == SAME
    assert {row["told_by"] for row in expected if row["activity"] == "handling"} == {
        "events",
        "work_session",
    }


def test_slices_are_cut_at_every_edge(world: BuiltWorld, sessions: list[Row]) -> None:
    expected = [
        {
            "agent_id": piece.agent_id,
            "from_at": piece.from_at,
            "until_at": piece.until_at,
            "half_hour_start": piece.half_hour,
            "local_date": piece.day(LOS_ANGELES),
            "seconds": piece.seconds,
            "is_active": piece.any("active"),
            "is_away": piece.any("away"),
            "is_available_for_voice": piece.any("VOICE"),
            "is_available_for_messaging": piece.any("MESSAGING"),
            "is_available_for_mail": piece.any("MAIL"),
            "is_available_for_task": piece.any("TASK"),
            "contacts_handled": piece.kinds["handling"],
            "contacts_on_hold": piece.kinds["on_hold"],
            "contacts_finished_up": piece.kinds["after_contact"],
        }
        for piece in pieces_of(world.raw.events, sessions, LOS_ANGELES)
    ]
    assert differences(world.models["agent_time_slices"], expected) == SAME


def test_half_hours_are_those_of_a_plain_count(world: BuiltWorld, sessions: list[Row]) -> None:
    found = world.models["agent_half_hours"]
    assert (
        differences(found, half_hours(world.raw.events, sessions, LOS_ANGELES, READ_UNTIL)) == SAME
    )
    assert {row["is_partial"] for row in found} == {True, False}
    available = {
        (row["agent_id"], row["half_hour_start"], channel): row[f"available_for_{channel}_seconds"]
        for row in found
        for channel in ("voice", "messaging", "mail", "task")
        if row[f"available_for_{channel}_seconds"]
    }
    assert available == {
        (row["agent_id"], row["half_hour_start"], row["channel"].lower()): row["available_seconds"]
        for row in world.models["agent_availability_half_hours"]
    }


def test_days_are_those_of_a_plain_count(
    world: BuiltWorld, sessions: list[Row], names: dict[str, str]
) -> None:
    found = world.models["agent_days"]
    assert (
        differences(found, days(world.raw.events, sessions, LOS_ANGELES, READ_UNTIL, names)) == SAME
    )
    assert {row["is_partial"] for row in found} == {True, False}


# Our figures of agents' days beside Gladly's: none differs. One that looks alike is not the same:
# Hold Time counts whole holds on the day when the contact ended, on_hold_seconds counts each part
# of a hold on the day it was in. Occupancy % is of another report, and how it is counted is not
# documented.
TIMES = {
    "logged_in_seconds": "Logged in Time in seconds",
    "active_seconds": "Active Time in seconds",
    "away_seconds": "Away Time in seconds",
    "available_seconds": "Available Time in seconds - Any",
}
OF_HALF_HOURS = {
    **TIMES,
    "available_for_voice_seconds": "Available Time in seconds - Voice",
    "available_for_messaging_seconds": "Available Time in seconds - Messaging",
    "available_for_mail_seconds": "Available Time in seconds - Mail",
    "available_for_task_seconds": "Available Time in seconds - Task",
    "contacts_accepted": "Contact Accepted",
}
OF_DAYS = {
    **TIMES,
    "logins": "Logged in",
    "logouts": "Logged Out",
    "times_away": "Went Away",
    "contacts_offered": "Contact Offered",
    "contacts_accepted": "Contact Accepted",
    "contacts_declined": "Contact Declined",
    "contacts_missed": "Contact Missed",
    "contacts_fulfilled": "Contact Fulfilled",
    "contacts_transferred": "Contact Transferred",
    "contacts_ended": "Contact Ended",
    "handle_seconds": "Contact Handle Time in seconds",
    "after_contact_seconds": "After Contact Time in seconds",
    "messages_sent": "Message Sent",
    "conversations_closed": "Conversation Closed",
    "topics_added": "Conversation Topic Added",
}
AgentDay = tuple[str, date]


def last_reading(world: BuiltWorld, metric_set: str) -> list[dict[str, str]]:
    """Return what the last night read: all days of UTC that events cover whole, and no other."""
    *_, (name, lines) = world.raw.readings(metric_set)
    assert name.startswith(f"{metric_set}_{FIRST_WHOLE_DAY}_2026-03-07")
    return lines


def agent_summary(world: BuiltWorld, columns: dict[str, str]) -> dict[AgentDay, Row]:
    """Return Gladly's figures of agents' days, named as ours are."""
    return {
        (row["Agent ID"], date.fromisoformat(row["Bucket Beginning"][:10])): {
            ours: Decimal(row[gladly]) for ours, gladly in columns.items()
        }
        for row in last_reading(world, "AgentSummaryV2")
    }


def test_half_hours_add_up_to_the_days_of_gladly_s_reports(world: BuiltWorld) -> None:
    found: dict[AgentDay, Row] = defaultdict(lambda: dict.fromkeys(OF_HALF_HOURS, Decimal()))
    for row in world.models["agent_half_hours"]:
        figures = {name: row[name] for name in OF_HALF_HOURS}
        # one in which a contact is finished up while logged out is none of the report's
        if row["half_hour_start"].date() >= FIRST_WHOLE_DAY and any(figures.values()):
            day = found[row["agent_id"], row["half_hour_start"].date()]
            for name, value in figures.items():
                day[name] += value
    expected = agent_summary(world, OF_HALF_HOURS)
    assert found == expected
    assert all(any(row[name] for row in expected.values()) for name in OF_HALF_HOURS)


def test_days_are_those_of_gladly_s_reports(world: BuiltWorld, sessions: list[Row]) -> None:
    """Reports count days of UTC: the plain count is the model's for those of another zone."""
    rows = days(world.raw.events, sessions, ZoneInfo("UTC"), READ_UNTIL, {})
    found = {
        (row["agent_id"], row["local_date"]): {name: row[name] for name in OF_DAYS}
        for row in rows
        if row["local_date"] >= FIRST_WHOLE_DAY
    }
    expected = agent_summary(world, OF_DAYS)
    assert found == expected
    assert all(any(row[name] for row in expected.values()) for name in OF_DAYS)


def test_states_are_the_spans_of_gladly_s_reports(world: BuiltWorld) -> None:
    """The report shows those that began in its days; IDLE stands for no reason."""
    expected = [
        {
            "agent_id": row["Agent ID"],
            "state": row["Type"].lower(),
            "reason_name": None if row["Context"] == "IDLE" else row["Context"],
            "from_at": instant(f"{row['Start time']}Z"),
            "until_at": instant(f"{row['End time']}Z") if row["End time"] else None,
        }
        for row in last_reading(world, "AgentDurationsReportV2")
    ]
    found = [
        {name: row[name] for name in expected[0]}
        for row in world.models["agent_states"]
        if row["state"] in ("active", "away")
        and row["from_at"]
        and row["from_at"].date() >= FIRST_WHOLE_DAY
    ]
    assert len(expected) > 100
    assert differences(found, expected) == SAME
