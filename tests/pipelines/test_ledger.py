"""The ledger says what was loaded, from which bytes, and what could not be."""

import hashlib
import json
from pathlib import Path

import pytest

from sandbox import Sandbox
from sources.http.errors import GiveUpError
from tests.pipelines.model import deliveries, differences
from tests.pipelines.runs import ITEMS, duckdb_target, item, read_tables, run, sms

FILES = "load_files"
GOOD = item("good", sms("hello"))
UNREADABLE = b"".join(b'{"broken %d\n' % number for number in range(60))
READABLE = b"".join(item(str(number), sms("hi")) for number in range(60))


def test_every_line_is_a_row_or_quarantined_and_the_bytes_are_those_served(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    served = GOOD + b"{cut\n" + b"\r\n" + b'{"id": "x", "text": "caf\xe9"}\n' + b"[]\n"
    job = empty_sandbox.add_job({ITEMS: served, "topics.jsonl": b"", "agents.jsonl": b"\n\n"})
    report = run(empty_sandbox, target)
    tables = read_tables(target)
    assert differences(tables, deliveries(empty_sandbox)) == []
    files = {row["file"]: row for row in tables["load_files"]}
    assert files[ITEMS]["sha256"] == hashlib.sha256(served).hexdigest()
    assert [(file["lines"], file["rows"]) for file in files.values()] == [(4, 1), (0, 0), (0, 0)]
    quarantined = [(row["job_id"], row["line_number"]) for row in tables["quarantined_lines"]]
    assert sorted(quarantined) == [(job, 2), (job, 4), (job, 5)]
    assert report.quarantined == 3
    assert report.needs_a_person


def test_what_is_new_in_records_is_counted_for_each_table(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    odd_attachments = {"type": "SMS", "content": 7, "attachments": [{"fileSize": "big"}, 3]}
    lines = GOOD + item("odd", odd_attachments) + item("new", sms("hello"), mood="calm")
    empty_sandbox.add_job({ITEMS: lines, "agents.jsonl": b'{"id": "as usual"}\n'})
    report = run(empty_sandbox, target)
    told = {row["file"]: json.loads(row["extra_by_table"]) for row in read_tables(target)[FILES]}
    counted = {"conversation_items": 1, "sms_messages": 1, "item_attachments": 2}
    assert told == {ITEMS: counted, "agents.jsonl": {}}
    assert {file.file: file.extra for file in report.files} == {ITEMS: 4, "agents.jsonl": 0}


def test_the_archive_holds_the_bytes_the_ledger_tells_of(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    empty_sandbox.add_job({ITEMS: GOOD, "../../etc/passwd": b'{"id": 1}\n'})
    run(empty_sandbox, target)
    rows = read_tables(target)["load_files"]
    assert len(rows) == 2
    archive = tmp_path / "raw" / "gladly"
    for row in rows:
        path = (archive / row["archive_path"]).resolve()
        assert path.is_relative_to(archive)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"]


def test_a_file_no_declaration_knows_is_kept_line_by_line(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    empty_sandbox.add_job({"brand_new.jsonl": b'{"a": [1, 2.50]}\n\n"text"\n{broken\n17\n'})
    run(empty_sandbox, target)
    tables = read_tables(target)
    assert differences(tables, deliveries(empty_sandbox)) == []
    assert len(tables["unknown_file_lines"]) == 3
    assert len(tables["quarantined_lines"]) == 1


def test_a_file_no_declaration_knows_is_kept_however_little_of_it_is_json(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    table = b"id,name\n" + b"".join(b"%d,somebody\n" % number for number in range(500))
    empty_sandbox.add_job({"brand_new.csv": table, ITEMS: GOOD})
    report = run(empty_sandbox, target)
    tables = read_tables(target)
    assert differences(tables, deliveries(empty_sandbox)) == []
    assert report.quarantined == len(tables["quarantined_lines"]) == 501
    assert len(tables["conversation_items"]) == 1


def test_a_job_of_no_files_is_loaded_and_no_gap(tmp_path: Path, empty_sandbox: Sandbox) -> None:
    empty_sandbox.add_job({})
    report = run(empty_sandbox, duckdb_target(tmp_path))
    assert (report.files, report.gaps) == ([], [])


def test_a_file_that_is_mostly_broken_fails_the_run_and_nothing_is_loaded(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    empty_sandbox.add_job({"topics.jsonl": b'{"id": "t"}\n'})
    empty_sandbox.add_job({ITEMS: READABLE + UNREADABLE})
    with pytest.raises(GiveUpError, match="max_quarantined_share"):
        run(empty_sandbox, target)
    tables = read_tables(target)
    filled = {table for table, rows in tables.items() if rows}
    assert filled == {"load_runs"}
    assert [(row["status"], row["jobs_loaded"]) for row in tables["load_runs"]] == [("failed", 0)]
    assert "max_quarantined_share" in tables["load_runs"][0]["error"]


def test_after_a_larger_share_is_allowed_the_next_run_needs_no_download(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    empty_sandbox.add_job({ITEMS: READABLE + UNREADABLE})
    with pytest.raises(GiveUpError):
        run(empty_sandbox, target)
    report = run(empty_sandbox, target, max_quarantined_share=0.5)
    assert report.quarantined == 60
    assert not report.healed_crash
    assert differences(read_tables(target), deliveries(empty_sandbox)) == []
    assert set(empty_sandbox.requests.file_requests().values()) == {1}


def test_a_few_broken_lines_in_a_small_file_are_no_reason_to_fail(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    empty_sandbox.add_job({ITEMS: GOOD + UNREADABLE})
    assert run(empty_sandbox, duckdb_target(tmp_path)).quarantined == 60
