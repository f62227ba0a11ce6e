"""What happens to one contact, from its start to its end."""

from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.event_contacts import CALL
from sandbox.event_drafts import ROUTING, Draft, agent, between
from sandbox.event_routing import Desk, of_contact, routed
from sandbox.people import COMPANY_PHONE, SUPPORT_ADDRESS
from sandbox.timestamps import format_shortest

_SELECTIONS = ("__billing", "__orders__returns", "__other")
_ENTRY_POINTS = {CALL: COMPANY_PHONE, "SMS": COMPANY_PHONE, "EMAIL": SUPPORT_ADDRESS}
_HOLD_REASONS = ("MANUAL", "MANUAL", "CONFERENCE", "WARM_TRANSFER", "COLD_TRANSFER")
_FROM_OUTSIDE = frozenset({"CUSTOMER", "EXTERNAL"})
_LONG_CALL = 15_000
_SERVICE_LEVELS = {CALL: 30_000, "CHAT": 240_000, "EMAIL": 1_200_000}
_OTHER_SERVICE_LEVEL = 900_000


def _started(desk: Desk) -> Draft:
    contact, draw = desk.contact, desk.draw
    more: dict[str, Any] = {}
    if not contact.is_outbound:
        if draw.chance(0.8):
            within = _SERVICE_LEVELS.get(contact.channel, _OTHER_SERVICE_LEVEL)
            more["dueAt"] = format_shortest(contact.started_at + within)
        if contact.channel in _ENTRY_POINTS:
            more["entryPoint"] = _ENTRY_POINTS[contact.channel]
        if contact.channel == CALL and draw.chance(0.7):
            more["finalIVRSelection"] = draw.pick(_SELECTIONS)
    return of_contact(desk, contact.started_at, "STARTED", contact.initiator, **more)


def _messages(desk: Desk) -> Iterator[Draft]:
    for entry in desk.contact.entries:
        by = entry.record["initiator"]
        name = "MESSAGE_RECEIVED" if by["type"] in _FROM_OUTSIDE else "MESSAGE_SENT"
        yield of_contact(desk, entry.active_at, name, by, messageId=entry.record["id"])


def _holds(desk: Desk) -> Iterator[Draft]:
    answered_at, ended_at = desk.contact.answered_at, desk.contact.ended_at
    if answered_at is None or ended_at - answered_at < _LONG_CALL or desk.draw.chance(0.5):
        return
    hero, reason = agent(desk.conversation.agent_id), desk.draw.pick(_HOLD_REASONS)
    for name, share in (("HOLD_STARTED", 0.3), ("HOLD_ENDED", desk.draw.between(4, 8) / 10)):
        yield of_contact(desk, between(answered_at, ended_at, share), name, hero, reason=reason)


def _fulfilled(desk: Desk) -> Draft:
    contact, hero = desk.contact, agent(desk.conversation.agent_id)
    if contact.is_outbound:
        return of_contact(desk, contact.started_at, "FULFILLED", hero, fulfilledType="RESPONDED")
    if contact.answered_at is not None:
        return of_contact(desk, contact.answered_at, "FULFILLED", hero, fulfilledType="RESPONDED")
    return of_contact(desk, contact.ended_at, "FULFILLED", ROUTING, fulfilledType="CANCELED")


def _ended(desk: Desk) -> Draft:
    contact = desk.contact
    by, status = agent(desk.conversation.agent_id), "ANSWERED"
    if contact.end_reason in {"CUSTOMER_NO_REPLY", "NO_REPLY_NEEDED"}:
        by = ROUTING
    if contact.end_reason == "CUSTOMER_ABANDONED":
        by, status = contact.initiator, "ABANDONED"
    elif contact.answered_at is None:
        status = "UNANSWERED"
    reason = contact.end_reason
    return of_contact(desk, contact.ended_at, "ENDED", by, reason=reason, status=status)


def contact_story(desk: Desk, colleagues: Sequence[str], until: int) -> list[Draft]:
    """Return the events of a contact, without their contexts.

    Args:
        desk: The contact and who is assigned when it begins.
        colleagues: Agents who may be asked first.
        until: When the conversation's agent must have it: their first action, or its end.
    """
    is_call = desk.contact.channel == CALL
    return [
        _started(desk),
        *routed(desk, colleagues, until),
        *(_holds(desk) if is_call else _messages(desk)),
        _fulfilled(desk),
        _ended(desk),
    ]
