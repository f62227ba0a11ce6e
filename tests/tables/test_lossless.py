"""Every leaf of every record is found again under its id, whatever was sent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.streams.lines import whole_lines
from sources.tables.build import TableBuilder
from sources.tables.decode import RecordDecoder
from sources.tables.structure import compile_record
from tests.leaves import missing_leaves, rows_by_record
from tests.tables.parsing import LINEAGE, joined, parser_of
from tests.tables.records import (
    ANY_JSON,
    KINDS,
    RECORD_SCHEMAS,
    any_conforming,
    as_json,
    conforming,
    mutated,
    validator,
)

FEW = settings(max_examples=40, derandomize=True, deadline=None)
MANY = settings(max_examples=250, derandomize=True, deadline=None)
TABLES = [pytest.param(table, id=table) for table in RECORD_SCHEMAS]
TYPES = [pytest.param(table, name, id=name.lower() or table) for table, name in KINDS]


class LosslessDecoder(RecordDecoder):
    """Sends every line down the lossless path, surprising or not."""

    def _strict(self, line: bytes) -> None:
        del line


def found_problems(table: str, lines: list[bytes]) -> list[str]:
    records, built = parser_of(table).parse(whole_lines(joined(lines)), LINEAGE)
    assert records.line_count == len(records.structs) == len(lines)
    rows = rows_by_record({name: rows.to_pylist() for name, rows in built.items()})
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
    record = data.draw(mutated(conforming(table, content_type)))
    assert found_problems(table, [as_json(record, escape=data.draw(st.booleans()))]) == []


@MANY
@given(data=st.data())
def test_an_item_of_an_unknown_type_is_kept_raw(data: st.DataObject) -> None:
    item = data.draw(any_conforming("conversation_items"))
    item = {**item, "content": data.draw(ANY_JSON | st.fixed_dictionaries({"type": ANY_JSON}))}
    assert found_problems("conversation_items", [as_json(item)]) == []


@pytest.mark.parametrize("table", TABLES)
@FEW
@given(data=st.data())
def test_all_paths_build_the_same_tables(table: str, data: st.DataObject) -> None:
    records = any_conforming(table)
    if data.draw(st.booleans()):
        records |= mutated(any_conforming(table))
    drawn = data.draw(st.lists(records, min_size=1, max_size=4, unique_by=lambda each: each["id"]))
    lines = whole_lines(joined(map(as_json, drawn)))
    parser = parser_of(table)
    node = compile_record(parser.record)
    one_by_one = RecordDecoder(node).decode_each(lines)
    lossless = LosslessDecoder(node).decode_each(lines)
    _, tables = parser.parse(lines, LINEAGE)
    assert TableBuilder(node).build(one_by_one, LINEAGE) == tables
    assert TableBuilder(node).build(lossless, LINEAGE) == tables
