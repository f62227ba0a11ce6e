"""A customer whose deletion an event tells is gone after the run, where the user wants that."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox import Sandbox, SandboxSettings, WorldSettings
from sandbox.timestamps import format_milliseconds, to_milliseconds
from sources.http.errors import SettingsError
from tests.pipelines.runs import (
    Tables,
    duckdb_target,
    everything,
    filesystem_target,
    read_tables,
    run,
)

WORLD = WorldSettings(items=300, days=3)
ITEMS = "conversation_items"
REMAIN = {"deleted_customers", "erased_customers"}


def delete(sandbox: Sandbox, customer_id: str) -> None:
    """Let Gladly tell that a profile was deleted a minute ago."""
    at = format_milliseconds(to_milliseconds(sandbox.clock.now() - timedelta(minutes=1)))
    sandbox.add_event(
        {
            "id": f"deletion-of-{customer_id}",
            "type": "CUSTOMER_PROFILE/DELETED",
            "timestamp": at,
            "initiator": {"id": "agent", "type": "AGENT"},
            "content": {"customerId": customer_id},
        }
    )


def customers(tables: Tables, table: str) -> set[str]:
    return {row["customer_id"] for row in tables[table] if row["customer_id"]}


def naming(tables: Tables, customer_id: str) -> set[str]:
    """Return the tables in which a row names a customer."""
    return {table for table, rows in tables.items() if any(customer_id in str(row) for row in rows)}


def files_naming(folder: Path, customer_id: str) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".duckdb")
    return [path.name for path in found if customer_id.encode() in path.read_bytes()]


@pytest.mark.parametrize("wish", ["keep", "erase"])
def test_a_deleted_customer_is_kept_or_erased_as_the_user_wishes(wish: str, tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with Sandbox(SandboxSettings(world=WORLD, requests_per_second=1000)) as sandbox:
        run(sandbox, target, selected=everything, on_customer_deleted=wish)
        before = read_tables(target)
        gone, stays, *_ = sorted(customers(before, "contact_events") & customers(before, ITEMS))
        assert {"customers", ITEMS, "contact_events"} <= naming(before, gone)
        delete(sandbox, gone)
        sandbox.clock.advance(timedelta(hours=1))
        report = run(sandbox, target, selected=everything, on_customer_deleted=wish)
        after = read_tables(target)
    assert gone in {row["customer_id"] for row in after["deleted_customers"]}
    if wish == "keep":
        assert naming(before, gone) <= naming(after, gone)
        assert report.erased_rows == 0
        return
    assert naming(after, gone) == REMAIN
    assert files_naming(tmp_path / "raw", gone) == []
    assert (report.erased_customers > 0, report.erased_rows > 0) == (True, True)
    assert report.erased_raw_lines > 0
    assert naming(before, stays) <= naming(after, stays)
    assert json.dumps(report.as_dict(), default=str).count(gone) == 0


def test_a_destination_that_cannot_delete_is_refused_before_anything_is_read(
    tmp_path: Path,
) -> None:
    with Sandbox(SandboxSettings(world=WORLD)) as sandbox:
        with pytest.raises(SettingsError, match="cannot delete"):
            run(sandbox, filesystem_target(tmp_path), on_customer_deleted="erase")
        assert len(sandbox.requests) == 0


def test_a_wish_that_is_none_is_refused(tmp_path: Path) -> None:
    with (
        Sandbox(SandboxSettings(world=WORLD)) as sandbox,
        pytest.raises(SettingsError, match="on_customer_deleted"),
    ):
        run(sandbox, duckdb_target(tmp_path), on_customer_deleted="forget")
