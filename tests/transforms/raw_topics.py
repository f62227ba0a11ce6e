"""Where topics stand, and when conversations had them, followed through raw records."""

from collections import defaultdict
from datetime import datetime
from typing import Any, NamedTuple

from tests.transforms.places import Row
from tests.transforms.raw_stories import People, Read, reads_of
from tests.transforms.world import Raw, instant


def spans_of(raw: Raw) -> list[Row]:
    """Return the spans of all topics of all conversations."""
    reads = reads_of(raw)
    told = witnesses(raw, People(raw.events, reads), reads)
    return [span for key, said in told.items() for span in plain_spans(key, said)]


def plain_hierarchy(topics: dict[str, Row]) -> list[Row]:
    """Walk up from every topic, remembering where it came by."""
    found = []
    for identifier, topic in topics.items():
        path = [identifier]
        while (parent := topics[path[-1]].get("parentId")) in topics and parent not in path:
            path.append(parent)
        is_round = topics[path[-1]].get("parentId") in path
        if is_round:
            path = [identifier]
        names = [topics[one].get("name") or one for one in reversed(path)]
        found.append(
            {
                "topic_id": identifier,
                "name": topic.get("name"),
                "parent_id": topic.get("parentId"),
                "is_parent_known": topic.get("parentId") is None or len(path) > 1,
                "root_topic_id": path[-1],
                "root_name": names[0],
                "level": len(path),
                "path": " > ".join(names),
                "is_disabled": bool(topic.get("disabled")),
                "is_deleted": False,
            }
        )
    return found


class Witness(NamedTuple):
    """Somebody who says whether a conversation has a topic; ``read`` says not since when."""

    at: datetime
    is_there: bool
    by: tuple[Any, Any] = (None, None)
    is_read: bool = False


Key = tuple[str, str]


def witnesses(raw: Raw, people: People, reads: list[Read]) -> dict[Key, list[Witness]]:
    found: dict[Key, list[Witness]] = defaultdict(list)
    for item in raw.items:
        if item["content"]["type"] == "TOPIC_CHANGE":
            for name, is_there in (("removedTopicIds", False), ("addedTopicIds", True)):
                for topic in item["content"].get(name, ()):
                    key = people.conversation(item["conversationId"]), topic
                    found[key].append(said_by(item, is_there=is_there))
    for event in raw.events:
        if event["type"] in ("CONVERSATION/TOPIC_ADDED", "CONVERSATION/TOPIC_REMOVED"):
            content = event["content"]
            key = people.conversation(content["conversationId"]), content["topicId"]
            found[key].append(said_by(event, is_there=event["type"].endswith("ADDED")))
    last = {r.entity_id: r for r in reads if r.kind == "conversations" and r.document is not None}
    for identifier, read in last.items():
        if people.conversation(identifier) != identifier or read.document is None:
            continue
        listed = read.document.get("topicIds", [])
        for topic in {*listed, *(topic for known, topic in found if known == identifier)}:
            found[identifier, topic].append(Witness(read.at, topic in listed, is_read=True))
    return found


def said_by(record: Row, *, is_there: bool) -> Witness:
    by = record.get("initiator", {})
    return Witness(instant(record["timestamp"]), is_there, (by.get("type"), by.get("id")))


def plain_spans(key: Key, told: list[Witness]) -> list[Row]:
    """Follow a topic of a conversation from witness to witness."""
    changes: list[list[Any]] = []
    for witness in sorted(told, key=lambda one: (one.at, one.is_read, one.is_there)):
        if not changes or changes[-1][0] is not witness.is_there:
            changes.append([witness.is_there, None, (None, None)])
        if changes[-1][1] is None and not witness.is_read:
            changes[-1][1:] = witness.at, witness.by
    if not changes[0][0]:
        changes = changes[1:] if changes[0][1] is None else [[True, None, (None, None)], *changes]
    return [
        {
            "conversation_id": key[0],
            "topic_id": key[1],
            "position": number,
            "added_at": added[1],
            "added_by_type": added[2][0],
            "added_by_id": added[2][1],
            "removed_at": removed[1] if removed else None,
            "removed_by_type": removed[2][0] if removed else None,
            "removed_by_id": removed[2][1] if removed else None,
            "is_current": removed is None,
        }
        for number, (added, removed) in enumerate(
            zip(changes[::2], [*changes[1::2], None], strict=False), 1
        )
    ]
