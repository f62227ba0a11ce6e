"""RFC 3339 timestamps to UTC microseconds, exactly, or not at all."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

# What the fast path takes as it stands: UTC, at most microseconds, a year every destination holds.
CANONICAL_PATTERN = r"^[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$"
_CANONICAL = re.compile(CANONICAL_PATTERN, re.ASCII)
_RFC3339 = re.compile(
    r"([1-9]\d{3})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:[0-5]\d)",
    re.ASCII,
)
_MICROSECOND_DIGITS = 6
_FIRST_YEAR = 1000


class ParsedTimestamp(NamedTuple):
    """An instant to the microsecond, and whether that is all the text said."""

    at: datetime
    exact: bool


def is_canonical(text: str) -> bool:
    """Return whether ``text`` has the form the fast path takes (the date may still not exist)."""
    return _CANONICAL.match(text) is not None


def parse_timestamp(text: str) -> ParsedTimestamp | None:
    """Return the instant of an RFC 3339 text in UTC, cut to microseconds, or None if it is none.

    Years are those of the canonical form, 1000 to 9999, before and after the offset is applied.

    ``exact`` is False where the text says more than the instant keeps: digits below a microsecond
    or an offset other than UTC. Callers then keep the text as well.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    *calendar, fraction, offset = match.groups()
    digits = fraction or ""
    microsecond = int(digits[:_MICROSECOND_DIGITS].ljust(_MICROSECOND_DIGITS, "0"))
    try:
        at = datetime(*map(int, calendar), microsecond, tzinfo=_zone(offset)).astimezone(UTC)  # type: ignore[arg-type,misc] # six integers, by the pattern
    except (ValueError, OverflowError):
        return None
    if at.year < _FIRST_YEAR:
        return None
    below = digits[_MICROSECOND_DIGITS:].strip("0")
    return ParsedTimestamp(at, exact=not below and offset in ("Z", "z", "+00:00", "-00:00"))


def format_timestamp(at: datetime) -> str:
    """Return the canonical text of an instant: UTC, microseconds, ``Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _zone(offset: str) -> timezone:
    if offset in ("Z", "z"):
        return UTC
    sign = -1 if offset.startswith("-") else 1
    return timezone(sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6])))
