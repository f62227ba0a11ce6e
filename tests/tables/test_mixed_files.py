"""A file of mixed record types: each line goes where its type says, as if it stood alone."""

from collections import Counter
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.gladly.event_types import EVENTS
from sources.streams.lines import split_lines, whole_lines
from sources.tables.declarations import Child, Field, Kind, Record, RecordFamily
from sources.tables.parallel import parse_file_in_parallel
from sources.tables.parquet import TableFile, TableFiles, read_batches
from sources.tables.parse import FamilyParser, parse_file, parser_for
from sources.tables.route import Router
from tests.event_leaves import EVENT_FIELDS, event_table
from tests.golden.pairs import pairs
from tests.leaves import EVENTS as MIXED
from tests.tables.parsing import LINEAGE, joined, parse, parser_of
from tests.tables.raw_lines import BLANK_LINES, broken_lines, good_lines
from tests.tables.records import EVENT_TYPES, as_json

MANY = settings(max_examples=300, derandomize=True, deadline=None)
CLOSED = b'{"id":"task-closed","type":"TASK/CLOSED"}'
ENDED = b'{"id":"contact-ended","type":"CONTACT/ENDED"}'
MERGED = b'{"id":"merged","type":"CUSTOMER/MERGED"}'

LINES = st.lists(good_lines(MIXED) | broken_lines(MIXED) | BLANK_LINES, max_size=8)


def contents(tables: Iterable[dict[str, pa.Table]]) -> Counter[tuple[str, str]]:
    """Return how often each row stands in each table."""
    return Counter(
        (name, repr(row))
        for built in tables
        for name, rows in built.items()
        for row in rows.to_pylist()
    )


@MANY
@given(
    lines=LINES, newline=st.sampled_from([b"\n", b"\n", b"\r\n"]), end=st.sampled_from([b"", b"\n"])
)
def test_a_line_becomes_the_same_rows_in_any_company(
    lines: list[bytes], newline: bytes, end: bytes
) -> None:
    data = whole_lines(newline.join(lines) + end)
    parser = parser_of(MIXED)
    together = parser.parse(data, LINEAGE)
    alone = [
        parser.parse(whole_lines(line, number, offset), LINEAGE)
        for number, offset, line in split_lines(data)
    ]
    assert contents([together.tables]) == contents(part.tables for part in alone)
    assert together.quarantined == [line for part in alone for line in part.quarantined]
    assert together.rows == sum(part.rows for part in alone)
    assert together.line_count == sum(part.line_count for part in alone)


@MANY
@given(lines=LINES)
def test_rows_of_a_table_stand_in_the_order_of_their_lines(lines: list[bytes]) -> None:
    _, tables = parse(MIXED, joined(lines))
    for name in EVENT_FIELDS.keys() & tables:
        numbers = [row["_line"] for row in tables[name]]
        assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("data", "row_lines", "quarantined_lines"),
    [
        pytest.param(
            joined([CLOSED, ENDED, MERGED]),
            {"task_events": [1], "contact_events": [2], "customer_events": [3]},
            [],
            id="three types",
        ),
        pytest.param(
            joined([CLOSED.replace(b",", b",\n"), ENDED, MERGED + CLOSED]),
            {"contact_events": [3]},
            [1, 2, 4],
            id="an object on two lines, a whole one, two on one line: as many as lines",
        ),
        pytest.param(
            joined([CLOSED.replace(b"{", b"{\n"), ENDED, MERGED + CLOSED]),
            {"contact_events": [3]},
            [1, 2, 4],
            id="the same, cut after its brace",
        ),
        pytest.param(
            joined([ENDED + CLOSED, b"", MERGED]),
            {"customer_events": [3]},
            [1],
            id="two objects on one line, then a blank one: as many as lines",
        ),
        pytest.param(
            joined([ENDED, b" \t", b"\r", MERGED]),
            {"contact_events": [1], "customer_events": [4]},
            [],
            id="blank lines between",
        ),
        pytest.param(
            ENDED + b"\r\n" + MERGED + b"\r\n",
            {"contact_events": [1], "customer_events": [2]},
            [],
            id="CRLF",
        ),
        pytest.param(
            joined([b'{"type":"TASK/CLOSED"}', b'{"type":"TASK/CLOSED","id":1}', b"7", MERGED]),
            {"customer_events": [4]},
            [1, 2, 3],
            id="a known type, but no usable id",
        ),
        pytest.param(
            joined([b'{"id":"a","type":"TASK/CLOSED","type":"CONTACT/ENDED"}']),
            {"contact_events": [1]},
            [],
            id="a type named twice: the last counts",
        ),
        pytest.param(b"", {}, [], id="an empty file"),
    ],
)
def test_lines_go_where_their_type_says(
    data: bytes, row_lines: dict[str, list[int]], quarantined_lines: list[int]
) -> None:
    _, tables = parse(MIXED, data)
    quarantined = [row["line_number"] for row in tables.pop("quarantined_lines", [])]
    assert {name: [row["_line"] for row in rows] for name, rows in tables.items()} == row_lines
    assert quarantined == quarantined_lines


@MANY
@given(kind=st.sampled_from(EVENT_TYPES) | st.text(st.characters(exclude_categories=["Cs"])))
def test_the_router_reads_a_type_as_the_contract_does(kind: str) -> None:
    line = as_json({"id": "a", "type": kind})
    ((record, picked),) = Router(EVENTS).route(whole_lines(line))
    assert record.table == event_table(kind)
    assert list(picked.picked) == [(1, 0, line)]


def test_quarantined_lines_stand_in_their_order_whatever_their_types() -> None:
    lines = [
        b'{"type":"TASK/CLOSED"}',
        b"{",
        b'{"type":"CONTACT/ENDED"}',
        b'{"type":"TASK/CLOSED"}',
    ]
    counts, tables = parse(MIXED, joined(lines))
    assert [line.line_number for line in counts.examples] == [1, 2, 3, 4]
    assert [row["line_number"] for row in tables["quarantined_lines"]] == [1, 2, 3, 4]


def test_several_processes_make_the_rows_of_one(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    inputs = [pair.input_path.read_bytes() for pair in pairs() if pair.table.endswith("events")]
    path.write_bytes(b"\n".join(inputs * 2))
    with TableFiles(tmp_path / "one") as files:
        counts = parse_file(BytesIO(path.read_bytes()), parser_for(EVENTS), LINEAGE, files)
        one = rows_of(files.finish())
    found, many = parse_file_in_parallel(path, EVENTS, LINEAGE, tmp_path / "many", 3)
    assert found == counts
    assert any(len(file.paths) == 3 for file in many)
    parallel = rows_of(many)
    assert one.keys() == parallel.keys()
    for name, rows in one.items():
        assert sorted(map(repr, parallel[name])) == sorted(map(repr, rows)), name
    for name in EVENT_FIELDS:
        assert parallel[name] == one[name]


def rows_of(files: Iterable[TableFile]) -> dict[str, list[dict[str, Any]]]:
    return {
        file.table.name: [row for batch in read_batches(file) for row in batch.to_pylist()]
        for file in files
    }


def test_record_types_of_one_family_cannot_share_a_table() -> None:
    key = Field("id", "id", Kind.TEXT, "The thing.")
    tags = Child("tags", "tags", (Field("tag", "", Kind.TEXT, "Tag."),), "Tags.")
    small, large, unknown = (
        Record(name, (key,), "Things.", "", (tags,) if name != "unknown" else ())
        for name in ("small", "large", "unknown")
    )
    family = RecordFamily("type", "/", {"SMALL": small, "LARGE": large}, unknown)
    with pytest.raises(ValueError, match="share the table tags"):
        FamilyParser(family)
