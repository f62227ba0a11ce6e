"""Reads by id against the limit of ten a second, at several latencies."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.table import Table

from sandbox import Sandbox, SandboxSettings, WorldSettings
from sources.gladly.enrichment_types import ENRICHMENT_KINDS
from sources.gladly.selection import ENRICHMENT
from tests.bench.tables import new_table
from tests.pipelines.runs import duckdb_target, run

_WORLD = WorldSettings(items=2_400, days=3)


def reads_table(latencies: Iterable[float], rounds: int) -> Table:
    """Read everything that a small world's exports name, again and again."""
    title = f"Reads by id, rate_share 1.0, medians of {rounds}"
    table = new_table(title, "latency", "requests", "a second", "of the limit", "refused")
    for latency in latencies:
        measured = [_measured(latency) for _ in range(rounds)]
        requests, refused = measured[0][0], max(refused for _, _, refused in measured)
        rate = statistics.median(rate for _, rate, _ in measured)
        limit = SandboxSettings().requests_per_second
        table.add_row(
            f"{latency * 1000:.0f} ms",
            f"{requests:,}",
            f"{rate:.2f}",
            f"{rate / limit:.0%}",
            f"{refused:,}",
        )
    return table


def _measured(latency: float) -> tuple[int, float, int]:
    """Return how many requests were made, how many a second, and how many were refused."""
    with TemporaryDirectory() as folder, Sandbox(SandboxSettings(world=_WORLD)) as sandbox:
        target = duckdb_target(Path(folder))
        run(sandbox, target)
        sandbox.requests.clear()
        sandbox.reads.latency = latency
        kinds = [*ENRICHMENT_KINDS]
        run(sandbox, target, selected=ENRICHMENT.__eq__, enrichment=kinds, rate_share=1.0)
        times = [request.seconds for request in sandbox.requests if "export" not in request.path]
        rate = (len(times) - 1) / (max(times) - min(times))
        return len(times), rate, sandbox.requests.count_429()
