"""The small Gladly that faults hurt, how it stands before they do, and what must be left of it.

day 1.3   a first run of everything                                  -> the base of each trial
day 3.3   the run that meets faults: two more jobs, a gap of events that is healed, and the rest
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pipelines.runner import Target
from sandbox import Sandbox, SandboxSettings, WorldSettings
from sources.gladly.settings import EVENTS_STREAM, EXPORT_STREAM
from tests.command.commands import BROKEN_LINE, CANARY_TOKEN, LINES
from tests.faults.leaks import words_of_customers
from tests.faults.runs import Ended, VirtualTime, attempts, whole_run
from tests.pipelines.events import day
from tests.pipelines.media import content_server
from tests.pipelines.runs import ITEMS, Tables, duckdb_target, read_tables

WORLD = WorldSettings(seed=15, items=40, days=4, broken_days=frozenset({2}))
FIRST_RUN, SECOND_RUN = day(1.3), day(3.3)
# limits have tests of their own: here they would only make runs long
UNLIMITED = 100_000

LINEAGE = {"_extracted_at", "_job_id", "_file", "_line"}
# what a run that failed had asked for already is asked for again
ASKED_AGAIN = {"requested_at", "read_at"}
# lists that one run could not read are read by the next one, a microsecond later
WHEN_READ = {"valid_from", "valid_to", "deleted_at"}
OF_RUNS = {"load_runs"}
# a 404 says that a file is gone, whatever became of its body, which the reason quotes
WORDED_AS_ANSWERED = {"media_files": {"reason"}}


@dataclass
class Faulty:
    """A Gladly that can be hurt, time that costs none, and the rows of a run that met no fault."""

    sandbox: Sandbox
    time: VirtualTime
    base: Path
    folder: Path
    expected: Counter[str] = field(default_factory=Counter)
    usual: Counter[tuple[str, str, str, bytes]] = field(default_factory=Counter)
    words: frozenset[str] = frozenset()
    elsewhere: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    other_host: str = ""
    trials: int = 0

    def target(self) -> Target:
        """Return a warehouse as it stands before the second run."""
        self.trials += 1
        place = self.folder / f"trial {self.trials}"
        shutil.copytree(self.base, place)
        return duckdb_target(place)

    def run(self, target: Target, **changed: object) -> Ended:
        """Run the job once."""
        return whole_run(self.sandbox, target, self.time, **changed)

    def differences(self, target: Target) -> list[str]:
        """Return each row that is missing, or one too many."""
        left = comparable(read_tables(target))
        missing, more = self.expected - left, left - self.expected
        return [f"missing: {row}" for row in missing] + [f"too many: {row}" for row in more]


def comparable(tables: Tables) -> Counter[str]:
    """Count each row, without what tells one run from another."""
    counted: Counter[str] = Counter()
    for name, rows in tables.items():
        if name in OF_RUNS:
            continue
        for row in rows:
            if name == "load_files" and row["stream"] not in {EXPORT_STREAM, EVENTS_STREAM}:
                continue
            left_out = {"run_id", "loaded_at", *ASKED_AGAIN, *WORDED_AS_ANSWERED.get(name, ())}
            if row.get("_file") not in EXPORTS_AND_EVENTS:
                left_out |= LINEAGE
            told = {
                column: moment(row[column]) if column in WHEN_READ else row[column]
                for column in row
                if column not in left_out
            }
            counted[f"{name} {told}"] += 1
    return counted


def moment(at: datetime | None) -> datetime | None:
    """Return a time without what a second reading at the same time of Gladly adds to it."""
    return at and at.replace(microsecond=0)


EXPORTS_AND_EVENTS = {ITEMS, "customers.jsonl", "events.jsonl"}


@contextmanager
def faulty_gladly(folder: Path) -> Iterator[Faulty]:
    """Serve the world; the base and the expected rows are made with it."""
    time = VirtualTime()
    settings = SandboxSettings(
        world=WORLD,
        now=FIRST_RUN,
        api_token=CANARY_TOKEN,
        requests_per_second=UNLIMITED,
        reports_per_minute=UNLIMITED,
        reports_at_once=UNLIMITED,
        seconds=time.clock,
    )
    with Sandbox(settings) as sandbox, content_server() as other:
        other.content = lambda _: (403, {}, b"")
        sandbox.add_job(
            {ITEMS: LINES + BROKEN_LINE + b"\n" * 20},
            updated_at=day(2.5),
            start_at=day(0),
            end_at=day(1),
        )
        faulty = Faulty(sandbox, time, folder / "base", folder)
        first = faulty.run(duckdb_target(faulty.base))
        sandbox.clock.set(SECOND_RUN)
        target = faulty.target()
        second = faulty.run(target)
        if first.error or second.error:
            raise AssertionError(first.shown + second.shown)
        faulty.expected = comparable(read_tables(target))
        faulty.usual = attempts(second.requests)
        faulty.other_host = other.address
        faulty.words = words_of_customers(read_tables(target))
        faulty.elsewhere = other.received
        yield faulty
