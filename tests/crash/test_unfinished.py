"""Models are built from what whole runs loaded: not while one is under way, nor after a kill."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.runner import Target
from pipelines.transform import run_transforms
from sources.http.errors import GiveUpError
from tests.crash.phases import BEHIND, FRONT, Crash, crash_at, later, ran
from tests.crash.places import MODEL_TABLES, DuckDbPlace, Place, PostgresPlace
from tests.crash.sweep import package_commits
from tests.crash.worker import CRASH_MODELS, DATASET, MARTS
from tests.forking import Forker
from tests.pipelines.runs import Tables

PLACES: dict[str, Callable[[str], Place]] = {
    "duckdb": lambda _: DuckDbPlace(),
    "postgres": PostgresPlace,
}


def transform(crash: Crash, case: Path, *, unfinished: bool = False) -> None:
    settings = crash.place.settings(case)
    target = Target.open(crash.place.name, DATASET, case / "data", **settings)
    run_transforms(target, MARTS, CRASH_MODELS, unfinished=unfinished)


def models(tables: Tables) -> dict[str, list[str]]:
    return {table.name: sorted(map(str, tables[table.name])) for table in MODEL_TABLES}


def loaded_a_part(was: Tables, now: Tables) -> bool:
    """Return whether a run loaded files and did not come to its end."""
    began = [row for row in now["load_runs"] if row not in was["load_runs"]]
    return len(now["load_files"]) > len(was["load_files"]) and began[0]["status"] == "begun"


@pytest.mark.parametrize(
    "destination", ["duckdb", pytest.param("postgres", marks=pytest.mark.slow)]
)
def test_models_never_show_a_part_of_a_run(
    destination: str,
    tmp_path: Path,
    postgres: str,
    worker: Forker,
    count_trials: Callable[[int], None],
) -> None:
    with crash_at(PLACES[destination](postgres), tmp_path, worker) as crash:
        base = tmp_path / "base"
        base.mkdir()
        for step in (ran(FRONT), ran(BEHIND), later(days=1)):
            step(crash, base)
        transform(crash, base)
        before = crash.place.read(base)
        ended = crash.place.copy(base, tmp_path / "ended")
        assert crash.run(FRONT, ended, {}) == 0
        commits = package_commits(crash.effects())
        refused = 0
        for number in commits:
            case = crash.place.copy(base, tmp_path / "killed")
            assert crash.run(FRONT, case, {}, kill_at_commit=number) == -signal.SIGKILL
            if not loaded_a_part(before, crash.place.read(case)):
                continue
            with pytest.raises(GiveUpError, match="was killed, or is still under way"):
                transform(crash, case)
            assert models(crash.place.read(case)) == models(before)
            refused += 1
            half = crash.place.copy(case, tmp_path / "half")
        count_trials(refused)
        transform(crash, half, unfinished=True)
        assert models(crash.place.read(half)) != models(before)
        assert crash.run(FRONT, half, {}) == 0
        transform(crash, half)
        transform(crash, ended)
        assert models(crash.place.read(half)) == models(crash.place.read(ended))
