"""Conversations by id: their items and events up to an instant, made when somebody looks."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from functools import cached_property, lru_cache
from itertools import takewhile
from typing import NamedTuple

from sandbox.conversation import Channel, Conversation
from sandbox.conversations import FOLLOW_UP_LENGTH, LENGTHS, Entry, comes_back
from sandbox.event_conversations import Scene, conversation_story
from sandbox.event_drafts import Draft
from sandbox.event_identity import Duplicate, has_duplicates, identity_story
from sandbox.identifiers import identifier
from sandbox.timestamps import format_milliseconds, start_of_day
from sandbox.world import Visit, World

_FIRST_FOLLOW_UP_POSITION = 100
_FOLLOW_UP_POSITIONS = range(
    _FIRST_FOLLOW_UP_POSITION, _FIRST_FOLLOW_UP_POSITION + FOLLOW_UP_LENGTH
)


class SecondProfile(NamedTuple):
    """A customer's second profile, and the conversation of the world it came with."""

    duplicate: Duplicate
    beside: int


def _positions(number: int) -> Iterator[int]:
    yield from range(LENGTHS[number % len(LENGTHS)])
    if comes_back(number):
        yield from _FOLLOW_UP_POSITIONS


def _is_repeated(entry: Entry) -> bool:
    return bool(entry.record["timestamp"] != format_milliseconds(entry.active_at))


class Timelines:
    """Looks up what belongs to a conversation, customer or item of the world.

    Indexes hold ids and numbers only, never records; they are made when first needed.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._begins = [world.begun_on(day).start for day in range(world.settings.days)]
        # whole days, so that neighbours of a conversation cost nothing more
        self._follow_ups = lru_cache(maxsize=8)(self._follow_ups_on)
        self._later_versions = lru_cache(maxsize=8)(self._versions_repeated_on)

    @cached_property
    def conversation_count(self) -> int:
        """Conversations are numbered from 0 to below this."""
        days = self.world.settings.days
        return self.world.begun_on(days - 1).stop if days else 0

    @cached_property
    def conversation_numbers(self) -> Mapping[str, int]:
        """The number of each conversation by its id; items without one have none."""
        seed = self.world.settings.seed
        return {
            identifier(seed, "conversation", number): number
            for number in range(self.conversation_count)
        }

    @cached_property
    def customer_numbers(self) -> Mapping[str, int]:
        """The number of each customer by its id."""
        numbers = range(min(self.world.customer_count, self.conversation_count))
        return {self.world.customer_id(number): number for number in numbers}

    @cached_property
    def conversation_of_item(self) -> Mapping[str, int]:
        """The number of the conversation each item belongs to; some ids are of no item."""
        seed = self.world.settings.seed
        return {
            identifier(seed, "item", number, position): number
            for number in range(self.conversation_count)
            for position in _positions(number)
        }

    @cached_property
    def second_profiles(self) -> Mapping[str, SecondProfile]:
        """The customers with two profiles: each second one by its customer id."""
        return {one.duplicate.customer_id: one for one in self._second_profiles()}

    @cached_property
    def second_conversations(self) -> Mapping[str, SecondProfile]:
        """The second profiles that came with a conversation, by its id."""
        return {
            one.duplicate.conversation_id: one
            for one in self.second_profiles.values()
            if one.duplicate.conversation_id is not None
        }

    def conversations_of(self, customer_number: int) -> range:
        """Return the numbers of a customer's conversations, oldest first."""
        return range(customer_number, self.conversation_count, self.world.customer_count)

    def is_timeline_only(self, number: int) -> bool:
        """Return whether these items are a customer's only, and no conversation exists."""
        return self.world.conversation(number).channel is Channel.ACTIVITY

    def items(self, number: int, now: int) -> list[Entry]:
        """Return the items of a conversation by `now` (ms since 1970), each as it then stands."""
        day = self._day_of(number)
        entries = [entry for visit in self._visits(day, number) for entry in visit.entries]
        later = self._later_versions(day + 1)
        newest = (later.get(entry.record["id"], entry) for entry in entries)
        return [
            later_one if later_one.active_at <= now else entry
            for entry, later_one in zip(entries, newest, strict=True)
            if entry.active_at <= now
        ]

    def events(self, number: int, now: int) -> list[Draft]:
        """Return the events of a conversation recorded by `now`, in order."""
        drafts = (
            draft
            for scene in self._scenes(self._day_of(number), number)
            for draft in conversation_story(scene)
            if draft.at <= now
        )
        return sorted(drafts, key=lambda draft: draft.at)

    def began_at(self, number: int) -> int:
        """Return when a conversation begins, in milliseconds since 1970."""
        return self.world.first_visit(self._day_of(number), number).entries[0].active_at

    def _day_of(self, number: int) -> int:
        return bisect_right(self._begins, number) - 1

    def _visits(self, day: int, number: int) -> Iterator[Visit]:
        yield self.world.first_visit(day, number)
        follow_up = self._follow_ups(day + 1).get(number) if comes_back(number) else None
        if follow_up is not None:
            yield follow_up

    def _scenes(self, day: int, number: int) -> Iterator[Scene]:
        conversation = self.world.conversation(number)
        before = None
        for visit in self._visits(day, number):
            is_new = visit.chapter == 0 and number < self.world.customer_count
            yield Scene(conversation, visit, is_new, before)
            before = visit

    def _follow_ups_on(self, day: int) -> Mapping[int, Visit]:
        if day >= self.world.settings.days:
            return {}
        visits = takewhile(lambda visit: visit.chapter == 1, self.world.visits(day))
        return {visit.number: visit for visit in visits}

    def _versions_repeated_on(self, day: int) -> Mapping[str, Entry]:
        # exports carry these a day after they happened; a day's entries begin with them
        start = start_of_day(self.world.settings.first_day) + timedelta(days=day)
        entries: Iterable[Entry] = self.world.entries(start, start + timedelta(days=1))
        return {entry.record["id"]: entry for entry in takewhile(_is_repeated, entries)}

    def _second_profiles(self) -> Iterator[SecondProfile]:
        for day in range(self.world.settings.days):
            for number in filter(has_duplicates, self.world.begun_on(day)):
                conversation: Conversation = self.world.conversation(number)
                story = identity_story(conversation, self.world.first_visit(day, number))
                for duplicate in story.duplicates:
                    yield SecondProfile(duplicate, number)
