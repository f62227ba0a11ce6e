"""Jobs that kill themselves: `python -m tests.crash.worker` forks one for each order it is given.

An order is a line of JSON, as `Order` declares it. The job counts its persistent side effects
(files below the case's folder opened for writing, moved or removed; statements that write, and
commits, at the destination) and sends itself SIGKILL at that one, before it happens, or after that
one of its commits; or it is sent one after so many seconds. 0 is never. The answer is a line of
JSON: the exit code, negative if a signal ended it.

Where it is ordered to, the job stops after each of its commits: the answer is null, and it goes on
once it is sent "go on"; any other line ends it.
"""

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient
from dlt.destinations.impl.postgres.sql_client import Psycopg2SqlClient
from dlt.destinations.sql_client import SqlClientBase

from pipelines.progress import NoProgress
from pipelines.runner import Target, backfill_gladly, run_gladly
from pipelines.settings import set_dlt_defaults
from pipelines.transform import run_transforms
from sources.gladly.enrichment_types import ENRICHMENT_KINDS
from sources.gladly.selection import ENRICHMENT, MEDIA, REFERENCE, REPORTS
from sources.gladly.settings import GladlySettings
from tests.crash.watching import watch_files, watch_statements
from tests.forking import answer
from transforms.models import MODELS

DATASET, MARTS = "gladly", "gladly_marts"
# one of each way in which models are built; all of them would be a thousand statements more
CRASH_MODELS = tuple(
    model
    for model in MODELS
    if model.name
    in {
        "merged_identities",
        "customer_identities",
        "conversation_identities",
        "local_days",
        "unseen_jobs",
        "moved_identities",
        "changed_items",
        "changed_items_before",
        "changed_conversations",
        "conversation_timeline",
        "conversation_participation",
        "agent_availability_half_hours",
    }
)
BEHIND = frozenset({REFERENCE, REPORTS, ENRICHMENT, MEDIA})
COMMITTED = "after COMMIT"
GO_ON, END = "go on", "end"
_CLIENTS: dict[str, type[SqlClientBase[Any]]] = {
    "duckdb": DuckDbSqlClient,
    "postgres": Psycopg2SqlClient,
}


@dataclass
class Order:
    """What to run, where, and when to kill it.

    Attributes:
        job: A name in `JOBS`.
        case: The folder of the case; its data folder is `data`, its store of files `store`.
        destination: Its name as in dlt.
        target: Settings of the destination.
        log: The file that the side effects are written to, a line each.
        settings: Settings of Gladly that differ from their defaults.
    """

    job: str
    case: str
    destination: str
    target: dict[str, str]
    log: str
    settings: dict[str, Any]
    kill_at: int = 0
    kill_at_commit: int = 0
    kill_after: float = 0.0
    stop_at_commits: bool = False


@dataclass
class Effects:
    """Counts side effects; ends or stops the process at those that were ordered."""

    kill_at: int
    kill_at_commit: int
    stop_at_commits: bool
    log: int
    count: int = 0
    commits: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def happen(self, what: str) -> None:
        """Count one; the log is written before the process can end."""
        with self.lock:
            self.count += 1
            is_commit = what == COMMITTED
            self.commits += is_commit
            os.write(self.log, f"{what}\n".encode())
            if self.count == self.kill_at or (is_commit and self.commits == self.kill_at_commit):
                os.kill(os.getpid(), signal.SIGKILL)
            if is_commit and self.stop_at_commits:
                # to this thread: of a signal to the process it need not be the one that stops first
                signal.raise_signal(signal.SIGSTOP)

    def ask(self, statement: str) -> None:
        """Count a statement that writes."""
        if not statement.startswith("SELECT"):
            self.happen(statement[:100])


def watch_commits(effects: Effects, client_class: type[SqlClientBase[Any]]) -> None:
    """Count commits of a client of dlt, before and after each."""
    begin: Callable[..., Any] = client_class.begin_transaction

    @contextmanager
    def begin_transaction(client: SqlClientBase[Any], *arguments: object) -> Iterator[Any]:
        with begin(client, *arguments) as transaction:
            yield transaction
            effects.happen("before COMMIT")
        effects.happen(COMMITTED)

    setattr(client_class, begin_transaction.__name__, begin_transaction)


def _front(settings: GladlySettings, target: Target) -> None:
    run_gladly(settings, target, NoProgress(), lambda name: name not in BEHIND)


def _behind(settings: GladlySettings, target: Target) -> None:
    run_gladly(settings, target, NoProgress(), lambda name: name in BEHIND)


def _everything(settings: GladlySettings, target: Target) -> None:
    run_gladly(settings, target, NoProgress())


def _backfill(settings: GladlySettings, target: Target) -> None:
    backfill_gladly(settings, target, NoProgress(), date(2026, 3, 1), date(2026, 3, 3))


def _transform(_: GladlySettings, target: Target) -> None:
    run_transforms(target, MARTS, CRASH_MODELS)


JOBS: Mapping[str, Callable[[GladlySettings, Target], None]] = {
    "exports and events": _front,
    "lists, reports, reads by id and files": _behind,
    "everything": _everything,
    "backfill": _backfill,
    "transform": _transform,
}


def run_job(order: Order) -> None:
    """Run a job as ordered."""
    case = Path(order.case)
    settings = GladlySettings()
    settings.wait_for_jobs = 0.0
    settings.reports = ["ContactSummaryReportV2", "TaskExportReport"]
    settings.enrichment = [*ENRICHMENT_KINDS]
    # files of items are kept apart from the folder that a case may lose
    settings.media, settings.media_url = ["attachments"], str(case / "store")
    for name, value in order.settings.items():
        setattr(settings, name, value)
    target = Target.open(order.destination, DATASET, case / "data", **order.target)
    log = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    effects = Effects(order.kill_at, order.kill_at_commit, order.stop_at_commits, log)
    watch_files(effects.happen, str(case))
    if order.destination in _CLIENTS:
        client_class = _CLIENTS[order.destination]
        watch_statements(effects.ask, lambda _: None, client_class)
        watch_commits(effects, client_class)
    JOBS[order.job](settings, target)


def forked(order: Order) -> int:
    """Run the job in a process of its own; return its number."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            run_job(order)
            code = 0
        except Exception:  # noqa: BLE001 - whatever it is, the parent prints it
            Path(f"{order.log}.error").write_text(traceback.format_exc())
        finally:
            os._exit(code)
    if order.kill_after:
        time.sleep(order.kill_after)
        os.kill(child, signal.SIGKILL)
    return child


def waited(child: int) -> int | None:
    """Wait for a job; return its exit code, negative if a signal ended it, None if it stopped."""
    _, status = os.waitpid(child, os.WUNTRACED)
    return None if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)


def main() -> None:
    """Obey orders until there are no more."""
    set_dlt_defaults()
    while line := sys.stdin.readline():
        child = forked(Order(**json.loads(line)))
        while (code := waited(child)) is None:
            answer(None)
            may_go_on = sys.stdin.readline().strip() == GO_ON
            os.kill(child, signal.SIGCONT if may_go_on else signal.SIGKILL)
        answer(code)


if __name__ == "__main__":
    main()
