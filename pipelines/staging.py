"""Where the rows of a package wait for their merge: in tables that dlt fills, or in our files.

    through dlt      Parquet -> dlt -> tables of a staging dataset -> merge
    in our files     Parquet                                       -> merge

Either way the merge asks for staged rows by name, and takes some away where they come late.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import dlt
from dlt.common.destination import Destination
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.schema import Schema
from dlt.destinations.sql_client import SqlClientBase
from dlt.extract.resource import DltResource
from dlt.extract.source import DltSource

from pipelines.dataset import dlt_columns
from pipelines.destinations import Capabilities, HandOver
from sources.tables.parquet import TableFile, read_batches


class Staging(Protocol):
    """Where staged rows are."""

    def name(self, table: str) -> str:
        """Return what stands for the staged rows of a table after FROM."""

    def transaction(self, files: Sequence[TableFile]) -> AbstractContextManager[None]:
        """Stage the rows of files, and make the statements inside count together or not at all.

        Afterwards nothing is staged.
        """

    def make_deletable(self, tables: Iterable[str]) -> None:
        """Let staged rows of these tables be deleted, inside the transaction."""


def qualified_in(client: SqlClientBase[Any], dataset: str, table: str) -> str:
    """Return the qualified name of a table in another dataset than the client's."""
    with client.with_alternative_dataset_name(dataset):
        return client.make_qualified_table_name(table)


def new_pipeline(
    name: str, destination: Destination[Any, Any], dataset: str, folder: Path
) -> dlt.Pipeline:
    """Return a dlt pipeline that begins from nothing.

    Its working folder is disposable, so no crash can leave a state that stands in the way: what
    is loaded is told by the ledger at the destination, what is fetched by the raw archive.
    """
    pipeline = dlt.pipeline(
        name, pipelines_dir=str(folder), destination=destination, dataset_name=dataset
    )
    pipeline.config.restore_from_destination = False
    return pipeline


def declare_tables(pipeline: dlt.Pipeline, schema: Schema) -> None:
    """Make tables known to a pipeline as its destination names them, without touching it."""
    schema.update_normalizers()
    pipeline.schemas.save_schema(schema)


def dataset_name_of(pipeline: dlt.Pipeline, schema_name: str, dataset: str) -> str:
    """Return the name of a dataset as dlt wrote it when it made it."""
    return pipeline.schemas[schema_name].naming.normalize_table_identifier(dataset)


@dataclass(frozen=True, slots=True)
class DltStaging:
    """Tables of a staging dataset, which dlt fills.

    Attributes:
        client: An open connection.
        dataset: The staging dataset.
        fill: Loads files into the tables of their names there, in place of what they hold.
    """

    client: SqlClientBase[Any]
    dataset: str
    fill: Callable[[Sequence[TableFile]], None]

    def name(self, table: str) -> str:
        """Return the qualified name of a table's place in the staging dataset."""
        return qualified_in(self.client, self.dataset, table)

    @contextmanager
    def transaction(self, files: Sequence[TableFile]) -> Iterator[None]:
        """Fill the staging tables, then begin; empty them once the transaction counts."""
        # rows that a kill left would keep dlt from adding a column that is never null
        for file in files:
            with suppress(DestinationUndefinedEntity):
                self.client.execute_sql(f"DELETE FROM {self.name(file.table.name)}")
        self.fill(files)
        with self.client.begin_transaction():
            yield
        with self.client.with_alternative_dataset_name(self.dataset):
            self.client.truncate_tables(*(file.table.name for file in files))

    def make_deletable(self, tables: Iterable[str]) -> None:
        """Do nothing: rows of tables can be deleted."""


def load_files(
    pipeline: dlt.Pipeline,
    schema_name: str,
    files: Iterable[TableFile],
    capabilities: Capabilities,
    write_disposition: Literal["replace", "append"],
) -> None:
    """Load each file into the table of its name; all in one dlt package.

    Raises:
        dlt.pipeline.exceptions.PipelineStepFailed: dlt could not.
    """
    source = DltSource(
        Schema(schema_name),
        schema_name,
        [_resource(file, capabilities, write_disposition) for file in files],
    )
    info = pipeline.run(source, loader_file_format=capabilities.loader_file_format)  # type: ignore[arg-type] # the table of capabilities holds dlt's names
    info.raise_on_failed_jobs()


def _resource(
    file: TableFile,
    capabilities: Capabilities,
    write_disposition: Literal["replace", "append"],
) -> DltResource:
    """One resource a table: dlt mixes up the hints of imported files that share a resource."""

    def rows() -> Iterator[Any]:
        if capabilities.hand_over is HandOver.FILE:
            for path in file.paths:
                yield dlt.mark.with_file_import(str(path), "parquet")
        else:
            yield from read_batches(file)

    return dlt.resource(
        rows,
        name=file.table.name,
        write_disposition=write_disposition,
        columns=dlt_columns(file.table, json_as_text=capabilities.json_as_text),
    )
