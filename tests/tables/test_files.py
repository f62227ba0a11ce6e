"""A raw file: lines = rows + quarantined, always, and nothing of either is lost.

The same of a file of one record type (conversation items) and of one that mixes many (events).
"""

import base64
import json
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.streams.lines import OVERSIZED_HEAD_BYTES
from tests.event_leaves import EVENT_FIELDS
from tests.leaves import EVENTS, missing_leaves, rows_by_record
from tests.tables.parsing import Tables, joined, parse
from tests.tables.raw_lines import BLANK_LINES, broken_lines, good_lines

TABLE = "conversation_items"
MANY = settings(max_examples=500, derandomize=True, deadline=None)
ITEM = b'{"id":"item-1","customerId":"customer-1","content":{"type":"SMS","content":"hi"}}'
OTHER = b'{"id":"item-2","customerId":"customer-1","content":{"type":"SMS","content":"hi"}}'

ROOT_TABLES = {TABLE: {TABLE}, EVENTS: {*EVENT_FIELDS}}


def is_usable(line: bytes) -> bool:
    """Return whether a line is one JSON object with an id, as another JSON decoder sees it."""
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except ValueError:
        return False
    key = value.get("id") if isinstance(value, dict) else None
    return isinstance(key, str) and key != "" and "\0" not in key


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def exact_bytes(row: dict[str, Any]) -> bytes:
    raw: str = row["raw"]
    return raw.encode() if row["raw_base64"] is None else base64.b64decode(row["raw_base64"])


def lines_of(data: bytes) -> dict[int, tuple[int, bytes]]:
    """Return offset and bytes of each line that is not blank, by number."""
    found, offset = {}, 0
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip(b" \t\r"):
            found[number] = (offset, line)
        offset += len(line) + 1
    return found


def rows_by_line(tables: Tables, number: int) -> Tables:
    """Return only the rows of one line: a key may come on several lines of one file."""
    return {
        name: [row for row in rows if row["_line"] == number]
        for name, rows in tables.items()
        if name != "quarantined_lines"
    }


@st.composite
def lines_of_tables(draw: st.DrawFn) -> tuple[str, list[bytes]]:
    table = draw(st.sampled_from([*ROOT_TABLES]))
    lines = draw(st.lists(good_lines(table) | broken_lines(table) | BLANK_LINES, max_size=6))
    return table, lines


@MANY
@given(
    table_and_lines=lines_of_tables(),
    newline=st.sampled_from([b"\n", b"\n", b"\r\n"]),
    end=st.sampled_from([b"", b"\n"]),
    piece_bytes=st.sampled_from([1, 7, 100, 1 << 20]),
    max_line_bytes=st.sampled_from([500, 1 << 20]),
)
def test_each_line_is_rows_or_quarantined_and_can_be_found_again(
    table_and_lines: tuple[str, list[bytes]],
    newline: bytes,
    end: bytes,
    piece_bytes: int,
    max_line_bytes: int,
) -> None:
    table, lines = table_and_lines
    data = newline.join(lines) + end
    counts, tables = parse(table, data, piece_bytes=piece_bytes, max_line_bytes=max_line_bytes)
    sent = lines_of(data)
    rows = [row["_line"] for name in ROOT_TABLES[table] for row in tables.get(name, [])]
    quarantined = {row["line_number"]: row for row in tables.get("quarantined_lines", [])}

    assert counts.lines == len(sent) == counts.rows + counts.quarantined
    assert (len(rows), len(quarantined)) == (counts.rows, counts.quarantined)
    assert {*rows, *quarantined} == {*sent}
    assert quarantined.keys().isdisjoint(rows)
    for number, row in quarantined.items():
        offset, line = sent[number]
        assert (row["byte_offset"], row["byte_length"]) == (offset, len(line))
        assert line.startswith(exact_bytes(row))
        assert row["is_cut"] == (len(exact_bytes(row)) < len(line))
        assert "\0" not in row["raw"]
        assert len(line) > max_line_bytes or (not is_usable(line) and not row["is_cut"])
    for number in rows:
        _, line = sent[number]
        assert is_usable(line)
        assert len(line) <= max_line_bytes
        assert missing_leaves(table, line, rows_by_record(rows_by_line(tables, number))) == []


@pytest.mark.parametrize(
    ("data", "row_lines", "quarantined_lines"),
    [
        pytest.param(b"", [], [], id="an empty file"),
        pytest.param(b"\n\n \n", [], [], id="nothing but blank lines"),
        pytest.param(ITEM, [1], [], id="no final newline"),
        pytest.param(ITEM + b"\r\n" + OTHER + b"\r\n", [1, 2], [], id="CRLF"),
        pytest.param(b"\n\n" + ITEM + b"\n\n" + OTHER, [3, 5], [], id="blank lines between"),
        pytest.param(ITEM + b" " + OTHER + b"\n", [], [1], id="two objects on one line"),
        pytest.param(ITEM + b"\n\x0b\n", [1], [2], id="a vertical tab is not blank"),
        pytest.param(
            ITEM.replace(b":", b":\n", 1) + b"\n" + OTHER, [3], [1, 2], id="one object on two lines"
        ),
        pytest.param(
            ITEM.replace(b":", b":\n", 1) + b"\n" + OTHER + OTHER + b"\n",
            [],
            [1, 2, 3],
            id="one object on two lines, then two objects on one line: as many as lines",
        ),
        pytest.param(
            ITEM.replace(b'"content":{', b'"content":\n{') + b"\n" + OTHER + OTHER + b"\n",
            [],
            [1, 2, 3],
            id="the same, where every line begins with a brace",
        ),
        pytest.param(
            ITEM + ITEM + b"\n\n", [], [1], id="two objects on one line, then a blank one"
        ),
    ],
)
def test_line_numbers_are_those_of_the_file(
    data: bytes, row_lines: list[int], quarantined_lines: list[int]
) -> None:
    _, tables = parse(TABLE, data)
    assert [row["_line"] for row in tables.get(TABLE, [])] == row_lines
    found = [row["line_number"] for row in tables.get("quarantined_lines", [])]
    assert found == quarantined_lines


@pytest.mark.parametrize("newline", [b"", b"\n"], ids=["at the end of the file", "with a newline"])
@pytest.mark.parametrize("piece_bytes", [1000, 1 << 20])
def test_an_endless_line_is_quarantined_with_its_head(newline: bytes, piece_bytes: int) -> None:
    endless = b'{"id":"item-9","content":"' + "ü".encode() * 100_000 + b'"}'
    data = ITEM + b"\n" + endless + newline + (OTHER if newline else b"")
    counts, tables = parse(TABLE, data, piece_bytes=piece_bytes, max_line_bytes=100_000)
    (row,) = tables["quarantined_lines"]
    assert (row["line_number"], row["byte_offset"]) == (2, len(ITEM) + 1)
    assert row["byte_length"] == len(endless)
    assert row["is_cut"]
    assert exact_bytes(row) == endless[:OVERSIZED_HEAD_BYTES]
    assert [row["_line"] for row in tables[TABLE]] == ([1, 3] if newline else [1])
    assert counts.lines == counts.rows + counts.quarantined


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(b"[" * 100_000, "nested too deeply", id="100,000 levels"),
        pytest.param(b'{"id":"a","n":' + b"9" * 5_000 + b"}", "not readable", id="5,000 digits"),
        pytest.param(b'{"secret name":', "not JSON", id="cut"),
        pytest.param(b'{"id":"secret name\xff"}', "not UTF-8: byte 0xff", id="not UTF-8"),
        pytest.param(b'{"id":["secret name"]}', "no usable id: a list", id="id is a list"),
        pytest.param(b'"secret name"', "not a JSON object but text", id="text"),
    ],
)
def test_the_reason_says_why_and_nothing_of_what_was_sent(line: bytes, reason: str) -> None:
    _, tables = parse(TABLE, joined([line, ITEM]))
    (row,) = tables["quarantined_lines"]
    assert row["reason"].startswith(reason)
    assert "secret" not in row["reason"]
    assert [row["_line"] for row in tables[TABLE]] == [2]
