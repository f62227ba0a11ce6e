"""What things are called and who belongs where at present: reports of any date show today's."""

from collections.abc import Mapping
from typing import NamedTuple

from sandbox.directory import Directory
from sandbox.reference_history import ReferenceKind

_NAMED: tuple[ReferenceKind, ...] = ("agents", "inboxes", "topics", "answers")


class Team(NamedTuple):
    """A team as reports see it."""

    name: str
    agent_ids: frozenset[str]


class Present(NamedTuple):
    """The organisation's lists at present.

    Attributes:
        names: Names of agents, inboxes, topics and answers by id.
        emails: Addresses of agents by id.
        parents: The parents of topics that have one, by id.
        inboxes: Ids of inboxes.
        teams: Teams by id.
    """

    names: Mapping[str, str]
    emails: Mapping[str, str]
    parents: Mapping[str, str]
    inboxes: frozenset[str]
    teams: Mapping[str, Team]


def present_of(directory: Directory) -> Present:
    """Return the lists as they stand at the sandbox clock's present."""
    agents, topics = directory.records("agents"), directory.records("topics")
    return Present(
        names={
            record["id"]: str(record.get("name") or "")
            for kind in _NAMED
            for record in directory.records(kind)
        },
        emails={agent["id"]: str(agent.get("emailAddress") or "") for agent in agents},
        parents={topic["id"]: topic["parentId"] for topic in topics if topic.get("parentId")},
        inboxes=frozenset(inbox["id"] for inbox in directory.records("inboxes")),
        teams={
            team["id"]: Team(team["name"], frozenset(team.get("agentIds") or ()))
            for team in directory.records("teams")
        },
    )
