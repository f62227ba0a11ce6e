r"""CSV to records, exactly and in bounded memory; what is broken is handed back, not raised.

The grammar is RFC 4180 with the freedom real files take: lines end in ``\r\n``, ``\n`` or ``\r``; a
quoted cell may hold all of them; a quote inside an unquoted cell is text; a byte order mark and
blank lines may stand before the header. Cells stay text: "NA" and "007" are what they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import BinaryIO, NamedTuple

from sources.http.errors import RetryableError
from sources.streams.lines import CHUNK_BYTES, OVERSIZED_HEAD_BYTES, is_blank

MAX_RECORD_BYTES = 8 * 1024 * 1024

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CELL = rb'(?:"(?:[^"]++|"")*+"|(?:[^",\r\n][^,\r\n]*+)?+)'
_WHOLE_RECORD = re.compile(rb"(%b(?:,%b)*+)(?:\r\n|\n|\r)" % (_CELL, _CELL))
_CELLS_BEFORE_THIS = re.compile(rb"(?:(?:[^\",\r\n][^,\r\n]*+)?+,)*+")
_REST_OF_CELL = re.compile(rb"[^,\r\n]*+")
_REST_OF_QUOTED = re.compile(rb'(?:[^"]++|"")*+')
_REST_OF_LINE = re.compile(rb"[^\r\n]*+")
# for a record whose grammar is checked, and with a comma before it
_CELL_TEXT = re.compile(r',("(?:[^"]++|"")*+"|[^,]*+)')
_QUOTE, _COMMA = ord('"'), ord(",")
_NOT_A_KEY = re.compile(r"[^a-z0-9_]")

_NEVER_CLOSES = "a quote that never closes"
_AFTER_QUOTE = "text after a closing quote"


class CsvRecord(NamedTuple):
    """One record: its first line (from 1), its byte offset (from 0), its bytes and its cells.

    ``raw`` leaves the line end out. There are as many cells as the header has names.
    """

    line_number: int
    byte_offset: int
    raw: bytes
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BrokenRecord:
    """Bytes that cannot become a record: where they stand, why, and the bytes.

    ``reason`` never holds text of a cell. ``raw`` is cut where ``byte_length`` is beyond the bound.
    """

    line_number: int
    byte_offset: int
    byte_length: int
    reason: str
    raw: bytes


class CsvTable:
    """The records of one CSV file; iterate over it once.

    Every byte of the file is in a record, in a broken record, or in a blank line, a line end or
    the byte order mark. Memory is bounded by ``chunk_bytes`` + ``max_record_bytes``.

    Attributes:
        header: Names of the columns, made distinct: see `distinct_names`. Empty if the file is.
        keys: The same in the form names are matched by: see `column_key`; distinct as well.
    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        chunk_bytes: int = CHUNK_BYTES,
        max_record_bytes: int = MAX_RECORD_BYTES,
    ) -> None:
        self._records = _scan(stream, chunk_bytes, max_record_bytes)
        first = next((record for record in self._records if not is_blank(record.raw)), None)
        header = _record(first) if first else None
        self._broken_header = header if isinstance(header, BrokenRecord) else None
        names = header.cells if isinstance(header, CsvRecord) else ()
        self.header = distinct_names(names)
        self.keys = distinct_names([column_key(name) for name in names])

    def __iter__(self) -> Iterator[CsvRecord | BrokenRecord]:
        """Yield what follows the header, in order; first the header itself if it is broken."""
        if self._broken_header is not None:
            yield self._broken_header
        columns = len(self.header)
        for scanned in self._records:
            if not scanned.raw or (columns != 1 and is_blank(scanned.raw)):
                continue
            record = _record(scanned)
            if isinstance(record, CsvRecord) and len(record.cells) != columns:
                yield _broken(scanned, _wrong_number(len(record.cells), columns))
            else:
                yield record


@lru_cache(maxsize=1024)
def column_key(name: str) -> str:
    """Return the form by which a column is matched: ``FCR %`` is ``fcr_percentage``.

    Lower case, a space is ``_``, ``%`` is ``percentage``; all but letters, digits and ``_`` goes.
    """
    lowered = name.lower().replace(" ", "_").replace("%", "percentage")
    return _NOT_A_KEY.sub("", lowered)


def distinct_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names, a repeated one with the first of ``_2``, ``_3``, ... that no name has."""
    taken, next_number, distinct = set(names), dict[str, int](), []
    for name in names:
        chosen = name
        if name in next_number:
            while (chosen := f"{name}_{next_number[name]}") in taken:
                next_number[name] += 1
            taken.add(chosen)
        else:
            next_number[name] = 2
        distinct.append(chosen)
    return tuple(distinct)


def check_is_csv(head: bytes, where: str) -> None:
    """Refuse a body that begins like a web page or a JSON document.

    Args:
        head: its first bytes; a few dozen are enough.
        where: method, path and host, for the message.

    Raises:
        RetryableError: it does; such bodies come with status 200 while a service is down.
    """
    beginning = head.removeprefix(_BYTE_ORDER_MARK).lstrip(b" \t\r\n")[:1]
    if beginning in (b"<", b"{", b"["):
        what = "a web page" if beginning == b"<" else "a JSON document"
        raise RetryableError(
            f"{where} sent {what} instead of a CSV file. It may be a maintenance or login page or "
            "a passing fault: check the base URL, or run again later."
        )


class _Scanned(NamedTuple):
    """A record's bytes, not yet cells. ``fault`` says why they never will be, if so."""

    line_number: int
    byte_offset: int
    byte_length: int
    raw: bytes
    fault: str | None


def _record(scanned: _Scanned) -> CsvRecord | BrokenRecord:
    if scanned.fault is not None:
        return _broken(scanned, scanned.fault)
    try:
        text = scanned.raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return _broken(scanned, f"not UTF-8: byte 0x{error.object[error.start]:02x}")
    return CsvRecord(scanned.line_number, scanned.byte_offset, scanned.raw, _cells(text))


def _cells(text: str) -> tuple[str, ...]:
    if '"' not in text:
        return tuple(text.split(","))
    return tuple(
        [
            cell[1:-1].replace('""', '"') if cell.startswith('"') else cell
            for cell in _CELL_TEXT.findall("," + text)
        ]
    )


def _broken(scanned: _Scanned, reason: str) -> BrokenRecord:
    return BrokenRecord(
        scanned.line_number, scanned.byte_offset, scanned.byte_length, reason, scanned.raw
    )


def _wrong_number(cells: int, columns: int) -> str:
    if not columns:
        return "below a header that is not readable"
    return f"{cells} cells below a header of {columns}"


def _scan(stream: BinaryIO, chunk_bytes: int, max_record_bytes: int) -> Iterator[_Scanned]:
    """Yield every record, blank lines too, in order."""
    beginning = stream.read(len(_BYTE_ORDER_MARK))
    is_mark = beginning == _BYTE_ORDER_MARK
    line_number, byte_offset = 1, len(beginning) if is_mark else 0
    unfinished: _Unfinished | None = None
    for block in _blocks(stream, b"" if is_mark else beginning, chunk_bytes):
        position = 0
        while position < len(block):
            whole = None if unfinished else _WHOLE_RECORD.match(block, position)
            if whole:
                raw, size = whole[1], whole.end() - position
                lines = 1 + (_line_ends(raw) if b'"' in raw else 0)
                yield _bounded(line_number, byte_offset, len(raw), raw, max_record_bytes)
                position += size
            else:
                unfinished = unfinished or _Unfinished(max_record_bytes)
                position = unfinished.read(block, position)
                if not unfinished.has_ended:
                    continue
                yield unfinished.scanned(line_number, byte_offset)
                size, lines = unfinished.size, unfinished.lines
                unfinished = None
            line_number, byte_offset = line_number + lines, byte_offset + size
    if unfinished:
        yield unfinished.scanned(line_number, byte_offset)


def _blocks(stream: BinaryIO, beginning: bytes, chunk_bytes: int) -> Iterator[bytes]:
    r"""Yield ``beginning`` and what follows it, cut anywhere but between ``\r`` and ``\n``."""
    held = beginning
    while chunk := stream.read(chunk_bytes):
        block = held + chunk
        held = b"\r" if block.endswith(b"\r") else b""
        yield block.removesuffix(held)
    yield held


class _State(Enum):
    CELL_START = auto()
    PLAIN = auto()
    QUOTED = auto()
    QUOTE_SEEN = auto()  # inside a quoted cell: it closes the cell, or the next one doubles it
    AFTER_QUOTE = auto()  # broken; the record ends with the line


class _Unfinished:
    """A record that a regular expression does not take whole: at a block's end, or broken.

    It is read block by block, so that its length costs neither memory nor a second look.

    Attributes:
        size: Its bytes so far, line end included.
        lines: Line ends among them.
        has_ended: Whether its line end is read.
    """

    def __init__(self, max_bytes: int) -> None:
        self.size = self.lines = 0
        self.has_ended = False
        self._byte_length = 0
        self._max_bytes = max_bytes
        self._raw = bytearray()
        self._state = _State.CELL_START

    def read(self, block: bytes, start: int) -> int:
        """Take what belongs to the record from ``start`` on; return where that ends."""
        end = start
        while end < len(block) and not self.has_ended:
            end = self._step(block, end)
        self._byte_length += end - start
        self._raw += block[start:end][: self._max_bytes - len(self._raw)]
        after = end
        if self.has_ended:
            after += 2 if block[end : end + 2] == b"\r\n" else 1
        self.size += after - start
        self.lines += _line_ends(block[start:after])
        return after

    def scanned(self, line_number: int, byte_offset: int) -> _Scanned:
        """Return the record as it is now: ended, or cut by the end of the file."""
        faults = {_State.QUOTED: _NEVER_CLOSES, _State.AFTER_QUOTE: _AFTER_QUOTE}
        return _bounded(
            line_number,
            byte_offset,
            self._byte_length,
            bytes(self._raw),
            self._max_bytes,
            faults.get(self._state),
        )

    def _step(self, block: bytes, at: int) -> int:
        match self._state:
            case _State.CELL_START:
                at = _end_of(_CELLS_BEFORE_THIS, block, at)
                is_quoted = block[at : at + 1] == b'"'
                if at < len(block):
                    self._state = _State.QUOTED if is_quoted else _State.PLAIN
                return at + is_quoted
            case _State.QUOTED:
                at = _end_of(_REST_OF_QUOTED, block, at)
                if at < len(block):
                    self._state = _State.QUOTE_SEEN
                    at += 1
                return at
            case _State.QUOTE_SEEN if block[at] == _QUOTE:
                self._state = _State.QUOTED
                return at + 1
            case _State.QUOTE_SEEN if block[at] not in b",\r\n":
                self._state = _State.AFTER_QUOTE
            case _State.PLAIN:
                at = _end_of(_REST_OF_CELL, block, at)
            case _State.AFTER_QUOTE:
                at = _end_of(_REST_OF_LINE, block, at)
        if at < len(block) and block[at] == _COMMA:
            self._state = _State.CELL_START
            return at + 1
        self.has_ended = at < len(block) and block[at] in b"\r\n"
        return at


def _end_of(pattern: re.Pattern[bytes], block: bytes, at: int) -> int:
    found = pattern.match(block, at)
    return found.end() if found else at


def _bounded(
    line_number: int,
    byte_offset: int,
    byte_length: int,
    raw: bytes,
    max_bytes: int,
    fault: str | None = None,
) -> _Scanned:
    if byte_length > max_bytes:
        head = min(OVERSIZED_HEAD_BYTES, max_bytes)
        raw, fault = raw[:head], f"longer than {max_bytes:,} bytes"
    return _Scanned(line_number, byte_offset, byte_length, raw, fault)


def _line_ends(data: bytes) -> int:
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
