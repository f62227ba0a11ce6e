"""What happens in a conversation on one day, told by its items."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sandbox.conversation import Channel, Conversation
from sandbox.conversations import Entry
from sandbox.draw import Draw
from sandbox.event_contact_stories import contact_story
from sandbox.event_contacts import CALL, Contact, contacts_of
from sandbox.event_drafts import ROUTING, Draft, agent, agent_ids, between
from sandbox.event_payments import payment_story
from sandbox.event_routing import Desk, agent_after, assigned_to, assignee, with_contexts
from sandbox.event_tasks import task_story
from sandbox.identifiers import identifier
from sandbox.world import Visit

_FIRST_DRAW = 1 << 38
_ATTRIBUTE_EVERY, _ATTRIBUTE_REMOVED_EVERY = 5, 10
_ATTRIBUTES = (("orderId", "{number:09}"), ("loyaltyTier", "Gold"), ("größe", "10½"))
_PROFILE_UPDATED_EVERY = 6


class Scene(NamedTuple):
    """One day of a conversation, and what came before.

    Attributes:
        conversation: Its standing facts.
        visit: Its items of the day.
        is_new_customer: Whether the customer has never been seen before.
        before: Its items of the day before, None on the day it begins.
    """

    conversation: Conversation
    visit: Visit
    is_new_customer: bool
    before: Visit | None

    @property
    def was_closed(self) -> bool:
        """Whether the conversation was closed when the day began."""
        if self.before is None:
            return False
        return bool(self.before.entries[-1].record["content"].get("status") == "CLOSED")


def _of_conversation(scene: Scene, at: int, name: str, by: dict[str, Any], **more: object) -> Draft:
    content: dict[str, Any] = {
        "customerId": scene.conversation.customer_id,
        "conversationId": scene.conversation.id,
    }
    return Draft(at, f"CONVERSATION/{name}", by, content | more)


def _told_by(scene: Scene, entry: Entry) -> Iterator[Draft]:
    """Yield what an item that is no message or call says about its conversation."""
    content, by, at = entry.record["content"], entry.record["initiator"], entry.active_at
    match content["type"], content.get("status"):
        case "TOPIC_CHANGE", _:
            for name, key in (("REMOVED", "removedTopicIds"), ("ADDED", "addedTopicIds")):
                for topic_id in content.get(key, ()):
                    yield _of_conversation(scene, at, f"TOPIC_{name}", by, topicId=topic_id)
        case "CONVERSATION_NOTE", _:
            yield _of_conversation(scene, at, "NOTE_CREATED", by, noteId=entry.record["id"])
        case "CONVERSATION_STATUS_CHANGE", "CLOSED":
            yield _of_conversation(scene, at, "CLOSED", by)
        case "CONVERSATION_STATUS_CHANGE", "OPEN" if scene.was_closed:
            yield _of_conversation(scene, at, "REOPENED", by)


def _attributes(scene: Scene) -> Iterator[Draft]:
    number, entries = scene.conversation.number, scene.visit.entries
    if number % _ATTRIBUTE_EVERY or scene.visit.chapter:
        return
    which = number // _ATTRIBUTE_EVERY % len(_ATTRIBUTES)
    key, value = _ATTRIBUTES[which]
    by = {"id": f"automation-{which}", "type": "AUTOMATION"}
    attribute = {
        "customAttributeId": identifier(scene.conversation.seed, "custom attribute", which),
        "customAttributeKey": key,
        "customAttributeValue": value.format(number=number),
    }
    start, end = entries[0].active_at, entries[-1].active_at
    at = between(start, end, 0.1)
    yield _of_conversation(scene, at, "CUSTOM_ATTRIBUTE_ADDED", by, **attribute)
    if number % _ATTRIBUTE_REMOVED_EVERY == 0:
        at = between(start, end, 0.9)
        yield _of_conversation(scene, at, "CUSTOM_ATTRIBUTE_REMOVED", by, **attribute)


def _profile(scene: Scene) -> Iterator[Draft]:
    entries, conversation = scene.visit.entries, scene.conversation
    content = {"customerId": conversation.customer_id}
    if scene.is_new_customer:
        first = entries[0]
        by = first.record["initiator"]
        yield Draft(first.active_at, "CUSTOMER_PROFILE/CREATED", by, content)
    if conversation.number % _PROFILE_UPDATED_EVERY == 1:
        at = between(entries[0].active_at, entries[-1].active_at, 0.95)
        yield Draft(at, "CUSTOMER_PROFILE/UPDATED", agent(conversation.agent_id), content)


def _first_action(visit: Visit, after: int) -> int | None:
    actions = (e.active_at for e in visit.entries if e.record["initiator"]["type"] == "AGENT")
    return next((at for at in actions if at > after), None)


def _routed_until(contact: Contact, visit: Visit) -> int:
    if contact.channel == CALL:
        return contact.answered_at or contact.ended_at
    return min(_first_action(visit, contact.started_at) or contact.ended_at, contact.ended_at)


def _contacts(
    scene: Scene,
    contacts: Sequence[Contact],
    assigned: str | None,
    colleagues: Sequence[str],
    draw: Draw,
) -> list[Draft]:
    drafts: list[Draft] = []
    for contact in contacts:
        desk = Desk(scene.conversation, contact, assigned, draw)
        story = contact_story(desk, colleagues, _routed_until(contact, scene.visit))
        assigned = agent_after(story, assigned)
        drafts += story
    return drafts


def _assigned_before(scene: Scene) -> str | None:
    if scene.before is None:
        return None
    first_day = Scene(scene.conversation, scene.before, scene.is_new_customer, None)
    return agent_after(list(conversation_story(first_day)), None)


def _assigned_without_contact(scene: Scene, assigned: str | None) -> Iterator[Draft]:
    start = scene.visit.entries[0].active_at
    acts_at = _first_action(scene.visit, start)
    if acts_at is not None and assigned is None:
        at, hero = between(start, acts_at, 0.5), scene.conversation.agent_id
        yield assigned_to(scene.conversation, hero, at, "AUTOMATED_ASSIGNMENT", ROUTING)


def _conversation_drafts(scene: Scene, assigned: str | None, draw: Draw) -> Iterator[Draft]:
    conversation, visit = scene.conversation, scene.visit
    colleagues = [one for one in agent_ids(conversation.seed) if one != conversation.agent_id]
    first = visit.entries[0]
    if visit.chapter == 0:
        yield _of_conversation(scene, first.active_at, "CREATED", first.record["initiator"])
    contacts = contacts_of(conversation.seed, visit)
    yield from _contacts(scene, contacts, assigned, colleagues, draw)
    if not contacts:
        yield from _assigned_without_contact(scene, assigned)
    for entry in visit.entries:
        yield from _told_by(scene, entry)
        if entry.record["content"]["type"] == "TASK":
            yield from task_story(conversation.seed, entry, colleagues, draw)
    yield from _attributes(scene)
    if visit.chapter == 0:
        yield from payment_story(conversation, contacts, draw)


def conversation_story(scene: Scene) -> Iterator[Draft]:
    """Yield the events of one day of a conversation, in the order in which they were recorded.

    What an item says and what an event says happen in the same millisecond, so the first message
    of a conversation comes with its CONVERSATION/CREATED and CONTACT/STARTED, and a close with the
    end of the contacts still open. A task's events may lie up to 20 hours after its item.

    Items of a customer's timeline that belong to no conversation make no events but those of the
    customer's profile.
    """
    conversation, visit = scene.conversation, scene.visit
    draw = Draw(conversation.seed, _FIRST_DRAW + 2 * visit.number + visit.chapter)
    assigned = _assigned_before(scene)
    drafts = list(_profile(scene))
    if conversation.channel is not Channel.ACTIVITY:
        drafts += _conversation_drafts(scene, assigned, draw)
    drafts.sort(key=lambda draft: draft.at)
    yield from with_contexts(drafts, assignee(conversation.inbox_id, assigned))
