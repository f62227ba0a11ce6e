"""Instants as Gladly writes them: RFC 3339 in UTC with a varying number of fraction digits."""

from datetime import UTC, date, datetime, time, timedelta

MILLISECONDS_PER_DAY = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MILLISECOND = timedelta(milliseconds=1)
_FEWEST_FRACTION_DIGITS = 2


def start_of_day(day: date) -> datetime:
    """Return the UTC midnight that begins `day`."""
    return datetime.combine(day, time(), tzinfo=UTC)


def to_milliseconds(instant: datetime) -> int:
    """Return whole milliseconds since 1970, rounded down."""
    return (instant - _EPOCH) // _MILLISECOND


def to_nanoseconds(instant: datetime) -> int:
    """Return nanoseconds since 1970; the last three digits are zero."""
    return duration_in_nanoseconds(instant - _EPOCH)


def duration_in_nanoseconds(duration: timedelta) -> int:
    """Return the length of `duration`; the last three digits are zero."""
    return duration // _MICROSECOND * 1000


def _whole_seconds(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def format_milliseconds(milliseconds: int) -> str:
    """Write an instant with exactly three fraction digits, as item timestamps have."""
    return f"{_whole_seconds(milliseconds // 1000)}.{milliseconds % 1000:03}Z"


def format_shortest(milliseconds: int) -> str:
    """Write an instant with two or three fraction digits, as the times of a call have."""
    text = format_milliseconds(milliseconds)
    return text[:-2] + "Z" if text.endswith("0Z") else text


def format_nanoseconds(nanoseconds: int) -> str:
    """Write an instant with two to nine fraction digits, as the times of an export job have."""
    seconds, fraction = divmod(nanoseconds, 10**9)
    digits = f"{fraction:09}".rstrip("0").ljust(_FEWEST_FRACTION_DIGITS, "0")
    return f"{_whole_seconds(seconds)}.{digits}Z"


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant; one without a zone is taken as UTC.

    Raises:
        ValueError: `text` is not ISO 8601.
    """
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
