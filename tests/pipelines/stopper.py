"""Runs that kill themselves: `python -m tests.pipelines.stopper` forks one for each order.

An order is a line of JSON: where to load, how to reach the sandbox, and a pattern. The run sends
itself SIGKILL at the first thing that it does to a file, or asks of the destination, whose name
matches the pattern. The answer is a line of JSON: the exit code, negative if a signal ended it.
"""

import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient
from dlt.destinations.impl.postgres.sql_client import Psycopg2SqlClient

from pipelines.progress import NoProgress
from pipelines.runner import Target, run_gladly
from pipelines.settings import set_dlt_defaults
from sources.gladly.settings import GladlySettings
from tests.crash.watching import watch_files, watch_statements
from tests.forking import answer
from tests.pipelines.runs import everything


def stop_at(pattern: re.Pattern[str], folder: str) -> None:
    """Kill this process at the first thing it does whose name matches."""

    def happen(what: str) -> None:
        if pattern.search(what):
            os.kill(os.getpid(), signal.SIGKILL)

    watch_files(happen, folder)
    for client_class in (DuckDbSqlClient, Psycopg2SqlClient):
        watch_statements(
            lambda text: happen(f"before {text}"),
            lambda text: happen(f"after {text}"),
            client_class,
        )


def run_once(order: dict[str, Any]) -> None:
    """Run the job as ordered."""
    settings = GladlySettings()
    settings.base_url, settings.email = order["base_url"], order["email"]
    settings.api_token, settings.wait_for_jobs = order["api_token"], 0.0
    settings.reports_per_minute = 10_000
    stop_at(re.compile(order["pattern"]), order["data"])
    name, dataset, data = order["destination"], order["dataset"], Path(order["data"])
    target = Target.open(name, dataset, data, **order["settings"])
    run_gladly(settings, target, NoProgress(), everything)


def main() -> None:
    """Obey orders until there are no more."""
    set_dlt_defaults()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                run_once(json.loads(line))
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        answer(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
