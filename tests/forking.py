"""Processes that have imported what others need, and fork one for each order they are given.

test    -- an order: a line -->   process   -- fork -->  what is ordered
        <-- answer: a line of JSON --        <-- exit code --
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Forker:
    """Such a process, as tests see it."""

    process: subprocess.Popen[str]

    def ask(self, order: str) -> Any:  # noqa: ANN401 - whatever it answers
        """Give it an order; return its answer, once there is one."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the process that forks has no pipes")
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextmanager
def started(module: str, environment: Mapping[str, str] | None = None) -> Iterator[Forker]:
    """Start a module that forks; it ends with the block. ``environment`` is all of its own."""
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", module],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Forker(process)
        if process.stdin is not None:
            process.stdin.close()


def answer(code: int | None) -> None:
    """Tell what became of an order."""
    sys.stdout.write(json.dumps(code) + "\n")
    sys.stdout.flush()
