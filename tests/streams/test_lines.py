from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.streams.lines import (
    OVERSIZED_HEAD_BYTES,
    Lines,
    OversizedLine,
    read_lines,
    split_file,
    split_lines,
    whole_lines,
)

MANY = settings(max_examples=500, derandomize=True, deadline=None)
# few newlines and many, and what other programs take for newlines
_BYTES = st.lists(
    st.sampled_from([b"\n", b"\r", b"a", b"bc", b"\0", "\u2028".encode(), "\u0085".encode()])
    | st.integers(1, 40).map(lambda length: b"x" * length),
    max_size=40,
).map(b"".join)


@MANY
@given(
    data=_BYTES,
    chunk_bytes=st.integers(1, 50),
    max_line_bytes=st.integers(1, 60) | st.just(10_000),
)
def test_every_byte_comes_exactly_once_in_order(
    data: bytes, chunk_bytes: int, max_line_bytes: int
) -> None:
    offset, line_number = 0, 1
    for part in read_lines(BytesIO(data), chunk_bytes=chunk_bytes, max_line_bytes=max_line_bytes):
        assert part.byte_offset == offset
        if isinstance(part, Lines):
            assert part.first_line == line_number
            assert part.data == data[offset : offset + len(part.data)]
            assert len(part.data) <= chunk_bytes + max_line_bytes
            assert all(len(line) <= max_line_bytes for line in part.data.split(b"\n"))
            offset, line_number = offset + len(part.data), line_number + part.count
            assert part.data.endswith(b"\n") or offset == len(data)
        else:
            line = data[offset : offset + part.byte_length]
            assert part.line_number == line_number
            assert b"\n" not in line
            assert len(line) == part.byte_length > max_line_bytes
            assert line.startswith(part.head)
            assert len(part.head) >= min(max_line_bytes, OVERSIZED_HEAD_BYTES)
            assert part.size == part.byte_length + (data[offset + part.byte_length :][:1] == b"\n")
            offset, line_number = offset + part.size, line_number + 1
    assert offset == len(data)


@MANY
@given(data=_BYTES, chunk_bytes=st.integers(1, 50))
def test_lines_are_split_at_newlines_only(data: bytes, chunk_bytes: int) -> None:
    found = [
        line
        for part in read_lines(BytesIO(data), chunk_bytes=chunk_bytes)
        if isinstance(part, Lines)
        for line in split_lines(part)
    ]
    expected, offset = data.removesuffix(b"\n").split(b"\n") if data else [], 0
    for number, (found_number, found_offset, line) in enumerate(found, 1):
        assert (found_number, found_offset) == (number, offset)
        offset += len(line) + 1
    assert [line for _, _, line in found] == expected


@settings(max_examples=200, derandomize=True, deadline=None)
@given(data=_BYTES, parts=st.integers(1, 6), chunk_bytes=st.integers(1, 50))
def test_spans_of_a_file_hold_together_what_the_file_holds(
    data: bytes, parts: int, chunk_bytes: int
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file.jsonl"
        path.write_bytes(data)
        spans = split_file(path, parts)
    assert len(spans) <= parts
    found = [
        line
        for span in spans
        for part in read_lines(
            BytesIO(data), span=span, chunk_bytes=chunk_bytes, max_line_bytes=10_000
        )
        if isinstance(part, Lines)
        for line in split_lines(part)
    ]
    assert found == list(split_lines(whole_lines(data)))


def test_a_line_up_to_the_bound_is_never_too_long() -> None:
    (part,) = read_lines(BytesIO(b"x" * 10), chunk_bytes=3, max_line_bytes=10)
    assert part == Lines(b"x" * 10, 1, 0, 1)


def test_a_line_beyond_the_bound_costs_its_head_only() -> None:
    parts = list(read_lines(BytesIO(b"x" * 11 + b"\ny"), chunk_bytes=1, max_line_bytes=10))
    assert parts == [OversizedLine(1, 0, 11, 12, b"x" * 11), Lines(b"y", 2, 12, 1)]


@pytest.mark.parametrize(
    ("data", "count"), [(b"", 0), (b"\n", 1), (b"a", 1), (b"a\n", 1), (b"a\nb", 2), (b"\n\n", 2)]
)
def test_lines_are_counted(data: bytes, count: int) -> None:
    assert whole_lines(data).count == count == len(list(split_lines(whole_lines(data))))
