"""Kill a job, look at what it left, run it again, and compare with a job nobody killed."""

from __future__ import annotations

import hashlib
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sources.gladly.reference_types import REFERENCE_STREAM
from sources.gladly.settings import WORK_SESSIONS_STREAM
from tests.crash.phases import Crash, Phase
from tests.crash.worker import COMMITTED
from tests.pipelines.runs import RUN_SPECIFIC, Tables, counted_rows

Rows = Counter[tuple[str, str]]

AFTERWARDS = ("its folder stays", "its folder is lost")
FIGURES = ("kills", "reruns", "mixed", "lost", "doubled", "stuck")
# what tells one run from another
_RUN_SPECIFIC = {
    **RUN_SPECIFIC,
    # the request whose answer held a row: a rerun asks for the trailing span anew
    "work_session_events": frozenset({"_job_id", "_line"}),
    # what a killed run had erased already, what was lost with its folder, what came once more
    "erased_customers": frozenset({"raw_lines_erased", "rows_erased"}),
}
_WRITTEN_AT_THE_END = frozenset(
    {"export_jobs", "export_job_files", "export_schedules", "load_runs", "load_gaps"}
)
# what a killed run read of lists and of work sessions is loaded, and then read once more
_READ_AGAIN = {REFERENCE_STREAM, WORK_SESSIONS_STREAM}


@dataclass(frozen=True)
class Kill:
    """A moment to kill a job at: before a side effect, or after so many seconds.

    Attributes:
        afterwards: What becomes of its folder; the job is run again after each.
    """

    effect: int = 0
    seconds: float = 0.0
    afterwards: tuple[str, ...] = AFTERWARDS


@dataclass
class Findings:
    """What reruns left that a job nobody killed would not."""

    kills: int = 0
    reruns: int = 0
    mixed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)

    @property
    def violations(self) -> list[str]:
        """Every one of them, said in a line."""
        kinds = {"mixed": self.mixed, "lost": self.lost, "doubled": self.doubled}
        kinds["stuck"] = self.stuck
        return [f"{kind} {place}" for kind, places in kinds.items() for place in places]

    @property
    def row(self) -> str:
        """The figures, as a row of a table."""
        found = map(len, (self.mixed, self.lost, self.doubled, self.stuck))
        return "".join(f"{count:>9,}" for count in (self.kills, self.reruns, *found))


@dataclass
class Sweep:
    """A phase that is killed again and again.

    Attributes:
        base: The case as it stands before the job.
        effects: The side effects of a job nobody killed.
        expected: What it leaves.
        whole: What readers may see after a kill; None where packages arrive file by file.
    """

    crash: Crash
    phase: Phase
    base: Path
    effects: list[str]
    expected: Rows
    whole: list[Rows] | None

    @classmethod
    def of(cls, crash: Crash, phase: Phase, base: Path) -> Sweep:
        """Run the job once without a kill; look at what readers see before it and on the way."""
        unbroken = crash.place.copy(base, base.with_name("unbroken"))
        is_whole = crash.place.name != "filesystem"
        whole = [_loaded(crash.place.read(base))] if is_whole else None

        def look() -> None:
            if whole is not None and is_noticed(crash.effects()):
                whole.append(_loaded(crash.place.look(unbroken)))

        code = crash.run(phase.job, unbroken, phase.settings, at_commit=look)
        assert code == 0, crash.error()
        return cls(crash, phase, base, crash.effects(), rows(crash, unbroken), whole)

    def every_effect(self) -> list[Kill]:
        """Return a kill before each side effect; after every second one the folder is lost."""
        return [
            Kill(effect=number, afterwards=(AFTERWARDS[number % 2],))
            for number in range(1, len(self.effects) + 1)
        ]

    def some_effects(self, count: int) -> list[Kill]:
        """Return so many of them, spread evenly."""
        step = max(len(self.effects) // count, 1)
        return [Kill(effect=number) for number in range(1 + step // 2, len(self.effects) + 1, step)]

    def random_times(self, count: int, seed: int) -> list[Kill]:
        """Return so many moments of the job's time."""
        moments = random.Random(seed)  # noqa: S311 - no secret
        # the first run of all took longer: much is read and imported only once
        seconds = self._seconds()
        return [Kill(seconds=moments.uniform(0.01, 0.9 * seconds)) for _ in range(count)]

    def _seconds(self) -> float:
        case = self.crash.place.copy(self.base, self.base.with_name("timed"))
        started = time.monotonic()
        assert self.crash.run(self.phase.job, case, self.phase.settings) == 0, self.crash.error()
        return time.monotonic() - started

    def run(self, kills: Iterable[Kill]) -> Findings:
        """Kill the job at each moment; run it again with its folder, without it, or both."""
        found = Findings()
        for kill in kills:
            case = self.crash.place.copy(self.base, self.base.with_name("killed"))
            code = self.crash.run(
                self.phase.job,
                case,
                self.phase.settings,
                kill_at=kill.effect,
                kill_after=kill.seconds,
            )
            if code != -signal.SIGKILL:
                continue
            found.kills += 1
            place = self._told(kill)
            if self.whole is not None and _loaded(self.crash.place.read(case)) not in self.whole:
                found.mixed.append(place)
            for afterwards in kill.afterwards:
                self._rerun(case, f"{place}, {afterwards}", found)
        return found

    def _told(self, kill: Kill) -> str:
        last = next(reversed(self.crash.effects()), "nothing yet")
        return f"{kill.effect or f'{kill.seconds:.2f} s'}: {last}"

    def _rerun(self, killed: Path, place: str, found: Findings) -> None:
        rerun = self.crash.place.copy(killed, killed.with_name("rerun"))
        if place.endswith("is lost"):
            shutil.rmtree(rerun / "data", ignore_errors=True)
        found.reruns += 1
        if self.crash.run(self.phase.job, rerun, self.phase.settings) != 0:
            found.stuck.append(f"{place}: {self.crash.error()}")
            return
        left = rows(self.crash, rerun)
        found.lost += _cost(place, self.expected - left)
        found.doubled += _cost(place, left - self.expected)
        found.stuck += [f"{place}: {path} is left over" for path in _parts(rerun)]


def rows(crash: Crash, case: Path) -> Rows:
    """Return every row and every stored file of a case whose job ended.

    Runs are left out, since there are as many as ended, and which files they read again.
    """
    tables = crash.place.read(case)
    assert "done" in {row["status"] for row in tables.pop("load_runs")}
    files = tables["load_files"]
    tables["load_files"] = [row for row in files if row["stream"] not in _READ_AGAIN]
    gone = {row["customer_id"] for row in tables["erased_customers"]}
    named = _naming(case / "data" / "raw", gone)
    return counted_rows(tables, _RUN_SPECIFIC) + _stored(case) + named


def is_noticed(effects: Sequence[str]) -> bool:
    """Return whether readers notice the last effect, a commit: not that of a staging dataset."""
    *_, statement, _, _ = effects
    return "_staging" not in statement


def package_commits(effects: Sequence[str]) -> list[int]:
    """Return the numbers of the commits that readers notice.

    Counted as commits, from 1, not as effects: how many of these come before differs from run to
    run.
    """
    commits = [place for place, effect in enumerate(effects) if effect == COMMITTED]
    return [number for number, place in enumerate(commits, 1) if is_noticed(effects[: place + 1])]


def _loaded(tables: Tables) -> Rows:
    """Return the rows that came from files, without those a run writes at its end."""
    return counted_rows(
        {name: tables[name] for name in tables if name not in _WRITTEN_AT_THE_END}, _RUN_SPECIFIC
    )


def _stored(case: Path) -> Rows:
    """Count each attachment in the store."""
    return Counter(
        ("store", f"{path.relative_to(case)} {hashlib.sha256(path.read_bytes()).hexdigest()}")
        for path in (case / "store").rglob("*")
        if path.is_file()
    )


def _naming(archive: Path, customers: set[str]) -> Rows:
    """Count the raw files in which somebody who was erased is still named."""
    return Counter(
        ("raw archive", f"{path.name} names {customer}")
        for path in archive.rglob("*")
        if path.is_file()
        for customer in customers
        if customer.encode() in path.read_bytes()
    )


def _parts(case: Path) -> list[str]:
    """Return the files that a job which ended should not have left."""
    left = (*case.rglob("*.part"), *case.rglob("*.wal"), *(case / "data").glob("work/*"))
    return [str(path.relative_to(case)) for path in left]


def _cost(place: str, rows: Rows) -> list[str]:
    """Return what a kill at some place cost, with one of the rows; nothing if it cost none."""
    return [f"{place}: {rows.total()} rows, such as {min(rows)}"] if rows else []
