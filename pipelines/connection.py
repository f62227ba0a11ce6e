"""The connection to a dataset: opened when it is asked for, shared by uses inside one another.

outer use     opened [                              ] closed
inner uses              [ used ]       [ used ]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from dlt.destinations.sql_client import SqlClientBase
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from pipelines.explain import is_open_elsewhere

_PATIENCE_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.1


@dataclass(slots=True)
class Connection:
    """The connection to a dataset; not for several threads at once.

    To open an embedded database takes longer than most questions to it, and so does it to make a
    client: dlt reads all of its configuration.

    Attributes:
        new_client: makes a client of dlt, which is not open yet.
    """

    new_client: Callable[[], SqlClientBase[Any]]
    _client: SqlClientBase[Any] | None = None
    _is_open: bool = False

    @contextmanager
    def opened(self) -> Iterator[SqlClientBase[Any]]:
        """Give an open client."""
        client = self._client = self._client or self.new_client()
        if self._is_open:
            yield client
            return
        with ExitStack() as stack:
            _patiently(lambda: stack.enter_context(client))  # type: ignore[arg-type] # dlt says that an exit always gets an error
            self._is_open = True
            try:
                yield client
            finally:
                self._is_open = False

    def renew(self) -> None:
        """Use a new client from now on.

        Where tables are files, a client that is open knows those that were there when it was asked
        for a table first.
        """
        self._client, self._is_open = None, False


def _patiently(enter: Callable[[], object]) -> None:
    """Open an embedded database, also while somebody looks at it for a moment."""
    Retrying(
        retry=retry_if_exception(is_open_elsewhere),
        stop=stop_after_delay(_PATIENCE_SECONDS),
        wait=wait_fixed(_LOOK_AGAIN_SECONDS),
        reraise=True,
    )(enter)
