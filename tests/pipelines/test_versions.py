"""Of every record exactly the last version remains, whatever came when and how often."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.runner import Target
from sources.gladly.declarations import CONVERSATION_ITEM, EXPORT_FILES
from sources.tables.declarations import Record
from tests.pipelines.gladlys import NOW, Job, gladly
from tests.pipelines.model import Delivery, deliveries, differences
from tests.pipelines.runs import (
    DESTINATIONS,
    ITEMS,
    duckdb_target,
    item,
    line,
    read_tables,
    run,
    sms,
)

EMAIL = {"type": "EMAIL", "to": ["a@example.com", "b@example.com"], "cc": ["c@example.net"]}
TOPICS = {"type": "TOPIC_CHANGE", "addedTopicIds": ["t1", "t2"], "removedTopicIds": ["t3"]}
UNKNOWN = {"type": "CARRIER_PIGEON", "ring": 7}
REPEATED = item("line repeats in a file", sms("first", "file"))

# one night a column; every job is a first-day export extracted at the hour named
NIGHTS: dict[str, Mapping[int, Job]] = {
    "first": {
        0: Job(
            30,
            (
                item("comes again", sms("one", "file")),
                item("attachments shrink", sms("three", "x", "y", "z")),
                item("attachments vanish", sms("two", "x", "y")),
                item("type changes", EMAIL),
                item("unknown becomes known", UNKNOWN),
                item("known becomes unknown", TOPICS),
                item("stays", sms("", "file")),
                REPEATED,
                item("line repeats in a file", EMAIL),
            ),
        ),
        1: Job(20, (item("earlier job in one run", sms("late", "x")), item("comes again", EMAIL))),
        2: Job(31, (item("same instant", sms("loses", "x", "y")),)),
        3: Job(31, (item("same instant", sms("or wins", "x")),)),
        4: Job(50, (item("extracted last, loaded first", sms("wins", "x")),)),
        5: Job(32, (item("job is made again", sms("old", "x")), b"{broken\n", b"[]\n")),
    },
    "second": {
        6: Job(
            40,
            (
                item("attachments shrink", sms("three", "x")),
                item("attachments vanish", sms("two")),
                item("type changes", sms("was an e-mail", "x")),
                item("unknown becomes known", TOPICS),
                item("known becomes unknown", UNKNOWN),
            ),
        ),
        7: Job(45, (item("extracted last, loaded first", EMAIL),)),
        5: Job(48, (item("job is made again", EMAIL), b"{broken\n", b"\n", b"null\n")),
    },
    "third": {
        8: Job(35, (item("type changes", UNKNOWN), item("attachments vanish", sms("two", "x")))),
    },
    # nothing of this arrives in the tables that rows must leave
    "fourth": {9: Job(60, (item("attachments shrink", TOPICS), item("type changes", UNKNOWN)))},
}


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_the_last_version_remains_in_every_table(
    destination: str, tmp_path: Path, postgres: str
) -> None:
    target = DESTINATIONS[destination](tmp_path, postgres)
    delivered: set[Delivery] = set()
    for night, jobs in NIGHTS.items():
        with gladly(jobs) as sandbox:
            run(sandbox, target)
            delivered |= deliveries(sandbox)
        assert (night, differences(read_tables(target), delivered)) == (night, [])


BROKEN = (
    b"{\n",
    b"[1]\n",
    b"null\n",
    b'{"id": 7}\n',
    b'{"id": ""}\n',
    b'{"id": "a", "content": "caf\xe9"}\n',
    b'{"id": "a"} {"id": "b"}\n',
    b'{"content": {"type": "SMS"}}\n',
)
ODD = (
    b" \n",
    item("a", sms("line\u2028paragraph\u2029next\u0085and\x00nul", "x")),
    b'{"id": "b", "content": null}\n',
    b'{"id": "c"}\n',
    item("c", {"type": "SMS", "content": 7, "attachments": [{"fileSize": "big"}, 3]}, mood="calm"),
)
CONTENTS = st.sampled_from(
    [sms("one"), sms("two", "x"), sms("three", "x", "y"), EMAIL, TOPICS, UNKNOWN]
)
SEQUENCES = {"duckdb": 120, "postgres": 25, "filesystem": 25}
CUSTOMERS = "customers.jsonl"
FEW_TEXTS = st.lists(st.sampled_from(["x@example.com", "y@example.com", "+15550100"]), max_size=3)
LINES = st.builds(item, st.sampled_from("abc"), CONTENTS) | st.sampled_from([*BROKEN, *ODD])


def customer(identifier: str, emails: list[str], phones: list[str], single: str | None) -> bytes:
    """Return a line of customers.jsonl; most of it becomes rows of three child tables."""
    return line(
        {
            "id": identifier,
            "emailAddresses": emails,
            "phoneNumbers": phones,
            "externalCustomerIds": dict.fromkeys(phones, "known there"),
            "externalCustomerId": single,
        }
    )


CUSTOMER_LINES = st.builds(
    customer, st.sampled_from("ab"), FEW_TEXTS, FEW_TEXTS, st.none() | st.just("single")
)


def jobs_of(lines: st.SearchStrategy[bytes], file: str) -> st.SearchStrategy[Job]:
    several = st.lists(lines, min_size=1, max_size=4).map(tuple)
    return st.builds(Job, st.integers(1, 5), several, st.just(file))


JOBS = jobs_of(LINES, ITEMS) | jobs_of(CUSTOMER_LINES | st.sampled_from(BROKEN), CUSTOMERS)
RUNS = st.lists(
    st.dictionaries(st.integers(0, 3), JOBS, min_size=1, max_size=3), min_size=1, max_size=3
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RUNS)
def test_any_order_of_jobs_versions_and_runs_leaves_what_sorting_would(
    runs: Sequence[Mapping[int, Job]],
) -> None:
    with TemporaryDirectory() as folder:
        assert differences_after(runs, duckdb_target(Path(folder))) == []


def differences_after(runs: Sequence[Mapping[int, Job]], target: Target) -> list[str]:
    """Run once for each night's jobs; return how the tables differ from what sorting leaves."""
    delivered: dict[tuple[str, str], Delivery] = {}
    everything: set[Delivery] = set()
    for jobs in runs:
        with gladly(jobs) as sandbox:
            run(sandbox, target)
            for each in deliveries(sandbox):
                known = delivered.get((each.job_id, each.file))
                if known is None or each.updated_at > known.updated_at:
                    delivered[each.job_id, each.file] = each
                    everything.add(each)
    return differences(read_tables(target), everything)


@pytest.mark.slow
@pytest.mark.parametrize(("destination", "sequences"), [*SEQUENCES.items()], ids=[*SEQUENCES])
def test_any_order_leaves_what_sorting_would_at_every_destination(
    destination: str,
    sequences: int,
    postgres: str,
    count_trials: Callable[[int], None],
    show_figures: Callable[[str], None],
) -> None:
    versions: list[int] = []

    @settings(max_examples=sequences, deadline=None, suppress_health_check=list(HealthCheck))
    @given(RUNS)
    def leaves(runs: Sequence[Mapping[int, Job]]) -> None:
        versions.append(sum(len(job.lines) for jobs in runs for job in jobs.values()))
        with TemporaryDirectory() as folder:
            target = DESTINATIONS[destination](Path(folder), postgres)
            assert differences_after(runs, target) == []

    leaves()
    count_trials(len(versions))
    show_figures(
        f"{destination}: {len(versions)} sequences of runs, {sum(versions)} versions of records, "
        "regressions and stale rows 0"
    )


def forget(folder: Path, files: str) -> int:
    """Delete rows of the ledger, so that the next run loads these files again; return how many."""
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        deleted = connection.execute(f"DELETE FROM gladly.load_files WHERE {files}").fetchall()
    return int(deleted[0][0])


@pytest.mark.parametrize(
    "files",
    [
        pytest.param("TRUE", id="all of them"),
        pytest.param("quarantined > 0", id="those with lines that are no rows"),
    ],
)
def test_a_job_that_is_loaded_twice_leaves_the_rows_of_one_load(files: str, tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with gladly(NIGHTS["first"]) as sandbox:
        run(sandbox, target)
        once = read_tables(target)
        forgotten = forget(tmp_path, files)
        assert run(sandbox, target).jobs == forgotten > 0
        assert differences(read_tables(target), deliveries(sandbox)) == []
    again = read_tables(target)
    for table in once.keys() - {"load_runs", "load_files", "export_jobs", "export_schedules"}:
        if table != "export_job_files":
            assert sorted(map(str, again[table])) == sorted(map(str, once[table])), table


def test_items_of_an_unknown_type_move_to_its_table_once_it_is_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = duckdb_target(tmp_path)
    with gladly({0: Job(1, (item("mail", EMAIL), item("text", sms("hi", "x"))))}) as sandbox:
        with monkeypatch.context() as before_its_declaration:
            before_its_declaration.setitem(EXPORT_FILES, ITEMS, without_type("EMAIL"))
            run(sandbox, target)
        tables = read_tables(target)
        assert [row["id"] for row in tables["unknown_items"]] == ["mail"]
        assert tables["emails"] == tables["email_recipients"] == []
        forget(tmp_path, "TRUE")
        run(sandbox, target)
        assert differences(read_tables(target), deliveries(sandbox)) == []


def without_type(name: str) -> Record:
    variants = {key: value for key, value in CONVERSATION_ITEM.variants.items() if key != name}
    return Record(
        CONVERSATION_ITEM.table,
        CONVERSATION_ITEM.fields,
        CONVERSATION_ITEM.description,
        CONVERSATION_ITEM.documentation,
        variant_path=CONVERSATION_ITEM.variant_path,
        variants=variants,
        unknown_table=CONVERSATION_ITEM.unknown_table,
    )


def test_a_late_version_is_reported_and_changes_nothing(tmp_path: Path) -> None:
    target: Target = duckdb_target(tmp_path)
    with gladly({0: Job(5, (item("a", sms("new", "x")),))}) as sandbox:
        run(sandbox, target)
    second = {1: Job(3, (item("a", sms("old", "x", "y")),))}
    with gladly(second, NOW + timedelta(days=1)) as sandbox:
        report = run(sandbox, target)
    assert report.late == {"conversation_items": 1}
    assert "item_attachments" not in report.tables
    assert [row["content"] for row in read_tables(target)["sms_messages"]] == ["new"]
