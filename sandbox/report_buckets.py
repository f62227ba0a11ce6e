"""Time buckets: half hours, days, weeks, months and quarters of a time zone."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sandbox.reports import from_milliseconds
from sandbox.timestamps import to_milliseconds

HALF_HOURLY, DAILY = "halfHourly", "daily"
AGGREGATION_LEVELS = (HALF_HOURLY, DAILY, "weekly", "monthly", "quarterly")
_HALF_HOUR = timedelta(minutes=30)
_MONTHS = {"monthly": 1, "quarterly": 3}
_DAYS_LONGER_THAN = {DAILY: 1, "weekly": 7, "monthly": 31, "quarterly": 92}


def _first_day(day: date, level: str) -> date:
    if level == "weekly":
        return day - timedelta(days=day.weekday())
    if level in _MONTHS:
        month = (day.month - 1) // _MONTHS[level] * _MONTHS[level] + 1
        return day.replace(month=month, day=1)
    return day


class Buckets:
    """The buckets of one report.

    A bucket is named by its local beginning, without an offset. On the day the clocks go back two
    half hours have the same name and stay two buckets:

        UTC     08:00   08:30   09:00   09:30   10:00
                  |-------|-------|-------|-------|
        local   01:00   01:30   01:00   01:30   02:00
    """

    def __init__(self, timezone: ZoneInfo, level: str) -> None:
        self._timezone = timezone
        self._level = level
        self._starts: dict[int, int] = {}

    def start_of(self, at: int) -> int:
        """Return when the bucket of an instant begins, both in milliseconds since 1970."""
        # no zone's clocks change within a quarter of an hour
        quarter, _ = divmod(at, 900_000)
        start = self._starts.get(quarter)
        if start is None:
            start = self._starts[quarter] = self._computed_start(at)
        return start

    def _computed_start(self, at: int) -> int:
        local = from_milliseconds(at).astimezone(self._timezone)
        if self._level == HALF_HOURLY:
            into = timedelta(
                minutes=local.minute % 30, seconds=local.second, microseconds=local.microsecond
            )
            return at - into // timedelta(milliseconds=1)
        return self._midnight(_first_day(local.date(), self._level))

    def end_of(self, start: int) -> int:
        """Return when the bucket that begins at `start` ends, which is when the next begins."""
        local = from_milliseconds(start).astimezone(self._timezone)
        if self._level == HALF_HOURLY:
            return start + _HALF_HOUR // timedelta(milliseconds=1)
        inside_next = local.date() + timedelta(days=_DAYS_LONGER_THAN[self._level])
        return self._midnight(_first_day(inside_next, self._level))

    def name_of(self, start: int) -> str:
        """Return a bucket's name, for example 2026-03-02 09:30:00."""
        return f"{from_milliseconds(start).astimezone(self._timezone):%Y-%m-%d %H:%M:%S}"

    def parts(self, started_at: int, ended_at: int) -> Iterator[tuple[int, int]]:
        """Yield each bucket a span reaches into, and for how many milliseconds."""
        at = started_at
        while at < ended_at:
            start = self.start_of(at)
            until = min(self.end_of(start), ended_at)
            yield start, until - at
            at = until

    def _midnight(self, day: date) -> int:
        return to_milliseconds(datetime.combine(day, time(), self._timezone).astimezone(UTC))
