"""Days and business hours in local time: declarations, and the arithmetic SQL cannot do alike.

Destinations differ in how they know time zones, so rows of days and hours are computed here, from
what their queries return; all other models join them and need no time zone. Until when anything is
loaded, which days and clocks end with, is a model too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from sources.http.errors import SettingsError
from sources.tables.declarations import Column, Kind
from transforms.declarations import STAGING, Check, Model, model_table

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = timedelta(days=1)
_LAST_MINUTE = "23:59"

Row = Sequence[Any]
Span = tuple[datetime, datetime]


class Hours(NamedTuple):
    """Opening hours of one configuration.

    Attributes:
        zone: Its time zone.
        is_primary: Whether it is the organisation's default.
        blocks: Start and stop of each block, as sent, by the weekday's name.
        exceptions: Where they begin and end, and their blocks, as JSON or None for closed.
    """

    zone: ZoneInfo
    is_primary: bool
    blocks: dict[str, list[tuple[str, str]]]
    exceptions: list[tuple[datetime, datetime, str | None]]


def zone_named(setting: str, name: str) -> ZoneInfo:
    """Return a time zone.

    Raises:
        SettingsError: there is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(
            f"{setting} is {name[:100]!r}, which is no time zone. Name one as "
            "America/Los_Angeles or UTC is named."
        ) from error


def days_between(first: datetime, last: datetime, zone: ZoneInfo) -> Iterator[Span]:
    """Yield start and end of each local day that holds an instant from ``first`` to ``last``.

    ```
    UTC          |-------------|-------------|
    local  |------- 24 h ------|--- 23 h ---|     clocks go forward on the second day
    ```
    """
    day = first.astimezone(zone).date()
    while (starts_at := _midnight(day, zone)) <= last:
        day += _DAY
        yield starts_at, _midnight(day, zone)


def local_day_rows(found: Sequence[Row], timezone: str) -> Iterator[Row]:
    """Yield rows of ``local_days`` from the first and last instant that are loaded."""
    zone = zone_named("timezone", timezone)
    for first, last in found:
        if first is None or last is None:
            continue
        for starts_at, ends_at in days_between(first, last, zone):
            day = starts_at.astimezone(zone).date()
            yield day, starts_at, ends_at, day.isoweekday()


def business_hour_rows(found: Sequence[Row], timezone: str) -> Iterator[Row]:
    """Yield rows of ``business_hour_spans`` from all configurations and the days that are loaded.

    Args:
        found: Rows of the model's query.
        timezone: Not used: each configuration has its own.
    """
    del timezone
    bounds = [(row[8], row[9]) for row in found if row[0] == "days" and row[8] and row[9]]
    for first, last in bounds:
        for identifier, hours in _configurations(found):
            spans = open_spans(hours, first - _DAY, last + _DAY)
            open_before = timedelta()
            for number, (opens_at, closes_at) in enumerate(spans, 1):
                yield (
                    identifier,
                    number,
                    opens_at,
                    closes_at,
                    hours.is_primary,
                    open_before // timedelta(microseconds=1),
                )
                open_before += closes_at - opens_at


def open_spans(hours: Hours, first: datetime, last: datetime) -> list[Span]:
    """Return when it is open, on every local day from ``first`` to ``last``, in order, merged.

    A block that stops at 23:59 lasts until midnight, since no block can say 24:00; one that does
    not stop after it starts lasts into the next day. An exception replaces the blocks while it
    lasts; one from midnight to midnight, as UTC says it, is that of whole local days.
    """
    spans: list[Span] = []
    cuts = [(_local(start, stop, hours.zone), blocks) for start, stop, blocks in hours.exceptions]
    for starts_at, ends_at in days_between(first, last, hours.zone):
        day = starts_at.astimezone(hours.zone).date()
        weekly = hours.blocks.get(_WEEKDAYS[day.weekday()], [])
        open_today = list(_blocks_of_day(day, weekly, hours.zone))
        for (cut_from, cut_to), blocks in cuts:
            if cut_from < ends_at and starts_at < cut_to:
                open_today = _outside(open_today, cut_from, cut_to)
                instead = _blocks_of_day(day, _exception_blocks(blocks), hours.zone)
                open_today += _inside(instead, cut_from, cut_to)
        spans += open_today
    return _merged(spans)


def _configurations(found: Sequence[Row]) -> list[tuple[str, Hours]]:
    blocks: dict[str, dict[str, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
    exceptions: dict[str, list[tuple[datetime, datetime, str | None]]] = defaultdict(list)
    for kind, identifier, _, _, weekday, start, stop, schedule, start_at, stop_at in found:
        if kind == "block" and start and stop:
            blocks[identifier][weekday].append((start, stop))
        if kind == "exception" and start_at and stop_at:
            exceptions[identifier].append((start_at, stop_at, schedule))
    named = sorted((row for row in found if row[0] == "hours" and row[2]), key=itemgetter(1))
    return [
        (
            identifier,
            Hours(
                zone_named(f"the time zone of business hours {identifier}", zone),
                bool(is_primary),
                blocks[identifier],
                sorted(exceptions[identifier], key=itemgetter(0, 1)),
            ),
        )
        for _, identifier, zone, is_primary, *_ in named
    ]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return when a local day begins; where clocks leave its midnight out, its first instant."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _local(start: datetime, stop: datetime, zone: ZoneInfo) -> Span:
    start, stop = start.astimezone(UTC), stop.astimezone(UTC)
    if start.time() == stop.time() == time():
        return _midnight(start.date(), zone), _midnight(stop.date(), zone)
    return start, stop


def _exception_blocks(blocks: str | None) -> list[tuple[str, str]]:
    parsed = orjson.loads(blocks) if blocks else []
    return [
        (block["start"], block["stop"])
        for block in parsed or []
        if isinstance(block, dict) and block.get("start") and block.get("stop")
    ]


def _blocks_of_day(day: date, blocks: Iterable[tuple[str, str]], zone: ZoneInfo) -> Iterator[Span]:
    for start, stop in blocks:
        opens = _wall_clock(start)
        closes = _DAY if stop == _LAST_MINUTE else _wall_clock(stop)
        if opens is None or closes is None:
            continue
        if closes <= opens:
            closes += _DAY
        opens_at, closes_at = _at(day, opens, zone), _at(day, closes, zone)
        if opens_at < closes_at:
            yield opens_at, closes_at


def _wall_clock(text: str) -> timedelta | None:
    hours, _, minutes = text.partition(":")
    if not (hours.isdecimal() and minutes.isdecimal()):
        return None
    return timedelta(hours=int(hours), minutes=int(minutes))


def _at(day: date, offset: timedelta, zone: ZoneInfo) -> datetime:
    """Return when the clocks of a zone show a time of day, counted from a day's midnight."""
    wall = datetime.combine(day, time()) + offset
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _outside(spans: Iterable[Span], cut_from: datetime, cut_to: datetime) -> list[Span]:
    parts = [
        part
        for start, end in spans
        for part in ((start, min(end, cut_from)), (max(start, cut_to), end))
    ]
    return [(start, end) for start, end in parts if start < end]


def _inside(spans: Iterable[Span], cut_from: datetime, cut_to: datetime) -> list[Span]:
    parts = [(max(start, cut_from), min(end, cut_to)) for start, end in spans]
    return [(start, end) for start, end in parts if start < end]


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


LOCAL_DAYS = Model(
    STAGING,
    model_table(
        "local_days",
        "Days of the time zone that models count in (setting timezone), as instants.",
        Column("local_date", Kind.DATE, "The day.", nullable=False),
        Column("starts_at", Kind.TIMESTAMP, "Its first instant.", nullable=False),
        Column("ends_at", Kind.TIMESTAMP, "The first instant after it.", nullable=False),
        Column("weekday", Kind.INTEGER, "1 for Monday to 7 for Sunday.", nullable=False),
        key=("local_date",),
    ),
    reads=(
        "conversation_items",
        "contact_events",
        "conversation_events",
        "agent_status_events",
        "work_session_events",
    ),
    checks=(
        Check(
            "each day begins when the one before it ends",
            "SELECT following.local_date, following.starts_at FROM local_days AS day "
            "INNER JOIN local_days AS following ON following.local_date > day.local_date "
            "AND following.starts_at < day.ends_at",
        ),
    ),
    make=local_day_rows,
)

BUSINESS_HOUR_SPANS = Model(
    STAGING,
    model_table(
        "business_hour_spans",
        "When the organisation is open, by configuration of business hours.",
        Column("business_hours_id", Kind.TEXT, "The configuration.", nullable=False),
        Column("span_number", Kind.INTEGER, "Its open spans, in order, from 1.", nullable=False),
        Column("opens_at", Kind.TIMESTAMP, "When it opens.", nullable=False),
        Column("closes_at", Kind.TIMESTAMP, "When it closes.", nullable=False),
        Column(
            "is_primary",
            Kind.BOOLEAN,
            "Whether the configuration is the organisation's default.",
            nullable=False,
        ),
        Column(
            "open_microseconds_before",
            Kind.INTEGER,
            "How long it was open in the spans before: the business-hours clock at opens_at.",
            nullable=False,
        ),
        key=("business_hours_id", "span_number"),
    ),
    reads=(
        "business_hours",
        "business_hours_blocks",
        "business_hours_exceptions",
        "local_days",
    ),
    checks=(
        Check(
            "each span closes after it opens",
            "SELECT business_hours_id, opens_at, closes_at FROM business_hour_spans "
            "WHERE closes_at <= opens_at",
        ),
    ),
    make=business_hour_rows,
)

LOADED_UNTIL = Model(
    STAGING,
    model_table(
        "loaded_until",
        "The newest instant that each table of what happens tells of.",
        Column("table_name", Kind.TEXT, "The table.", nullable=False),
        Column("until_at", Kind.TIMESTAMP, "The instant; null where it is empty."),
        key=("table_name",),
    ),
    reads=(
        "conversation_items",
        "contact_events",
        "conversation_events",
        "agent_status_events",
        "agent_availability_events",
        "task_events",
        "tasks",
    ),
)

CALENDAR_MODELS = (LOADED_UNTIL, LOCAL_DAYS, BUSINESS_HOUR_SPANS)
