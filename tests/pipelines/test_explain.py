"""Errors of the database itself become errors that say what to do."""

from pathlib import Path

import duckdb
import pytest

from pipelines.explain import explain
from sources.http.errors import GiveUpError, SettingsError

LARGE = "SELECT STRING_AGG(number::TEXT || REPEAT('x', 100), ',') FROM RANGE(1000000) AS t(number)"
SORTED = "CREATE TABLE t AS SELECT UUID() AS id, REPEAT('x', 100) FROM RANGE(1000000) ORDER BY id"


@pytest.mark.parametrize(
    ("setting", "statement", "expected", "words"),
    [
        pytest.param(
            "memory_limit = '50MB'", LARGE, SettingsError, "max_memory_mb", id="no memory left"
        ),
        pytest.param(
            "max_temp_directory_size = '1MB'",
            SORTED,
            GiveUpError,
            "disk is full",
            id="no disk left",
        ),
    ],
)
def test_a_database_that_has_no_more_room_says_what_to_change(
    setting: str, statement: str, expected: type[Exception], words: str, tmp_path: Path
) -> None:
    with duckdb.connect(str(tmp_path / "full.duckdb")) as connection:
        connection.execute("SET memory_limit = '50MB'")
        connection.execute(f"SET {setting}")
        with pytest.raises(duckdb.Error) as raised:
            connection.execute(statement)
    explained = explain(raised.value)
    assert type(explained) is expected
    assert words in str(explained)
