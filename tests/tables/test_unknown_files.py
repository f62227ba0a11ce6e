"""A file no declaration knows is kept line by line, raw."""

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.tables.parquet import TableFiles
from sources.tables.parse import parse_unknown_file
from tests.tables.parsing import LINEAGE, joined, read_tables
from tests.tables.records import ANY_JSON, as_json

LINES = [b'{"a": 1.10}', b"", b"[1, 2]\r", b" \t", b"\x0b", b'{"a":', b'"\xff"', b"7"]


def test_lines_are_kept_as_they_came(tmp_path: Path) -> None:
    with TableFiles(tmp_path) as files:
        counts = parse_unknown_file(BytesIO(joined(LINES)), LINEAGE, files)
        tables = read_tables(files)
    kept = [(row["line_number"], row["raw"]) for row in tables["unknown_file_lines"]]
    assert kept == [(1, '{"a": 1.10}'), (3, "[1, 2]\r"), (8, "7")]
    quarantined = [(row["line_number"], row["byte_offset"]) for row in tables["quarantined_lines"]]
    assert quarantined == [(5, 24), (6, 26), (7, 32)]
    assert (counts.lines, counts.rows, counts.quarantined) == (6, 3, 3)
    assert counts.rows_by_table == {"unknown_file_lines": 3}


def test_a_line_beyond_the_bound_is_quarantined(tmp_path: Path) -> None:
    with TableFiles(tmp_path) as files:
        data = joined([b"1", b'"%s"' % (b"x" * 100), b"2"])
        counts = parse_unknown_file(BytesIO(data), LINEAGE, files, max_line_bytes=50)
        tables = read_tables(files)
    assert [row["line_number"] for row in tables["unknown_file_lines"]] == [1, 3]
    assert [row["line_number"] for row in tables["quarantined_lines"]] == [2]
    assert (counts.lines, counts.rows, counts.quarantined) == (3, 2, 1)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(values=st.lists(ANY_JSON, max_size=4))
def test_every_value_is_found_again(
    values: list[object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = [as_json(value) for value in values]
    with TableFiles(tmp_path_factory.mktemp("files")) as files:
        parse_unknown_file(BytesIO(joined(lines)), LINEAGE, files)
        rows = read_tables(files).get("unknown_file_lines", [])
    assert [row["raw"].encode() for row in rows] == lines
