"""The data contract as pairs of text: what Gladly sends, what the warehouse holds."""

import json

import pytest

from sources.gladly.declarations import CONTENT_TYPES, RECORDS
from sources.gladly.enrichment_types import ENRICHMENT_RECORDS
from sources.gladly.event_types import EVENTS
from sources.gladly.reference_types import REFERENCE_RECORDS
from sources.tables.declarations import DELETED_AT, LINEAGE, records_of, table_schemas
from tests.event_leaves import event_table
from tests.golden.pairs import FOLDER, Pair, expected_tables, pairs, parsed, shown
from tests.leaves import missing_leaves, parse_json, rows_by_record
from tests.tables.records import EVENT_TYPES, validator

PAIRS = [pytest.param(pair, id=pair.name) for pair in pairs()]
ALL_RECORDS = (*RECORDS, *REFERENCE_RECORDS, *ENRICHMENT_RECORDS, *records_of(EVENTS))
# PING has no id and no content: it is a test of a webhook, not an event that happened
EVENT_CASES = {name.lower().replace("/", "_"): name for name in EVENT_TYPES if name != "PING"}
# all that these send is documented, so nothing of it may land in a raw column
DOCUMENTED = [
    param
    for param in PAIRS
    if str(param.id).split(".")[1]
    in {*map(str.lower, CONTENT_TYPES), *EVENT_CASES, "getfile_samples", "documented"}
]


@pytest.mark.parametrize("pair", PAIRS)
def test_input_becomes_exactly_the_expected_rows(pair: Pair) -> None:
    assert shown(*parsed(pair)).splitlines() == pair.expected_path.read_text("utf-8").splitlines()


@pytest.mark.parametrize("pair", PAIRS)
def test_lines_are_rows_plus_quarantined(pair: Pair) -> None:
    counts, tables = parsed(pair)
    sent = [line for line in pair.input_path.read_bytes().split(b"\n") if line.strip(b" \t\r")]
    assert counts.lines == len(sent) == counts.rows + counts.quarantined
    assert counts.rows == sum(len(tables.get(table, [])) for table in pair.root_tables)
    assert counts.quarantined == len(tables.get("quarantined_lines", []))


@pytest.mark.parametrize("pair", PAIRS)
def test_every_leaf_of_a_line_that_is_not_quarantined_is_found_again(pair: Pair) -> None:
    _, tables = parsed(pair)
    quarantined = {row["line_number"] for row in tables.pop("quarantined_lines", [])}
    table = "events" if pair.table.endswith("_events") else pair.table
    problems = []
    for number, line in enumerate(pair.input_path.read_bytes().split(b"\n"), 1):
        if line.strip(b" \t\r") and number not in quarantined:
            rows = {
                name: [r for r in found if r["_line"] == number] for name, found in tables.items()
            }
            problems += missing_leaves(table, line, rows_by_record(rows))
    assert problems == []


@pytest.mark.parametrize(
    "content_type", [pytest.param(name, id=name.lower()) for name in CONTENT_TYPES]
)
def test_every_content_type_has_a_golden_pair(content_type: str) -> None:
    pair = Pair(f"conversation_items.{content_type.lower()}")
    lines = [json.loads(line) for line in pair.input_path.read_bytes().splitlines()]
    assert {line["content"]["type"] for line in lines} == {content_type}
    assert len(expected_tables(pair)[CONTENT_TYPES[content_type].table]) == len(lines)


@pytest.mark.parametrize("case", EVENT_CASES)
def test_every_event_type_has_a_golden_pair(case: str) -> None:
    pair = Pair(f"{event_table(EVENT_CASES[case])}.{case}")
    lines = [json.loads(line) for line in pair.input_path.read_bytes().splitlines()]
    assert {line["type"] for line in lines} == {EVENT_CASES[case]}
    assert len(expected_tables(pair)[pair.table]) == len(lines) > 1


@pytest.mark.parametrize("case", EVENT_CASES)
def test_the_first_golden_line_of_an_event_type_is_as_documented(case: str) -> None:
    pair = Pair(f"{event_table(EVENT_CASES[case])}.{case}")
    line = pair.input_path.read_bytes().splitlines()[0]
    validator("events", EVENT_CASES[case]).validate(parse_json(line))


@pytest.mark.parametrize(
    "table", [pytest.param(record.table, id=record.table) for record in ALL_RECORDS]
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
        for record in ALL_RECORDS
        for table in table_schemas(record)
        for column in table.columns
        # what no record fills: only what is missing in a whole list is deleted
        if column not in LINEAGE and column.name not in ("_extra", DELETED_AT)
    }
    assert declared - filled == set()


def test_every_expected_file_has_its_input() -> None:
    expected = {path.name.removesuffix(".expected.json") for path in FOLDER.glob("*.expected.json")}
    assert expected == {path.name.split(".input.")[0] for path in FOLDER.glob("*.input.*")}


@pytest.mark.parametrize("pair", DOCUMENTED)
def test_documented_content_leaves_nothing_in_raw_columns(pair: Pair) -> None:
    _, tables = parsed(pair)
    assert tables.keys().isdisjoint({"unknown_items", "unknown_events", "quarantined_lines"})
    assert [row for rows in tables.values() for row in rows if row.get("_extra")] == []
