"""The reports that add events up: headers, figures that agree, windows, filters, oddities."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import WorldSettings
from sandbox.report_buckets import AGGREGATION_LEVELS, Buckets
from sandbox.report_catalog import ALL_METRIC_SETS, METRIC_SETS
from sandbox.report_padding import PaddedDay
from sandbox.reports import from_milliseconds
from sandbox.timestamps import to_milliseconds
from tests.sandbox.metric_sets import (
    ENDPOINT,
    LONG_AFTER,
    REFERENCE,
    Reports,
    Rows,
    instant,
    reports_of,
    table,
    total,
)

LISTED = [name for name in REFERENCE if name != ENDPOINT]
# Public pages and public code show only some columns of these.
INCOMPLETE = {
    "ConversationSidekickExportReport",
    "GladlyAISessionsDetailWithMessagesReport",
    "TaskExportReport",
    "WorkSessionsReport",
    "WorkSessionsReportV3",
}
CONTACTS, SUMMARY = "ContactExportReportV3", "ContactSummaryReportV2"
CONVERSATIONS, CONVERSATION_SUMMARY = "ConversationExportReport", "ConversationSummaryReport"
CHANNELS = (
    "chat", "email", "fbMessenger", "sms", "twitter", "voice", "whatsapp", "instagramDirect",
)  # fmt: skip


@pytest.fixture(scope="module")
def reports() -> Iterator[Reports]:
    """The whole world long after its end; tests that use it change nothing."""
    with reports_of() as running:
        yield running


def names_of(metric_set: str) -> list[str]:
    return [name for name, *_ in REFERENCE[metric_set]["columns"]]


def by(rows: Rows, column: str) -> dict[str, Rows]:
    groups: dict[str, Rows] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return groups


def day_of(text: str) -> str:
    """The name of the daily bucket, in UTC, in which an exported instant lies."""
    return f"{text[:10]} 00:00:00"


def test_every_metric_set_of_the_api_is_made() -> None:
    assert len(LISTED) == 55
    assert sorted(ALL_METRIC_SETS) == sorted(LISTED)


@pytest.mark.parametrize("metric_set", REFERENCE)
def test_the_header_is_the_documented_one_and_there_are_rows(
    metric_set: str, reports: Reports
) -> None:
    answered = reports.post(metric_set)
    assert answered.status_code == 200, answered.text
    header, *lines = table(answered)
    documented = names_of(metric_set)
    if metric_set in INCOMPLETE:
        assert set(documented) <= set(header)
    elif documented:
        assert header == documented
    assert len(header) == len(set(header)) > 1
    assert lines


@pytest.mark.parametrize("metric_set", LISTED)
def test_filters_and_levels_are_those_of_the_api(metric_set: str) -> None:
    made, documented = ALL_METRIC_SETS[metric_set], REFERENCE[metric_set]
    assert made.filters == set(documented["filters"])
    assert made.needs == {name for name, use in documented["filters"].items() if use == "required"}
    assert made.has_levels is documented["supports_aggregation"]
    if metric_set == "AgentSummary":
        assert documented["accepts_time_range"] is None
    assert made.reads_instants is (documented["accepts_time_range"] is True)


FORMATS = {
    "integer": r"\d+",
    "percent": r"[01]\.\d{6}|[01]\.\d{1,18}|",
    "duration_seconds": r"-?\d+\.\d{3,12}|",
    "decimal": r"-?\d+\.\d{1,12}|",
    "boolean": r"true|false|[YN]|",
    "id": r"[\w-]+|",
    "date": r"\d{4}-\d\d-\d\d",
    "timestamp": (
        r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d(\.\d{3})?)?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|"
    ),
}


@pytest.mark.parametrize("metric_set", [name for name in REFERENCE if name not in METRIC_SETS])
def test_cells_look_as_in_the_files_of_a_real_organisation(
    metric_set: str, reports: Reports
) -> None:
    rows = reports.rows(metric_set)
    for name, _, kind in REFERENCE[metric_set]["columns"]:
        pattern = re.compile(FORMATS.get(kind, r".*"), re.DOTALL)
        odd = [row[name] for row in rows if not pattern.fullmatch(row[name])]
        assert (name, kind, odd[:3]) == (name, kind, [])
    leading = [name for name in rows[0] if name.endswith("Filter")]
    assert {tuple(row[name] for name in leading) for row in rows} == {
        tuple(rows[0][name] for name in leading)
    }


# What speaks of the same thing agrees.


def test_contacts_are_those_that_started(reports: Reports) -> None:
    started = [
        row["Contact ID"]
        for row in reports.rows("ContactTimestampsReport")
        if row["Event Type"] == "CONTACT/STARTED"
    ]
    exported = [row["Contact ID"] for row in reports.rows(CONTACTS)]
    assert len(set(exported)) == len(exported) > 500
    assert sorted(exported) == sorted(started)


def mean(column: str, direction: str | None = None) -> Callable[[Rows], float]:
    def of_rows(rows: Rows) -> float:
        cells = [
            float(row[column])
            for row in rows
            if row[column] and direction in {None, row.get("Direction")}
        ]
        return sum(cells) / len(cells)

    return of_rows


def count(**cells: str) -> Callable[[Rows], float]:
    wanted = {name.replace("_", " "): cell for name, cell in cells.items()}
    return lambda rows: sum(wanted.items() <= row.items() for row in rows)


FROM_CONTACTS: dict[str, Callable[[Rows], float]] = {
    "Contacts Ended": len,
    "Contacts Inbound": count(Direction="INBOUND"),
    "Contacts Outbound": count(Direction="OUTBOUND"),
    "Contacts Fulfilled": lambda rows: sum(bool(row["Fulfilled At"]) for row in rows),
    "Contacts Fulfilled by Response": count(Fulfilled_Type="RESPONDED"),
    "Contacts Abandoned": count(Status="ABANDONED"),
    "Avg Queued-to-Fulfilled Time (sec)": mean("Queued-to-Fulfilled (sec)"),
    "Max Queued-to-Fulfilled Time (sec)": lambda rows: max(
        float(row["Queued-to-Fulfilled (sec)"]) for row in rows
    ),
    "Avg Queued-to-Ended Time (sec)": mean("Queued-to-Ended (sec)"),
    "Avg Due-to-Fulfilled Time (sec)": mean("Seconds Within (-) or Over (+) SLA"),
    "Avg Inbound Contact Handle Time (sec)": mean("Contact Handle Time (sec)", "INBOUND"),
    "Avg Inbound After Contact Time (sec)": mean("After Contact Time (sec)", "INBOUND"),
    "Avg Outbound After Contact Time (sec)": mean("After Contact Time (sec)", "OUTBOUND"),
    "Avg Messages from Agent": mean("Messages from Agent"),
    "Unique Customers with Contact Ended": lambda rows: len({row["Customer ID"] for row in rows}),
    "Payment Requests - Completed": lambda rows: total(rows, "Payment Requests - Completed"),
    "Payment Amount - Completed (USD)": lambda rows: total(
        rows, "Payment Amount - Completed (USD)"
    ),
}

OVER = "Seconds Within (-) or Over (+) SLA"


def test_summaries_add_contacts_up_by_the_day_they_ended(reports: Reports) -> None:
    ended: dict[str, Rows] = defaultdict(list)
    for row in reports.rows(CONTACTS):
        ended[day_of(row["Ended At"])].append(row)
    summary = reports.rows(SUMMARY)
    assert sorted(row["Ended At Date"] for row in summary) == sorted(ended)
    for row in summary:
        contacts = ended[row["Ended At Date"]]
        for column, figure in FROM_CONTACTS.items():
            assert float(row[column]) == pytest.approx(figure(contacts)), column
        seconds = [float(c[OVER]) for c in contacts if c[OVER]]
        # whole seconds do not tell on which side of its due time a contact with none of them was
        shares = [
            f"{sum(early) / float(row['Contacts Inbound']):.6f}"
            for early in ([over < 0 for over in seconds], [over <= 0 for over in seconds])
        ]
        assert shares[0] <= row["Service Level %"] <= shares[1]


@pytest.mark.parametrize(
    ("metric_set", "anchor"),
    [
        ("ContactSummaryReport", "Ended At Date"),
        ("ContactSummaryCountsReport", "Ended Date"),
        ("ContactSummaryDurationsReport", "Ended Date"),
        ("ContactSummaryDurationsReportV2", "Ended Date"),
    ],
)
@pytest.mark.parametrize("level", ["halfHourly", "daily", "weekly"])
def test_all_summaries_of_contacts_say_the_same(
    metric_set: str, anchor: str, level: str, reports: Reports
) -> None:
    whole = {row["Ended At Date"]: row for row in reports.rows(SUMMARY, aggregationLevel=level)}
    parts = reports.rows(metric_set, aggregationLevel=level)
    assert len(parts) == len(whole)
    for row in parts:
        of_whole = whole[row.pop(anchor)]
        assert row == {column: of_whole[column] for column in row}


def test_the_channel_mix_counts_inbound_contacts_by_the_day_they_were_queued(
    reports: Reports,
) -> None:
    queued: dict[tuple[str, str], Rows] = defaultdict(list)
    for row in reports.rows(CONTACTS):
        if row["Direction"] == "INBOUND":
            queued[day_of(row["Queued At"]), row["Channel"]].append(row)
    mix = reports.rows("ChannelMixReportV2")
    assert {(row["Queued Date"], row["Channel"]) for row in mix} == set(queued)
    for row in mix:
        contacts = queued[row["Queued Date"], row["Channel"]]
        assert int(row["Contacts Inbound"]) == len(contacts)
        for column in ("Messages from Customer", "Messages from Agent"):
            assert int(row[column]) == total(contacts, column)


def test_agents_ended_and_handled_what_their_work_sessions_say(reports: Reports) -> None:
    agents = reports.rows("AgentSummary")
    sessions = [row for row in reports.rows("WorkSessionEventsReportV4") if row["agent_id"]]
    assert total(agents, "Contact Ended") == len(sessions) > 500
    for column, of_session in (
        ("Contact Handle Time in seconds", "work_session_handle_time_sec"),
        ("After Contact Time in seconds", "work_session_after_contact_time_sec"),
    ):
        assert total(agents, column) == pytest.approx(total(sessions, of_session))
        by_channel = sum(
            total(agents, name) for name in agents[0] if name.startswith(f"{column} -")
        )
        assert by_channel == pytest.approx(total(agents, column))


def test_agents_did_what_the_timestamps_reports_say(reports: Reports) -> None:
    events = Counter(
        row.get("Event Type") or row["Type"]
        for metric_set in METRIC_SETS
        for row in reports.rows(metric_set)
    )
    agents = reports.rows("AgentSummaryV2", aggregationLevel="weekly")
    for column, event in {
        "Logged in": "AGENT_STATUS/LOGGED_IN",
        "Went Away": "AGENT_STATUS/WENT_AWAY",
        "Contact Offered": "CONTACT/OFFERED",
        "Contact Accepted": "CONTACT/OFFER_ACCEPTED",
        "Contact Transferred": "CONTACT/TRANSFERRED",
        "Contact Transferred to": "CONTACT/TRANSFERRED",
        "Hold Started": "CONTACT/HOLD_STARTED",
        "Task Closed": "TASK/CLOSED",
        "Note Added": "NOTE/CREATED",
        "Customer Merged": "CUSTOMER/MERGED",
    }.items():
        assert total(agents, column) == events[event] > 0, column


def test_times_of_agents_agree_between_reports_and_levels(reports: Reports) -> None:
    seconds = {
        level: reports.rows("AgentSummary", aggregationLevel=level)
        for level in ("halfHourly", "daily", "weekly")
    }
    for metric_set, minutes, column in (
        ("AgentLoginTimeReport", "Login Time (minutes)", "Logged in Time in seconds"),
        ("AgentAwayTimeReport", "Away Time (minutes)", "Away Time in seconds"),
        (
            "AgentAvailableTimeReportV2",
            "Available Time (minutes)",
            "Available Time in seconds - Any",
        ),
    ):
        expected = total(reports.rows(metric_set), minutes) * 60
        for rows in seconds.values():
            assert total(rows, column) == pytest.approx(expected, abs=1) != 0
    for rows in seconds.values():
        active_and_away = total(rows, "Active Time in seconds") + total(
            rows, "Away Time in seconds"
        )
        assert active_and_away == pytest.approx(total(rows, "Logged in Time in seconds"))


def test_spans_of_status_follow_each_other_and_add_up_to_the_time_logged_in(
    reports: Reports,
) -> None:
    spans = reports.rows("AgentDurationsReportV2")
    assert {row["Type"] for row in spans} == {"ACTIVE", "AWAY"}
    assert "IDLE" in {row["Context"] for row in spans if row["Type"] == "AWAY"}
    for of_agent in by(spans, "Agent ID").values():
        ordered = sorted(of_agent, key=lambda row: row["Start time"])
        assert all(one["End time"] <= other["Start time"] for one, other in pairwise(ordered))
    logged_in = total(reports.rows("AgentLoginTimeReport"), "Login Time (minutes)")
    assert total(spans, "Duration (mins)") == pytest.approx(logged_in, abs=0.01)


def test_a_span_that_lasts_has_no_end() -> None:
    with reports_of(now=datetime(2026, 3, 2, 15, tzinfo=UTC)) as reports:
        lasting = [row for row in reports.rows("AgentDurationsReport") if not row["End time"]]
        assert lasting
        assert {row["Duration (mins)"] for row in lasting} == {""}


def test_conversations_are_those_created_and_the_merged_ones_say_so(reports: Reports) -> None:
    events = reports.rows("ConversationTimestampsReport")
    created = [r["Conversation ID"] for r in events if r["Event Type"] == "CONVERSATION/CREATED"]
    exported = reports.rows(CONVERSATIONS)
    assert sorted(row["Conversation ID"] for row in exported) == sorted(created)
    gone = {
        m.source_conversation: m.destination_conversation for m in reports.sandbox.events.merges
    }
    gone.pop(None)
    assert {r["Conversation ID"] for r in exported if r["Status"] == "MERGED"} == set(gone)
    assert {row["Status"] for row in exported} == {"OPEN", "CLOSED", "MERGED"}
    survivors = {
        merged: row["Conversation ID"]
        for row in exported
        for merged in row["Merged Conversations"].split(",")
        if merged
    }
    assert survivors == gone
    for column, event in {
        "Times Closed": "CONVERSATION/CLOSED",
        "Times Reopened": "CONVERSATION/REOPENED",
        "Times Topic Added": "CONVERSATION/TOPIC_ADDED",
        "Count of Notes": "NOTE/CREATED",
    }.items():
        assert total(exported, column) == sum(row["Event Type"] == event for row in events) > 0


def test_contacts_belong_to_conversations(reports: Reports) -> None:
    contacts = by(reports.rows(CONTACTS), "Conversation ID")
    for row in reports.rows(CONVERSATIONS):
        own = contacts.get(row["Conversation ID"], [])
        assert int(row["Count of Contacts"]) == len(own)
        assert int(row["Count of Channels"]) == len({contact["Channel"] for contact in own})
        handle = total(own, "Contact Handle Time (sec)") + total(own, "After Contact Time (sec)")
        assert float(row["Conversation Handle Time in seconds"]) == pytest.approx(handle)


def test_topics_are_named_with_their_parents(reports: Reports) -> None:
    rows = [row for row in reports.rows(CONVERSATIONS) if row["Topics"]]
    assert {"Shipping > Damaged", "Orders > Damaged", "Billing"} <= {
        path for row in rows for path in row["Topics with Hierarchy"].split(",")
    }
    for row in rows:
        paths = row["Topics with Hierarchy"].split(",")
        assert [path.split(" > ")[-1] for path in paths] == row["Topics"].split(",")


def test_the_summary_of_conversations_counts_what_is_closed_by_its_last_close(
    reports: Reports,
) -> None:
    closed = [row for row in reports.rows(CONVERSATIONS) if row["Status"] == "CLOSED"]
    days: dict[str, Rows] = defaultdict(list)
    for row in closed:
        days[day_of(row["Last Closed At"])].append(row)
    summary = reports.rows(CONVERSATION_SUMMARY)
    assert sorted(row["Last Closed At"] for row in summary) == sorted(days)
    for row in summary:
        own = days[row["Last Closed At"]]
        eligible = count(Is_FCR_Eligible="true")(own)
        assert int(row["Conversations Closed"]) == len(own)
        assert int(row["Count of FCR Eligible"]) == eligible
        assert row["% FCR Success"] == f"{count(Is_FCR_Success='true')(own) / eligible:.6f}"
        assert float(row["Avg Times Closed"]) == pytest.approx(mean("Times Closed")(own))
    resolved = reports.rows("FirstContactResolutionByAgentV2Report", aggregationLevel="halfHourly")
    by_agents = [row for row in closed if row["Assigned Agent ID - Last Closed"]]
    eligible = count(Is_FCR_Eligible="true")(by_agents)
    assert total(resolved, "FCR-Eligible Conversations") == eligible > 100
    assert {row["Last Closed At Date"] for row in resolved} <= {day[:10] for day in days}


def test_tasks_agree_with_their_events(reports: Reports) -> None:
    events = Counter(row["Event Type"] for row in reports.rows("TaskTimestampsReport"))
    tasks = reports.rows("TaskExportReport")
    assert len(tasks) == events["TASK/CREATED"] > 0
    assert total(tasks, "Count of Comments") == events["TASK/COMMENT_ADDED"]
    closed = [row for row in tasks if row["Status"] == "CLOSED"]
    assert total(reports.rows("TaskSummaryReport"), "Count Total") == len(closed) > 0


def test_payments_add_up(reports: Reports) -> None:
    by_status = reports.rows("PaymentsSummaryReport")
    completed = total(by_status, "Completed Amount")
    assert completed == pytest.approx(
        total(reports.rows(CONTACTS), "Payment Amount - Completed (USD)")
    )
    assert completed > 0
    by_agent = reports.rows("PaymentsByAgentReport")
    for column in ("Total Amount (USD)", "Declined Amount", "Timeout Amount"):
        assert total(by_agent, column) == pytest.approx(total(by_status, column))


def test_ai_sessions_are_those_of_the_worlds_items(reports: Reports) -> None:
    world = reports.sandbox.world
    entries = world.entries(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC))
    sessions = {e.record["sessionId"] for e in entries if "sessionId" in e.record}
    rows = reports.rows("GladlyAISessionsDetailWithMessagesReport")
    assert {row["Session ID"] for row in rows} == sessions
    assert all(row["Messages"] for row in rows)
    assert any("\n" in row["Messages"] for row in rows)


def test_exact_duplicates_are_in_one_report_only(reports: Reports) -> None:
    def repeated(metric_set: str) -> int:
        rows = reports.rows(metric_set, aggregationLevel="halfHourly")
        return len(rows) - len({tuple(row.items()) for row in rows})

    assert repeated("GladAppAnswerUsageReport") > 5
    assert repeated("HelpCenterAnswerUsageReport") == 0
    assert repeated("AnswerUsageReport") == repeated("QuickActionsUsageReport") == 0


# Time: what was told before is told otherwise later.


def test_a_bucket_vanishes_when_its_only_conversation_reopens() -> None:
    with reports_of(WorldSettings(items=800, days=2)) as reports:
        buckets = reports.rows(CONVERSATION_SUMMARY, aggregationLevel="halfHourly")
        lonely = next(row for row in buckets if row["Conversations Closed"] == "1")
        bucket = lonely["Last Closed At"]
        start = instant(f"{bucket}+00:00")
        (conversation,) = (
            row
            for row in reports.rows(CONVERSATIONS)
            if row["Status"] == "CLOSED"
            and start <= instant(row["Last Closed At"]) < start + timedelta(minutes=30)
        )
        content: dict[str, Any] = {
            "conversationId": conversation["Conversation ID"],
            "customerId": conversation["Customer ID"],
        }
        reopened = {
            "id": "reopened",
            "type": "CONVERSATION/REOPENED",
            "timestamp": "2026-03-10T12:00:00.000Z",
            "initiator": {"id": conversation["Customer ID"], "type": "CUSTOMER"},
            "content": content,
        }
        reports.sandbox.add_event(reopened)
        after = reports.rows(CONVERSATION_SUMMARY, aggregationLevel="halfHourly")
        others = [row for row in buckets if row is not lonely]
        assert sorted(after, key=str) == sorted(others, key=str)
        again = next(
            row
            for row in reports.rows(CONVERSATIONS)
            if row["Conversation ID"] == content["conversationId"]
        )
        assert (again["Status"], again["Times Reopened"]) == (
            "OPEN",
            str(int(conversation["Times Reopened"]) + 1),
        )


def test_what_the_world_reopens_moves_to_another_day() -> None:
    with reports_of(now=datetime(2026, 3, 3, 2, tzinfo=UTC)) as reports:
        before = reports.rows(CONVERSATION_SUMMARY, endAt="2026-03-02")
        reports.sandbox.clock.set(LONG_AFTER)
        after = reports.rows(CONVERSATION_SUMMARY, endAt="2026-03-02")
        assert total(after, "Conversations Closed") < total(before, "Conversations Closed")


def test_an_open_contact_is_a_row_that_fills_at_its_end() -> None:
    now = datetime(2026, 3, 2, 13, tzinfo=UTC)
    with reports_of(now=now) as reports:
        then = {row["Contact ID"]: row for row in reports.rows(CONTACTS)}
        unended = {name: row for name, row in then.items() if row["Status"] == "OPEN"}
        assert {row["Ended At"] for row in unended.values()} == {"", "Null"}
        for row in unended.values():
            assert row["Ended At"] == row["Messages Total"] == row["Accepted At"]
        assert max(instant(row["Queued At"]) for row in then.values()) <= now - timedelta(hours=1)
        reports.sandbox.clock.set(LONG_AFTER)
        later = {row["Contact ID"]: row for row in reports.rows(CONTACTS)}
        assert later.keys() > then.keys()
        assert all(instant(later[name]["Ended At"]) > now - timedelta(hours=1) for name in unended)


def test_every_report_is_an_hour_behind() -> None:
    begins = datetime(2026, 3, 2, 6, tzinfo=UTC)
    with reports_of(now=begins + timedelta(minutes=59)) as reports:
        for metric_set in LISTED:
            rows = reports.rows(metric_set)
            # the first shift begins before the first customer
            if not metric_set.startswith("Agent"):
                assert (metric_set, rows) == (metric_set, [])


# Windows, zones and levels.


def test_windows_of_days_share_no_row_and_miss_none(reports: Reports) -> None:
    for metric_set in (CONTACTS, CONVERSATIONS, "WorkSessionEventsReportV3", "AgentSummary"):
        whole = reports.rows(metric_set)
        days = [
            row
            for day in range(1, 7)
            for row in reports.rows(metric_set, startAt=f"2026-03-0{day}", endAt=f"2026-03-0{day}")
        ]
        assert sorted(map(str, days)) == sorted(map(str, whole))


def test_the_day_the_clocks_go_forward_has_23_hours_and_no_two_o_clock() -> None:
    world = WorldSettings(items=1_500, days=3, first_day=date(2026, 3, 7))
    zone = ZoneInfo("America/Los_Angeles")
    with reports_of(world) as reports:
        asked = {"startAt": "2026-03-08", "endAt": "2026-03-08", "timezone": zone.key}
        contacts = reports.rows(CONTACTS, **asked)
        assert {instant(row["Queued At"]).astimezone(zone).date() for row in contacts} == {
            date(2026, 3, 8)
        }
        assert {row["Queued At"][-6:] for row in contacts} == {"-08:00", "-07:00"}
        halves = reports.rows("ChannelMixReportV2", aggregationLevel="halfHourly", **asked)
        assert all(re.fullmatch(r"2026-03-08 \d\d:[03]0:00", row["Queued Date"]) for row in halves)
        assert not [row for row in halves if row["Queued Date"][11:13] == "02"]
        (of_day,) = {row["Queued Date"] for row in reports.rows("ChannelMixReportV2", **asked)}
        assert of_day == "2026-03-08 00:00:00"
        inbound = [row for row in contacts if row["Direction"] == "INBOUND"]
        assert total(halves, "Contacts Inbound") == len(inbound) > 0
        in_utc = reports.rows("ChannelMixReportV2", startAt="2026-03-08", endAt="2026-03-08")
        assert total(in_utc, "Contacts Inbound") != len(inbound)


def test_the_hour_that_comes_twice_is_four_half_hours_of_two_names() -> None:
    buckets = Buckets(ZoneInfo("America/Los_Angeles"), "halfHourly")
    first = to_milliseconds(datetime(2026, 11, 1, 8, 0, tzinfo=UTC))
    starts = [buckets.start_of(first + minutes * 60_000) for minutes in range(0, 120, 15)]
    assert len(set(starts)) == 4
    assert [buckets.name_of(start)[11:16] for start in starts[::2]] == [
        "01:00", "01:30", "01:00", "01:30",
    ]  # fmt: skip


@given(
    at=st.integers(0, 4_000_000_000_000),
    zone=st.sampled_from(
        ["UTC", "America/Los_Angeles", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Cairo"]
    ),
    level=st.sampled_from(AGGREGATION_LEVELS),
)
def test_an_instant_lies_in_its_bucket_and_buckets_touch(at: int, zone: str, level: str) -> None:
    buckets = Buckets(ZoneInfo(zone), level)
    start = buckets.start_of(at)
    end = buckets.end_of(start)
    assert start <= at < end
    assert buckets.start_of(start) == start == buckets.start_of(end - 1)
    assert level == "halfHourly" or buckets.start_of(end) == end
    assert from_milliseconds(start).astimezone(ZoneInfo(zone)).minute in {0, 30}
    assert sum(part for _, part in buckets.parts(start, end)) == end - start


def test_levels_change_how_long_buckets_are_and_nothing_else(reports: Reports) -> None:
    ended = {level: reports.rows(SUMMARY, aggregationLevel=level) for level in AGGREGATION_LEVELS}
    assert len({total(rows, "Contacts Ended") for rows in ended.values()}) == 1
    assert [row["Ended At Date"] for row in ended["weekly"]] == ["2026-03-02 00:00:00"]
    assert [row["Ended At Date"] for row in ended["monthly"]] == ["2026-03-01 00:00:00"]
    assert [row["Ended At Date"] for row in ended["quarterly"]] == ["2026-01-01 00:00:00"]
    assert len(ended["halfHourly"]) > 50


def test_half_hours_are_refused_beyond_a_month(reports: Reports) -> None:
    month = {"startAt": "2026-03-01", "endAt": "2026-03-31", "aggregationLevel": "halfHourly"}
    longer = month | {"endAt": "2026-04-01"}
    assert reports.post("AgentSummary", **month).status_code == 200
    assert reports.refusal("AgentSummary", **longer) == ("aggregationLevel", "invalid")
    daily = longer | {"aggregationLevel": "daily"}
    assert reports.post("AgentSummary", **daily).status_code == 200
    assert reports.post(CONTACTS, **longer).status_code == 200


# Filters.


@pytest.mark.parametrize(
    ("metric_set", "column"),
    [(CONTACTS, None), (SUMMARY, "Contacts Ended"), ("WorkSessionsReportV3", None)],
)
def test_channels_and_inboxes_split_a_report_into_parts_that_are_the_whole(
    metric_set: str, column: str | None, reports: Reports
) -> None:
    def size(rows: Rows) -> float:
        return len(rows) if column is None else total(rows, column)

    inboxes = [inbox["id"] for inbox in reports.sandbox.world.inboxes]
    whole = size(reports.rows(metric_set))
    choices: list[list[dict[str, object]]] = [
        [{"channel": channel} for channel in CHANNELS],
        [{"inboxes": [inbox]} for inbox in inboxes],
    ]
    for parts in choices:
        sizes = [size(reports.rows(metric_set, filters=part)) for part in parts]
        assert sum(sizes) == whole
        assert sum(size > 0 for size in sizes) > 1
    assert size(reports.rows(metric_set, filters={"inboxes": inboxes})) == whole
    assert size(reports.rows(metric_set, filters={"channel": "allChannels"})) == whole


def test_a_filtered_report_says_so(reports: Reports) -> None:
    inbox = reports.sandbox.world.inboxes[0]
    filters = {"channel": "voice", "inboxes": [inbox["id"]]}
    rows = reports.rows(CONTACTS, filters=filters)
    assert {(row["Channel Filter"], row["Inboxes Filter"]) for row in rows} == {
        ("voice", inbox["name"])
    }
    assert {row["Channel"] for row in rows} <= {"PHONE_CALL", "VOICEMAIL"}
    assert {row["Inbox When Queued"] for row in rows} == {inbox["name"]}


def test_teams_choose_their_present_members(reports: Reports) -> None:
    team, *_ = reports.sandbox.reference("teams")
    rows = reports.rows("AgentSummary", filters={"teams": [team["id"]]})
    assert {row["Agent ID"] for row in rows} == set(team["agentIds"])
    assert {row["Teams Filter"] for row in rows} == {team["name"]}
    assert all(team["name"] in row["Team(s)"].split(", ") for row in rows)


@pytest.mark.parametrize(
    ("metric_set", "fields", "refusal"),
    [
        ("AgentSummary", {"filters": {"channel": "chat"}}, ("filters.channel", "invalid")),
        (CONTACTS, {"filters": {"teams": []}}, ("filters.teams", "invalid")),
        (CONTACTS, {"filters": {"channel": "phone"}}, ("filters.channel", "invalid")),
        (CONTACTS, {"filters": {"channel": ["chat"]}}, ("filters.channel", "invalid")),
        (CONTACTS, {"filters": {"inboxes": ["nowhere"]}}, ("filters.inboxes", "present")),
        (CONTACTS, {"filters": {"inboxes": "all"}}, ("filters.inboxes", "invalid")),
        (CONTACTS, {"filters": {"phoneNumber": "+1"}}, ("filters.phoneNumber", "invalid")),
        ("IvrEndStatesReportV2", {"filters": {}}, ("filters.phoneNumber", "blank")),
        (
            "IVRExecutiveSummaryReportV2",
            {"filters": {"phoneNumber": "555-0100"}},
            ("filters.phoneNumber", "invalid"),
        ),
    ],
    ids=str,
)
def test_filters_that_do_not_apply_are_refused(
    metric_set: str, fields: dict[str, object], refusal: tuple[str, str], reports: Reports
) -> None:
    assert reports.refusal(metric_set, **fields) == refusal


# Oddities.


HOSTILE: list[tuple[str, object]] = [
    ("CONTACT/STARTED", {"contactId": 5, "dueAt": "soon", "channel": ["CHAT"], "context": 5}),
    ("CONTACT/STARTED", {"contactId": "far", "dueAt": "9999-12-31T23:59-09", "context": []}),
    ("CONTACT/ENDED", {"contactId": "far", "status": None}),
    ("CONTACT/ENDED", {"contactId": "never started"}),
    ("CONVERSATION/CREATED", {"conversationId": {}, "context": {"assignee": "nobody"}}),
    ("CONVERSATION/CLOSED", {"conversationId": "never created"}),
    ("CUSTOMER/MERGED", {"sourceCustomerId": "a", "sourceConversationId": None}),
    ("TASK/CREATED", {"taskId": "task", "context": {"dueAt": 5}}),
    ("TASK/CREATED", "text"),
    ("PAYMENT_REQUEST/CREATED", {"paymentRequestId": "p", "context": {"currency": "USD"}}),
    ("AGENT_STATUS/WENT_AWAY", {"agentId": [], "occurredAt": "then", "awayReason": "Lunch"}),
    ("AGENT_AVAILABILITY/UPDATED", {"agentId": "gone", "availableFor": [["MAIL"], 5, None]}),
    ("NO_SUCH/EVENT", {}),
]


def test_events_that_break_the_rules_break_no_report() -> None:
    with reports_of(WorldSettings(items=50, days=1)) as reports:
        for number, (event_type, content) in enumerate(HOSTILE):
            reports.sandbox.add_event(
                {
                    "id": f"hostile-{number}",
                    "type": event_type,
                    "timestamp": f"2026-03-02T12:00:{number:02}.000Z",
                    "initiator": number,
                    "content": content,
                }
            )
        for metric_set in LISTED:
            assert reports.post(metric_set).status_code == 200, metric_set
        assert "far" in {row["Contact ID"] for row in reports.rows(CONTACTS)}


def test_a_crowded_day_is_complete_only_when_it_is_split() -> None:
    with reports_of(WorldSettings(items=50, days=1)) as reports:
        reports.sandbox.reports.row_cap = 100
        padded = PaddedDay(date(2026, 3, 10), 2_000)
        reports.sandbox.reports.pad_rows = {CONTACTS: padded, CONVERSATIONS: padded}
        day = {"startAt": "2026-03-10", "endAt": "2026-03-10"}
        assert len(reports.rows(CONTACTS, **day)) == 100
        inboxes = [inbox["id"] for inbox in reports.sandbox.world.inboxes]
        found = {
            row["Contact ID"]
            for channel, inbox in product(CHANNELS, inboxes)
            for row in reports.rows(
                CONTACTS, filters={"channel": channel, "inboxes": [inbox]}, **day
            )
        }
        assert len(found) == 2_000
        of_day = reports.rows(CONTACTS, startAt="2026-03-02", endAt="2026-03-02")
        assert len(of_day) < 50
        assert len(reports.rows(CONVERSATIONS, **day)) == 100
        assert reports.rows("TaskExportReport", **day) == []


def test_two_reports_at_once_are_made_from_one_model() -> None:
    with reports_of(WorldSettings(items=400, days=1)) as reports, ThreadPoolExecutor(2) as pool:
        first, second = pool.map(reports.rows, [CONTACTS, CONTACTS])
        assert first == second
        assert first
