"""Topics: where they stand, and when conversations had them."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from tests.transforms.places import Place, Row
from tests.transforms.raw_stories import in_order, raw_rows
from tests.transforms.raw_topics import plain_hierarchy, spans_of
from tests.transforms.world import BuiltWorld

ASKS_FOR = ("topic_hierarchy", "conversation_topics_over_time")
ONLY_WHOLE = True

NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def test_topics_of_the_world_stand_where_a_walk_up_ends(world: BuiltWorld) -> None:
    topics = world.raw.latest("exports", "topics.jsonl")
    topics |= world.raw.latest("reference", "topics.jsonl")
    assert in_order(world.models["topic_hierarchy"]) == in_order(plain_hierarchy(topics))


def test_topics_without_a_parent_that_could_be_followed_are_roots(place: Place) -> None:
    topics: dict[str, Row] = {
        "orders": {"name": "Orders"},
        "damaged": {"name": "Damaged", "parentId": "orders"},
        "glass": {"parentId": "damaged", "disabled": True},
        "lost": {"name": "Lost", "parentId": "never loaded"},
        "lost child": {"name": "Damaged", "parentId": "lost"},
        "a": {"name": "A", "parentId": "b"},
        "b": {"name": "B", "parentId": "a"},
        "below": {"name": "Below", "parentId": "a"},
        "itself": {"name": "Itself", "parentId": "itself"},
    }
    loaded: list[Row] = [
        {
            "id": identifier,
            "name": topic.get("name"),
            "parent_id": topic.get("parentId"),
            "disabled": topic.get("disabled"),
        }
        for identifier, topic in topics.items()
    ]
    old = {"id": "old", "name": "Old", "parent_id": "", "deleted_at": NOON}
    place.load(raw_rows(topics=[*loaded, old]))
    place.transform()
    hierarchy = place.models()["topic_hierarchy"]
    assert {row["topic_id"]: (row["level"], row["path"]) for row in hierarchy} == {
        "orders": (1, "Orders"),
        "damaged": (2, "Orders > Damaged"),
        "glass": (3, "Orders > Damaged > glass"),
        "lost": (1, "Lost"),
        "lost child": (2, "Lost > Damaged"),
        "a": (1, "A"),
        "b": (1, "B"),
        "below": (1, "Below"),
        "itself": (1, "Itself"),
        "old": (1, "Old"),
    }
    (found,) = (row for row in hierarchy if row["topic_id"] == "old")
    assert (found["is_deleted"], found["parent_id"], found["is_parent_known"]) == (True, None, True)
    hierarchy.remove(found)
    assert in_order(hierarchy) == in_order(plain_hierarchy(topics))
    assert {row["topic_id"] for row in hierarchy if not row["is_parent_known"]} == {
        "lost", "a", "b", "below", "itself",
    }  # fmt: skip


def test_spans_of_the_world_follow_from_its_raw_records(world: BuiltWorld) -> None:
    expected = spans_of(world.raw)
    assert len(expected) > 100
    assert in_order(world.models["conversation_topics_over_time"]) == in_order(expected)


# What is told of a topic of a conversation, in the order of minutes, and its spans. I and E are the
# two feeds, items and events; a read is what the conversation was when it was read.
SPANS = {
    "both feeds tell the same, one a second later": (
        "I+0 E+0.5 I-9 E-9.5",
        ["0 to 9"],
    ),
    "events alone": ("E+3", ["3, current"]),
    "removed before anything else is told": ("I-5", ["? to 5"]),
    "added, removed, added again": ("I+0 E-4 E+6", ["0 to 4", "6, current"]),
    "the second removal was never told": ("I+0 I-1 I+2 read-5", ["0 to 1", "2 to ?"]),
    "told twice without an end in between": ("I+1 I+4 E-7 E-8", ["1 to 7"]),
    "exchanged for itself in one instant": ("I-3 I+3", ["? to 3", "3, current"]),
    "read with it, never told": ("read+5", ["?, current"]),
    "read with it, added after": ("read+5 E+6", ["6, current"]),
    "read with it, removed after": ("read+5 E-6", ["? to 6"]),
    "read without it, then added": ("read-5 E+6", ["6, current"]),
    "read without it, removed after": ("read-5 E-6", ["? to 6"]),
    "read at the instant of a change": ("E+5 read-5", ["5 to ?"]),
}


def shown(span: Row) -> str:
    since, until = (
        "?" if span[name] is None else f"{(span[name] - NOON).total_seconds() / 60:g}"
        for name in ("added_at", "removed_at")
    )
    return f"{since}, current" if span["is_current"] else f"{since} to {until}"


def load_stories(place: Place, stories: dict[str, str]) -> None:
    events, changes, topics, reads = [], [], [], []
    for conversation, story in stories.items():
        for number, told in enumerate(story.split()):
            kind, sign, minute = told.partition("+") if "+" in told else told.partition("-")
            identifier, moment = f"{conversation} {number}", NOON + timedelta(minutes=float(minute))
            name = "added" if sign == "+" else "removed"
            if kind == "E":
                content = {"conversationId": conversation, "topicId": "topic"}
                events.append(
                    {
                        "id": identifier,
                        "type": f"CONVERSATION/TOPIC_{name.upper()}",
                        "timestamp": moment.isoformat(),
                        "initiator": {"type": "AGENT", "id": "Ada"},
                        "content": content,
                    }
                )
            elif kind == "I":
                changes.append(
                    {
                        "id": identifier,
                        "conversation_id": conversation,
                        "timestamp": moment,
                        "initiator_type": "AUTOMATION",
                        "initiator_id": "rule",
                        "content_type": "TOPIC_CHANGE",
                    }
                )
                topics.append(
                    {"item_id": identifier, "action": name, "position": 1, "topic_id": "topic"}
                )
            else:
                reads.append((conversation, moment, sign == "+"))
    place.load_events(events)
    place.load(
        raw_rows(
            conversation_items=changes,
            topic_changes=[{"id": change["id"]} for change in changes],
            topic_change_topics=topics,
        )
    )
    for conversation, moment, is_there in reads:
        listed = {"conversation_id": conversation, "position": 1, "topic_id": "topic"}
        place.load(
            raw_rows(
                moment,
                conversations=[{"id": conversation}],
                conversation_topics=[listed] if is_there else [],
            )
        )


def test_a_topic_s_coming_and_going_is_followed_through_both_feeds_and_reads(place: Place) -> None:
    load_stories(place, {conversation: story for conversation, (story, _) in SPANS.items()})
    place.transform()
    found = defaultdict(list)
    spans = place.models()["conversation_topics_over_time"]
    for span in sorted(spans, key=lambda span: span["position"]):
        found[span["conversation_id"]].append(shown(span))
    assert found == {conversation: spans for conversation, (_, spans) in SPANS.items()}
    authors = {
        (span["conversation_id"], span["added_by_type"], span["removed_by_type"]) for span in spans
    }
    assert {
        ("both feeds tell the same, one a second later", "AUTOMATION", "AUTOMATION"),
        ("removed before anything else is told", None, "AUTOMATION"),
        ("read with it, never told", None, None),
        ("the second removal was never told", "AUTOMATION", None),
        ("read with it, removed after", None, "AGENT"),
    } <= authors


def test_merged_conversations_share_their_topics_and_reads_of_the_merged_one_tell_nothing(
    place: Place,
) -> None:
    load_stories(place, {"gone": "I+1 I-8 read-9", "stays": "I+2", "other": "read-3"})
    merge = {
        "source_conversation_id": "gone",
        "destination_conversation_id": "stays",
        "merged_at": at(5),
        "evidence": "CUSTOMER/MERGED",
    }
    place.load(raw_rows(conversation_merges=[merge]))
    place.transform()
    (span,) = place.models()["conversation_topics_over_time"]
    assert (span["conversation_id"], shown(span)) == ("stays", "1 to 8")
