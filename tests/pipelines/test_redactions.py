"""A text that was there once and is empty now leaves one row that says so."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.redactions import WATCHED, redacted_rows
from pipelines.runner import Target
from sources.gladly.declarations import CONTENT_TYPES
from sources.gladly.identity import REDACTED_ITEMS
from sources.tables.build import Lineage
from sources.tables.parquet import TableFiles, write_rows
from sources.tables.parse import parse_file
from sources.tables.versions import superseded_origins
from tests.pipelines.gladlys import FIRST_DAY, Job, gladly
from tests.pipelines.runs import DESTINATIONS, ITEMS, Row, duckdb_target, item, read_tables, run
from tests.tables.parsing import parser_of

DATABASES = ["duckdb", "postgres"]
START = datetime(2024, 3, 1, tzinfo=UTC)


def content(kind: str, **members: object) -> dict[str, object]:
    return {"type": kind, **members}


def call(status: str, summary_status: str | None, summary: str | None) -> dict[str, object]:
    inner = {"status": summary_status, "summary": summary}
    return content("PHONE_CALL", recordingStatus=status, recordingSummary=inner)


WITH_TEXT = (
    item("sms", content("SMS", content="secret")),
    item("note", content("CONVERSATION_NOTE", body="secret")),
    item("email", content("EMAIL", content="secret", subject="hello")),
    item("no text column fits", content("SMS", content="nul \0")),
    item("call", call("AVAILABLE", "READY", "secret")),
    item("stays", content("SMS", content="text")),
    item("never had any", content("SMS", content="")),
    item("grows", content("SMS", content="")),
    item("no longer fits", content("SMS", content="text")),
    item("changes its type", content("SMS", content="text")),
    item("only pending", call("AVAILABLE", "PENDING", None)),
)
WITHOUT = (
    item("sms", content("SMS", content="")),
    item("note", content("CONVERSATION_NOTE")),
    item("email", content("EMAIL", content=None, subject="hello")),
    item("no text column fits", content("SMS", content="")),
    item("call", call("DELETED", "REDACTED", None)),
    item("stays", content("SMS", content="another text")),
    item("never had any", content("SMS", content="")),
    item("grows", content("SMS", content="text")),
    item("no longer fits", content("SMS", content={"rich": "text"})),
    item("changes its type", content("CONVERSATION_NOTE", body="")),
    item("only pending", call("AVAILABLE", "FAILED", None)),
)
REDACTED = {
    ("sms", "sms_messages.content"),
    ("note", "conversation_notes.body"),
    ("email", "emails.content"),
    ("no text column fits", "sms_messages.content"),
    ("call", "phone_calls.recording_status"),
    ("call", "phone_calls.recording_summary_status"),
    ("call", "phone_calls.recording_summary"),
}


def parts(rows: Sequence[Row]) -> list[tuple[str, str]]:
    return [(row["item_id"], row["part"]) for row in rows]


def nights(target: Target, *jobs: Mapping[int, Job]) -> list[Row]:
    for night in jobs:
        with gladly(night) as sandbox:
            run(sandbox, target)
    return read_tables(target, [REDACTED_ITEMS])["redacted_items"]


def at(hours: int) -> datetime:
    return FIRST_DAY + timedelta(hours=hours)


@pytest.mark.parametrize("name", DATABASES)
def test_a_text_that_a_later_version_lacks_is_redacted(
    name: str, tmp_path: Path, postgres: str
) -> None:
    target = DESTINATIONS[name](tmp_path, postgres)
    rows = nights(target, {0: Job(1, WITH_TEXT)}, {1: Job(2, WITHOUT)})
    assert sorted(parts(rows)) == sorted(REDACTED)
    assert {row["redacted_at"] for row in rows} == {at(2)}
    lines = {row["item_id"]: row["_line"] for row in rows}
    assert lines == {"sms": 1, "note": 2, "email": 3, "no text column fits": 4, "call": 5}


@pytest.mark.parametrize("name", DATABASES)
def test_a_version_with_text_that_comes_late_shows_the_redaction_as_well(
    name: str, tmp_path: Path, postgres: str
) -> None:
    target = DESTINATIONS[name](tmp_path, postgres)
    rows = nights(target, {1: Job(2, WITHOUT)}, {0: Job(1, WITH_TEXT)})
    assert sorted(parts(rows)) == sorted(REDACTED)
    assert {row["redacted_at"] for row in rows} == {at(2)}


def test_a_redaction_stays_as_it_was_first_noticed(tmp_path: Path) -> None:
    filled, empty = item("a", content("SMS", content="text")), item("a", content("SMS", content=""))
    rows = nights(
        duckdb_target(tmp_path),
        {0: Job(1, (filled,))},
        {1: Job(2, (empty,))},
        {2: Job(3, (empty,))},
        {3: Job(4, (filled,))},
        {4: Job(5, (empty,))},
        {1: Job(6, (empty,))},
    )
    assert [(row["item_id"], row["redacted_at"]) for row in rows] == [("a", at(2))]


def test_what_a_package_itself_shows_is_recorded_once(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path / "data")
    row = {
        "item_id": "a",
        "part": "sms_messages.content",
        "redacted_at": START,
        "_extracted_at": START,
        "_job_id": "job",
        "_file": ITEMS,
        "_line": 1,
    }
    warehouse = target.warehouse(tmp_path / "work")
    warehouse.prepare()
    for days in (0, 1, -1):
        moved = dict.fromkeys(("redacted_at", "_extracted_at"), START + timedelta(days=days))
        warehouse.load([write_rows(tmp_path / f"{days}", REDACTED_ITEMS, [row | moved])])
    assert read_tables(target, [REDACTED_ITEMS])["redacted_items"] == [row]


def test_every_text_of_every_content_type_is_watched() -> None:
    watched = {each.part for each in WATCHED}
    texts = {"content", "body", "recording_summary", "recording_summary_status", "recording_status"}
    assert watched == {
        f"{record.table}.{leaf.name}"
        for record in CONTENT_TYPES.values()
        for leaf in record.fields
        if leaf.name in texts
    }
    assert len(watched) == 17


_TEXTS = st.sampled_from(["one", "two", "", None, 7, "nul \0"])
_VERSIONS = st.lists(st.tuples(st.sampled_from("ab"), _TEXTS), max_size=8)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.lists(_VERSIONS, max_size=3))
def test_within_a_package_the_first_version_without_its_text_is_found(
    jobs: list[list[tuple[str, object]]],
) -> None:
    parser = parser_of("conversation_items")
    with TemporaryDirectory() as folder, TableFiles(Path(folder)) as files:
        for number, versions in enumerate(jobs):
            lines = [item(key, content("SMS", content=text)) for key, text in versions]
            lineage = Lineage(START + timedelta(days=number), f"job-{number}", ITEMS)
            parse_file(BytesIO(b"".join(lines)), parser, lineage, files)
        tables = {file.table.name: file for file in files.finish()}
        losers = superseded_origins(tables["conversation_items"]) if tables else set()
        found = redacted_rows(tables, losers)
    expected: dict[str, tuple[str, int]] = {}
    had_text: set[str] = set()
    for number, versions in enumerate(jobs):
        for line, (key, text) in enumerate(versions, 1):
            if text not in ("", None):
                had_text.add(key)
            elif key in had_text:
                expected.setdefault(key, (f"job-{number}", line))
    assert {row["item_id"]: (row["_job_id"], row["_line"]) for row in found} == expected
    assert len(found) == len(expected)
