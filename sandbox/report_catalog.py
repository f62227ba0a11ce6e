"""The reports the sandbox can make, by metric set (Gladly API reference, Generate a Report)."""

from typing import Any

from sandbox import report_agent_sets as agents
from sandbox import report_contact_sets as contacts
from sandbox import report_conversation_sets as conversations
from sandbox import report_task_sets as tasks
from sandbox import report_topic_sets as topics
from sandbox import report_usage_sets as usage
from sandbox import report_work_session_sets as sessions
from sandbox.reports import MetricSet
from sandbox.timestamps_reports import (
    AGENT_TIMESTAMPS,
    CONTACT_TIMESTAMPS,
    CONVERSATION_TIMESTAMPS,
    TASK_TIMESTAMPS,
)

METRIC_SETS: dict[str, MetricSet[Any]] = {
    "AgentTimestampsReport": AGENT_TIMESTAMPS,
    "ContactTimestampsReport": CONTACT_TIMESTAMPS,
    "ConversationTimestampsReport": CONVERSATION_TIMESTAMPS,
    "TaskTimestampsReport": TASK_TIMESTAMPS,
}
"""The reports that repeat events, a row each."""

_COUNTED: dict[str, MetricSet[Any]] = {
    "AgentAwayTimeReport": agents.AGENT_AWAY_TIME,
    "AgentAvailableTimeReportV2": agents.AGENT_AVAILABLE_TIME,
    "AgentDurationsReport": agents.AGENT_DURATIONS,
    "AgentDurationsReportV2": agents.AGENT_DURATIONS_V2,
    "AgentLoginTimeReport": agents.AGENT_LOGIN_TIME,
    "AgentSummary": agents.AGENT_SUMMARY,
    "AgentSummaryV2": agents.AGENT_SUMMARY,
    "AgentSummaryGlanceReport": agents.AGENT_GLANCE,
    "AgentSummaryGlanceReportV2": agents.AGENT_GLANCE_V2,
    "FirstContactResolutionByAgentV2Report": conversations.FIRST_CONTACT_RESOLUTION,
    "PaymentsByAgentReport": tasks.PAYMENTS_BY_AGENT,
    "WorkSessionEventsReportV3": sessions.WORK_SESSION_EVENTS_V3,
    "WorkSessionEventsReportV4": sessions.WORK_SESSION_EVENTS_V4,
    "WorkSessionsReport": sessions.WORK_SESSIONS,
    "WorkSessionsReportV3": sessions.WORK_SESSIONS,
    "AnswerUsageReport": usage.ANSWER_USAGE,
    "AnswerUsageByAgentReport": usage.ANSWER_USAGE_BY_AGENT,
    "ChannelMixReportV2": contacts.CHANNEL_MIX,
    "ChannelWaitTimeReport": contacts.CHANNEL_WAIT_TIME,
    "ChannelWaitTimeReportV2": contacts.CHANNEL_WAIT_TIME_V2,
    "ContactExportReportV3": contacts.CONTACT_EXPORT,
    "ContactSummaryReport": contacts.CONTACT_SUMMARY,
    "ContactSummaryReportV2": contacts.CONTACT_SUMMARY_V2,
    "ContactSummaryCountsReport": contacts.CONTACT_SUMMARY_COUNTS,
    "ContactSummaryDurationsReport": contacts.CONTACT_SUMMARY_DURATIONS,
    "ContactSummaryDurationsReportV2": contacts.CONTACT_SUMMARY_DURATIONS,
    "ConversationExportReport": conversations.CONVERSATION_EXPORT,
    "ConversationSidekickExportReport": conversations.CONVERSATION_SIDEKICK_EXPORT,
    "ConversationSummaryReport": conversations.CONVERSATION_SUMMARY,
    "AbandonedCallsInIVRReport": usage.ABANDONED_IN_IVR,
    "AutoThrottleMissedConversationsReport": usage.MISSED_CONVERSATIONS,
    "IVRExecutiveSummaryReportV2": usage.IVR_EXECUTIVE_SUMMARY,
    "IvrEndStatesReportV2": usage.IVR_END_STATES,
    "PaymentsSummaryReport": tasks.PAYMENTS_SUMMARY,
    "ProactiveVoiceSummaryReport": usage.PROACTIVE_VOICE_SUMMARY,
    "TopicHierarchyReport": topics.TOPIC_HIERARCHY,
    "TaskExportReport": tasks.TASK_EXPORT,
    "TaskSummaryReport": tasks.TASK_SUMMARY,
    "TopicSummaryReport": topics.TOPIC_SUMMARY,
    "AutoThrottleChangesReport": usage.THROTTLE_CHANGES,
    "ChatDisplayPctChangesReport": usage.DISPLAY_CHANGES,
    "HelpCenterAnswerSearchReport": usage.HELP_CENTER_ANSWER_SEARCH,
    "HelpCenterAnswerUsageReport": usage.HELP_CENTER_ANSWER_USAGE,
    "QuickActionsUsageReport": usage.QUICK_ACTIONS_USAGE,
    "SelfServiceThreadsReport": usage.SELF_SERVICE_THREADS,
    "SidekickAssistsByClassificationTopicReport": usage.ASSISTS_BY_TOPIC,
    "GladAppAnswerSearchReport": usage.GLAD_APP_ANSWER_SEARCH,
    "GladAppAnswerUsageReport": usage.GLAD_APP_ANSWER_USAGE,
    "GladAppContactPointsReport": usage.GLAD_APP_CONTACT_POINTS,
    "GladlyAISessionsDetailReport": usage.AI_SESSIONS,
    "GladlyAISessionsDetailWithMessagesReport": usage.AI_SESSIONS_WITH_MESSAGES,
}

ALL_METRIC_SETS: dict[str, MetricSet[Any]] = {**METRIC_SETS, **_COUNTED}
"""A new report is one line here and its `MetricSet`; every key is a value of `metricSet`."""

WORK_SESSION_EVENTS_ENDPOINT = sessions.WORK_SESSION_EVENTS_ENDPOINT
