"""Which ids became others and which are gone, at any instant."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple

from sandbox.event_identity import Deletion, Merge
from sandbox.events import EventStream
from sandbox.timestamps import parse_instant, to_milliseconds


class Fates(NamedTuple):
    """What has become of ids by one instant.

    Attributes:
        customers: The id each merged customer id leads to next.
        conversations: Likewise for merged conversations.
        deleted: Deleted customer ids.
        merged_at: When a customer last took in another, in milliseconds since 1970.
    """

    customers: Mapping[str, str]
    conversations: Mapping[str, str]
    deleted: frozenset[str]
    merged_at: Mapping[str, int]

    def survivor(self, customer_id: str) -> str:
        """Return the id that a customer id stands for, often itself."""
        return _path(self.customers, customer_id)[-1]

    def surviving_conversation(self, conversation_id: str) -> str:
        """Return the id that a conversation id stands for, often itself."""
        return _path(self.conversations, conversation_id)[-1]

    def is_deleted(self, customer_id: str) -> bool:
        """Return whether the customer, or the one it was merged into, was deleted."""
        return not self.deleted.isdisjoint(_path(self.customers, customer_id))

    def taken_in_by(self, customer_id: str) -> list[str]:
        """Return the customer ids that stand for this one now."""
        return [one for one in self.customers if self.survivor(one) == customer_id]


def _path(successors: Mapping[str, str], start: str) -> list[str]:
    path = [start]
    while path[-1] in successors:
        path.append(successors[path[-1]])
    return path


def successors_of(merges: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the id each merged id leads to next, given sources and destinations in order.

    No id leads back to itself: what something is merged into exists, so if it had gone up in the
    source before, that is forgotten.
    """
    successors: dict[str, str] = {}
    for source, destination in merges:
        if source == destination:
            continue
        if source in _path(successors, destination):
            del successors[destination]
        successors[source] = destination
    return successors


def _fates(merges: Iterable[Merge], deletions: Iterable[Deletion], now: int) -> Fates:
    past = sorted((one for one in merges if one.at <= now), key=lambda merge: merge.at)
    conversations = (
        (one.source_conversation, one.destination_conversation)
        for one in past
        if one.source_conversation and one.destination_conversation
    )
    return Fates(
        customers=successors_of((one.source, one.destination) for one in past),
        conversations=successors_of((source, target) for source, target in conversations),
        deleted=frozenset(one.customer_id for one in deletions if one.at <= now),
        merged_at={one.destination: one.at for one in past},
    )


def _text(content: object, name: str) -> str | None:
    value = content.get(name) if isinstance(content, dict) else None
    return value if isinstance(value, str) and value else None


def _merge_told_by(content: object, at: int) -> Merge | None:
    source = _text(content, "sourceCustomerId")
    destination = _text(content, "destinationCustomerId")
    if source is None or destination is None:
        return None
    conversation = _text(content, "sourceConversationId")
    return Merge(source, destination, at, conversation, _text(content, "destinationConversationId"))


class Identities:
    """The merges and deletions of the world's events and of those a test added. Thread-safe.

    An added event counts from its `timestamp` on; one that names no customer changes nothing.
    """

    def __init__(self, events: EventStream) -> None:
        self._lock = Lock()
        self._merges: list[Merge] = []
        self._deletions: list[Deletion] = []
        self._of_world = lru_cache(maxsize=1)(lambda: (events.merges, events.deletions))

    def learn(self, record: Mapping[str, Any], visible_at: datetime | None = None) -> None:
        """Take an added event into account if it merges or deletes a customer.

        Args:
            record: The event.
            visible_at: When it counts if it has no readable timestamp.
        """
        if record.get("type") == "CUSTOMER/MERGED":
            merge = _merge_told_by(record.get("content"), _counts_from(record, visible_at))
            if merge is not None:
                with self._lock:
                    self._merges.append(merge)
        elif record.get("type") == "CUSTOMER_PROFILE/DELETED":
            customer_id = _text(record.get("content"), "customerId")
            if customer_id is not None:
                with self._lock:
                    self._deletions.append(Deletion(customer_id, _counts_from(record, visible_at)))

    def at(self, now: int) -> Fates:
        """Return what has become of all ids by `now`, milliseconds since 1970."""
        with self._lock:
            merges, deletions = self._of_world()
            return _fates([*merges, *self._merges], [*deletions, *self._deletions], now)


def _counts_from(record: Mapping[str, Any], visible_at: datetime | None) -> int:
    try:
        return to_milliseconds(parse_instant(record["timestamp"]))
    except (KeyError, TypeError, ValueError):
        if visible_at is None:
            raise
        return to_milliseconds(visible_at)
