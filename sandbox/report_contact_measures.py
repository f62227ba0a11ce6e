"""What summaries and exports measure of a contact; durations in milliseconds."""

from collections.abc import Callable

from sandbox.report_cells import between
from sandbox.report_contacts import CALL, Contact
from sandbox.timestamps import MILLISECONDS_PER_DAY

_OPENS_AT, _CLOSES_AT = 8 * 3_600_000, 20 * 3_600_000


def is_inbound(contact: Contact) -> bool:
    """Return whether it came from outside."""
    return contact.is_inbound


def is_outbound(contact: Contact) -> bool:
    """Return whether the organisation began it."""
    return not contact.is_inbound


def is_fulfilled(contact: Contact) -> bool:
    """Return whether its service level clock has stopped, by a response or otherwise."""
    return contact.fulfilled_at is not None


def is_before_due(contact: Contact) -> bool:
    """Return whether it was fulfilled in time; False where nothing is due."""
    return lateness(contact) is not None and not is_late(contact)


def is_late(contact: Contact) -> bool:
    """Return whether it was fulfilled too late; False where nothing is due."""
    return (lateness(contact) or 0) > 0


def is_accepted_before_due(contact: Contact) -> bool:
    """Return whether an agent took it before it was due."""
    accepted_at, due_at = contact.accepted_at, contact.due_at
    return accepted_at is not None and due_at is not None and accepted_at <= due_at


def is_response(contact: Contact) -> bool:
    """Return whether it was a response that fulfilled it."""
    return contact.fulfilled_type == "RESPONDED"


def is_abandoned_within(milliseconds: int) -> Callable[[Contact], bool]:
    """Return whether the customer gave up within so many milliseconds."""
    return lambda contact: contact.is_abandoned and (life(contact) or 0) <= milliseconds


def business_time(contact: Contact) -> int | None:
    """Return the wait for fulfilment between 08:00 and 20:00 UTC of each day."""
    if contact.fulfilled_at is None:
        return None
    waited, day = 0, contact.queued_at // MILLISECONDS_PER_DAY * MILLISECONDS_PER_DAY
    while day < contact.fulfilled_at:
        opens, closes = max(day + _OPENS_AT, contact.queued_at), day + _CLOSES_AT
        waited += max(min(closes, contact.fulfilled_at) - opens, 0)
        day += MILLISECONDS_PER_DAY
    return waited


def customer_answered_at(contact: Contact) -> int | None:
    """Return when the customer picked up, for calls to customers."""
    return contact.fulfilled_at if contact.channel == CALL and not contact.is_inbound else None


def total_handle(contact: Contact) -> int | None:
    """Return handle time and after-contact time together, None until both are known."""
    if contact.handle is None or contact.after_contact is None:
        return None
    return contact.handle + contact.after_contact


def messages(contact: Contact) -> int:
    """Return how many messages it has."""
    return sum(contact.messages.values())


def messages_of(writer: str) -> Callable[[Contact], int]:
    """Return what counts one kind of writer's messages."""
    return lambda contact: contact.messages.get(writer, 0)


def times(event: str) -> Callable[[Contact], int]:
    """Return what counts one kind of event."""
    return lambda contact: contact.times.get(event, 0)


def held(reason: str | None) -> Callable[[Contact], int]:
    """Return what tells how long the caller was held, for any reason or for one."""
    return lambda contact: contact.hold_time(reason)


def was_held(reason: str) -> Callable[[Contact], bool]:
    """Return what tells whether the caller was held for a reason."""
    return lambda contact: contact.hold_time(reason) > 0


wait = between(lambda c: c.queued_at, lambda c: c.fulfilled_at)
wait_for_accept = between(lambda c: c.queued_at, lambda c: c.accepted_at)
life = between(lambda c: c.queued_at, lambda c: c.ended_at)
answering = between(lambda c: c.accepted_at, lambda c: c.fulfilled_at)
lateness = between(lambda c: c.due_at, lambda c: c.fulfilled_at)
finishing = between(lambda c: c.fulfilled_at, lambda c: c.ended_at)
target = between(lambda c: c.queued_at, lambda c: c.due_at)


def only_if(
    predicate: Callable[[Contact], bool], value: Callable[[Contact], float | None]
) -> Callable[[Contact], float | None]:
    """Return a value that only some contacts have."""
    return lambda contact: value(contact) if predicate(contact) else None
