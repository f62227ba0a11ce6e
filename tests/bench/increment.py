"""The nightly baseline: what a careful person writes by hand in DuckDB for one increment.

A stage from ``read_json``, then, in one transaction, delete the keys that came again and insert,
table by table. It checks nothing, keeps nothing unknown, and knows no late versions.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import duckdb

from sources.gladly.declarations import CONVERSATION_ITEM
from sources.tables.structure import compile_record
from tests.bench.floor import create_stage, table_queries


def merge_increment(source: Path, database: Path) -> float:
    """Merge a file into a database that ``floor`` made and return the seconds it took."""
    node = compile_record(CONVERSATION_ITEM)
    started = time.perf_counter()
    with duckdb.connect(str(database)) as connection:
        connection.execute("SET preserve_insertion_order = false")
        create_stage(connection, node, source)
        connection.execute("BEGIN")
        for table, query in table_queries(node).items():
            connection.execute(f"CREATE TEMP TABLE part AS {query}")
            columns = [row[0] for row in connection.execute("DESCRIBE part").fetchall()]
            key = "item_id" if "item_id" in columns else "id"
            connection.execute(f"DELETE FROM {table} WHERE {key} IN (SELECT id FROM stage)")
            connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM part")
            connection.execute("DROP TABLE part")
        connection.execute("COMMIT")
    return time.perf_counter() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("database", type=Path)
    arguments = parser.parse_args()
    print(json.dumps({"seconds": merge_increment(arguments.source, arguments.database)}))
