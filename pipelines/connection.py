"""The connection to a dataset: opened when it is asked for, shared by uses inside one another.

with opened() as client:            opened here ...
    with opened() as client:        ... used here, and left open ...
...                                 ... closed here
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dlt.destinations.sql_client import SqlClientBase


@dataclass(slots=True)
class Connection:
    """The connection to a dataset.

    To open an embedded database takes longer than most questions to it.

    Attributes:
        new_client: makes a client of dlt, which is not open yet.
        is_shared: whether uses inside one another share a client. Where tables are files, a client
            knows those that were there when it was opened, so each use gets its own.
    """

    new_client: Callable[[], SqlClientBase[Any]]
    is_shared: bool
    _client: SqlClientBase[Any] | None = None
    _is_open: bool = False

    @contextmanager
    def opened(self) -> Iterator[SqlClientBase[Any]]:
        """Give an open client."""
        if not self.is_shared:
            with self.new_client() as client:
                yield client
            return
        # to make a client, dlt reads all of its configuration
        self._client = self._client or self.new_client()
        if self._is_open:
            yield self._client
            return
        with self._client:
            self._is_open = True
            try:
                yield self._client
            finally:
                self._is_open = False
