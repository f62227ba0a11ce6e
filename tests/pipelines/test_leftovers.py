"""Whatever was left behind, the next run ends at the right rows without a person."""

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import Sandbox
from tests.pipelines import stopper
from tests.pipelines.events import day, gladly_with_events
from tests.pipelines.leftovers import DATABASE, STATES, Place, rows
from tests.pipelines.runs import duckdb_target, everything, read_duckdb, run

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
    """Data folders as undisturbed nights leave them, and the rows after the second."""

    sandbox: Sandbox
    stopper: subprocess.Popen[str]
    before: Path
    both: Counter[tuple[str, str]]
    second_only: Counter[tuple[str, str]]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    before, undisturbed, second = (
        tmp_path_factory.mktemp(name) for name in ("before", "undisturbed", "second")
    )
    command = [sys.executable, "-m", stopper.__name__]
    with (
        gladly_with_events(FIRST_NIGHT, items=60, days=4) as sandbox,
        subprocess.Popen(  # noqa: S603 - our own interpreter
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        run(sandbox, duckdb_target(before), selected=everything)
        shutil.copytree(before, undisturbed, dirs_exist_ok=True)
        sandbox.clock.set(SECOND_NIGHT)
        for folder in (undisturbed, second):
            run(sandbox, duckdb_target(folder), selected=everything)
        both, second_only = (rows(read_duckdb(at / DATABASE)) for at in (undisturbed, second))
        yield Nights(sandbox, process, before, both, second_only)
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.parametrize(
    "state",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in STATES],
)
def test_whatever_was_left_behind_the_next_run_ends_at_the_right_rows(
    state: str, nights: Nights, tmp_path: Path
) -> None:
    left = STATES[state]
    if left.after_a_night:
        shutil.copytree(nights.before, tmp_path, dirs_exist_ok=True)
    left.make(Place(tmp_path, nights.sandbox, nights.stopper))
    run(nights.sandbox, duckdb_target(tmp_path), selected=everything)
    found = rows(read_duckdb(tmp_path / DATABASE))
    expected = nights.both if left.after_a_night else nights.second_only
    assert sorted((expected - found).elements())[:3] == []
    assert sorted((found - expected).elements())[:3] == []
