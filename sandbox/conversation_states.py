"""A conversation as Get Conversation shows it, told by its items and events so far."""

from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.conversation import Conversation
from sandbox.conversations import Entry
from sandbox.event_drafts import Draft
from sandbox.timestamps import format_milliseconds

_LISTS_LEFT_OUT_WHEN_EMPTY_EVERY = 2


def _status(items: Iterable[Entry]) -> tuple[str, str | None]:
    """Return the status, and since when it is closed if it is."""
    status, since = "OPEN", None
    for entry in items:
        content = entry.record["content"]
        if content["type"] == "CONVERSATION_STATUS_CHANGE":
            status = content["status"]
            since = entry.record["timestamp"] if status == "CLOSED" else None
    return status, since


def _topics(events: Iterable[Draft]) -> list[str]:
    topics: dict[str, None] = {}
    for event in events:
        if event.type == "CONVERSATION/TOPIC_ADDED":
            topics[event.content["topicId"]] = None
        elif event.type == "CONVERSATION/TOPIC_REMOVED":
            topics.pop(event.content["topicId"], None)
    return list(topics)


def _custom_attributes(events: Iterable[Draft]) -> list[dict[str, str]]:
    attributes: dict[tuple[str, str], None] = {}
    for event in events:
        if not event.type.startswith("CONVERSATION/CUSTOM_ATTRIBUTE"):
            continue
        key = (event.content["customAttributeId"], event.content["customAttributeValue"])
        if event.type.endswith("ADDED"):
            attributes[key] = None
        else:
            attributes.pop(key, None)
    return [{"id": attribute, "value": value} for attribute, value in attributes]


def _agent(events: Iterable[Draft]) -> str | None:
    agent_id: str | None = None
    for event in events:
        if event.type == "CONVERSATION_ASSIGNEE/UPDATED":
            agent_id = event.content["assignee"].get("agentId")
    return agent_id


def conversation_record(
    conversation: Conversation, customer_id: str, items: Sequence[Entry], events: Sequence[Draft]
) -> dict[str, Any]:
    """Return the conversation as its items and events so far tell it.

    Half of all conversations without topics or custom attributes have empty lists of them, the
    others leave them out.

    Args:
        conversation: Its standing facts.
        customer_id: Whose it is now, after merges.
        items: Its items so far, oldest first, at least one.
        events: Its events so far, oldest first.
    """
    status, closed_at = _status(items)
    record: dict[str, Any] = {
        "id": conversation.id,
        "customerId": customer_id,
        "createdAt": items[0].record["timestamp"],
        "inboxId": conversation.inbox_id,
        "status": status,
    }
    agent_id = _agent(events)
    if agent_id is not None:
        record["agentId"] = agent_id
    if closed_at is not None:
        record["closedAt"] = closed_at
    lists = {"topicIds": _topics(events), "customAttributes": _custom_attributes(events)}
    shows_empty = conversation.number % _LISTS_LEFT_OUT_WHEN_EMPTY_EVERY == 0
    return record | {name: found for name, found in lists.items() if found or shows_empty}


def second_conversation_record(
    conversation_id: str, customer_id: str, inbox_id: str, created_at: int
) -> dict[str, Any]:
    """Return the open conversation of a customer's second profile, which nobody took up yet."""
    return {
        "id": conversation_id,
        "customerId": customer_id,
        "createdAt": format_milliseconds(created_at),
        "inboxId": inbox_id,
        "status": "OPEN",
    }
