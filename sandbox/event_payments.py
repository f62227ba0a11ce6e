"""Payment requests: an agent asks for money, the customer looks, and pays or not."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from sandbox.conversation import Conversation
from sandbox.draw import Draw
from sandbox.event_contacts import CALL, Contact
from sandbox.event_drafts import ROUTING, Draft, agent, between
from sandbox.identifiers import identifier

_REQUESTED_EVERY = 23
_CURRENCIES = ("USD", "EUR", "JPY")
# Each way a request can go, first to last status.
_COURSES = (
    ("REQUESTING", "SUBMITTED", "COMPLETED"),
    ("REQUESTING", "SUBMITTED", "DECLINED"),
    ("REQUESTING", "SUBMITTED", "ERROR"),
    ("REQUESTING", "TIMED_OUT"),
)


def _amount(draw: Draw) -> dict[str, Any]:
    currency, cents = draw.pick(_CURRENCIES), draw.between(100, 40_000)
    return {"currency": currency, "monetaryUnit": cents if currency == "JPY" else cents / 100}


def _agents_messages(contacts: Sequence[Contact]) -> Iterator[tuple[Contact, int]]:
    for contact in contacts:
        for entry in contact.entries:
            if contact.channel != CALL and entry.record["initiator"]["type"] == "AGENT":
                yield contact, entry.active_at


def payment_story(
    conversation: Conversation, contacts: Sequence[Contact], draw: Draw
) -> Iterator[Draft]:
    """Yield the payment request of every 23rd conversation, sent with an agent's first message."""
    asked = next(_agents_messages(contacts), None)
    if conversation.number % _REQUESTED_EVERY or asked is None:
        return
    contact, asked_at = asked
    content = {
        "contactId": contact.id,
        "customerId": conversation.customer_id,
        "conversationId": conversation.id,
        "paymentRequestId": identifier(conversation.seed, "payment request", conversation.number),
        "context": _amount(draw),
    }
    yield Draft(asked_at, "PAYMENT_REQUEST/CREATED", agent(conversation.agent_id), content)
    viewed_at = between(asked_at, contact.ended_at, 0.2)
    yield Draft(viewed_at, "PAYMENT_REQUEST/VIEWED", conversation.customer, content)
    course = draw.pick(_COURSES)
    for place, (old, new) in enumerate(pairwise(course)):
        by = conversation.customer if new == "SUBMITTED" else ROUTING
        change = content | {"oldStatus": old, "newStatus": new}
        changed_at = between(asked_at, contact.ended_at, 0.4 + 0.2 * place)
        yield Draft(changed_at, "PAYMENT_REQUEST/STATUS_CHANGED", by, change)
