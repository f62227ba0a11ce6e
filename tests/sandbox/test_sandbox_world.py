"""The synthetic world: deterministic, faithful to the API's schemas, and whole."""

import gc
import tracemalloc
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import World, WorldSettings, write_conversation_items
from sandbox.export_files import write_export_files
from sandbox.world import plan_days

FIRST_DAY = date(2026, 3, 2)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
DEFINITIONS = orjson.loads(
    (Path(__file__).parents[1] / "reference" / "gladly-schemas.json").read_bytes()
)["$defs"]
CONTENT_SCHEMAS = {
    "CHAT_MESSAGE": "ContentChatMessage",
    "EMAIL": "ContentEmail",
    "SMS": "ContentSms",
    "FACEBOOK_MESSAGE": "ContentFacebookMessage",
    "INSTAGRAM_DIRECT": "ContentInstagramDirect",
    "WHATSAPP": "ContentWhatsapp",
    "TWITTER": "ContentTwitter",
    "VOICE_AI_MESSAGE": "ContentVoiceAiMessage",
    "PHONE_CALL": "ContentPhoneCall",
    "VOICEMAIL": "ContentVoicemail",
    "CONVERSATION_NOTE": "ContentNote",
    "CONVERSATION_STATUS_CHANGE": "ContentConversationStatusChange",
    "TOPIC_CHANGE": "ContentTopicChange",
    "CUSTOMER_ACTIVITY": "ContentCustomerActivity",
    "TASK": "ContentTask",
}


def items_of(world: World, day: int) -> list[dict[str, Any]]:
    start = MIDNIGHT + day * DAY
    return [entry.record for entry in world.entries(start, start + DAY)]


def validator(schema: dict[str, Any]) -> Any:  # noqa: ANN401 - jsonschema ships no types
    return jsonschema.Draft202012Validator(schema | {"$defs": DEFINITIONS})


@pytest.fixture(scope="module")
def world() -> World:
    return World(WorldSettings(items=3000, days=2, first_day=FIRST_DAY))


@pytest.fixture(scope="module")
def items(world: World) -> list[dict[str, Any]]:
    return items_of(world, 0) + items_of(world, 1)


@pytest.fixture(scope="module")
def contents(items: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    by_type = defaultdict(list)
    for item in items:
        by_type[item["content"]["type"]].append(item["content"])
    return by_type


def test_the_same_seed_makes_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("once", 7), ("again", 7), ("other", 8)):
        write_conversation_items(tmp_path / name, items=300, seed=seed)
    assert (tmp_path / "once").read_bytes() == (tmp_path / "again").read_bytes()
    assert (tmp_path / "once").read_bytes() != (tmp_path / "other").read_bytes()


def test_item_n_is_the_same_in_every_benchmark_file(tmp_path: Path) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    write_conversation_items(whole, items=400, seed=7)
    size = write_conversation_items(part, items=150, seed=7, first_index=250)
    assert part.read_bytes() == b"".join(whole.read_bytes().splitlines(keepends=True)[250:])
    assert part.stat().st_size == size


def test_the_smallest_world_shows_all_fifteen_content_types() -> None:
    small = World(WorldSettings(items=120, days=1, first_day=FIRST_DAY))
    assert {item["content"]["type"] for item in items_of(small, 0)} == set(CONTENT_SCHEMAS)


def test_items_conform_to_the_schemas_of_the_reference(items: list[dict[str, Any]]) -> None:
    # The export's own schema omits voice AI, Twitter, tasks and sessionId although items of
    # these kinds can be read, so each content is held against the schema of its type.
    line = validator(
        {**DEFINITIONS["ConversationItemApi"], "properties": {
            **DEFINITIONS["ConversationItemApi"]["properties"], "content": {"type": "object"},
        }}
    )  # fmt: skip
    content = {
        name: validator({"$ref": f"#/$defs/{schema}"}) for name, schema in CONTENT_SCHEMAS.items()
    }
    for item in items:
        line.validate(item)
        # Conversations can wait; the item's schema lists only OPEN and CLOSED.
        if item["content"].get("status") != "WAITING":
            content[item["content"]["type"]].validate(item["content"])


@pytest.mark.parametrize(
    ("definition", "fields"),
    [
        ("ExportAgent", {"id", "name", "emailAddress"}),
        ("ExportTopic", {"id", "name", "disabled", "parentId"}),
        (
            "ExportCustomer",
            {
                "id",
                "name",
                "address",
                "emailAddresses",
                "phoneNumbers",
                "externalCustomerId",
                "externalCustomerIds",
            },
        ),
    ],
)
def test_people_and_topics_conform_to_the_schemas_and_use_every_field(
    world: World, definition: str, fields: set[str]
) -> None:
    records = {
        "ExportAgent": world.agents,
        "ExportTopic": world.topics,
        "ExportCustomer": [world.customer(number) for number in range(world.customer_count)],
    }[definition]
    for record in records:
        validator(DEFINITIONS[definition]).validate(record)
    assert {field for record in records for field in record} == fields


def test_fields_of_items_and_contents_are_known_to_the_reference(
    contents: dict[str, list[dict[str, Any]]],
) -> None:
    for content_type, schema in CONTENT_SCHEMAS.items():
        definition = DEFINITIONS[schema]
        known = set(definition["properties"])
        for variant in definition.get("oneOf", ()):
            known |= set(variant["properties"])
        used = {field for content in contents[content_type] for field in content}
        assert used <= known, content_type


def test_customers_have_none_one_and_several_addresses_and_numbers(world: World) -> None:
    customers = [world.customer(number) for number in range(world.customer_count)]
    assert {len(customer["emailAddresses"]) for customer in customers} == {1, 2, 3}
    assert {len(customer.get("phoneNumbers", ())) for customer in customers} == {0, 1, 2}
    assert any(customer.get("phoneNumbers") == [] for customer in customers)
    numbers = [number for customer in customers for number in customer.get("phoneNumbers", ())]
    assert len(numbers) == len(set(numbers))


def test_items_refer_to_agents_topics_and_inboxes_of_the_world(
    world: World, items: list[dict[str, Any]]
) -> None:
    agents = {agent["id"] for agent in world.agents}
    topics = {topic["id"] for topic in world.topics}
    inboxes = {inbox["id"] for inbox in world.inboxes}
    for item in items:
        for role in ("initiator", "responder"):
            person = item.get(role, {})
            if person.get("type") == "AGENT":
                assert person["id"] in agents
            if person.get("type") == "CUSTOMER":
                assert person["id"] == item["customerId"]
        content = item["content"]
        assert {*content.get("addedTopicIds", ()), *content.get("removedTopicIds", ())} <= topics
        if "assignee" in content:
            assert content["assignee"]["inboxId"] in inboxes
            assert content["assignee"].get("agentId") in {None, *agents}


def test_a_removed_topic_was_added_before(items: list[dict[str, Any]]) -> None:
    added: dict[str | None, set[str]] = defaultdict(set)
    for item in sorted(items, key=lambda item: str(item["timestamp"])):
        content = item["content"]
        assert set(content.get("removedTopicIds", ())) <= added[item.get("conversationId")]
        added[item.get("conversationId")].update(content.get("addedTopicIds", ()))


def test_a_quick_reply_response_answers_a_request_of_its_conversation(
    items: list[dict[str, Any]],
) -> None:
    by_id = {item["id"]: item for item in items}
    responses = [
        item for item in items if item["content"].get("messageType") == "QUICK_REPLY_RESPONSE"
    ]
    for response in responses:
        data = response["content"]["messageData"]
        request = by_id[data["requestMessageId"]]
        assert request["conversationId"] == response["conversationId"]
        assert request["content"]["messageData"]["options"] == data["quickReplyRequest"]["options"]
        chosen = {option["id"]: option["label"] for option in data["quickReplyRequest"]["options"]}
        assert response["content"]["content"] in {chosen[data["selectedOptionId"]], ""}
    assert responses


def test_topics_have_parents_and_some_are_disabled(world: World) -> None:
    ids = {topic["id"] for topic in world.topics}
    assert {topic["parentId"] for topic in world.topics if "parentId" in topic} <= ids
    assert {topic["disabled"] for topic in world.topics} == {True, False}


def test_activities_have_no_conversation_and_voice_ai_items_have_a_session(
    items: list[dict[str, Any]],
) -> None:
    for item in items:
        assert ("conversationId" in item) == (item["content"]["type"] != "CUSTOMER_ACTIVITY")
        if item["content"]["type"] == "VOICE_AI_MESSAGE":
            assert item["sessionId"]


def test_conversations_close_wait_and_open_and_are_begun_by_all_kinds_of_parties(
    items: list[dict[str, Any]], contents: dict[str, list[dict[str, Any]]]
) -> None:
    statuses = {content["status"] for content in contents["CONVERSATION_STATUS_CHANGE"]}
    assert statuses == {"OPEN", "CLOSED", "WAITING"}
    initiators = {item["initiator"]["type"] for item in items}
    assert initiators == {"AGENT", "CUSTOMER", "AUTOMATION", "SYSTEM", "EXTERNAL", "API"}
    assert {"id": "SIDEKICK_V2", "type": "SYSTEM"} in [item["initiator"] for item in items]


def test_attachments_are_absent_empty_and_filled(items: list[dict[str, Any]]) -> None:
    sizes = {len(item["content"].get("attachments", "absent")) for item in items}
    assert sizes == {len("absent"), 0, 1, 2, 3}


def test_recordings_are_available_gone_and_summarised_or_not(
    contents: dict[str, list[dict[str, Any]]],
) -> None:
    calls = contents["PHONE_CALL"]
    assert {call.get("recordingStatus") for call in calls} >= {"AVAILABLE", None}
    summaries = {call.get("recordingSummary", {}).get("status") for call in calls}
    assert summaries == {"READY", "PENDING", "FAILED", None}


@pytest.mark.parametrize(
    "characters",
    [
        '"',
        "\\",
        "\n",
        "\t",
        "\u2028",
        "\u0085",
        "😀",
        "👨‍👩‍👧‍👦",
        "返品",
        "заказ",
        "اس",
        "ö",
        "<b>",
    ],
    ids=ascii,
)
def test_texts_hold_awkward_characters(items: list[dict[str, Any]], characters: str) -> None:
    texts = [item["content"].get("content") or item["content"].get("body", "") for item in items]
    assert any(characters in text for text in texts)


def test_the_mix_and_the_length_of_items_are_those_of_a_large_help_desk(tmp_path: Path) -> None:
    path = tmp_path / "items"
    size = write_conversation_items(path, items=10_000, seed=7)
    assert 800 < size / 10_000 < 1200
    lines = [orjson.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
    shares = Counter(item["content"]["type"] for item in lines)
    assert 2500 < shares["CHAT_MESSAGE"] < 4000
    assert 1500 < shares["EMAIL"] < 2500
    assert 300 < shares["PHONE_CALL"] < 800
    emails = [len(i["content"]["content"]) for i in lines if i["content"]["type"] == "EMAIL"]
    assert min(emails) > 800
    assert max(emails) <= 4000


@settings(max_examples=60, deadline=None)
@given(items=st.integers(0, 600), days=st.integers(1, 6))
def test_a_world_has_exactly_its_number_of_items_each_on_its_own_day(items: int, days: int) -> None:
    world = World(WorldSettings(items=items, days=days, first_day=FIRST_DAY))
    ids = set()
    for day in range(days):
        for item in items_of(world, day):
            occurred = datetime.fromisoformat(item["timestamp"])
            start = MIDNIGHT + day * DAY
            assert item["id"] in ids or start <= occurred < start + DAY
            ids.add(item["id"])
    assert len(ids) == items


@given(items=st.integers(0, 100_000), days=st.integers(1, 30))
def test_every_conversation_begins_on_one_day_only(items: int, days: int) -> None:
    plans = plan_days(items, days, FIRST_DAY)
    assert sum(plan.items for plan in plans) == items
    for before, after in pairwise(plans):
        assert after.begins.start == before.begins.stop
        assert after.comes_back == before.begins


def test_a_customer_has_one_conversation_at_a_time(items: list[dict[str, Any]]) -> None:
    spans: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for item in items:
        if "conversationId" in item:
            day = item["timestamp"][:10]
            key = (item["customerId"], item["conversationId"], day)
            spans[key].append(item["timestamp"])
    by_customer: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for (customer, conversation, _), times in spans.items():
        by_customer[customer].append((min(times), max(times), conversation))
    for visits in by_customer.values():
        visits.sort()
        for (_, end, one), (start, _, other) in pairwise(visits):
            assert one == other or end < start


def test_about_one_in_a_hundred_items_comes_again_the_next_day_about_half_of_them_changed() -> None:
    world = World(WorldSettings(items=10_000, days=2, first_day=FIRST_DAY))
    before = {item["id"]: item for item in items_of(world, 0)}
    again = [item for item in items_of(world, 1) if item["id"] in before]
    changed = [item for item in again if item != before[item["id"]]]
    assert 30 < len(again) < 100
    assert 0.25 < len(changed) / len(again) < 0.75
    for item in changed:
        same = {key: value for key, value in item.items() if key != "content"}
        assert same.items() <= before[item["id"]].items()


def test_the_hours_of_a_day_hold_the_day_once(world: World) -> None:
    hours = [
        entry.record["id"]
        for hour in range(24)
        for entry in world.entries(
            MIDNIGHT + DAY + timedelta(hours=hour), MIDNIGHT + DAY + timedelta(hours=hour + 1)
        )
    ]
    assert sorted(hours) == sorted(item["id"] for item in items_of(world, 1))


def peak_memory_of_export(items: int, folder: Path) -> int:
    world = World(WorldSettings(items=items, days=1, first_day=FIRST_DAY))
    folder.mkdir()
    # what other tests left does not count
    gc.collect()
    tracemalloc.start()
    write_export_files(world, MIDNIGHT, MIDNIGHT + DAY, folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_number_of_items(tmp_path: Path) -> None:
    peak_memory_of_export(100, tmp_path / "warm")
    small = peak_memory_of_export(20_000, tmp_path / "small")
    large = peak_memory_of_export(40_000, tmp_path / "large")
    assert large < 1.1 * small
