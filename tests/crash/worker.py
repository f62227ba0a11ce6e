"""Jobs that kill themselves: `python worker.py` forks one for each order it is given.

An order is a line of JSON, as `Order` declares it. The job counts its persistent side effects
(files below the case's folder opened for writing, moved or removed; statements that write, and
commits, at the destination) and sends itself SIGKILL at that one, before it happens, or after that
one of its commits; or it is sent one after so many seconds. 0 is never. The answer is a line of
JSON: the exit code, negative if a signal ended it.
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

DATASET, MARTS = "gladly", "gladly_marts"
BEHIND = frozenset({REFERENCE, REPORTS, ENRICHMENT, MEDIA})
COMMITTED = "after COMMIT"
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_FILE_EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate"}
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


@dataclass
class Effects:
    """Counts side effects and ends the process at the one that was ordered."""

    kill_at: int
    kill_at_commit: int
    log: int
    count: int = 0
    commits: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def happen(self, what: str) -> None:
        """Count one; the log is written before the process can end."""
        with self.lock:
            self.count += 1
            self.commits += what == COMMITTED
            os.write(self.log, f"{what}\n".encode())
            is_commit = what == COMMITTED and self.commits == self.kill_at_commit
            if self.count == self.kill_at or is_commit:
                os.kill(os.getpid(), signal.SIGKILL)


def watch_files(effects: Effects, folder: str) -> None:
    """Count what happens to files below a folder, from here to the end of the process."""

    def is_below(path: object) -> bool:
        # removing a whole tree names files relative to an open folder
        return isinstance(path, str | Path) and (
            str(path).startswith(folder) or not Path(path).is_absolute()
        )

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITING and is_below(path):
                effects.happen(f"open {path}")
        elif event in _FILE_EVENTS and is_below(arguments[0]):
            effects.happen(f"{event} {arguments[0]}")

    sys.addaudithook(hook)


def watch_statements(effects: Effects, client_class: type[SqlClientBase[Any]]) -> None:
    """Count statements that write, and commits, of dlt's client for a destination."""
    execute: Callable[..., Any] = client_class.execute_query
    begin: Callable[..., Any] = client_class.begin_transaction

    @contextmanager
    def execute_query(
        client: SqlClientBase[Any],
        query: Any,  # noqa: ANN401 - as dlt declares it
        *arguments: object,
        **options: object,
    ) -> Iterator[Any]:
        text = " ".join(str(query).split())[:100]
        if not text.startswith("SELECT"):
            effects.happen(text)
        with execute(client, query, *arguments, **options) as cursor:
            yield cursor

    @contextmanager
    def begin_transaction(client: SqlClientBase[Any], *arguments: object) -> Iterator[Any]:
        with begin(client, *arguments) as transaction:
            yield transaction
            effects.happen("before COMMIT")
        effects.happen(COMMITTED)

    for patched in (execute_query, begin_transaction):
        setattr(client_class, patched.__name__, patched)


def _front(settings: GladlySettings, target: Target) -> None:
    run_gladly(settings, target, NoProgress(), lambda name: name not in BEHIND)


def _behind(settings: GladlySettings, target: Target) -> None:
    run_gladly(settings, target, NoProgress(), lambda name: name in BEHIND)


def _everything(settings: GladlySettings, target: Target) -> None:
    run_gladly(settings, target, NoProgress())


def _backfill(settings: GladlySettings, target: Target) -> None:
    backfill_gladly(settings, target, NoProgress(), date(2026, 3, 1), date(2026, 3, 3))


def _transform(_: GladlySettings, target: Target) -> None:
    run_transforms(target, MARTS)


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
    effects = Effects(order.kill_at, order.kill_at_commit, log)
    watch_files(effects, str(case))
    if order.destination in _CLIENTS:
        watch_statements(effects, _CLIENTS[order.destination])
    JOBS[order.job](settings, target)


def forked(order: Order) -> int:
    """Run the job in a process of its own; return its exit code, negative if a signal ended it."""
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
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    """Obey orders until there are no more."""
    set_dlt_defaults()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(forked(Order(**json.loads(line)))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
