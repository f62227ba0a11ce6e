"""The cells of a report as values: exactly, or the text is kept as well.

Source: Gladly API reference, Generate a Report; formats as observed in saved reports. Nothing is
guessed: thousands separators, currency signs and other words make no number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import orjson

from sources.gladly.report_columns import CellKind
from sources.tables.decimals import parse_decimal
from sources.tables.numbers import parse_number
from sources.tables.structure import INTEGER_MAX, INTEGER_MIN
from sources.tables.timestamps import parse_timestamp

_SECONDS_PER_MINUTE: Final = 60
_CACHED: Final = 65_536

_INTEGER = re.compile(r"(-?(?:0|[1-9]\d{0,18}))(?:\.0+)?", re.ASCII)
_DECIMAL = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_DATE = re.compile(r"[1-9]\d{3}-\d\d-\d\d", re.ASCII)
_TIMESTAMP = re.compile(
    r"([1-9]\d{3}-\d\d-\d\d)"
    r"(?:[Tt ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,30}))?(?: ?(Z|z|UTC|[+-]\d\d:?\d\d))?)?",
    re.ASCII,
)
_MICROSECOND_DIGITS: Final = 6
_FIRST_YEAR: Final = 1000
_BOOLEANS: Final = {"true": True, "yes": True, "y": True, "false": False, "no": False, "n": False}


class Value(NamedTuple):
    """What a column takes, and whether that is all the cell says: else its text is kept too."""

    value: Any
    is_exact: bool = True


class Moment(NamedTuple):
    """What a cell says of a time.

    Args:
        at: the instant, UTC; the earlier one where the local time came twice.
        second: the later one of the two; else the same.
        day: the day in the time zone of the report.
        is_exact: ``at``, with that time zone, is all the cell says.
    """

    at: datetime
    second: datetime
    day: date
    is_exact: bool


def nulls_of(kind: CellKind) -> Collection[str]:
    """Return the cells that say that there is nothing: empty, or a word that stands for it.

    Gladly help, Contact Export, writes Null; the API reference of work sessions NULL, which in a
    text may be a text.
    """
    return ("", "Null") if kind is CellKind.TEXT else ("", "Null", "NULL", "null")


def read_text(cell: str) -> Value | None:
    """Read a text; U+0000 is in none, as several destinations cannot hold it."""
    return None if "\0" in cell else Value(cell)


@lru_cache(maxsize=_CACHED)
def read_integer(cell: str) -> Value | None:
    """Read an integer of 64 bits; ``7.0`` is one, ``007`` is not."""
    match = _INTEGER.fullmatch(cell)
    value = int(match[1]) if match else None
    return Value(value) if value is not None and INTEGER_MIN <= value <= INTEGER_MAX else None


def read_number(cell: str) -> Value | None:
    """Read a number as a double."""
    return _number(cell, 1)


def read_minutes(cell: str) -> Value | None:
    """Read a number of minutes as seconds."""
    return _number(cell, _SECONDS_PER_MINUTE)


def read_decimal(cell: str) -> Value | None:
    """Read a decimal of at most 9 digits after the point, such as an amount of money."""
    text = parse_decimal(cell) if _DECIMAL.fullmatch(cell) else None
    return None if text is None else Value(Decimal(text))


def read_boolean(cell: str) -> Value | None:
    """Read true or false, Yes or No, Y or N, in any case."""
    value = _BOOLEANS.get(cell.lower())
    return None if value is None else Value(value)


def read_date(cell: str) -> Value | None:
    """Read a date as its text, if there is such a day."""
    return None if day_of(cell) is None else Value(cell)


@lru_cache(maxsize=_CACHED)
def read_list(cell: str) -> Value | None:
    """Read names between commas as a JSON list.

    Reports do not escape a comma inside a name, so that such a name becomes two. Joined again the
    list is what was sent, whether or not a space followed the commas; else the text is kept too.
    """
    names = [name.strip() for name in cell.split(",")]
    is_exact = cell in (", ".join(names), ",".join(names))
    return None if "\0" in cell else Value(orjson.dumps(names).decode(), is_exact)


def read_bracketed_list(cell: str) -> Value | None:
    """Read ``[MAIL, VOICE]`` as a JSON list; ``[ ]`` is an empty one."""
    if not (cell.startswith("[") and cell.endswith("]")):
        return None
    inner = cell[1:-1]
    return Value("[]") if inner in ("", " ") else read_list(inner)


@lru_cache(maxsize=_CACHED)
def day_of(cell: str) -> date | None:
    """Return the day that a date is, or None if the cell is none."""
    if _DATE.fullmatch(cell) is None:
        return None
    try:
        return date.fromisoformat(cell)
    except ValueError:
        return None


@lru_cache(maxsize=_CACHED)
def zone_of(cell: str) -> ZoneInfo | None:
    """Return the time zone that a cell names, or None if there is none of that name."""
    return ZoneInfo(cell) if cell in available_timezones() else None


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins in a time zone, UTC; where midnight comes twice, the first."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


@lru_cache(maxsize=_CACHED)
def read_moment(cell: str, zone: ZoneInfo) -> Moment | None:
    """Read a time with an offset, or without one as local to ``zone``, or a date as its start.

    Not exact are a date, a fraction below a microsecond, an offset that is neither UTC nor that of
    the time zone, and a local time that a change of the clock made come twice or not at all.
    """
    match = _TIMESTAMP.fullmatch(cell)
    if match is None:
        return None
    day, minute, second, fraction, offset = match.groups()
    time = f"{minute or '00:00'}{second or ':00'}"
    digits = fraction or ""
    try:
        if offset is not None:
            return _absolute_moment(f"{day}T{time}", digits, offset, zone)
        moment = _local_moment(f"{day}T{time}", digits, zone)
    except (ValueError, OverflowError):
        return None
    if moment.at.year < _FIRST_YEAR:
        return None
    return moment._replace(is_exact=moment.is_exact and minute is not None)


READERS: Final[Mapping[CellKind, Callable[[str], Value | None]]] = {
    CellKind.TEXT: read_text,
    CellKind.ID: read_text,
    CellKind.INTEGER: read_integer,
    CellKind.NUMBER: read_number,
    CellKind.DECIMAL: read_decimal,
    CellKind.BOOLEAN: read_boolean,
    CellKind.DATE: read_date,
    CellKind.LIST: read_list,
    CellKind.BRACKETED_LIST: read_bracketed_list,
}


def _number(cell: str, factor: int) -> Value | None:
    parsed = parse_number(cell, factor)
    return None if parsed is None else Value(parsed.value, parsed.exact)


def _local_moment(text: str, digits: str, zone: ZoneInfo) -> Moment:
    microsecond = int(digits[:_MICROSECOND_DIGITS].ljust(_MICROSECOND_DIGITS, "0"))
    local = datetime.fromisoformat(text).replace(microsecond=microsecond, tzinfo=zone)
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    # where the clock was put forward the second reading comes out earlier: no such time was shown
    is_single = first == second
    is_whole = not digits[_MICROSECOND_DIGITS:].strip("0")
    return Moment(first, max(first, second), local.date(), is_exact=is_single and is_whole)


def _absolute_moment(text: str, digits: str, offset: str, zone: ZoneInfo) -> Moment | None:
    if offset in ("UTC", "z"):
        offset = "Z"
    elif offset != "Z" and ":" not in offset:
        offset = f"{offset[:3]}:{offset[3:]}"
    fraction = f".{digits}" if digits else ""
    parsed = parse_timestamp(f"{text}{fraction}{offset}")
    if parsed is None:
        return None
    local = parsed.at.astimezone(zone)
    is_told = parsed.exact or _is_of_zone(text, digits, offset, local)
    return Moment(parsed.at, parsed.at, local.date(), is_exact=is_told)


def _is_of_zone(text: str, digits: str, offset: str, local: datetime) -> bool:
    """Return whether the offset is the time zone's own, so that the zone says it again."""
    shown = local.isoformat(timespec="seconds")
    return f"{text}{offset}" == shown and not digits[_MICROSECOND_DIGITS:].strip("0")
