"""Records to Arrow tables: the one builder, column by column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from sources.tables import decimals, numbers, timestamps
from sources.tables.arrow import ARROW_TYPES, arrow_schema
from sources.tables.conform import Surprises, raw_json_text
from sources.tables.declarations import (
    DELETED_AT_COLUMN,
    ENTRY_NAME,
    Child,
    Field,
    Kind,
    Shape,
    TableSchema,
    table_schemas,
)
from sources.tables.decode import Records
from sources.tables.structure import ObjectNode, RecordNode, attribute

Tables = dict[str, pa.Table]


class UnfitValueError(ValueError):
    """A column holds a value the fast path does not take: decode these lines one by one."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where rows come from: the version (when and by which job it was extracted), file and feed."""

    extracted_at: datetime
    job_id: str
    file: str
    origin: str = ""


class TableBuilder:
    """Builds the Arrow tables of one record type. Tables without rows are left out."""

    def __init__(self, node: RecordNode) -> None:
        self._node = node
        self.schemas: dict[str, TableSchema] = {
            table.name: table for table in table_schemas(node.record)
        }
        self._arrow = {name: arrow_schema(table) for name, table in self.schemas.items()}

    def build(self, records: Records, lineage: Lineage) -> Tables:
        """Return the rows of ``records``, by table.

        Raises:
            UnfitValueError: a timestamp or decimal needs the lossless path (``RecordDecoder``).
        """
        if not records.structs:
            return {}
        record, root = self._node.record, self._node.root
        keys = list(map(attrgetter(attribute(record.fields[0].path)), records.structs))
        rows = _Rows(keys, records.line_numbers, records.structs, root, records.surprises)
        tables = _Tables(self._arrow, lineage)
        columns = _columns(record.fields, rows)
        if self._node.variants:
            contents = list(map(attrgetter(attribute(record.variant_path)), rows.structs))
            columns.append(self._type_column(contents, rows.surprises))
            self._add_variants(tables, rows, contents)
        if record.has_origin:
            columns.append(pa.repeat(pa.scalar(lineage.origin, pa.string()), len(keys)))
        if record.has_deletion:
            columns.append(pa.nulls(len(keys), ARROW_TYPES[DELETED_AT_COLUMN.kind]))
        extra = [(place, found.record) for place, found in rows.surprises.items()]
        tables.add(record.table, columns, extra, rows.lines)
        _add_children(tables, record.children, rows)
        return tables.built

    def _add_variants(self, tables: _Tables, rows: _Rows, contents: Sequence[Any]) -> None:
        places: dict[type[Any], list[int]] = defaultdict(list)
        for place, kind in enumerate(map(type, contents)):
            places[kind].append(place)
        self._add_unknown(tables, rows, places.pop(type(None), []))
        for kind, at in places.items():
            name = self._node.type_names[kind]
            variant = self._node.record.variants[name]
            own = _Rows(
                [rows.keys[place] for place in at],
                [rows.lines[place] for place in at],
                [contents[place] for place in at],
                self._node.variants[name],
                _select(rows.surprises, at),
            )
            columns = [pa.array(own.keys, pa.string()), *_columns(variant.fields, own)]
            extra = [(place, found.variant) for place, found in own.surprises.items()]
            tables.add(variant.table, columns, extra, own.lines)
            _add_children(tables, variant.children, own)

    def _add_unknown(self, tables: _Tables, rows: _Rows, places: Sequence[int]) -> None:
        if not places:
            return
        found = [rows.surprises[place] for place in places]
        columns = [
            pa.array([rows.keys[place] for place in places], pa.string()),
            pa.array([surprises.unknown_type for surprises in found], pa.string()),
            pa.array([surprises.unknown for surprises in found], pa.string()),
        ]
        lines = [rows.lines[place] for place in places]
        tables.add(self._node.record.unknown_table, columns, None, lines)

    def _type_column(self, contents: Iterable[Any], surprises: dict[int, Surprises]) -> pa.Array:
        names = list(map(self._node.type_names.get, map(type, contents)))
        for place, found in surprises.items():
            names[place] = names[place] or found.unknown_type
        return pa.array(names, pa.string())


@dataclass(slots=True)
class _Rows:
    """Structs of one node, with the key and the line of the record each is or belongs to."""

    keys: Sequence[str]
    lines: Sequence[int]
    structs: Sequence[Any]
    node: ObjectNode
    surprises: dict[int, Surprises]


@dataclass(slots=True)
class _Tables:
    """The tables built so far, each completed with its ``_extra`` and lineage columns."""

    schemas: dict[str, pa.Schema]
    lineage: Lineage
    built: Tables = field(default_factory=dict)

    def add(
        self,
        name: str,
        columns: Sequence[pa.Array],
        extra: Sequence[tuple[int, str | None]] | None,
        lines: Sequence[int],
    ) -> None:
        length = len(columns[0])
        extras = [] if extra is None else [_extra_column(extra, length)]
        table = pa.table(
            [*columns, *extras, *lineage_columns(self.lineage, lines)], schema=self.schemas[name]
        )
        built = self.built.get(name)
        self.built[name] = table if built is None else pa.concat_tables([built, table])


def _add_children(tables: _Tables, children: Iterable[Child], owners: _Rows) -> None:
    for child in children:
        rows = _child_rows(child, owners)
        if not rows.keys:
            continue
        columns = [pa.array(rows.keys, pa.string())]
        if child.label:
            columns.append(pa.repeat(pa.scalar(child.label[1], pa.string()), len(rows.keys)))
        columns.append(pa.array(rows.positions, pa.int64()))
        columns += [_child_column(leaf, rows) for leaf in child.fields]
        extra = _child_extra(child, rows, owners.surprises)
        lines = [owners.lines[place] for place in rows.owners]
        tables.add(child.table, columns, extra, lines)


def _select(surprises: dict[int, Surprises], places: Sequence[int]) -> dict[int, Surprises]:
    if not surprises:
        return {}
    return {new: surprises[old] for new, old in enumerate(places) if old in surprises}


@dataclass(slots=True)
class _ChildRows:
    """The rows of a child: parent key, parent's place, position, entry name and element."""

    keys: list[str]
    owners: list[int]
    positions: list[int]
    names: list[str | None]
    elements: list[Any]


def _columns(fields: Iterable[Field], rows: _Rows) -> list[pa.Array]:
    return [_column(leaf.kind, _follow(rows.structs, leaf.path, rows.node)) for leaf in fields]


def _follow(rows: Sequence[Any], path: str, node: ObjectNode) -> list[Any]:
    """Return the value at ``path`` of each row; None where an object on the way is absent."""
    *parents, leaf = path.split(".")
    for parent in parents:
        inner = node.members[parent]
        if not isinstance(inner, ObjectNode):
            raise TypeError(f"{path}: {parent} is not an object")
        node, empty = inner, inner.empty
        rows = [value or empty for value in map(attrgetter(attribute(parent)), rows)]
    return list(map(attrgetter(attribute(leaf)), rows))


def _column(kind: Kind, values: list[Any]) -> pa.Array:
    if kind is Kind.TIMESTAMP:
        return _cast(pa.array(values, pa.string()), timestamps.CANONICAL_PATTERN, kind)
    if kind is Kind.DECIMAL:
        return _cast(_raw_texts(values), decimals.CANONICAL_PATTERN, kind)
    if kind is Kind.NUMBER:
        return pa.array(list(map(_double, values)), pa.float64())
    if kind is Kind.JSON:
        return _json_texts(values)
    return pa.array(values, ARROW_TYPES[kind])


def _raw_texts(values: list[Any]) -> pa.Array:
    texts = (None if value is None else decimals.raw_text(value) for value in values)
    return pa.array([None if text == "null" else text for text in texts], pa.string())


def _json_texts(values: list[Any]) -> pa.Array:
    texts = [None if value is None else raw_json_text(value) for value in values]
    if any(text is None and value is not None for text, value in zip(texts, values, strict=True)):
        raise UnfitValueError
    return pa.array([None if text == "null" else text for text in texts], pa.string())


def _double(value: msgspec.Raw | float | None) -> float | None:
    """Return a number as a double: raw JSON, or what the lossless path looked at already."""
    if not isinstance(value, msgspec.Raw):
        return value
    text = decimals.raw_text(value)
    if text == "null":
        return None
    if not numbers.is_canonical(text):
        raise UnfitValueError
    return float(text)


def _cast(texts: pa.Array, pattern: str, kind: Kind) -> pa.Array:
    fit = pc.all(pc.match_substring_regex(texts, pattern), min_count=0)
    if not fit.as_py():
        raise UnfitValueError
    try:
        return pc.cast(texts, ARROW_TYPES[kind])
    except pa.ArrowInvalid as error:
        raise UnfitValueError from error


def _child_rows(child: Child, owners: _Rows) -> _ChildRows:
    rows = _ChildRows([], [], [], [], [])
    for place, value in enumerate(_follow(owners.structs, child.path, owners.node)):
        if value is None:
            continue
        match child.shape:
            case Shape.LIST:
                names, elements = None, value
            case Shape.MAP:
                names, elements = list(value), list(value.values())
            case Shape.VALUE:
                names, elements = None, (value,)
        count = len(elements)
        rows.keys += [owners.keys[place]] * count
        rows.owners += [place] * count
        rows.positions += range(1, count + 1)
        rows.names += names or [None] * count
        rows.elements += elements
    return rows


def _child_column(leaf: Field, rows: _ChildRows) -> pa.Array:
    if leaf.path == ENTRY_NAME:
        return pa.array(rows.names, pa.string())
    if leaf.path == "":
        return _column(leaf.kind, rows.elements)
    get: Callable[[Any], Any] = attrgetter(attribute(leaf.path))
    return _column(leaf.kind, list(map(get, rows.elements)))


def _child_extra(
    child: Child, rows: _ChildRows, surprises: dict[int, Surprises]
) -> list[tuple[int, str | None]]:
    if not surprises:
        return []
    return [
        (row, surprises[owner].children[child, position])
        for row, (owner, position) in enumerate(zip(rows.owners, rows.positions, strict=True))
        if owner in surprises and (child, position) in surprises[owner].children
    ]


def _extra_column(extra: Sequence[tuple[int, str | None]], length: int) -> pa.Array:
    if not extra:
        return pa.nulls(length, pa.string())
    values: list[str | None] = [None] * length
    for place, text in extra:
        values[place] = text
    return pa.array(values, pa.string())


def lineage_columns(lineage: Lineage, lines: Sequence[int]) -> list[pa.Array]:
    """Return the lineage columns of rows, of which each came from one of ``lines``."""
    length = len(lines)
    return [
        pa.repeat(pa.scalar(lineage.extracted_at, pa.timestamp("us", "UTC")), length),
        pa.repeat(pa.scalar(lineage.job_id, pa.string()), length),
        pa.repeat(pa.scalar(lineage.file, pa.string()), length),
        pa.array(lines, pa.int64()),
    ]
