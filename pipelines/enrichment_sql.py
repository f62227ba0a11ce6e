"""The SQL that says what is to be read by id, over current rows at any SQL destination.

touched     the newest ``_extracted_at`` of the rows that name an id
read        requested_at and outcome of its row in enrichment_reads, if there is one

never read                            -> read it
touched after it was read             -> read it again
missing (404) an hour ago or longer   -> once more, to be sure
moved into another customer           -> never again
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from sources.gladly.enrichment_types import ENRICHMENT_READ, EnrichmentKind, Outcome, Touch
from sources.tables.declarations import EXTRACTED_AT, Kind

_TYPES_IN_A_FOLDER = {Kind.TEXT: "VARCHAR", Kind.TIMESTAMP: "TIMESTAMPTZ", Kind.BOOLEAN: "BOOLEAN"}
Written = Callable[[str], str]


def touched_tables(kinds: Iterable[EnrichmentKind]) -> set[str]:
    """Return the tables that ids come from."""
    return {touch.table for kind in kinds for touch in kind.touches}


def can_be_asked(kinds: Iterable[EnrichmentKind], present: Collection[str]) -> bool:
    """Return whether any table that ids come from is there."""
    return not touched_tables(kinds).isdisjoint(present)


def wanted_sql(
    kinds: Iterable[EnrichmentKind],
    present: Collection[str],
    table: Written,
    column: Written,
    selected: str,
) -> str:
    """Return the query for what is to be read; ``can_be_asked`` says whether there is one.

    Args:
        kinds: What is to be read.
        present: The tables that are there: a folder lacks those without rows.
        table: How the current rows of a table are written.
        column: How a column is written.
        selected: What to select of ``w`` (kind, entity_id, touched_at) and ``r``, a row of
            enrichment_reads or nothing. One parameter follows: reads that found nothing until
            then are made again.
    """
    touched = [part for kind in kinds if (part := _touched(kind, present, table, column))]
    read = [f"r.{column(name)}" for name in ("read_id", "outcome", "requested_at")]
    read_id, outcome, requested_at = read
    return (
        f"SELECT {selected} FROM ({' UNION ALL '.join(touched)}) AS w "
        f"LEFT JOIN {_reads(table, present)} AS r "
        f"ON r.{column('kind')} = w.kind AND r.{column('entity_id')} = w.entity_id "
        f"WHERE {read_id} IS NULL "
        f"OR ({outcome} <> '{Outcome.MOVED}' AND w.touched_at > {requested_at}) "
        f"OR ({outcome} = '{Outcome.MISSING}' AND {requested_at} <= %s)"
    )


def _reads(table: Written, present: Collection[str]) -> str:
    if ENRICHMENT_READ.table in present:
        return table(ENRICHMENT_READ.table)
    # only files in a folder lack a table, and DuckDB reads these
    columns = ", ".join(
        f"CAST(NULL AS {_TYPES_IN_A_FOLDER[leaf.kind]}) AS {leaf.name}"
        for leaf in ENRICHMENT_READ.fields
    )
    return f"(SELECT {columns} WHERE FALSE)"


def _touched(
    kind: EnrichmentKind, present: Collection[str], table: Written, column: Written
) -> str | None:
    rows = [_ids(touch, table, column) for touch in kind.touches if touch.table in present]
    if not rows:
        return None
    return (
        f"SELECT '{kind.name}' AS kind, t.entity_id, MAX(t.touched_at) AS touched_at "
        f"FROM ({' UNION ALL '.join(rows)}) AS t GROUP BY t.entity_id"
    )


def _ids(touch: Touch, table: Written, column: Written) -> str:
    identifier = f"s.{column(touch.column)}"
    condition = f" AND {touch.condition}" if touch.condition else ""
    return (
        f"SELECT {identifier} AS entity_id, s.{column(EXTRACTED_AT)} AS touched_at "
        f"FROM {table(touch.table)} AS s WHERE {identifier} <> ''{condition}"
    )
