"""Parquet files of a package into a dataset, through dlt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import dlt
from dlt.common.destination import Destination
from dlt.common.schema import Schema
from dlt.extract.resource import DltResource
from dlt.extract.source import DltSource

from pipelines.dataset import dlt_columns
from pipelines.destinations import Capabilities, HandOver
from sources.tables.parquet import TableFile, read_batches


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
