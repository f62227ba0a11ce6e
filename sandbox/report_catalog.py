"""The reports the sandbox can make, by metric set (Gladly API reference, Generate a Report)."""

from typing import Any

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
"""A new report is one line here and its `MetricSet`; every key is a value of `metricSet`."""
