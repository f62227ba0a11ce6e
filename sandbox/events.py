"""The event stream of a world: what the Events API shows and the timestamps reports count."""

import heapq
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple

from sandbox.event_agents import shift_story
from sandbox.event_conversations import Scene, conversation_story
from sandbox.event_drafts import records_of
from sandbox.event_identity import (
    Deletion,
    IdentityStory,
    Merge,
    has_duplicates,
    identity_drafts,
    identity_story,
)
from sandbox.timestamps import (
    MILLISECONDS_PER_DAY,
    parse_instant,
    start_of_day,
    to_milliseconds,
)
from sandbox.world import Visit, World

_MICROSECOND = timedelta(microseconds=1)
_LONGEST_DELAY = 15_000
_USUAL_DELAY = 1_500
_LATE_EVERY = 6


class WorldEvent(NamedTuple):
    """One event of the stream.

    Attributes:
        recorded_at: When it was recorded, in milliseconds since 1970: its `timestamp`.
        visible_at: From when the Events API shows it, up to 15 seconds later.
        record: The event as a line of the Events API shows it; shared, so not to be changed.
    """

    recorded_at: int
    visible_at: int
    record: dict[str, Any]


def _delay(event_id: str) -> int:
    """Return how long the API keeps an event back: mostly little, so late ones are overtaken."""
    late, chance = divmod(int.from_bytes(event_id[:8].encode()), _LATE_EVERY)
    return late % ((_USUAL_DELAY if chance else _LONGEST_DELAY) + 1)


def _shown(recorded_at: int, record: dict[str, Any]) -> WorldEvent:
    return WorldEvent(recorded_at, recorded_at + _delay(record["id"]), record)


def _order(event: WorldEvent) -> tuple[int, str]:
    return event.recorded_at, str(event.record.get("id"))


def _recorded_at(record: dict[str, Any], visible_at: datetime | None) -> int:
    try:
        return to_milliseconds(parse_instant(record["timestamp"]))
    except (KeyError, TypeError, ValueError) as error:
        if visible_at is None:
            raise ValueError(
                f"The event {record.get('id')!r} has no timestamp that can be read, so it has no "
                "place in the stream. Give it a timestamp, or pass visible_at."
            ) from error
        return to_milliseconds(visible_at)


class EventStream:
    """All events of a world, each a pure function of its settings, and those a test added.

    ```
    a day's stories   |== day 1 ==:------|        |== until its midnight
                             |== day 2 ==:------| |-- tasks, late shifts, merges: less than a day on
    made and sorted   |  day 1   |  day 2   |
    ```

    One day is held in memory at a time. Thread-safe.

    Attributes:
        merges: What CUSTOMER/MERGED events tell of the world, by when they were recorded.
        deletions: Likewise for CUSTOMER_PROFILE/DELETED.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._start = to_milliseconds(start_of_day(world.settings.first_day))
        self._lock = Lock()
        self._added: list[WorldEvent] = []
        # an hourly reader asks for the same day again and again
        self._day: Callable[[int], list[WorldEvent]] = lru_cache(maxsize=2)(self._sorted_day)
        self._stories: Callable[[int], list[WorldEvent]] = lru_cache(maxsize=2)(self._stories_of)

    @property
    def revision(self) -> int:
        """How many events tests have added; what was read at another count may be out of date."""
        with self._lock:
            return len(self._added)

    @property
    def merges(self) -> list[Merge]:
        """Every merge of the world; those of added events are not among them."""
        return sorted(
            (merge for story in self._identity_stories() for merge in story.merges),
            key=lambda merge: merge.at,
        )

    @property
    def deletions(self) -> list[Deletion]:
        """Every deletion of the world, likewise."""
        return sorted(
            (deletion for story in self._identity_stories() for deletion in story.deletions),
            key=lambda deletion: deletion.at,
        )

    def events(self, start: datetime, end: datetime) -> Iterator[WorldEvent]:
        """Yield the events recorded from `start` to `end`, both inside, oldest first.

        Those of one millisecond come by id. Visible or not, all are there: filter `visible_at`.
        """
        first = to_milliseconds(start - _MICROSECOND) + 1
        last = to_milliseconds(end)
        with self._lock:
            added = [event for event in self._added if first <= event.recorded_at <= last]
        yield from heapq.merge(self._of_world(first, last), sorted(added, key=_order), key=_order)

    def add(self, record: dict[str, Any], visible_at: datetime | None = None) -> None:
        """Put a test's own event into the stream, whatever it looks like.

        Args:
            record: The event; it is recorded at its `timestamp`.
            visible_at: From when the API shows it, by default from its timestamp on. An event
                without a readable timestamp is recorded at this instant.

        Raises:
            ValueError: `record` has no readable timestamp and `visible_at` is not given.
        """
        recorded_at = _recorded_at(record, visible_at)
        shown_at = recorded_at if visible_at is None else to_milliseconds(visible_at)
        with self._lock:
            self._added.append(WorldEvent(recorded_at, shown_at, record))

    def _of_world(self, first: int, last: int) -> Iterator[WorldEvent]:
        from_day = max((first - self._start) // MILLISECONDS_PER_DAY, 0)
        # one more: the last day's stories reach into the day after
        to_day = min((last - self._start) // MILLISECONDS_PER_DAY, self._world.settings.days)
        for day in range(from_day, to_day + 1):
            for event in self._day(day):
                if first <= event.recorded_at <= last:
                    yield event

    def _sorted_day(self, day: int) -> list[WorldEvent]:
        start = self._start + day * MILLISECONDS_PER_DAY
        end = start + MILLISECONDS_PER_DAY
        begun = (one for one in (day - 1, day) if 0 <= one < self._world.settings.days)
        events = (event for one in begun for event in self._stories(one))
        return sorted((e for e in events if start <= e.recorded_at < end), key=_order)

    def _stories_of(self, day: int) -> list[WorldEvent]:
        return [_shown(at, record) for at, record in self._records_of(day)]

    def _records_of(self, day: int) -> Iterator[tuple[int, dict[str, Any]]]:
        world, seed = self._world, self._world.settings.seed
        for visit in world.visits(day):
            scene = self._scene(day, visit)
            yield from records_of(
                conversation_story(scene), seed, "event", visit.number, visit.chapter
            )
            if visit.chapter == 0:
                story = identity_story(scene.conversation, visit)
                drafts = identity_drafts(scene.conversation, story)
                yield from records_of(drafts, seed, "identity event", visit.number)
        day_start = self._start + day * MILLISECONDS_PER_DAY
        for number in range(len(world.agents)):
            shift = shift_story(seed, day, day_start, number)
            yield from records_of(shift, seed, "shift event", day, number)

    def _scene(self, day: int, visit: Visit) -> Scene:
        # customers take turns, so the first round of conversations is everybody's first
        is_new = visit.chapter == 0 and visit.number < self._world.customer_count
        before = self._world.first_visit(day - 1, visit.number) if visit.chapter else None
        return Scene(self._world.conversation(visit.number), visit, is_new, before)

    def _identity_stories(self) -> Iterator[IdentityStory]:
        for day in range(self._world.settings.days):
            for number in filter(has_duplicates, self._world.begun_on(day)):
                visit = self._world.first_visit(day, number)
                yield identity_story(self._world.conversation(number), visit)
