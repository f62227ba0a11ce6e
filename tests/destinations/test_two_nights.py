"""The demo's two nights into every kind of destination."""

from datetime import timedelta
from pathlib import Path

from sandbox import Sandbox, SandboxSettings, WorldSettings
from tests.pipelines.model import deliveries, differences
from tests.pipelines.runs import DESTINATIONS, Row, Tables, read_tables, run

# what tells one run from another, and so differs between two runs of the same nights
RUN_SPECIFIC = {
    "load_runs": {"run_id", "started_at", "finished_at"},
    "load_files": {"run_id", "loaded_at"},
    "export_jobs": {"_job_id"},
    "export_job_files": {"_job_id"},
    "export_schedules": {"_job_id"},
}


def test_two_nights_leave_equal_rows_in_every_destination_and_those_the_files_hold(
    tmp_path: Path, postgres: str
) -> None:
    world = WorldSettings(items=500, days=4, broken_days=frozenset({3}))
    found: dict[str, Tables] = {}
    with Sandbox(SandboxSettings(world=world, requests_per_second=1000)) as sandbox:
        first_night = sandbox.clock.now()
        for name, open_target in DESTINATIONS.items():
            target = open_target(tmp_path / name, postgres)
            sandbox.clock.set(first_night)
            run(sandbox, target)
            sandbox.clock.advance(timedelta(days=1))
            run(sandbox, target)
            found[name] = read_tables(target)
            assert (name, differences(found[name], deliveries(sandbox))) == (name, [])
    assert all(len(tables["load_files"]) == 16 for tables in found.values())
    assert found["duckdb"]["quarantined_lines"]
    assert found["duckdb"]["unknown_items"]
    for table in found["duckdb"]:
        expected = sorted_rows(table, found["duckdb"][table])
        for name in ("postgres", "filesystem"):
            assert sorted_rows(table, found[name][table]) == expected, (name, table)


def sorted_rows(table: str, rows: list[Row]) -> list[Row]:
    ignored = RUN_SPECIFIC.get(table, set())
    shown = [{name: row[name] for name in row if name not in ignored} for row in rows]
    return sorted(shown, key=str)
