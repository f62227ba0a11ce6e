"""Every leaf of every record is found again under its id, whatever was sent."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.streams.lines import PickedLines, split_lines, whole_lines
from sources.tables.build import TableBuilder, Tables
from sources.tables.declarations import records_of
from sources.tables.decode import RecordDecoder
from sources.tables.structure import RecordNode, compile_record
from tests.event_leaves import event_table
from tests.leaves import EVENTS, KEYS, missing_leaves, parse_json, rows_by_record
from tests.tables.parsing import DECLARATIONS, LINEAGE, LosslessDecoder, joined, parser_of
from tests.tables.records import (
    ANY_JSON,
    KINDS,
    any_conforming,
    as_json,
    conforming,
    events_of_odd_types,
    mutated,
    validator,
)

FEW = settings(max_examples=40, derandomize=True, deadline=None)
MANY = settings(max_examples=250, derandomize=True, deadline=None)
TABLES = [pytest.param(table, id=table) for table in DECLARATIONS]
TYPES = [pytest.param(table, name, id=name.lower() or table) for table, name in KINDS]


def found_problems(table: str, lines: list[bytes]) -> list[str]:
    parsed = parser_of(table).parse(whole_lines(joined(lines)), LINEAGE)
    assert parsed.line_count == parsed.rows == len(lines)
    rows = rows_by_record({name: rows.to_pylist() for name, rows in parsed.tables.items()})
    return [problem for line in lines for problem in missing_leaves(table, line, rows)]


@pytest.mark.parametrize(("table", "content_type"), TYPES)
@FEW
@given(data=st.data())
def test_every_leaf_of_a_record_the_reference_allows_is_found(
    table: str, content_type: str, data: st.DataObject
) -> None:
    record = data.draw(conforming(table, content_type))
    validator(table, content_type).validate(record)
    assert found_problems(table, [as_json(record, escape=data.draw(st.booleans()))]) == []


@pytest.mark.parametrize(("table", "content_type"), TYPES)
@FEW
@given(data=st.data())
def test_every_leaf_of_a_record_nobody_announced_is_found(
    table: str, content_type: str, data: st.DataObject
) -> None:
    record = data.draw(mutated(conforming(table, content_type), key_of(table)))
    assert found_problems(table, [as_json(record, escape=data.draw(st.booleans()))]) == []


@MANY
@given(data=st.data())
def test_an_item_of_an_unknown_type_is_kept_raw(data: st.DataObject) -> None:
    item = data.draw(any_conforming("conversation_items"))
    item = {**item, "content": data.draw(ANY_JSON | st.fixed_dictionaries({"type": ANY_JSON}))}
    assert found_problems("conversation_items", [as_json(item)]) == []


@MANY
@given(data=st.data())
def test_an_event_of_an_unknown_type_is_kept(data: st.DataObject) -> None:
    assert found_problems(EVENTS, [as_json(data.draw(events_of_odd_types()))]) == []


@pytest.mark.parametrize("table", TABLES)
@FEW
@given(data=st.data())
def test_all_paths_build_the_same_tables(table: str, data: st.DataObject) -> None:
    records = any_conforming(table)
    if data.draw(st.booleans()):
        records |= mutated(any_conforming(table), key_of(table))
    one_each = st.lists(records, min_size=1, max_size=4, unique_by=lambda each: each[key_of(table)])
    drawn = data.draw(one_each)
    lines = list(map(as_json, drawn))
    tables = parser_of(table).parse(whole_lines(joined(lines)), LINEAGE).tables
    assert built_line_by_line(RecordDecoder, table, lines) == tables
    assert built_line_by_line(LosslessDecoder, table, lines) == tables


def key_of(table: str) -> str:
    return KEYS.get(table, "id")


def built_line_by_line(decoder: type[RecordDecoder], table: str, lines: list[bytes]) -> Tables:
    tables: Tables = {}
    for name, node in nodes_of(table).items():
        picked = [
            line
            for line in split_lines(whole_lines(joined(lines)))
            if table != EVENTS or event_table(parse_json(line[2]).get("type")) == name
        ]
        records = decoder(node).decode_each(PickedLines(picked))
        tables |= TableBuilder(node).build(records, LINEAGE)
    return tables


@cache
def nodes_of(table: str) -> dict[str, RecordNode]:
    return {record.table: compile_record(record) for record in records_of(DECLARATIONS[table])}
