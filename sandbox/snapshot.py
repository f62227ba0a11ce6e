"""Conversations, customers and tasks as the API shows them at one instant."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sandbox.conversation_states import conversation_record, second_conversation_record
from sandbox.conversations import Entry
from sandbox.event_drafts import Draft
from sandbox.identities import Fates
from sandbox.profiles import (
    profile_record,
    second_address,
    second_profile_record,
)
from sandbox.task_states import comment_records, task_record
from sandbox.timelines import Timelines
from sandbox.transcripts import transcript_record

Record = dict[str, Any]


class _Found(NamedTuple):
    """An item and the number of its conversation."""

    number: int
    entry: Entry


def _is_task(entry: Entry) -> bool:
    return bool(entry.record["content"]["type"] == "TASK")


def _time(record: Record) -> str:
    return str(record["timestamp"])


class Snapshot:
    """One instant of the world, merges and deletions applied.

    What does not exist at that instant is None: not yet begun, unknown, merged into another, or a
    deleted customer's.

    Attributes:
        now: The instant, in milliseconds since 1970.
    """

    def __init__(self, timelines: Timelines, fates: Fates, now: int) -> None:
        self._timelines = timelines
        self._world = timelines.world
        self._fates = fates
        self.now = now

    def moved_to(self, customer_id: str) -> str | None:
        """Return the id a merged customer has now, or None if it was never merged."""
        survivor = self._fates.survivor(customer_id)
        return None if survivor == customer_id else survivor

    def customer(self, customer_id: str) -> Record | None:
        """Return a customer's profile."""
        if self._is_gone(customer_id):
            return None
        number = self._timelines.customer_numbers.get(customer_id)
        if number is not None:
            return self._profile(number)
        second = self._timelines.second_profiles.get(customer_id)
        if second is None or second.duplicate.created_at > self.now:
            return None
        name = self._world.customer(second.beside % self._world.customer_count).get("name")
        addresses = [second_address(second.duplicate), *self._merged_addresses(customer_id)]
        return second_profile_record(
            second.duplicate, name, self._merges_into(customer_id), addresses
        )

    def conversation(self, conversation_id: str) -> Record | None:
        """Return a conversation's status, assignee, topics and custom attributes."""
        if self._fates.surviving_conversation(conversation_id) != conversation_id:
            return None
        number = self._timelines.conversation_numbers.get(conversation_id)
        record = (
            self._second_conversation(conversation_id)
            if number is None
            else self._conversation(number)
        )
        return None if record is None or self._fates.is_deleted(record["customerId"]) else record

    def conversations_of(self, customer_id: str) -> list[Record] | None:
        """Return all conversations of a customer, oldest first."""
        if self.customer(customer_id) is None:
            return None
        found = map(self.conversation, self._conversation_ids(customer_id))
        return sorted(
            (one for one in found if one is not None), key=lambda record: record["createdAt"]
        )

    def items_of(self, conversation_id: str) -> list[Record] | None:
        """Return all items of a conversation, oldest first, those of merged ones among them."""
        if self.conversation(conversation_id) is None:
            return None
        merged = [
            one
            for one in self._fates.conversations
            if self._fates.surviving_conversation(one) == conversation_id
        ]
        numbers = map(self._timelines.conversation_numbers.get, (conversation_id, *merged))
        items = (
            self._shown(entry.record)
            for number in numbers
            if number is not None
            for entry in self._timelines.items(number, self.now)
        )
        return sorted(items, key=_time)

    def item(self, item_id: str) -> Record | None:
        """Return an item, in a conversation or not."""
        found = self._find(item_id)
        return None if found is None else self._shown(found.entry.record)

    def transcript(self, item_id: str) -> Record | None:
        """Return the transcript of a call or voicemail."""
        item = self.item(item_id)
        if item is None:
            return None
        return transcript_record(self._world.settings.seed, item, item["customerId"], self.now)

    def task(self, task_id: str) -> Record | None:
        """Return a task."""
        found = self._find_task(task_id)
        return None if found is None else self._task(found)

    def comments_of(self, task_id: str) -> list[Record] | None:
        """Return all comments of a task, oldest first."""
        found = self._find_task(task_id)
        return None if found is None else comment_records(task_id, self._events(found))

    def tasks_of(self, customer_id: str) -> list[Record] | None:
        """Return all tasks of a customer, newest first."""
        if self.customer(customer_id) is None:
            return None
        found = (
            _Found(number, entry)
            for number in self._numbers_of(customer_id)
            for entry in self._timelines.items(number, self.now)
            if _is_task(entry)
        )
        return sorted(map(self._task, found), key=_time, reverse=True)

    def _is_gone(self, customer_id: str) -> bool:
        return self.moved_to(customer_id) is not None or self._fates.is_deleted(customer_id)

    def _shown(self, record: Record) -> Record:
        """Return an item under the ids that it has after merges."""
        shown = record | {"customerId": self._fates.survivor(record["customerId"])}
        if "conversationId" in record:
            conversation_id = self._fates.surviving_conversation(record["conversationId"])
            shown["conversationId"] = conversation_id
        return shown

    def _find(self, item_id: str) -> _Found | None:
        number = self._timelines.conversation_of_item.get(item_id)
        if number is None:
            return None
        for entry in self._timelines.items(number, self.now):
            if entry.record["id"] == item_id:
                gone = self._fates.is_deleted(entry.record["customerId"])
                return None if gone else _Found(number, entry)
        return None

    def _find_task(self, task_id: str) -> _Found | None:
        found = self._find(task_id)
        return found if found is not None and _is_task(found.entry) else None

    def _events(self, found: _Found) -> list[Draft]:
        return self._timelines.events(found.number, self.now)

    def _task(self, found: _Found) -> Record:
        customer_id = self._fates.survivor(found.entry.record["customerId"])
        return task_record(found.entry, customer_id, self._events(found))

    def _conversation(self, number: int) -> Record | None:
        items = self._timelines.items(number, self.now)
        if not items or self._timelines.is_timeline_only(number):
            return None
        conversation = self._world.conversation(number)
        events = self._timelines.events(number, self.now)
        owner = self._fates.survivor(conversation.customer_id)
        return conversation_record(conversation, owner, items, events)

    def _second_conversation(self, conversation_id: str) -> Record | None:
        second = self._timelines.second_conversations.get(conversation_id)
        if second is None or second.duplicate.created_at > self.now:
            return None
        return second_conversation_record(
            conversation_id,
            self._fates.survivor(second.duplicate.customer_id),
            self._world.conversation(second.beside).inbox_id,
            second.duplicate.created_at,
        )

    def _numbers_of(self, customer_id: str) -> Iterator[int]:
        for one in (customer_id, *self._fates.taken_in_by(customer_id)):
            number = self._timelines.customer_numbers.get(one)
            if number is not None:
                yield from self._timelines.conversations_of(number)

    def _conversation_ids(self, customer_id: str) -> Iterator[str]:
        for number in self._numbers_of(customer_id):
            yield self._world.conversation(number).id
        for one in (customer_id, *self._fates.taken_in_by(customer_id)):
            second = self._timelines.second_profiles.get(one)
            if second is not None and second.duplicate.conversation_id is not None:
                yield second.duplicate.conversation_id

    def _profile(self, number: int) -> Record | None:
        created_at = self._timelines.began_at(number)
        if created_at > self.now:
            return None
        customer_id = self._world.customer_id(number)
        changed = [
            event.at
            for conversation in self._timelines.conversations_of(number)
            for event in self._timelines.events(conversation, self.now)
            if event.type == "CUSTOMER_PROFILE/UPDATED"
        ]
        return profile_record(
            self._world.customer(number),
            number,
            created_at,
            sorted([*changed, *self._merges_into(customer_id)]),
            self._merged_addresses(customer_id),
        )

    def _merges_into(self, customer_id: str) -> list[int]:
        merged_at = self._fates.merged_at.get(customer_id)
        return [] if merged_at is None else [merged_at]

    def _merged_addresses(self, customer_id: str) -> list[str]:
        addresses: list[str] = []
        for one in self._fates.taken_in_by(customer_id):
            second = self._timelines.second_profiles.get(one)
            number = self._timelines.customer_numbers.get(one)
            if second is not None:
                addresses.append(second_address(second.duplicate))
            if number is not None:
                addresses += self._world.customer(number)["emailAddresses"]
        return addresses


Snapshots = Callable[[], Snapshot]
"""Makes a snapshot of the sandbox clock's present."""
