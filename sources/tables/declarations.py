"""How a record type is declared: one table of facts from which everything else follows.

The decoder, the lossless path, the Arrow and dlt schemas, the merge and the documentation are all
derived from these declarations, so that adding a type is one edit in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """What a leaf holds. A value of any other kind is kept in the row's ``_extra``."""

    TEXT = "text"
    PROSE = "prose"  # text that people write: long, and compressed where a destination can
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    DECIMAL = "decimal"  # exact, 9 digits after the point: money
    NUMBER = "number"  # a double: durations, averages, fractions
    JSON = "json"
    DATE = "date"  # a calendar day; of models only, no record has one


class Shape(Enum):
    """How the value at a child's path becomes rows."""

    LIST = "list"  # one row an element, in order
    MAP = "map"  # one row an entry, in the order sent
    VALUE = "value"  # one row for the single value


ENTRY_NAME = "@"


@dataclass(frozen=True, slots=True)
class Field:
    """One leaf of a record and the column it fills.

    ``path`` is dotted, in the API's own names, relative to the record; in a child it is relative
    to the element, empty where the element itself is the leaf, and ``ENTRY_NAME`` where it is the
    name of a map's entry.
    """

    name: str
    path: str
    kind: Kind
    description: str


@dataclass(frozen=True, slots=True)
class Child:
    """A list, map or single value inside a record that becomes rows of a flat child table.

    Rows are keyed by the parent's key, the label where there is one, and ``position`` (from 1).
    ``label`` is a constant column that keeps several lists of one table apart.
    """

    table: str
    path: str
    fields: tuple[Field, ...]
    description: str
    shape: Shape = Shape.LIST
    label: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One record type: its table, its fields and its children.

    Variants: where ``variants`` is filled, the object at ``variant_path`` carries a text ``type``;
    its fields fill the table of the variant of that name, keyed like the record itself. A type
    that no variant names goes to ``unknown_table`` with the raw JSON.

    ``has_origin`` adds the column ``origin``, for records that more than one feed delivers.
    ``has_deletion`` adds the column ``deleted_at``, for records that whole lists tell of; no
    record fills it, only the absence of one. ``child_key`` is the column in which child rows hold
    the record's key, where the table's name does not tell it.
    """

    table: str
    fields: tuple[Field, ...]
    description: str
    documentation: str
    children: tuple[Child, ...] = ()
    variant_path: str = ""
    variants: dict[str, Record] = field(default_factory=dict)
    unknown_table: str = ""
    has_origin: bool = False
    has_deletion: bool = False
    child_key: str = ""

    @property
    def key(self) -> str:
        """The column that identifies a row: the first field."""
        return self.fields[0].name


@dataclass(frozen=True, slots=True)
class RecordFamily:
    """Record types that come mixed in one file, a record a line.

    The text at ``type_path`` tells them apart: the part of it before ``separator`` names the
    record type. A record that no name fits becomes one of ``unknown``.
    """

    type_path: str
    separator: str
    records: Mapping[str, Record]
    unknown: Record


Declaration = Record | RecordFamily


def records_of(declaration: Declaration) -> tuple[Record, ...]:
    """Return the record types of a declaration, each once."""
    if isinstance(declaration, Record):
        return (declaration,)
    records = (*declaration.records.values(), declaration.unknown)
    return tuple({record.table: record for record in records}.values())


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table as the warehouse sees it."""

    name: str
    kind: Kind
    description: str
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class TableSchema:
    """One table as the warehouse sees it.

    ``version`` names the columns that order the versions of a row, most significant first: a later
    version is never replaced by an earlier one.

    ``parent`` names the root table whose winning version this table mirrors, ``root_key`` the
    columns that hold the root's key, in its order, and ``root_version`` the columns that hold what
    the root's row holds in those of the same names; a root table has none of these.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    description: str
    version: tuple[str, ...]
    parent: str = ""
    root_key: tuple[str, ...] = ()
    root_version: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError(f"Table {self.name} declares a column twice: {names}")
        named = {*self.key, *self.version, *self.root_key, *self.root_version}
        if missing := named - {*names}:
            raise ValueError(f"Table {self.name} has no column {missing} of its key or version")
        if bool(self.parent) is not bool(self.root_key and self.root_version):
            raise ValueError(f"Table {self.name} does not say how its rows name those of its root")

    @property
    def columns_by_name(self) -> dict[str, Column]:
        """The columns, by name, in order."""
        return {column.name: column for column in self.columns}


EXTRA = "_extra"
EXTRACTED_AT = "_extracted_at"
JOB_ID = "_job_id"
FILE = "_file"
LINE = "_line"
ORIGIN = "origin"
DELETED_AT = "deleted_at"
POSITION = "position"

EXTRA_COLUMN = Column(
    EXTRA, Kind.JSON, "Fields no declaration knows, and values of another type than declared."
)
DELETED_AT_COLUMN = Column(
    DELETED_AT, Kind.TIMESTAMP, "When a whole list no longer held it; null while it is there."
)
ORIGIN_COLUMN = Column(ORIGIN, Kind.TEXT, "Which feed delivered this row.", nullable=False)
LINEAGE = (
    Column(EXTRACTED_AT, Kind.TIMESTAMP, "When the source extracted this version.", nullable=False),
    Column(
        JOB_ID,
        Kind.TEXT,
        "The export job, or the request, that delivered this version.",
        nullable=False,
    ),
    Column(FILE, Kind.TEXT, "The file it came in.", nullable=False),
    Column(LINE, Kind.INTEGER, "The line of that file, from 1.", nullable=False),
)
VERSION = (EXTRACTED_AT, JOB_ID)
# one record, one line of a file: all its rows are of that line
_OF_ONE_LINE = (*VERSION, FILE, LINE)


def table_schemas(record: Record) -> tuple[TableSchema, ...]:
    """Return the tables one record type fills: its own first, then variants, then children."""
    own = TableSchema(
        name=record.table,
        columns=(
            *_columns(record),
            *_variant_type(record),
            *((ORIGIN_COLUMN,) if record.has_origin else ()),
            *((DELETED_AT_COLUMN,) if record.has_deletion else ()),
            EXTRA_COLUMN,
            *LINEAGE,
        ),
        key=(record.key,),
        description=record.description,
        version=VERSION,
    )
    dependents = [
        TableSchema(
            name=variant.table,
            columns=(
                _key_column(record),
                *_value_columns(variant.fields),
                EXTRA_COLUMN,
                *LINEAGE,
            ),
            key=(record.key,),
            description=variant.description,
            version=VERSION,
            parent=record.table,
            root_key=(record.key,),
            root_version=_OF_ONE_LINE,
        )
        for variant in record.variants.values()
    ]
    if record.unknown_table:
        dependents.append(_unknown_schema(record))
    owners = (record, *record.variants.values())
    children = {
        child.table: _child_schema(record, child) for owner in owners for child in owner.children
    }
    return (own, *dependents, *children.values())


def root_key_name(record: Record) -> str:
    """Return the column in which child rows hold their parent's key, such as ``item_id``.

    It is named after what the table holds: ``conversation_items`` gives ``item_id``.
    """
    return record.child_key or f"{record.table.rsplit('_', 1)[-1].removesuffix('s')}_id"


def _columns(record: Record) -> tuple[Column, ...]:
    return (_key_column(record), *_value_columns(record.fields[1:]))


def _key_column(record: Record) -> Column:
    return Column(record.key, Kind.TEXT, record.fields[0].description, nullable=False)


def _value_columns(fields: tuple[Field, ...]) -> tuple[Column, ...]:
    return tuple(Column(leaf.name, leaf.kind, leaf.description) for leaf in fields)


def _variant_type(record: Record) -> tuple[Column, ...]:
    if not record.variants:
        return ()
    return (Column("content_type", Kind.TEXT, "Which typed table holds the rest of this record."),)


def _unknown_schema(record: Record) -> TableSchema:
    return TableSchema(
        name=record.unknown_table,
        columns=(
            _key_column(record),
            Column("content_type", Kind.TEXT, "The type as sent, if it was text."),
            Column("raw", Kind.JSON, "The whole record as received."),
            *LINEAGE,
        ),
        key=(record.key,),
        description="Records of a type no declaration knows, raw, until one does.",
        version=VERSION,
        parent=record.table,
        root_key=(record.key,),
        root_version=_OF_ONE_LINE,
    )


def _child_schema(record: Record, child: Child) -> TableSchema:
    parent_key = root_key_name(record)
    label = (
        (Column(child.label[0], Kind.TEXT, "Which of the parent's lists.", nullable=False),)
        if child.label
        else ()
    )
    return TableSchema(
        name=child.table,
        columns=(
            Column(parent_key, Kind.TEXT, f"The row of {record.table}.", nullable=False),
            *label,
            Column(POSITION, Kind.INTEGER, "Place in the parent's list, from 1.", nullable=False),
            *_value_columns(child.fields),
            EXTRA_COLUMN,
            *LINEAGE,
        ),
        key=(parent_key, *(column.name for column in label), POSITION),
        description=child.description,
        version=VERSION,
        parent=record.table,
        root_key=(parent_key,),
        root_version=_OF_ONE_LINE,
    )
