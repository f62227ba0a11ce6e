"""Work sessions: the endpoint, its windows, and rows that change until they are final."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from sandbox import Sandbox, SandboxSettings, WorldSettings
from sandbox.report_contacts import Contact, Handling
from sandbox.report_padding import PaddedDay
from sandbox.report_work_sessions import Work, sessions_of
from tests.sandbox.metric_sets import (
    ENDPOINT,
    LONG_AFTER,
    Reports,
    Rows,
    instant,
    reports_of,
    total,
)

V4 = "WorkSessionEventsReportV4"
CONTACTS = "ContactExportReportV3"
NOON = datetime(2026, 3, 2, 13, tzinfo=UTC)
SECONDS = (
    "work_session_handle_time_sec",
    "work_session_after_contact_time_sec",
    "work_session_unknown_time_sec",
)


@pytest.fixture(scope="module")
def reports() -> Iterator[Reports]:
    """The whole world long after its end; tests that use it change nothing."""
    with reports_of() as running:
        yield running


def minutes(start: datetime, end: datetime) -> dict[str, str]:
    return {"startAtTime": f"{start:%Y-%m-%dT%H:%MZ}", "endAtTime": f"{end:%Y-%m-%dT%H:%MZ}"}


def keyed(rows: Rows) -> dict[tuple[str, str], dict[str, str]]:
    found = {(row["contact_session_id"], row["agent_id"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def test_the_endpoint_and_the_reports_show_the_same_sessions(reports: Reports) -> None:
    sessions = keyed(reports.rows(ENDPOINT))
    assert sessions == keyed(reports.rows(V4))
    assert sessions == keyed(reports.rows("WorkSessionEventsReportV3"))
    assert len({row["id"] for row in sessions.values()}) == len(sessions) > 500


def test_there_is_a_row_for_each_agent_of_a_contact_and_one_for_a_contact_without(
    reports: Reports,
) -> None:
    contacts = {row["Contact ID"]: row for row in reports.rows(CONTACTS)}
    sessions = reports.rows(ENDPOINT)
    rows_of = Counter(row["contact_session_id"] for row in sessions)
    assert rows_of.keys() == contacts.keys()
    assert max(rows_of.values()) == 2
    unhandled = [row for row in sessions if not row["agent_id"]]
    assert unhandled
    assert all(rows_of[row["contact_session_id"]] == 1 and row["id"] for row in unhandled)
    assert all(row[seconds] == "" for row in unhandled for seconds in SECONDS)
    for contact_id, contact in contacts.items():
        own = [row for row in sessions if row["contact_session_id"] == contact_id]
        for column, seconds in (
            ("Contact Handle Time (sec)", SECONDS[0]),
            ("After Contact Time (sec)", SECONDS[1]),
        ):
            assert float(contact[column]) == pytest.approx(total(own, seconds))


def test_an_open_contact_is_provisional_and_moves_to_the_window_of_its_end() -> None:
    with reports_of(now=NOON) as reports:
        started = minutes(datetime(2026, 3, 2, tzinfo=UTC), NOON)
        provisional = {
            row["contact_session_id"]: row
            for row in reports.rows(ENDPOINT, **started)
            if not row["contact_session_ended_at"]
        }
        assert len(provisional) > 3
        for row in provisional.values():
            assert row["id"] == row["agent_id"] == row["agent_accepted_at"] == ""
            assert row["status"] == "OPEN"
            assert not any(row[seconds] for seconds in SECONDS)
        reports.sandbox.clock.set(LONG_AFTER)
        ended = {
            row["contact_session_id"]: instant(row["contact_session_ended_at"])
            for row in reports.rows(ENDPOINT)
        }
        until = minutes(datetime(2026, 3, 2, tzinfo=UTC), NOON - timedelta(hours=1, minutes=1))
        still = {row["contact_session_id"] for row in reports.rows(ENDPOINT, **until)}
        assert not still & provisional.keys()
        assert all(ended[contact] > NOON - timedelta(hours=1) for contact in provisional)


def test_time_after_a_contact_grows_as_the_clock_moves() -> None:
    with reports_of(now=NOON) as reports:
        before = keyed(reports.rows(ENDPOINT))
        reports.sandbox.clock.advance(timedelta(minutes=5))
        after = keyed(reports.rows(ENDPOINT))
        final = {key for key, row in before.items() if row["contact_session_ended_at"]}
        grown = [
            key
            for key in final
            if any(after[key][seconds] != before[key][seconds] for seconds in SECONDS)
        ]
        assert grown
        for key in final:
            assert after[key][SECONDS[0]] == before[key][SECONDS[0]]
            for seconds in SECONDS[1:]:
                assert float(after[key][seconds] or 0) >= float(before[key][seconds] or 0)


def test_a_night_later_sessions_of_the_day_before_have_changed() -> None:
    night = datetime(2026, 3, 3, 5, tzinfo=UTC)
    with reports_of(now=night) as reports:
        day = minutes(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 2, 23, 59, tzinfo=UTC))
        before = keyed(reports.rows(ENDPOINT, **day))
        reports.sandbox.clock.set(night + timedelta(days=1))
        after = keyed(reports.rows(ENDPOINT, **day))
        assert before.keys() == after.keys()
        assert 0 < sum(before[key] != after[key] for key in before) < len(before)


CONTACT = Contact(
    id="contact",
    conversation_id="conversation",
    customer_id="customer",
    channel="CHAT",
    initiator="CUSTOMER",
    queued_at=0,
    inbox_id="inbox",
    ended_at=1_000_000,
    handlings=(Handling("agent", "inbox", 400_000, 1_000_000),),
)


@pytest.mark.parametrize(
    ("begins", "closes", "as_of", "after_contact", "unknown"),
    [
        ([400_000], [], 1_000_000, 0, 0),
        ([400_000], [], 1_250_000, 250_000, 0),
        ([400_000], [], 1_600_000, 600_000, 0),
        ([400_000], [], 2_000_000, 600_000, 400_000),
        ([400_000, 1_100_000], [], 2_000_000, 100_000, 0),
        ([400_000, 1_900_000], [], 2_000_000, 600_000, 300_000),
        ([400_000], [1_000_000], 2_000_000, 0, 0),
        ([400_000], [900_000, 1_050_000], 2_000_000, 50_000, 0),
    ],
)
def test_time_after_a_contact_ends_with_the_next_one_or_the_close(
    begins: list[int], closes: list[int], as_of: int, after_contact: int, unknown: int
) -> None:
    work = Work({"agent": begins}, {"conversation": closes}, as_of)
    (session,) = sessions_of(CONTACT, work)
    assert (session.handle, session.after_contact, session.unknown) == (
        600_000,
        after_contact,
        unknown,
    )


def test_the_minute_of_the_end_is_inside(reports: Reports) -> None:
    ends = sorted(instant(row["contact_session_ended_at"]) for row in reports.rows(ENDPOINT))
    last = ends[len(ends) // 2]
    minute = last.replace(second=0, microsecond=0)
    start = minute - timedelta(hours=3)

    def newest(end: datetime) -> datetime:
        rows = reports.rows(ENDPOINT, **minutes(start, end))
        return max(instant(row["contact_session_ended_at"]) for row in rows)

    assert minute <= newest(minute) < minute + timedelta(minutes=1)
    assert newest(minute - timedelta(minutes=1)) < minute


def test_offsets_are_read(reports: Reports) -> None:
    in_utc = {"startAtTime": "2026-03-02T10:00Z", "endAtTime": "2026-03-02T12:00Z"}
    elsewhere = {"startAtTime": "2026-03-02T01:00-09:00", "endAtTime": "2026-03-02T03:00-09:00"}
    rows = reports.rows(ENDPOINT, **in_utc)
    assert rows
    assert keyed(rows) == keyed(reports.rows(ENDPOINT, **elsewhere))


@pytest.mark.parametrize("metric_set", [ENDPOINT, V4, CONTACTS])
@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"startAtTime": "2026-03-02T10:00Z"}, ("endAtTime", "blank")),
        ({"endAtTime": "2026-03-02T10:00Z"}, ("startAtTime", "blank")),
        (
            {"startAtTime": "2026-03-02T10:00:00Z", "endAtTime": "2026-03-02T11:00Z"},
            ("startAtTime", "invalid"),
        ),
        (
            {"startAtTime": "2026-03-02T10:00", "endAtTime": "2026-03-02T11:00Z"},
            ("startAtTime", "invalid"),
        ),
        (
            {"startAtTime": "2026-03-02T11:00Z", "endAtTime": "2026-02-30T11:00Z"},
            ("endAtTime", "invalid"),
        ),
        (
            {"startAtTime": "2026-03-02T11:00Z", "endAtTime": "2026-03-02T11:00Z"},
            ("startAtTime", "invalid"),
        ),
    ],
    ids=str,
)
def test_minutes_that_make_no_span_are_refused(
    metric_set: str, fields: dict[str, str], refusal: tuple[str, str], reports: Reports
) -> None:
    assert reports.refusal(metric_set, **fields) == refusal


SPAN = {"startAtTime": "2026-03-02T10:00Z", "endAtTime": "2026-03-02T12:00Z"}


def test_minutes_and_days_do_not_go_together(reports: Reports) -> None:
    for field, value in (("startAt", "2026-03-02"), ("endAt", "2026-03-02"), ("timezone", "UTC")):
        assert reports.refusal(CONTACTS, **SPAN, **{field: value}) == (field, "invalid")
    assert reports.refusal("ContactSummaryReport", **SPAN) == ("startAtTime", "invalid")
    assert reports.refusal("WorkSessionEventsReportV3", **SPAN) == ("startAtTime", "invalid")


def test_v4_takes_minutes_only(reports: Reports) -> None:
    def refused(**fields: str) -> tuple[str, str]:
        sandbox = reports.sandbox
        answered = httpx.post(
            f"{sandbox.base_url}/api/v1/reports",
            json={"metricSet": V4, **fields},
            auth=(sandbox.email, sandbox.api_token),
        )
        assert answered.status_code == 400
        (error,) = answered.json()["errors"]
        return error["attr"], error["code"]

    assert refused(startAt="2026-03-02", endAt="2026-03-02") == ("startAt", "invalid")
    assert refused(timezone="UTC") == ("timezone", "invalid")
    assert refused() == ("startAtTime", "blank")


def test_contacts_can_be_asked_for_by_minutes(reports: Reports) -> None:
    rows = reports.rows(CONTACTS, **SPAN)
    first, behind = instant("2026-03-02T10:00Z"), instant("2026-03-02T12:01Z")
    whole = reports.rows(CONTACTS)
    inside = [row for row in whole if first <= instant(row["Queued At"]) < behind]
    assert sorted(row["Contact ID"] for row in rows) == sorted(row["Contact ID"] for row in inside)
    assert {row["Timezone Filter"] for row in rows} == {"UTC"}


def test_the_file_is_named_by_its_minutes(reports: Reports) -> None:
    answered = reports.post(ENDPOINT, **SPAN)
    name = "WorkSessionEventsReport-20260302T1000Z-20260302T1200Z.csv"
    assert answered.headers["content-disposition"] == f"attachment; filename={name}"
    assert answered.headers["content-type"] == "text/csv"


def test_a_body_that_is_no_object_is_refused(reports: Reports) -> None:
    sandbox = reports.sandbox
    for body in (b"", b"[]", b"{"):
        answered = httpx.post(
            f"{sandbox.base_url}/api/v1/reports/work-session-events",
            content=body,
            auth=(sandbox.email, sandbox.api_token),
        )
        assert answered.status_code == 400


def test_reports_and_the_endpoint_share_ten_a_minute() -> None:
    settings = SandboxSettings(
        world=WorldSettings(items=50, days=1), now=NOON, requests_per_second=1000
    )
    with (
        Sandbox(settings) as sandbox,
        httpx.Client(base_url=sandbox.base_url, auth=(sandbox.email, sandbox.api_token)) as client,
    ):
        asked = Reports(sandbox, client)
        statuses = [
            asked.post(metric_set).status_code for _ in range(6) for metric_set in (ENDPOINT, V4)
        ]
        assert statuses == [200] * 10 + [429] * 2


def test_a_crowded_day_is_cut_and_minutes_make_it_whole() -> None:
    with reports_of(WorldSettings(items=50, days=1)) as reports:
        reports.sandbox.reports.row_cap = 100
        reports.sandbox.reports.pad_rows = {ENDPOINT: PaddedDay(date(2026, 3, 10), 2_000)}
        start = datetime(2026, 3, 10, tzinfo=UTC)
        whole = minutes(start, start + timedelta(hours=23, minutes=59))
        assert len(reports.rows(ENDPOINT, **whole)) == 100
        assert reports.rows(V4, **whole) == []
        parts = [
            reports.rows(
                ENDPOINT,
                **minutes(start + timedelta(hours=hour), start + timedelta(hours=hour, minutes=59)),
            )
            for hour in range(24)
        ]
        assert max(map(len, parts)) < 100
        assert len({row["id"] for rows in parts for row in rows}) == 2_000
