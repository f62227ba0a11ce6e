"""Models in a transaction: each filled, from all rows or from those that changed, and checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.destinations.sql_client import SqlClientBase

from pipelines.rows import in_utc
from sources.http.errors import GiveUpError
from transforms.changes import CHANGE_MODELS, UNSEEN_FILES
from transforms.declarations import Model, Rows
from transforms.deltas import is_delta, read_deltas, with_deltas
from transforms.dialects import Dialect
from transforms.models import SEEN_MODELS
from transforms.render import (
    Names,
    check_statement,
    count_statement,
    delta_statements,
    drop_statement,
    query_statement,
    rebuild_statements,
    rows_statement,
)

_ROWS_NAMED = 5


class ModelCheckError(GiveUpError):
    """A model has rows it must not have; no model was changed."""


@dataclass(frozen=True, slots=True)
class ModelRows:
    """A model that was built, and how many rows it has."""

    model: str
    rows: int


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds models in a transaction that is open.

    Attributes:
        client: Its connection.
        dialect: The destination's.
        names: The destination's.
        raw_dataset: Where the tables are that models read.
        timezone: Whose days models count.
    """

    client: SqlClientBase[Any]
    dialect: Dialect
    names: Names
    raw_dataset: str
    timezone: str

    def only_changes(self) -> bool:
        """Whether all that models depend on is as it was when they were built last."""
        *_, built_with = SEEN_MODELS
        stored = self._rows(rows_statement(built_with, self.dialect, self.names))
        made = self._made(built_with)
        return sorted(map(tuple, stored)) == sorted(map(tuple, made or ()))

    def is_current(self) -> bool:
        """Whether nothing was loaded since models were built last."""
        ((files,),) = self._rows(query_statement(UNSEEN_FILES, self.dialect, self.names))
        return not files

    def count(self, models: Sequence[Model]) -> list[ModelRows]:
        """Count the rows of models as they are."""
        return [ModelRows(model.name, self._count(model)) for model in models]

    def build(self, models: Sequence[Model], *, only_changes: bool) -> list[ModelRows]:
        """Build models in the order given, and remember what they saw.

        Raises:
            ModelCheckError: a check failed.
            GiveUpError: a table that a model reads was never loaded.
        """
        if only_changes and self.dialect.temporary:
            built = self._build_deltas(models)
        else:
            built = [self._build(model, only_changes=only_changes) for model in models]
        for model in SEEN_MODELS:
            self._build(model, only_changes=False)
        return built

    def _build_deltas(self, models: Sequence[Model]) -> list[ModelRows]:
        """Build models from what changed, which is looked for once in each table they read."""
        built, deltas, read = [], [], read_deltas(models)
        for model in with_deltas(models, read):
            for delta in read:
                if delta.needed_by == model.name:
                    with loads_first(f"{model.name} reads {delta.table}", self.raw_dataset):
                        self._execute(delta_statements(delta, self.dialect, self.names))
                    deltas.append(delta.name)
            built.append(self._build(model, only_changes=True))
            if model.changes and model.name in model.changes.deltas:
                deltas.append(model.changes.deltas[model.name])
        self._execute(drop_statement(name, self.dialect, self.names) for name in deltas)
        return built

    def _build(self, model: Model, *, only_changes: bool) -> ModelRows:
        changes = model.changes if only_changes else None
        with loads_first(f"{model.name} reads {', '.join(model.reads)}", self.raw_dataset):
            made = self._made(model)
            slices = self._slices(model)
            statements = rebuild_statements(model, self.dialect, self.names, made, changes, slices)
            if model in CHANGE_MODELS and not only_changes:
                # nobody asks what changed where all is made anew
                del statements[1:]
            self._execute(statements)
        self._check(model, built=model if changes else None)
        return ModelRows(model.name, self._count(model))

    def _slices(self, model: Model) -> int:
        if not model.slices:
            return 1
        sql = f"SELECT COALESCE(MAX(slice), -1) + 1 FROM {model.slices}"
        ((slices,),) = self._rows(query_statement(sql, self.dialect, self.names))
        return int(slices)

    def _count(self, model: Model) -> int:
        ((rows,),) = self._rows(count_statement(model, self.dialect, self.names))
        return int(rows)

    def _made(self, model: Model) -> Rows | None:
        """Return the rows of a model that computes them; None of any other."""
        if model.make is None:
            return None
        found = self._rows(query_statement(model.sql, self.dialect, self.names))
        return model.make([tuple(map(in_utc, row)) for row in found], self.timezone)

    def _check(self, model: Model, built: Model | None) -> None:
        for check in model.all_checks:
            statement = check_statement(check, _ROWS_NAMED, self.dialect, self.names, built)
            if broken := self._rows(statement):
                raise ModelCheckError(_broken(model.name, check.claim, broken))

    def _execute(self, statements: Iterable[str]) -> None:
        for statement in statements:
            self.client.execute_sql(statement)

    def _rows(self, statement: str) -> Sequence[Sequence[Any]]:
        return self.client.execute_sql(statement) or ()


def names_in(
    client: SqlClientBase[Any], raw_dataset: str, models: Iterable[Model], temporary: str = ""
) -> Names:
    """Return how a client of the models' dataset calls these models and all raw tables.

    ``temporary`` is where its deltas are, for who makes some.
    """
    made_here = {model.name for model in models}

    def path(table: str) -> list[str]:
        if temporary and is_delta(table):
            return [temporary, client.capabilities.casefold_identifier(table)]
        dataset = None if table in made_here else raw_dataset
        return client.make_qualified_table_name_path(table, quote=False, dataset_name=dataset)

    return Names(path, client.capabilities.casefold_identifier)


@contextmanager
def loads_first(reader: str, raw_dataset: str) -> Iterator[None]:
    """Tell which tables are missing where nothing was loaded yet."""
    try:
        yield
    except DestinationUndefinedEntity as error:
        raise GiveUpError(
            f"{reader}, and not all of them are in dataset {raw_dataset} yet. Load first: "
            "`helpdesk run gladly`."
        ) from error


def _broken(model: str, claim: str, rows: Sequence[Sequence[Any]]) -> str:
    """Say which rows break a check; the last column of each is how many do in all."""
    named = "; ".join(", ".join(map(str, row[:-1])) for row in rows)
    return (
        f"{model}: that {claim} does not hold for {rows[0][-1]:,} rows, such as: {named}. All "
        "models stay as they were before this run. Look for these rows in the tables the model "
        "reads."
    )
