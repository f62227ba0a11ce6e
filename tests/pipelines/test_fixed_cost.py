"""What a run costs that has nothing to do: openings of the destination, and statements."""

from pathlib import Path
from typing import Any, Self, cast
from unittest.mock import patch

import duckdb
import pytest
from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient
from dlt.destinations.sql_client import SqlClientBase

from pipelines.connection import Connection
from pipelines.gladly_tables import GLADLY_TABLES
from sandbox import Sandbox
from tests.pipelines.runs import duckdb_target, run


def test_a_night_with_nothing_new_does_not_grow_with_the_number_of_tables(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    run(empty_sandbox, target)
    execute_query = DuckDbSqlClient.execute_query
    with (
        patch.object(duckdb, "connect", wraps=duckdb.connect) as openings,
        patch.object(
            DuckDbSqlClient, "execute_query", autospec=True, side_effect=execute_query
        ) as statements,
    ):
        run(empty_sandbox, target)
    assert 0 < openings.call_count <= 12
    assert 0 < statements.call_count <= 60 < len(GLADLY_TABLES)


class Client:
    """Notes when it is opened and closed."""

    def __init__(self, number: int, told: list[str]) -> None:
        self.number, self.told = number, told

    def __enter__(self) -> Self:
        self.told.append(f"open {self.number}")
        return self

    def __exit__(self, *_: object) -> None:
        self.told.append(f"close {self.number}")


def connection(told: list[str]) -> Connection:
    numbers = iter(range(1, 10))
    return Connection(lambda: cast("SqlClientBase[Any]", Client(next(numbers), told)))


def test_uses_inside_one_another_open_once() -> None:
    told: list[str] = []
    shared = connection(told)
    with shared.opened() as outer, shared.opened() as inner:
        assert outer is inner
    assert told == ["open 1", "close 1"]
    with pytest.raises(ValueError, match="stopped"), shared.opened(), shared.opened():
        raise ValueError("stopped")
    with shared.opened():
        pass
    assert told == ["open 1", "close 1"] * 3


def test_a_renewed_connection_is_another_one_at_once_and_the_first_is_closed_in_time() -> None:
    told: list[str] = []
    shared = connection(told)
    with shared.opened() as first:
        shared.renew()
        with shared.opened() as second:
            assert second is not first
        with shared.opened() as third:
            assert third is second
    assert told == ["open 1", "open 2", "close 2", "open 2", "close 2", "close 1"]
