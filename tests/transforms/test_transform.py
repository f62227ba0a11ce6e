"""A run of the models changes all of them or none, and says what it did."""

import os
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import psycopg2  # type: ignore[import-untyped] # ships no types
import pytest

from pipelines.building import ModelCheckError
from pipelines.runner import Target
from pipelines.transform import run_transforms
from pipelines.workspace import open_workspace
from sources.gladly.identity import CUSTOMER_MERGES, DELETED_CUSTOMERS
from sources.http.errors import GiveUpError, SettingsError
from tests.command.commands import TIMEOUT_SECONDS, Commands
from tests.pipelines.runs import filesystem_target, postgres_target
from tests.transforms.places import Place, as_text
from tests.transforms.test_identities import Merge, deletion_rows, merge_rows
from transforms.models import MODELS

ASKS_FOR = ("customer_identities", "conversation_identities", "agent_availability_half_hours")

USAGE = 2


def prepared(target: Target, folder: Path, asks_for: Sequence[str] = ()) -> Place:
    """Return a place where the product itself makes the tables."""
    target.warehouse(folder / "tables").prepare()
    return Place(target, folder / "work", asks_for)


def load_merges(place: Place, *merges: Merge) -> None:
    place.load({CUSTOMER_MERGES: merge_rows("customer", merges)})


def test_a_check_that_fails_names_the_rows_and_changes_nothing(place: Place) -> None:
    load_merges(place, Merge("a", "b", 1))
    place.transform()
    before = as_text(place.models())
    load_merges(place, Merge("b", "c", 2))
    place.load({DELETED_CUSTOMERS: deletion_rows(["c"])})
    # a key that is there twice, as no load leaves it
    place.execute("INSERT INTO {deleted_customers} SELECT * FROM {deleted_customers}")
    with pytest.raises(ModelCheckError) as failure:
        place.transform()
    assert (
        "customer_identities: that each customer_id is there once does not hold for 3 rows, "
        "such as: a, 2; b, 2; c, 2."
    ) in str(failure.value)
    assert as_text(place.models()) == before


def test_statements_that_fail_change_nothing(place: Place) -> None:
    load_merges(place, Merge("a", "b", 1))
    place.transform()
    before = as_text(place.models())
    load_merges(place, Merge("b", "c", 2))
    place.execute("ALTER TABLE {agent_availability_events} RENAME COLUMN occurred_at TO elsewhere")
    with pytest.raises(Exception, match="occurred_at"):
        place.transform()
    assert as_text(place.models()) == before


def test_readers_see_all_models_of_a_run_or_none(place: Place, tmp_path: Path) -> None:
    load_merges(place, *(Merge(f"a{n}", "b", n) for n in range(2_000)))
    place.transform()
    load_merges(place, *(Merge(f"c{n}", "d", n) for n in range(2_000)))
    seen: set[tuple[int, ...]] = set()
    done = threading.Event()
    question = (
        "SELECT (SELECT COUNT(*) FROM {marts_merged_identities}), "
        "(SELECT COUNT(*) FROM {marts_customer_identities})"
    )

    def look() -> None:
        while not done.is_set():
            seen.update(place.execute(question))

    seen.update(place.execute(question))
    reader = threading.Thread(target=look)
    # an embedded database is one in a process: it must not close while the other opens it
    with place.target.warehouse(tmp_path / "held").declare().opened():
        reader.start()
        place.transform()
        done.set()
        reader.join()
    seen.update(place.execute(question))
    assert seen == {(2_001, 2_001), (4_002, 4_002)}


def test_all_models_of_a_run_see_one_state_of_the_tables(tmp_path: Path, postgres: str) -> None:
    place = prepared(postgres_target(tmp_path / "data", postgres), tmp_path, ASKS_FOR)
    load_merges(place, Merge("a", "b", 1))
    place.load({DELETED_CUSTOMERS: deletion_rows(["b"])})
    dataset = place.target.dataset
    with closing(psycopg2.connect(postgres)) as other:
        cursor = other.cursor()
        # customer_identities reads this table, and merged_identities is built before it
        cursor.execute(f"LOCK TABLE {dataset}.deleted_customers IN ACCESS EXCLUSIVE MODE")
        run = threading.Thread(target=place.transform)
        run.start()
        wait_for_a_waiting_query(postgres)
        cursor.execute(f"DELETE FROM {dataset}.deleted_customers")
        other.commit()
        run.join()
    row = next(r for r in place.models()["customer_identities"] if r["customer_id"] == "a")
    assert row["is_deleted"]
    place.transform()
    assert not any(row["is_deleted"] for row in place.models()["customer_identities"])


def wait_for_a_waiting_query(postgres: str) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    with closing(psycopg2.connect(postgres)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        while time.monotonic() < deadline:
            cursor.execute("SELECT COUNT(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchall() != [(0,)]:
                return
            time.sleep(0.01)
    pytest.fail("no query waits for the lock")


def test_tables_that_were_never_loaded_are_named(tmp_path: Path, postgres: str) -> None:
    in_file = Target.open("duckdb", "gladly", tmp_path / "a")
    for target in (in_file, postgres_target(tmp_path / "b", postgres)):
        with pytest.raises(GiveUpError, match=r"not all of them are in .*helpdesk run gladly"):
            run_transforms(target, f"{target.dataset}_marts")


def test_a_destination_that_keeps_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="filesystem: it keeps files"):
        run_transforms(filesystem_target(tmp_path), "marts")


def test_two_runs_at_once_are_one_too_many(place: Place) -> None:
    with (
        open_workspace(place.target.data, "transform"),
        pytest.raises(GiveUpError, match="Another run"),
    ):
        place.transform()


def test_the_command_prints_models_and_their_rows(tmp_path: Path) -> None:
    place = prepared(Target.open("duckdb", "gladly", tmp_path / "data"), tmp_path)
    load_merges(place, Merge("a", "b", 1))
    place.load({DELETED_CUSTOMERS: deletion_rows(["x"])})
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "HELPDESK__MARTS_DATASET": "answers",
    }
    helpdesk = Commands(tmp_path, environment)
    report = helpdesk("transform", "--json").json
    assert (report["dataset"], report["destination"]) == ("answers", "duckdb")
    rows = {built["model"]: built["rows"] for built in report["models"]}
    assert rows.keys() == {model.name for model in MODELS}
    assert rows["merged_identities"] == 2
    assert rows["customer_identities"] == 3
    assert rows["conversation_identities"] == 0
    shown = helpdesk("transform").out.split()
    assert set(shown) >= {model.name for model in MODELS}
    assert shown[shown.index("customer_identities") + 1] == "3"
    refused = helpdesk("transform", "--destination", "filesystem")
    assert (refused.code, "keeps files" in refused.message) == (USAGE, True)
