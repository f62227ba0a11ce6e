"""A list compared with the tables it fills: what is new, what changed, what vanished.

    stored      a    b    c    d (deleted)
    list        a    b'        d               e
    changed          b'        d, there again  e
    vanished              c

What changed is written as the list says it. What vanished keeps its values and the line they came
from, and gets ``deleted_at``; the rest is not written at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sources.tables.conform import decode_json, encode_json
from sources.tables.declarations import (
    DELETED_AT,
    EXTRACTED_AT,
    LINEAGE,
    Kind,
    TableSchema,
)

Row = dict[str, Any]
Rows = Mapping[str, Sequence[Row]]
_NOT_SAID = frozenset({DELETED_AT, *(column.name for column in LINEAGE)})


@dataclass(frozen=True, slots=True)
class Difference:
    """The keys of the elements that have to be written: as listed, or as vanished."""

    changed: frozenset[str]
    vanished: frozenset[str]


def compare(
    tables: Sequence[TableSchema], stored: Rows, listed: Rows, at: datetime, *, is_whole: bool
) -> Difference:
    """Compare a list with what is stored.

    Versions later than the list, such as those of an export made after it, stay as they are.

    Args:
        tables: The list's own table, and those of its children.
        stored: Their rows.
        listed: The rows of the list, by table.
        at: When the list was read.
        is_whole: Whether what is not in the list is gone.
    """
    root = tables[0]
    (key,) = root.key
    said, known = _said(tables, listed), _said(tables, stored)
    before = {row[key]: row for row in stored[root.name]}
    earlier = {name for name, row in before.items() if row[EXTRACTED_AT] <= at}
    differing = {name for name in said if said[name] != known.get(name) or before[name][DELETED_AT]}
    missing = {name for name, row in before.items() if name not in said and not row[DELETED_AT]}
    return Difference(
        changed=frozenset(differing & (earlier | (said.keys() - before.keys()))),
        vanished=frozenset(missing & earlier if is_whole else ()),
    )


def written_rows(
    table: TableSchema,
    stored: Sequence[Row],
    listed: Sequence[Row],
    difference: Difference,
    at: datetime,
    gone_since: Mapping[str, datetime],
) -> list[Row]:
    """Return the rows of one table to write.

    Args:
        table: The table.
        stored: Its rows.
        listed: The rows of the list.
        difference: As ``compare`` found it.
        at: When the list was read.
        gone_since: Since when what vanished is known to be gone; by default since the list.
    """
    owner = (table.root_key or table.key)[0]
    written = [row for row in listed if row[owner] in difference.changed]
    for row in stored:
        if row[owner] in difference.vanished:
            own = {} if table.parent else {DELETED_AT: gone_since.get(row[owner], at)}
            written.append(row | own | {EXTRACTED_AT: at})
    return written


def _said(tables: Sequence[TableSchema], rows: Rows) -> dict[str, list[str]]:
    """Return all that the rows of each element say, but for where they came from and when."""
    said: dict[str, list[str]] = {}
    for table in tables:
        owner = (table.root_key or table.key)[0]
        json_columns = {column.name for column in table.columns if column.kind is Kind.JSON}
        for row in rows[table.name]:
            values = {
                name: _canonical(value) if name in json_columns else value
                for name, value in row.items()
                if name not in _NOT_SAID and value is not None
            }
            said.setdefault(row[owner], []).append(f"{table.name} {values}")
    return {key: sorted(parts) for key, parts in said.items()}


def _canonical(value: Any) -> str:  # noqa: ANN401 - JSON as a destination hands it back
    return encode_json(decode_json(value.encode()) if isinstance(value, str) else value)
