"""Conversations from their raw records, read one by one, and as the models tell them."""

from collections.abc import Iterable
from operator import itemgetter

import pytest

from tests.transforms.places import Row
from tests.transforms.raw_conversations import Clock, Conversation, clock_of, conversations_of_world
from tests.transforms.world import BuiltWorld

Conversations = dict[str, Conversation]


@pytest.fixture(scope="module")
def raw(world: BuiltWorld) -> Conversations:
    return conversations_of_world(world)


@pytest.fixture(scope="module")
def clock(world: BuiltWorld) -> Clock:
    return clock_of(world.models)


def ordered(rows: Iterable[Row], *key: str) -> list[Row]:
    return sorted(rows, key=itemgetter(*key))


def test_beginnings_are_those_of_the_raw_records(world: BuiltWorld, raw: Conversations) -> None:
    rows = world.models["conversation_beginnings"]
    expected = [one.beginning() for one in raw.values()]
    assert ordered(rows, "conversation_id") == ordered(expected, "conversation_id")
    assert {row["told_by"] for row in rows} >= {"event", "record"}
    assert any(one.merged for one in raw.values())


def test_statuses_are_those_of_the_raw_records(world: BuiltWorld, raw: Conversations) -> None:
    rows = world.models["conversation_statuses"]
    expected = [row for one in raw.values() for row in one.statuses()]
    key = "conversation_id", "position"
    assert ordered(rows, *key) == ordered(expected, *key)
    assert {row["status"] for row in rows} == {"OPEN", "WAITING", "CLOSED"}


def test_assignments_are_those_of_the_raw_events(world: BuiltWorld, raw: Conversations) -> None:
    rows = world.models["conversation_assignments"]
    expected = [row for one in raw.values() for row in one.assignments()]
    key = "conversation_id", "position"
    assert ordered(rows, *key) == ordered(expected, *key)
    assert any(row["from_at"] is None for row in rows)


def test_messages_and_their_waits_are_those_of_the_raw_items(
    world: BuiltWorld, raw: Conversations, clock: Clock
) -> None:
    rows = world.models["messages"]
    expected = [row for one in raw.values() for row in one.messages(clock)]
    assert ordered(rows, "item_id") == ordered(expected, "item_id")
    assert sum(row["is_first_response"] is True for row in rows) > 50


def test_facts_are_those_of_the_raw_records(
    world: BuiltWorld, raw: Conversations, clock: Clock
) -> None:
    rows = world.models["conversation_facts"]
    expected = [one.facts(clock) for one in raw.values()]
    assert ordered(rows, "conversation_id") == ordered(expected, "conversation_id")
    assert {row["is_one_touch"] for row in rows} == {True, False, None}
