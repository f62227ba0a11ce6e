"""What is killed: a job, and what happened before it. A new phase is one entry in `PHASES`."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path

from sandbox import Sandbox, SandboxSettings, WorldSettings
from tests.crash import worker
from tests.crash.places import Place
from tests.crash.worker import Order
from tests.forking import Forker
from tests.pipelines.test_erasing_runs import delete

WORLD = WorldSettings(items=300, days=3, broken_days=frozenset({1}))
UNLIMITED = 100_000
FRONT, BEHIND = "exports and events", "lists, reports, reads by id and files"
EVERYTHING, BACKFILL, TRANSFORM = "everything", "backfill", "transform"


@dataclass
class Crash:
    """A sandbox, a place, and the process that forks jobs."""

    sandbox: Sandbox
    place: Place
    forker: Forker
    log: Path

    def run(
        self,
        job: str,
        case: Path,
        settings: Mapping[str, object],
        *,
        kill_at: int = 0,
        kill_at_commit: int = 0,
        kill_after: float = 0.0,
        at_commit: Callable[[], None] | None = None,
    ) -> int:
        """Run a job on a case; return the exit code.

        ``at_commit`` is called after each commit, while the job stands still.
        """
        of_sandbox = {
            "base_url": self.sandbox.base_url,
            "email": self.sandbox.email,
            "api_token": self.sandbox.api_token,
            "reports_per_minute": UNLIMITED,
        }
        order = Order(
            job,
            str(case),
            self.place.name,
            self.place.settings(case),
            str(self.log),
            {**of_sandbox, **settings},
            kill_at,
            kill_at_commit,
            kill_after,
            at_commit is not None,
        )
        code: int | None = self.forker.ask(json.dumps(asdict(order)))
        while code is None:
            try:
                if at_commit is not None:
                    at_commit()
            except BaseException:
                # other tests have the same worker
                self.forker.ask(worker.END)
                raise
            code = self.forker.ask(worker.GO_ON)
        return code

    def effects(self) -> list[str]:
        """Return the side effects of the last run."""
        return self.log.read_text().splitlines()

    def error(self) -> str:
        """Return the last line of why a run failed."""
        return self.log.with_name(f"{self.log.name}.error").read_text().splitlines()[-1]


Step = Callable[[Crash, Path], None]


def ran(job: str) -> Step:
    """Let a job run to its end."""

    def step(crash: Crash, base: Path) -> None:
        assert crash.run(job, base, {}) == 0, crash.error()

    return step


def later(**duration: float) -> Step:
    """Let time pass."""
    return lambda crash, _: crash.sandbox.clock.advance(timedelta(**duration))


def killed(job: str, share: float) -> Step:
    """Kill a job after such a share of its side effects."""

    def step(crash: Crash, base: Path) -> None:
        unbroken = crash.place.copy(base, base.with_name("counted"))
        assert crash.run(job, unbroken, {}) == 0, crash.error()
        kill_at = int(len(crash.effects()) * share)
        assert crash.run(job, base, {}, kill_at=kill_at) == -signal.SIGKILL

    return step


def customer_deleted(crash: Crash, base: Path) -> None:
    """Let Gladly delete a customer who is in items and events."""
    tables = crash.place.read(base)
    first, *_ = sorted(
        {row["customer_id"] for row in tables["contact_events"] if row["customer_id"]}
        & {row["customer_id"] for row in tables["conversation_items"]}
    )
    delete(crash.sandbox, first)


@dataclass(frozen=True)
class Phase:
    """A job to kill.

    Attributes:
        job: Its name, see `tests/crash/worker.py`.
        before: What happened before it.
        settings: Settings of Gladly that differ from those of all phases.
    """

    job: str
    before: tuple[Step, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)


PHASES = {
    "first load": Phase(FRONT),
    "increment": Phase(FRONT, (ran(FRONT), later(days=1))),
    # a drain: two days behind, a run of which was killed
    "drain": Phase(FRONT, (ran(FRONT), later(days=2), killed(FRONT, 0.5))),
    "lists, reports, reads, files": Phase(
        BEHIND, (ran(FRONT), ran(BEHIND), later(days=1), ran(FRONT))
    ),
    "backfill": Phase(BACKFILL, (later(days=10), ran(FRONT))),
    "transform": Phase(TRANSFORM, (ran(FRONT), ran(TRANSFORM), later(days=1), ran(FRONT))),
    "erase": Phase(
        EVERYTHING,
        (ran(EVERYTHING), customer_deleted, later(hours=1)),
        {"on_customer_deleted": "erase"},
    ),
}


@contextmanager
def crash_at(place: Place, folder: Path, forker: Forker) -> Iterator[Crash]:
    """Start a sandbox; ``forker`` forks jobs."""
    settings = SandboxSettings(
        world=WORLD,
        requests_per_second=UNLIMITED,
        reports_per_minute=UNLIMITED,
        reports_at_once=UNLIMITED,
    )
    with Sandbox(settings) as sandbox:
        yield Crash(sandbox, place, forker, folder / "effects.log")


def prepared(crash: Crash, phase: Phase, folder: Path) -> Path:
    """Return a case as it stands before the job that is killed."""
    base = folder / "base"
    base.mkdir()
    for step in phase.before:
        step(crash, base)
    return base
