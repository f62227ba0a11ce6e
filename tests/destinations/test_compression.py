"""What people write is compressed in a DuckDB file, and a file of an older format goes without."""

from pathlib import Path

import duckdb
import pytest

from pipelines.gladly_tables import GLADLY_TABLES
from pipelines.runner import Target
from sandbox import Sandbox
from sources.tables.declarations import Kind
from tests.pipelines.runs import ITEMS, item, read_tables, run

COMPRESSED = """
SELECT table_name FROM duckdb_tables() WHERE sql LIKE '%USING COMPRESSION ZSTD%' ORDER BY ALL
"""
NONE: frozenset[str] = frozenset()
COMPRESSED_TABLES = frozenset(
    table.name
    for table in GLADLY_TABLES
    if any(column.kind in {Kind.PROSE, Kind.JSON} for column in table.columns)
)


def opened(folder: Path, version: str) -> Target:
    """Return a target whose file exists, in the format of a version of DuckDB."""
    folder.mkdir()
    database = folder / "warehouse.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{database}' AS made (STORAGE_VERSION '{version}')")
        connection.execute("CREATE TABLE made.mine (id INTEGER)")
    return Target.open("duckdb", "gladly", folder, credentials=str(database))


def compressed_tables(target: Target) -> set[str]:
    with duckdb.connect(str(target.data / "warehouse.duckdb"), read_only=True) as connection:
        return {table for (table,) in connection.execute(COMPRESSED).fetchall()}


@pytest.mark.parametrize(
    ("version", "expected"), [("v1.0.0", NONE), ("v1.1.0", NONE), ("v1.2.0", COMPRESSED_TABLES)]
)
def test_a_file_of_any_format_holds_every_row_and_is_compressed_where_it_can_be(
    version: str, expected: frozenset[str], tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = opened(tmp_path / "data", version)
    text = "Thank you for your message. " * 200
    lines = (
        item(str(number), {"type": "EMAIL", "content": f"{number} {text}"}) for number in range(900)
    )
    empty_sandbox.add_job({ITEMS: b"".join(lines)})
    run(empty_sandbox, target)
    emails = read_tables(target)["emails"]
    assert sorted(row["content"] for row in emails) == sorted(f"{n} {text}" for n in range(900))
    assert compressed_tables(target) == expected


def test_a_file_that_does_not_exist_yet_is_compressed(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = Target.open("duckdb", "gladly", tmp_path, credentials=str(tmp_path / "new.duckdb"))
    run(empty_sandbox, target)
    with duckdb.connect(str(tmp_path / "new.duckdb"), read_only=True) as connection:
        assert ("emails",) in connection.execute(COMPRESSED).fetchall()
