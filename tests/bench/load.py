"""Our path: one raw file to typed tables in DuckDB, whole process.

Everything a run does between download and ledger: parse, lossless checks, one version a key,
Parquet, dlt, merge, counts, ledger.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from pipelines.loading import Loader
from pipelines.progress import NoProgress
from pipelines.report import RunReport
from pipelines.runner import Target
from pipelines.settings import set_dlt_defaults
from pipelines.workspace import Workspace
from sources.gladly.event_types import EVENTS_FILE
from sources.gladly.settings import EVENTS_STREAM, EXPORT_STREAM
from sources.streams.archive import RawFile

_STREAMS = {"conversation_items.jsonl": EXPORT_STREAM, EVENTS_FILE: EVENTS_STREAM}


def load(source: Path, name: str, database: Path) -> float:
    """Load a file into a database, new or not, and return the seconds it took."""
    started = time.perf_counter()
    set_dlt_defaults()
    now = datetime.now(UTC)
    job_id, size = f"bench-{now:%H%M%S%f}", source.stat().st_size
    raw = RawFile(_STREAMS[name], job_id, name, now, None, source, size, "", 0.0)
    target = Target.open("duckdb", "gladly", database.parent, credentials=str(database))
    with tempfile.TemporaryDirectory(dir=database.parent) as folder:
        workspace = Workspace(source.parent, Path(folder), after_crash=False)
        warehouse = target.warehouse(workspace.work / "dlt")
        warehouse.prepare()
        report = RunReport(job_id, "bench", "duckdb", "gladly", now)
        loader = Loader(
            warehouse,
            workspace,
            NoProgress(),
            report,
            max_quarantined_share=0.0,
            keep_raw=True,
            parsers=target.memory.parsers,
        )
        loader.load([raw])
    return time.perf_counter() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("database", type=Path)
    parser.add_argument("--name", choices=sorted(_STREAMS), default="conversation_items.jsonl")
    arguments = parser.parse_args()
    print(json.dumps({"seconds": load(arguments.source, arguments.name, arguments.database)}))
