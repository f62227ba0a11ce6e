"""Secrets and words of customers, through the failures of whole runs: they are nowhere to be seen.

The trials of `test_faults.py` and `test_tokens.py` are searched as well; here are a destination
with a password, the command as people start it, and the search itself.
"""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipelines.runner import Target
from tests.command.commands import (
    CANARY_PASSWORD,
    CANARY_TEXT,
    CANARY_TOKEN,
    Commands,
    environment_for,
)
from tests.faults.faults import PLACES
from tests.faults.leaks import leaks
from tests.faults.trials import FAULTS, Cell, Count, Findings, hurt
from tests.faults.worlds import Faulty
from tests.pipelines.runs import postgres_target

NOWHERE = f"postgresql://loader:{CANARY_PASSWORD}@127.0.0.1:1/warehouse"
# what neither stalls nor asks to wait: a command waits in real time
QUICK = [name for name in FAULTS if not name.startswith(("stalls", "429", "503", "gzip bomb"))]
EVERYTHING = {
    "SOURCES__GLADLY__REFERENCE_LISTS": None,
    "SOURCES__GLADLY__REPORTS": '["ContactSummaryReportV2", "TaskExportReport"]',
    "SOURCES__GLADLY__REPORTS_PER_MINUTE": "10000",
    "SOURCES__GLADLY__ENRICHMENT": '["conversations", "customer_profiles", "tasks"]',
    "SOURCES__GLADLY__MEDIA": '["attachments", "recordings"]',
}


def quick(shift: int) -> list[Cell]:
    return [(place, QUICK[(n + shift) % len(QUICK)]) for n, place in enumerate(PLACES)]


@pytest.mark.slow
def test_no_failure_of_a_run_shows_a_password_of_the_destination(
    faulty: Faulty, postgres: str, tmp_path: Path, count_trials: Count
) -> None:
    target = postgres_target(
        tmp_path, postgres.replace("postgres:x@", f"postgres:{CANARY_PASSWORD}@")
    )
    found = Findings()
    shown = faulty.run(Target.open("postgres", "gladly", tmp_path, credentials=NOWHERE)).shown
    assert "cannot be reached" in shown
    hurt(faulty, quick(0), 1, found.met)
    for _ in range(15):
        ended = faulty.run(target)
        shown += ended.shown
        if ended.error is None:
            break
    faulty.sandbox.faults.clear()
    assert ended.error is None
    assert leaks(target, faulty.words, shown) == []
    count_trials(found.met.total())


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("--json",)], ids=["plain", "json"])
def test_no_failure_of_a_command_shows_a_secret_or_a_word_of_a_customer(
    arguments: tuple[str, ...], faulty: Faulty, tmp_path: Path, count_trials: Count
) -> None:
    helpdesk = Commands(tmp_path, environment_for(faulty.sandbox, tmp_path))
    data = tmp_path / "data"
    database = str(data / "warehouse.duckdb")
    target = Target.open("duckdb", "gladly", data, credentials=database)
    wishes = EVERYTHING | {"DESTINATION__DUCKDB__CREDENTIALS": database}
    found, printed = Findings(), ""
    hurt(faulty, quick(3), 1, found.met)
    for _ in range(15):
        finished = helpdesk("--debug", "run", "gladly", *arguments, **wishes)
        printed += finished.out + finished.err
        if finished.code in (0, 3):
            break
    faulty.sandbox.faults.clear()
    assert finished.code in (0, 3), printed
    count_trials(found.met.total())
    assert leaks(target, faulty.words, printed) == []


def in_a_log(_: Target) -> str:
    return f"GET failed: Authorization {CANARY_TOKEN}"


def in_a_file(target: Target) -> str:
    folder = target.data / "work" / "dlt"
    folder.mkdir(parents=True)
    (folder / "trace.json").write_text(f'{{"password": "{CANARY_PASSWORD}"}}')
    return ""


def in_bookkeeping(target: Target) -> str:
    return executed(target, f"UPDATE gladly.load_files SET job_id = '{CANARY_TEXT}'")


def in_a_reason(target: Target) -> str:
    return executed(
        target,
        "INSERT INTO gladly.quarantined_lines "
        "(job_id, file, line_number, extracted_at, byte_offset, byte_length, reason, is_cut) "
        f"SELECT job_id, file, 1, extracted_at, 0, 1, '{CANARY_TEXT}', FALSE "
        "FROM gladly.load_files LIMIT 1",
    )


def in_a_table_of_dlt(target: Target) -> str:
    return executed(target, f"UPDATE gladly._dlt_version SET schema_name = '{CANARY_TEXT}'")


def executed(target: Target, statement: str) -> str:
    with duckdb.connect(str(target.data / "warehouse.duckdb")) as connection:
        connection.execute(statement)
    return ""


@pytest.mark.parametrize(
    "leak", [in_a_log, in_a_file, in_bookkeeping, in_a_reason, in_a_table_of_dlt]
)
def test_the_search_finds_what_leaks(leak: Callable[[Target], str], faulty: Faulty) -> None:
    target = faulty.target()
    assert leaks(target, faulty.words, "") == []
    assert leaks(target, faulty.words, leak(target)) != []


def test_the_search_knows_words_of_every_kind(faulty: Faulty) -> None:
    assert CANARY_TEXT in faulty.words
    assert len(faulty.words) > 50
