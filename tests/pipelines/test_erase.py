"""A deleted customer leaves every table and every raw file, and nobody else loses anything."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import compact, erase, erase_sql
from pipelines import warehouse as warehouse_module
from pipelines.erase import (
    EraseReport,
    check_can_erase,
    erase_deleted_customers,
    give_up_erased_bytes,
    who_is_gone,
)
from pipelines.gladly_tables import GLADLY_TABLES
from pipelines.media_store import open_media_store
from pipelines.runner import Target
from pipelines.session import Session
from sandbox import Sandbox
from sources.gladly.identity import (
    CONVERSATION_MERGES,
    CUSTOMER_MERGES,
    DELETED_CUSTOMERS,
    REDACTED_ITEMS,
)
from sources.http.errors import RetryableError, SettingsError
from sources.streams.lines import OVERSIZED_HEAD_BYTES
from sources.tables.declarations import TableSchema
from sources.tables.parquet import write_rows
from tests.pipelines.runs import (
    DESTINATIONS,
    ITEMS,
    Row,
    Tables,
    duckdb_target,
    filesystem_target,
    item,
    line,
    read_tables,
    run,
    sms,
)

DATABASES = ["duckdb", "postgres"]
NOW = datetime(2026, 3, 10, tzinfo=UTC)
CANARY = "canary of the gone"
MAIL = {
    "type": "EMAIL",
    "from": f"{CANARY}@example.com",
    "to": ["help@example.com"],
    "subject": CANARY,
    "content": CANARY,
    "attachments": [{"id": "1", "filename": CANARY}],
}
LONG = CANARY + "x" * OVERSIZED_HEAD_BYTES

OF_THE_GONE = (
    item("text", sms(CANARY, CANARY), customerId="gone", conversationId="talk"),
    item("mail", MAIL, customerId="gone", conversationId="talk"),
    item("new type", {"type": "PIGEON", "ring": CANARY}, customerId="gone"),
    item("of older id", sms(CANARY), customerId="older", conversationId="older talk"),
    item("of oldest id", sms(CANARY), customerId="oldest"),
    item("by conversation", sms(CANARY), conversationId="talk"),
    item("by merged conversation", sms(CANARY), conversationId="merged talk"),
    item("in a new field", sms(CANARY), mergedFrom=["gone"]),
    item("superseded", sms(CANARY), customerId="gone"),
    item("superseded", sms(CANARY), customerId="older"),
    line({"id": "cut", "content": CANARY, "customerId": "gone"})[:-2] + b"\n",
    line({"id": "cut late", "content": LONG, "customerId": "gone"})[:-2] + b"\n",
)
OF_OTHERS = (
    item("other", sms("stays", "file"), customerId="other", conversationId="other talk"),
    item("begun", sms("stays"), customerId="other", initiator={"id": "gone", "type": "CUSTOMER"}),
    item("shared", sms("stays"), customerId="other", conversationId="shared talk"),
    item("mention", sms("gone and older"), customerId="other"),
    item("pigeon", {"type": "PIGEON", "ring": "stays"}, customerId="other"),
    item("field", sms("stays"), customerId="other", mood="calm"),
    b'{"id": "broken", "customerId": "other"\n',
    b"[]\n",
)
IN_A_SHARED_TALK = (
    item("mine", sms(CANARY), customerId="gone", conversationId="shared talk"),
    item("nobody's", sms("stays"), conversationId="shared talk"),
)
CUSTOMERS = (
    line({"id": "gone", "name": CANARY, "emailAddresses": [f"{CANARY}@example.com"]}),
    line({"id": "other", "name": "stays", "emailAddresses": ["stays@example.com"]}),
    line({"id": "stays", "externalCustomerId": "older customer"}),
)


def mixed(*groups: Iterable[bytes]) -> bytes:
    """Return the lines of several groups, in turns."""
    queues = [list(group) for group in groups]
    lines = []
    while any(queues):
        lines += [queue.pop(0) for queue in queues if queue]
    return b"".join(lines)


def add_jobs(sandbox: Sandbox) -> None:
    sandbox.add_job(
        {
            ITEMS: mixed(OF_THE_GONE, OF_OTHERS, IN_A_SHARED_TALK),
            "customers.jsonl": mixed(CUSTOMERS),
            "pigeons.jsonl": line({"customer": "gone", "ring": CANARY}) + line({"ring": "stays"}),
        }
    )
    sandbox.add_job({ITEMS: item("other day", sms("stays"), customerId="other")})


def lineage(number: int) -> Row:
    return {"_extracted_at": NOW, "_job_id": "evidence", "_file": "evidence", "_line": number}


def merge_rows(what: str, *pairs: tuple[str, str]) -> list[Row]:
    return [
        {f"source_{what}_id": source, f"destination_{what}_id": destination, "evidence": "test"}
        | lineage(number)
        for number, (source, destination) in enumerate(pairs)
    ]


def load(target: Target, folder: Path, table: TableSchema, rows: list[Row]) -> None:
    warehouse = target.warehouse(folder / "dlt")
    warehouse.prepare()
    warehouse.load([write_rows(folder / table.name, table, rows)])


def delete_customer(target: Target, folder: Path, *customers: str) -> None:
    rows = [
        {"customer_id": each, "evidence": "test"} | lineage(10 + number)
        for number, each in enumerate(customers)
    ]
    load(target, folder, DELETED_CUSTOMERS, rows)


def tell_who_is_gone(target: Target, folder: Path) -> None:
    merges = [("older", "gone"), ("oldest", "older"), ("older", "oldest"), ("third", "other")]
    load(target, folder, CUSTOMER_MERGES, merge_rows("customer", *merges))
    talks = [("merged talk", "talk"), ("third talk", "other talk")]
    load(target, folder, CONVERSATION_MERGES, merge_rows("conversation", *talks))
    redactions = [
        {"item_id": name, "part": "sms_messages.content", "redacted_at": NOW} | lineage(20)
        for name in ("text", "other")
    ]
    load(target, folder, REDACTED_ITEMS, redactions)
    delete_customer(target, folder, "gone", "never seen")


def erase_now(target: Target, folder: Path, *fresh: Path, now: datetime = NOW) -> EraseReport:
    warehouse = target.warehouse(folder / "erase").declare()
    store = open_media_store(None, target.data)
    return erase_deleted_customers(
        warehouse, GLADLY_TABLES, archive(target), fresh, store.delete, now
    )


def archive(target: Target) -> Path:
    return target.data / "raw" / "gladly"


def raw_files(target: Target) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in erase.archived_files(archive(target))}


def expected_raw(before: dict[Path, bytes], is_gone: Callable[[bytes], bool]) -> dict[Path, bytes]:
    return {
        path: b"\n".join(b" " * len(each) if is_gone(each) else each for each in data.split(b"\n"))
        for path, data in before.items()
    }


def is_of_the_gone(raw_line: bytes) -> bool:
    return CANARY.encode() in raw_line or b"mergedFrom" in raw_line


def rows_of_others(tables: Tables) -> Tables:
    """Return the rows that must stay as they are, without the tables an erasure writes itself."""
    return {
        table: sorted((row for row in rows if not names_the_gone(table, row)), key=str)
        for table, rows in tables.items()
        if table != "erased_customers"
    }


def names_the_gone(table: str, row: Row) -> bool:
    if table == "deleted_customers":
        return False
    gone = {"gone", "older", "oldest", "talk", "older talk", "merged talk"}
    named = {value for name, value in row.items() if name not in ("initiator_id", "_file")}
    shown = json.dumps(row, default=str)
    of_item = row.get("item_id") in {"text", "mail"} or row.get("id") in OF_ITS_CONTENT
    return bool(named & gone) or CANARY in shown or '["gone\\' in shown or of_item


OF_ITS_CONTENT = {
    *("text", "mail", "new type", "of older id", "of oldest id", "by conversation", "mine"),
    *("by merged conversation", "in a new field", "superseded"),
}


@pytest.mark.parametrize("name", DATABASES)
def test_the_gone_leave_and_all_others_stay(
    name: str, tmp_path: Path, postgres: str, empty_sandbox: Sandbox
) -> None:
    target = DESTINATIONS[name](tmp_path / "data", postgres)
    add_jobs(empty_sandbox)
    run(empty_sandbox, target)
    tell_who_is_gone(target, tmp_path / "told")
    before, raw_before = read_tables(target), raw_files(target)
    report = erase_now(target, tmp_path)
    after = read_tables(target)

    expected = rows_of_others(before)
    left = {table: sorted(rows, key=str) for table, rows in after.items()}
    erased = {row["customer_id"]: row for row in left.pop("erased_customers")}
    assert left == expected
    assert raw_files(target) == expected_raw(raw_before, is_of_the_gone)
    assert CANARY not in str(after)
    assert {row["initiator_id"] for row in after["conversation_items"]} == {None, "gone"}

    assert report.customers == tuple(sorted(erased)) == ("gone", "never seen", "older", "oldest")
    assert report.rows == sum(map(len, before.values())) - sum(map(len, expected.values()))
    assert report.raw_lines == 15
    assert {row["erased_at"] for row in erased.values()} == {NOW}
    assert [erased[each]["raw_lines_erased"] for each in ("older", "oldest")] == [2, 1]
    assert erased["never seen"]["rows_erased"] == erased["never seen"]["raw_lines_erased"] == 0
    assert_lines_lead_to_their_bytes(target, after)

    assert erase_now(target, tmp_path) == EraseReport()
    assert read_tables(target) == after


def assert_lines_lead_to_their_bytes(target: Target, tables: Tables) -> None:
    places = {(row["job_id"], row["file"]): row["archive_path"] for row in tables["load_files"]}
    for row in tables["conversation_items"]:
        data = (archive(target) / places[row["_job_id"], row["_file"]]).read_bytes()
        assert json.loads(data.split(b"\n")[row["_line"] - 1])["id"] == row["id"]
    for row in tables["quarantined_lines"]:
        data = (archive(target) / places[row["job_id"], row["file"]]).read_bytes()
        start = row["byte_offset"]
        assert data[start : start + row["byte_length"]].decode() == row["raw"]


@contextmanager
def killed_before(
    monkeypatch: pytest.MonkeyPatch, where: object, name: str, call: int
) -> Iterator[None]:
    """Let the process die, as it were, at the given call."""
    real = getattr(where, name)
    calls = iter(range(100))

    def dying(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - passes everything on
        if next(calls) == call:
            raise KeyboardInterrupt
        return real(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(where, name, dying)
        with pytest.raises(KeyboardInterrupt):
            yield


@pytest.mark.parametrize(
    ("where", "name", "call"),
    [
        (erase, "erase_lines", 0),
        (erase, "erase_lines", 2),
        (erase_sql, "forget_redactions_statement", 0),
        (erase_sql, "delete_statement", 3),
        (Session, "insert", 3),
        (erase._Erasure, "_record", 0),
    ],
    ids=[
        "before the first file",
        "between two files",
        "between archive and tables",
        "before the tables",
        "at an insert",
        "before the record",
    ],
)
def test_an_erasure_that_was_killed_is_finished_by_the_next(
    where: object,
    name: str,
    call: int,
    tmp_path: Path,
    empty_sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = duckdb_target(tmp_path / "data")
    add_jobs(empty_sandbox)
    run(empty_sandbox, target)
    tell_who_is_gone(target, tmp_path / "told")
    before, raw_before = read_tables(target), raw_files(target)
    with killed_before(monkeypatch, where, name, call):
        erase_now(target, tmp_path)
    assert read_tables(target) == before
    erase_now(target, tmp_path)
    after = read_tables(target)
    assert len(after.pop("erased_customers")) == 4
    assert {table: sorted(rows, key=str) for table, rows in after.items()} == rows_of_others(before)
    assert raw_files(target) == expected_raw(raw_before, is_of_the_gone)


def test_the_database_file_forgets_them_too(
    tmp_path: Path, empty_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = duckdb_target(tmp_path / "data")
    database = target.data / "warehouse.duckdb"
    add_jobs(empty_sandbox)
    run(empty_sandbox, target)
    tell_who_is_gone(target, tmp_path / "told")
    erase_now(target, tmp_path)
    # what makes the copy necessary
    assert CANARY.encode() in database.read_bytes()
    tables = read_tables(target)
    warehouse = target.warehouse(tmp_path / "compact").declare()
    with killed_before(monkeypatch, warehouse_module, "put_in_place", 0):
        give_up_erased_bytes(warehouse)
    assert CANARY.encode() in database.read_bytes()
    assert erase_now(target, tmp_path) == EraseReport()
    assert give_up_erased_bytes(warehouse)
    assert {path.name for path in target.data.iterdir() if path.suffix != ".lock"} == {
        *("raw", "work", "warehouse.duckdb")
    }
    assert not any(
        CANARY.encode() in path.read_bytes() for path in target.data.rglob("*") if path.is_file()
    )
    assert read_tables(target) == tables
    assert not give_up_erased_bytes(warehouse)
    empty_sandbox.add_job({ITEMS: item("later", sms("stays"), customerId="other")})
    assert run(empty_sandbox, target).rows == 1


def test_a_database_that_is_open_elsewhere_stays_as_it_is(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path / "data")
    database = target.data / "warehouse.duckdb"
    run(empty_sandbox, target)
    warehouse = target.warehouse(tmp_path / "compact").declare()
    with warehouse.session() as session:
        session.run([f"CREATE TABLE {session.names.final('mine')} (id INTEGER)"])
        part = database.with_name("copy")
        part.touch()
        with pytest.raises(RetryableError, match="still open"):
            compact.put_in_place(database, part)
    assert not part.exists()
    assert read_tables(target)["load_runs"]


def test_rows_that_come_again_are_erased_again(tmp_path: Path, empty_sandbox: Sandbox) -> None:
    target = duckdb_target(tmp_path / "data")
    add_jobs(empty_sandbox)
    run(empty_sandbox, target)
    tell_who_is_gone(target, tmp_path / "told")
    erase_now(target, tmp_path)
    again = (item("again", sms(CANARY), customerId="older"), item("new", sms("b"), customerId="o"))
    empty_sandbox.add_job({ITEMS: b"".join(again)})
    # a run that keeps what it loads: the files are not fresh to the next one
    run(empty_sandbox, target)
    later = NOW + timedelta(days=1)
    report = erase_now(target, tmp_path, now=later)
    assert (report.customers, report.raw_lines) == ((), 1)
    assert CANARY not in str(read_tables(target))
    assert not any(CANARY.encode() in data for data in raw_files(target).values())
    erased = {row["customer_id"]: row for row in read_tables(target)["erased_customers"]}
    assert {each for each, row in erased.items() if row["erased_at"] == later} == {"older"}
    assert erased["older"]["raw_lines_erased"] == 3


def test_without_news_only_fresh_files_are_looked_at(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path / "data")
    add_jobs(empty_sandbox)
    run(empty_sandbox, target)
    tell_who_is_gone(target, tmp_path / "told")
    erase_now(target, tmp_path)
    old, fresh = archive(target) / "old.jsonl", archive(target) / "fresh.jsonl"
    text = line({"customerId": "gone"})
    for path in (old, fresh):
        path.write_bytes(text)
    report = erase_now(target, tmp_path, fresh)
    assert (report.rows, report.raw_lines) == (0, 1)
    assert (old.read_bytes(), fresh.read_bytes().strip()) == (text, b"")


def test_a_destination_that_only_appends_is_refused(tmp_path: Path) -> None:
    target = filesystem_target(tmp_path)
    warehouse = target.warehouse(tmp_path / "dlt").declare()
    with pytest.raises(SettingsError, match="on_customer_deleted"):
        check_can_erase(warehouse)
    with pytest.raises(SettingsError, match="cannot delete rows"):
        erase_now(target, tmp_path)


def test_a_row_that_names_a_customer_names_its_line() -> None:
    for table in GLADLY_TABLES:
        if table.name not in ("deleted_customers", "erased_customers"):
            named = [*erase_sql.customer_columns(table), *erase_sql.conversation_columns(table)]
            assert not named or erase_sql.lineage_columns(table), table.name


_IDS = st.sampled_from("abcdef")
_PAIRS = st.lists(st.tuples(_IDS, _IDS), max_size=8)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(deleted=st.sets(_IDS), merges=_PAIRS, erased=st.sets(_IDS))
def test_gone_is_who_was_deleted_and_all_that_lead_there(
    deleted: set[str], merges: list[tuple[str, str]], erased: set[str]
) -> None:
    gone, survived = who_is_gone(deleted, merges, erased)
    assert gone >= erased
    assert gone | survived >= deleted
    assert not survived & erased
    for source, destination in merges:
        assert source in gone or destination not in gone
    for each in gone - erased - deleted:
        assert any(source == each and destination in gone for source, destination in merges)


def test_a_merge_is_no_deletion() -> None:
    merges = [("old", "lives"), ("older", "old"), ("x", "y"), ("y", "x")]
    assert who_is_gone({"old"}, merges, set()) == (set(), {"old"})
    assert who_is_gone({"lives"}, merges, set()) == ({"lives", "old", "older"}, set())
    assert who_is_gone({"x"}, merges, set()) == ({"x", "y"}, set())
    assert who_is_gone(set(), [*merges, ("lives", "dead")], {"dead"})[0] == {
        *("dead", "lives", "old", "older")
    }
