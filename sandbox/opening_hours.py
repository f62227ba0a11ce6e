"""Business hours: weekly blocks by day, and exceptions."""

from collections.abc import Iterator
from typing import Any

from sandbox.identifiers import identifier
from sandbox.reference_history import Change, begins
from sandbox.timestamps import format_milliseconds

_HOUR = 3_600_000
_YEAR = 365 * 24 * _HOUR
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
_EXCEPTION_ADDED_AFTER = 30 * _HOUR
_HOLIDAY = {
    "name": "New Year's Day",
    "start": "2026-01-01T00:00:00Z",
    "stop": "2026-01-02T00:00:00Z",
}
_SHORT_DAY = {
    "name": "Stocktaking",
    "start": "2026-03-31T00:00:00Z",
    "stop": "2026-04-01T00:00:00Z",
    "scheduleBlocks": [{"start": "09:00", "stop": "11:30"}, {"start": "15:00", "stop": "17:00"}],
}


def _block(start: str, stop: str) -> dict[str, str]:
    return {"start": start, "stop": stop}


def _primary_hours(exceptions: list[dict[str, Any]]) -> dict[str, Any]:
    days: dict[str, Any] = {day: [_block("09:00", "17:00")] for day in _WEEKDAYS}
    # one digit for the hour is allowed, and a day may have several blocks
    days["saturday"] = [_block("9:30", "12:00"), _block("13:00", "15:00")]
    return {"timezone": "America/Los_Angeles", **days, "sunday": [], "exceptions": exceptions}


def _configuration(
    seed: int, number: int, name: str, created_at: int, hours: dict[str, Any]
) -> dict[str, Any]:
    return {
        "id": f"bh_{identifier(seed, 'business hours', number)}",
        "version": 1,
        "createdAt": format_milliseconds(created_at),
        "updatedAt": format_milliseconds(created_at),
        "name": name,
        "primary": number == 0,
        "officeHours": hours,
    }


def business_hours_changes(seed: int, start: int) -> Iterator[Change]:
    """Yield three configurations and the exception that the first one gets on the second day.

    One has several blocks a day, one is round the clock in another timezone, one never opens and
    names no day. The world begins at `start`, milliseconds since 1970.
    """
    created = start - _YEAR
    round_the_clock = {day: [_block("00:00", "23:59")] for day in (*_WEEKDAYS, "saturday")}
    configurations = (
        _configuration(seed, 0, "Default Hours", created, _primary_hours([_HOLIDAY])),
        _configuration(
            seed, 1, "Zürich", created, {"timezone": "Europe/Zurich", **round_the_clock}
        ),
        _configuration(seed, 2, "Closed", created, {"timezone": "UTC"}),
    )
    for record in configurations:
        yield begins(start, "business-hours", record)
    at = start + _EXCEPTION_ADDED_AFTER
    changed = {
        "version": 2,
        "updatedAt": format_milliseconds(at),
        "officeHours": _primary_hours([_HOLIDAY, _SHORT_DAY]),
    }
    yield Change(at, "business-hours", configurations[0]["id"], changed)
