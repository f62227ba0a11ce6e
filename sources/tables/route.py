"""Lines of mixed record types to the record type that takes each.

file     CONTACT/..  TASK/..  CONTACT/..  NEW/..
contact  line 1               line 3
task                 line 2
unknown                                   line 4
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from sources.streams.lines import Lines, PickedLines, is_blank, split_lines
from sources.tables.conform import DECODE_ERRORS
from sources.tables.declarations import Record, RecordFamily
from sources.tables.decode import decode_whole_lines


class Router:
    """Tells the lines of one family's files apart; the records themselves are not looked at."""

    def __init__(self, family: RecordFamily) -> None:
        self._family = family
        named = msgspec.defstruct("Named", [(family.type_path, Any, None)], gc=False)
        decoder = msgspec.json.Decoder(named)
        self._decode_all: Callable[[bytes], list[Any]] = decoder.decode_lines
        self._decode_one: Callable[[bytes], Any] = decoder.decode

    def route(self, lines: Lines | PickedLines) -> list[tuple[Record, PickedLines]]:
        """Return each line that is not blank once, with the record type that takes it.

        A line that cannot be decoded goes to the unknown ones, where it is quarantined.
        """
        picked = [line for line in split_lines(lines) if not is_blank(line[2])]
        structs = decode_whole_lines(self._decode_all, lines.data, lines.count)
        if structs is None:
            structs = [self._decoded(line) for _, _, line in picked]
        return self._grouped(zip(picked, structs, strict=True))

    def _grouped(
        self, lines: Iterable[tuple[tuple[int, int, bytes], Any]]
    ) -> list[tuple[Record, PickedLines]]:
        groups: dict[str, tuple[Record, list[tuple[int, int, bytes]]]] = {}
        name = self._family.type_path
        for line, struct in lines:
            record = self._record(getattr(struct, name, None))
            groups.setdefault(record.table, (record, []))[1].append(line)
        return [(record, PickedLines(picked)) for record, picked in groups.values()]

    def _record(self, kind: object) -> Record:
        if not isinstance(kind, str):
            return self._family.unknown
        name = kind.partition(self._family.separator)[0]
        return self._family.records.get(name, self._family.unknown)

    def _decoded(self, line: bytes) -> Any:  # noqa: ANN401 - the struct, or None
        try:
            return self._decode_one(line)
        except DECODE_ERRORS:
            return None
