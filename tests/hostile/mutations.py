"""Every place of a golden record, and every way in which what stands there may be changed.

for mutation in mutations():
    mutation.line is a golden line, one place changed in one way
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

from tests.golden.pairs import pairs
from tests.leaves import EVENTS, KEYS, parse_json
from tests.tables.records import as_json

Json = Any
Place = tuple[str | int, ...]

_MARK = "what is put in its place"
_ANNOUNCED_BY_NOBODY = "announcedByNobody"

# what a value becomes: JSON text, or what only looks like it
FITTING_NO_COLUMN = {
    "object": '{"in": {"side": 1}}',
    "65-bit integer": str(2**64 + 1),
    "40-digit decimal": f"0.{'1234567890' * 4}",
    "beyond a double": "-1e400",
    "U+0000": '"a\\u0000b"',
    "list of anything": '[1, "two", null, {"three": 3}]',
    "200 levels deep": f"{'[' * 200}{']' * 200}",
}
FITTING_SOME = {
    "null": "null",
    "text": '"a text"',
    "empty text": '""',
    "text like a number": '"12"',
    "number": "12",
    "fraction": "12.50",
    "boolean": "true",
    "empty object": "{}",
    "empty list": "[]",
    "very long text": f'"{"long " * 20_000}"',
    "line separators": '"a\u2028b\u2029c\u0085d"',
}
# no reader of JSON may take these
UNREADABLE = {
    "NaN": "NaN",
    "lone surrogate": '"a\\ud800b"',
    "bytes that are no UTF-8": '"a\udcffb"',
    "100,000 levels deep": f"{'[' * 100_000}{']' * 100_000}",
}
REMOVED, RENAMED, SIBLING = "removed", "renamed", "something new beside it"
_WRITTEN = {**FITTING_NO_COLUMN, **FITTING_SOME, **UNREADABLE}
WAYS = (*_WRITTEN, REMOVED, RENAMED, SIBLING)


@dataclass(frozen=True, slots=True)
class Mutation:
    """A golden line of which one place was changed; ``table`` as in ``tests.tables.parsing``."""

    table: str
    golden: bytes
    place: Place
    way: str

    def __str__(self) -> str:
        return f"{self.table}: {self.way} at {'.'.join(map(str, self.place))}"

    @property
    def line(self) -> bytes:
        """The line, changed."""
        return _changed(self.golden, self.place, self.way)

    @property
    def is_of_the_key(self) -> bool:
        """Whether the changed place is what identifies the record."""
        return self.place == (KEYS.get(self.table, "id"),)

    @property
    def must_be_quarantined(self) -> bool:
        """Whether the line cannot become a row: it is no JSON, or no text identifies it."""
        keyless = {*FITTING_NO_COLUMN, *FITTING_SOME, REMOVED, RENAMED}
        keyless -= {"text", "text like a number", "very long text", "line separators"}
        return self.way in UNREADABLE or (self.is_of_the_key and self.way in keyless)


@cache
def mutations() -> tuple[Mutation, ...]:
    """Return every mutation of every place of the golden records.

    A place that several lines of one type have counts once; so do all elements of a list.
    """
    found: dict[tuple[object, ...], Mutation] = {}
    for table, line in golden_lines():
        record = parse_json(line)
        content = record.get("content") if table == "conversation_items" else record
        kind = content.get("type") if isinstance(content, dict) else None
        for place in places(record):
            anywhere = tuple(name if isinstance(name, str) else "" for name in place)
            for way in WAYS:
                key = (table, json.dumps(kind, default=str), anywhere, way)
                found.setdefault(key, Mutation(table, line, place, way))
    return tuple(found.values())


def golden_lines() -> Iterator[tuple[str, bytes]]:
    """Yield each golden line that is a record, with its table; all events have one."""
    for pair in pairs():
        table = EVENTS if pair.table.endswith(EVENTS) else pair.table
        for line in pair.input_path.read_bytes().split(b"\n"):
            if is_record(table, line):
                yield table, line


def is_record(table: str, line: bytes) -> bool:
    """Return whether a line is one JSON object with a text that identifies it."""
    try:
        json.loads(line.decode(), parse_constant=_refuse)
        value = parse_json(line)
        key = value[KEYS.get(table, "id")]
        as_json(value)
    except (ValueError, TypeError, KeyError, RecursionError):
        return False
    return isinstance(key, str) and key != "" and "\0" not in key


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def places(value: Json, at: Place = ()) -> Iterator[Place]:
    """Yield where something stands inside a value: members and elements, at every depth."""
    members = value.items() if isinstance(value, dict) else ()
    elements = enumerate(value) if isinstance(value, list) else ()
    for name, inner in (*members, *elements):
        yield (*at, name)
        yield from places(inner, (*at, name))


def _changed(golden: bytes, place: Place, way: str) -> bytes:
    record = deepcopy(parse_json(golden))
    *parents, last = place
    inside = record
    for name in parents:
        inside = inside[name]
    if way == REMOVED:
        del inside[last]
    elif way == SIBLING:
        _add(inside, _ANNOUNCED_BY_NOBODY, {"was": inside[last]})
    elif way == RENAMED:
        _add(inside, f"{last}V2", inside[last])
        del inside[last]
    else:
        inside[last] = _MARK
        mark, written = json.dumps(_MARK).encode(), _WRITTEN[way]
        return as_json(record).replace(mark, written.encode("utf-8", "surrogateescape"))
    return as_json(record)


def _add(inside: Json, name: str, value: Json) -> None:
    if isinstance(inside, list):
        inside.append({name: value})
    else:
        inside[name] = value
