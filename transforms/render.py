"""From a model's SQL, as written, to the statements a destination runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from itertools import islice
from typing import Any

from sqlglot import ErrorLevel, exp

from sources.tables.declarations import Kind
from transforms.declarations import Changes, Check, Model, Rows
from transforms.deltas import Delta, gathered_name
from transforms.dialects import Dialect, keep_meaning
from transforms.queries import parsed, tables_in, tables_read

_ROWS_A_STATEMENT = 500
_MARK, _MARKS = "table_{}_stands_here", re.compile(r"\btable_(\d+)_stands_here\b")
_LITERALS = {
    Kind.TEXT: exp.DType.TEXT,
    Kind.INTEGER: exp.DType.BIGINT,
    Kind.BOOLEAN: exp.DType.BOOLEAN,
    Kind.TIMESTAMP: exp.DType.TIMESTAMPTZ,
    Kind.DATE: exp.DType.DATE,
}


@dataclass(frozen=True, slots=True)
class _Template:
    """A statement in a destination's SQL, with marks where its ``tables`` stand."""

    text: str
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """How the destination calls things.

    ``table`` gives the whole path of a table or model, such as dataset and table, unquoted;
    ``identifier`` gives any name in the case it is stored in.
    """

    table: Callable[[str], Sequence[str]]
    identifier: Callable[[str], str]


def rebuild_statements(
    model: Model,
    dialect: Dialect,
    names: Names,
    made: Rows | None = None,
    changes: Changes | None = None,
    slices: int = 1,
) -> list[str]:
    """Return the statements that empty a model's table, fill it again, and have it measured.

    Args:
        model: The model.
        dialect: The destination's.
        names: The destination's.
        made: The rows, of a model that computes them.
        changes: What to make anew; None for all of it.
        slices: In how many slices, of a model that has them.

    Raises:
        ValueError: the SQL reads other tables than declared, or its columns are others.
    """
    read = tables_read(model.sql)
    if read != set(model.reads):
        raise ValueError(f"{model.name} reads {sorted(read)}, declared is {sorted(model.reads)}")
    table = _path(model.name, dialect, names)
    columns = _columns(model, dialect, names)
    if model.make:
        sources = [_written(values, dialect) for values in _values(model, made or ())]
    else:
        _check_columns(model)
        sources = [
            _filled(_rows_to_make(model.sql, part, dialect, names.identifier), dialect, names)
            for part in _parts(model, changes, slices)
        ]
    old = None if changes and changes.is_all else changes
    delete = _filled(_rows_to_delete(model.name, old, dialect, names.identifier), dialect, names)
    analyzed = _analyze(table, dialect)
    temporary = _made_in(model, changes, dialect)
    if not temporary:
        return [delete, *(_insert(table, columns, source) for source in sources), *analyzed]
    path = _path(temporary, dialect, names)
    make = [
        f"CREATE TEMPORARY TABLE {path} AS {_select('*', table)} WHERE FALSE",
        *(_insert(path, columns, source) for source in sources),
        *_analyze(path, dialect),
    ]
    if not model.is_gathered:
        return [*make, delete, _insert(table, columns, _select(columns, path)), *analyzed]
    rows = [
        _filled(_rows_gathered(temporary, part, dialect, names.identifier), dialect, names)
        for part in _slices(model, slices)
    ]
    store = [_insert(table, columns, some) for some in rows]
    return [delete, *make, *store, drop_statement(temporary, dialect, names), *analyzed]


def delta_statements(delta: Delta, dialect: Dialect, names: Names) -> list[str]:
    """Return the statements that copy what changed of a table to a temporary one."""
    changed = _filled(_rows_of_delta(delta, dialect, names.identifier), dialect, names)
    path = _path(delta.name, dialect, names)
    return [f"CREATE TEMPORARY TABLE {path} AS {changed}", *_analyze(path, dialect)]


def drop_statement(name: str, dialect: Dialect, names: Names) -> str:
    """Return the statement that drops a table."""
    return f"DROP TABLE {_path(name, dialect, names)}"


def query_statement(sql: str, dialect: Dialect, names: Names) -> str:
    """Return a query that is written as models are; which datasets it is of, ``names`` tells."""
    return _filled(_rows_to_make(sql, None, dialect, names.identifier), dialect, names)


def count_statement(model: Model, dialect: Dialect, names: Names) -> str:
    """Return the query that counts a model's rows."""
    return _select("COUNT(*)", _path(model.name, dialect, names))


def rows_statement(model: Model, dialect: Dialect, names: Names) -> str:
    """Return the query for all rows of a model."""
    return _select(_columns(model, dialect, names), _path(model.name, dialect, names))


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
    name = built.name if built else ""
    return _filled(
        _broken(check.sql, limit, name, changes, dialect, names.identifier), dialect, names
    )


# Parsing and writing SQL takes longer than small tables take to build: what does not depend on
# where tables are is worked out once a process.


@cache
def _rows_to_make(
    sql: str, changes: Changes | None, dialect: Dialect, identifier: Callable[[str], str]
) -> _Template:
    reads = changes.reads if changes else {}
    query = _restricted(parsed(sql), changes, reads, dialect)
    return _template(query, dialect, identifier)


@cache
def _rows_gathered(
    gathered: str, part: Changes, dialect: Dialect, identifier: Callable[[str], str]
) -> _Template:
    rows = exp.select("*").from_(gathered).where(_is_among(part, part.column))
    return _template(rows, dialect, identifier)


@cache
def _rows_of_delta(delta: Delta, dialect: Dialect, identifier: Callable[[str], str]) -> _Template:
    changes, column = delta.changes, delta.changes.reads[delta.table]
    of_ids, of_none = _is_among(changes, column), exp.column(column).is_(exp.null())
    parts = []
    if delta.changed:
        parts.append(exp.select(*delta.columns).from_(delta.changed))
    else:
        parts += _rows_of_delta_where(of_ids, delta, _place_of_row(changes, dialect))
    if changes.or_none:
        parts += _rows_of_delta_where(of_none, delta, "")
    return _template(
        exp.union(*parts, distinct=False) if parts[1:] else parts[0], dialect, identifier
    )


def _rows_of_delta_where(condition: exp.Expr, delta: Delta, place_of_row: str) -> list[exp.Select]:
    """Return the queries for rows of a delta: those that are stored, and those just made."""
    if delta.made is None:
        return [_rows_where(condition, delta.table, delta.columns, place_of_row)]
    # rows that were just made are not stored yet: their places are far from all others
    is_made = _is_changed(delta.made, delta.made.column)
    is_stored = exp.and_(condition, exp.not_(is_made))
    made = delta.made.deltas[delta.table]
    return [
        _rows_where(is_stored, delta.table, delta.columns, place_of_row),
        exp.select(*delta.columns).from_(made).where(condition),
    ]


@cache
def _rows_to_delete(
    name: str, changes: Changes | None, dialect: Dialect, identifier: Callable[[str], str]
) -> _Template:
    # BigQuery refuses a DELETE without a condition
    old = _is_changed(changes, changes.column) if changes else exp.true()
    return _template(exp.delete(name, old), dialect, identifier)


@cache
def _broken(
    sql: str,
    limit: int,
    built: str,
    changes: Changes | None,
    dialect: Dialect,
    identifier: Callable[[str], str],
) -> _Template:
    reads = {**changes.reads, built: changes.column} if changes else {}
    query = _restricted(parsed(sql), changes, reads, dialect)
    order = [str(place) for place, _ in enumerate(query.named_selects, 1)]
    counted = (
        exp.select("broken.*", "COUNT(*) OVER () AS broken_rows")
        .from_(query.subquery("broken", copy=False), copy=False)
        .order_by(*order, copy=False)
        .limit(limit, copy=False)
    )
    return _template(counted, dialect, identifier)


def _restricted(
    query: exp.Query, changes: Changes | None, reads: Mapping[str, str], dialect: Dialect
) -> exp.Query:
    """Return a query of its own, which sees of tables read by changed ids only what changed."""
    query = query.copy()
    if changes:
        for table in [found for found in tables_in(query) if found.name in reads]:
            changed = _changed_rows(table.name, reads[table.name], changes, dialect)
            table.replace(changed.subquery(table.alias_or_name))
    return query


def _changed_rows(table: str, column: str, changes: Changes, dialect: Dialect) -> exp.Select:
    """Return the query for the rows of a table that changed, from its delta if there is one."""
    delta = changes.deltas.get(table)
    if delta is None or changes.slices is not None:
        is_changed, place = _is_changed(changes, column), _place_of_row(changes, dialect)
        return _rows_where(is_changed, delta or table, ["*"], place)
    rows = exp.select("*").from_(delta)
    # a delta holds what changed, and what belongs to none for those who read that
    return rows if changes.or_none else rows.where(exp.column(column).is_(exp.null()).not_())


def _place_of_row(changes: Changes, dialect: Dialect) -> str:
    return dialect.place_of_row if changes.is_near else ""


def _rows_where(
    condition: exp.Expr, table: str, columns: Sequence[str], place_of_row: str
) -> exp.Select:
    """Return the query for some columns of the rows of a table that a condition holds for.

    DuckDB reads columns whole where rows are listed by their ids; where it knows their places it
    reads only what is between the first and the last: of use where these are near each other.
    """
    if place_of_row:
        places = exp.select(place_of_row).from_(table).where(condition)
        condition = exp.column(place_of_row).isin(query=places)
    return exp.select(*columns).from_(table).where(condition)


def _parts(model: Model, changes: Changes | None, slices: int) -> Iterator[Changes | None]:
    """Yield what each of the statements that fill a model makes anew."""
    if model.slices and not model.is_gathered:
        yield from _slices(model, slices)
    else:
        yield changes


def _slices(model: Model, slices: int) -> Iterator[Changes]:
    if model.changes is None:
        raise ValueError(f"{model.name} has slices, and no changes that say of which ids")
    for first in range(0, slices, model.slices_at_once):
        at_once = range(first, first + model.slices_at_once)
        yield replace(model.changes, ids=model.slices, slices=at_once)


def _made_in(model: Model, changes: Changes | None, dialect: Dialect) -> str:
    """Return the temporary table that rows are made in, before they are stored; empty for none."""
    if model.is_gathered:
        return gathered_name(model.name) if dialect.temporary else ""
    return changes.deltas.get(model.name, "") if changes else ""


def _is_changed(changes: Changes, column: str) -> exp.Expr:
    found = _is_among(changes, column)
    # what belongs to none is always made anew
    return exp.or_(found, exp.column(column).is_(exp.null())) if changes.or_none else found


def _is_among(changes: Changes, column: str) -> exp.Expr:
    ids = exp.select(changes.column).from_(changes.ids)
    if changes.slices is not None:
        slices = exp.column("slice")
        ids = ids.where(slices >= changes.slices.start, slices < changes.slices.stop)
    return exp.column(column).isin(query=ids)


def _check_columns(model: Model) -> None:
    declared, selected = list(model.table.columns_by_name), parsed(model.sql).named_selects
    if selected != declared:
        raise ValueError(f"{model.name} selects {selected}, declared is {declared}")


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


def _literal(value: Any, data_type: exp.DType) -> exp.Expr:  # noqa: ANN401 - any value of a row
    if isinstance(value, datetime):
        value = value.astimezone(UTC).isoformat(sep=" ", timespec="microseconds")
    elif isinstance(value, date):
        value = value.isoformat()
    return exp.cast(exp.convert(value), data_type)


def _template(query: exp.Expr, dialect: Dialect, identifier: Callable[[str], str]) -> _Template:
    """Translate a query, every name quoted as it is stored. The query is the caller's no more."""
    tables = tables_in(query)
    names = tuple(table.name for table in tables)
    for found in query.find_all(exp.Identifier):
        found.set("this", identifier(found.this))
        found.set("quoted", value=True)
    for number, table in enumerate(tables):
        table.set("this", exp.to_identifier(_MARK.format(number)))
        table.set("db", None)
        table.set("catalog", None)
    keep_meaning(query, dialect)
    return _Template(_written(query, dialect), names)


def _filled(template: _Template, dialect: Dialect, names: Names) -> str:
    """Put the tables of a destination where their marks stand."""
    paths = [_path(table, dialect, names) for table in template.tables]
    return _MARKS.sub(lambda mark: paths[int(mark[1])], template.text)


def _columns(model: Model, dialect: Dialect, names: Names) -> str:
    return ", ".join(
        _written(exp.to_identifier(names.identifier(name), quoted=True), dialect)
        for name in model.table.columns_by_name
    )


def _select(columns: str, table: str) -> str:
    return f"SELECT {columns} FROM {table}"  # noqa: S608 - declared names


def _insert(table: str, columns: str, query: str) -> str:
    return f"INSERT INTO {table} ({columns}) {query}"


def _analyze(table: str, dialect: Dialect) -> list[str]:
    return [f"{dialect.analyze} {table}"] if dialect.analyze else []


def _path(table: str, dialect: Dialect, names: Names) -> str:
    return _written_path(tuple(names.table(table)), dialect)


@cache
def _written_path(path: Sequence[str], dialect: Dialect) -> str:
    *catalog, dataset, name = path
    table = exp.table_(name, db=dataset, catalog=next(iter(catalog), None), quoted=True)
    return _written(table, dialect)


def _written(expression: exp.Expr, dialect: Dialect) -> str:
    # what is written is never read again: the generator may take it apart
    return expression.sql(
        dialect.name, comments=False, unsupported_level=ErrorLevel.RAISE, copy=False
    )
