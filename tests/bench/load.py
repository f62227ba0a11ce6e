"""Our path: one raw export file to typed tables in DuckDB, whole process.

Everything a run does between download and ledger: parse, lossless checks, one version a key,
Parquet, dlt, merge, counts, ledger.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from pipelines.package import ledger_file, parse_package
from pipelines.runner import Target
from pipelines.settings import set_dlt_defaults
from sources.gladly.declarations import EXPORT_FILES
from sources.gladly.jobs import ExportJob, JobFile
from sources.gladly.resources import RawFile
from sources.tables.parse import RecordParser, ignore_progress

FILE = "conversation_items.jsonl"


def load(source: Path, database: Path) -> float:
    """Load a file into a database, new or not, and return the seconds it took."""
    started = time.perf_counter()
    set_dlt_defaults()
    now = datetime.now(UTC)
    job = ExportJob(f"bench-{now:%H%M%S%f}", "COMPLETED", now, None, None, (FILE,))
    raw = RawFile(JobFile(job, FILE), source, source.stat().st_size, "", 0.0)
    target = Target.open("duckdb", "gladly", database.parent, credentials=str(database))
    with tempfile.TemporaryDirectory(dir=database.parent) as folder:
        work = Path(folder)
        warehouse = target.warehouse(work / "dlt")
        warehouse.prepare()
        package = parse_package(
            [raw],
            {name: RecordParser(record) for name, record in EXPORT_FILES.items()},
            work / "package",
            max_quarantined_share=0.0,
            processors=os.cpu_count() or 1,
            on_lines=ignore_progress,
        )
        ledger = ledger_file(package, source.parent, job.id, now, work / "package")
        warehouse.load([*package.tables, ledger])
    return time.perf_counter() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("database", type=Path)
    arguments = parser.parse_args()
    print(json.dumps({"seconds": load(arguments.source, arguments.database)}))
