"""``make bench``: the export path against DuckDB itself, medians of interleaved runs.

Input is made once, seeded, in data/bench, outside the repository's files.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox import (
    Sandbox,
    SandboxSettings,
    WorldSettings,
    write_conversation_items,
    write_events,
)
from tests.bench.measure import Measurement, measure
from tests.bench.night import night_table
from tests.bench.reads import reads_table

FLOOR = "floor: read_json + one CTAS a table"
_FOLDER = Path("data/bench")
_SEED = 7
_INCREMENT = 20_000
_REPEATED = 200


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[200_000, 1_000_000, 5_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    items, rounds = sorted(arguments.items), arguments.rounds
    console = Console(width=110)
    console.print(night_table(rounds))
    console.print(reads_table((0.0, 0.3, 2.0), rounds))
    console.print(_naive(items[0]))
    loads = {}
    for count in items:
        loads[count] = _first_load(count, rounds)
        console.print(_table(_title("First load", count, rounds), FLOOR, *loads[count]))
        console.print(_nightly(count, rounds))
    console.print(_growth(loads))
    console.print(_events(items[0], rounds))
    console.print(_download(items[-1], rounds))


def _title(what: str, items: int, rounds: int) -> str:
    size = _input(items).stat().st_size / 1e9
    return f"{what}, {items:,} items, {size:.2f} GB, medians of {rounds}"


def _naive(items: int) -> Table:
    """Load with dlt alone, once: it takes minutes."""
    source, database = _input(items), _FOLDER / "naive.duckdb"
    naive = measure("tests.bench.naive", source, _fresh(database))
    ours = measure("tests.bench.load", source, _fresh(database))
    _fresh(database)
    return _table(_title("First load", items, 1), "dlt: dicts, Parquet, merge", [naive], [ours])


def _first_load(items: int, rounds: int) -> tuple[list[Measurement], list[Measurement]]:
    source = _input(items)
    floor_database, our_database = _FOLDER / "floor.duckdb", _FOLDER / "ours.duckdb"
    floors: list[Measurement] = []
    ours: list[Measurement] = []
    for _ in range(rounds):
        floors.append(measure("tests.bench.floor", source, _fresh(floor_database)))
        ours.append(measure("tests.bench.load", source, _fresh(our_database)))
    return floors, ours


def _growth(loads: Mapping[int, tuple[list[Measurement], list[Measurement]]]) -> Table:
    """Compare each number of items with the smallest."""
    title = "Growth of a first load, each beside the one before"
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    for column in ("items", "times as many", "floor", "helpdesk-elt", "peak memory"):
        table.add_column(column, justify="right")
    for (fewer, before), (more, after) in pairwise(loads.items()):
        seconds = [
            _median(_seconds, now) / _median(_seconds, then)
            for then, now in zip(before, after, strict=True)
        ]
        peak = _median(_peak_megabytes, after[1]) / _median(_peak_megabytes, before[1])
        ratios = (f"{ratio:.2f}" for ratio in (more / fewer, *seconds, peak))
        table.add_row(f"{more:,}", *ratios)
    return table


def _download(items: int, rounds: int) -> Table:
    """Fetch a file through our client and, beside it, with the standard library."""
    source, name = _input(items), "items.jsonl"
    results: dict[str, list[Measurement]] = {"tests.bench.copying": [], "tests.bench.download": []}
    world = WorldSettings(items=0, days=0)
    with Sandbox(SandboxSettings(world=world, requests_per_second=1_000)) as sandbox:
        job = sandbox.add_job({name: source})
        # ids may begin with a dash
        order = ("--", sandbox.base_url, sandbox.email, sandbox.api_token, job, name, _FOLDER)
        for _ in range(rounds):
            for module, measured in results.items():
                measured.append(measure(module, *order))
        requests = len(sandbox.requests.file_requests())
    title = f"{_title('Download', items, rounds)}; {requests} file"
    table = _table(title, "standard library, nothing checked", *results.values())
    size = source.stat().st_size / 1e6
    speeds = (size / _median(_seconds, measured) for measured in results.values())
    table.caption = "MB a second: {:,.0f} and {:,.0f}".format(*speeds)
    return table


def _nightly(items: int, rounds: int) -> Table:
    """Merge 20,000 items, 200 of which were there before, into what the first load made."""
    increment = _input(_INCREMENT, items - _REPEATED)
    floors: list[Measurement] = []
    ours: list[Measurement] = []
    for _ in range(rounds):
        for name, module, results in (
            ("floor.duckdb", "tests.bench.increment", floors),
            ("ours.duckdb", "tests.bench.load", ours),
        ):
            copy = _fresh(_FOLDER / f"nightly-{name}")
            shutil.copy(_FOLDER / name, copy)
            results.append(measure(module, increment, copy))
            copy.unlink()
    title = f"Night of {_INCREMENT:,} items into {items:,}, medians of {rounds}"
    return _table(title, "hand-written delete and insert", floors, ours)


def _events(events: int, rounds: int) -> Table:
    """Load a day of events beside an export of as many items: seconds a byte."""
    sources = {"conversation_items.jsonl": _input(events), "events.jsonl": _event_input(events)}
    results: dict[str, list[Measurement]] = {name: [] for name in sources}
    for _ in range(rounds):
        for name, source in sources.items():
            database = _fresh(_FOLDER / "events.duckdb")
            results[name].append(measure("tests.bench.load", source, database, "--name", name))
    title = f"A day of {events:,} events beside {events:,} items, medians of {rounds}"
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    table.add_column("")
    for column in ("MB", "seconds", "MB a second", "peak memory MB"):
        table.add_column(column, justify="right")
    speeds = []
    for name, source in sources.items():
        size = source.stat().st_size / 1e6
        seconds = statistics.median(result.seconds for result in results[name])
        peak = statistics.median(result.peak_bytes for result in results[name]) / 1e6
        speeds.append(size / seconds)
        table.add_row(name, f"{size:,.0f}", f"{seconds:,.1f}", f"{speeds[-1]:,.1f}", f"{peak:,.0f}")
    table.add_row("ratio", "", "", f"{speeds[1] / speeds[0]:.2f}", "")
    return table


def _table(
    title: str, baseline: str, floors: Sequence[Measurement], ours: Sequence[Measurement]
) -> Table:
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    for column in ("", "seconds", "processor seconds", "peak memory MB"):
        table.add_column(column, justify="left" if column == "" else "right")
    readers = (_seconds, lambda m: m.processor_seconds, _peak_megabytes)
    floor = [_median(read, floors) for read in readers]
    our = [_median(read, ours) for read in readers]
    table.add_row(baseline, *(f"{value:,.1f}" for value in floor))
    table.add_row("helpdesk-elt", *(f"{value:,.1f}" for value in our))
    table.add_row("ratio", *(f"{o / f:.2f}" for o, f in zip(our, floor, strict=True)))
    return table


def _median(read: Callable[[Measurement], float], results: Sequence[Measurement]) -> float:
    return statistics.median(map(read, results))


def _seconds(measurement: Measurement) -> float:
    return measurement.seconds


def _peak_megabytes(measurement: Measurement) -> float:
    return measurement.peak_bytes / 1e6


def _input(items: int, first_index: int = 0) -> Path:
    path = _FOLDER / f"items-{first_index}-{items}.jsonl"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        write_conversation_items(part, items, _SEED, first_index)
        part.replace(path)
    return path


def _event_input(events: int) -> Path:
    path = _FOLDER / f"events-{events}.jsonl"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        write_events(part, events, _SEED)
        part.replace(path)
    return path


def _fresh(database: Path) -> Path:
    for path in (database, database.with_suffix(".duckdb.wal")):
        path.unlink(missing_ok=True)
    return database


if __name__ == "__main__":
    main()
