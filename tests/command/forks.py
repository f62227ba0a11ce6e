"""Commands without the second that it takes to start one: `python -m tests.command.forks`.

It has imported what a command imports, and forks a process for each order it is given. That process
has the folder, the environment and the arguments of the order, and runs what `helpdesk` runs; dlt
reads settings and folders when it is asked first, which is there. An order is a line of JSON, as
`Order` declares it. The answer is a line of JSON: the exit code, negative if a signal ended it.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.cli import main as helpdesk
from tests.forking import Forker, answer, started

# what commands import only once they know that they need it
_IMPORTED = [
    f"pipelines.{module}"
    for module in ("demo", "doctor", "explain", "progress", "runner", "show", "status", "transform")
]


@dataclass
class Order:
    """A command.

    Attributes:
        folder: Where it is started.
        environment: All of its environment.
        out: The file for what it prints.
        err: The file for what it prints to standard error.
        seconds: How long it may take; a signal ends it then.
    """

    arguments: list[str]
    folder: str
    environment: dict[str, str]
    out: str
    err: str
    seconds: int


@dataclass
class Forks:
    """The process that forks commands, and a folder for what they print."""

    forker: Forker
    folder: Path

    def run(
        self, arguments: Sequence[str], folder: Path, environment: dict[str, str], seconds: int
    ) -> tuple[int, str, str]:
        """Run a command to its end; return its exit code, what it printed, and its errors."""
        out, err = self.folder / "out", self.folder / "err"
        order = Order([*arguments], str(folder), environment, str(out), str(err), seconds)
        code: int = self.forker.ask(json.dumps(asdict(order)))
        return code, out.read_text("utf-8"), err.read_text("utf-8")


@contextmanager
def started_forks() -> Iterator[Forks]:
    """Start the process that forks commands, with no more of the environment than they have."""
    environment = {"PATH": os.environ["PATH"]}
    with TemporaryDirectory() as folder, started(__name__, environment) as forker:
        yield Forks(forker, Path(folder))


def become(order: Order) -> None:
    """Give this process the place, the environment and the arguments of a command."""
    for descriptor, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, order.out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, order.err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        opened = os.open(path, flags)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    sys.argv = ["helpdesk", *order.arguments]
    signal.alarm(order.seconds)


def main() -> None:
    """Obey orders until there are no more."""
    for module in _IMPORTED:
        importlib.import_module(module)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            become(Order(**json.loads(line)))
            # it leaves by SystemExit, as the command does, and never comes back to this loop
            helpdesk()
        _, status = os.waitpid(child, 0)
        answer(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
