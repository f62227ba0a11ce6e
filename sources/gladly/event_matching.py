"""Which events of a timestamps report are known already, though reports name no event ids.

Two events are the same if their type and their recorded time agree, and all ids that both have.
They are counted: of n rows against m known events that agree, n - m are new. The time is compared
to the millisecond, or to the second if the report shows nothing finer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import product, starmap
from typing import Any, Final, NamedTuple

from sources.streams.csv_records import column_key
from sources.tables.timestamps import parse_timestamp

# Members of an event's content that tell which things it is about.
MATCHING_IDS: Final = (
    "agentId",
    "contactId",
    "conversationId",
    "customerId",
    "taskId",
    "topicId",
    "paymentRequestId",
    "sourceCustomerId",
    "destinationCustomerId",
)


class MatchingKey(NamedTuple):
    """What of an event is compared.

    Attributes:
        type: By the name of the Events API.
        recorded_at: UTC; None agrees with nothing.
        ids: In the order of ``MATCHING_IDS``; None where the event has none.
        shows_fraction: Whether the source shows fractions of a second.
    """

    type: str
    recorded_at: datetime | None
    ids: tuple[str | None, ...]
    shows_fraction: bool = True


class _Named(NamedTuple):
    name: str
    key: MatchingKey


# Which of the ids an event has, by their places in ``MATCHING_IDS``.
_Shape = frozenset[int]
_Compared = tuple[datetime | None, tuple[str | None, ...]]
_MILLISECOND: Final = 1000  # microseconds


def matching_key(event: Mapping[str, Any]) -> MatchingKey:
    """Return what of an event is compared: of the Events API, or made of a report's row."""
    content, report = event.get("content"), event.get("report")
    content = content if isinstance(content, Mapping) else {}
    report = report if isinstance(report, Mapping) else {}
    ids = (content.get(name) for name in MATCHING_IDS)
    recorded = event.get("timestamp")
    parsed = parse_timestamp(recorded) if isinstance(recorded, str) else None
    # a row's own text stands beside its event where it shows less, or more
    shown = [text for name, text in report.items() if column_key(name) == "timestamp"]
    return MatchingKey(
        str(event.get("type")),
        parsed.at if parsed else None,
        tuple(value if isinstance(value, str) and value else None for value in ids),
        shows_fraction=all("." in text for text in shown),
    )


def already_known(
    healed: Mapping[str, MatchingKey], known: Iterable[MatchingKey]
) -> frozenset[str]:
    """Return the ids of the healed events that a known event already is, each by another one.

    Where several could be left out, the order of their ids decides: never that of rows, which
    changes from one report to the next. Events that agree in more ids pair first.

    Args:
        healed: all events of one report near the known ones, by id.
        known: events of the Events API of the same time, or more.
    """
    is_fine = any(key.shows_fraction for key in healed.values())
    ours = _by_type_and_shape(starmap(_Named, sorted(healed.items())))
    theirs = _by_type_and_shape(_Named("", key) for key in sorted(known, key=_order))
    found = set[str]()
    for event_type in ours.keys() & theirs.keys():
        left, free = ours[event_type], theirs[event_type]
        for our_shape, their_shape in sorted(product(left, free), key=_agreement):
            both = sorted(our_shape & their_shape)
            paired, left[our_shape], free[their_shape] = _pair(
                left[our_shape], free[their_shape], both, is_fine=is_fine
            )
            found.update(event.name for event in paired)
    return frozenset(found)


def _order(key: MatchingKey) -> tuple[float, list[str]]:
    """Order known events by what they are, since they come in no order."""
    at = key.recorded_at.timestamp() if key.recorded_at else 0.0
    return at, [value or "" for value in key.ids]


def _by_type_and_shape(events: Iterable[_Named]) -> dict[str, dict[_Shape, list[_Named]]]:
    found: dict[str, dict[_Shape, list[_Named]]] = defaultdict(lambda: defaultdict(list))
    for event in events:
        if event.key.recorded_at is not None:
            shape = frozenset([place for place, value in enumerate(event.key.ids) if value])
            found[event.key.type][shape].append(event)
    return found


def _agreement(shapes: tuple[_Shape, _Shape]) -> tuple[int, list[int], list[int]]:
    our_shape, their_shape = shapes
    return -len(our_shape & their_shape), sorted(our_shape), sorted(their_shape)


def _pair(
    left: list[_Named], free: list[_Named], both: list[int], *, is_fine: bool
) -> tuple[list[_Named], list[_Named], list[_Named]]:
    """Pair events that agree; return those of ``left`` that found one, and who is over."""
    free_of = Counter(_compared(event.key, both, is_fine=is_fine) for event in free)
    paired, over, used = [], [], Counter[_Compared]()
    for event in left:
        compared = _compared(event.key, both, is_fine=is_fine)
        if used[compared] < free_of[compared]:
            used[compared] += 1
            paired.append(event)
        else:
            over.append(event)
    still_free = []
    for event in free:
        compared = _compared(event.key, both, is_fine=is_fine)
        if used[compared]:
            used[compared] -= 1
        else:
            still_free.append(event)
    return paired, over, still_free


def _compared(key: MatchingKey, places: list[int], *, is_fine: bool) -> _Compared:
    at = key.recorded_at
    if at is not None:
        microsecond = at.microsecond // _MILLISECOND * _MILLISECOND if is_fine else 0
        at = at.replace(microsecond=microsecond)
    return at, tuple(key.ids[place] for place in places)
