r"""Bytes to lines, on ``\n`` only, in bounded memory.

A line of JSONL may hold U+2028, U+2029 or U+0085: only the byte ``\n`` ends it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

CHUNK_BYTES = 2 * 1024 * 1024
MAX_LINE_BYTES = 32 * 1024 * 1024
OVERSIZED_HEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines as they stand in the file; the last one of a file may lack its newline.

    ``first_line`` counts from 1, ``byte_offset`` from 0.
    """

    data: bytes
    first_line: int
    byte_offset: int
    count: int

    @property
    def numbers(self) -> Sequence[int]:
        """The number of each line, in order."""
        return range(self.first_line, self.first_line + self.count)


@dataclass(frozen=True, slots=True)
class PickedLines:
    """Some lines of a file, in order, each with its number, byte offset and bytes (no newline)."""

    picked: Sequence[tuple[int, int, bytes]]

    @property
    def data(self) -> bytes:
        """The lines as one text, each ended by a newline."""
        return b"".join([line + b"\n" for _, _, line in self.picked])

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self.picked)

    @property
    def numbers(self) -> Sequence[int]:
        """The number of each line, in order."""
        return [number for number, _, _ in self.picked]


def whole_lines(data: bytes, first_line: int = 1, byte_offset: int = 0) -> Lines:
    """Return bytes that begin and end with a line as lines."""
    count = data.count(b"\n") + (data[-1:] not in (b"", b"\n"))
    return Lines(data, first_line, byte_offset, count)


@dataclass(frozen=True, slots=True)
class OversizedLine:
    """A line longer than the bound: its place, its length and its first bytes.

    ``byte_length`` leaves the newline out; ``size`` counts it, if the line has one.
    """

    line_number: int
    byte_offset: int
    byte_length: int
    size: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a file that begins and ends with a line: bytes ``start`` up to ``end``."""

    start: int
    end: int
    first_line: int


def split_file(path: Path, parts: int) -> list[Span]:
    r"""Return a file's bytes as at most ``parts`` spans of whole lines, of about equal size.

    bytes   0----------\n|-----------\n|----------\n
    spans   [             )[             )[            )
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        cuts = [0]
        for part in range(1, parts):
            stream.seek(max(size * part // parts - 1, cuts[-1]))
            _pass_line(stream)
            cuts.append(stream.tell())
        cuts.append(size)
        spans, first_line = [], 1
        for start, end in pairwise(sorted(set(cuts))):
            spans.append(Span(start, end, first_line))
            if end < size:
                first_line += _count_lines(stream, start, end)
    return spans


def read_lines(
    stream: BinaryIO,
    *,
    span: Span | None = None,
    chunk_bytes: int = CHUNK_BYTES,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> Iterator[Lines | OversizedLine]:
    """Yield every byte of ``stream``, or of a span of it, exactly once, in order, as whole lines.

    Memory is bounded by ``chunk_bytes`` + ``max_line_bytes``, whatever the file holds.
    """
    line_number, byte_offset, left = 1, 0, sys.maxsize
    if span is not None:
        line_number, byte_offset, left = span.first_line, span.start, span.end - span.start
        stream.seek(span.start)
    held, oversized_bytes, head = b"", 0, b""
    # a block is no longer than a line may be, so only the line it continues can be too long
    while block := stream.read(min(chunk_bytes, max_line_bytes, left)):
        left -= len(block)
        continued = block.partition(b"\n")[0] if held else b""
        if len(held) + len(continued) > max_line_bytes:
            head = (held + continued)[:OVERSIZED_HEAD_BYTES]
            oversized_bytes, held = len(held), b""
        if oversized_bytes:
            end = block.find(b"\n") + 1
            oversized_bytes += end or len(block)
            if not end:
                continue
            length = oversized_bytes - 1
            yield OversizedLine(line_number, byte_offset, length, oversized_bytes, head)
            line_number, byte_offset = line_number + 1, byte_offset + oversized_bytes
            oversized_bytes, block = 0, block[end:]
        cut = block.rfind(b"\n") + 1
        if cut:
            lines = whole_lines(held + block[:cut], line_number, byte_offset)
            yield lines
            line_number, byte_offset = line_number + lines.count, byte_offset + len(lines.data)
            held = block[cut:]
        else:
            held += block
    if oversized_bytes:
        yield OversizedLine(line_number, byte_offset, oversized_bytes, oversized_bytes, head)
    elif held:
        yield whole_lines(held, line_number, byte_offset)


def split_lines(lines: Lines | PickedLines) -> Iterator[tuple[int, int, bytes]]:
    """Yield the number, the byte offset and the bytes, newline excluded, of each line."""
    if isinstance(lines, PickedLines):
        yield from lines.picked
        return
    number, start, data = lines.first_line, 0, lines.data
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        yield number, lines.byte_offset + start, data[start:end]
        number, start = number + 1, end + 1


def is_blank(line: bytes) -> bool:
    """Return whether a line holds nothing but what JSON calls whitespace."""
    return not line.strip(b" \t\r\n")


def _pass_line(stream: BinaryIO) -> None:
    """Read on to the next line, in bounded memory however far that is."""
    while (part := stream.readline(CHUNK_BYTES)) and not part.endswith(b"\n"):
        pass


def _count_lines(stream: BinaryIO, start: int, end: int) -> int:
    stream.seek(start)
    count, left = 0, end - start
    while block := stream.read(min(CHUNK_BYTES, left)):
        count += block.count(b"\n")
        left -= len(block)
    return count
