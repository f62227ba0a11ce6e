"""What changed of a table, looked for once: a temporary table that models read in its place.

    conversation_events      [ x |  | x |    |  | xx |   |  |  x ]   all rows
    its delta                [ x  x  xx  x ]                         of conversations that changed
    models that read it        a  b  c  d  e  f

A model that is built from changes is such a table first, what it makes anew: its checks look at
that, and models that follow it read that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from transforms.declarations import Changes, Model
from transforms.queries import columns_read

# no table or model begins so
_PREFIX = "delta_"


@dataclass(frozen=True, slots=True)
class Delta:
    """What changed of a table that models read.

    Attributes:
        name: The temporary table's.
        table: The table's, or the model's.
        columns: Those that models read of it.
        changes: By which ids it is read.
        made: How it was made anew itself, just before, by other ids; None where it was not.
        changed: The delta that holds its rows of such ids, where there is one: only what belongs
            to none is looked for.
        readers: The models that read it, in order.
        needed_by: The first model that reads it, or a delta that is made of it.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    changes: Changes
    made: Changes | None
    changed: str
    readers: tuple[str, ...]
    needed_by: str


def read_deltas(models: Sequence[Model]) -> list[Delta]:
    """Return what models read by ids that changed, and no model makes by the same ids.

    One that another is made of comes before it.
    """
    made = _made(models)
    readers: dict[tuple[str, str], list[Model]] = defaultdict(list)
    for model in models:
        if model.changes:
            for table in model.changes.reads:
                if not _makes(made, table, model.changes):
                    readers[table, model.changes.ids].append(model)
    return [
        delta
        for number, ((table, _), of) in enumerate(readers.items(), 1)
        for delta in _read_deltas(f"{_PREFIX}read_{number}_{table}", table, of, made.get(table))
    ]


def with_deltas(models: Sequence[Model], read: Sequence[Delta]) -> list[Model]:
    """Return models that read deltas where there are any, and make what they make in their own."""
    made = _made(models)
    return [
        replace(model, changes=replace(model.changes, deltas=_deltas(model, made, read)))
        if model.changes
        else model
        for model in models
    ]


def is_delta(name: str) -> bool:
    """Whether a table of this name is temporary: a delta, or where a model is gathered."""
    return name.startswith(_PREFIX)


def gathered_name(model: str) -> str:
    """Return the name of the temporary table that a model is gathered in."""
    return f"{_PREFIX}gathered_{model}"


def _made(models: Iterable[Model]) -> dict[str, Changes]:
    return {model.name: model.changes for model in models if model.changes}


def _makes(made: Mapping[str, Changes], table: str, changes: Changes) -> bool:
    """Whether a table is a model that is made anew by the ids it is read by."""
    return table in made and made[table].ids == changes.ids


def _deltas(model: Model, made: Mapping[str, Changes], read: Iterable[Delta]) -> dict[str, str]:
    changes = made[model.name]
    return {
        name: _made_name(name)
        for name in (model.name, *changes.reads)
        if _makes(made, name, changes) and not made[name].is_all
    } | {delta.table: delta.name for delta in read if model.name in delta.readers}


def _made_name(model: str) -> str:
    return f"{_PREFIX}made_{model}"


def _read_deltas(
    name: str, table: str, readers: Sequence[Model], made: Changes | None
) -> Iterator[Delta]:
    """Yield what changed of a table, and what changed and what belongs to none: each if read."""
    of_ids = [model for model in readers if not _reads_none(model)]
    or_none = [model for model in readers if _reads_none(model)]
    source = replace(made, deltas={table: _made_name(table)}) if made else None
    changed = ""
    for delta, of, columns_of in (
        (name, of_ids, readers),
        (f"{name}_or_none", or_none, or_none),
    ):
        if of:
            (changes, *_) = [model.changes for model in of if model.changes]
            yield Delta(
                name=delta,
                table=table,
                columns=_columns_read(table, changes.reads[table], columns_of),
                changes=changes,
                made=source,
                changed=changed,
                readers=tuple(model.name for model in of),
                needed_by=columns_of[0].name,
            )
            changed = delta


def _reads_none(model: Model) -> bool:
    return bool(model.changes and model.changes.or_none)


def _columns_read(table: str, id_column: str, readers: Iterable[Model]) -> tuple[str, ...]:
    queries = [sql for model in readers for sql in (model.sql, *_checked(model))]
    return tuple(sorted({id_column}.union(*(columns_read(q).get(table, ()) for q in queries))))


def _checked(model: Model) -> Iterable[str]:
    return (check.sql for check in model.all_checks)
