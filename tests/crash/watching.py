"""What a process does to files and asks of its destination, told as it happens."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_FILE_EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate"}

Happen = Callable[[str], None]


def watch_files(happen: Happen, folder: str) -> None:
    """Tell what happens to files below a folder, from here to the end of the process."""

    def is_below(path: object) -> bool:
        # removing a whole tree names files relative to an open folder
        return isinstance(path, str | Path) and (
            str(path).startswith(folder) or not Path(path).is_absolute()
        )

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITING and is_below(path):
                happen(f"open {path}")
        elif event in _FILE_EVENTS and is_below(arguments[0]):
            happen(f"{event} {arguments[0]}")

    sys.addaudithook(hook)


def watch_statements(before: Happen, after: Happen, client_class: type[SqlClientBase[Any]]) -> None:
    """Tell of each statement of a client of dlt, before and after it."""
    execute: Callable[..., Any] = client_class.execute_query

    @contextmanager
    def execute_query(
        client: SqlClientBase[Any],
        query: Any,  # noqa: ANN401 - as dlt declares it
        *arguments: object,
        **options: object,
    ) -> Iterator[Any]:
        text = " ".join(str(query).split())
        before(text)
        with execute(client, query, *arguments, **options) as cursor:
            after(text)
            yield cursor

    setattr(client_class, execute_query.__name__, execute_query)
