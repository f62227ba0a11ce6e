"""The models: built one after the other, all in one transaction.

Readers see the models of the last run until those of this one are complete and checked, each model
of a run sees the same state of the tables it reads, and that state is one that a load ended with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import dlt
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.schema import Schema
from dlt.destinations.sql_client import SqlClientBase
from rich.console import Console
from rich.table import Table

from pipelines.building import Builder, ModelRows, loads_first, names_in
from pipelines.connection import Connection
from pipelines.dataset import dlt_schema
from pipelines.destinations import Keeping
from pipelines.exclusive import hold_destination
from pipelines.runner import Target
from pipelines.settings import checked_dataset
from pipelines.staging import dataset_name_of, declare_tables, new_pipeline, qualified_in
from pipelines.unfinished import check_last_run_ended
from pipelines.workspace import open_workspace
from sources.http.errors import SettingsError
from sources.tables.declarations import TableSchema
from transforms.calendar import zone_named
from transforms.declarations import Model, in_order
from transforms.dialects import dialect_named
from transforms.models import MODELS, SEEN_MODELS

_SCHEMA_NAME = "helpdesk_marts"
_LOCK_NAME = "transform"
EVERYTHING, CHANGES, NOTHING = "everything", "changes", "nothing"
_SAID = {
    EVERYTHING: "Built from all that is loaded",
    CHANGES: "Built from what changed",
    NOTHING: "Nothing was loaded since they were built",
}


@dataclass(frozen=True, slots=True)
class TransformReport:
    """What a run of the models left.

    Attributes:
        built_from: ``everything``, ``changes``, or ``nothing``, since nothing was loaded since.
    """

    destination: str
    dataset: str
    built_from: str
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
    whole: bool = False,
    unfinished: bool = False,
) -> TransformReport:
    """Build every model in ``marts_dataset``, from the tables in the target's dataset.

    Large models are built from what changed since they were built last, where that is enough.

    Args:
        target: Where the tables are.
        marts_dataset: The dataset of the models.
        models: The models.
        timezone: Whose days models count.
        whole: Build all of every model anew, whatever changed.
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
    if not can_transform(target):
        raise SettingsError(
            f"Models cannot be built at {target.destination_name}: it keeps files, not tables "
            "that can be replaced together. Load into a database, such as postgres, and choose "
            "it with --destination, or under [helpdesk] in .dlt/config.toml."
        )
    with (
        open_workspace(target.data, _LOCK_NAME) as workspace,
        hold_destination(target, marts_dataset, workspace.work / "lock"),
    ):
        pipeline = new_pipeline(
            _SCHEMA_NAME, target.destination, marts_dataset, workspace.work / "dlt"
        )
        declare_tables(pipeline, Schema(_SCHEMA_NAME))
        with Connection(partial(pipeline.sql_client, _SCHEMA_NAME)).opened() as client:
            one_state = partial(
                _one_state, target, pipeline, client, models, timezone, unfinished=unfinished
            )
            built_from, built = NOTHING, None
            # asked before tables are made, which takes longer; what was never built has none
            if not whole:
                with suppress(DestinationUndefinedEntity), one_state() as builder:
                    if builder.is_current() and builder.only_changes():
                        built = builder.count(in_order(models))
            if built is None:
                _create_tables(pipeline, models, target)
                with one_state() as builder:
                    with loads_first("Models read tables", target.dataset):
                        only_changes = not whole and builder.only_changes()
                    built_from = CHANGES if only_changes else EVERYTHING
                    built = builder.build(in_order(models), only_changes=only_changes)
    return TransformReport(target.destination_name, marts_dataset, built_from, tuple(built))


def can_transform(target: Target) -> bool:
    """Whether the destination keeps tables that can be replaced together."""
    return target.capabilities.keeping is not Keeping.APPEND


def show_transform(console: Console, report: TransformReport) -> None:
    """Print each model and its rows."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    for built in report.models:
        table.add_row(built.model, f"{built.rows:,}")
    console.print(table)
    console.print(f"{_SAID[report.built_from]} in dataset {report.dataset} ({report.destination}).")


@contextmanager
def _one_state(
    target: Target,
    pipeline: dlt.Pipeline,
    client: SqlClientBase[Any],
    models: Sequence[Model],
    timezone: str,
    *,
    unfinished: bool,
) -> Iterator[Builder]:
    """Begin a transaction that sees one state of all tables: one that a load ended with."""
    dialect = dialect_named(client.capabilities.sqlglot_dialect)
    raw = dataset_name_of(pipeline, _SCHEMA_NAME, target.dataset)
    with client.begin_transaction():
        if dialect.snapshot:
            client.execute_sql(dialect.snapshot)
        if not unfinished:
            with loads_first("Models read tables", target.dataset):
                check_last_run_ended(client, partial(qualified_in, client, raw))
        names = names_in(client, raw, (*models, *SEEN_MODELS), dialect.temporary)
        yield Builder(client, dialect, names, target.dataset, timezone)


def _create_tables(pipeline: dlt.Pipeline, models: Sequence[Model], target: Target) -> None:
    schema = dlt_schema(
        _SCHEMA_NAME,
        (_unconstrained(model.table) for model in (*models, *SEEN_MODELS)),
        json_as_text=target.capabilities.json_as_text,
    )
    declare_tables(pipeline, schema)
    pipeline.sync_schema(_SCHEMA_NAME)


def _unconstrained(table: TableSchema) -> TableSchema:
    """Let every column be null: checks name the rows at fault, a constraint would not."""
    return replace(table, columns=tuple(replace(column, nullable=True) for column in table.columns))
