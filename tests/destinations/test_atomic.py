"""A package arrives whole or not at all, whoever looks and whatever fails."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.gladly_tables import GLADLY_TABLES
from pipelines.runner import Target
from sandbox import Sandbox, SandboxSettings, WorldSettings
from sources.gladly.declarations import CONTENT_TYPES
from tests.pipelines.runs import DESTINATIONS, read_tables, run

DATABASES = ["duckdb", "postgres"]
TYPED = [*(record.table for record in CONTENT_TYPES.values()), "unknown_items"]


def small_sandbox() -> Sandbox:
    world = WorldSettings(items=600, days=3)
    return Sandbox(SandboxSettings(world=world, requests_per_second=1000))


def execute(target: Target, folder: Path, statement: str) -> list[tuple[int, ...]]:
    """Run a statement with {name} for the dataset's tables."""
    warehouse = target.warehouse(folder).declare()
    with warehouse._client() as client:
        names = {
            table.name: client.make_qualified_table_name(table.name) for table in GLADLY_TABLES
        }
        rows = client.execute_sql(statement.format(**names))
    return [tuple(row) for row in rows or ()]


@pytest.mark.parametrize("name", DATABASES)
def test_a_package_that_fails_half_way_changes_nothing(
    name: str, tmp_path: Path, postgres: str
) -> None:
    target = DESTINATIONS[name](tmp_path / "data", postgres)
    with small_sandbox() as sandbox:
        run(sandbox, target)
        before = read_tables(target)
        sandbox.clock.advance(timedelta(days=1))
        # the ledger is merged last: all other tables of the package have changed by then
        rename = "ALTER TABLE {{load_files}} RENAME COLUMN {} TO {}"
        execute(target, tmp_path / "break", rename.format("superseded", "elsewhere"))
        with pytest.raises(Exception, match="superseded"):
            run(sandbox, target)
        execute(target, tmp_path / "mend", rename.format("elsewhere", "superseded"))
        after = read_tables(target)
        done = before.pop("load_runs")
        assert [row["status"] for row in after.pop("load_runs")] == [
            *(row["status"] for row in done),
            "failed",
        ]
        for table, rows in before.items():
            assert sorted(map(str, after[table])) == sorted(map(str, rows)), table
        run(sandbox, target)
        assert len(read_tables(target)["conversation_items"]) > len(before["conversation_items"])


@pytest.mark.parametrize("nights", [0, 1], ids=["first load", "increment"])
@pytest.mark.parametrize("name", DATABASES)
def test_readers_see_a_package_whole_or_not_at_all(
    name: str, nights: int, tmp_path: Path, postgres: str
) -> None:
    target = DESTINATIONS[name](tmp_path / "data", postgres)
    counts = ", ".join(f"(SELECT COUNT(*) FROM {{{table}}})" for table in TYPED)
    question = (
        f"SELECT (SELECT COUNT(*) FROM {{load_files}}), "
        f"(SELECT COUNT(*) FROM {{conversation_items}}), {counts}"
    )
    with small_sandbox() as sandbox:
        target.warehouse(tmp_path / "prepared").prepare()
        for _ in range(nights):
            run(sandbox, target)
            sandbox.clock.advance(timedelta(days=1))
        seen: set[tuple[int, ...]] = set()
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                seen.update(execute(target, tmp_path / "reader", question))

        reader = threading.Thread(target=look)
        # an embedded database is one in a process: it must not close while the other opens it
        with target.warehouse(tmp_path / "held").declare().opened():
            reader.start()
            run(sandbox, target)
            done.set()
            reader.join()
        seen.update(execute(target, tmp_path / "reader", question))
    assert all(sum(typed) == items for _, items, *typed in seen)
    assert len({files for files, *_ in seen}) == len(seen) == 2
