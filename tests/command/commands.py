"""The command as people start it: a process of its own, in a folder of its own, with canaries.

Where a test is not about how a process starts, it is a fork of one that did (`forks.py`).

Whatever a command prints is searched for the token and for words of customers' messages.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox
from tests.command.forks import Forks
from tests.pipelines.runs import Tables, item, read_duckdb, sms

HELPDESK = Path(sys.executable).with_name("helpdesk")
# a run whose models nobody asks for
LOAD = ("run", "gladly", "--no-transform")
CANARY_TOKEN = "canary-token-0123456789"  # noqa: S105 - opens nothing but the sandbox
CANARY_PASSWORD = "canary-password-42"  # noqa: S105 - of a database that does not exist
CANARY_TEXT = "canary words of a customer"
LINES = item("a", sms(CANARY_TEXT, "x")) + item("b", {"type": "NEW", "words": CANARY_TEXT})
BROKEN_LINE = b'{"id": "c", "' + CANARY_TEXT.encode() + b"\n"
TIMEOUT_SECONDS = 120


@dataclass
class Finished:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """What --json printed."""
        return json.loads(self.out)

    @property
    def message(self) -> str:
        """The one sentence that says what stopped the command."""
        assert "Traceback" not in self.out + self.err
        last = self.err.strip().splitlines()[-1]
        assert last.startswith(("helpdesk: ", "Error: "))
        return last


@dataclass
class Commands:
    """Starts commands in a folder, with the settings that reach a sandbox."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    # what the process does to itself before it becomes the command
    before: Callable[[], None] | None = None
    # what forks it; None starts it as people do
    forks: Forks | None = None

    @property
    def database(self) -> Path:
        """Where DuckDB is by default."""
        return self.folder / "data" / "helpdesk.duckdb"

    def __call__(self, *arguments: str, **changed: str | None) -> Finished:
        """Run a command to its end; ``changed`` are environment variables, None removes one."""
        environment = self.with_changes(changed)
        if self.forks and not self.before:
            ended = self.forks.run(arguments, self.folder, environment, TIMEOUT_SECONDS)
            finished = Finished(*ended)
        else:
            finished = self._started(arguments, environment)
        check_nothing_leaked(finished.out + finished.err)
        return finished

    def _started(self, arguments: Sequence[str], environment: dict[str, str]) -> Finished:
        finished = subprocess.run(  # noqa: S603 - our own command
            [HELPDESK, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
            preexec_fn=self.before,
        )
        return Finished(finished.returncode, finished.stdout, finished.stderr)

    def with_changes(self, changed: dict[str, str | None]) -> dict[str, str]:
        """Return the environment of a command."""
        merged: dict[str, str | None] = {**self.environment, **changed}
        return {name: value for name, value in merged.items() if value is not None}

    def tables(self) -> Tables:
        """Return every row of the default database."""
        return read_duckdb(self.database)


def environment_for(sandbox: Sandbox, folder: Path) -> dict[str, str]:
    """Return a complete environment: nothing of the developer's machine but the path."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "SOURCES__GLADLY__BASE_URL": sandbox.base_url,
        "SOURCES__GLADLY__EMAIL": sandbox.email,
        "SOURCES__GLADLY__API_TOKEN": sandbox.api_token,
        "SOURCES__GLADLY__WAIT_FOR_JOBS": "0",
        # lists and reports have tests of their own
        "SOURCES__GLADLY__REFERENCE_LISTS": "[]",
        "SOURCES__GLADLY__REPORTS": "[]",
    }


def check_nothing_leaked(text: str) -> None:
    """Require that no secret and no customer's word is in a text."""
    pair = base64.b64encode(f"api.user@example.com:{CANARY_TOKEN}".encode()).decode()
    for canary in (CANARY_TOKEN, CANARY_PASSWORD, CANARY_TEXT, pair):
        if canary in text:
            pytest.fail(f"{canary!r} was printed:\n{text}")
