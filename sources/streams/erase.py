r"""Lines that name somebody leave a raw file, and nothing else in it moves.

before   {"id":"a","customerId":"gone"}\n{"id":"b","customerId":"stays"}\n
after                                  \n{"id":"b","customerId":"stays"}\n

An erased line keeps its length, as spaces, so that the line numbers and byte offsets that rows of
the warehouse name stay true; a blank line is no line to any parser.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from sources.http.files import write_whole_file
from sources.streams.csv_records import BrokenRecord, CsvRecord, CsvTable
from sources.streams.lines import CHUNK_BYTES, OversizedLine, read_lines, split_lines

# a name as JSON or CSV writes it stands whole between two of these
_JSON_MARK = b'"'
_CSV_MARKS = re.compile(rb'[,"\r\n]')
_TO_SPACES = bytes(byte if byte in b"\r\n" else ord(" ") for byte in range(256))
_ESCAPE = re.compile(r"\\u[0-9a-f]{4}")


@dataclass(slots=True)
class ErasedLines:
    """How many records left, and how many of them named each owner."""

    records: int = 0
    by_owner: Counter[str] = field(default_factory=Counter)

    def add(self, other: ErasedLines) -> None:
        """Add what left another file."""
        self.records += other.records
        self.by_owner.update(other.by_owner)


class Sought:
    """The names to look for, in any of the forms in which JSON or CSV may write them.

    Attributes:
        longest: Bytes of the longest form, quotes included.
    """

    def __init__(self, owners: Mapping[str, str], passed_over: Collection[str] = ()) -> None:
        """Compile the names; that the cost of a search does not grow with their number.

        Args:
            owners: Each name, such as a customer's or a conversation's id, and whom it stands for.
            passed_over: Members of JSON objects, and columns of CSV, whose values are no reason.
        """
        # no name at all is nobody's
        self._owners = {name: owner for name, owner in owners.items() if name}
        self._passed_over = frozenset(passed_over)
        self._forms = {form: name for name in self._owners for form in _forms(name)}
        self._plain = frozenset(form for form in self._forms if not _CSV_MARKS.search(form))
        self._odd = tuple(form for form in self._forms if form not in self._plain)
        self.longest = max(map(len, self._forms), default=0) + 2

    def __bool__(self) -> bool:
        return bool(self._owners)

    def may_be_in(self, data: bytes, *, is_csv: bool) -> bool:
        """Return False only if no name is in ``data``. Fast: 600 MB a second, however many."""
        return not self._plain.isdisjoint(_pieces(data, is_csv=is_csv)) or any(
            form in data for form in self._odd
        )

    def owners_in_json(self, text: bytes) -> frozenset[str]:
        """Return whom a JSON text names, by a whole string or by the name of a member.

        A text that is no JSON, such as a broken line, names whom a quoted piece of it names.
        """
        if not self.may_be_in(text, is_csv=False):
            return frozenset()
        try:
            value = json.loads(text, object_pairs_hook=tuple)
            strings = set(_strings(value, self._passed_over))
        except (ValueError, RecursionError):
            return self.owners_in_pieces([text], is_csv=False)
        return self._owners_of(strings)

    def owners_in_cells(self, keys: Collection[str], cells: Collection[str]) -> frozenset[str]:
        """Return whom the cells of a record name; ``keys`` are its columns."""
        columns = zip(keys, cells, strict=True)
        return self._owners_of({cell for key, cell in columns if key not in self._passed_over})

    def owners_in_pieces(self, blocks: Iterable[bytes], *, is_csv: bool) -> frozenset[str]:
        """Return whom a text names that is too long or too broken to be read."""
        found: frozenset[str] = frozenset()
        held = b""
        for block in blocks:
            found |= self._owners_of_pieces(held + block, is_csv=is_csv)
            held = (held + block)[-self.longest :]
        return found

    def _owners_of_pieces(self, data: bytes, *, is_csv: bool) -> frozenset[str]:
        forms = self._plain.intersection(_pieces(data, is_csv=is_csv))
        forms |= {form for form in self._odd if form in data}
        return self._owners_of({self._forms[form] for form in forms})

    def _owners_of(self, strings: set[str]) -> frozenset[str]:
        return frozenset(self._owners[name] for name in strings & self._owners.keys())


def erase_lines(path: Path, sought: Sought, *, is_csv: bool) -> ErasedLines:
    """Blank every record of a raw file that names one of ``sought``.

    The file is replaced by a new one, which is safely on disk before it takes the name; a file
    that names nobody is not touched. Every other byte stays where it is. Memory does not grow
    with the file.

    Args:
        path: The file.
        sought: The names.
        is_csv: Whether its records are those of a CSV file, which may span lines; else each line
            is one, JSON as a rule.

    Raises:
        GiveUpError: the disk is full or refuses; the file is as it was.
    """
    erased = ErasedLines()
    if not sought or not _may_hold(path, sought, is_csv=is_csv):
        return erased
    with path.open("rb") as stream:
        spans = _named_spans(path, sought, is_csv=is_csv)
        first = next(spans, None)
        if first is not None:
            write_whole_file(path, _blanked(stream, _counted(first, spans, erased)))
    return erased


class _NamedSpan(NamedTuple):
    """The bytes of one record that names somebody, line ends inside it included."""

    start: int
    end: int
    owners: frozenset[str]


def _may_hold(path: Path, sought: Sought, *, is_csv: bool) -> bool:
    with path.open("rb") as stream:
        held = b""
        while block := stream.read(CHUNK_BYTES):
            data = held + block
            if sought.may_be_in(data, is_csv=is_csv):
                return True
            held = data[-sought.longest :]
    return False


def _named_spans(path: Path, sought: Sought, *, is_csv: bool) -> Iterator[_NamedSpan]:
    with path.open("rb") as stream, path.open("rb") as again:
        find = _spans_of_records if is_csv else _spans_of_lines
        yield from (span for span in find(stream, again, sought) if span.owners)


def _spans_of_lines(stream: BinaryIO, again: BinaryIO, sought: Sought) -> Iterator[_NamedSpan]:
    for part in read_lines(stream):
        if isinstance(part, OversizedLine):
            start, end = part.byte_offset, part.byte_offset + part.byte_length
            owners = sought.owners_in_pieces(_blocks(again, start, end), is_csv=False)
            yield _NamedSpan(start, end, owners)
        elif sought.may_be_in(part.data, is_csv=False):
            for _, start, line in split_lines(part):
                yield _NamedSpan(start, start + len(line), sought.owners_in_json(line))


def _spans_of_records(stream: BinaryIO, again: BinaryIO, sought: Sought) -> Iterator[_NamedSpan]:
    table = CsvTable(stream)
    for record in table:
        start = record.byte_offset
        match record:
            case CsvRecord():
                owners = sought.owners_in_cells(table.keys, record.cells)
                yield _NamedSpan(start, start + len(record.raw), owners)
            case BrokenRecord():
                end = start + record.byte_length
                owners = sought.owners_in_pieces(_blocks(again, start, end), is_csv=True)
                yield _NamedSpan(start, end, owners)


def _counted(
    first: _NamedSpan, others: Iterator[_NamedSpan], erased: ErasedLines
) -> Iterator[_NamedSpan]:
    span: _NamedSpan | None = first
    while span is not None:
        erased.records += 1
        erased.by_owner.update(span.owners)
        yield span
        span = next(others, None)


def _blanked(stream: BinaryIO, spans: Iterator[_NamedSpan]) -> Iterator[bytes]:
    """Yield the bytes of ``stream`` with spaces for those of ``spans``, line ends aside."""
    at = 0
    for span in spans:
        yield from _blocks(stream, at, span.start)
        for block in _blocks(stream, span.start, span.end):
            yield block.translate(_TO_SPACES)
        at = span.end
    yield from _blocks(stream, at, None)


def _blocks(stream: BinaryIO, start: int, end: int | None) -> Iterator[bytes]:
    stream.seek(start)
    left = CHUNK_BYTES if end is None else end - start
    while block := stream.read(min(CHUNK_BYTES, left)):
        yield block
        left -= 0 if end is None else len(block)


def _pieces(data: bytes, *, is_csv: bool) -> list[bytes]:
    """Return all that stands between two marks, and in CSV what is before and after all."""
    if is_csv:
        for mark in (b'"', b"\n", b"\r"):
            data = data.replace(mark, b",")
        return data.split(b",")
    return data.split(_JSON_MARK)[1:-1]


def _forms(name: str) -> set[bytes]:
    """Return how a name may be written: as it is, or with the escapes that encoders use."""
    plain = json.dumps(name, ensure_ascii=False)[1:-1]
    escaped = json.dumps(name)[1:-1]
    escaped_in_capitals = _ESCAPE.sub(lambda found: "\\u" + found[0][2:].upper(), escaped)
    texts = {plain, escaped, escaped_in_capitals}
    texts |= {text.replace("/", "\\/") for text in texts}
    # CSV knows no escapes, but doubles a quote inside a quoted cell
    texts |= {name, name.replace('"', '""')}
    return {text.encode("utf-8", "surrogatepass") for text in texts}


def _strings(value: Any, passed_over: frozenset[str]) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Yield every string of a decoded JSON value, names of members too; objects are tuples."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from _strings(element, passed_over)
    elif isinstance(value, tuple):
        for name, inner in value:
            yield name
            if name not in passed_over:
                yield from _strings(inner, passed_over)
