"""One seeded synthetic world: everything the sandbox's APIs show is read from here.

A world is never held in memory. It is arithmetic: which conversations begin on which day is known
beforehand, and each conversation is made anew, the same every time, when somebody looks at it.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson

from sandbox.changes import changed
from sandbox.conversation import Conversation, conversation_numbered
from sandbox.conversations import (
    FOLLOW_UP_LENGTH,
    LENGTHS,
    Entry,
    comes_back,
    first_day,
    items_from,
    second_day,
)
from sandbox.draw import Draw
from sandbox.organization import organization_of
from sandbox.people import LARGEST_CUSTOMER_COUNT, customer_id, customer_record
from sandbox.timestamps import MILLISECONDS_PER_DAY, start_of_day, to_milliseconds

Frequency = Literal["HOURLY", "DAILY"]

_OPENS_AT = 6 * 3_600_000
_OPEN_FOR = 14 * 3_600_000
# Milliseconds by which the beginnings of conversations miss an even spacing.
_STRIDE, _LONGEST_DELAY = 7919, 30_000
_REPEATED_EVERY = 100
_FEWEST_CUSTOMERS = 10
# The share of conversations that are a customer's first.
_CUSTOMERS_PER_CONVERSATION = (5, 8)
_ITEMS_WRITTEN_AT_ONCE = 2_000
_BENCHMARK_START = to_milliseconds(datetime(2024, 1, 1, tzinfo=UTC))
_BENCHMARK_PACE = 60_000


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """What makes one world differ from another.

    Attributes:
        seed: Another seed gives other people, texts and ids.
        items: Distinct conversation items over all days; repeated and hurt ones come on top.
        days: Days with activity; 0 for a world without exports.
        first_day: The first of these days, in UTC.
        frequency: Whether the export schedule makes a job a day or a job an hour.
        broken_days: Days, counted from 0, whose export carries lines that break the rules.
    """

    seed: int = 7
    items: int = 20_000
    days: int = 4
    first_day: date = date(2026, 3, 2)
    frequency: Frequency = "DAILY"
    broken_days: AbstractSet[int] = frozenset()


@dataclass(frozen=True, slots=True)
class DayPlan:
    """What happens on one day: who comes back, and which conversations begin."""

    start: int
    items: int
    comes_back: range
    begins: range


class Visit(NamedTuple):
    """What one conversation does on one day.

    Attributes:
        number: The conversation's number.
        chapter: 0 on the day it begins, 1 when the customer comes back the day after.
        entries: Its items of that day, oldest first; at least one.
    """

    number: int
    chapter: int
    entries: tuple[Entry, ...]


def _conversations_covering(items: int, first: int) -> int:
    number = first
    while items > 0:
        items -= LENGTHS[number % len(LENGTHS)]
        number += 1
    return number - first


def plan_days(items: int, days: int, first_day: date) -> list[DayPlan]:
    """Return the plan of each day; their `items` add up to `items` and differ by one at most."""
    plans: list[DayPlan] = []
    before = range(0)
    for day in range(days):
        quota = items * (day + 1) // days - items * day // days
        follow_ups = FOLLOW_UP_LENGTH * sum(map(comes_back, before))
        begun = _conversations_covering(quota - follow_ups, before.stop)
        begins = range(before.stop, before.stop + begun)
        start = to_milliseconds(start_of_day(first_day + timedelta(days=day)))
        plans.append(DayPlan(start, quota, before, begins))
        before = begins
    return plans


def _items_begun(plan: DayPlan, number: int) -> int:
    """Return how many items a conversation has on its first day; the day's last may be cut."""
    if number != plan.begins[-1]:
        return LENGTHS[number % len(LENGTHS)]
    follow_ups = FOLLOW_UP_LENGTH * sum(map(comes_back, plan.comes_back))
    others = sum(LENGTHS[other % len(LENGTHS)] for other in plan.begins[:-1])
    return plan.items - follow_ups - others


def _customer_count(conversations: int) -> int:
    share, whole = _CUSTOMERS_PER_CONVERSATION
    return min(max(_FEWEST_CUSTOMERS, conversations * share // whole), LARGEST_CUSTOMER_COUNT)


def _begins_at(day_start: int, numbers: range, index: int) -> int:
    scattered = numbers[index] * _STRIDE % _LONGEST_DELAY
    return day_start + _OPENS_AT + _OPEN_FOR * index // len(numbers) + scattered


class World:
    """The records of one organisation, each a pure function of the settings.

    Attributes:
        settings: What the world was made from.
        agents: All agents, as `agents.jsonl` shows them.
        topics: All topics, enabled and disabled, as `topics.jsonl` shows them.
        inboxes: All inboxes.
        customer_count: Customers are numbered from 0 to below this.
    """

    def __init__(self, settings: WorldSettings) -> None:
        organization = organization_of(settings.seed)
        self.settings = settings
        self.agents = organization.agents
        self.topics = organization.topics
        self.inboxes = organization.inboxes
        self._plans = plan_days(settings.items, settings.days, settings.first_day)
        conversations = self._plans[-1].begins.stop if self._plans else 0
        self.customer_count = _customer_count(conversations)

    def customer(self, number: int) -> dict[str, Any]:
        """Return the record of a customer as `customers.jsonl` shows it."""
        return customer_record(self.settings.seed, number)

    def customer_id(self, number: int) -> str:
        """Return the id of a customer."""
        return customer_id(self.settings.seed, number)

    def conversation(self, number: int) -> Conversation:
        """Return the standing facts of a conversation."""
        # the draw that its items are made with, too
        draw = Draw(self.settings.seed, 2 * number)
        return conversation_numbered(self.settings.seed, number, self.customer_count, draw)

    def begun_on(self, day: int) -> range:
        """Return the numbers of the conversations that begin on a day, counted from 0."""
        return self._plans[day].begins

    def first_visit(self, day: int, number: int) -> Visit:
        """Return the first day of a conversation that begins on `day`."""
        plan = self._plans[day]
        start = _begins_at(plan.start, plan.begins, number - plan.begins.start)
        entries = first_day(self.settings.seed, number, self.customer_count, start)
        return Visit(number, 0, tuple(islice(entries, _items_begun(plan, number))))

    def visits(self, day: int) -> Iterator[Visit]:
        """Yield what happens on a day, counted from 0: who comes back, then what begins."""
        plan = self._plans[day]
        left = plan.items
        for index, number in enumerate(plan.comes_back):
            if left and comes_back(number):
                start = _begins_at(plan.start, plan.comes_back, index)
                entries = second_day(self.settings.seed, number, self.customer_count, start)
                visit = Visit(number, 1, tuple(islice(entries, left)))
                left -= len(visit.entries)
                yield visit
        for number in plan.begins:
            yield self.first_visit(day, number)

    def entries(self, start: datetime, end: datetime) -> Iterator[Entry]:
        """Yield the items active from `start` to before `end`, conversation by conversation.

        An item is active when it happens. About one in a hundred is active again a day later,
        about half of these with other content.
        """
        first, last = to_milliseconds(start), to_milliseconds(end)
        for day, plan in enumerate(self._plans):
            if plan.start < last and plan.start + MILLISECONDS_PER_DAY > first:
                for entry in self._day(day):
                    if first <= entry.active_at < last:
                        yield entry

    def _day(self, day: int) -> Iterator[Entry]:
        if day > 0:
            yield from self._repeated(self._plans[day - 1])
        for visit in self.visits(day):
            yield from visit.entries

    def _repeated(self, plan: DayPlan) -> Iterator[Entry]:
        # The day's last conversation may have been cut short, so it is never repeated.
        for index in range(0, len(plan.begins) - 1, _REPEATED_EVERY):
            start = _begins_at(plan.start, plan.begins, index)
            number = plan.begins[index]
            changes = False
            for entry in first_day(self.settings.seed, number, self.customer_count, start):
                other = changed(entry.record)
                changes = changes if other is None else not changes
                record = other if changes and other is not None else entry.record
                yield Entry(entry.customer_number, entry.active_at + MILLISECONDS_PER_DAY, record)


def write_conversation_items(path: Path, items: int, seed: int, first_index: int = 0) -> int:
    """Write a `conversation_items.jsonl` of any size, about 1 KB a line, in constant memory.

    Item n is the same in every file of a seed, so a second file whose `first_index` lies before
    the end of the first one overlaps it.

    Args:
        path: The file to make or overwrite.
        items: How many lines to write.
        seed: Another seed gives other items.
        first_index: The number of the first item.

    Returns:
        The bytes written.
    """
    cycles, skipped = divmod(first_index, sum(LENGTHS))
    entries = items_from(
        seed, cycles * len(LENGTHS), LARGEST_CUSTOMER_COUNT, _BENCHMARK_START, _BENCHMARK_PACE
    )
    lines = (orjson.dumps(entry.record) for entry in islice(entries, skipped, skipped + items))
    return write_lines(path, lines)


def write_lines(path: Path, lines: Iterator[bytes]) -> int:
    """Write lines, each ended by a newline, holding 2,000 of them at a time; return the bytes."""
    written = 0
    with path.open("wb") as file:
        while batch := list(islice(lines, _ITEMS_WRITTEN_AT_ONCE)):
            written += file.write(b"\n".join(batch) + b"\n")
    return written
