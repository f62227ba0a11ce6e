"""``make bench``: the export path against DuckDB itself, medians of interleaved runs.

Input is made once, seeded, in data/bench, outside the repository's files. With ``--page`` what is
printed goes into docs/performance.md as well.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
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
from tests.bench.page import write_page
from tests.bench.reads import reads_table
from tests.bench.tables import OURS, Loads, growth_table, load_table, new_table, seconds

FLOOR = "floor: read_json + one CTAS a table"
COMPRESSED_FLOOR = "floor, texts compressed as ours"
BY_HAND = "hand-written delete and insert"
NAIVE = "dlt: dicts, Parquet, merge"
STANDARD_LIBRARY = "standard library, nothing checked"
_FOLDER = Path("data/bench")
_SEED = 7
_INCREMENT = 20_000
_REPEATED = 200


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[200_000, 1_000_000, 5_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--page", action="store_true", help="write docs/performance.md as well")
    parser.add_argument("--loads-only", action="store_true", help="leave out what takes minutes")
    arguments = parser.parse_args()
    items, rounds = sorted(arguments.items), arguments.rounds
    console = Console(width=110, record=True)
    console.print(night_table(rounds))
    if not arguments.loads_only:
        console.print(reads_table((0.0, 0.3, 2.0), rounds))
        console.print(load_table(_title("First load", items[0], 1), _naive(items[0])))
    loads = {}
    for count in items:
        loads[count] = _first_load(count, rounds)
        console.print(load_table(_title("First load", count, rounds), loads[count]))
        title = f"Night of {_INCREMENT:,} items into {count:,}, medians of {rounds}"
        console.print(load_table(title, _nightly(count, rounds)))
        title = f"Models over {count:,} items and as many events"
        console.print(load_table(title, _models(count)))
    console.print(growth_table(loads))
    console.print(_stages(items[0]))
    console.print(_events(items[0], rounds))
    console.print(_download(items[-1], rounds))
    if arguments.page:
        write_page(console.export_text(), loads)


def _title(what: str, items: int, rounds: int) -> str:
    size = _input(items).stat().st_size / 1e9
    return f"{what}, {items:,} items, {size:.2f} GB, medians of {rounds}"


def _naive(items: int) -> Loads:
    """Load with dlt alone, once: it takes minutes."""
    source, database = _input(items), _FOLDER / "naive.duckdb"
    naive = measure("tests.bench.naive", source, _fresh(database))
    ours = measure("tests.bench.load", source, _fresh(database))
    _fresh(database)
    return {NAIVE: [naive], OURS: [ours]}


def _first_load(items: int, rounds: int) -> Loads:
    source = _input(items)
    floor_database, our_database = _FOLDER / "floor.duckdb", _FOLDER / "ours.duckdb"
    measured: dict[str, list[Measurement]] = {FLOOR: [], COMPRESSED_FLOOR: [], OURS: []}
    for _ in range(rounds):
        compressed = measure("tests.bench.floor", source, _fresh(floor_database), "--compressed")
        measured[COMPRESSED_FLOOR].append(compressed)
        measured[FLOOR].append(measure("tests.bench.floor", source, _fresh(floor_database)))
        measured[OURS].append(measure("tests.bench.load", source, _fresh(our_database)))
    return measured


def _nightly(items: int, rounds: int) -> Loads:
    """Merge 20,000 items, 200 of which were there before, into what the first load made."""
    increment = _input(_INCREMENT, items - _REPEATED)
    measured: dict[str, list[Measurement]] = {BY_HAND: [], OURS: []}
    for _ in range(rounds):
        for name, module, results in (
            ("floor.duckdb", "tests.bench.increment", measured[BY_HAND]),
            ("ours.duckdb", "tests.bench.load", measured[OURS]),
        ):
            copy = _fresh(_FOLDER / f"nightly-{name}")
            shutil.copy(_FOLDER / name, copy)
            results.append(measure(module, increment, copy))
            copy.unlink()
    return measured


def _models(items: int) -> Loads:
    """Build all models of as many items and events, then after a night, then after nothing."""
    database = _fresh(_FOLDER / "models.duckdb")
    shutil.copy(_FOLDER / "ours.duckdb", database)
    _load_events(database, items)
    measured = {"everything": [measure("tests.bench.models", database)]}
    measure("tests.bench.load", _input(_INCREMENT, items - _REPEATED), database)
    _load_events(database, _INCREMENT, skip=items)
    measured[f"what changed: a night of {_INCREMENT:,}"] = [measure("tests.bench.models", database)]
    measured["nothing new"] = [measure("tests.bench.models", database)]
    _fresh(database)
    return measured


def _load_events(database: Path, events: int, skip: int = 0) -> None:
    """Load events of as many days as a help desk has them in, some ten thousand a day."""
    source = _event_input(events, days_apart=1, skip=skip)
    measure("tests.bench.load", source, database, "--name", "events.jsonl")
    source.unlink()


def _download(items: int, rounds: int) -> Table:
    """Fetch a file through our client and, beside it, with the standard library."""
    source, name = _input(items), "items.jsonl"
    options = {STANDARD_LIBRARY: ["--standard-library"], OURS: []}
    measured: dict[str, list[Measurement]] = {of: [] for of in options}
    world = WorldSettings(items=0, days=0)
    with Sandbox(SandboxSettings(world=world, requests_per_second=1_000)) as sandbox:
        job = sandbox.add_job({name: source})
        # ids may begin with a dash
        order = ("--", sandbox.base_url, sandbox.email, sandbox.api_token, job, name, _FOLDER)
        for _ in range(rounds):
            for of, results in measured.items():
                results.append(measure("tests.bench.download", *options[of], *order))
        requests = sandbox.requests.file_requests().total()
    title = f"{_title('Download', items, rounds)}; {requests} requests in {2 * rounds} runs"
    table = load_table(title, measured)
    size = source.stat().st_size / 1e6
    speeds = (size / seconds(results) for results in measured.values())
    table.caption = "MB a second: {:,.0f} and {:,.0f}".format(*speeds)
    return table


def _stages(items: int) -> Table:
    """Tell where the processor seconds of a first load go."""
    command = [sys.executable, "-m", "tests.bench.stages", str(_input(items))]
    printed = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own module
    found: dict[str, float] = json.loads(printed.stdout)
    table = new_table(f"Where they go, {items:,} items", "", "processor seconds", "share")
    for stage, used in found.items():
        table.add_row(stage, f"{used:.2f}", f"{used / sum(found.values()):.0%}")
    return table


def _events(events: int, rounds: int) -> Table:
    """Load a day of events beside an export of as many items: seconds a byte."""
    sources = {"conversation_items.jsonl": _input(events), "events.jsonl": _event_input(events)}
    results: dict[str, list[Measurement]] = {name: [] for name in sources}
    for _ in range(rounds):
        for name, source in sources.items():
            database = _fresh(_FOLDER / "events.duckdb")
            results[name].append(measure("tests.bench.load", source, database, "--name", name))
    title = f"A day of {events:,} events beside {events:,} items, medians of {rounds}"
    table = new_table(title, "", "MB", "seconds", "MB a second", "peak memory MB")
    speeds = []
    for name, source in sources.items():
        size = source.stat().st_size / 1e6
        seconds = statistics.median(result.seconds for result in results[name])
        peak = statistics.median(result.peak_bytes for result in results[name]) / 1e6
        speeds.append(size / seconds)
        table.add_row(name, f"{size:,.0f}", f"{seconds:,.1f}", f"{speeds[-1]:,.1f}", f"{peak:,.0f}")
    table.add_row("ratio", "", "", f"{speeds[1] / speeds[0]:.2f}", "")
    return table


def _input(items: int, first_index: int = 0) -> Path:
    path = _FOLDER / f"items-{first_index}-{items}.jsonl"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        write_conversation_items(part, items, _SEED, first_index)
        part.replace(path)
    return path


def _event_input(events: int, *, days_apart: int = 0, skip: int = 0) -> Path:
    path = _FOLDER / f"events-{skip}-{events}-{days_apart}.jsonl"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        write_events(part, events, _SEED, days_apart=days_apart, skip=skip)
        part.replace(path)
    return path


def _fresh(database: Path) -> Path:
    for path in (database, database.with_suffix(".duckdb.wal")):
        path.unlink(missing_ok=True)
    return database


if __name__ == "__main__":
    main()
