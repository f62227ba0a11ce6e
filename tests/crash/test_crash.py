"""A run may be killed anywhere: the next one ends by itself, with the rows of one unbroken run."""

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox import Sandbox, SandboxSettings, WorldSettings
from sources.gladly.reference_types import REFERENCE_STREAM
from sources.gladly.settings import WORK_SESSIONS_STREAM
from tests.pipelines.runs import Tables, read_duckdb

WORLD = WorldSettings(items=300, days=3, broken_days=frozenset({1}))
SAMPLE = 5
UNLIMITED = 100_000
# what tells one run from another
RUN_SPECIFIC = {
    "load_files": {"run_id", "loaded_at"},
    # the request whose answer held a row: a rerun asks for the trailing span anew
    "work_session_events": {"_job_id", "_line"},
}
ORIGIN_IS_THE_RUN = {"export_jobs", "export_job_files", "export_schedules"}
DATABASE = "warehouse.duckdb"
FIRST_LOAD, INCREMENT = "first load", "increment"
BEHIND = "lists, reports, reads by id and files"
FIGURES = ("kill points", "mixed", "lost", "duplicate", "stuck")
AFTERWARDS = ("its folder stays", "its folder is lost")


@dataclass
class Worker:
    """The process that forks runs."""

    process: subprocess.Popen[str]
    sandbox: Sandbox
    log: Path
    behind: bool = False

    def run(self, case: Path, kill_at: int = 0, *, kill_at_commit: int = 0) -> int:
        """Run the job on a case; return the exit code."""
        order = {
            "case": str(case),
            "log": str(self.log),
            "kill_at": kill_at,
            "kill_at_commit": kill_at_commit,
            "base_url": self.sandbox.base_url,
            "email": self.sandbox.email,
            "api_token": self.sandbox.api_token,
            "reports_per_minute": UNLIMITED,
            "behind": self.behind,
        }
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the worker has no pipes")
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        code: int = json.loads(self.process.stdout.readline())
        return code

    def effects(self) -> list[str]:
        """Return the side effects of the last run."""
        return self.log.read_text().splitlines()


@dataclass
class Findings:
    """What reruns left that an unbroken run would not."""

    kill_points: int = 0
    mixed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    duplicate: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)

    @property
    def row(self) -> str:
        """The figures, as a row of a table."""
        found = (self.mixed, self.lost, self.duplicate, self.stuck)
        counts = (self.kill_points, *map(len, found))
        return "".join(f"{count:>13}" for count in counts)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    script = Path(__file__).with_name("worker.py")
    settings = SandboxSettings(
        world=WORLD,
        requests_per_second=UNLIMITED,
        reports_per_minute=UNLIMITED,
        reports_at_once=UNLIMITED,
    )
    with (
        Sandbox(settings) as sandbox,
        subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        yield Worker(process, sandbox, tmp_path / "effects.log")
        if process.stdin is not None:
            process.stdin.close()


def prepared(worker: Worker, phase: str, tmp_path: Path) -> Path:
    """Return a case as it stands before the run that is killed."""
    base = tmp_path / "base"
    base.mkdir()
    if phase == FIRST_LOAD:
        return base
    assert worker.run(base) == 0
    if phase == BEHIND:
        # a first load of reports fills empty tables, as one of exports does
        worker.behind = True
        assert worker.run(base) == 0
    worker.sandbox.clock.advance(timedelta(days=1))
    if phase == BEHIND:
        worker.behind = False
        assert worker.run(base) == 0
        worker.behind = True
    return base


def sweep(worker: Worker, base: Path, tmp_path: Path, sample: int | None) -> dict[str, Findings]:
    """Kill a run at each of so many of its effects, rerun it, and compare with an unbroken run.

    Before the rerun readers must see whole packages: what was there after some commit of an
    unbroken run. A first load is excepted: it fills empty tables one after the other.
    """
    unbroken = copied(base, tmp_path / "unbroken")
    assert worker.run(unbroken) == 0
    effects = worker.effects()
    expected = rows(unbroken)
    whole = whole_packages(worker, base, tmp_path, effects) if (base / DATABASE).exists() else None
    step = max(len(effects) // sample, 1) if sample else 1
    findings = {afterwards: Findings() for afterwards in AFTERWARDS}
    for kill_at in range(1, len(effects) + 1, step):
        killed = copied(base, tmp_path / "killed")
        if worker.run(killed, kill_at) != -signal.SIGKILL:
            continue
        place = f"{kill_at}: {worker.effects()[-1]}"
        mixed = whole is not None and loaded(killed) not in whole
        for afterwards, found in findings.items():
            found.mixed += [place] * mixed
            rerun = copied(killed, tmp_path / "rerun")
            if afterwards == "its folder is lost":
                shutil.rmtree(rerun / "data", ignore_errors=True)
            found.kill_points += 1
            if worker.run(rerun) != 0:
                error = worker.log.with_name(f"{worker.log.name}.error")
                found.stuck.append(f"{place}: {error.read_text().splitlines()[-1]}")
                continue
            left = rows(rerun)
            found.lost += told(place, expected - left)
            found.duplicate += told(place, left - expected)
    return findings


def told(place: str, rows: Counter[tuple[str, str]]) -> list[str]:
    """Return what a kill at some place cost, with one of the rows; nothing if it cost none."""
    return [f"{place}: {rows.total()} rows, such as {min(rows)}"] if rows else []


def whole_packages(
    worker: Worker, base: Path, tmp_path: Path, effects: list[str]
) -> list[Counter[tuple[str, str]]]:
    """Return what readers see before an unbroken run, and after each of its commits.

    What dlt commits in the staging dataset is left out: to readers, nothing happens then.
    """
    states = [loaded(base)]
    commits = [place for place, effect in enumerate(effects) if effect == "after COMMIT"]
    # counted as commits, not as effects: how many of these come before differs from run to run
    for number, place in enumerate(commits, 1):
        if '"gladly_staging"' not in effects[place - 2]:
            case = copied(base, tmp_path / "committed")
            assert worker.run(case, kill_at_commit=number) == -signal.SIGKILL
            states.append(loaded(case))
    return states


def rows(case: Path) -> Counter[tuple[str, str]]:
    """Return every row, but those of runs: there are as many as runs ended."""
    tables = read_duckdb(case / DATABASE)
    assert "done" in {row["status"] for row in tables.pop("load_runs")}
    # what a killed run read of lists and of work sessions is loaded, and then read once more
    again = {REFERENCE_STREAM, WORK_SESSIONS_STREAM}
    files = tables["load_files"]
    tables["load_files"] = [row for row in files if row["stream"] not in again]
    return counted_rows(tables)


def loaded(case: Path) -> Counter[tuple[str, str]]:
    """Return the rows that came from files, without those a run writes at its end."""
    tables = read_duckdb(case / DATABASE)
    at_the_end = ORIGIN_IS_THE_RUN | {"load_runs", "load_gaps"}
    return counted_rows({name: tables[name] for name in tables if name not in at_the_end})


def counted_rows(tables: Tables) -> Counter[tuple[str, str]]:
    """Count each row, without what tells one run from another."""
    counted: Counter[tuple[str, str]] = Counter()
    for table, found in tables.items():
        ignored = RUN_SPECIFIC.get(table, {"_job_id"} if table in ORIGIN_IS_THE_RUN else set())
        for row in found:
            counted[table, str({name: row[name] for name in row if name not in ignored})] += 1
    return counted


def copied(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target


def check(phase: str, findings: dict[str, Findings]) -> None:
    """Print the figures of PROMISES.md and require those that must be 0."""
    heading = "".join(f"{name:>13}" for name in FIGURES)
    print(f"\n{phase:<40}{heading}")  # noqa: T201 - `make crash` prints the figures
    for afterwards, found in findings.items():
        print(f"{afterwards:<40}{found.row}")  # noqa: T201 - the same
        for cost in (*found.mixed, *found.lost, *found.duplicate, *found.stuck):
            print(cost)  # noqa: T201 - the same
        assert found.kill_points > 0
        assert (found.mixed, found.lost, found.duplicate, found.stuck) == ([], [], [], [])


@pytest.mark.parametrize("phase", [FIRST_LOAD, INCREMENT, BEHIND])
def test_a_run_that_is_killed_loses_and_doubles_nothing(
    phase: str, worker: Worker, tmp_path: Path
) -> None:
    base = prepared(worker, phase, tmp_path)
    check(phase, sweep(worker, base, tmp_path, SAMPLE))


@pytest.mark.slow
@pytest.mark.parametrize("phase", [FIRST_LOAD, INCREMENT, BEHIND])
def test_a_run_that_is_killed_at_any_effect_loses_and_doubles_nothing(
    phase: str, worker: Worker, tmp_path: Path
) -> None:
    base = prepared(worker, phase, tmp_path)
    check(phase, sweep(worker, base, tmp_path, None))
