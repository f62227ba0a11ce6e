"""Keys that stand more than once in a package, counted in memory or, of a large one, on disk."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.tables import repeated_keys as counting
from sources.tables.declarations import Column, Kind, TableSchema
from sources.tables.parquet import join_files, write_rows
from sources.tables.repeated_keys import repeated_keys

TABLE = TableSchema("things", (Column("id", Kind.TEXT, "Key.", nullable=False),), ("id",), "T", ())
KEYS = st.lists(st.text(max_size=3), min_size=1)


@pytest.mark.parametrize("rows_in_memory", [0, 1_000_000], ids=["on disk", "in memory"])
@settings(max_examples=60, derandomize=True, deadline=None)
@given(KEYS, KEYS)
def test_the_keys_found_are_those_that_stand_more_than_once(
    rows_in_memory: int, first: list[str], second: list[str]
) -> None:
    with (
        TemporaryDirectory() as folder,
        patch.object(counting, "_ROWS_IN_MEMORY", rows_in_memory),
    ):
        files = [
            write_rows(Path(folder) / name, TABLE, [{"id": key} for key in keys])
            for name, keys in (("first", first), ("second", second))
        ]
        (joined,) = join_files(files)
        found = repeated_keys(joined)
    assert found == {key for key, count in Counter(first + second).items() if count > 1}
