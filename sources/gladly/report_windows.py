"""Which days of a report to ask for. Pure arithmetic on days of the report's time zone.

A report restates: its past days change for a while, the day under way still grows, and it is an
hour or two behind. So a run asks for what it never read, for days that were not over when they
were read last, and for a trailing span, each day replacing what was there:

    read earlier     [==========================)~~)          ~~ a day that was not over then
    today                                                  |
    trailing span                        [-----------------]
    asked for                            [-----------------]     and any day before that is missing

After a pause, days that could still change when they were read last are read again as well:

    day         | day | +1  | +2  |        a trailing span of three days
    read last                [----->       for good from here on
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sources.gladly.reports import REPORT_DELAY, DaySpan
from sources.streams.windows import Window

# Twice the delay that Gladly names: by then a day's rows are taken for complete.
SETTLED_AFTER = 2 * REPORT_DELAY
_DAY = timedelta(days=1)
_MONTHS = {"monthly": 1, "quarterly": 3}
LONG_BUCKETS = frozenset({"weekly", *_MONTHS})


def days_to_read(
    read: Mapping[date, datetime],
    *,
    first_day: date,
    now: datetime,
    timezone: ZoneInfo,
    trailing_days: int,
) -> list[date]:
    """Return the days to ask for, oldest first.

    Args:
        read: The days that are loaded, and when each was asked for last.
        first_day: No day before it is asked for.
        now: Gladly's clock.
        timezone: That of the report's days.
        trailing_days: How many days, today among them, are asked for in any case: so long a day
            can change.
    """
    today = now.astimezone(timezone).date()
    return [
        day
        for day in _days(first_day, today)
        if day > today - trailing_days * _DAY
        or day not in read
        or not is_final(day, read[day], timezone, trailing_days)
    ]


def days_to_fill(
    read: Mapping[date, datetime], span: DaySpan, *, timezone: ZoneInfo, trailing_days: int
) -> list[date]:
    """Return the days of a span that are not loaded for good, oldest first; see `days_to_read`."""
    return [
        day
        for day in _days(*span)
        if day not in read or not is_final(day, read[day], timezone, trailing_days)
    ]


def is_final(day: date, read_at: datetime, timezone: ZoneInfo, trailing_days: int) -> bool:
    """Return whether a day was read after it could change for the last time."""
    last_change = day + (trailing_days - 1) * _DAY
    return read_at.astimezone(timezone).date() >= last_change and read_at >= settled_at(
        day, timezone
    )


def settled_at(day: date, timezone: ZoneInfo) -> datetime:
    """Return when a day is over and its rows have arrived, UTC."""
    return datetime.combine(day + _DAY, time(), timezone).astimezone(UTC) + SETTLED_AFTER


def periods_of(days: Iterable[date], aggregation_level: str) -> list[DaySpan]:
    """Return the whole weeks, months or quarters that days are in, in order.

    days     |    |    |  d |    |    |    |    |    |    | d  |
    weeks    [Monday to Sunday                 ][Monday to Sunday ...

    The figures of a longer bucket are no sums of those of its days, so it is asked for whole. Weeks
    begin on Monday.
    """
    return sorted({_period(day, aggregation_level) for day in days})


def _period(day: date, aggregation_level: str) -> DaySpan:
    if aggregation_level == "weekly":
        monday = day - day.weekday() * _DAY
        return DaySpan(monday, monday + 6 * _DAY)
    months = _MONTHS[aggregation_level]
    first_day = day.replace(month=(day.month - 1) // months * months + 1, day=1)
    years, month = divmod(first_day.month - 1 + months, 12)
    next_first_day = date(first_day.year + years, month + 1, 1)
    return DaySpan(first_day, next_first_day - _DAY)


def spans_of(days: Iterable[date], days_per_request: int) -> list[DaySpan]:
    """Return days as spans of neighbours, each of at most ``days_per_request``."""
    spans: list[DaySpan] = []
    for day in sorted(days):
        last = spans[-1] if spans else None
        length = (day - last.first_day) // _DAY + 1 if last else 0
        if last and last.last_day + _DAY == day and length <= days_per_request:
            spans[-1] = DaySpan(last.first_day, day)
        else:
            spans.append(DaySpan(day, day))
    return spans


def day_spans(window: Window, days_per_request: int) -> list[DaySpan]:
    """Return the UTC days a window touches, in spans of at most ``days_per_request``.

    window        [---------------------------)
    days   |  1st  |  2nd  |  3rd  |  4th  |  5th  |
    spans  [1st to 2nd     ][3rd to 4th    ][5th   ]      two days a request
    """
    if window.start >= window.end:
        return []
    # the end is not inside: at midnight it touches no new day
    last = window.end.astimezone(UTC) - timedelta.resolution
    return spans_of(_days(window.start.astimezone(UTC).date(), last.date()), days_per_request)


def days_of(span: DaySpan) -> list[date]:
    """Return the days of a span, in order."""
    return list(_days(*span))


def _days(first_day: date, last_day: date) -> Iterator[date]:
    while first_day <= last_day:
        yield first_day
        first_day += _DAY
