"""What changed of a table, looked for once: a temporary table that models read in its place.

    conversation_events      [ x |  | x |    |  | xx |   |  |  x ]   all rows
    its delta                [ x  x  xx  x ]                         of conversations that changed
    models that read it        a  b  c  d  e  f

A model that is built from changes is such a table first, what it makes anew: its checks look at
that, and models that follow it read that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
        readers: The models that read it, in order.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    changes: Changes
    made: Changes | None
    readers: tuple[str, ...]


def read_deltas(models: Sequence[Model]) -> list[Delta]:
    """Return what models read by ids that changed, and no model makes by the same ids."""
    made = _made(models)
    readers: dict[tuple[str, str, bool], list[Model]] = defaultdict(list)
    for model in models:
        if model.changes:
            for table in model.changes.reads:
                if not _makes(made, table, model.changes):
                    readers[table, model.changes.ids, model.changes.or_none].append(model)
    return [
        _read_delta(f"{_PREFIX}read_{number}_{table}", table, of, made.get(table))
        for number, ((table, *_), of) in enumerate(readers.items(), 1)
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
    """Whether a table of this name is a delta."""
    return name.startswith(_PREFIX)


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


def _read_delta(name: str, table: str, readers: Sequence[Model], made: Changes | None) -> Delta:
    (changes, *_) = [model.changes for model in readers if model.changes]
    queries = [sql for model in readers for sql in (model.sql, *_checked(model))]
    columns = {changes.reads[table]}.union(*(columns_read(sql).get(table, ()) for sql in queries))
    return Delta(
        name=name,
        table=table,
        columns=tuple(sorted(columns)),
        changes=changes,
        made=replace(made, deltas={table: _made_name(table)}) if made else None,
        readers=tuple(model.name for model in readers),
    )


def _checked(model: Model) -> Iterable[str]:
    return (check.sql for check in model.all_checks)
