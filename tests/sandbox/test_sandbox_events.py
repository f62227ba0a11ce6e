"""The event stream and its API: faithful to the schemas, consistent with the items, and whole."""

import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import (
    EventStream,
    Sandbox,
    SandboxSettings,
    World,
    WorldEvent,
    WorldSettings,
    write_events,
)
from sandbox.api_events import ENTITIES

FIRST_DAY = date(2026, 3, 2)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
SMALL = WorldSettings(items=3000, days=3, first_day=FIRST_DAY)
DEFINITIONS = orjson.loads(
    (Path(__file__).parents[1] / "reference" / "gladly-schemas.json").read_bytes()
)["$defs"]
SCHEMAS = {
    definition["properties"]["type"]["const"]: definition
    for name, definition in DEFINITIONS.items()
    if name.startswith("Event") and definition.get("x-in-events-list") is True
}
# Ids that the reference marks "if applicable": an initiator's, and a merge's conversations.
IF_APPLICABLE = {"id", "sourceConversationId", "destinationConversationId"}
Record = dict[str, Any]


@cache
def stream_of(world: WorldSettings) -> EventStream:
    return EventStream(World(world))


@cache
def all_events(world: WorldSettings) -> tuple[WorldEvent, ...]:
    return tuple(stream_of(world).events(MIDNIGHT - DAY, MIDNIGHT + 30 * DAY))


@pytest.fixture(scope="module")
def events() -> tuple[WorldEvent, ...]:
    return all_events(SMALL)


@pytest.fixture(scope="module")
def records(events: tuple[WorldEvent, ...]) -> list[Record]:
    return [event.record for event in events]


@pytest.fixture(scope="module")
def items() -> dict[str, Record]:
    entries = World(SMALL).entries(MIDNIGHT, MIDNIGHT + DAY * SMALL.days)
    by_id: dict[str, Record] = {}
    for entry in entries:
        by_id.setdefault(entry.record["id"], entry.record)
    return by_id


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def of_type(records: list[Record], *names: str) -> list[Record]:
    return [record for record in records if record["type"] in names]


def stories(records: list[Record], entity: str, key: str) -> dict[str, list[Record]]:
    """Events of an entity by one id of theirs, in the order of the stream."""
    by_id = defaultdict(list)
    for record in records:
        if record["type"].startswith(entity):
            by_id[record["content"][key]].append(record)
    return by_id


def without_applicable(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema
    if isinstance(schema, list):
        return [without_applicable(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    relaxed = {name: without_applicable(part) for name, part in schema.items()}
    if schema.get("title") == "Initiator" or "sourceConversationId" in schema.get("properties", ()):
        relaxed["required"] = [name for name in schema["required"] if name not in IF_APPLICABLE]
    return relaxed


def test_the_same_seed_makes_the_same_events_and_another_seed_others() -> None:
    small = WorldSettings(items=200, days=2)
    again = tuple(EventStream(World(small)).events(MIDNIGHT, MIDNIGHT + 9 * DAY))
    assert again == tuple(stream_of(small).events(MIDNIGHT, MIDNIGHT + 9 * DAY))
    other = all_events(WorldSettings(seed=8, items=200, days=2))
    assert not {e.record["id"] for e in again} & {e.record["id"] for e in other}


@pytest.mark.parametrize(
    "world", [WorldSettings(), WorldSettings(seed=3), SMALL], ids=["default", "other seed", "small"]
)
def test_every_event_type_of_the_reference_occurs_and_no_other(world: WorldSettings) -> None:
    types = {event.record["type"] for event in all_events(world)}
    assert types == set(SCHEMAS)
    assert len(types) == 45


def test_events_conform_to_the_schemas_of_the_reference(records: list[Record]) -> None:
    definitions = without_applicable(DEFINITIONS)
    validators = {
        event_type: jsonschema.Draft202012Validator(
            without_applicable(schema) | {"$defs": definitions}
        )
        for event_type, schema in SCHEMAS.items()
    }
    for record in records:
        validators[record["type"]].validate(record)


def fields(value: Record, path: str = "") -> Iterator[str]:
    for name, part in value.items():
        yield path + name
        if isinstance(part, dict):
            yield from fields(part, f"{path}{name}.")


def documented_fields(schema: Record, path: str = "") -> Iterator[str]:
    schema = DEFINITIONS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    for name, part in schema.get("properties", {}).items():
        yield path + name
        yield from documented_fields(part, f"{path}{name}.")


def test_events_have_exactly_the_fields_of_the_reference(records: list[Record]) -> None:
    used: dict[str, set[str]] = defaultdict(set)
    for record in records:
        used[record["type"]].update(fields(record))
    # every conversation of the world is begun by somebody else than an agent
    used["CONVERSATION/CREATED"].add("content.context.assignee.agentId")
    for event_type, schema in SCHEMAS.items():
        assert used[event_type] == set(documented_fields(schema)), event_type


def test_ids_are_distinct_and_22_characters_long(records: list[Record]) -> None:
    ids = {record["id"] for record in records}
    assert len(ids) == len(records)
    assert {len(event_id) for event_id in ids} == {22}


def test_events_are_ordered_by_the_time_they_show_then_by_id(
    events: tuple[WorldEvent, ...],
) -> None:
    keys = [(event.recorded_at, event.record["id"]) for event in events]
    assert keys == sorted(keys)
    for event in events:
        assert at(event.record["timestamp"]).timestamp() * 1000 == event.recorded_at


def test_events_become_visible_within_15_seconds_some_of_them_out_of_order(
    events: tuple[WorldEvent, ...],
) -> None:
    assert {0 <= event.visible_at - event.recorded_at <= 15_000 for event in events} == {True}
    assert max(event.visible_at - event.recorded_at for event in events) > 14_000
    overtaken = [1 for one, other in pairwise(events) if one.visible_at > other.visible_at]
    assert len(overtaken) > len(events) / 10


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, 4 * 86_400_000), min_size=1, max_size=4))
def test_adjacent_intervals_hold_every_event_once(cuts: list[int]) -> None:
    world = WorldSettings(items=150, days=2, first_day=FIRST_DAY)
    edges = [0, *sorted(cuts), 5 * 86_400_000]
    parts = [
        event
        for first, last in pairwise(edges)
        for event in stream_of(world).events(
            MIDNIGHT + timedelta(milliseconds=first),
            MIDNIGHT + timedelta(milliseconds=last) - MICROSECOND,
        )
    ]
    assert tuple(parts) == all_events(world)


def test_both_ends_of_an_interval_are_inside(events: tuple[WorldEvent, ...]) -> None:
    instant = at(events[500].record["timestamp"])
    stream = stream_of(SMALL)
    assert events[500] in list(stream.events(instant, instant))
    assert events[500] not in list(stream.events(instant + MICROSECOND, instant + SECOND))
    assert events[500] not in list(stream.events(instant - SECOND, instant - MICROSECOND))


def test_a_world_without_days_has_no_events_but_added_ones() -> None:
    stream = EventStream(World(WorldSettings(items=0, days=0)))
    assert list(stream.events(MIDNIGHT - DAY, MIDNIGHT + DAY)) == []
    record = {"id": "one", "type": "TASK/CREATED", "timestamp": "2026-03-02T00:00:00Z"}
    stream.add(record)
    stream.add({"id": 7}, visible_at=MIDNIGHT)
    assert [event.record["id"] for event in stream.events(MIDNIGHT, MIDNIGHT)] == [7, "one"]


def test_an_added_event_without_a_time_needs_one() -> None:
    with pytest.raises(ValueError, match="visible_at"):
        EventStream(World(WorldSettings(items=0, days=0))).add({"id": "x", "timestamp": 7})


# Consistency with the items


def seen_in_items(items: dict[str, Record]) -> Counter[tuple[str, str, str]]:
    seen: Counter[tuple[str, str, str]] = Counter()
    for item in items.values():
        content, when = item["content"], item["timestamp"]
        for key, name in (("addedTopicIds", "TOPIC_ADDED"), ("removedTopicIds", "TOPIC_REMOVED")):
            for topic in content.get(key, ()):
                seen[name, topic, when] += 1
        if content["type"] == "CONVERSATION_NOTE":
            seen["NOTE_CREATED", item["id"], when] += 1
        if content["type"] == "CONVERSATION_STATUS_CHANGE" and content["status"] == "CLOSED":
            seen["CLOSED", item["conversationId"], when] += 1
    return seen


def seen_in_events(records: list[Record]) -> Counter[tuple[str, str, str]]:
    keys = {
        "CONVERSATION/TOPIC_ADDED": "topicId",
        "CONVERSATION/TOPIC_REMOVED": "topicId",
        "CONVERSATION/NOTE_CREATED": "noteId",
        "CONVERSATION/CLOSED": "conversationId",
    }
    return Counter(
        (
            record["type"].partition("/")[2],
            record["content"][keys[record["type"]]],
            at(record["timestamp"]).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        )
        for record in of_type(records, *keys)
    )


def test_topics_notes_and_closes_are_those_of_the_items_to_the_millisecond(
    records: list[Record], items: dict[str, Record]
) -> None:
    assert seen_in_events(records) == seen_in_items(items)


def test_messages_are_the_items_with_their_ids(
    records: list[Record], items: dict[str, Record]
) -> None:
    kinds = {
        "CHAT_MESSAGE": "CHAT",
        "EMAIL": "EMAIL",
        "SMS": "SMS",
        "FACEBOOK_MESSAGE": "FB_MESSENGER",
        "INSTAGRAM_DIRECT": "INSTAGRAM_DIRECT",
        "WHATSAPP": "WHATSAPP",
        "VOICEMAIL": "VOICEMAIL",
    }
    messages = of_type(records, "CONTACT/MESSAGE_SENT", "CONTACT/MESSAGE_RECEIVED")
    expected = {i: item for i, item in items.items() if item["content"]["type"] in kinds}
    assert Counter(m["content"]["messageId"] for m in messages) == Counter(list(expected))
    for message in messages:
        item = expected[message["content"]["messageId"]]
        assert message["content"]["channel"] == kinds[item["content"]["type"]]
        assert message["content"]["conversationId"] == item["conversationId"]
        assert message["initiator"] == item["initiator"]
        assert at(message["timestamp"]) == at(item["timestamp"])
        received = item["initiator"]["type"] in {"CUSTOMER", "EXTERNAL"}
        assert message["type"].endswith("RECEIVED") == received


def test_every_call_and_task_item_has_its_contact_and_task(
    records: list[Record], items: dict[str, Record]
) -> None:
    starts: dict[str, set[datetime]] = defaultdict(set)
    for record in of_type(records, "CONTACT/STARTED"):
        if record["content"]["channel"] == "PHONE_CALL":
            starts[record["content"]["conversationId"]].add(at(record["timestamp"]))
    calls: dict[str, set[datetime]] = defaultdict(set)
    tasks = set()
    for item in items.values():
        if item["content"]["type"] == "PHONE_CALL":
            calls[item["conversationId"]].add(at(item["timestamp"]))
        if item["content"]["type"] == "TASK":
            tasks.add(item["id"])
    assert starts == calls
    assert {r["content"]["taskId"] for r in of_type(records, "TASK/CREATED")} == tasks


def test_every_conversation_of_the_items_is_created_once_with_its_first_item(
    records: list[Record], items: dict[str, Record]
) -> None:
    first: dict[str, datetime] = {}
    for item in items.values():
        if "conversationId" in item:
            happened = at(item["timestamp"])
            first[item["conversationId"]] = min(
                first.get(item["conversationId"], happened), happened
            )
    created = Counter(
        (record["content"]["conversationId"], at(record["timestamp"]))
        for record in of_type(records, "CONVERSATION/CREATED")
        if record["content"]["conversationId"] in first
    )
    assert created == Counter(first.items())


def test_the_first_message_comes_in_the_millisecond_of_its_conversation_and_contact(
    records: list[Record],
) -> None:
    together = defaultdict(set)
    for record in records:
        key = (record["timestamp"], record["content"].get("conversationId"))
        together[key].add(record["type"])
    first = {"CONVERSATION/CREATED", "CONTACT/STARTED", "CONTACT/MESSAGE_RECEIVED"}
    assert sum(first <= types for types in together.values()) > 100
    closing = {"CONVERSATION/CLOSED", "CONTACT/ENDED"}
    assert sum(closing <= types for types in together.values()) > 100


def ordered(story: list[Record]) -> list[str]:
    """Names of a story's events; within a millisecond in the order in which they make sense."""
    ranks = ("STARTED", "CREATED", "JOINED", "ENDED")
    early = {name: rank - len(ranks) for rank, name in enumerate(ranks)}
    early["ENDED"] = 1
    names = [(at(r["timestamp"]), r["type"].partition("/")[2]) for r in story]
    return [name for _, name in sorted(names, key=lambda n: (n[0], early.get(n[1], 0)))]


def test_a_contact_starts_is_fulfilled_and_ends_once(records: list[Record]) -> None:
    for story in stories(records, "CONTACT/", "contactId").values():
        names = ordered(story)
        assert (names[0], names[-1]) == ("STARTED", "ENDED")
        counts = Counter(names)
        assert counts["STARTED"] == counts["FULFILLED"] == counts["ENDED"] == 1
        assert counts["HOLD_STARTED"] == counts["HOLD_ENDED"]
        offers = [name for name in names if name.startswith("OFFER")]
        assert offers[::2] == ["OFFERED"] * (len(offers) // 2)
        assert "OFFERED" not in offers[1::2]
        by_people = ordered([r for r in story if r["initiator"]["type"] != "SYSTEM"])
        if "MESSAGE_SENT" in by_people:
            assert "JOINED" in by_people[: by_people.index("MESSAGE_SENT")]


def test_a_missed_call_is_abandoned_or_unanswered_and_an_answered_one_is_not(
    records: list[Record],
) -> None:
    for story in stories(records, "CONTACT/", "contactId").values():
        (end,) = of_type(story, "CONTACT/ENDED")
        (fulfilled,) = of_type(story, "CONTACT/FULFILLED")
        (start,) = of_type(story, "CONTACT/STARTED")
        if start["initiator"]["type"] != "AGENT":
            answered = fulfilled["content"]["fulfilledType"] == "RESPONDED"
            assert answered == (end["content"]["status"] == "ANSWERED")


def test_the_context_is_the_assignment_just_before_the_event(records: list[Record]) -> None:
    known: dict[str, list[tuple[datetime, Record]]] = defaultdict(list)
    for update in of_type(records, "CONVERSATION_ASSIGNEE/UPDATED"):
        content = update["content"]
        known[content["conversationId"]].append((at(update["timestamp"]), content["assignee"]))
    checked = 0
    for record in records:
        content = record["content"]
        if record["type"].startswith(("CONTACT/", "CONVERSATION")) and "context" in content:
            before = [
                assignee
                for when, assignee in known[content["conversationId"]]
                if when < at(record["timestamp"])
            ]
            nobody_yet = {"inboxId": content["context"]["assignee"]["inboxId"]}
            assert content["context"]["assignee"] == (before[-1] if before else nobody_yet)
            checked += 1
    assert checked > 5000


def test_an_update_of_the_assignee_always_changes_it(records: list[Record]) -> None:
    for update in of_type(records, "CONVERSATION_ASSIGNEE/UPDATED"):
        assert update["content"]["assignee"] != update["content"]["context"]["assignee"]


def test_only_the_assigned_agent_writes_to_the_customer(records: list[Record]) -> None:
    for record in of_type(records, "CONTACT/MESSAGE_SENT"):
        initiator, context = record["initiator"], record["content"]["context"]
        if initiator["type"] == "AGENT":
            assert context["assignee"].get("agentId") in {initiator["id"], None}
            if "agentId" not in context["assignee"]:
                same_moment = [r for r in records if r["timestamp"] == record["timestamp"]]
                assert of_type(same_moment, "CONVERSATION_ASSIGNEE/UPDATED")


@settings(max_examples=25, deadline=None)
@given(items=st.integers(1, 400), days=st.integers(1, 4))
def test_a_conversation_is_created_then_closed_and_reopened_in_turns(items: int, days: int) -> None:
    records = [e.record for e in all_events(WorldSettings(items=items, days=days))]
    for story in stories(records, "CONVERSATION/", "conversationId").values():
        states = [
            name
            for name in (record["type"].partition("/")[2] for record in story)
            if name in {"CREATED", "CLOSED", "REOPENED"}
        ]
        assert states in (
            ["CREATED"],
            ["CREATED", "CLOSED"],
            ["CREATED", "CLOSED", "REOPENED"],
            ["CREATED", "CLOSED", "REOPENED", "CLOSED"],
        )


def test_topics_and_attributes_are_removed_only_after_they_were_added(
    records: list[Record],
) -> None:
    for kind, key in (("TOPIC", "topicId"), ("CUSTOM_ATTRIBUTE", "customAttributeId")):
        added = set()
        for record in of_type(
            records, f"CONVERSATION/{kind}_ADDED", f"CONVERSATION/{kind}_REMOVED"
        ):
            content = record["content"]
            if record["type"].endswith("ADDED"):
                added.add((content["conversationId"], content[key]))
            else:
                assert (content["conversationId"], content[key]) in added


def test_a_task_is_created_first_and_every_change_shows_in_the_next_context(
    records: list[Record],
) -> None:
    for story in stories(records, "TASK/", "taskId").values():
        by_time = sorted(story, key=lambda record: at(record["timestamp"]))
        assert by_time[0]["type"] in {"TASK/CREATED", "TASK/FOLLOWER_ADDED"}
        (update,) = of_type(story, "TASK/ASSIGNEE_UPDATED")
        (due,) = of_type(story, "TASK/DUE_DATE_UPDATED")
        assert update["content"]["assignee"] != update["content"]["context"]["assignee"]
        assert due["content"]["context"]["assignee"] == update["content"]["assignee"]
        last = by_time[-1]["content"]["context"]
        assert last["dueAt"] == due["content"]["dueAt"]
        assert at(last["createdAt"]) == at(by_time[0]["timestamp"])


def test_a_payment_request_goes_from_status_to_status(records: list[Record]) -> None:
    for story in stories(records, "PAYMENT_REQUEST/", "paymentRequestId").values():
        assert story[0]["type"] == "PAYMENT_REQUEST/CREATED"
        changes = [record["content"] for record in story if "newStatus" in record["content"]]
        assert changes[0]["oldStatus"] == "REQUESTING"
        for before, after in pairwise(changes):
            assert before["newStatus"] == after["oldStatus"]


# Agents


def test_what_happened_is_recorded_at_most_some_minutes_later(records: list[Record]) -> None:
    lags = [
        at(record["timestamp"]) - at(record["content"]["occurredAt"])
        for record in records
        if "occurredAt" in record["content"]
    ]
    assert min(lags) >= timedelta(milliseconds=100)
    assert timedelta(minutes=1) < max(lags) <= timedelta(minutes=3)


def test_agents_log_in_go_away_and_return_in_turns(records: list[Record]) -> None:
    may_follow = {
        "LOGGED_IN": {"CHANGED_ACTIVE_REASON", "WENT_AWAY", "LOGGED_OUT"},
        "CHANGED_ACTIVE_REASON": {"CHANGED_ACTIVE_REASON", "WENT_AWAY", "LOGGED_OUT"},
        "RETURNED_FROM_AWAY": {"CHANGED_ACTIVE_REASON", "WENT_AWAY", "LOGGED_OUT"},
        "WENT_AWAY": {"RETURNED_FROM_AWAY", "LOGGED_OUT"},
        "LOGGED_OUT": {"LOGGED_IN"},
    }
    by_agent = stories(records, "AGENT_STATUS/", "agentId")
    assert len(by_agent) == 12
    followers: Counter[tuple[str, str]] = Counter()
    for story in by_agent.values():
        names = [record["type"].partition("/")[2] for record in story]
        assert (names[0], names[-1]) == ("LOGGED_IN", "LOGGED_OUT")
        assert Counter(names)["LOGGED_IN"] == SMALL.days
        for one, other in pairwise(names):
            assert other in may_follow[one]
            followers[one, other] += 1
        occurred = [at(record["content"]["occurredAt"]) for record in story]
        assert occurred == sorted(occurred)
    assert followers["WENT_AWAY", "LOGGED_OUT"] > 0


def test_a_return_tells_when_and_why_the_agent_went_away(records: list[Record]) -> None:
    idled = 0
    for story in stories(records, "AGENT_STATUS/", "agentId").values():
        for before, after in pairwise(story):
            if after["type"] == "AGENT_STATUS/RETURNED_FROM_AWAY":
                assert after["content"]["awayAt"] == before["content"]["occurredAt"]
                assert after["content"].get("awayReason") == before["content"].get("awayReason")
                idled += "awayReason" not in after["content"]
    assert idled > 0


def test_agents_who_are_away_or_logged_out_are_available_for_nothing(
    records: list[Record],
) -> None:
    for updates in stories(records, "AGENT_AVAILABILITY/UPDATED", "agentId").values():
        assert updates[-1]["content"]["availableFor"] == []
    statuses = of_type(
        records,
        "AGENT_STATUS/LOGGED_IN",
        "AGENT_STATUS/LOGGED_OUT",
        "AGENT_STATUS/WENT_AWAY",
        "AGENT_STATUS/RETURNED_FROM_AWAY",
    )
    available = {
        (record["content"]["agentId"], record["timestamp"]): record["content"]["availableFor"]
        for record in of_type(records, "AGENT_AVAILABILITY/UPDATED")
    }
    for status in statuses:
        channels = available[status["content"]["agentId"], status["timestamp"]]
        assert bool(channels) == status["type"].endswith(("LOGGED_IN", "RETURNED_FROM_AWAY"))


def test_focus_is_left_as_often_as_entered_with_the_channels_of_the_moment(
    records: list[Record],
) -> None:
    for story in stories(records, "AGENT_AVAILABILITY/", "agentId").values():
        available: list[str] = []
        focus = 0
        for record in story:
            if record["type"].endswith("UPDATED"):
                available = record["content"]["availableFor"]
            else:
                assert record["content"]["context"]["availableFor"] == available
                focus += 1 if record["type"].endswith("ENTERED") else -1
                assert focus in {0, 1}
        assert focus == 0


def test_some_shifts_cross_midnight(records: list[Record]) -> None:
    crossed = 0
    for story in stories(records, "AGENT_STATUS/", "agentId").values():
        logged_in = None
        for record in story:
            if record["type"] == "AGENT_STATUS/LOGGED_IN":
                logged_in = at(record["timestamp"]).date()
            if record["type"] == "AGENT_STATUS/LOGGED_OUT":
                crossed += logged_in != at(record["timestamp"]).date()
    assert crossed >= SMALL.days


# Identity


def test_the_listed_merges_and_deletions_are_those_of_the_events(records: list[Record]) -> None:
    merged = [
        (
            record["content"]["sourceCustomerId"],
            record["content"]["destinationCustomerId"],
            round(at(record["timestamp"]).timestamp() * 1000),
            record["content"].get("sourceConversationId") or None,
            record["content"].get("destinationConversationId") or None,
        )
        for record in of_type(records, "CUSTOMER/MERGED")
    ]
    deleted = [
        (record["content"]["customerId"], round(at(record["timestamp"]).timestamp() * 1000))
        for record in of_type(records, "CUSTOMER_PROFILE/DELETED")
    ]
    stream = stream_of(SMALL)
    assert sorted(map(tuple, stream.merges)) == sorted(merged)
    assert sorted(map(tuple, stream.deletions)) == sorted(deleted)
    assert len(merged) > 20
    assert len(deleted) > 3


def test_second_profiles_are_no_customers_of_the_world_and_chains_end_at_one() -> None:
    world, stream = World(SMALL), stream_of(SMALL)
    customers = {world.customer_id(number) for number in range(world.customer_count)}
    into = {merge.source: merge.destination for merge in stream.merges}
    assert not customers & {*into, *(deletion.customer_id for deletion in stream.deletions)}
    lengths = set()
    for source in into:
        length, reached = 0, source
        while reached in into:
            reached, length = into[reached], length + 1
        assert reached in customers
        lengths.add(length)
    assert lengths == {1, 2}


def test_ids_of_conversations_that_do_not_apply_are_empty_or_absent(
    records: list[Record],
) -> None:
    sent = Counter(
        record["content"].get("sourceConversationId", "absent") or "empty"
        for record in of_type(records, "CUSTOMER/MERGED")
    )
    assert sent["absent"] > 0
    assert sent["empty"] > 0
    assert len(sent) > 2


def test_both_conversations_of_a_merge_were_open(records: list[Record]) -> None:
    created, closed = (
        {r["content"]["conversationId"]: at(r["timestamp"]) for r in of_type(records, name)}
        for name in ("CONVERSATION/CREATED", "CONVERSATION/CLOSED")
    )
    never = MIDNIGHT + 99 * DAY
    for merge in of_type(records, "CUSTOMER/MERGED"):
        for role in ("source", "destination"):
            conversation = merge["content"].get(f"{role}ConversationId")
            if conversation:
                when = at(merge["timestamp"])
                assert created[conversation] < when < closed.get(conversation, never)


def test_a_profile_is_created_once_and_not_after_anything_else_happens_to_it(
    records: list[Record],
) -> None:
    created = Counter(
        record["content"]["customerId"] for record in of_type(records, "CUSTOMER_PROFILE/CREATED")
    )
    assert set(created.values()) == {1}
    known: dict[str, datetime] = {
        record["content"]["customerId"]: at(record["timestamp"])
        for record in of_type(records, "CUSTOMER_PROFILE/CREATED")
    }
    for record in records:
        content = record["content"]
        for key in ("customerId", "sourceCustomerId", "destinationCustomerId"):
            if key in content:
                assert known[content[key]] <= at(record["timestamp"])


# The API

EVENTS = "/api/v1/events"
NOW = MIDNIGHT + DAY + timedelta(hours=5)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    world = WorldSettings(items=600, days=3, first_day=FIRST_DAY)
    with Sandbox(SandboxSettings(world=world, now=NOW, requests_per_second=1000)) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    auth = (sandbox.email, sandbox.api_token)
    with httpx.Client(base_url=sandbox.base_url, auth=auth) as connected:
        yield connected


def ask(
    client: httpx.Client,
    start: datetime | str | None = NOW - DAY,
    end: datetime | str | None = None,
    entities: tuple[str, ...] = ENTITIES,
) -> httpx.Response:
    named = {"startAt": start, "endAt": end}
    asked = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in named.items()
        if value is not None
    }
    return client.get(EVENTS, params={**asked, "entities": list(entities)})


def lines_of(answer: httpx.Response) -> list[Record]:
    assert answer.status_code == 200, answer.text
    assert answer.content == b"" or answer.content.endswith(b"\n")
    return [orjson.loads(line) for line in answer.content.split(b"\n")[:-1]]


def visible(sandbox: Sandbox, start: datetime, end: datetime) -> list[Record]:
    now = sandbox.clock.now().timestamp() * 1000
    return [e.record for e in sandbox.events.events(start, end) if e.visible_at <= now]


def test_a_request_streams_the_visible_events_of_the_interval(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    answer = ask(client)
    assert lines_of(answer) == visible(sandbox, NOW - DAY, NOW)
    assert len(lines_of(answer)) > 300
    assert answer.headers["content-type"] == "application/x-jsonlines"
    assert answer.headers["transfer-encoding"] == "chunked"
    times = [at(record["timestamp"]) for record in lines_of(answer)]
    assert times == sorted(times)


@pytest.mark.parametrize("entity", ENTITIES)
def test_an_entity_delivers_its_own_types_and_conversation_two_more(
    client: httpx.Client, entity: str
) -> None:
    delivered = {r["type"].partition("/")[0] for r in lines_of(ask(client, entities=(entity,)))}
    more = {"CONVERSATION_ASSIGNEE"} if entity == "CONVERSATION" else set()
    absent = {"CONVERSATION_STATUS"}
    assert delivered == ({entity} | more) - absent


def test_several_entities_are_delivered_together(client: httpx.Client) -> None:
    both = lines_of(ask(client, entities=("TASK", "CONTACT")))
    assert {record["type"].partition("/")[0] for record in both} == {"TASK", "CONTACT"}


def test_both_ends_of_the_interval_are_inside(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.add_event(
        {"id": "edge", "type": "TASK/CREATED", "timestamp": "2026-03-03T03:00:00Z", "content": {}}
    )
    edge = at("2026-03-03T03:00:00Z")

    def is_found(start: datetime, end: datetime) -> bool:
        return "edge" in [record["id"] for record in lines_of(ask(client, start, end))]

    assert is_found(edge, edge + SECOND)
    assert is_found(edge - SECOND, edge)
    assert not is_found(edge + MICROSECOND, edge + SECOND)
    assert not is_found(edge - SECOND, edge - MICROSECOND)


def test_a_late_event_appears_when_the_clock_reaches_it(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    record = {"id": "late", "type": "TASK/CREATED", "timestamp": "2026-03-03T04:59:50Z"}
    sandbox.add_event(record, visible_at=NOW + 5 * SECOND)
    sandbox.clock.set(NOW + 5 * SECOND - MICROSECOND)
    assert record not in lines_of(ask(client, NOW - timedelta(hours=1)))
    sandbox.clock.set(NOW + 5 * SECOND)
    assert record in lines_of(ask(client, NOW - timedelta(hours=1)))


def test_polling_without_overlap_would_lose_events(sandbox: Sandbox, client: httpx.Client) -> None:
    start, step = MIDNIGHT + timedelta(hours=7), timedelta(minutes=5)
    seen = set()
    for poll in range(60):
        sandbox.clock.set(start + (poll + 1) * step)
        seen |= {record["id"] for record in lines_of(ask(client, start + poll * step))}
    sandbox.clock.advance(15 * SECOND)
    whole = {record["id"] for record in lines_of(ask(client, start, start + 60 * step))}
    assert seen < whole


def test_an_interval_without_events_is_an_empty_answer(client: httpx.Client) -> None:
    answer = ask(client, NOW - timedelta(milliseconds=1), NOW, entities=("TASK",))
    assert (answer.status_code, answer.content) == (200, b"")


def test_an_added_event_of_an_unknown_entity_comes_with_any_other(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    odd = {"id": "odd", "type": "PIGEON/LANDED", "timestamp": "2026-03-03T03:00:00Z", "ring": 7}
    unknown = {"id": "new", "type": "TASK/FROZEN", "timestamp": "2026-03-03T03:00:00Z"}
    sandbox.add_event(odd)
    sandbox.add_event(unknown)
    assert odd in lines_of(ask(client, entities=("AGENT_STATUS",)))
    assert unknown in lines_of(ask(client, entities=("TASK",)))
    assert unknown not in lines_of(ask(client, entities=("AGENT_STATUS",)))


def test_a_start_exactly_24_hours_ago_is_allowed_and_a_microsecond_more_is_not(
    client: httpx.Client,
) -> None:
    assert ask(client, NOW - DAY).status_code == 200
    assert ask(client, NOW - DAY - MICROSECOND).status_code == 400


def test_a_start_may_have_an_offset(sandbox: Sandbox, client: httpx.Client) -> None:
    answer = ask(client, "2026-03-02T06:00:00-03:00", "2026-03-02T10:00:00Z")
    assert lines_of(answer) == visible(
        sandbox, MIDNIGHT + timedelta(hours=9), MIDNIGHT + timedelta(hours=10)
    )


@pytest.mark.parametrize(
    ("start", "end", "entities", "attribute", "detail"),
    [
        (None, None, ("TASK",), "startAt", "blank"),
        ("yesterday", None, ("TASK",), "startAt", "ISO 8601"),
        (NOW - DAY, "tomorrow", ("TASK",), "endAt", "ISO 8601"),
        (NOW - 2 * DAY, None, ("TASK",), "startAt", "last 24 hours"),
        (NOW + SECOND, NOW + DAY, ("TASK",), "startAt", "last 24 hours"),
        (NOW - SECOND, NOW - DAY, ("TASK",), "startAt", "endAt must occur after startAt"),
        (NOW - SECOND, NOW - SECOND, ("TASK",), "startAt", "endAt must occur after startAt"),
        (NOW, None, ("TASK",), "startAt", "endAt must occur after startAt"),
        (NOW - DAY, None, (), "entities", "blank"),
        (NOW - DAY, None, ("TASK", "PIGEON"), "entities", "among"),
        (NOW - DAY, None, ("TASK,CONTACT",), "entities", "among"),
    ],
    ids=[
        "no start",
        "start unreadable",
        "end unreadable",
        "start too old",
        "start in the future",
        "end before start",
        "end at start",
        "start now",
        "no entities",
        "unknown entity",
        "entities in one value",
    ],
)
def test_bad_parameters_are_refused_with_the_attribute_at_fault(
    client: httpx.Client,
    start: datetime | str | None,
    end: datetime | str | None,
    entities: tuple[str, ...],
    attribute: str,
    detail: str,
) -> None:
    answer = ask(client, start, end, entities)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["attr"] == attribute
    assert detail in error["detail"]


# Files for benchmarks


def test_a_file_of_events_is_repeatable_ordered_and_has_distinct_ids(tmp_path: Path) -> None:
    path, again, other = tmp_path / "events", tmp_path / "again", tmp_path / "other"
    assert write_events(path, 20_000, seed=7) == path.stat().st_size
    write_events(again, 20_000, seed=7)
    write_events(other, 20_000, seed=8)
    assert path.read_bytes() == again.read_bytes() != other.read_bytes()
    records = [orjson.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
    assert len(records) == len({record["id"] for record in records}) == 20_000
    times = [at(record["timestamp"]) for record in records]
    assert times == sorted(times)
    assert times[-1] - times[0] < DAY


@pytest.mark.parametrize("count", [0, 1, 999, 10_000])
def test_a_file_has_any_number_of_events(tmp_path: Path, count: int) -> None:
    write_events(tmp_path / "events", count, seed=7)
    assert (tmp_path / "events").read_bytes().count(b"\n") == count


def agent_of(record: dict[str, Any]) -> str | None:
    initiator = record["initiator"]
    return initiator["id"] if initiator["type"] == "AGENT" else None


def test_a_file_goes_on_where_another_ends_and_days_are_as_many_as_copies(tmp_path: Path) -> None:
    whole, begun, rest = tmp_path / "whole", tmp_path / "begun", tmp_path / "rest"
    write_events(whole, 30_000, seed=7, days_apart=1)
    write_events(begun, 20_000, seed=7, days_apart=1)
    write_events(rest, 10_000, seed=7, days_apart=1, skip=20_000)
    assert whole.read_bytes() == begun.read_bytes() + rest.read_bytes()
    records = [orjson.loads(line) for line in whole.read_bytes().split(b"\n")[:-1]]
    assert len(records) == len({record["id"] for record in records})
    agents = {record["content"].get("agentId") for record in records} - {None}
    assert len(agents) == len({agent_of(record) for record in records} - {None}) == 12
    days = Counter(at(record["timestamp"]).date() for record in records)
    copied, *_, last = [days[day] for day in sorted(days)]
    assert len(days) == -(-30_000 // copied)
    assert last == 30_000 % copied


def test_the_events_of_a_file_are_those_of_a_world_in_shape_and_mix(tmp_path: Path) -> None:
    write_events(tmp_path / "events", 20_000, seed=7)
    lines = (tmp_path / "events").read_bytes().split(b"\n")[:-1]
    records = [orjson.loads(line) for line in lines]
    expected = all_events(WorldSettings(items=4000, days=1))
    world_fields: dict[str, set[str]] = defaultdict(set)
    file_fields: dict[str, set[str]] = defaultdict(set)
    for event in expected:
        world_fields[event.record["type"]].update(fields(event.record))
    for record in records:
        file_fields[record["type"]].update(fields(record))
    assert file_fields.keys() >= SCHEMAS.keys() - {"CONVERSATION/REOPENED"}
    for event_type, names in file_fields.items():
        assert names <= world_fields[event_type]
    started = Counter(event.record["type"] for event in expected)["CONTACT/STARTED"]
    share = Counter(record["type"] for record in records)["CONTACT/STARTED"] / len(records)
    assert share == pytest.approx(started / len(expected), rel=0.1)
    for story in stories(records, "CONTACT/", "contactId").values():
        assert "CONTACT/STARTED" in {record["type"] for record in story}


def peak_memory(count: int, path: Path) -> int:
    tracemalloc.start()
    write_events(path, count, seed=7)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_number_of_events_in_a_file(tmp_path: Path) -> None:
    peak_memory(100, tmp_path / "warm")
    small = peak_memory(20_000, tmp_path / "small")
    large = peak_memory(80_000, tmp_path / "large")
    assert large < 1.1 * small
