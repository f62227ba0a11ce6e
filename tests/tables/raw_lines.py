"""Random lines of raw files: good ones, and what cuts, flips and careless writers make of them."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

from tests.leaves import EVENTS, KEYS
from tests.tables.records import any_conforming, as_json, events_of_odd_types, mutated

_Lines = st.SearchStrategy[bytes]


@cache
def good_lines(table: str) -> _Lines:
    records = any_conforming(table) | mutated(any_conforming(table), KEYS.get(table, "id"))
    if table == EVENTS:
        records |= events_of_odd_types()
    return st.builds(as_json, records, escape=st.booleans())


@st.composite
def _cut(draw: st.DrawFn, good: _Lines) -> bytes:
    line = draw(good)
    return line[draw(st.integers(0, len(line))) :][: draw(st.integers(0, len(line)))]


@st.composite
def _flipped(draw: st.DrawFn, good: _Lines) -> bytes:
    line = bytearray(draw(good))
    line[draw(st.integers(0, len(line) - 1))] ^= 1 << draw(st.integers(0, 7))
    return bytes(line)


@st.composite
def _over_two_lines(draw: st.DrawFn, good: _Lines) -> bytes:
    line = draw(good)
    at = draw(st.sampled_from([place for place, byte in enumerate(line, 1) if byte in b",:{"]))
    return line[:at] + b"\n" + line[at:]


@cache
def broken_lines(table: str) -> _Lines:
    good = good_lines(table)
    return st.one_of(
        _cut(good),
        _flipped(good),
        _over_two_lines(good),
        good.map(lambda line: b"\xef\xbb\xbf" + line),
        st.tuples(good, st.sampled_from(_ADDED)).map(lambda pair: pair[0][:-1] + pair[1]),
        st.tuples(good, st.sampled_from([b"", b" ", b"\r"]), good).map(b"".join),
        st.sampled_from(_NO_RECORDS),
        st.binary(max_size=30),
    )


# broken for every JSON reader, or legal and odd: members named twice, U+2028 as it stands
_ADDED = [
    b',"weight":NaN}',
    b',"lone":"\\ud800"}',
    b',"bytes":"\xff"}',
    b',"content":{"context":{"monetaryUnit":"\xff"}}}',
    b',"type":"PAYMENT_REQUEST/CREATED","content":{"context":{"monetaryUnit":"\xff"}}}',
    b',"type":"TASK/CLOSED"}',
    b',"t\\u0079pe":"CONTACT/ENDED"}',
    b',"type":"CONTACT/\\u0000"}',
    b',"id":"twice"}',
    ',"separator":"\u2028\u2029\u0085"}'.encode(),
    b',"long":"' + b"x" * 3_000 + b'"}',
]
_NO_RECORDS = [
    b"null",
    b"[]",
    b'"text"',
    b"1",
    b"{}",
    b'{"id":""}',
    b'{"id":1}',
    b'{"id":"a\\u0000"}',
    b'{"type":"PING"}',
    b'{"type":"TASK/CLOSED","id":7}',
    b'["TASK/CLOSED"]',
]
BLANK_LINES = st.sampled_from([b"", b" ", b"\t \r", b"\r"])
