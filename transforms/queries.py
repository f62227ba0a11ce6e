"""Models' queries, parsed: which tables they name, and which of their columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache

from sqlglot import exp, parse_one
from sqlglot.optimizer.scope import traverse_scope

from transforms.dialects import MODEL_DIALECT


@cache
def parsed(sql: str) -> exp.Query:
    """Parse a query once; nobody may change what is returned.

    Raises:
        ValueError: it is no query.
    """
    query = parse_one(sql, read=MODEL_DIALECT)
    if not isinstance(query, exp.Query):
        raise ValueError(f"not a query: {sql}")  # noqa: TRY004 - its text, not its type, is wrong
    return query


@cache
def tables_read(sql: str) -> frozenset[str]:
    """Return the tables and models that a query names, its own common table expressions not."""
    return frozenset(table.name for table in tables_in(parsed(sql)))


@cache
def columns_read(sql: str) -> Mapping[str, frozenset[str]]:
    """Return which columns a query reads of each table and model it names.

    Raises:
        ValueError: it does not say of which of them a column is.
    """
    columns: dict[str, set[str]] = defaultdict(set)
    for scope in traverse_scope(parsed(sql)):
        sources = {name: source for name, (_, source) in scope.selected_sources.items()}
        for column in scope.columns:
            # a query within this one finds its own
            if not column.table and column.parent_select is not scope.expression:
                continue
            if not column.table and len(sources) > 1:
                raise ValueError(f"{column} may be of any of {', '.join(sorted(sources))}: {sql}")
            source = sources.get(column.table or next(iter(sources)))
            if isinstance(source, exp.Table):
                columns[source.name].add(column.name)
    return {table: frozenset(names) for table, names in columns.items()}


def tables_in(query: exp.Expr) -> list[exp.Table]:
    """Return where a query names tables, in its order."""
    found = list(query.find_all(exp.CTE, exp.Table))
    own = {expression.alias for expression in found if isinstance(expression, exp.CTE)}
    return [table for table in found if isinstance(table, exp.Table) and table.name not in own]
