"""Runs that kill themselves at a place: `python stopper.py` forks one for each order it is given.

An order is a line of JSON: the data folder, how to reach the sandbox, and a pattern. The run sends
itself SIGKILL at the first thing that it does to a file, or asks of the destination, whose name
matches the pattern. The answer is a line of JSON: the exit code, negative if a signal ended it.
"""

import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient

from pipelines.progress import NoProgress
from pipelines.runner import run_gladly
from pipelines.settings import set_dlt_defaults
from sources.gladly.settings import GladlySettings
from tests.pipelines.runs import duckdb_target, everything


def stop_at(pattern: re.Pattern[str]) -> None:
    """Kill this process at the first thing it does whose name matches."""

    def happen(what: str) -> None:
        if pattern.search(what):
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in {"open", "os.rename", "os.remove", "os.mkdir"}:
            happen(f"{event} {arguments[0]}")

    execute: Callable[..., Any] = DuckDbSqlClient.execute_query

    @contextmanager
    def execute_query(client: DuckDbSqlClient, query: object, *values: object) -> Iterator[Any]:
        happen(f"before {query}")
        with execute(client, query, *values) as cursor:
            happen(f"after {query}")
            yield cursor

    DuckDbSqlClient.execute_query = execute_query  # type: ignore[assignment,method-assign] # it watches
    sys.addaudithook(hook)


def run_once(order: dict[str, Any]) -> None:
    """Run the job as ordered."""
    settings = GladlySettings()
    settings.base_url, settings.email = order["base_url"], order["email"]
    settings.api_token, settings.wait_for_jobs = order["api_token"], 0.0
    settings.reports_per_minute = 10_000
    stop_at(re.compile(order["pattern"]))
    run_gladly(settings, duckdb_target(Path(order["data"])), NoProgress(), everything)


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
        sys.stdout.write(json.dumps(os.waitstatus_to_exitcode(status)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
