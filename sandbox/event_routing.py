"""How a contact finds its agent: offers, refusals, a transfer, and what each does to the assignee.

Who is assigned is told by CONVERSATION_ASSIGNEE/UPDATED alone; `with_contexts` reads it there and
writes the state before each event into its context (Gladly API reference, Events).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from sandbox.conversation import Conversation
from sandbox.draw import Draw
from sandbox.event_contacts import CALL, Contact
from sandbox.event_drafts import ROUTING, Draft, agent, between

ASSIGNEE_UPDATED = "CONVERSATION_ASSIGNEE/UPDATED"
_WITHOUT_CONTEXT = frozenset(
    {
        "CONVERSATION/NOTE_CREATED",
        "CONVERSATION/CUSTOM_ATTRIBUTE_ADDED",
        "CONVERSATION/CUSTOM_ATTRIBUTE_REMOVED",
    }
)
_WITH_CONTEXT = ("CONTACT/", "CONVERSATION/", "CONVERSATION_ASSIGNEE/")
_REFUSALS = (
    ("DECLINED", "CONTACT_DECLINED"),
    ("MISSED", "CONTACT_MISSED"),
    ("DEVICE ERROR", "DEVICE_ERROR"),
)
_MISSED = _REFUSALS[1]
_REFUSED_EVERY, _REFUSED_REMAINDER = 7, 0
_TRANSFERRED_EVERY, _TRANSFERRED_REMAINDER = 9, 1
_BOOSTS: tuple[list[str] | None, ...] = (None, [], ["Previous Hero"], ["VIP", "Waiting Longest"])


class Desk(NamedTuple):
    """What every step of a contact's routing reads.

    Attributes:
        conversation: The contact's conversation.
        contact: The contact.
        assigned: The agent assigned when it began, None for nobody.
        draw: Chance.
    """

    conversation: Conversation
    contact: Contact
    assigned: str | None
    draw: Draw


_Step = Callable[[int], Iterator[Draft]]


def assignee(inbox_id: str, agent_id: str | None = None) -> dict[str, Any]:
    """Return an inbox, or an agent in it, as an assignee."""
    return {"inboxId": inbox_id} if agent_id is None else {"inboxId": inbox_id, "agentId": agent_id}


def assigned_to(
    conversation: Conversation, agent_id: str | None, at: int, reason: str, by: dict[str, Any]
) -> Draft:
    """Return the conversation's assignment to an agent, or for None to its inbox only."""
    content = {
        "customerId": conversation.customer_id,
        "conversationId": conversation.id,
        "reason": reason,
        "assignee": assignee(conversation.inbox_id, agent_id),
    }
    return Draft(at, ASSIGNEE_UPDATED, by, content)


def of_contact(desk: Desk, at: int, name: str, by: dict[str, Any], **more: object) -> Draft:
    """Return the event CONTACT/`name`: what all events of a contact carry, and `more`."""
    content: dict[str, Any] = {
        "channel": desk.contact.channel,
        "contactId": desk.contact.id,
        "conversationId": desk.conversation.id,
        "customerId": desk.conversation.customer_id,
    }
    return Draft(at, f"CONTACT/{name}", by, content | more)


def _offered(desk: Desk, agent_id: str, boosts: list[str] | None, *, assigns: bool) -> _Step:
    def step(at: int) -> Iterator[Draft]:
        more = {} if boosts is None else {"matchReasons": boosts}
        yield of_contact(desk, at, "OFFERED", ROUTING, agentId=agent_id, **more)
        if assigns:
            yield assigned_to(desk.conversation, agent_id, at, "CONTACT_OFFERED", ROUTING)

    return step


def _refused(desk: Desk, agent_id: str, refusal: tuple[str, str]) -> _Step:
    def step(at: int) -> Iterator[Draft]:
        reason, assignment_reason = refusal
        by = agent(agent_id) if reason == "DECLINED" else ROUTING
        yield of_contact(desk, at, "OFFER_REJECTED", by, agentId=agent_id, reason=reason)
        yield assigned_to(desk.conversation, None, at, assignment_reason, by)

    return step


def _accepted(desk: Desk, agent_id: str) -> _Step:
    def step(at: int) -> Iterator[Draft]:
        by = agent(agent_id)
        yield of_contact(desk, at, "OFFER_ACCEPTED", by, agentId=agent_id)
        yield of_contact(desk, at, "JOINED", by)

    return step


def _transferred(desk: Desk, from_agent: str, to_agent: str) -> _Step:
    def step(at: int) -> Iterator[Draft]:
        by, is_call = agent(from_agent), desk.contact.channel == CALL
        yield of_contact(
            desk, at, "TRANSFERRED", by,
            transferType="WARM" if is_call else "COLD",
            reason="MANUAL",
            assignee=assignee(desk.conversation.inbox_id, to_agent),
        )  # fmt: skip
        reason = "PHONE_CALL_TRANSFER" if is_call else "MANUAL"
        yield assigned_to(desk.conversation, to_agent, at, reason, by)

    return step


def _steps(desk: Desk, colleagues: Sequence[str]) -> list[_Step]:
    hero, number = desk.conversation.agent_id, desk.conversation.number
    boosts = desk.draw.pick(_BOOSTS)
    if desk.contact.channel == CALL and desk.contact.answered_at is None:
        is_new = desk.assigned != hero
        return [_offered(desk, hero, boosts, assigns=is_new), _refused(desk, hero, _MISSED)]
    if desk.assigned is not None:
        return [_offered(desk, hero, boosts, assigns=False), _accepted(desk, hero)]
    steps = []
    if number % _REFUSED_EVERY == _REFUSED_REMAINDER:
        busy = desk.draw.pick(colleagues)
        steps += [
            _offered(desk, busy, boosts, assigns=True),
            _refused(desk, busy, desk.draw.pick(_REFUSALS)),
        ]
    if number % _TRANSFERRED_EVERY == _TRANSFERRED_REMAINDER:
        first = desk.draw.pick(colleagues)
        steps += [
            _offered(desk, first, boosts, assigns=True),
            _accepted(desk, first),
            _transferred(desk, first, hero),
            _offered(desk, hero, ["Transfer"], assigns=False),
        ]
    else:
        steps.append(_offered(desk, hero, boosts, assigns=True))
    return [*steps, _accepted(desk, hero)]


def routed(desk: Desk, colleagues: Sequence[str], until: int) -> Iterator[Draft]:
    """Yield a contact's way to the conversation's agent, who has it by `until`.

    A call is accepted when it is answered. A missed one is offered and comes back: nobody is
    assigned then.
    """
    if desk.contact.is_outbound:
        yield from _outbound(desk)
        return
    steps = _steps(desk, colleagues)
    start, end = desk.contact.started_at, until
    if desk.contact.channel != CALL:
        end = between(start, until, desk.draw.between(30, 90) / 100)
    for place, step in enumerate(steps, 1):
        yield from step(between(start, end, place / len(steps)))


def _outbound(desk: Desk) -> Iterator[Draft]:
    hero, at = desk.conversation.agent_id, desk.contact.started_at
    if desk.assigned is None:
        reason = "MANUAL" if desk.contact.channel == CALL else "MESSAGE_OUTBOUND"
        yield assigned_to(desk.conversation, hero, at, reason, agent(hero))
    yield of_contact(desk, at, "JOINED", agent(hero))


def agent_after(drafts: Sequence[Draft], before: str | None) -> str | None:
    """Return who is assigned after `drafts`, given who was before them."""
    updates = [draft for draft in drafts if draft.type == ASSIGNEE_UPDATED]
    if not updates:
        return before
    agent_id: str | None = updates[-1].content["assignee"].get("agentId")
    return agent_id


def with_contexts(drafts: Sequence[Draft], first: dict[str, Any]) -> Iterator[Draft]:
    """Yield `drafts`, those of a contact or conversation with the assignee just before them.

    ```
    assigned      inbox |      agent 1      |   inbox
                        |                   |
    updates ------------x-------------------x--------------> recorded
    context       inbox | inbox    agent 1  | agent 1
                        at an update: the one before it
    ```

    Args:
        drafts: In the order in which they were recorded.
        first: The assignee before all of them.
    """
    known = [(0, first)]
    known += [(d.at, d.content["assignee"]) for d in drafts if d.type == ASSIGNEE_UPDATED]
    latest = 0
    for draft in drafts:
        while latest + 1 < len(known) and known[latest + 1][0] < draft.at:
            latest += 1
        if draft.type.startswith(_WITH_CONTEXT) and draft.type not in _WITHOUT_CONTEXT:
            context = {"assignee": known[latest][1]}
            yield draft._replace(content=draft.content | {"context": context})
        else:
            yield draft
