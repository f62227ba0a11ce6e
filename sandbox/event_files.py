"""Files of events of any size, for benchmarks."""

import heapq
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from sandbox.events import EventStream
from sandbox.timestamps import format_shortest, parse_instant, to_milliseconds
from sandbox.world import World, WorldSettings, write_lines

_DAY = date(2024, 1, 1)
_MIDNIGHT = datetime(2024, 1, 1, tzinfo=UTC)
# Copies lie up to half an hour apart, so the day that is copied ends half an hour early.
_LATEST = timedelta(hours=23, minutes=29, seconds=59)
_SPREAD, _STRIDE, _MILLISECONDS_A_DAY = 1_800_000, 65_537, 86_400_000
_MOST_ITEMS, _FEWEST_ITEMS = 4_000, 120
_CHARACTERS, _BYTES = 4, 3
_SCRAMBLE = 0x9E3779 | 1
_ID_LENGTH = 22
_ID_MARK, _TIME_MARK = "\ue000", "\ue001"
_AGENT_ID = "agentId"
_SHARED_IDS = frozenset({"inboxId", "topicId", "customAttributeId"})
_TIMES = frozenset({"timestamp", "occurredAt", "awayAt", "dueAt", "createdAt"})


class _Form(NamedTuple):
    """An event with blanks for the beginnings of its own ids and for its times."""

    recorded_at: int
    text: bytes
    times: tuple[int, ...]


def _blanked(value: Any, key: str, times: list[int], shared: frozenset[str]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {name: _blanked(part, name, times, shared) for name, part in value.items()}
    if not isinstance(value, str):
        return value
    if key in _TIMES:
        times.append(to_milliseconds(parse_instant(value)))
        return _TIME_MARK
    if key.endswith("Id") and key not in shared and len(value) == _ID_LENGTH:
        return _ID_MARK + value[_CHARACTERS:]
    return value


def _form(recorded_at: int, record: dict[str, Any], shared: frozenset[str]) -> _Form:
    times: list[int] = []
    blanked = _blanked(record, "", times, shared)
    blanked["id"] = _ID_MARK + record["id"][_CHARACTERS:]
    # customers are people of one copy, agents perhaps; automations serve all of them
    initiator = record["initiator"].get("id", "")
    is_shared = record["initiator"]["type"] == "AGENT" and _AGENT_ID in shared
    if len(initiator) == _ID_LENGTH and not is_shared:
        blanked["initiator"]["id"] = _ID_MARK + initiator[_CHARACTERS:]
    text = orjson.dumps(blanked).replace(b"%", b"%%").replace(_TIME_MARK.encode(), b"%b")
    return _Form(recorded_at, text, tuple(times))


def _forms(items: int, seed: int, shared: frozenset[str]) -> list[_Form]:
    world = World(WorldSettings(seed=seed, items=items, days=1, first_day=_DAY))
    events = EventStream(world).events(_MIDNIGHT, _MIDNIGHT + _LATEST)
    return [_form(event.recorded_at, event.record, shared) for event in events]


@lru_cache(maxsize=1 << 10)
def _written(milliseconds: int) -> bytes:
    return format_shortest(milliseconds).encode()


def _copy(forms: list[_Form], number: int, days_apart: int) -> Iterator[tuple[int, bytes]]:
    """Yield one copy of the day: its ids are its own, its times a little later, or days too."""
    scrambled = number * _SCRAMBLE % (1 << 8 * _BYTES)
    beginning = urlsafe_b64encode(scrambled.to_bytes(_BYTES))
    mark = _ID_MARK.encode()
    later = number * _STRIDE % _SPREAD + number * days_apart * _MILLISECONDS_A_DAY
    for form in forms:
        times = tuple(_written(time + later) for time in form.times)
        yield form.recorded_at + later, form.text.replace(mark, beginning) % times


def write_events(path: Path, count: int, seed: int, *, days_apart: int = 0, skip: int = 0) -> int:
    """Write a JSONL file of any number of events of one busy 24 hours, in constant memory.

    The day of a help desk of twelve agents is made once and copied as often as `count` asks for.
    Each copy has people, conversations and ids of its own and lies some minutes later, so mix and
    shapes are those of `EventStream` and every event has an id of its own. Copies that are days
    apart are the days of one help desk: its agents are the same.

    Args:
        path: The file to make or overwrite.
        count: How many events to write; they are ordered by timestamp.
        seed: Another seed gives other events.
        days_apart: How many days later each copy lies than the one before; 0 for the same day.
        skip: How many to leave out first: those that a file of before has.

    Returns:
        The bytes written.
    """
    until = skip + count
    shared = _SHARED_IDS | {_AGENT_ID} if days_apart else _SHARED_IDS
    forms = _forms(min(max(until // 2, _FEWEST_ITEMS), _MOST_ITEMS), seed, shared)
    copies = (_copy(forms, number, days_apart) for number in range(-(-until // len(forms))))
    lines = (line for _, line in islice(heapq.merge(*copies), skip, until))
    return write_lines(path, lines)
