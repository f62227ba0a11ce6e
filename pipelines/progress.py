"""Progress of long work: bars on a terminal, plain log lines elsewhere."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

_LOG_EVERY_SECONDS: Final = 10.0
_log = logging.getLogger("helpdesk")

# told the bytes and the lines done so far
Report = Callable[[int, int], None]


class ProgressReporter(ABC):
    """Tells a person what a run is doing."""

    @abstractmethod
    def say(self, message: str) -> None:
        """Tell what happens now."""

    @abstractmethod
    def work(self, description: str, total_bytes: int | None) -> AbstractContextManager[Report]:
        """Give a function that is told how far a piece of work is."""


class TerminalProgress(ProgressReporter):
    """Bars with bytes and lines a second and the time left."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, message: str) -> None:
        """Print a line."""
        self._console.print(message, highlight=False)

    @contextmanager
    def work(self, description: str, total_bytes: int | None) -> Iterator[Report]:
        """Show a bar while the work lasts."""
        started = time.monotonic()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("{task.fields[lines]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(description, total=total_bytes, lines="")

            def report(size: int, lines: int) -> None:
                rate = lines / max(time.monotonic() - started, 1e-9)
                shown = f"{rate:,.0f} lines/s" if lines else ""
                progress.update(task, completed=size, lines=shown)

            yield report


class LogProgress(ProgressReporter):
    """Log lines: what happens, and every ten seconds how far it is."""

    def say(self, message: str) -> None:
        """Log a line."""
        _log.info(message)

    @contextmanager
    def work(self, description: str, total_bytes: int | None) -> Iterator[Report]:
        """Log now and then while the work lasts."""
        started = last = time.monotonic()

        def report(size: int, lines: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= _LOG_EVERY_SECONDS:
                last = now
                _log.info(progress_line(description, size, total_bytes, lines, now - started))

        yield report


class NoProgress(ProgressReporter):
    """Says nothing."""

    def say(self, message: str) -> None:
        """Say nothing."""

    @contextmanager
    def work(self, description: str, total_bytes: int | None) -> Iterator[Report]:  # noqa: ARG002 - the interface
        """Show nothing."""
        yield lambda _size, _lines: None


def requests_left(what: str, count: int, starts_a_minute: float) -> str:
    """Return one line: how many requests are left, and how long they take at least."""
    minutes = max(1, round(count / starts_a_minute))
    unit = "minute" if minutes == 1 else "minutes"
    return f"{what}: {count:,} left, about {minutes:,} {unit} at {starts_a_minute:g} a minute."


def progress_line(
    description: str, size: int, total: int | None, lines: int, seconds: float
) -> str:
    """Return one line: how much is done, how fast, and how long the rest takes."""
    rate = size / seconds
    parts = [f"{description}: {size / 1e6:,.1f} MB", f"{rate / 1e6:,.1f} MB/s"]
    if lines:
        parts.append(f"{lines:,} lines, {lines / seconds:,.0f} a second")
    if total and rate:
        parts.append(f"{(total - size) / rate:,.0f} s left")
    return ", ".join(parts)
