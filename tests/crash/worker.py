"""Runs of the job that kill themselves: `python worker.py` forks one for each order it is given.

An order is a line of JSON: the sandbox's settings, the case's folder, whether to load what is
behind the exports and events (lists, reports, reads by id, files), `kill_at` and `kill_at_commit`.
The run counts its persistent side effects (files below the folder opened for writing, moved or
removed; statements and commits at the destination, before and after each) and sends itself SIGKILL
at that one, or after that one of its commits; 0 is never. The answer is a line of JSON: the exit
code, and the effects so far.
"""

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient

from pipelines.progress import NoProgress
from pipelines.runner import Target, run_gladly
from pipelines.settings import set_dlt_defaults
from sources.gladly.enrichment_types import ENRICHMENT_KINDS
from sources.gladly.selection import ENRICHMENT, MEDIA, REFERENCE, REPORTS
from sources.gladly.settings import GladlySettings

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_FILE_EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate"}


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
            self.commits += what == "after COMMIT"
            os.write(self.log, f"{what}\n".encode())
            is_commit = what == "after COMMIT" and self.commits == self.kill_at_commit
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


def watch_statements(effects: Effects) -> None:
    """Count statements and commits of dlt's DuckDB client, before and after each."""
    execute: Callable[..., Any] = DuckDbSqlClient.execute_query
    begin: Callable[..., Any] = DuckDbSqlClient.begin_transaction

    @contextmanager
    def execute_query(
        client: DuckDbSqlClient,
        query: Any,  # noqa: ANN401 - as dlt declares it
        *arguments: object,
        **options: object,
    ) -> Iterator[Any]:
        text = " ".join(str(query).split())[:100]
        effects.happen(f"before {text}")
        with execute(client, query, *arguments, **options) as cursor:
            effects.happen(f"after {text}")
            yield cursor

    @contextmanager
    def begin_transaction(client: DuckDbSqlClient, *arguments: object) -> Iterator[Any]:
        with begin(client, *arguments) as transaction:
            yield transaction
            effects.happen("before COMMIT")
        effects.happen("after COMMIT")

    for patched in (execute_query, begin_transaction):
        setattr(DuckDbSqlClient, patched.__name__, patched)


def run_once(order: dict[str, Any]) -> None:
    """Run the job as ordered."""
    case = Path(order["case"])
    settings = GladlySettings()
    settings.base_url, settings.email = order["base_url"], order["email"]
    settings.api_token = order["api_token"]
    settings.wait_for_jobs = 0.0
    settings.reports_per_minute = order["reports_per_minute"]
    settings.reports = ["ContactSummaryReportV2", "TaskExportReport"]
    settings.enrichment = [*ENRICHMENT_KINDS]
    # files of items are kept apart from the folder that a case may lose
    settings.media, settings.media_url = ["attachments"], str(case / "store")
    credentials = str(case / "warehouse.duckdb")
    target = Target.open("duckdb", "gladly", case / "data", credentials=credentials)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    effects = Effects(order["kill_at"], order["kill_at_commit"], log)
    watch_files(effects, str(case))
    watch_statements(effects)
    behind = {REFERENCE, REPORTS, ENRICHMENT, MEDIA}
    is_behind: bool = order["behind"]
    run_gladly(settings, target, NoProgress(), lambda name: (name in behind) == is_behind)


def forked(order: dict[str, Any]) -> int:
    """Run the job in a process of its own; return its exit code, negative if a signal ended it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            run_once(order)
            code = 0
        except Exception:  # noqa: BLE001 - whatever it is, the parent prints it
            Path(f"{order['log']}.error").write_text(traceback.format_exc())
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    """Obey orders until there are no more."""
    set_dlt_defaults()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(forked(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
