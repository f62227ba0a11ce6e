"""Every report of Gladly: what its rows are, which day they belong to, how it may be asked for.

Source: Gladly API reference, Generate a Report; Gladly help, the page of each report. To add a
report, add an entry to ``REPORTS``, its columns to ``report_columns.csv``, and a golden pair.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sources.gladly.report_columns import CellKind, ReportColumn, load_columns

# Gladly API reference, Generate a Report: aggregationLevel.
AGGREGATION_LEVELS: Final = ("halfHourly", "daily", "weekly", "monthly", "quarterly")

_COLUMNS: Final = load_columns()
_MANY_DAYS: Final = 28  # halfHourly is refused beyond a month
_WEEK: Final = 7
_CONVERSATION_DAYS: Final = 30
_WORK_SESSION_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Report:
    """One metric set.

    Columns are named by the keys of their headers, see `csv_records.column_key`.

    Args:
        metric_set: its name in a request.
        family: what it is about.
        row: what one row is.
        anchor: the columns that say which day a row belongs to, of which the first that is filled
            counts; none where no column does, so that a request must be for one day.
        is_aggregated: rows are figures of time buckets, so that a request names their length.
        natural_key: the columns that identify a row, as far as documented; exact duplicates of
            rows were seen, so it makes no key of a table.
        filters: what it can be limited to.
        required_filter: the filter without which it is refused.
        days_per_request: how many days one request should ask for.
        trailing_days: how many days, today among them, can still change: read again each time.
        is_restated: past days change.
        takes_times: a request may say minutes, startAtTime and endAtTime, instead of days.
        takes_only_times: a request must.
        reads_to_now: rows move to a later day, so that a run must ask for all days up to now.
        is_default: loaded unless configured otherwise.
    """

    metric_set: str
    family: str
    row: str
    anchor: tuple[str, ...] = ()
    is_aggregated: bool = False
    natural_key: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    required_filter: str = ""
    days_per_request: int = 1
    trailing_days: int = 3
    is_restated: bool = True
    takes_times: bool = False
    takes_only_times: bool = False
    reads_to_now: bool = False
    is_default: bool = False

    @property
    def table(self) -> str:
        """The table it fills: ``report_contact_export_v3`` for ContactExportReportV3."""
        return table_name(self.metric_set)

    @property
    def columns(self) -> tuple[ReportColumn, ...]:
        """Its documented columns, in order; none where no public page shows them."""
        return _COLUMNS.get(self.metric_set, ())

    @property
    def bucket(self) -> str:
        """The column that says where a row's bucket begins; empty where none is known."""
        limits = (CellKind.BUCKET, CellKind.DATE)
        buckets = (column.key for column in self.columns if column.kind in limits)
        return next(buckets, "") if self.is_aggregated else ""

    @property
    def aggregation_levels(self) -> tuple[str, ...]:
        """The lengths its buckets can have; none if it has no buckets."""
        return AGGREGATION_LEVELS if self.is_aggregated else ()


_INBOX: Final = ("inboxes",)
_TEAM: Final = ("teams",)
_INBOX_TEAM: Final = ("inboxes", "teams")
_CHANNEL_INBOX: Final = ("channel", "inboxes")
_CHANNEL_INBOX_TEAM: Final = ("channel", "inboxes", "teams")
_AGENT_BUCKET: Final = "a time bucket and agent"
_BUCKET: Final = "a time bucket"
_WORK_SESSION: Final = "a contact and an agent who worked on it, or a contact nobody worked on"
_WORK_SESSION_ANCHOR: Final = ("contact_session_ended_at", "contact_session_created_at")
_WORK_SESSION_KEY: Final = ("contact_session_id", "agent_id")

# The endpoint of its own; its path stands in for a metric set.
WORK_SESSION_EVENTS: Final = Report(
    "work-session-events",
    "work_session",
    _WORK_SESSION,
    anchor=_WORK_SESSION_ANCHOR,
    natural_key=_WORK_SESSION_KEY,
    days_per_request=_WEEK,
    trailing_days=_WORK_SESSION_DAYS,
    takes_times=True,
    takes_only_times=True,
    reads_to_now=True,
    is_default=True,
)

# Default are the newest versions of what is about contacts, conversations, agents, tasks, topics
# and work sessions. Left out is what costs requests and tells nothing new: the timestamps reports
# (they are the events, without their ids), older versions, and sets whose figures are columns of a
# default set (glance, counts, durations, login and away times).
_REPORTS: Final = (
    Report(
        "AgentAwayTimeReport",
        "agent",
        _AGENT_BUCKET,
        anchor=("date",),
        is_aggregated=True,
        natural_key=("date", "agent_id"),
        days_per_request=_MANY_DAYS,
    ),
    Report(
        "AgentAvailableTimeReportV2",
        "agent",
        _AGENT_BUCKET,
        is_aggregated=True,
        filters=_TEAM,
    ),
    Report(
        "AgentDurationsReport",
        "agent",
        "a span in which an agent had one status",
        anchor=("start_time",),
        natural_key=("agent_id", "start_time", "type"),
        filters=_TEAM,
        days_per_request=_WEEK,
    ),
    Report(
        "AgentDurationsReportV2",
        "agent",
        "a span in which an agent had one status",
        anchor=("start_time",),
        natural_key=("agent_id", "start_time", "type"),
        filters=_TEAM,
        days_per_request=_WEEK,
        is_default=True,
    ),
    Report(
        "AgentLoginTimeReport",
        "agent",
        _AGENT_BUCKET,
        anchor=("date",),
        is_aggregated=True,
        natural_key=("date", "agent_id"),
        filters=_TEAM,
        days_per_request=_MANY_DAYS,
    ),
    Report(
        "AgentSummary",
        "agent",
        _AGENT_BUCKET,
        anchor=("bucket_beginning",),
        is_aggregated=True,
        natural_key=("bucket_beginning", "agent_id"),
        filters=_TEAM,
        days_per_request=_WEEK,
    ),
    Report(
        "AgentSummaryV2",
        "agent",
        _AGENT_BUCKET,
        anchor=("bucket_beginning",),
        is_aggregated=True,
        natural_key=("bucket_beginning", "agent_id"),
        filters=_TEAM,
        days_per_request=_WEEK,
        is_default=True,
    ),
    Report(
        "AgentSummaryGlanceReport",
        "agent",
        _AGENT_BUCKET,
        anchor=("bucket_beginning",),
        is_aggregated=True,
        natural_key=("bucket_beginning", "id"),
        filters=_TEAM,
        days_per_request=_WEEK,
    ),
    Report(
        "AgentSummaryGlanceReportV2",
        "agent",
        _AGENT_BUCKET,
        anchor=("bucket_beginning",),
        is_aggregated=True,
        natural_key=("bucket_beginning", "id"),
        filters=_TEAM,
        days_per_request=_WEEK,
    ),
    Report(
        "AgentTimestampsReport",
        "agent",
        "an event of an agent",
        anchor=("timestamp",),
        filters=_TEAM,
        is_restated=False,
    ),
    Report(
        "FirstContactResolutionByAgentV2Report",
        "agent",
        "a day and the agent who closed its conversations last, by name",
        anchor=("last_closed_at_date",),
        is_aggregated=True,
        natural_key=("assigned_agent_name__last_closed", "last_closed_at_date"),
        filters=_CHANNEL_INBOX_TEAM,
        days_per_request=_MANY_DAYS,
        # a conversation that is closed again moves, as in the reports about conversations
        trailing_days=_CONVERSATION_DAYS,
        is_default=True,
    ),
    Report("PaymentsByAgentReport", "payments", "a payment request or an agent"),
    Report(
        "WorkSessionEventsReportV3",
        "work_session",
        _WORK_SESSION,
        anchor=_WORK_SESSION_ANCHOR,
        natural_key=_WORK_SESSION_KEY,
        days_per_request=_WEEK,
        trailing_days=_WORK_SESSION_DAYS,
        reads_to_now=True,
    ),
    Report(
        "WorkSessionEventsReportV4",
        "work_session",
        _WORK_SESSION,
        anchor=_WORK_SESSION_ANCHOR,
        natural_key=_WORK_SESSION_KEY,
        days_per_request=_WEEK,
        trailing_days=_WORK_SESSION_DAYS,
        # seen in public code: it refuses days, although the API reference says nothing of it
        takes_times=True,
        takes_only_times=True,
        reads_to_now=True,
        is_default=True,
    ),
    Report(
        "WorkSessionsReport",
        "work_session",
        "a work session, with its agent by name",
        filters=_CHANNEL_INBOX_TEAM,
        trailing_days=_WORK_SESSION_DAYS,
        reads_to_now=True,
    ),
    Report(
        "WorkSessionsReportV3",
        "work_session",
        "a work session, with its agent by name",
        filters=_CHANNEL_INBOX_TEAM,
        trailing_days=_WORK_SESSION_DAYS,
        reads_to_now=True,
    ),
    Report(
        "AnswerUsageReport",
        "answers",
        "a time bucket and answer",
        anchor=("date",),
        is_aggregated=True,
        natural_key=("date", "answer_id"),
        days_per_request=_MANY_DAYS,
    ),
    Report(
        "AnswerUsageByAgentReport",
        "answers",
        _AGENT_BUCKET,
        anchor=("date",),
        is_aggregated=True,
        natural_key=("date", "agent_email"),
        filters=_TEAM,
        days_per_request=_MANY_DAYS,
    ),
    Report(
        "ChannelMixReportV2",
        "contact",
        "a time bucket and channel",
        anchor=("queued_date",),
        is_aggregated=True,
        natural_key=("queued_date", "channel"),
        filters=_CHANNEL_INBOX,
        days_per_request=_MANY_DAYS,
        is_default=True,
    ),
    Report(
        "ChannelWaitTimeReport",
        "contact",
        "a time bucket and channel",
        anchor=("ended_date",),
        is_aggregated=True,
        natural_key=("ended_date", "channel"),
        filters=_INBOX,
        days_per_request=_MANY_DAYS,
    ),
    Report(
        "ChannelWaitTimeReportV2",
        "contact",
        "a time bucket and channel",
        anchor=("ended_date",),
        is_aggregated=True,
        natural_key=("ended_date", "channel"),
        filters=_INBOX,
        days_per_request=_MANY_DAYS,
        is_default=True,
    ),
    Report(
        "ContactExportReportV3",
        "contact",
        "a contact that was queued",
        anchor=("queued_at",),
        natural_key=("contact_id",),
        filters=_CHANNEL_INBOX,
        days_per_request=_WEEK,
        takes_times=True,
        is_default=True,
    ),
    Report(
        "ContactSummaryReport",
        "contact",
        _BUCKET,
        anchor=("ended_at_date",),
        is_aggregated=True,
        natural_key=("ended_at_date",),
        filters=_CHANNEL_INBOX,
        days_per_request=_MANY_DAYS,
    ),
    Report(
        "ContactSummaryReportV2",
        "contact",
        _BUCKET,
        anchor=("ended_at_date",),
        is_aggregated=True,
        natural_key=("ended_at_date",),
        filters=_CHANNEL_INBOX,
        days_per_request=_MANY_DAYS,
        is_default=True,
    ),
    Report(
        "ContactSummaryCountsReport",
        "contact",
        _BUCKET,
        anchor=("ended_date",),
        is_aggregated=True,
        natural_key=("ended_date",),
        filters=_CHANNEL_INBOX,
        days_per_request=_MANY_DAYS,
    ),
    Report(
        "ContactSummaryDurationsReport",
        "contact",
        _BUCKET,
        anchor=("ended_date",),
        is_aggregated=True,
        natural_key=("ended_date",),
        filters=_CHANNEL_INBOX,
        days_per_request=_MANY_DAYS,
    ),
    Report(
        "ContactSummaryDurationsReportV2",
        "contact",
        _BUCKET,
        anchor=("ended_date",),
        is_aggregated=True,
        natural_key=("ended_date",),
        filters=_CHANNEL_INBOX,
        days_per_request=_MANY_DAYS,
    ),
    Report(
        "ContactTimestampsReport",
        "contact",
        "an event of a contact",
        anchor=("timestamp",),
        is_restated=False,
    ),
    Report(
        "ConversationExportReport",
        "conversation",
        "a conversation, merged ones too",
        anchor=("created_at",),
        natural_key=("conversation_id",),
        filters=_INBOX,
        days_per_request=_WEEK,
        trailing_days=_CONVERSATION_DAYS,
        is_default=True,
    ),
    Report(
        "ConversationSidekickExportReport",
        "ai",
        "a conversation, with what AI did in it",
        natural_key=("conversation_id",),
        filters=_INBOX,
        trailing_days=_CONVERSATION_DAYS,
    ),
    Report(
        "ConversationSummaryReport",
        "conversation",
        _BUCKET,
        anchor=("last_closed_at",),
        is_aggregated=True,
        natural_key=("last_closed_at",),
        filters=_INBOX,
        days_per_request=_MANY_DAYS,
        trailing_days=_CONVERSATION_DAYS,
        is_default=True,
    ),
    Report(
        "ConversationTimestampsReport",
        "conversation",
        "an event of a conversation",
        anchor=("timestamp",),
        is_restated=False,
    ),
    Report(
        "AbandonedCallsInIVRReport",
        "ivr",
        "a time bucket in which callers gave up",
        anchor=("date",),
        is_aggregated=True,
        natural_key=("date",),
        days_per_request=_MANY_DAYS,
    ),
    Report(
        "AutoThrottleMissedConversationsReport",
        "chat_throttle",
        _BUCKET,
        anchor=("date",),
        is_aggregated=True,
        natural_key=("date",),
        days_per_request=_MANY_DAYS,
    ),
    Report(
        "IVRExecutiveSummaryReportV2",
        "ivr",
        "figures of one phone number",
        filters=("phoneNumber",),
        required_filter="phoneNumber",
    ),
    Report(
        "IvrEndStatesReportV2",
        "ivr",
        "an end of the phone menu of one phone number",
        filters=("phoneNumber",),
        required_filter="phoneNumber",
    ),
    Report(
        "PaymentsSummaryReport",
        "payments",
        "a time bucket and state of payment requests",
        anchor=("date",),
        is_aggregated=True,
        natural_key=("date", "status"),
        days_per_request=_MANY_DAYS,
    ),
    Report(
        "ProactiveVoiceSummaryReport",
        "proactive",
        "a time bucket or campaign",
        is_aggregated=True,
    ),
    Report(
        "TopicHierarchyReport",
        "topic",
        "a time bucket and topic, in the tree of topics",
        is_aggregated=True,
        filters=_CHANNEL_INBOX,
        is_default=True,
    ),
    Report(
        "TaskExportReport",
        "task",
        "a task",
        natural_key=("task_id",),
        filters=_INBOX_TEAM,
        is_default=True,
    ),
    Report(
        "TaskSummaryReport",
        "task",
        _BUCKET,
        anchor=("task_metrics_closed_at_dynamic_formatted",),
        is_aggregated=True,
        natural_key=("task_metrics_closed_at_dynamic_formatted",),
        filters=_INBOX_TEAM,
        days_per_request=_MANY_DAYS,
        is_default=True,
    ),
    Report(
        "TaskTimestampsReport",
        "task",
        "an event of a task",
        is_restated=False,
    ),
    Report(
        "TopicSummaryReport",
        "topic",
        "a topic, over all days asked for",
        filters=_CHANNEL_INBOX,
        is_default=True,
    ),
    Report(
        "AutoThrottleChangesReport",
        "chat_throttle",
        "a change of a setting",
        anchor=("date",),
        days_per_request=_MANY_DAYS,
        is_restated=False,
    ),
    Report(
        "ChatDisplayPctChangesReport",
        "chat_throttle",
        "a change of a setting",
        is_restated=False,
    ),
    Report("HelpCenterAnswerSearchReport", "self_service", "a search term"),
    Report(
        "HelpCenterAnswerUsageReport",
        "self_service",
        "a time bucket and answer",
        anchor=("date",),
        is_aggregated=True,
        days_per_request=_MANY_DAYS,
    ),
    Report(
        "QuickActionsUsageReport",
        "self_service",
        "a time bucket and quick action",
        anchor=("date",),
        is_aggregated=True,
        natural_key=("date", "quick_action_name"),
        days_per_request=_MANY_DAYS,
    ),
    Report("SelfServiceThreadsReport", "self_service", "an interaction with a thread"),
    Report("SidekickAssistsByClassificationTopicReport", "ai", "a topic"),
    Report("GladAppAnswerSearchReport", "self_service", "a search term"),
    Report(
        "GladAppAnswerUsageReport",
        "self_service",
        "a time bucket and answer, sometimes several times",
        anchor=("date",),
        is_aggregated=True,
        days_per_request=_MANY_DAYS,
    ),
    Report("GladAppContactPointsReport", "self_service", "a page, over all days asked for"),
    Report(
        "GladlyAISessionsDetailReport",
        "ai",
        "an AI session",
        anchor=("created_date",),
        natural_key=("session_id",),
        days_per_request=_WEEK,
    ),
    Report(
        "GladlyAISessionsDetailWithMessagesReport",
        "ai",
        "an AI session, with all its messages",
        anchor=("created_date",),
        natural_key=("session_id",),
    ),
)

REPORTS: Final[Mapping[str, Report]] = {report.metric_set: report for report in _REPORTS}
DEFAULT_REPORTS: Final = tuple(report.metric_set for report in _REPORTS if report.is_default)

_WORDS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+\d*")


def table_name(metric_set: str) -> str:
    """Return the table of a metric set: its words but Report, as ``report_agent_summary_v2``."""
    words = [word.lower() for word in _WORDS.findall(metric_set)]
    return "_".join(["report", *(word for word in words if word != "report")])
