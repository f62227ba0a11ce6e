"""The naive path: JSON lines as Python dicts into dlt, which finds tables and types by itself.

What most people write first, and what a generic connector does: nested lists become child tables,
rows are merged by their id.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dlt
import orjson

from pipelines.settings import set_dlt_defaults

_AT_ONCE = 1_000


def load(source: Path, database: Path) -> float:
    """Load a file into a database and return the seconds it took."""
    started = time.perf_counter()
    set_dlt_defaults()
    items = dlt.resource(
        lambda: _rows(source),
        name="conversation_items",
        primary_key="id",
        write_disposition="merge",
    )
    with TemporaryDirectory(dir=database.parent) as folder:
        pipeline = dlt.pipeline(
            "naive",
            pipelines_dir=folder,
            destination=dlt.destinations.duckdb(str(database)),
            dataset_name="gladly",
        )
        pipeline.run(items, loader_file_format="parquet").raise_on_failed_jobs()
    return time.perf_counter() - started


def _rows(source: Path) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    with source.open("rb") as stream:
        for line in stream:
            rows.append(orjson.loads(line))
            if len(rows) == _AT_ONCE:
                yield rows
                rows = []
    yield rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("database", type=Path)
    arguments = parser.parse_args()
    print(json.dumps({"seconds": load(arguments.source, arguments.database)}))
