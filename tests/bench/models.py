"""The models over what is loaded: one build in a process of its own, as `helpdesk transform`."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from pipelines.runner import Target
from pipelines.settings import set_dlt_defaults
from pipelines.transform import run_transforms


def build(database: Path) -> tuple[float, str]:
    """Build the models of a database; return the seconds it took, and from what."""
    started = time.perf_counter()
    set_dlt_defaults()
    target = Target.open("duckdb", "gladly", database.parent, credentials=str(database))
    # files are loaded here without a run that could have ended
    report = run_transforms(target, "marts", unfinished=True)
    return time.perf_counter() - started, report.built_from


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", type=Path)
    seconds, built_from = build(parser.parse_args().database)
    print(json.dumps({"seconds": seconds, "built_from": built_from}))
