"""A day's work of an agent: one shift of eight and a half hours, with all that happens in it."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sandbox.draw import Draw
from sandbox.event_drafts import IDLE_TIMER, Draft, agent, agent_ids
from sandbox.identifiers import identifier
from sandbox.timestamps import format_shortest

_FIRST_DRAW = 1 << 39
_MINUTE, _HOUR = 60_000, 3_600_000
_FIRST_SHIFT, _SHIFTS_APART, _SHIFT_HOURS = 330 * _MINUTE, 70 * _MINUTE, 8
_LOGS_OUT_AFTER = _SHIFT_HOURS * _HOUR + 30 * _MINUTE
_LOGGED_OUT_IDLE_EVERY, _IDLE = 5, 20 * _MINUTE
_SLOWLY_RECORDED = 0.1

_CHANNELS = (
    ["MAIL", "MESSAGING", "TASK", "VOICE"],
    ["MAIL", "MESSAGING"],
    ["VOICE"],
    ["MAIL", "TASK"],
)
# The first one is the default after a log-in and after a return.
_ACTIVE_REASONS = ("Ready (Default)", "Back office", "Mentoring")
_AWAY_REASONS = ("Lunch", "Coffee", "Training", "Arzttermin")


class _Shift(NamedTuple):
    """Whose shift it is, and its chance."""

    seed: int
    agent_id: str
    draw: Draw

    def reason(self, kind: str, names: tuple[str, ...], which: int) -> dict[str, Any]:
        return {"id": identifier(self.seed, kind, which), "name": names[which]}

    def recorded_at(self, occurred_at: int) -> int:
        if self.draw.chance(_SLOWLY_RECORDED):
            return occurred_at + self.draw.between(20_000, 180_000)
        return occurred_at + self.draw.between(100, 900)


def _status(shift: _Shift, recorded_at: int, name: str, occurred_at: int, **more: object) -> Draft:
    content = {"agentId": shift.agent_id, "occurredAt": format_shortest(occurred_at)} | more
    return Draft(recorded_at, f"AGENT_STATUS/{name}", agent(shift.agent_id), content)


def _available(shift: _Shift, recorded_at: int, occurred_at: int, channels: list[str]) -> Draft:
    content = {
        "agentId": shift.agent_id,
        "availableFor": channels,
        "occurredAt": format_shortest(occurred_at),
    }
    return Draft(recorded_at, "AGENT_AVAILABILITY/UPDATED", agent(shift.agent_id), content)


def _focus(shift: _Shift, recorded_at: int, name: str, channels: list[str]) -> Draft:
    content = {"agentId": shift.agent_id, "context": {"availableFor": channels}}
    return Draft(recorded_at, f"AGENT_AVAILABILITY/{name}", agent(shift.agent_id), content)


def _active_reason(shift: _Shift, which: int) -> dict[str, Any]:
    return shift.reason("active reason", _ACTIVE_REASONS, which)


def _logs_in(shift: _Shift, at: int, channels: list[str]) -> list[Draft]:
    recorded = shift.recorded_at(at)
    default = _active_reason(shift, 0)
    return [
        _status(shift, recorded, "LOGGED_IN", at, activeReason=default),
        _available(shift, recorded, at, channels),
    ]


def _logs_out(shift: _Shift, at: int) -> list[Draft]:
    recorded = shift.recorded_at(at)
    return [_status(shift, recorded, "LOGGED_OUT", at), _available(shift, recorded, at, [])]


def _changes_channels(shift: _Shift, at: int, channels: list[str]) -> list[Draft]:
    return [_available(shift, shift.recorded_at(at), at, channels)]


def _changes_reason(shift: _Shift, at: int, _: list[str]) -> list[Draft]:
    reason = _active_reason(shift, shift.draw.between(1, len(_ACTIVE_REASONS) - 1))
    recorded = shift.recorded_at(at)
    return [_status(shift, recorded, "CHANGED_ACTIVE_REASON", at, activeReason=reason)]


def _focuses(shift: _Shift, at: int, channels: list[str]) -> list[Draft]:
    until = at + shift.draw.between(5, 30) * _MINUTE
    return [
        _focus(shift, at, "FOCUS_ENTERED", channels),
        _focus(shift, until, "FOCUS_EXITED", channels),
    ]


def _goes_away(shift: _Shift, at: int, away: dict[str, Any]) -> list[Draft]:
    recorded = shift.recorded_at(at)
    return [
        _status(shift, recorded, "WENT_AWAY", at, **away),
        _available(shift, recorded, at, []),
    ]


def _by_idle_timer(drafts: list[Draft]) -> list[Draft]:
    return [draft._replace(initiator=IDLE_TIMER) for draft in drafts]


def _comes_back(
    shift: _Shift, away_at: int, channels: list[str], away: dict[str, Any]
) -> list[Draft]:
    at = away_at + shift.draw.between(10, 25) * _MINUTE
    recorded = shift.recorded_at(at)
    more = {"awayAt": format_shortest(away_at), "activeReason": _active_reason(shift, 0)} | away
    return [
        _status(shift, recorded, "RETURNED_FROM_AWAY", at, **more),
        _available(shift, recorded, at, channels),
    ]


def _takes_a_break(shift: _Shift, at: int, channels: list[str]) -> list[Draft]:
    which = shift.draw.between(0, len(_AWAY_REASONS) - 1)
    away = {"awayReason": shift.reason("away reason", _AWAY_REASONS, which)}
    return [*_goes_away(shift, at, away), *_comes_back(shift, at, channels, away)]


def _idles(shift: _Shift, at: int, channels: list[str]) -> list[Draft]:
    return [*_by_idle_timer(_goes_away(shift, at, {})), *_comes_back(shift, at, channels, {})]


_HOURS: tuple[Callable[[_Shift, int, list[str]], list[Draft]], ...] = (
    _changes_channels,
    _takes_a_break,
    _focuses,
    _changes_reason,
    _idles,
)


def shift_story(seed: int, day: int, day_start: int, number: int) -> Iterator[Draft]:
    """Yield the events of one agent's shift of one day, oldest first.

    ```
    hours     0         1         2        ...        8
              |---------|---------|---------|---------|----|
    shift     logged in   something happens each hour    logged out
              05:30 for the first agent, 70 minutes later for each next
    ```

    Going away and logging out make the agent available for nothing; coming back restores the
    channels. In every fifth shift the idle timer ends the shift: there is no return from that.

    Args:
        seed: The world's.
        day: The day's number, counted from 0.
        day_start: Its UTC midnight in milliseconds since 1970. Late shifts end after the next.
        number: The agent's place in the list of agents.
    """
    ids = agent_ids(seed)
    shift = _Shift(seed, ids[number], Draw(seed, _FIRST_DRAW + day * len(ids) + number))
    start = day_start + _FIRST_SHIFT + number * _SHIFTS_APART + shift.draw.between(0, 600_000)
    channels = _CHANNELS[(day + number) % len(_CHANNELS)]
    yield from _logs_in(shift, start, channels)
    for hour in range(1, _SHIFT_HOURS):
        happens = _HOURS[(day + number + hour) % len(_HOURS)]
        if happens is _changes_channels:
            channels = _CHANNELS[(day + number + hour) % len(_CHANNELS)]
        yield from happens(shift, start + hour * _HOUR + shift.draw.between(0, 900_000), channels)
    end = start + _LOGS_OUT_AFTER
    if (day + number) % _LOGGED_OUT_IDLE_EVERY == 0:
        yield from _by_idle_timer(_goes_away(shift, end - _IDLE, {}))
        yield from _by_idle_timer(_logs_out(shift, end))
    else:
        yield from _logs_out(shift, end)
