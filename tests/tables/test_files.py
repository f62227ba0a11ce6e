"""A raw file: lines = rows + quarantined, always, and nothing of either is lost."""

import base64
import json
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.streams.lines import OVERSIZED_HEAD_BYTES
from tests.leaves import missing_leaves, rows_by_record
from tests.tables.parsing import Tables, joined, parse
from tests.tables.records import any_conforming, as_json, mutated

TABLE = "conversation_items"
MANY = settings(max_examples=250, derandomize=True, deadline=None)
ITEM = b'{"id":"item-1","customerId":"customer-1","content":{"type":"SMS","content":"hi"}}'
OTHER = b'{"id":"item-2","customerId":"customer-1","content":{"type":"SMS","content":"hi"}}'

_GOOD = st.builds(as_json, any_conforming(TABLE) | mutated(any_conforming(TABLE)))


@st.composite
def _cut(draw: st.DrawFn) -> bytes:
    line = draw(_GOOD)
    return line[draw(st.integers(0, len(line))) :][: draw(st.integers(0, len(line)))]


@st.composite
def _flipped(draw: st.DrawFn) -> bytes:
    line = bytearray(draw(_GOOD))
    line[draw(st.integers(0, len(line) - 1))] ^= 1 << draw(st.integers(0, 7))
    return bytes(line)


@st.composite
def _over_two_lines(draw: st.DrawFn) -> bytes:
    line = draw(_GOOD)
    at = draw(st.sampled_from([place for place, byte in enumerate(line, 1) if byte in b",:{"]))
    return line[:at] + b"\n" + line[at:]


_BROKEN = st.one_of(
    _cut(),
    _flipped(),
    _over_two_lines(),
    _GOOD.map(lambda line: b"\xef\xbb\xbf" + line),
    _GOOD.map(lambda line: line[:-1] + b',"weight":NaN}'),
    _GOOD.map(lambda line: line[:-1] + b',"lone":"\\ud800"}'),
    _GOOD.map(lambda line: line[:-1] + b',"bytes":"\xff"}'),
    _GOOD.map(lambda line: line[:-1] + b',"long":"' + b"x" * 3_000 + b'"}'),
    st.tuples(_GOOD, st.sampled_from([b"", b" ", b"\r"]), _GOOD).map(b"".join),
    st.sampled_from(
        [b"null", b"[]", b'"text"', b"1", b"{}", b'{"id":""}', b'{"id":1}', b'{"id":"a\\u0000"}']
    ),
    st.binary(max_size=30),
)
_BLANK = st.sampled_from([b"", b" ", b"\t \r", b"\r"])


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


@MANY
@given(
    lines=st.lists(_GOOD | _BROKEN | _BLANK, max_size=6),
    newline=st.sampled_from([b"\n", b"\n", b"\r\n"]),
    end=st.sampled_from([b"", b"\n"]),
    piece_bytes=st.sampled_from([1, 7, 100, 1 << 20]),
    max_line_bytes=st.sampled_from([500, 1 << 20]),
)
def test_each_line_is_rows_or_quarantined_and_can_be_found_again(
    lines: list[bytes], newline: bytes, end: bytes, piece_bytes: int, max_line_bytes: int
) -> None:
    data = newline.join(lines) + end
    counts, tables = parse(TABLE, data, piece_bytes=piece_bytes, max_line_bytes=max_line_bytes)
    sent = lines_of(data)
    rows = {row["_line"] for row in tables.get(TABLE, [])}
    quarantined = {row["line_number"]: row for row in tables.get("quarantined_lines", [])}

    assert counts.lines == len(sent) == counts.rows + counts.quarantined
    assert (len(rows), len(quarantined)) == (counts.rows, counts.quarantined)
    assert {*rows, *quarantined} == {*sent}
    assert rows.isdisjoint(quarantined)
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
        assert missing_leaves(TABLE, line, rows_by_record(rows_by_line(tables, number))) == []


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
