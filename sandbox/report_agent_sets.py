"""The reports of agents (Gladly help, Agent Summary, Agent Durations, Agent Login Time)."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from sandbox.report_agent_facts import (
    ACTIVE_TIME,
    AFTER_TIME,
    ANSWERING,
    AVAILABLE_TIME,
    AWAY_TIME,
    CHANNEL_NAMES,
    CUSTOMERS,
    HANDLE_TIME,
    LOGGED_IN_TIME,
    Figures,
    Window,
    agent_figures,
)
from sandbox.report_agents import ACTIVE, AWAY, Span
from sandbox.report_buckets import Buckets
from sandbox.report_cells import (
    TEAMS,
    TIMEZONE,
    Cell,
    Columns,
    Row,
    bucket,
    count_text,
    key,
    mean_seconds_text,
    money_text,
    name_of,
    name_of_key,
    of,
    seconds_text,
    share_text,
)
from sandbox.report_rows import exported, in_teams, within
from sandbox.reports import MetricSet, ReportScope, ReportSources, from_milliseconds
from sandbox.timestamps import to_milliseconds

_ALL = tuple(CHANNEL_NAMES.values())
_BUT_CALLS = tuple(name for name in _ALL if name != "Phone Call")
_REFUSABLE = tuple(name for name in _ALL if name not in {"Email", "Voicemail"})
_MESSAGES = tuple(name for name in _BUT_CALLS if name != "Voicemail")
_STARTED = (*(name for name in _REFUSABLE if name != "Chat"), "Email")
_MINUTE = 60_000
_FILTERS = frozenset({"teams"})


class AgentTime(NamedTuple):
    """One agent in one bucket; the end in milliseconds since 1970."""

    ended_at: int
    figures: Figures


def _agent_times(scope: ReportScope, sources: ReportSources) -> Iterator[Row[AgentTime]]:
    buckets = Buckets(scope.timezone, scope.level)
    window = Window(to_milliseconds(scope.start), to_milliseconds(scope.end))
    figures = agent_figures(sources.models.at(scope.as_of), buckets, window)
    for (start, agent_id), figure in figures.items():
        if in_teams(scope, agent_id):
            time = AgentTime(buckets.end_of(start), figure)
            yield Row(scope, sources, [time], buckets.name_of(start), agent_id)


def _with(measure: str) -> Callable[[ReportScope, ReportSources], Iterable[Row[AgentTime]]]:
    def records(scope: ReportScope, sources: ReportSources) -> Iterator[Row[AgentTime]]:
        return (row for row in _agent_times(scope, sources) if row.one.figures.get(measure))

    return records


def _count(measure: str) -> Cell:
    return lambda row: count_text(row.one.figures.get(measure, 0))


def _seconds(measure: str) -> Cell:
    return lambda row: seconds_text(row.one.figures.get(measure, 0))


def _minutes(measure: str) -> Cell:
    return lambda row: f"{row.one.figures.get(measure, 0) / _MINUTE:.6f}"


def _answering(channel: str = "") -> Cell:
    def cell(row: Row[AgentTime]) -> str:
        figures, suffix = row.one.figures, f" - {channel}" if channel else ""
        answers = figures.get(f"Answers{suffix}", 0)
        return mean_seconds_text(figures[f"{ANSWERING}{suffix}"] / answers) if answers else ""

    return cell


def _counts(*measures: str) -> Columns:
    return {measure: _count(measure) for measure in measures}


def _times(*measures: str) -> Columns:
    return {measure: _seconds(measure) for measure in measures}


def _counts_by(channels: Iterable[str], *measures: str) -> Columns:
    names = tuple(channels)
    return _counts(*(f"{measure} - {name}" for measure in measures for name in names))


def _times_by(channels: Iterable[str], *measures: str) -> Columns:
    names = tuple(channels)
    return _times(*(f"{measure} - {name}" for measure in measures for name in names))


def _email(row: Row[AgentTime]) -> str:
    return row.sources.present.emails.get(row.key, "")


def _teams(row: Row[AgentTime]) -> str:
    teams = row.sources.present.teams.values()
    return ", ".join(team.name for team in teams if row.key in team.agent_ids)


def _bucket_end(row: Row[AgentTime]) -> str:
    local = from_milliseconds(row.one.ended_at).astimezone(row.scope.timezone)
    return f"{local:%Y-%m-%d %H:%M:%S}"


def _nothing(_: Row[AgentTime]) -> str:
    return ""


def _dollars(row: Row[AgentTime]) -> str:
    return money_text(row.one.figures.get("Payment Amount Completed - USD", 0))


def _offered_by_channel() -> Columns:
    oddly_named = {"Contact Offered - Instagram Direct"}
    return {
        f"Agent Metrics {name}" if name in oddly_named else name: cell
        for name, cell in _counts_by(_ALL, "Contact Offered").items()
    }


_SUMMARY: Columns = {
    **TIMEZONE,
    **TEAMS,
    "Bucket Beginning": bucket,
    "Bucket End": _bucket_end,
    "Name": name_of_key,
    "Email": _email,
    "Agent ID": key,
    "User Status": lambda _: "ACTIVE",
    "Role(s)": lambda _: "Agent",
    "Inbox(es)": _nothing,
    "Team(s)": _teams,
    **_counts("Logged in", "Logged Out"),
    **_times(LOGGED_IN_TIME),
    **_counts("Went Away", "Returned from Away", "Changed Active Reason"),
    **_times(ACTIVE_TIME, AWAY_TIME),
    **_counts_by(("Voice", "Messaging", "Mail", "Task"), "Went Available"),
    **_counts_by(("All", "Voice", "Messaging", "Mail", "Task"), "Went Unavailable"),
    **_times_by(("Any", "Voice", "Messaging", "Mail", "Task"), AVAILABLE_TIME),
    **_counts(
        "Conversation Created",
        "Conversation Closed",
        "Conversation Reopened",
        "Conversation Topic Added",
        "Conversation Topic Removed",
        "Contact Offered",
        "Contact Accepted",
        "Contact Declined",
        "Contact Missed",
        "Contact Transfer Canceled",
        "Contact Fulfilled",
        "Contact Fulfilled by Response",
        "Contact Fulfilled by Cancellation",
        CUSTOMERS,
        "Contact Started",
        "Contact Transferred",
        "Contact Transferred from",
        "Contact Transferred to",
        "Contact Ended",
        "Contacts with Contact Handle Time",
        "Contacts with After Contact Time",
    ),
    f"Avg {ANSWERING}": _answering(),
    **_counts("Contact Fulfilled - Acceptance Outliers", "Hold Started"),
    **_counts_by(("Manual", "Cold Transfer", "Warm Transfer", "Conference"), "Hold Started"),
    **_times("Hold Time - Manual", "Hold Time - Warm Transfer"),
    **_counts("Message Sent", "Payment Request Completed"),
    "Payment Amount Completed - USD": _dollars,
    **_counts(
        "Task Created",
        "Task Closed",
        "Task Reopened",
        "Tasks Assigned",
        "Task Commented On",
        "Task Content Updated",
        "Task Due Date Updated",
        "Task Followed",
        "Task Unfollowed",
        "Note Added",
        "Customer Merged",
    ),
    **_times(
        "Customer Handle Time in seconds",
        "Conversation Handle Time in seconds",
        HANDLE_TIME,
        AFTER_TIME,
        "Task Handle Time in seconds",
    ),
    "Messaging Concurrency": _nothing,
    **_times("Messaging Work Session Time - Aggregate"),
    "Messaging Work Session Time - Union": _nothing,
    **_times("Messaging Contact Handle Time"),
    **_offered_by_channel(),
    **_counts_by(_ALL, "Contact Accepted"),
    **_counts_by(_REFUSABLE, "Contact Declined", "Contact Missed"),
    **_counts_by(
        _ALL,
        "Contact Fulfilled",
        "Contact Fulfilled by Response",
        "Contact Fulfilled by Cancellation",
    ),
    **_counts_by(_STARTED, "Contact Started"),
    **_counts_by(
        _ALL,
        "Contact Transferred",
        "Contact Transferred from",
        "Contact Transferred to",
        "Contact Ended",
        "Contacts with Contact Handle Time",
    ),
    **{f"Avg {ANSWERING} - {name}": _answering(name) for name in _BUT_CALLS},
    **_counts_by(_MESSAGES, "Message Sent"),
    **_times_by(_ALL, HANDLE_TIME, AFTER_TIME),
}

AGENT_SUMMARY = MetricSet(columns=_SUMMARY, records=_agent_times, filters=_FILTERS, has_levels=True)


def _glance_of(channel: str) -> Columns:
    refusals = () if channel == "Email" else ("Contact Declined", "Contact Missed")
    counts = ("Contact Offered", "Contact Accepted", *refusals, "Contact Fulfilled")
    return {
        **_counts_by((channel,), *counts),
        **_times_by((channel,), HANDLE_TIME, AFTER_TIME),
    }


_GLANCE: Columns = {
    **TIMEZONE,
    **TEAMS,
    "Name or Email": name_of_key,
    "Bucket Beginning": bucket,
    "ID": key,
    **_times(LOGGED_IN_TIME, ACTIVE_TIME, AWAY_TIME),
    **_times_by(("Voice", "Messaging", "Mail"), AVAILABLE_TIME),
    **_glance_of("Phone Call"),
    **_glance_of("Chat"),
    **_glance_of("SMS"),
    **_glance_of("Email"),
}


def _occupancy(row: Row[AgentTime]) -> str:
    figures = row.one.figures
    active = figures.get(ACTIVE_TIME, 0)
    worked = figures.get(HANDLE_TIME, 0) + figures.get(AFTER_TIME, 0)
    return share_text(min(worked, active), active)


AGENT_GLANCE = MetricSet(columns=_GLANCE, records=_agent_times, filters=_FILTERS, has_levels=True)
AGENT_GLANCE_V2 = MetricSet(
    columns={**_GLANCE, "Occupancy %": _occupancy},
    records=_agent_times,
    filters=_FILTERS,
    has_levels=True,
)


def _minute_of_bucket(row: Row[AgentTime]) -> str:
    return row.bucket[:16]


def _minutes_report(name: str, measure: str, filters: frozenset[str]) -> MetricSet[Row[AgentTime]]:
    return MetricSet(
        columns={
            **TIMEZONE,
            **TEAMS,
            "Date": _minute_of_bucket,
            "Agent ID": key,
            "Agent Name": name_of_key,
            name: _minutes(measure),
        },
        records=_with(measure),
        filters=filters,
        has_levels=True,
    )


AGENT_LOGIN_TIME = _minutes_report("Login Time (minutes)", LOGGED_IN_TIME, _FILTERS)
AGENT_AWAY_TIME = _minutes_report("Away Time (minutes)", AWAY_TIME, frozenset())
# No public page shows this one; its columns are those of the two above by analogy.
AGENT_AVAILABLE_TIME = _minutes_report(
    "Available Time (minutes)", f"{AVAILABLE_TIME} - Any", _FILTERS
)


def _statuses(scope: ReportScope, sources: ReportSources) -> Iterator[Span]:
    spans = sources.models.at(scope.as_of).spans
    for span in (*spans.get(ACTIVE, ()), *spans.get(AWAY, ())):
        if within(scope, span.started_at) and in_teams(scope, span.agent_id):
            yield span


def _duration(row: Row[Span]) -> str:
    span = row.one
    return "" if span.ended_at is None else f"{(span.ended_at - span.started_at) / _MINUTE:.6f}"


def _durations(precision: str) -> MetricSet[Row[Span]]:
    def instant(attribute: Callable[[Span], int | None]) -> Cell:
        def cell(row: Row[Span]) -> str:
            at = attribute(row.one)
            if at is None:
                return ""
            local = from_milliseconds(at).astimezone(row.scope.timezone).replace(tzinfo=None)
            return local.isoformat(sep=" ", timespec=precision)

        return cell

    return MetricSet(
        columns={
            **TIMEZONE,
            **TEAMS,
            "Agent ID": of(lambda span: span.agent_id),
            "Agent": name_of(lambda span: span.agent_id),
            "Start time": instant(lambda span: span.started_at),
            "End time": instant(lambda span: span.ended_at),
            "Duration (mins)": _duration,
            "Type": of(lambda span: span.kind),
            "Context": of(lambda span: span.context),
        },
        records=exported(_statuses),
        filters=_FILTERS,
    )


AGENT_DURATIONS = _durations("seconds")
AGENT_DURATIONS_V2 = _durations("milliseconds")
