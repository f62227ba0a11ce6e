"""The steps a conversation takes: the order in which they come and the item each one becomes."""

from collections.abc import Callable, Sequence
from enum import StrEnum, auto
from itertools import cycle, islice
from typing import Any, NamedTuple

from sandbox import contents
from sandbox.contents import Moment
from sandbox.conversation import Channel, Conversation
from sandbox.draw import Draw


class Step(StrEnum):
    """One thing that happens in a conversation."""

    CUSTOMER_MESSAGE = auto()
    AGENT_MESSAGE = auto()
    AI_MESSAGE = auto()
    OTHER_PARTY_MESSAGE = auto()
    QUICK_REPLY_REQUEST = auto()
    QUICK_REPLY_RESPONSE = auto()
    CUSTOMER_CALL = auto()
    AGENT_CALL = auto()
    VOICEMAIL = auto()
    TASK = auto()
    NOTE = auto()
    TOPIC_ADDED = auto()
    TOPIC_CORRECTED = auto()
    WAITING = auto()
    OPENED = auto()
    CLOSED = auto()
    CLOSED_BY_AI = auto()
    ACTIVITY = auto()


class Form(NamedTuple):
    """The form a step takes: who does it, towards whom, and the builder of its content."""

    initiator: str
    content: Callable[[Moment], dict[str, Any]]
    responder: str | None = None


FORMS: dict[Step, Form] = {
    Step.CUSTOMER_MESSAGE: Form("CUSTOMER", contents.message),
    Step.AGENT_MESSAGE: Form("AGENT", contents.message, "CUSTOMER"),
    Step.AI_MESSAGE: Form("SYSTEM", contents.message),
    Step.OTHER_PARTY_MESSAGE: Form("EXTERNAL", contents.message),
    Step.QUICK_REPLY_REQUEST: Form("SYSTEM", contents.quick_reply_request),
    Step.QUICK_REPLY_RESPONSE: Form("CUSTOMER", contents.quick_reply_response),
    Step.CUSTOMER_CALL: Form("CUSTOMER", contents.phone_call, "AGENT"),
    Step.AGENT_CALL: Form("AGENT", contents.phone_call, "CUSTOMER"),
    Step.VOICEMAIL: Form("CUSTOMER", contents.voicemail),
    Step.TASK: Form("AGENT", contents.task),
    Step.NOTE: Form("AGENT", contents.note),
    Step.TOPIC_ADDED: Form("AUTOMATION", contents.topic_added),
    Step.TOPIC_CORRECTED: Form("AGENT", contents.topic_corrected),
    Step.WAITING: Form("AGENT", contents.status_change("WAITING")),
    Step.OPENED: Form("SYSTEM", contents.status_change("OPEN")),
    Step.CLOSED: Form("AGENT", contents.status_change("CLOSED")),
    Step.CLOSED_BY_AI: Form("SYSTEM", contents.status_change("CLOSED")),
    Step.ACTIVITY: Form("API", contents.customer_activity),
}

_MESSAGES = (Step.AGENT_MESSAGE, Step.CUSTOMER_MESSAGE)
_OPENINGS: dict[Channel, tuple[Step, ...]] = {
    Channel.PHONE: (Step.CUSTOMER_CALL,),
    Channel.VOICEMAIL: (Step.VOICEMAIL, Step.TASK, Step.AGENT_CALL),
    Channel.VOICE_AI: (Step.AI_MESSAGE,),
    Channel.ACTIVITY: (Step.ACTIVITY,),
}
_TALKS: dict[Channel, tuple[Step, ...]] = {
    Channel.PHONE: (Step.AGENT_CALL, Step.AGENT_MESSAGE, Step.CUSTOMER_CALL, Step.NOTE),
    Channel.VOICE_AI: (Step.CUSTOMER_MESSAGE, Step.AI_MESSAGE),
    Channel.ACTIVITY: (Step.ACTIVITY,),
}
_QUICK_REPLY_OPENING = (
    Step.CUSTOMER_MESSAGE,
    Step.QUICK_REPLY_REQUEST,
    Step.QUICK_REPLY_RESPONSE,
)
_QUICK_REPLY_EVERY = 5
_WITH_WAITING, _WITH_CORRECTION, _WITH_NOTE = 15, 11, 7
_TOPIC_SHARE = 0.5
_AGENT_AFTER_AI_EVERY, _AGENT_AFTER_AI_REMAINDER = 3, 2
_DONE_BY_AI = {
    Step.AGENT_MESSAGE: Step.AI_MESSAGE,
    Step.TOPIC_CORRECTED: Step.AI_MESSAGE,
    Step.WAITING: Step.AI_MESSAGE,
    Step.OPENED: Step.AI_MESSAGE,
    Step.NOTE: Step.AI_MESSAGE,
    Step.CLOSED: Step.CLOSED_BY_AI,
}
FOLLOW_UP = (Step.CUSTOMER_MESSAGE, Step.OPENED, Step.AGENT_MESSAGE, Step.CLOSED)
"""What happens when a customer comes back the day after."""


def _opening(conversation: Conversation, draw: Draw) -> tuple[Step, ...]:
    if conversation.channel is Channel.CHAT and conversation.number % _QUICK_REPLY_EVERY == 0:
        return _QUICK_REPLY_OPENING
    if conversation.channel is Channel.CHAT and draw.chance(0.3):
        return (Step.CUSTOMER_MESSAGE, Step.AI_MESSAGE)
    if conversation.channel is Channel.EMAIL and draw.chance(0.1):
        return (Step.CUSTOMER_MESSAGE, Step.OTHER_PARTY_MESSAGE)
    return _OPENINGS.get(conversation.channel, (Step.CUSTOMER_MESSAGE,))


def _ending(length: int, draw: Draw) -> tuple[Step, ...]:
    last = (Step.CLOSED if draw.chance(0.85) else Step.AGENT_MESSAGE,)
    if length >= _WITH_WAITING:
        wait = (Step.WAITING, Step.CUSTOMER_MESSAGE, Step.OPENED)
        return (Step.TOPIC_CORRECTED, *wait, Step.NOTE, *last)
    if length >= _WITH_CORRECTION:
        return (Step.TOPIC_CORRECTED, Step.NOTE, *last)
    return (Step.NOTE, *last) if length >= _WITH_NOTE else last


def _is_for_ai_alone(conversation: Conversation) -> bool:
    is_handed_on = conversation.number % _AGENT_AFTER_AI_EVERY == _AGENT_AFTER_AI_REMAINDER
    return conversation.channel is Channel.VOICE_AI and not is_handed_on


def first_chapter(conversation: Conversation, length: int, draw: Draw) -> Sequence[Step]:
    """Return the `length` steps of a conversation's first day.

    A message, call or voicemail of the customer comes first (the voice AI greets first), then
    perhaps a topic, then talk, then an ending; most conversations end closed. Two of three voice AI
    conversations need no agent.
    """
    talk = cycle(_TALKS.get(conversation.channel, _MESSAGES))
    if conversation.channel is Channel.ACTIVITY:
        return tuple(islice(talk, length))
    opening = _opening(conversation, draw)
    if length >= _WITH_CORRECTION or draw.chance(_TOPIC_SHARE):
        opening = (*opening, Step.TOPIC_ADDED)
    ending = _ending(length, draw)
    between = max(length - len(opening) - len(ending), 0)
    steps = (*opening, *islice(talk, between), *ending)[:length]
    if _is_for_ai_alone(conversation):
        return tuple(_DONE_BY_AI.get(step, step) for step in steps)
    return steps
