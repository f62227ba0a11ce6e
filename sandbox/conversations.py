"""Conversations as the items an export shows: what happened, in order, with realistic pauses."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

from sandbox.contents import Moment, item_identifier
from sandbox.conversation import Channel, Conversation, conversation_numbered
from sandbox.draw import Draw
from sandbox.steps import FOLLOW_UP, FORMS, Form, Step, first_chapter
from sandbox.timestamps import format_milliseconds

# How many items the first day of a conversation has; conversation n has the (n mod 11)th.
LENGTHS = (9, 6, 12, 7, 15, 3, 10, 8, 16, 5, 11)
FOLLOW_UP_LENGTH = len(FOLLOW_UP)
_FOLLOW_UP_EVERY = 8
_FOLLOW_UP_REMAINDER = 5
_FIRST_FOLLOW_UP_POSITION = 100
# Milliseconds between two items. Sixteen of the longest stay under four hours, so that a
# conversation begun by 20:00 is over before midnight.
_PAUSES = {Channel.CHAT: (2_000, 150_000), Channel.VOICE_AI: (1_000, 15_000)}
_OTHER_PAUSES = (30_000, 800_000)


class Entry(NamedTuple):
    """One item as an export carries it: whose, active when (ms since 1970), and the record."""

    customer_number: int
    active_at: int
    record: dict[str, Any]


def _who(kind: str, conversation: Conversation) -> dict[str, Any]:
    if kind == "CUSTOMER":
        return conversation.customer
    if kind == "AGENT":
        return conversation.agent
    if kind == "SYSTEM":
        return {"id": "SIDEKICK_V2", "type": kind}
    return {"id": f"{kind.lower()}-{conversation.number % 5}", "type": kind}


def _record(moment: Moment, step: Step, form: Form) -> dict[str, Any]:
    conversation = moment.conversation
    record: dict[str, Any] = {"id": moment.item_id}
    if step is not Step.ACTIVITY:
        record["conversationId"] = conversation.id
    record["customerId"] = conversation.customer_id
    record["timestamp"] = format_milliseconds(moment.at)
    if conversation.channel is Channel.VOICE_AI:
        record["sessionId"] = conversation.session_id
    record["initiator"] = _who(form.initiator, conversation)
    if form.responder is not None and moment.draw.chance(0.6):
        record["responder"] = _who(form.responder, conversation)
    record["content"] = form.content(moment)
    return record


def _entries(
    conversation: Conversation, steps: Sequence[Step], first_position: int, start: int, draw: Draw
) -> Iterator[Entry]:
    shortest, longest = _PAUSES.get(conversation.channel, _OTHER_PAUSES)
    at = start
    for position, step in enumerate(steps, first_position):
        form = FORMS[step]
        moment = Moment(
            conversation,
            draw,
            item_identifier(conversation, position),
            position,
            at,
            from_customer=form.initiator == "CUSTOMER",
        )
        yield Entry(conversation.customer_number, at, _record(moment, step, form))
        at += draw.between(shortest, longest)


def first_day(seed: int, number: int, customers: int, start: int) -> Iterator[Entry]:
    """Yield the items of a conversation's first day, which begins at `start` (ms since 1970)."""
    draw = Draw(seed, 2 * number)
    conversation = conversation_numbered(seed, number, customers, draw)
    steps = first_chapter(conversation, LENGTHS[number % len(LENGTHS)], draw)
    return _entries(conversation, steps, 0, start, draw)


def comes_back(number: int) -> bool:
    """Return whether the customer of this conversation writes again the day after."""
    return number % _FOLLOW_UP_EVERY == _FOLLOW_UP_REMAINDER


def second_day(seed: int, number: int, customers: int, start: int) -> Iterator[Entry]:
    """Yield the items of the day after, for a conversation that comes back."""
    conversation = conversation_numbered(seed, number, customers, Draw(seed, 2 * number))
    steps = FOLLOW_UP if conversation.channel is not Channel.ACTIVITY else (Step.ACTIVITY,) * 4
    draw = Draw(seed, 2 * number + 1)
    return _entries(conversation, steps, _FIRST_FOLLOW_UP_POSITION, start, draw)


def items_from(
    seed: int, first_number: int, customers: int, start: int, pace: int
) -> Iterator[Entry]:
    """Yield conversation after conversation for ever, one beginning every `pace` milliseconds."""
    for number in count(first_number):
        yield from first_day(seed, number, customers, start + number * pace)
