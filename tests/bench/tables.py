"""Measurements as tables: ours beside a baseline of the same run."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from rich.table import Table

from tests.bench.measure import Measurement

OURS = "helpdesk-elt"
Loads = Mapping[str, Sequence[Measurement]]


def new_table(title: str, *columns: str) -> Table:
    """Return an empty table of figures; a column without a name is text."""
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column else "left")
    return table


def load_table(title: str, measured: Loads) -> Table:
    """Compare each row with the first, the baseline."""
    table = new_table(
        title, "", "seconds", "processor seconds", "peak memory MB", "seconds, times the first"
    )
    (baseline, *_) = measured.values()
    for name, measurements in measured.items():
        table.add_row(
            name,
            f"{seconds(measurements):,.1f}",
            f"{processor_seconds(measurements):,.1f}",
            f"{peak_megabytes(measurements):,.0f}",
            f"{seconds(measurements) / seconds(baseline):.2f}",
        )
    return table


def growth_table(loads: Mapping[int, Loads]) -> Table:
    """Compare each number of items with the one before."""
    names = list(next(iter(loads.values())))
    table = new_table(
        "Growth of a first load, each beside the one before",
        *("items", "times as many", *names, "peak memory of ours"),
    )
    for (fewer, before), (more, after) in pairwise(loads.items()):
        ratios = [
            more / fewer,
            *(seconds(after[name]) / seconds(before[name]) for name in names),
            peak_megabytes(after[OURS]) / peak_megabytes(before[OURS]),
        ]
        table.add_row(f"{more:,}", *(f"{ratio:.2f}" for ratio in ratios))
    return table


def seconds(measurements: Sequence[Measurement]) -> float:
    """Return the median of seconds."""
    return _median(lambda one: one.seconds, measurements)


def processor_seconds(measurements: Sequence[Measurement]) -> float:
    """Return the median of processor seconds."""
    return _median(lambda one: one.processor_seconds, measurements)


def peak_megabytes(measurements: Sequence[Measurement]) -> float:
    """Return the median of peaks of memory."""
    return _median(lambda one: one.peak_bytes / 1e6, measurements)


def _median(read: Callable[[Measurement], float], measurements: Sequence[Measurement]) -> float:
    return statistics.median(map(read, measurements))
