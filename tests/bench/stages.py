"""Where the processor seconds of a first load go: each stage by itself, in one process."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from pipelines.runner import Target
from pipelines.settings import set_dlt_defaults
from sources.gladly.declarations import CONVERSATION_ITEM
from sources.streams.lines import Lines, read_lines
from sources.tables.build import Lineage, TableBuilder
from sources.tables.decode import RecordDecoder
from sources.tables.parquet import TableFile, TableFiles
from sources.tables.structure import compile_record
from sources.tables.versions import superseded_origins

_Result = TypeVar("_Result")


class Stages:
    """Processor seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def of(self, stage: str, work: Callable[[], _Result]) -> _Result:
        """Do a piece of work of a stage, and count it."""
        before = time.process_time()
        result = work()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.process_time() - before
        return result


def load(source: Path, folder: Path) -> dict[str, float]:
    """Load a file of items that surprise nobody, stage by stage."""
    stages = Stages()
    parsed = _parse(source, folder, stages)
    (root,) = (file for file in parsed if file.table.name == CONVERSATION_ITEM.table)
    stages.of("find keys that repeat", partial(superseded_origins, root))
    target = Target.open("duckdb", "gladly", folder, credentials=str(folder / "stages.duckdb"))
    warehouse = target.warehouse(folder / "dlt")
    stages.of("make the tables", warehouse.prepare)
    stages.of("merge in DuckDB", partial(warehouse.load, parsed))
    return stages.seconds


def _parse(source: Path, folder: Path, stages: Stages) -> list[TableFile]:
    node = compile_record(CONVERSATION_ITEM)
    decoder, builder = RecordDecoder(node), TableBuilder(node)
    lineage = Lineage(datetime.now(UTC), "bench", source.name)
    with TableFiles(folder / "package") as files, source.open("rb") as stream:
        parts = read_lines(stream)
        while (part := stages.of("read lines", partial(next, parts, None))) is not None:
            if not isinstance(part, Lines):
                raise TypeError("a line is too long")
            records = stages.of("decode", partial(decoder.decode, part))
            if records is None:
                raise ValueError("a line surprises")
            tables = stages.of("build columns", partial(builder.build, records, lineage))
            stages.of("write Parquet", partial(files.add, builder.schemas, tables))
        return stages.of("write Parquet", files.finish)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    arguments = parser.parse_args()
    set_dlt_defaults()
    with TemporaryDirectory(dir=arguments.source.parent) as work:
        print(json.dumps(load(arguments.source, Path(work))))
