"""Redactions: Gladly empties an item's text but keeps the item, and no event says so.

A later version of an item that has no text where an earlier one had some is a redaction, and so is
a recording that a later version calls deleted. One row of ``redacted_items`` an item and column
says that the text was once emptied. It stays whatever comes later, also if text comes back; the
time is that of the version by which it was first noticed.

Source: Gladly API reference, operation ``redactContent`` and the schemas of phone calls and
voicemails.

    stored     sms a "text"                  stored     sms a "text"
    package    sms a ""                      package    sms a ""      sms a ""
    noticed    between stored and staged     noticed    the first of both, within the package

A destination that appends keeps the stored version and the new one side by side and is not asked
for the stored one: there, only what one package shows is noticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipelines.merge import Names, Statement, Stored, is_later, same_key
from sources.gladly.declarations import CONTENT_TYPES
from sources.gladly.identity import REDACTED_ITEMS
from sources.tables.declarations import (
    EXTRA,
    EXTRACTED_AT,
    FILE,
    JOB_ID,
    LINE,
    Field,
    Kind,
    TableSchema,
)
from sources.tables.parquet import TableFile
from sources.tables.versions import Origin, Watched, emptied_values

# what a redaction leaves in a column that says so itself; it takes away what people wrote
_MARKS = {"recording_status": "DELETED", "recording_summary_status": "REDACTED"}


def watched_columns() -> Iterator[Watched]:
    """Yield the columns of all content types that a redaction can empty."""
    for record in CONTENT_TYPES.values():
        for leaf in record.fields:
            if leaf.name in _MARKS or leaf.kind is Kind.PROSE:
                yield Watched(record.table, leaf.name, _member(leaf), _MARKS.get(leaf.name, ""))


def _member(leaf: Field) -> str:
    return leaf.path.rpartition(".")[2]


WATCHED: tuple[Watched, ...] = tuple(watched_columns())


def redacted_rows(tables: Mapping[str, TableFile], losers: set[Origin]) -> list[dict[str, Any]]:
    """Return the rows of ``redacted_items`` that the versions within one package show.

    Args:
        tables: The tables of the package, by name, superseded rows included.
        losers: The lines whose version lost within the package.
    """
    if not losers:
        return []
    return [
        {
            "item_id": emptied.key,
            "part": emptied.part,
            "redacted_at": emptied.origin.extracted_at,
            EXTRACTED_AT: emptied.origin.extracted_at,
            JOB_ID: emptied.origin.job_id,
            FILE: emptied.origin.file,
            LINE: emptied.origin.line,
        }
        for name, columns in _by_table(WATCHED).items()
        if name in tables
        for emptied in emptied_values(tables[name], columns, losers)
    ]


def forget_known_statement(names: Names) -> Statement:
    """Return the statement that takes redactions out of staging that are recorded already."""
    same = same_key(REDACTED_ITEMS.key, REDACTED_ITEMS.key, names, left="d", right="s")
    return Statement(
        f"DELETE FROM {names.staged(REDACTED_ITEMS.name)} AS s WHERE EXISTS ("
        f"SELECT 1 FROM {names.final(REDACTED_ITEMS.name)} AS d WHERE {same})"
    )


def notice_statements(
    tables: Iterable[TableSchema], stored: Stored, names: Names, *, late: bool = False
) -> list[Statement]:
    """Return the statements that record what differs between stored and staged versions.

    Args:
        tables: Tables that have staged rows.
        stored: Where the stored versions are.
        names: How the destination writes names.
        late: Compare the staged rows that come late, which are then the ones with the text, with
            the stored ones; else those that come in time, once the late ones are gone.
    """
    by_name = {table.name: table for table in tables}
    return [
        _notice(by_name[watched.table], watched, stored, names, late=late)
        for watched in WATCHED
        if watched.table in by_name
    ]


def _notice(
    table: TableSchema, watched: Watched, stored: Stored, names: Names, *, late: bool
) -> Statement:
    filled, empty = ("s", "d") if late else ("d", "s")
    columns = [column.name for column in REDACTED_ITEMS.columns]
    (item,) = table.key
    lineage = (EXTRACTED_AT, EXTRACTED_AT, JOB_ID, FILE, LINE)
    selected = [f"{empty}.{names.column(name)}" for name in (item, *lineage)]
    selected.insert(1, f"'{watched.part}'")
    is_known = (
        f"EXISTS (SELECT 1 FROM {names.final(REDACTED_ITEMS.name)} AS r WHERE "
        f"r.{names.column('item_id')} = s.{names.column(item)} "
        f"AND r.{names.column('part')} = '{watched.part}')"
    )
    holds = stored.holds(names)
    conditions = [
        holds.sql,
        _is_filled(filled, watched, names),
        _is_gone(empty, watched, names),
        f"NOT {is_known}",
    ]
    if late:
        conditions.append(f"({is_later('d', 's', [names.column(c) for c in table.version])})")
    misfits = (_misfit(watched),) * 2
    return Statement(
        f"INSERT INTO {names.final(REDACTED_ITEMS.name)} ({', '.join(map(names.column, columns))}) "
        f"SELECT {', '.join(selected)} "
        f"FROM {names.staged(table.name)} AS s JOIN {names.final(table.name)} AS d "
        f"ON {same_key(table.key, table.key, names, left='d', right='s')} "
        f"WHERE {' AND '.join(conditions)}",
        (*holds.values, *misfits),
    )


def _is_filled(alias: str, watched: Watched, names: Names) -> str:
    column = f"{alias}.{names.column(watched.column)}"
    fits = f"{column} <> ''" + (f" AND {column} <> '{watched.gone}'" if watched.gone else "")
    return f"(({fits}) OR {_has_misfit(alias, names)})"


def _is_gone(alias: str, watched: Watched, names: Names) -> str:
    column = f"COALESCE({alias}.{names.column(watched.column)}, '')"
    return f"({column} = '{watched.gone}' AND NOT {_has_misfit(alias, names)})"


def _has_misfit(alias: str, names: Names) -> str:
    """Return the condition that ``_extra`` holds ``_misfit``: a value is there, but did not fit."""
    extra = f"{alias}.{names.column(EXTRA)}"
    return f"({extra} IS NOT NULL AND {extra} LIKE %s)"


def _misfit(watched: Watched) -> str:
    return f'%"{watched.member}":%'


def _by_table(watched: Iterable[Watched]) -> dict[str, list[Watched]]:
    tables: dict[str, list[Watched]] = {}
    for each in watched:
        tables.setdefault(each.table, []).append(each)
    return tables
