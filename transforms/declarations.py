"""How a model is declared: the table it fills, what it reads, what must hold of its rows.

The SQL stands in ``<layer>/<table>.sql``, in DuckDB's dialect; tables are named plainly, whichever
dataset they are in. A model is one query that fills its whole table, or, for what no destination
does like another, one query and a function that makes rows of what it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files
from typing import Any

from sources.tables.declarations import Column, Kind, TableSchema

Rows = Iterable[Sequence[Any]]

STAGING, CORE, MARTS = "staging", "core", "marts"
LAYERS = (STAGING, CORE, MARTS)
LOCAL_DATE = Column("local_date", Kind.DATE, "The local day.", nullable=False)


@dataclass(frozen=True, slots=True)
class Check:
    """What must hold of a model: ``sql`` returns the rows for which it does not.

    ``claim`` completes a sentence about the table, such as "each agent_id, day is there once".
    """

    claim: str
    sql: str


@dataclass(frozen=True, slots=True)
class Changes:
    """How a model is built from what changed, where the rest of it can stay.

    Attributes:
        ids: The model that lists the ids of what changed.
        column: The column that holds them, there and in this model.
        reads: The tables and models that are read by such ids, and the column that holds them. A
            row of the model must depend on no other rows of these.
        or_none: Whether there may be rows without such an id; all of them are made anew.
        is_near: Whether rows of such ids stand near each other, in the order they were loaded.
        is_all: Whether the model holds rows of what changed and no others.
        slices: The slices of ``ids`` to build; None for all of them.
        deltas: Temporary tables that hold what changed, and what is read by these ids is read
            from; where the model itself is among their keys, it is made there first.
    """

    ids: str
    column: str
    reads: Mapping[str, str] = field(hash=False)
    or_none: bool = False
    is_near: bool = True
    is_all: bool = False
    slices: range | None = None
    deltas: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Example:
    """A question that a model answers, and the query that asks it.

    ``sql`` is what a person types: as models are written, but tables with the datasets they have
    by default, ``marts`` and ``gladly``. Its order leaves no choice.
    """

    question: str
    sql: str


@dataclass(frozen=True, slots=True)
class Model:
    """One table that is made from others.

    ``reads`` names the tables and models its SQL names; of these, ``as_built`` names models that it
    reads as they were built last, before they are built now. ``checks`` come on top of those that
    follow from the declared table: see ``all_checks``. ``examples`` stand on the model's page.

    ``written_in`` names the SQL file of a query that two models are: one of what is as it was built
    last, and one of what is as it is built now.

    ``make`` computes the rows, in the order of the table's columns, from the rows that the query
    returns and the time zone that models count days in; None where the query returns them.

    ``changes`` says how it is built from what changed; None where all of it is made anew. Of these,
    ``slices`` names the model by whose slices of ids it is built, ``slices_at_once`` of them at a
    time: its query holds in memory what cannot be put on the disk. One that ``is_gathered`` is made
    in one go, and stored slice by slice, for a model that reads it so.
    """

    layer: str
    table: TableSchema
    reads: tuple[str, ...]
    checks: tuple[Check, ...] = ()
    as_built: tuple[str, ...] = ()
    written_in: str = ""
    make: Callable[[Sequence[Sequence[Any]], str], Rows] | None = None
    changes: Changes | None = None
    slices: str = ""
    slices_at_once: int = 1
    is_gathered: bool = False
    examples: tuple[Example, ...] = ()

    @property
    def name(self) -> str:
        """The name of the model and of its table."""
        return self.table.name

    @property
    def file(self) -> str:
        """The name of its SQL file."""
        return self.written_in or self.name

    @property
    def sql(self) -> str:
        """The query, as written."""
        return _read_sql(self.layer, self.file)

    @property
    def all_checks(self) -> tuple[Check, ...]:
        """The checks: declared columns hold values, the key is unique, and the model's own."""
        required = [column.name for column in self.table.columns if not column.nullable]
        return (
            *((_are_filled(self.name, self.table.key, required),) if required else ()),
            _is_unique(self.name, self.table.key),
            *self.checks,
        )


@cache
def _read_sql(layer: str, name: str) -> str:
    return (files(__package__) / layer / f"{name}.sql").read_text(encoding="utf-8")


def count(name: str, description: str) -> Column:
    """Return the column of a count: none is 0, never null."""
    return Column(name, Kind.INTEGER, description, nullable=False)


def model_table(name: str, description: str, *columns: Column, key: tuple[str, ...]) -> TableSchema:
    """Return the table of a model; its rows have no versions, since each run makes all of them."""
    return TableSchema(name, columns, key, description, version=())


def in_order(models: Sequence[Model]) -> list[Model]:
    """Return models so that each comes after those it reads, and after what tells it changes.

    What a model reads as it was built last comes after that model.

    Raises:
        graphlib.CycleError: models read each other.
    """
    by_name = {model.name: model for model in models}
    before = {
        name: [read for read in _built_before(model) if read in by_name]
        for name, model in by_name.items()
    }
    for name, model in by_name.items():
        for read in model.as_built:
            if read in before:
                before[read].append(name)
    return [by_name[name] for name in TopologicalSorter(before).static_order()]


def _built_before(model: Model) -> list[str]:
    ids = [model.changes.ids] if model.changes else []
    slices = [model.slices] if model.slices else []
    return [*(read for read in model.reads if read not in model.as_built), *ids, *slices]


def _are_filled(table: str, key: Sequence[str], required: Sequence[str]) -> Check:
    shown = ", ".join(dict.fromkeys((*key, *required)))
    missing = " OR ".join(f"{name} IS NULL" for name in required)
    return Check(
        f"{', '.join(required)} hold a value in each row",
        f"SELECT {shown} FROM {table} WHERE {missing}",  # noqa: S608 - declared names
    )


def _is_unique(table: str, key: Sequence[str]) -> Check:
    names = ", ".join(key)
    return Check(
        f"each {names} is there once",
        f"SELECT {names}, COUNT(*) AS times FROM {table} GROUP BY {names} HAVING COUNT(*) > 1",  # noqa: S608 - declared names
    )
