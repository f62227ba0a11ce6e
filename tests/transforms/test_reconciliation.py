"""Our figures beside Gladly's own: equal where both saw the whole day, else with a true reason."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from pipelines.gladly_tables import GLADLY_TABLES
from tests.pipelines.runs import read_tables
from tests.transforms.figures import share
from tests.transforms.places import DATABASES, Place, Row, lineage, open_place
from tests.transforms.test_contacts import by, contact_rows, event, instant
from tests.transforms.world import BuiltWorld, Raw

ASKS_FOR = ("reconciliation",)
ONLY_WHOLE = True

TABLES = {table.name: table for table in GLADLY_TABLES}
KEY = ("local_date", "metric")
DAY = timedelta(days=1)

# the first day that events cover whole; the day before it, they begin at six
FIRST_WHOLE_DAY = date(2026, 3, 5)
CONTACTS, CONVERSATIONS = "ContactSummaryReportV2", "ConversationSummaryReport"
COLUMNS = {
    CONTACTS: {
        "contacts_ended": "Contacts Ended",
        "contacts_inbound": "Contacts Inbound",
        "contacts_fulfilled": "Contacts Fulfilled",
        "contacts_abandoned": "Contacts Abandoned",
        "service_level_rate": "Service Level %",
        "average_inbound_handle_seconds": "Avg Inbound Contact Handle Time (sec)",
        "average_outbound_handle_seconds": "Avg Outbound Contact Handle Time (sec)",
    },
    CONVERSATIONS: {
        "conversations_closed": "Conversations Closed",
        "first_contact_resolution_eligible": "Count of FCR Eligible",
        "first_contact_resolution_rate": "% FCR Success",
    },
}
COUNTS = {
    "contacts_ended",
    "contacts_inbound",
    "contacts_fulfilled",
    "contacts_abandoned",
    "conversations_closed",
    "first_contact_resolution_eligible",
}


def last_readings(raw: Raw, metric_set: str) -> dict[date, tuple[datetime, Mapping[str, str]]]:
    """Return what each day's last reading in the raw archive says, and when it was asked for."""
    found: dict[date, tuple[datetime, Mapping[str, str]]] = {}
    for name, rows in raw.readings(metric_set):
        _, first, last, asked = name.split("_", 3)
        bucket = "Ended At Date" if metric_set == CONTACTS else "Last Closed At"
        by_day = {row[bucket][:10]: row for row in rows}
        # each night reads at six
        read_at = datetime.combine(date.fromisoformat(asked[:10]), time(6), tzinfo=UTC)
        day = date.fromisoformat(first)
        while day <= date.fromisoformat(last):
            if day not in found or found[day][0] < read_at:
                found[day] = read_at, by_day.get(day.isoformat(), {})
            day += DAY
    return found


def number(metric: str, text: str | None) -> float | None:
    if text:
        return float(text)
    return 0.0 if metric in COUNTS else None


def contact_figures(contacts: Sequence[Row]) -> dict[str, float | None]:
    inbound = [one for one in contacts if one["direction"] == "inbound"]
    outbound = [one for one in contacts if one["direction"] == "outbound"]
    within = sum(one["is_within_target"] is True for one in contacts)
    return {
        "contacts_ended": len(contacts),
        "contacts_inbound": len(inbound),
        "contacts_fulfilled": sum(one["fulfilled_at"] is not None for one in contacts),
        "contacts_abandoned": sum(one["status"] == "ABANDONED" for one in contacts),
        "service_level_rate": share(within, len(inbound)),
        **{
            f"average_{name}_handle_seconds": fmean(float(one["handle_seconds"]) for one in some)
            if some
            else None
            for name, some in (("inbound", inbound), ("outbound", outbound))
        },
    }


def last_closes(raw: Raw) -> Iterator[tuple[str, datetime, bool]]:
    """Yield the conversations that are closed: since when, and whether they ever were reopened."""
    turns: dict[str, list[Row]] = defaultdict(list)
    for one in raw.events:
        if one["type"] in {"CONVERSATION/CLOSED", "CONVERSATION/REOPENED"}:
            turns[raw.identities.conversation(one["content"]["conversationId"]) or ""].append(one)
    for conversation, events in turns.items():
        kinds = [one["type"] for one in events]
        if kinds[-1] == "CONVERSATION/CLOSED":
            closed_at = instant(events[-1]["timestamp"])
            assert closed_at
            yield conversation, closed_at, "CONVERSATION/REOPENED" in kinds


def conversation_figures(
    closed: Iterable[tuple[str, bool]], directions: Mapping[str, Sequence[str]]
) -> dict[str, float | None]:
    found = list(closed)
    eligible = [one for one in found if "inbound" in directions[one[0]]]
    resolved = [one for one, is_reopened in eligible if len(directions[one]) == 1 > is_reopened]
    return {
        "conversations_closed": len(found),
        "first_contact_resolution_eligible": len(eligible),
        "first_contact_resolution_rate": share(len(resolved), len(eligible)),
    }


def our_figures(raw: Raw) -> dict[date, dict[str, float | None]]:
    """Return all figures of all days of UTC, from raw events and raw work sessions."""
    contacts, directions = defaultdict(list), defaultdict(list)
    for one in contact_rows(raw):
        directions[one["conversation_id"]].append(one["direction"])
        if one["ended_at"]:
            contacts[one["ended_at"].date()].append(one)
    closed = defaultdict(list)
    for conversation, closed_at, is_reopened in last_closes(raw):
        closed[closed_at.date()].append((conversation, is_reopened))
    days = [date(2026, 3, day) for day in range(2, 8)]
    return {
        day: contact_figures(contacts[day]) | conversation_figures(closed[day], directions)
        for day in days
    }


def are_equal(metric: str, ours: float | None, gladly: float | None) -> bool:
    if ours is None or gladly is None:
        return ours is gladly
    if metric in COUNTS:
        return ours == gladly
    return abs(ours - gladly) < (1e-6 if metric.endswith("rate") else 1e-3)


def rounded(rows: Iterable[Row]) -> list[Row]:
    """Leave away the digits in which ways to divide may differ."""
    return [
        {
            name: round(value, 9) + 0.0 if isinstance(value, float) else value
            for name, value in row.items()
        }
        for row in rows
    ]


@pytest.fixture(params=DATABASES, scope="module")
def days_of_utc(
    request: pytest.FixtureRequest,
    world: BuiltWorld,
    tmp_path_factory: pytest.TempPathFactory,
    postgres: str,
) -> Place:
    """The world's tables at each database, for models of days of UTC, as its reports count."""
    place = open_place(
        request.param, tmp_path_factory.mktemp("utc"), postgres, ASKS_FOR, only_whole=ONLY_WHOLE
    )
    rows = read_tables(world.place.target)
    place.load({table: rows[table.name] for table in GLADLY_TABLES if rows[table.name]})
    return place


def reconciliation(place: Place, timezone: str = "UTC") -> list[Row]:
    place.transform(timezone)
    return by(place.models()["reconciliation"], *KEY)


def test_every_figure_of_a_whole_day_is_the_one_of_gladly_s_report(
    days_of_utc: Place, world: BuiltWorld
) -> None:
    figures = our_figures(world.raw)
    expected = []
    for metric_set, columns in COLUMNS.items():
        for day, (read_at, row) in last_readings(world.raw, metric_set).items():
            if day not in figures:
                continue  # before anything of ours is loaded
            for metric, column in columns.items():
                ours, gladly = figures[day][metric], number(metric, row.get(column))
                is_equal = are_equal(metric, ours, gladly)
                assert is_equal or day < FIRST_WHOLE_DAY, (day, metric)
                expected.append(
                    {
                        "local_date": day,
                        "metric": metric,
                        "our_value": ours,
                        "gladly_value": gladly,
                        "difference": None if ours is None or gladly is None else ours - gladly,
                        "reason": "equal" if is_equal else "incomplete day",
                        "extracted_at": read_at,
                    }
                )
    rows = reconciliation(days_of_utc)
    assert rounded(rows) == rounded(by(expected, *KEY))
    whole_day = [row for row in rows if row["local_date"] == FIRST_WHOLE_DAY]
    assert len(whole_day) == sum(map(len, COLUMNS.values()))
    assert all(row["our_value"] for row in whole_day)
    assert all(row["reason"] == "equal" for row in whole_day)


def test_days_of_another_time_zone_are_not_comparable(world: BuiltWorld) -> None:
    rows = world.models["reconciliation"]
    assert {row["reason"] for row in rows} == {"not comparable"}
    assert len(rows) > len(COUNTS)


def copy_of(place: Place, folder: Path, postgres: str) -> Place:
    """Return a place of its own with the same tables."""
    copy = open_place("duckdb", folder, postgres, ASKS_FOR, only_whole=ONLY_WHOLE)
    rows = read_tables(place.target)
    copy.load({table: rows[table.name] for table in GLADLY_TABLES if rows[table.name]})
    return copy


def test_a_lost_event_is_unexplained_unless_the_ledger_tells_that_its_span_was_not_read(
    world: BuiltWorld, tmp_path: Path, postgres: str
) -> None:
    place = copy_of(world.place, tmp_path, postgres)
    on_that_day = "timestamp >= '2026-03-05T12:00:00Z' AND timestamp < '2026-03-05T20:00:00Z'"
    for table, kind in (("contact", "CONTACT/ENDED"), ("conversation", "CONVERSATION/CLOSED")):
        place.execute(
            f"DELETE FROM {{{table}_events}} WHERE event_id = (SELECT MIN(event_id) "
            f"FROM {{{table}_events}} WHERE type = '{kind}' AND {on_that_day})"
        )
    rows = reconciliation(place)
    unexplained = {row["metric"] for row in rows if row["reason"] == "unexplained"}
    assert {"contacts_ended", "conversations_closed"} <= unexplained
    lost = [row for row in rows if row["metric"] in {"contacts_ended", "conversations_closed"}]
    assert [row["difference"] for row in lost if row["reason"] == "unexplained"] == [-1, -1]
    assert {row["local_date"] for row in rows if row["reason"] == "unexplained"} == {
        FIRST_WHOLE_DAY
    }
    place.execute(
        "DELETE FROM {load_files} "
        "WHERE stream = 'gladly.events' AND window_to > '2026-03-06T00:00:00Z'"
    )
    changed = Counter(row["reason"] for row in reconciliation(place))
    assert changed["unexplained"] == 0
    assert changed["incomplete day"] > Counter(row["reason"] for row in rows)["incomplete day"]


# Each story happens around 2026-03-06, read on the seventh at six; events from the fifth on.
TOLD = date(2026, 3, 6)
READ_AT = datetime(2026, 3, 7, 6, tzinfo=UTC)
# One build tells them all: each as if it had been so many days before the one told earlier, to
# others, so that no span of events that were read touches another's.
APART = timedelta(days=4)
OTHERS = ("id", "contactId", "conversationId", "contact_session_id", "job_id", "window_id")


def read_span(start: str, end: str, file: str = "events.jsonl") -> Row:
    is_report = file != "events.jsonl"
    return {
        "job_id": f"{file} {start}",
        "file": file,
        "stream": "gladly.timestamps_reports" if is_report else "gladly.events",
        "window_from": instant(f"2026-03-{start}Z"),
        "window_to": instant(f"2026-03-{end}Z"),
        "extracted_at": READ_AT,
    }


WHOLE = (read_span("05T00:00:00", "07T05:59:45"),)


@dataclass(frozen=True)
class Story:
    """What happened, and what reports say of it: nothing where a report was not read.

    ``spans`` of events were read; ``window_values`` tell how the reports were read.
    """

    events: Sequence[Row]
    contacts: Row | None = None
    conversations: Row | None = None
    spans: Sequence[Row] = WHOLE
    window_values: Row = field(default_factory=dict)
    sessions: Sequence[Row] = ()

    def rows(self) -> dict[str, list[Row]]:
        """Return the rows of tables, but those of events."""
        reports = (
            (CONTACTS, "report_contact_summary_v2", self.contacts),
            (CONVERSATIONS, "report_conversation_summary", self.conversations),
        )
        told = [(one, table, values) for one, table, values in reports if values is not None]
        return {
            "load_files": [*self.spans],
            "work_session_events": [*self.sessions],
            "report_windows": [window(one, **self.window_values) for one, _, _ in told],
            **{table: [report_row(one, **values)] for one, table, values in told if values},
        }


def happened_before(row: Row, number: int) -> Row:
    """Return a row as it is of the story that is told after so many others."""
    return {name: _before(name, value, number) for name, value in row.items()}


def _before(name: str, value: Any, number: int) -> Any:  # noqa: ANN401 - any value of a row
    if isinstance(value, dict):
        return happened_before(value, number)
    if isinstance(value, date):
        return value - number * APART
    if name == "report_day":
        return (date.fromisoformat(value) - number * APART).isoformat()
    if name == "timestamp":
        return (datetime.fromisoformat(value) - number * APART).isoformat().replace("+00:00", "Z")
    return f"{value} of {number}" if name in OTHERS else value


def window(metric_set: str, read_at: datetime = READ_AT, **values: Any) -> Row:  # noqa: ANN401
    return {
        "window_id": metric_set,
        "metric_set": metric_set,
        "day": datetime.combine(TOLD, time(), tzinfo=UTC),
        "report_day": TOLD.isoformat(),
        "timezone": "UTC",
        "aggregation_level": "daily",
        "filters": "{}",
        "rows": 1,
        "requested_at": read_at,
        **values,
        **lineage(1, read_at),
    }


def report_row(metric_set: str, **values: Any) -> Row:  # noqa: ANN401
    return {
        "window_id": metric_set,
        "position": 1,
        "timezone_filter": "UTC",
        **values,
        **lineage(1, READ_AT),
    }


def ended(name: str, started: str | None, at: str, **content: Any) -> list[Row]:  # noqa: ANN401
    """Return the events of a contact: its start, if it was seen, and its end."""
    start = event(f"{name}1", "STARTED", f"2026-03-{started}Z", "CUSTOMER p", contactId=name)
    end = event(f"{name}2", "ENDED", f"2026-03-{at}Z", contactId=name, **content)
    return [start, end] if started else [end]


def turn(name: str, kind: str, at: str) -> Row:
    return {
        "id": f"{name} {kind} {at}",
        "type": f"CONVERSATION/{kind}",
        "timestamp": f"2026-03-{at}Z",
        "content": {"conversationId": name},
    }


HOLE = (read_span("05T00:00:00", "06T10:00:00"), read_span("06T10:00:25", "07T05:59:45"))
HEALED = read_span("06T10:00:00", "06T10:00:25", "ContactTimestampsReport.csv")
OTHER = read_span("06T10:00:00", "06T10:00:25", "TaskTimestampsReport.csv")
LATE = (read_span("06T00:00:00.001", "07T05:59:45"),)
SHORT = (read_span("05T00:00:00", "06T23:59:59"),)
OVERLAP = (read_span("05T00:00:00", "06T12:00:00"), read_span("06T11:00:00", "07T05:59:45"))


COUNTS_TOLD: dict[str, tuple[int, Sequence[Row], Row, str]] = {
    "equal": (1, WHOLE, {}, "equal"),
    "equal, though not all was read": (1, LATE, {}, "equal"),
    "one is missing": (2, WHOLE, {}, "unexplained"),
    "missing, spans overlap": (2, OVERLAP, {}, "unexplained"),
    "missing, the hole was filled": (2, (*HOLE, HEALED), {}, "unexplained"),
    "a hole": (2, HOLE, {}, "incomplete day"),
    "filled from another report only": (2, (*HOLE, OTHER), {}, "incomplete day"),
    "read from later on": (2, LATE, {}, "incomplete day"),
    "not read to the end": (2, SHORT, {}, "incomplete day"),
    "never read": (2, (), {}, "incomplete day"),
    "the report was read too early": (
        2,
        WHOLE,
        {"read_at": datetime(2026, 3, 7, 1, 59, tzinfo=UTC)},
        "incomplete day",
    ),
    "the report was read just in time": (
        2,
        WHOLE,
        {"read_at": datetime(2026, 3, 7, 2, 0, tzinfo=UTC)},
        "unexplained",
    ),
    "half hours": (1, WHOLE, {"aggregation_level": "halfHourly"}, "not comparable"),
    "one channel": (1, WHOLE, {"filters": '{"channel": "voice"}'}, "not comparable"),
    "days begin at another time": (
        1,
        WHOLE,
        {"day": datetime(2026, 3, 6, 8, tzinfo=UTC)},
        "not comparable",
    ),
    "the report is of another zone than asked for": (
        1,
        WHOLE,
        {"timezone": "America/Los_Angeles"},
        "not comparable",
    ),
}

STARTS_MISSING = {
    "before the events": ("04T23:00:00", "incomplete day"),
    "since": ("06T09:00:00", "unexplained"),
}


def of_missing_start(began: str) -> Story:
    session = {
        "contact_session_id": "a",
        "agent_id": "x",
        "contact_session_created_at": instant(f"2026-03-{began}Z"),
        "contact_session_ended_at": READ_AT,
        "direction": "INBOUND",
        **lineage(1),
    }
    return Story(
        ended("a", None, "06T10:05:00", status="ANSWERED"),
        contacts={"contacts_ended": 1, "contacts_fulfilled": 1},
        sessions=[session],
    )


CLOSED = [
    turn("v1", "CREATED", "06T09:00:00"),
    turn("v1", "CLOSED", "06T10:00:00"),
    turn("v2", "CREATED", "06T09:00:00"),
    turn("v2", "CLOSED", "06T11:00:00"),
]


CLOSES: dict[str, tuple[list[Row], int, tuple[int, str]]] = {
    "equal": ([], 2, (2, "equal")),
    "one is missing": ([], 3, (2, "unexplained")),
    # an hour before the reading, and just after that
    "reopened when the report knew": (
        [turn("v1", "REOPENED", "07T05:00:00")],
        2,
        (1, "unexplained"),
    ),
    "reopened when it could not know": (
        [turn("v1", "REOPENED", "07T05:00:00.001")],
        2,
        (1, "restated"),
    ),
    "that explains one, not two": (
        [turn("v1", "REOPENED", "07T05:00:00.001")],
        3,
        (1, "unexplained"),
    ),
    "reopened after it was read": ([turn("v1", "REOPENED", "07T11:00:00")], 2, (1, "restated")),
    "reopened at the instant of the close": (
        [turn("v1", "REOPENED", "06T10:00:00")],
        1,
        (1, "equal"),
    ),
    "closed twice on a day": (
        [turn("v1", "REOPENED", "06T12:00:00"), turn("v1", "CLOSED", "06T13:00:00")],
        2,
        (2, "equal"),
    ),
    "closed last on the day after": (
        [turn("v1", "REOPENED", "07T01:00:00"), turn("v1", "CLOSED", "07T02:00:00")],
        1,
        (1, "equal"),
    ),
    "its creation was not seen": ([turn("v0", "CLOSED", "06T12:00:00")], 3, (3, "equal")),
}


def of_conversation(name: str, conversation: str, by_whom: str, at: str) -> Row:
    more = {"contactId": name, "conversationId": conversation}
    return event(f"{name} start", "STARTED", f"2026-03-{at}Z", by_whom, **more)


def first_contacts() -> Story:
    names = ("one", "two", "outbound", "reopened", "none", "later", "old")
    turns = [turn(name, "CLOSED", "06T12:00:00") for name in names]
    turns += [turn(name, "CREATED", "06T09:00:00") for name in names]
    turns += [
        turn("reopened", "CLOSED", "06T10:00:00"),
        turn("reopened", "REOPENED", "06T11:00:00"),
    ]
    contacts = [
        of_conversation(name, name, "CUSTOMER p", "06T09:00:00")
        for name in ("one", "two", "reopened", "later")
    ]
    contacts += [
        of_conversation("two'", "two", "AGENT a", "06T09:30:00"),
        of_conversation("outbound", "outbound", "AGENT a", "06T09:00:00"),
        # after what the report could know
        of_conversation("later'", "later", "AGENT a", "07T05:30:00"),
    ]
    reported = {
        "conversations_closed": 7,
        "count_of_fcr_eligible": 4,
        "fcr_success_fraction": 0.5,
    }
    return Story([*turns, *contacts], conversations=reported)


STORIES = {
    **{
        f"count: {name}": Story(
            ended("a", "06T10:00:00", "06T10:05:00", status="ANSWERED"),
            contacts={"contacts_ended": found},
            spans=spans,
            window_values=window_values,
        )
        for name, (found, spans, window_values, _) in COUNTS_TOLD.items()
    },
    **{
        f"close: {name}": Story([*CLOSED, *later], conversations={"conversations_closed": gladly})
        for name, (later, gladly, _) in CLOSES.items()
    },
    **{
        f"start missing: {name}": of_missing_start(began)
        for name, (began, _) in STARTS_MISSING.items()
    },
    "a day without rows": Story(
        ended("a", "05T10:00:00", "05T10:05:00", status="ANSWERED"),
        contacts={},
        conversations={},
        window_values={"rows": 0},
    ),
    # it began before events were read, and no work session tells of it: how it ended, a report told
    "told by no feed": Story(
        [*ended("a", None, "06T10:05:00"), *ended("b", "06T09:00:00", "06T10:00:00")],
        contacts={
            "contacts_ended": 2,
            "contacts_inbound": 2,
            "contacts_fulfilled": 1,
            "contacts_abandoned": 1,
            "service_level_fraction": 0.5,
            "avg_inbound_contact_handle_time_seconds": 10.5,
        },
    ),
    "first contacts": first_contacts(),
}

Reasons = dict[str, dict[str, tuple[float | None, float | None, str]]]


@pytest.fixture(scope="module")
def reasons(shared_place: Place) -> Reasons:
    """Each story's figures and reasons: a database tells all of them in one build."""
    events: list[Row] = []
    rows: dict[str, list[Row]] = defaultdict(list)
    for number, story in enumerate(STORIES.values()):
        events += [happened_before(event, number) for event in story.events]
        for table, told in story.rows().items():
            rows[table] += [happened_before(row, number) for row in told]
    shared_place.load_events(events)
    shared_place.load({TABLES[table]: each for table, each in rows.items()})
    found: Reasons = {}
    by_day = {TOLD - number * APART: name for number, name in enumerate(STORIES)}
    for row in reconciliation(shared_place):
        shown = row["our_value"], row["gladly_value"], row["reason"]
        found.setdefault(by_day[row["local_date"]], {})[row["metric"]] = shown
    return found


@pytest.mark.parametrize("name", COUNTS_TOLD)
def test_reasons_of_a_count(reasons: Reasons, name: str) -> None:
    found, _, _, reason = COUNTS_TOLD[name]
    assert reasons[f"count: {name}"]["contacts_ended"] == (1, found, reason)


def test_a_day_without_rows_is_a_day_of_nothing(reasons: Reasons) -> None:
    assert reasons["a day without rows"] == {
        metric: (0, 0, "equal") if metric in COUNTS else (None, None, "equal")
        for columns in COLUMNS.values()
        for metric in columns
    }


def test_what_no_feed_tells_of_a_contact_makes_its_figures_incomplete(reasons: Reasons) -> None:
    found = dict(reasons["told by no feed"])
    assert found.pop("contacts_ended") == (2, 2, "equal")
    assert {metric for metric, row in found.items() if row[2] == "incomplete day"} == {
        "contacts_inbound",
        "contacts_fulfilled",
        "contacts_abandoned",
        "service_level_rate",
        "average_inbound_handle_seconds",
    }


@pytest.mark.parametrize("name", STARTS_MISSING)
def test_a_start_that_is_missing_explains_only_what_began_before_the_events(
    reasons: Reasons, name: str
) -> None:
    _, reason = STARTS_MISSING[name]
    assert reasons[f"start missing: {name}"]["contacts_fulfilled"] == (0, 1, reason)


@pytest.mark.parametrize("name", CLOSES)
def test_a_conversation_counts_on_the_day_of_its_last_close(reasons: Reasons, name: str) -> None:
    _, gladly, (ours, reason) = CLOSES[name]
    assert reasons[f"close: {name}"]["conversations_closed"] == (ours, gladly, reason)


def test_first_contact_resolution_is_of_conversations_with_an_inbound_contact(
    reasons: Reasons,
) -> None:
    assert reasons["first contacts"] == {
        "conversations_closed": (7, 7, "equal"),
        "first_contact_resolution_eligible": (4, 4, "equal"),
        "first_contact_resolution_rate": (0.25, 0.5, "restated"),
    }
