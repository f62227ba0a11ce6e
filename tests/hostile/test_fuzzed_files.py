"""Whatever bytes a file holds: good + quarantined = lines sent, and offsets lead back to them."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox import Sandbox
from sources.tables.parquet import TableFiles
from sources.tables.parse import parse_unknown_file
from tests.hostile.fuzzing import WHOLE_FILES, edited_files, files_of
from tests.hostile.mutations import is_record
from tests.leaves import EVENTS, KEYS, missing_leaves, parse_json, rows_by_record
from tests.pipelines.model import RECORDS
from tests.pipelines.runs import Row, Tables, duckdb_target, read_tables, run
from tests.tables.parsing import DECLARATIONS, LINEAGE, parse
from tests.tables.parsing import read_tables as parsed_tables
from tests.tables.test_files import exact_bytes, lines_of, rows_by_line

TABLES = [pytest.param(table, id=table) for table in DECLARATIONS]
MANY = settings(
    max_examples=25, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
VERY_MANY = settings(MANY, max_examples=600)
# one run costs a second, one file a millisecond: few runs of many files
RUNS = settings(MANY, max_examples=1, phases=[Phase.generate])
MANY_RUNS = settings(RUNS, max_examples=25)
UNKNOWN = "never_heard_of.jsonl"


def quarantine_problems(data: bytes, quarantined: dict[int, Row]) -> Iterator[str]:
    """Yield which quarantined lines do not lead back to their bytes."""
    sent = lines_of(data)
    for number, row in quarantined.items():
        offset, line = sent.get(number, (-1, b""))
        exact = exact_bytes(row)
        place = (row["byte_offset"], row["byte_length"], row["is_cut"])
        if place != (offset, len(line), len(exact) < len(line)) or not line.startswith(exact):
            yield f"line {number} leads to {place} instead of {(offset, len(line))}"


def parse_problems(table: str, data: bytes) -> Iterator[str]:
    """Yield what is wrong with the rows that a file becomes."""
    counts, tables = parse(table, data)
    quarantined = {row["line_number"]: row for row in tables.get("quarantined_lines", [])}
    sent = lines_of(data)
    good = {number for number, (_, line) in sent.items() if is_record(table, line)}
    if not counts.lines == len(sent) == counts.rows + counts.quarantined:
        yield f"{len(sent)} lines were sent: {counts}"
    if {*quarantined} != {*sent} - good or counts.rows != len(good):
        yield f"{[*quarantined]} are quarantined instead of {sorted({*sent} - good)}"
    yield from quarantine_problems(data, quarantined)
    for number in good:
        rows = rows_by_record(rows_by_line(tables, number))
        yield from missing_leaves(table, sent[number][1], rows)


@pytest.mark.parametrize("table", TABLES)
@MANY
@given(data=st.data())
def test_any_file_becomes_rows_and_quarantined_lines(table: str, data: st.DataObject) -> None:
    assert [*parse_problems(table, data.draw(files_of(table)))] == []


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
@VERY_MANY
@given(data=st.data())
def test_any_of_very_many_files_becomes_rows_and_quarantined_lines(
    table: str, data: st.DataObject
) -> None:
    assert [*parse_problems(table, data.draw(files_of(table)))] == []


@pytest.mark.parametrize("data", WHOLE_FILES, ids=lambda data: repr(data[:12]))
def test_files_that_are_something_else_lose_no_line(data: bytes, tmp_path: Path) -> None:
    for table in ("conversation_items", EVENTS):
        assert [*parse_problems(table, data)] == []
    with TableFiles(tmp_path) as files:
        counts = parse_unknown_file(BytesIO(data), LINEAGE, files)
        tables = parsed_tables(files)
    kept = {row["line_number"]: row["raw"] for row in tables.get("unknown_file_lines", [])}
    bad = {row["line_number"]: row for row in tables.get("quarantined_lines", [])}
    sent = lines_of(data)
    assert counts.lines == len(sent) == len(kept) + len(bad)
    assert {number: raw.encode() for number, raw in kept.items()} == {
        number: line for number, (_, line) in sent.items() if number in kept
    }
    assert [*quarantine_problems(data, bad)] == []


def run_problems(sandbox: Sandbox, folder: Path, files: dict[str, bytes]) -> Iterator[str]:
    """Load a job of these files; yield what is wrong with what the warehouse then holds."""
    target = duckdb_target(folder)
    job = sandbox.add_job(dict(files))
    run(sandbox, target, max_quarantined_share=1.0, require_final_newline=False)
    sandbox.remove_job(job)
    tables = read_tables(target)
    for row in tables["load_files"]:
        data = files[row["file"]]
        archived = (folder / "raw" / "gladly" / row["archive_path"]).read_bytes()
        if archived != data:
            yield f"{row['file']}: the raw archive holds other bytes"
        if not row["lines"] == len(lines_of(data)) == row["rows"] + row["quarantined"]:
            yield f"{row['file']}: {len(lines_of(data))} lines were sent, told are {row}"
        bad = {
            each["line_number"]: each
            for each in tables["quarantined_lines"]
            if each["file"] == row["file"]
        }
        if len(bad) != row["quarantined"]:
            yield f"{row['file']}: {len(bad)} lines in quarantine instead of {row['quarantined']}"
        yield from quarantine_problems(archived, bad)
    if {row["file"] for row in tables["load_files"]} != {*files}:
        yield "not every file is in the ledger"
    for file, table in RECORDS.items():
        yield from winner_problems(table, files.get(file, b""), tables)


def winner_problems(table: str, data: bytes, tables: Tables) -> Iterator[str]:
    """Yield what is wrong with the last line of each record of a file."""
    last = {
        parse_json(line)[KEYS.get(table, "id")]: line
        for _, line in lines_of(data).values()
        if is_record(table, line)
    }
    if sorted(row["id"] for row in tables[table]) != sorted(last):
        yield f"{table}: {len(tables[table])} rows of {len(last)} records"
    rows = rows_by_record(tables)
    for line in last.values():
        yield from missing_leaves(table, line, rows)


@st.composite
def jobs(draw: st.DrawFn) -> dict[str, bytes]:
    files = {file: draw(edited_files(table)) for file, table in RECORDS.items()}
    odd = draw(st.sampled_from(sorted(RECORDS)))
    return files | {odd: draw(files_of(RECORDS[odd])), UNKNOWN: draw(files_of("topics"))}


@RUNS
@given(files=jobs())
def test_any_job_is_loaded_line_by_line(
    files: dict[str, bytes], empty_sandbox_of_all: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("job")
    assert [*run_problems(empty_sandbox_of_all, folder, files)] == []


@pytest.mark.slow
@MANY_RUNS
@given(files=jobs())
def test_any_of_many_jobs_is_loaded_line_by_line(
    files: dict[str, bytes], empty_sandbox_of_all: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("job")
    assert [*run_problems(empty_sandbox_of_all, folder, files)] == []


GOOD = b'{"id":"%d","content":{"type":"SMS","content":"hi"}}'
LONG = b'{"id":"long","content":"' + b"x" * 100_000_000 + b'"}'


@pytest.mark.parametrize("how", ["items", "unknown"])
def test_a_line_of_100_megabytes_costs_its_head_only(
    how: str, tmp_path: Path, show_figures: Callable[[str], None]
) -> None:
    path = tmp_path / "items.jsonl"
    deep = b"[" * 100_000
    path.write_bytes(b"\n".join([GOOD % 1, LONG, GOOD % 2, deep, GOOD % 3, b""]))
    told = json.loads(
        subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "tests.hostile.peak_memory", path, how],
            check=True,
            capture_output=True,
            cwd=Path(__file__).parents[2],
        ).stdout
    )
    first = len(GOOD % 1) + 1
    assert told["lines"] == [5, 3, 2]
    assert told["places"] == [[first, len(LONG)], [first + len(LONG) + 1 + first, len(deep)]]
    assert [reason.split()[0] for reason in told["reasons"]] == ["longer", "nested"]
    # the bound of a line, the block that is read, and what joining both costs
    assert told["peak"] - told["before"] < 150
    show_figures(
        f"a line of 100 MB ({how}): peak memory {told['peak']:.0f} MB, {told['before']:.0f} before"
    )
