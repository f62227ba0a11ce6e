"""CSV against Python's own writer, and any bytes at all against themselves."""

import csv
from io import BytesIO, StringIO
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.http.errors import RetryableError
from sources.streams.csv_records import (
    BrokenRecord,
    CsvRecord,
    CsvTable,
    _scan,
    check_is_csv,
    column_key,
    distinct_names,
)
from sources.streams.lines import OVERSIZED_HEAD_BYTES

MANY = settings(max_examples=500, derandomize=True, deadline=None)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# left to itself the writer quotes those line ends only that it writes
DIALECTS = st.sampled_from(
    [("\r\n", csv.QUOTE_MINIMAL)] + [(end, csv.QUOTE_ALL) for end in ("\r\n", "\n", "\r")]
)
TEXTS = st.text(st.sampled_from('a"é,\r\n \0\u2028') | st.characters(codec="utf-8"), max_size=8)
# every byte the grammar knows, one that is no UTF-8, and others
BYTES = st.lists(
    st.sampled_from([b'"', b'""', b",", b"\r", b"\n", b"\r\n", b" ", b"a", b"bc", b"\xff", b"\0"]),
    max_size=40,
).map(b"".join)


def read(data: bytes, *, chunk_bytes: int = 7, max_record_bytes: int = 10_000) -> CsvTable:
    return CsvTable(BytesIO(data), chunk_bytes=chunk_bytes, max_record_bytes=max_record_bytes)


def cells(data: bytes) -> list[tuple[str, ...]]:
    records = list(read(data))
    assert all(isinstance(record, CsvRecord) for record in records)
    return [record.cells for record in records if isinstance(record, CsvRecord)]


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    width = draw(st.integers(1, 4))
    header = draw(st.lists(TEXTS.filter(str.strip), min_size=width, max_size=width, unique=True))
    return [header, *draw(st.lists(st.lists(TEXTS, min_size=width, max_size=width), max_size=5))]


@MANY
@given(
    table=tables(),
    dialect=DIALECTS,
    before=st.sampled_from([b"", b"\r\n", b"\n \n", b"\r\r"]),
    is_marked=st.booleans(),
    is_cut=st.booleans(),
    chunk_bytes=st.integers(1, 60),
)
def test_what_pythons_writer_wrote_comes_back_equal(
    *,
    table: list[list[str]],
    dialect: tuple[str, Literal[0, 1]],
    before: bytes,
    is_marked: bool,
    is_cut: bool,
    chunk_bytes: int,
) -> None:
    text = StringIO(newline="")
    line_end, quoting = dialect
    csv.writer(text, lineterminator=line_end, quoting=quoting).writerows(table)
    body = text.getvalue().encode()
    data = BYTE_ORDER_MARK * is_marked + before + body.removesuffix(line_end.encode() * is_cut)
    found = read(data, chunk_bytes=chunk_bytes)
    assert found.header == tuple(table[0])
    assert [record.cells for record in found if isinstance(record, CsvRecord)] == [
        tuple(row) for row in table[1:]
    ]


@MANY
@given(
    data=BYTES,
    chunk_bytes=st.integers(1, 50),
    max_record_bytes=st.integers(1, 30) | st.just(10_000),
)
def test_every_byte_is_in_a_record_or_blank(
    data: bytes, chunk_bytes: int, max_record_bytes: int
) -> None:
    scanned = list(_scan(BytesIO(data), chunk_bytes, max_record_bytes))
    end = 0
    for place in scanned:
        assert data[end : place.byte_offset] in (b"", b"\r\n", b"\n", b"\r")
        before = data[: place.byte_offset].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        assert place.line_number == 1 + before.count(b"\n")
        end = place.byte_offset + place.byte_length
        assert data[place.byte_offset : end].startswith(place.raw)
        assert len(place.raw) == min(place.byte_length, max_record_bytes)
    assert data[end:] in (b"", b"\r\n", b"\n", b"\r")
    table = read(data, chunk_bytes=chunk_bytes, max_record_bytes=max_record_bytes)
    found = [record.byte_offset for record in table]
    blank = [place.byte_offset for place in scanned if not place.raw.strip(b" \r\n")]
    expected = [place.byte_offset for place in scanned if place.byte_offset not in blank]
    # the header, and where there is one column a line of blanks
    assert {*found} - {*blank} == {*expected[bool(table.header) :]}
    assert found == sorted(found)


@MANY
@given(
    data=BYTES,
    chunk_bytes=st.integers(1, 50),
    max_record_bytes=st.integers(1, 30) | st.just(10_000),
)
def test_the_size_of_chunks_changes_nothing(
    data: bytes, chunk_bytes: int, max_record_bytes: int
) -> None:
    tables = [
        read(data, chunk_bytes=n, max_record_bytes=max_record_bytes) for n in (chunk_bytes, 99)
    ]
    assert tables[0].header == tables[1].header
    assert list(tables[0]) == list(tables[1])


def test_a_record_knows_its_line_its_offset_and_its_bytes() -> None:
    data = BYTE_ORDER_MARK + b'\r\nID,Note\r\n1,"two\nlines"\r\n\r\n"2",""""\r3,'
    assert list(read(data)) == [
        CsvRecord(3, 14, b'1,"two\nlines"', ("1", "two\nlines")),
        CsvRecord(6, 31, b'"2",""""', ("2", '"')),
        CsvRecord(7, 40, b"3,", ("3", "")),
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"a,b\n1\n2,3\n", "1 cells below a header of 2", id="too few cells"),
        pytest.param(b"a,b\n1,2,3\n2,3\n", "3 cells below a header of 2", id="too many cells"),
        pytest.param(b"a,b\n1,caf\xe9\n2,3\n", "not UTF-8: byte 0xe9", id="another encoding"),
        pytest.param(b'a,b\n"1"x,"\n2,3\n', "text after a closing quote", id="text after a quote"),
        pytest.param(b'a,b\n2,3\n1,"x\n2,3\n', "a quote that never closes", id="cut in a quote"),
        pytest.param(
            b'a,b\n1,"' + b"x\n" * 30 + b'"\n2,3\n', "longer than 50 bytes", id="too long"
        ),
    ],
)
def test_a_broken_record_is_handed_back_and_its_neighbours_stay(data: bytes, expected: str) -> None:
    found = list(read(data, max_record_bytes=50))
    assert [record.reason for record in found if isinstance(record, BrokenRecord)] == [expected]
    assert [record.cells for record in found if isinstance(record, CsvRecord)] == [("2", "3")]


@pytest.mark.parametrize("data", [b"", b"\r\n", BYTE_ORDER_MARK, BYTE_ORDER_MARK + b"\n \n"])
def test_a_file_without_a_header_holds_no_records(data: bytes) -> None:
    table = read(data)
    assert (table.header, table.keys, list(table)) == ((), (), [])


def test_nothing_below_a_header_that_is_not_readable_is_guessed_at() -> None:
    found = list(read(b'"ID"x,Name\n1,2\n\n3,4'))
    assert found == [
        BrokenRecord(1, 0, 10, "text after a closing quote", b'"ID"x,Name'),
        BrokenRecord(2, 11, 3, "below a header that is not readable", b"1,2"),
        BrokenRecord(4, 16, 3, "below a header that is not readable", b"3,4"),
    ]


def test_a_line_of_blanks_is_a_record_only_where_there_is_one_column() -> None:
    assert cells(b'a\n \n\n""\n') == [(" ",), ("",)]
    assert cells(b"a,b\n \n\n1,2\n") == [("1", "2")]


def test_a_quote_inside_an_unquoted_cell_is_text() -> None:
    assert cells(b'a,b\n5" screen,"6"" screen"\n') == [('5" screen', '6" screen')]


def test_cells_stay_text() -> None:
    assert cells(b"a,b,c,d\nNA,007,1e5, x \n") == [("NA", "007", "1e5", " x ")]


def test_an_endless_cell_costs_its_head_only() -> None:
    cell = b'"' + b'""\n' * 200_000 + b'"'
    table = read(b"a,b\n1," + cell + b"\n1,2\n", chunk_bytes=4096, max_record_bytes=100_000)
    broken, whole = table
    assert isinstance(broken, BrokenRecord)
    assert (broken.byte_length, len(broken.raw)) == (2 + len(cell), OVERSIZED_HEAD_BYTES)
    assert whole == CsvRecord(200_003, 4 + 2 + len(cell) + 1, b"1,2", ("1", "2"))


def test_a_cell_beyond_the_bound_of_pythons_reader_is_whole() -> None:
    text = "x" * (csv.field_size_limit() + 1)
    (record,) = CsvTable(BytesIO(f'a,b\n1,"{text}"\n'.encode()))
    assert isinstance(record, CsvRecord)
    assert record.cells == ("1", text)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Timestamp", "timestamp"),
        ("Fulfilled by Contact ID", "fulfilled_by_contact_id"),
        ("Service Level %", "service_level_percentage"),
        ("Billable Resolution (Y/N)", "billable_resolution_yn"),
        ("Hold Time - Manual (sec)", "hold_time__manual_sec"),
        ("contact_session_id", "contact_session_id"),
    ],
)
def test_columns_are_matched_by_key(name: str, key: str) -> None:
    assert column_key(name) == key


@pytest.mark.parametrize(
    ("names", "distinct"),
    [
        ("a b", "a b"),
        ("a a", "a a_2"),
        ("a a a", "a a_2 a_3"),
        ("a a a_2", "a a_3 a_2"),
        ("a a_2 a_2 a", "a a_2 a_2_2 a_3"),
    ],
)
def test_repeated_names_are_numbered(names: str, distinct: str) -> None:
    assert distinct_names(names.split()) == tuple(distinct.split())


@given(st.lists(st.sampled_from(["", "_2", "_2_2", "a", "a_2", "a_3"])))
def test_distinct_names_are_distinct(names: list[str]) -> None:
    distinct = distinct_names(names)
    assert len(set(distinct)) == len(distinct) == len(names)


def test_keys_are_distinct_where_names_differ_by_a_sign_only() -> None:
    table = read(b"Topic ID,Topic-ID,topic id\n")
    assert table.header == ("Topic ID", "Topic-ID", "topic id")
    assert table.keys == ("topic_id", "topicid", "topic_id_2")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"<!DOCTYPE html>", "a web page"),
        (BYTE_ORDER_MARK + b"\r\n <html>", "a web page"),
        (b'{"errors": []}', "a JSON document"),
        (b"[]", "a JSON document"),
    ],
)
def test_a_body_of_another_kind_is_refused(body: bytes, what: str) -> None:
    with pytest.raises(RetryableError, match=f"POST /reports on example.com sent {what}"):
        check_is_csv(body, "POST /reports on example.com")


@pytest.mark.parametrize("body", [b"", b"\n", b"Timestamp,Type\n", b'"<a>",b\n', b"a"])
def test_a_body_of_cells_or_nothing_passes(body: bytes) -> None:
    check_is_csv(body, "POST /reports on example.com")
