"""From a model's SQL, as written, to the statements a destination runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from itertools import islice
from typing import Any

from sqlglot import ErrorLevel, exp, parse_one

from sources.tables.declarations import Kind
from transforms.declarations import Changes, Check, Model, Rows
from transforms.dialects import MODEL_DIALECT, Dialect, keep_meaning

_ROWS_A_STATEMENT = 500
_LITERALS = {
    Kind.TEXT: "TEXT",
    Kind.INTEGER: "BIGINT",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.TIMESTAMP: "TIMESTAMPTZ",
    Kind.DATE: "DATE",
}


@dataclass(frozen=True, slots=True)
class Names:
    """How the destination calls things.

    ``table`` gives the whole path of a table or model, such as dataset and table, unquoted;
    ``identifier`` gives any name in the case it is stored in.
    """

    table: Callable[[str], Sequence[str]]
    identifier: Callable[[str], str]


def tables_read(sql: str) -> set[str]:
    """Return the tables and models that a query names, its own common table expressions not."""
    return {table.name for table in _tables(parse_one(sql, read=MODEL_DIALECT))}


def rebuild_statements(
    model: Model,
    dialect: Dialect,
    names: Names,
    made: Rows | None = None,
    changes: Changes | None = None,
) -> list[str]:
    """Return the statements that empty a model's table, fill it again, and have it measured.

    Args:
        model: The model.
        dialect: The destination's.
        names: The destination's.
        made: The rows, of a model that computes them.
        changes: What to make anew; None for all of it.

    Raises:
        ValueError: the SQL reads other tables than declared, or its columns are others.
    """
    query = _query(model.sql)
    read = {table.name for table in _tables(query)}
    if read != set(model.reads):
        raise ValueError(f"{model.name} reads {sorted(read)}, declared is {sorted(model.reads)}")
    table = _written(_path(model.name, names), dialect)
    columns = ", ".join(
        _written(exp.to_identifier(names.identifier(name), quoted=True), dialect)
        for name in model.table.columns_by_name
    )
    if model.make:
        sources = [_written(values, dialect) for values in _values(model, made or ())]
    else:
        query = _checked_columns(model, query)
        reads = changes.reads if changes else {}
        sources = [_rendered(_restricted(query, changes, reads), dialect, names)]
    # BigQuery refuses a DELETE without a condition
    old = _is_changed(changes, changes.column) if changes else exp.true()
    return [
        _rendered(exp.delete(model.name, old), dialect, names),
        *(f"INSERT INTO {table} ({columns}) {source}" for source in sources),
        *([f"{dialect.analyze} {table}"] if dialect.analyze else []),
    ]


def query_statement(sql: str, dialect: Dialect, names: Names) -> str:
    """Return a query that is written as models are."""
    return _rendered(_query(sql), dialect, names)


def input_statement(model: Model, dialect: Dialect, names: Names) -> str:
    """Return the query of a model that computes its rows from what the query returns."""
    return _rendered(_query(model.sql), dialect, names)


def question_statement(sql: str, dialect: Dialect, names: Names) -> str:
    """Return a query that somebody asks; whichever datasets it names, ``names`` tells them."""
    return _rendered(_query(sql), dialect, names)


def count_statement(model: Model, dialect: Dialect, names: Names) -> str:
    """Return the query that counts a model's rows."""
    return _rendered(exp.select("COUNT(*)").from_(model.name), dialect, names)


def rows_statement(model: Model, dialect: Dialect, names: Names) -> str:
    """Return the query for all rows of a model."""
    query = exp.select(*model.table.columns_by_name).from_(model.name)
    return _rendered(query, dialect, names)


def check_statement(
    check: Check, limit: int, dialect: Dialect, names: Names, built: Model | None = None
) -> str:
    """Return the query for the first ``limit`` rows that break a check, in order of all columns.

    ``built`` is the model that was built from changes: the others of its rows are not looked at.

    A last column says how many there are in all. Counting them also keeps planners from betting
    that a few are found early: where there are none, the plan for that joins row by row
    (PostgreSQL, 360,000 rows: not done after eight minutes, instead of a second).
    """
    changes = built.changes if built else None
    reads = {**changes.reads, built.name: changes.column} if built and changes else {}
    query = _restricted(_query(check.sql), changes, reads)
    order = [str(place) for place, _ in enumerate(query.named_selects, 1)]
    counted = (
        exp.select("broken.*", "COUNT(*) OVER () AS broken_rows")
        .from_(query.subquery("broken"))
        .order_by(*order)
        .limit(limit)
    )
    return _rendered(counted, dialect, names)


def _restricted(query: exp.Query, changes: Changes | None, reads: Mapping[str, str]) -> exp.Query:
    """Let a query see only what changed of the tables that are read by its ids."""
    if changes is None:
        return query
    query = query.copy()
    for table in [found for found in _tables(query) if found.name in reads]:
        column = reads[table.name]
        changed = exp.select("*").from_(table.name).where(_is_changed(changes, column))
        table.replace(changed.subquery(table.alias_or_name))
    return query


def _is_changed(changes: Changes, column: str) -> exp.Expr:
    ids = exp.select(changes.column).from_(changes.ids)
    found = exp.column(column).isin(query=ids)
    # what belongs to none is always made anew
    return exp.or_(found, exp.column(column).is_(exp.null())) if changes.or_none else found


def _checked_columns(model: Model, query: exp.Query) -> exp.Query:
    declared = list(model.table.columns_by_name)
    if query.named_selects != declared:
        raise ValueError(f"{model.name} selects {query.named_selects}, declared is {declared}")
    return query


def _values(model: Model, made: Rows) -> Iterator[exp.Expr]:
    """Yield rows as lists of values, some hundred a statement."""
    types = [_LITERALS[column.kind] for column in model.table.columns]
    rows = iter(made)
    while chunk := list(islice(rows, _ROWS_A_STATEMENT)):
        yield exp.Values(
            expressions=[
                exp.Tuple(expressions=[_literal(v, t) for v, t in zip(row, types, strict=True)])
                for row in chunk
            ]
        )


def _literal(value: Any, data_type: str) -> exp.Expr:  # noqa: ANN401 - any value of a row
    if isinstance(value, datetime):
        value = value.astimezone(UTC).isoformat(sep=" ", timespec="microseconds")
    elif isinstance(value, date):
        value = value.isoformat()
    return exp.cast(exp.convert(value), data_type, dialect=MODEL_DIALECT)


@cache
def _query(sql: str) -> exp.Query:
    """Parse a query once; nobody may change what is returned."""
    query = parse_one(sql, read=MODEL_DIALECT)
    if not isinstance(query, exp.Query):
        raise ValueError(f"not a query: {sql}")  # noqa: TRY004 - its text, not its type, is wrong
    return query


def _tables(query: exp.Expr) -> list[exp.Table]:
    own = {expression.alias for expression in query.find_all(exp.CTE)}
    return [table for table in query.find_all(exp.Table) if table.name not in own]


def _rendered(query: exp.Query | exp.Delete, dialect: Dialect, names: Names) -> str:
    """Translate a query: tables with their dataset, every name quoted, as it is stored."""
    query = query.copy()
    paths = [(table, _path(table.name, names)) for table in _tables(query)]
    for identifier in query.find_all(exp.Identifier):
        identifier.set("this", names.identifier(identifier.this))
        identifier.set("quoted", value=True)
    for table, path in paths:
        for part in ("this", "db", "catalog"):
            table.set(part, path.args.get(part))
    keep_meaning(query, dialect)
    return _written(query, dialect)


def _path(table: str, names: Names) -> exp.Table:
    *catalog, dataset, name = names.table(table)
    return exp.table_(name, db=dataset, catalog=next(iter(catalog), None), quoted=True)


def _written(expression: exp.Expr, dialect: Dialect) -> str:
    return expression.sql(dialect.name, comments=False, unsupported_level=ErrorLevel.RAISE)
