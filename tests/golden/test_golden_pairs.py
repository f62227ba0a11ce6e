"""The data contract as pairs of text: what Gladly sends, what the warehouse holds."""

import json

import pytest

from sources.gladly.declarations import CONTENT_TYPES, RECORDS
from sources.tables.declarations import LINEAGE, table_schemas
from tests.golden.pairs import FOLDER, Pair, expected_tables, pairs, parsed, shown
from tests.leaves import missing_leaves, rows_by_record

PAIRS = [pytest.param(pair, id=pair.name) for pair in pairs()]
# every line of these becomes a row, and each leaf of it must be found
WHOLE = [param for param in PAIRS if "broken_lines" not in str(param.id)]
# all that these send is documented, so nothing of it may land in a raw column
DOCUMENTED = [
    param
    for param in PAIRS
    if str(param.id).split(".")[1] in {*map(str.lower, CONTENT_TYPES), "getfile_samples"}
]


@pytest.mark.parametrize("pair", PAIRS)
def test_input_becomes_exactly_the_expected_rows(pair: Pair) -> None:
    assert shown(*parsed(pair)).splitlines() == pair.expected_path.read_text("utf-8").splitlines()


@pytest.mark.parametrize("pair", PAIRS)
def test_lines_are_rows_plus_quarantined(pair: Pair) -> None:
    counts, tables = parsed(pair)
    sent = [line for line in pair.input_path.read_bytes().split(b"\n") if line.strip(b" \t\r")]
    assert counts.lines == len(sent) == counts.rows + counts.quarantined
    assert counts.rows == len(tables.get(pair.table, []))
    assert counts.quarantined == len(tables.get("quarantined_lines", []))


@pytest.mark.parametrize("pair", WHOLE)
def test_every_leaf_is_found_again(pair: Pair) -> None:
    _, tables = parsed(pair)
    rows = rows_by_record(tables)
    lines = pair.input_path.read_bytes().splitlines()
    assert [problem for line in lines for problem in missing_leaves(pair.table, line, rows)] == []


@pytest.mark.parametrize(
    "content_type", [pytest.param(name, id=name.lower()) for name in CONTENT_TYPES]
)
def test_every_content_type_has_a_golden_pair(content_type: str) -> None:
    pair = Pair(f"conversation_items.{content_type.lower()}")
    lines = [json.loads(line) for line in pair.input_path.read_bytes().splitlines()]
    assert {line["content"]["type"] for line in lines} == {content_type}
    assert len(expected_tables(pair)[CONTENT_TYPES[content_type].table]) == len(lines)


@pytest.mark.parametrize(
    "table", [pytest.param(record.table, id=record.table) for record in RECORDS]
)
def test_every_record_type_has_a_golden_pair(table: str) -> None:
    assert any(table in expected_tables(pair) for pair in pairs() if pair.table == table)


def test_every_declared_column_has_a_value_in_some_golden_pair() -> None:
    filled = {
        (table, column)
        for pair in pairs()
        for table, rows in expected_tables(pair).items()
        if isinstance(rows, list)
        for row in rows
        for column, value in row.items()
        if value is not None
    }
    declared = {
        (table.name, column.name)
        for record in RECORDS
        for table in table_schemas(record)
        for column in table.columns
        if column not in LINEAGE and column.name != "_extra"
    }
    assert declared - filled == set()


def test_every_expected_file_has_its_input() -> None:
    expected = {path.name.removesuffix(".expected.json") for path in FOLDER.glob("*.expected.json")}
    assert expected == {pair.name for pair in pairs()}


@pytest.mark.parametrize("pair", DOCUMENTED)
def test_documented_content_leaves_nothing_in_raw_columns(pair: Pair) -> None:
    _, tables = parsed(pair)
    assert "unknown_items" not in tables
    assert [row for rows in tables.values() for row in rows if row.get("_extra")] == []
