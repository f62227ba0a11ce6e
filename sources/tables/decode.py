"""Lines to records: a strict typed decode, and a lossless one for any line that surprises it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import msgspec

from sources.streams.lines import Lines, PickedLines, is_blank, split_lines
from sources.tables import decimals, numbers
from sources.tables.conform import (
    DECODE_ERRORS,
    Surprises,
    UnusableRecordError,
    conform,
    decode_json,
    raw_json_text,
)
from sources.tables.declarations import Kind
from sources.tables.structure import CHECKED_KINDS, ChildNode, ObjectNode, RecordNode, attribute
from sources.tables.timestamps import is_canonical, parse_timestamp

# Only as this escape can U+0000 stand in JSON. Several destinations cannot hold it as text.
_NUL_ESCAPE = b"\\u0000"
# Within one JSON value these bytes never follow each other, so between lines they prove an end.
_BETWEEN_RECORDS = b"}\n{"


@dataclass(frozen=True, slots=True)
class QuarantinedLine:
    """A line that cannot become a row: where it stands, why, and its bytes."""

    line_number: int
    byte_offset: int
    byte_length: int
    reason: str
    raw: bytes


@dataclass(slots=True)
class Records:
    """The records of some lines.

    ``structs`` hold what fits the declaration, ``line_numbers`` their lines, and ``surprises``
    what does not fit, by place in ``structs``. Blank lines are left out:
    ``line_count`` = structs + quarantined.
    """

    structs: list[Any]
    line_numbers: Sequence[int]
    line_count: int
    surprises: dict[int, Surprises] = field(default_factory=dict)
    quarantined: list[QuarantinedLine] = field(default_factory=list)


class RecordDecoder:
    """Decodes lines of one record type."""

    def __init__(self, node: RecordNode) -> None:
        self._node = node
        decoder = msgspec.json.Decoder(node.root.struct)
        self._decode_all: Callable[[bytes], list[Any]] = decoder.decode_lines
        self._decode_one: Callable[[bytes], Any] = decoder.decode
        self._checked = _checked_getters(node)

    def decode(self, lines: Lines | PickedLines) -> Records | None:
        """Decode lines that hold nothing but what is declared; None if any of them surprises.

        The check of timestamps and decimals is left to whoever builds columns, where it costs
        least.
        """
        data = lines.data
        structs = decode_whole_lines(self._decode_all, data, lines.count)
        if structs is None or _NUL_ESCAPE in data:
            return None
        return Records(structs, lines.numbers, lines.count)

    def decode_each(self, lines: Lines | PickedLines) -> Records:
        """Decode line by line: strictly where that is enough, else losslessly.

        Every line that is not blank becomes a struct or a quarantined line.
        """
        line_numbers: list[int] = []
        records = Records([], line_numbers, 0)
        for number, offset, line in split_lines(lines):
            if is_blank(line):
                continue
            records.line_count += 1
            struct = self._strict(line)
            if struct is None:
                try:
                    struct, surprises = conform(decode_json(line), self._node)
                except (*DECODE_ERRORS, UnusableRecordError) as error:
                    reason = decode_error_reason(error)
                    records.quarantined.append(
                        QuarantinedLine(number, offset, len(line), reason, line)
                    )
                    continue
                records.surprises[len(records.structs)] = surprises
            records.structs.append(struct)
            line_numbers.append(number)
        return records

    def _strict(self, line: bytes) -> Any:  # noqa: ANN401 - the record's struct, or None
        if _NUL_ESCAPE in line:
            return None
        try:
            struct = self._decode_one(line)
        except DECODE_ERRORS:
            return None
        getters = self._checked[_variant_of(struct, self._node)]
        fit = all(_fits(kind, value) for kind, get in getters for value in get(struct))
        return struct if fit else None


def decode_whole_lines(
    decode_all: Callable[[bytes], list[Any]], data: bytes, count: int
) -> list[Any] | None:
    """Return one struct a line, or None where a line is none, or is not one object."""
    try:
        structs = decode_all(data)
    except DECODE_ERRORS:
        return None
    # msgspec takes one object over two lines, and two on one line, which a count may not show
    if len(structs) != count or data.count(_BETWEEN_RECORDS) != count - 1:
        return None
    return structs


def decode_error_reason(error: Exception) -> str:
    """Say why a line is quarantined, without a word of its text: it may be a customer's."""
    match error:
        case UnusableRecordError():
            return str(error)
        case UnicodeDecodeError():
            return f"not UTF-8: byte 0x{error.object[error.start]:02x}"
        case RecursionError():
            return "nested too deeply"
        case msgspec.ValidationError():
            return f"not readable: {error}"
    return f"not JSON: {error}"


def _variant_of(struct: Any, node: RecordNode) -> type[Any] | None:  # noqa: ANN401 - the record's struct
    if not node.variants:
        return None
    return type(getattr(struct, attribute(node.record.variant_path)))


def _fits(kind: Kind, value: Any) -> bool:  # noqa: ANN401 - text, or raw JSON
    if kind in (Kind.DECIMAL, Kind.NUMBER):
        text = decimals.raw_text(value)
        forms = decimals if kind is Kind.DECIMAL else numbers
        return text == "null" or forms.is_canonical(text)
    if kind is Kind.JSON:
        return raw_json_text(value) is not None
    return is_canonical(value) and parse_timestamp(value) is not None


_Getter = tuple[Kind, Callable[[Any], list[Any]]]


def _checked_getters(node: RecordNode) -> dict[type[Any] | None, list[_Getter]]:
    """For each variant (or None where there are none): how to get all values to be checked."""
    own = _checked_leaves(node.root, ())
    if not node.variants:
        return {None: own}
    prefix = (attribute(node.record.variant_path),)
    return {
        variant.struct: [*own, *_checked_leaves(variant, prefix)]
        for variant in node.variants.values()
    }


def _checked_leaves(node: ObjectNode, prefix: tuple[str, ...]) -> list[_Getter]:
    getters: list[_Getter] = []
    for name, member in node.members.items():
        path = (*prefix, attribute(name))
        if isinstance(member, Kind) and member in CHECKED_KINDS:
            getters.append((member, _getter(path)))
        elif isinstance(member, ObjectNode):
            getters += _checked_leaves(member, path)
        elif isinstance(member, ChildNode) and isinstance(member.element, ObjectNode):
            inner = _checked_leaves(member.element, ())
            getters += [(kind, _element_getter(_getter(path), get)) for kind, get in inner]
    return getters


def _element_getter(
    get_elements: Callable[[Any], list[Any]], get_values: Callable[[Any], list[Any]]
) -> Callable[[Any], list[Any]]:
    def values(struct: Any) -> list[Any]:  # noqa: ANN401 - the record's struct
        return [
            value
            for elements in get_elements(struct)
            for element in (elements.values() if isinstance(elements, dict) else elements)
            for value in get_values(element)
        ]

    return values


def _getter(path: tuple[str, ...]) -> Callable[[Any], list[Any]]:
    *parents, leaf = path
    get_leaf = attrgetter(leaf)

    def values(struct: Any) -> list[Any]:  # noqa: ANN401 - the record's struct
        for parent in parents:
            struct = getattr(struct, parent)
            if struct is None:
                return []
        value = get_leaf(struct)
        return [] if value is None else [value]

    return values
