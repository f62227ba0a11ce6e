"""A night with nothing new, as a scheduler sees it: `helpdesk run gladly`, start to exit code."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.table import Table

from sandbox import Sandbox, SandboxSettings, WorldSettings
from tests.bench.tables import new_table
from tests.command.commands import HELPDESK, environment_for

_WORLD = WorldSettings(items=300, days=3)
_SELECTED = {
    "exports and events": ("conversation_items", "events"),
    "exports, events and lists": ("conversation_items", "events", "reference"),
}


def night_table(rounds: int) -> Table:
    """Run nights with nothing new, and the start of Python with dlt alone beside them."""
    title = f"A night with nothing new, medians of {rounds}"
    table = new_table(title, "", "seconds", "processor seconds")
    imports = [sys.executable, "-c", "import dlt, duckdb, httpx"]
    with TemporaryDirectory() as folder, Sandbox(_settings()) as sandbox:
        environment = environment_for(sandbox, Path(folder))
        del environment["SOURCES__GLADLY__REFERENCE_LISTS"]
        _add(table, "Python that imports dlt, duckdb and httpx", imports, environment, rounds)
        for name, selected in _SELECTED.items():
            options = [word for resource in selected for word in ("--select", resource)]
            command = [str(HELPDESK), "run", "gladly", *options]
            _timed(command, environment)  # what is new today
            _add(table, name, command, environment, rounds)
    return table


def _settings() -> SandboxSettings:
    return SandboxSettings(world=_WORLD, requests_per_second=1_000)


def _add(
    table: Table, name: str, command: list[str], environment: Mapping[str, str], rounds: int
) -> None:
    measured = [_timed(command, environment) for _ in range(rounds)]
    seconds, used = (statistics.median(values) for values in zip(*measured, strict=True))
    table.add_row(name, f"{seconds:.2f}", f"{used:.2f}")


def _timed(command: list[str], environment: Mapping[str, str]) -> tuple[float, float]:
    before, started = os.times(), time.perf_counter()
    subprocess.run(  # noqa: S603 - our own command
        command, check=True, capture_output=True, env=environment, cwd=environment["HOME"]
    )
    seconds, after = time.perf_counter() - started, os.times()
    return seconds, sum(after[2:4]) - sum(before[2:4])
