"""Work sessions: one row for each contact and agent; provisional rows give way."""

from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.gladly.work_sessions import (
    SessionKey,
    WorkSessionParser,
    keys_of,
    minute_text,
    read_keys_to_drop,
    stored_keys_to_drop,
    work_session_request,
)
from sources.http.errors import RetryableError
from sources.tables.build import Lineage
from sources.tables.parquet import TableFiles
from sources.tables.parse import FileCounts

MANY = settings(max_examples=300, derandomize=True, deadline=None)
LINEAGE = Lineage(datetime(2024, 3, 9, 6, 0, tzinfo=UTC), "request-1", "work-sessions.csv")
KEYS = st.builds(SessionKey, st.sampled_from("123"), st.sampled_from(["", "A", "B"]))

OPEN, BY_A, BY_B = SessionKey("1", ""), SessionKey("1", "A"), SessionKey("1", "B")


def parsed(body: bytes) -> tuple[FileCounts, list[dict[str, Any]]]:
    with TemporaryDirectory() as folder, TableFiles(Path(folder)) as files:
        counts = WorkSessionParser().parse(BytesIO(body), LINEAGE, files)
        found = {file.table.name: pq.read_table(file.path).to_pylist() for file in files.finish()}
    return counts, found.get("work_session_events", [])


def sessions(*rows: str) -> bytes:
    return "\n".join(["contact_session_id,agent_id,status", *rows, ""]).encode()


def test_a_provisional_row_goes_when_its_contact_ends_with_agents() -> None:
    assert stored_keys_to_drop([BY_A, BY_B], [OPEN]) == {OPEN}
    assert read_keys_to_drop([BY_A, BY_B], [OPEN]) == set()


def test_a_contact_that_nobody_worked_on_keeps_its_row() -> None:
    assert stored_keys_to_drop([OPEN], [OPEN]) == set()
    assert read_keys_to_drop([OPEN], [OPEN]) == set()


def test_a_provisional_row_that_comes_late_is_not_loaded() -> None:
    assert read_keys_to_drop([OPEN], [BY_A]) == {OPEN}
    assert stored_keys_to_drop([OPEN], [BY_A, OPEN]) == {OPEN}


def test_agents_of_another_contact_change_nothing() -> None:
    assert stored_keys_to_drop([SessionKey("2", "A")], [OPEN]) == set()


@MANY
@given(st.lists(st.sets(KEYS), max_size=4))
def test_whatever_is_read_no_contact_has_agents_and_a_provisional_row(
    readings: list[set[SessionKey]],
) -> None:
    stored: set[SessionKey] = set()
    for read in readings:
        gone = stored_keys_to_drop(read, stored)
        stored = (stored - gone) | (read - read_keys_to_drop(read, stored))
        contacts = {key.contact_session_id for key in stored if key.agent_id}
        assert all(not key.agent_id or key.contact_session_id in contacts for key in stored)
        assert {key.contact_session_id for key in stored if not key.agent_id}.isdisjoint(contacts)
    seen = {key for read in readings for key in read}
    assert {key.contact_session_id for key in stored} == {key.contact_session_id for key in seen}
    assert {key for key in seen if key.agent_id} <= stored


def test_one_reading_keeps_one_row_a_key_the_last_and_no_provisional_one() -> None:
    counts, rows = parsed(sessions("1,,OPEN", "1,A,OPEN", "1,A,ENDED", "2,NULL,OPEN", "2,,ENDED"))
    assert [(*key, row["status"]) for key, row in zip(told(rows), rows, strict=True)] == [
        ("1", "A", "ENDED"),
        ("2", "", "ENDED"),
    ]
    assert (counts.lines, counts.rows, counts.quarantined, counts.superseded) == (5, 5, 0, 3)


def told(rows: list[dict[str, Any]]) -> list[SessionKey]:
    return keys_of({name: [row[name] for row in rows] for name in SessionKey._fields})


def test_a_row_without_a_contact_is_quarantined() -> None:
    counts, rows = parsed(sessions(",A,OPEN", "Null,,OPEN", "1,A\0,OPEN", "1,A,OPEN", "2,B"))
    assert told(rows) == [BY_A]
    assert (counts.lines, counts.rows, counts.quarantined) == (5, 1, 4)


def test_a_reading_may_be_empty_but_no_web_page() -> None:
    assert parsed(b"")[1] == []
    with pytest.raises(RetryableError, match="work-session-events"):
        parsed(b"<html>")


def test_a_request_ends_now_in_minutes() -> None:
    now = datetime(2024, 3, 2, 20, 12, 5, tzinfo=timezone(timedelta(hours=1)))
    assert work_session_request(now - timedelta(days=1), now) == {
        "startAtTime": "2024-03-01T19:12Z",
        "endAtTime": "2024-03-02T19:12Z",
    }
    assert minute_text(now) == "2024-03-02T19:12Z"
