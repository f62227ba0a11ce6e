"""Customers with two profiles: how the second one comes, and how it is merged or deleted.

The second profiles are no customers of the world and have no items: exports never show them.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sandbox.conversation import Channel, Conversation
from sandbox.draw import Draw
from sandbox.event_drafts import Draft, agent, between
from sandbox.event_routing import assignee
from sandbox.identifiers import identifier
from sandbox.world import Visit

_FIRST_DRAW = 3 << 37
_TWICE_EVERY, _TWICE_REMAINDER = 10, 1
_HOUR = 3_600_000


class Duplicate(NamedTuple):
    """A second profile of a customer.

    Attributes:
        customer_id: Its own customer id.
        created_at: Milliseconds since 1970.
        conversation_id: The conversation that began with it, if any.
    """

    customer_id: str
    created_at: int
    conversation_id: str | None


class Merge(NamedTuple):
    """One profile going up in another (CUSTOMER/MERGED).

    Attributes:
        source: The customer id that is gone afterwards.
        destination: The customer id that remains.
        at: When it was recorded, in milliseconds since 1970.
        source_conversation: The open conversation that is gone afterwards; only when both had one.
        destination_conversation: The open conversation that remains; likewise.
    """

    source: str
    destination: str
    at: int
    source_conversation: str | None
    destination_conversation: str | None


class Deletion(NamedTuple):
    """A profile's end (CUSTOMER_PROFILE/DELETED); `at` in milliseconds since 1970."""

    customer_id: str
    at: int


class IdentityStory(NamedTuple):
    """The second profiles of one customer.

    Attributes:
        duplicates: Oldest first.
        merges: In order; a later one's source may be an earlier one's destination.
        deletions: Profiles deleted instead.
        sends_empty_ids: Whether ids of conversations that do not apply are sent as empty text
            rather than left out.
    """

    duplicates: tuple[Duplicate, ...] = ()
    merges: tuple[Merge, ...] = ()
    deletions: tuple[Deletion, ...] = ()
    sends_empty_ids: bool = False


class _Case(NamedTuple):
    conversation: Conversation
    visit: Visit
    draw: Draw

    def duplicate(self, which: int, created_at: int, *, is_open: bool = False) -> Duplicate:
        seed, number = self.conversation.seed, self.conversation.number
        conversation_id = identifier(seed, "duplicate conversation", number, which)
        customer_id = identifier(seed, "duplicate customer", number, which)
        return Duplicate(customer_id, created_at, conversation_id if is_open else None)

    def into_customer(self, duplicate: Duplicate, at: int) -> Merge:
        ours = None if duplicate.conversation_id is None else self.conversation.id
        source, destination = duplicate.customer_id, self.conversation.customer_id
        return Merge(source, destination, at, duplicate.conversation_id, ours)

    def while_open(self, share: float) -> int:
        """Return an instant between the first two items: the conversation is surely open."""
        first, second = self.visit.entries[:2]
        return between(first.active_at, second.active_at, share)

    def hours_later(self, fewest: int, most: int) -> int:
        return self.visit.entries[0].active_at + self.draw.between(fewest * _HOUR, most * _HOUR)


def _chained(one: Duplicate, other: Duplicate, at: int) -> Merge:
    return Merge(other.customer_id, one.customer_id, at, other.conversation_id, one.conversation_id)


def _both_open(case: _Case) -> IdentityStory:
    duplicate = case.duplicate(1, case.while_open(0.2), is_open=True)
    return IdentityStory((duplicate,), (case.into_customer(duplicate, case.while_open(0.6)),))


def _merged_later(case: _Case) -> IdentityStory:
    duplicate = case.duplicate(1, case.hours_later(0, 1))
    merge = case.into_customer(duplicate, case.hours_later(2, 20))
    return IdentityStory((duplicate,), (merge,), sends_empty_ids=True)


def _chain(case: _Case) -> IdentityStory:
    one, other = (case.duplicate(which, case.hours_later(0, 1)) for which in (1, 2))
    merges = (
        _chained(one, other, case.hours_later(2, 8)),
        case.into_customer(one, case.hours_later(9, 20)),
    )
    return IdentityStory((one, other), merges)


def _deleted(case: _Case) -> IdentityStory:
    duplicate = case.duplicate(1, case.hours_later(0, 1))
    return IdentityStory(
        (duplicate,), deletions=(Deletion(duplicate.customer_id, case.hours_later(2, 20)),)
    )


def _chain_of_open(case: _Case) -> IdentityStory:
    one = case.duplicate(1, case.while_open(0.1), is_open=True)
    other = case.duplicate(2, case.while_open(0.3), is_open=True)
    merges = (
        _chained(one, other, case.while_open(0.5)),
        case.into_customer(one, case.while_open(0.7)),
    )
    return IdentityStory((one, other), merges)


_STORIES: tuple[Callable[[_Case], IdentityStory], ...] = (
    _both_open,
    _merged_later,
    _chain,
    _deleted,
    _chain_of_open,
)
_NEED_A_CONVERSATION = frozenset({_both_open, _chain_of_open})
_FEWEST_ITEMS = 3


def has_duplicates(number: int) -> bool:
    """Return whether the customer of this conversation gets a second profile meanwhile."""
    return number % _TWICE_EVERY == _TWICE_REMAINDER


def identity_story(conversation: Conversation, visit: Visit) -> IdentityStory:
    """Return what becomes of the second profiles of a customer, given a conversation's first day.

    Every tenth conversation has some: one or two, merged while both sides have an open
    conversation, merged hours later, or deleted. It all takes at most 20 hours.
    """
    if not has_duplicates(visit.number):
        return IdentityStory()
    story = _STORIES[visit.number // _TWICE_EVERY % len(_STORIES)]
    is_open = conversation.channel is not Channel.ACTIVITY and len(visit.entries) >= _FEWEST_ITEMS
    if story in _NEED_A_CONVERSATION and not is_open:
        story = _merged_later
    draw = Draw(conversation.seed, _FIRST_DRAW + visit.number)
    return story(_Case(conversation, visit, draw))


def _created(duplicate: Duplicate, inbox_id: str) -> Iterator[Draft]:
    by = {"id": duplicate.customer_id, "type": "CUSTOMER"}
    content: dict[str, Any] = {"customerId": duplicate.customer_id}
    yield Draft(duplicate.created_at, "CUSTOMER_PROFILE/CREATED", by, content)
    if duplicate.conversation_id is not None:
        content = content | {
            "conversationId": duplicate.conversation_id,
            "context": {"assignee": assignee(inbox_id)},
        }
        yield Draft(duplicate.created_at, "CONVERSATION/CREATED", by, content)


def _merged(merge: Merge, by: dict[str, Any], *, sends_empty_ids: bool) -> Draft:
    content = {"destinationCustomerId": merge.destination, "sourceCustomerId": merge.source}
    if merge.source_conversation is not None and merge.destination_conversation is not None:
        content["destinationConversationId"] = merge.destination_conversation
        content["sourceConversationId"] = merge.source_conversation
    elif sends_empty_ids:
        content |= {"destinationConversationId": "", "sourceConversationId": ""}
    return Draft(merge.at, "CUSTOMER/MERGED", by, content)


def identity_drafts(conversation: Conversation, story: IdentityStory) -> Iterator[Draft]:
    """Yield the events of a customer's second profiles."""
    by = agent(conversation.agent_id)
    for duplicate in story.duplicates:
        yield from _created(duplicate, conversation.inbox_id)
    for merge in story.merges:
        yield _merged(merge, by, sends_empty_ids=story.sends_empty_ids)
    for deletion in story.deletions:
        content = {"customerId": deletion.customer_id}
        yield Draft(deletion.at, "CUSTOMER_PROFILE/DELETED", by, content)
