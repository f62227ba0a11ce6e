"""A job may be killed anywhere: the next run ends by itself, with the rows of one unbroken run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.crash.phases import PHASES, crash_at, prepared
from tests.crash.places import DuckDbPlace, FolderPlace, Place, PostgresPlace
from tests.crash.sweep import FIGURES, Findings, Sweep
from tests.forking import Forker

SAMPLE = 2
MANY = 40
RANDOM_KILLS = 50
PLACES: dict[str, Callable[[str], Place]] = {
    "duckdb": lambda _: DuckDbPlace(),
    "postgres": PostgresPlace,
    "filesystem": lambda _: FolderPlace(),
}
# elsewhere dlt loads, with a thousand side effects a package: some of them are tried
KILLS = [
    *(pytest.param("duckdb", phase, SAMPLE) for phase in PHASES),
    pytest.param("postgres", "increment", SAMPLE),
    pytest.param("filesystem", "increment", SAMPLE),
    *(
        pytest.param(destination, phase, MANY, marks=pytest.mark.slow)
        for destination in ("postgres", "filesystem")
        for phase in ("increment", "first load")
    ),
]
NIGHTLY = ["first load", "increment", "drain", "lists, reports, reads, files"]


@pytest.fixture
def check(
    count_trials: Callable[[int], None],
    count_violations: Callable[[int], None],
    show_figures: Callable[[str], None],
) -> Callable[[str, Findings], None]:
    """Show the figures of PROMISES.md and require that what must be 0 is 0."""

    def checked(name: str, found: Findings) -> None:
        heading = "".join(f"{figure:>9}" for figure in FIGURES)
        show_figures(f"{name:<70}{found.row}   ({heading.strip()})")
        count_trials(found.reruns)
        if found.violations:
            count_violations(len(found.violations))
        assert found.reruns > 0
        assert found.violations == []

    return checked


@contextmanager
def sweep_of(
    destination: str, phase: str, folder: Path, postgres: str, worker: Forker
) -> Iterator[Sweep]:
    with crash_at(PLACES[destination](postgres), folder, worker) as crash:
        yield Sweep.of(crash, PHASES[phase], prepared(crash, PHASES[phase], folder))


@pytest.mark.parametrize(("destination", "phase", "kills"), KILLS)
def test_a_job_that_is_killed_loses_and_doubles_nothing(
    destination: str,
    phase: str,
    kills: int,
    tmp_path: Path,
    postgres: str,
    worker: Forker,
    check: Callable[[str, Findings], None],
) -> None:
    with sweep_of(destination, phase, tmp_path, postgres, worker) as sweep:
        found = sweep.run(sweep.some_effects(kills))
        check(f"{destination}, {phase}, some effects", found)


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
def test_a_job_that_is_killed_at_any_effect_loses_and_doubles_nothing(
    phase: str, tmp_path: Path, worker: Forker, check: Callable[[str, Findings], None]
) -> None:
    with sweep_of("duckdb", phase, tmp_path, "", worker) as sweep:
        check(f"duckdb, {phase}, every effect", sweep.run(sweep.every_effect()))


@pytest.mark.slow
@pytest.mark.parametrize("phase", NIGHTLY)
def test_a_job_that_is_killed_at_any_time_loses_and_doubles_nothing(
    phase: str, tmp_path: Path, worker: Forker, check: Callable[[str, Findings], None]
) -> None:
    with sweep_of("duckdb", phase, tmp_path, "", worker) as sweep:
        kills = sweep.random_times(RANDOM_KILLS, seed=NIGHTLY.index(phase))
        check(f"duckdb, {phase}, random times", sweep.run(kills))
