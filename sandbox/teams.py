"""Teams and how they change: who moves, which is renamed, comes and goes."""

from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.identifiers import identifier
from sandbox.reference_history import Change, begins

_HOUR = 3_600_000
_TEAMS = (
    ("Returns", "Takes back what does not fit", slice(0, 5)),
    ("Voice", "Answers the telephone", slice(4, 8)),
    ("VIP & Größe", None, slice(8, 12)),
    ("Night Shift", "Works while others sleep", slice(0, 0)),
)
_HOLIDAY_HELP = len(_TEAMS)


def team_id(seed: int, number: int) -> str:
    """Return the id of the team with this number."""
    return identifier(seed, "team", number)


def _team(seed: int, number: int, agent_ids: Sequence[str]) -> dict[str, Any]:
    name, description, members = _TEAMS[number]
    record: dict[str, Any] = {"id": team_id(seed, number), "name": name}
    if description is not None:
        record["description"] = description
    return record | {"agentIds": list(agent_ids[members])}


def _moved(seed: int, at: int, agent_ids: Sequence[str]) -> Iterator[Change]:
    """Yield the move of one agent from the first team to the second."""
    returns, voice = (list(agent_ids[members]) for _, _, members in _TEAMS[:2])
    mover = returns.pop(1)
    yield Change(at, "teams", team_id(seed, 0), {"agentIds": returns})
    yield Change(at, "teams", team_id(seed, 1), {"agentIds": [*voice, mover]})


def team_changes(seed: int, start: int, agent_ids: Sequence[str]) -> Iterator[Change]:
    """Yield the life of all teams; the world begins at `start`, milliseconds since 1970.

    ```
    hours   0         12            33            48         57
    teams   four begin                            a fifth    the fourth ends
            |  agent 1 moves from   the second is
               the first to the     renamed
               second
    ```
    """
    for number in range(len(_TEAMS)):
        yield begins(start, "teams", _team(seed, number, agent_ids))
    yield from _moved(seed, start + 12 * _HOUR, agent_ids)
    renamed = {"name": "Voice & Callback", "description": None}
    yield Change(start + 33 * _HOUR, "teams", team_id(seed, 1), renamed)
    help_team = {
        "id": team_id(seed, _HOLIDAY_HELP),
        "name": "Holiday Help",
        "agentIds": list(agent_ids[:1]),
    }
    yield begins(start + 48 * _HOUR, "teams", help_team)
    yield Change(start + 57 * _HOUR, "teams", team_id(seed, 3), None)
