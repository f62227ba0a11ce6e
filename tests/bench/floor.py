"""The floor: what DuckDB itself needs for the same tables, with nothing checked and nothing kept.

``read_json`` with explicit columns into a stage, then one CREATE TABLE AS per typed and child
table. The SQL is derived from the declarations, so that the floor always makes the same tables.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import duckdb

from sources.gladly.declarations import CONVERSATION_ITEM
from sources.tables.declarations import Child, Field, Kind, table_schemas
from sources.tables.structure import ChildNode, ObjectNode, RecordNode, compile_record

_TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.PROSE: "VARCHAR",
    Kind.INTEGER: "BIGINT",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.TIMESTAMP: "TIMESTAMPTZ",
}


def floor(source: Path, database: Path, *, is_compressed: bool = False) -> float:
    """Load the file into typed tables and return the seconds it took."""
    node = compile_record(CONVERSATION_ITEM)
    database.unlink(missing_ok=True)
    started = time.perf_counter()
    with duckdb.connect(str(database)) as connection:
        connection.execute("SET preserve_insertion_order = false")
        create_stage(connection, node, source)
        for table, query in table_queries(node).items():
            if is_compressed:
                connection.execute(_compressed_table(connection, table, query))
                connection.execute(f"INSERT INTO {table} {query}")
            else:
                connection.execute(f"CREATE TABLE {table} AS {query}")
    return time.perf_counter() - started


def _compressed_table(connection: duckdb.DuckDBPyConnection, table: str, query: str) -> str:
    """Return the statement that makes a table whose texts are compressed as ours are."""
    long = {
        column.name
        for schema in table_schemas(CONVERSATION_ITEM)
        for column in schema.columns
        if column.kind is Kind.PROSE
    }
    columns = (
        f"{name} {kind} {'USING COMPRESSION zstd' if name in long else ''}"
        for name, kind, *_ in connection.execute(f"DESCRIBE {query}").fetchall()
    )
    return f"CREATE TABLE {table} ({', '.join(columns)})"


def create_stage(connection: duckdb.DuckDBPyConnection, node: RecordNode, source: Path) -> None:
    """Read a file of export lines into a temporary table ``stage``, typed."""
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in _stage_columns(node).items())
    connection.execute(
        f"CREATE TEMP TABLE stage AS SELECT * FROM read_json('{source}', "
        f"format='newline_delimited', columns={{{columns}}}, maximum_object_size=67108864)"
    )


def _stage_columns(node: RecordNode) -> dict[str, str]:
    columns = {name: _type(member) for name, member in node.root.members.items()}
    content: dict[str, str] = {"type": "VARCHAR"}
    for variant in node.variants.values():
        for name, member in variant.members.items():
            kind = _type(member)
            # `to` is text in an SMS and a list in an e-mail
            content[name] = kind if content.get(name, kind) == kind else "JSON"
    columns[node.record.variant_path] = _struct(content)
    return columns


def _type(member: Kind | ObjectNode | ChildNode) -> str:
    if isinstance(member, Kind):
        return _TYPES[member]
    if isinstance(member, ObjectNode):
        return _struct({name: _type(inner) for name, inner in member.members.items()})
    element = member.element
    return f"{_type(element)}[]"


def _struct(members: dict[str, str]) -> str:
    return "STRUCT(" + ", ".join(f'"{name}" {kind}' for name, kind in members.items()) + ")"


def table_queries(node: RecordNode) -> dict[str, str]:
    """Return the query that makes each typed and child table from ``stage``."""
    record = node.record
    content = record.variant_path
    queries = {
        record.table: f"SELECT {_select(record.fields, '')}, {content}.type AS content_type "
        "FROM stage"
    }
    children: dict[str, list[str]] = {}
    for name, variant in record.variants.items():
        where = f"{content}.type = '{name}'"
        selected = ", ".join(filter(None, ("id", _select(variant.fields, content))))
        queries[variant.table] = f"SELECT {selected} FROM stage WHERE {where}"
        for child in variant.children:
            children.setdefault(child.table, []).append(_child_query(child, content, where))
    return queries | {table: " UNION ALL ".join(parts) for table, parts in children.items()}


def _select(fields: tuple[Field, ...], prefix: str) -> str:
    return ", ".join(f"{_path(leaf, prefix)} AS {leaf.name}" for leaf in fields)


def _path(leaf: Field, prefix: str) -> str:
    path = ".".join(f'"{part}"' for part in (*filter(None, [prefix]), *leaf.path.split(".")))
    return f"{path}->>'$'" if leaf.path == "to" else path


def _child_query(child: Child, prefix: str, where: str) -> str:
    path = ".".join(f'"{part}"' for part in (prefix, *child.path.split(".")))
    if child.path == "to":
        path = f"TRY_CAST({path} AS VARCHAR[])"
    label = f"'{child.label[1]}' AS {child.label[0]}, " if child.label else ""
    fields = ", ".join(f"{_element(leaf)} AS {leaf.name}" for leaf in child.fields)
    return (
        f"SELECT item_id, {label}position, {fields} FROM (SELECT id AS item_id, "
        f"UNNEST(list) AS element, generate_subscripts(list, 1) AS position "
        f"FROM (SELECT id, {path} AS list FROM stage WHERE {where}) WHERE len(list) > 0)"
    )


def _element(leaf: Field) -> str:
    return f'element."{leaf.path}"' if leaf.path else "element"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("database", type=Path)
    parser.add_argument("--compressed", action="store_true")
    arguments = parser.parse_args()
    seconds = floor(arguments.source, arguments.database, is_compressed=arguments.compressed)
    print(json.dumps({"seconds": seconds}))
