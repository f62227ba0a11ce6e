"""What agents, teams, topics and inboxes were called and belonged to, and from when to when.

Gladly's API and its reports show today's names and teams, also for old dates. The lists that runs
read, one after the other, tell what held in between:

    lists            A         A         B                   B
    versions         [---- A ------------)                   [------ B ...
                                         [------ B ---)      again in the list
                                                      not in a list

A version holds from the list that first showed it (``valid_from``, included) to the list that no
longer did (``valid_to``, not included; null while it holds). Before the first list nothing is
known. Export files, which hold agents and topics too, have no part in it: what is not in them may
still be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sources.gladly.declarations import AGENT, TOPIC
from sources.gladly.reference_types import INBOX, TEAM
from sources.tables.declarations import (
    EXTRACTED_AT,
    LINEAGE,
    VERSION,
    Column,
    Kind,
    Record,
    TableSchema,
    root_key_name,
    table_schemas,
)

VALID_FROM, VALID_TO = "valid_from", "valid_to"

Row = Mapping[str, Any]
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class History:
    """One table of versions.

    Attributes:
        table: the versions, keyed by the columns of ``key`` and ``valid_from``.
        source: the table whose rows the lists bring.
        key: column here -> column there, of what tells one thing from another.
        values: the same, of what a version is made of.
    """

    table: TableSchema
    source: str
    key: Mapping[str, str]
    values: Mapping[str, str]

    def key_of(self, version: Row) -> Key:
        """Return which thing a version is one of."""
        return tuple(version[name] for name in self.key)

    def values_of(self, version: Row) -> tuple[Any, ...]:
        """Return what a version says of it."""
        return tuple(version[name] for name in self.values)

    def version_of(self, row: Row, at: datetime) -> dict[str, Any]:
        """Return the version that a row of the source shows, as it begins."""
        columns = {**self.key, **self.values, **{column.name: column.name for column in LINEAGE}}
        return {mine: row[its] for mine, its in columns.items()} | {
            VALID_FROM: at,
            VALID_TO: None,
            EXTRACTED_AT: at,
        }


def next_versions(
    history: History, current: Iterable[Row], listed: Iterable[Row], at: datetime, *, is_whole: bool
) -> list[dict[str, Any]]:
    """Return the versions that a list begins, and those that it ends.

    A list that changes nothing returns nothing.

    Args:
        history: The table of versions.
        current: Its versions that hold, all of them.
        listed: The rows that the list brought to the source.
        at: When it was read; later than all lists before it.
        is_whole: Whether what is not in the list is gone.
    """
    holding = {history.key_of(version): dict(version) for version in current}
    shown = (history.version_of(row, at) for row in listed)
    begun = {
        history.key_of(version): version for version in shown if None not in history.key_of(version)
    }
    changed = [
        version
        for key, version in begun.items()
        if key not in holding or history.values_of(holding[key]) != history.values_of(version)
    ]
    ended = [
        version | {VALID_TO: at, EXTRACTED_AT: at}
        for key, version in holding.items()
        if (key not in begun and is_whole)
        or (key in begun and history.values_of(begun[key]) != history.values_of(version))
    ]
    return [*ended, *changed]


def _history(
    table: str, description: str, key: Mapping[str, str], source: TableSchema, *values: str
) -> History:
    columns = source.columns_by_name
    schema = TableSchema(
        table,
        (
            *(
                Column(mine, Kind.TEXT, columns[its].description, nullable=False)
                for mine, its in key.items()
            ),
            Column(
                VALID_FROM,
                Kind.TIMESTAMP,
                "When a list first showed this version.",
                nullable=False,
            ),
            Column(
                VALID_TO,
                Kind.TIMESTAMP,
                "When a list first no longer did; null while it holds.",
            ),
            *(columns[name] for name in values),
            *LINEAGE,
        ),
        key=(*key, VALID_FROM),
        description=description,
        version=VERSION,
    )
    return History(schema, source.name, key, {name: name for name in values})


def _of_record(record: Record, table: str, description: str) -> History:
    values = [leaf.name for leaf in record.fields[1:]]
    key = {root_key_name(record): record.key}
    return _history(table, description, key, table_schemas(record)[0], *values)


_ENTRIES = table_schemas(TEAM)[1]

AGENT_HISTORY = _of_record(AGENT, "agent_history", "What agents were called, and when.")
TEAM_HISTORY = _of_record(TEAM, "team_history", "What teams were called, and when.")
TEAM_AGENT_HISTORY = _history(
    "team_agent_history",
    "Which agents were in which team, and when.",
    {"team_id": "team_id", "agent_id": "agent_id"},
    _ENTRIES,
)
TOPIC_HISTORY = _of_record(
    TOPIC, "topic_history", "What topics were called and nested under, and when."
)
INBOX_HISTORY = _of_record(
    INBOX, "inbox_history", "What inboxes were called and whether they were in use, and when."
)

# list -> its tables of versions; the first one is about the elements of the list themselves
HISTORIES: dict[str, tuple[History, ...]] = {
    AGENT.table: (AGENT_HISTORY,),
    TEAM.table: (TEAM_HISTORY, TEAM_AGENT_HISTORY),
    TOPIC.table: (TOPIC_HISTORY,),
    INBOX.table: (INBOX_HISTORY,),
}
HISTORY_TABLES: tuple[TableSchema, ...] = tuple(
    history.table for histories in HISTORIES.values() for history in histories
)
