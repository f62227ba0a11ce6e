"""Agents over time: as a walk through the raw records finds them, and as Gladly reports."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
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
from tests.transforms.world import ZONE, BuiltWorld

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
        for row in sessions_in(world.raw.archive)
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
    assert differences(world.models["agent_contact_spans"], expected) == SAME
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
