"""The models: built one after the other, all in one transaction.

Readers see the models of the last run until those of this one are complete and checked, each model
of a run sees the same state of the tables it reads, and that state is one that a load ended with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import dlt
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.destinations.sql_client import SqlClientBase
from dlt.extract.source import DltSource
from rich.console import Console
from rich.table import Table

from pipelines.connection import Connection
from pipelines.dataset import dlt_schema
from pipelines.destinations import Keeping
from pipelines.exclusive import hold_destination
from pipelines.rows import in_utc
from pipelines.runner import Target
from pipelines.settings import checked_dataset
from pipelines.staging import new_pipeline, qualified_in
from pipelines.unfinished import check_last_run_ended
from pipelines.workspace import open_workspace
from sources.http.errors import GiveUpError, SettingsError
from sources.tables.declarations import TableSchema
from transforms.calendar import zone_named
from transforms.declarations import Model, Rows, in_order
from transforms.dialects import Dialect, dialect_named
from transforms.models import MODELS
from transforms.render import (
    Names,
    check_statement,
    count_statement,
    input_statement,
    rebuild_statements,
)

_SCHEMA_NAME = "helpdesk_marts"
_LOCK_NAME = "transform"
_ROWS_NAMED = 5


class ModelCheckError(GiveUpError):
    """A model has rows it must not have; no model was changed."""


@dataclass(frozen=True, slots=True)
class ModelRows:
    """A model that was built, and how many rows it has."""

    model: str
    rows: int


@dataclass(frozen=True, slots=True)
class TransformReport:
    """What a run of the models left."""

    destination: str
    dataset: str
    models: tuple[ModelRows, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return asdict(self)


def run_transforms(
    target: Target,
    marts_dataset: str,
    models: Sequence[Model] = MODELS,
    *,
    timezone: str = "UTC",
    unfinished: bool = False,
) -> TransformReport:
    """Build every model anew in ``marts_dataset``, from the tables in the target's dataset.

    Args:
        target: Where the tables are.
        marts_dataset: The dataset of the models.
        models: The models.
        timezone: Whose days models count.
        unfinished: Build even where the last load did not end.

    Raises:
        SettingsError: the destination cannot build models, no dataset can have this name, or
            there is no such time zone.
        ModelCheckError: a check failed; the models of the last run stay as they were.
        GiveUpError: a table that a model reads was never loaded, the last load did not end, or
            another run of the models is under way here.
    """
    checked_dataset("marts_dataset", marts_dataset)
    zone_named("timezone", timezone)
    if target.capabilities.keeping is Keeping.APPEND:
        raise SettingsError(
            f"Models cannot be built at {target.destination_name}: it keeps files, not tables "
            "that can be replaced together. Load into a database, such as postgres, and choose "
            "it with --destination, or under [helpdesk] in .dlt/config.toml."
        )
    with (
        open_workspace(target.data, _LOCK_NAME) as workspace,
        hold_destination(target, marts_dataset, workspace.work / "lock"),
    ):
        pipeline = _open(target, marts_dataset, models, workspace.work / "dlt")
        with Connection(pipeline.sql_client).opened() as client:
            dialect = dialect_named(client.capabilities.sqlglot_dialect)
            pipeline.sync_schema()
            raw = _raw_dataset(pipeline, target)
            with client.begin_transaction():
                if dialect.snapshot:
                    client.execute_sql(dialect.snapshot)
                if not unfinished:
                    with _loads_first("Models read tables", target.dataset):
                        check_last_run_ended(client, partial(qualified_in, client, raw))
                names = _names(client, raw, models)
                built = _build(client, in_order(models), dialect, names, target.dataset, timezone)
    return TransformReport(target.destination_name, marts_dataset, tuple(built))


def show_transform(console: Console, report: TransformReport) -> None:
    """Print each model and its rows."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    for built in report.models:
        table.add_row(built.model, f"{built.rows:,}")
    console.print(table)
    console.print(f"Built in dataset {report.dataset} ({report.destination}).")


def _open(target: Target, dataset: str, models: Sequence[Model], folder: Path) -> dlt.Pipeline:
    """Return a pipeline that knows the models' tables; nothing is created yet."""
    pipeline = new_pipeline(_SCHEMA_NAME, target.destination, dataset, folder)
    schema = dlt_schema(
        _SCHEMA_NAME,
        (_unconstrained(model.table) for model in models),
        json_as_text=target.capabilities.json_as_text,
    )
    pipeline.extract(DltSource(schema, _SCHEMA_NAME, []))
    return pipeline


def _unconstrained(table: TableSchema) -> TableSchema:
    """Let every column be null: checks name the rows at fault, a constraint would not."""
    return replace(table, columns=tuple(replace(column, nullable=True) for column in table.columns))


def _raw_dataset(pipeline: dlt.Pipeline, target: Target) -> str:
    """Return the dataset of the raw tables, written as dlt wrote it when it made it."""
    return pipeline.default_schema.naming.normalize_table_identifier(target.dataset)


def _names(client: SqlClientBase[Any], raw_dataset: str, models: Sequence[Model]) -> Names:
    made_here = {model.name for model in models}

    def path(table: str) -> list[str]:
        dataset = None if table in made_here else raw_dataset
        return client.make_qualified_table_name_path(table, quote=False, dataset_name=dataset)

    return Names(path, client.capabilities.casefold_identifier)


def _build(
    client: SqlClientBase[Any],
    models: Sequence[Model],
    dialect: Dialect,
    names: Names,
    raw_dataset: str,
    timezone: str,
) -> list[ModelRows]:
    built = []
    for model in models:
        with _loads_first(f"{model.name} reads {', '.join(model.reads)}", raw_dataset):
            made = _made(client, model, dialect, names, timezone)
            for statement in rebuild_statements(model, dialect, names, made):
                client.execute_sql(statement)
        _check(client, model, dialect, names)
        rows = client.execute_sql(count_statement(model, dialect, names)) or ()
        built.append(ModelRows(model.name, int(rows[0][0])))
    return built


def _made(
    client: SqlClientBase[Any], model: Model, dialect: Dialect, names: Names, timezone: str
) -> Rows | None:
    """Return the rows of a model that computes them; None of any other."""
    if model.make is None:
        return None
    found = client.execute_sql(input_statement(model, dialect, names)) or ()
    return model.make([tuple(map(in_utc, row)) for row in found], timezone)


@contextmanager
def _loads_first(reader: str, raw_dataset: str) -> Iterator[None]:
    """Tell which tables are missing where nothing was loaded yet."""
    try:
        yield
    except DestinationUndefinedEntity as error:
        raise GiveUpError(
            f"{reader}, and not all of them are in dataset {raw_dataset} yet. Load first: "
            "`helpdesk run gladly`."
        ) from error


def _check(client: SqlClientBase[Any], model: Model, dialect: Dialect, names: Names) -> None:
    for check in model.all_checks:
        statement = check_statement(check, _ROWS_NAMED, dialect, names)
        if broken := client.execute_sql(statement):
            raise ModelCheckError(_broken(model.name, check.claim, broken))


def _broken(model: str, claim: str, rows: Sequence[Sequence[Any]]) -> str:
    """Say which rows break a check; the last column of each is how many do in all."""
    named = "; ".join(", ".join(map(str, row[:-1])) for row in rows)
    return (
        f"{model}: that {claim} does not hold for {rows[0][-1]:,} rows, such as: {named}. All "
        "models stay as they were before this run. Look for these rows in the tables the model "
        "reads."
    )
