"""Whatever was left behind, the next run ends at the right rows without a person."""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from pipelines.runner import Target
from sandbox import Sandbox
from tests.forking import Forker, started
from tests.pipelines import stopper
from tests.pipelines.events import day, gladly_with_events
from tests.pipelines.leftovers import DATABASE, STATES, Place, rows
from tests.pipelines.runs import everything, read_tables, run

FIRST_NIGHT, SECOND_NIGHT = day(2.25), day(2.75)
# one of each kind; all of them in `make crash`
QUICK = {
    "dlt: a job started",
    "schema that is garbage",
    "staging full",
    "lock that is a folder",
    "events cut after a line",
    "items without their job",
    "log of a later state",
    "database cut between headers",
}


@dataclass(frozen=True)
class Nights:
    """A Gladly, data folders as a first night leaves them, and the rows after the second."""

    sandbox: Sandbox
    stopper: Forker
    before: dict[str, Path]
    both: Counter[tuple[str, str]]
    second_only: Counter[tuple[str, str]]


def settings_of(destination: str, data: Path, postgres: str) -> dict[str, str]:
    if destination == "filesystem":
        return {"bucket_url": str(data / "lake")}
    return {"credentials": str(data / DATABASE) if destination == "duckdb" else postgres}


def target_of(destination: str, data: Path, postgres: str) -> Target:
    # datasets of a server are not copied with the folder: each has its own
    dataset = f"left_{uuid4().hex[:8]}" if destination == "postgres" else "gladly"
    return Target.open(destination, dataset, data, **settings_of(destination, data, postgres))


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    with (
        gladly_with_events(FIRST_NIGHT, items=60, days=4) as sandbox,
        started(stopper.__name__) as forker,
    ):
        before = {name: tmp_path_factory.mktemp(name) for name in ("duckdb", "filesystem")}
        for name, folder in before.items():
            run(sandbox, target_of(name, folder, ""), selected=everything)
        undisturbed = tmp_path_factory.mktemp("undisturbed")
        shutil.copytree(before["duckdb"], undisturbed, dirs_exist_ok=True)
        sandbox.clock.set(SECOND_NIGHT)
        found = []
        for folder in (undisturbed, tmp_path_factory.mktemp("second")):
            target = target_of("duckdb", folder, "")
            run(sandbox, target, selected=everything)
            found.append(rows(read_tables(target)))
        yield Nights(sandbox, forker, before, *found)


def after_a_night(destination: str, nights: Nights, folder: Path, postgres: str) -> Target:
    if destination in nights.before:
        shutil.copytree(nights.before[destination], folder, dirs_exist_ok=True)
        return target_of(destination, folder, postgres)
    target = target_of(destination, folder, postgres)
    nights.sandbox.clock.set(FIRST_NIGHT)
    run(nights.sandbox, target, selected=everything)
    nights.sandbox.clock.set(SECOND_NIGHT)
    return target


@pytest.mark.parametrize(
    "state",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in STATES],
)
def test_whatever_was_left_behind_the_next_run_ends_at_the_right_rows(
    state: str, nights: Nights, tmp_path: Path, postgres: str
) -> None:
    left = STATES[state]
    target = (
        after_a_night(left.destination, nights, tmp_path, postgres)
        if left.after_a_night
        else target_of(left.destination, tmp_path, postgres)
    )
    settings = settings_of(left.destination, tmp_path, postgres)
    left.make(Place(target, settings, nights.sandbox, nights.stopper))
    run(nights.sandbox, target, selected=everything)
    found = rows(read_tables(target))
    expected = nights.both if left.after_a_night else nights.second_only
    assert sorted((expected - found).elements())[:3] == []
    assert sorted((found - expected).elements())[:3] == []
