"""Agents over time: declarations of the models of their states, teams and work."""

from __future__ import annotations

from sources.tables.declarations import Column, Kind
from transforms.declarations import CORE, Check, Model, model_table

AGENT_AVAILABILITY_HALF_HOURS = Model(
    CORE,
    model_table(
        "agent_availability_half_hours",
        "Half hours in which agents were available for a channel, and for how long.",
        Column("agent_id", Kind.TEXT, "The agent.", nullable=False),
        Column("channel", Kind.TEXT, "MAIL, MESSAGING, TASK or VOICE.", nullable=False),
        Column(
            "half_hour_start", Kind.TIMESTAMP, "Start of the half hour, in UTC.", nullable=False
        ),
        Column(
            "available_seconds",
            Kind.DECIMAL,
            "How long the agent was available in it: more than 0, at most 1800.",
            nullable=False,
        ),
        key=("agent_id", "channel", "half_hour_start"),
    ),
    reads=("agent_availability_events", "agent_availability_channels", "agent_status_events"),
    checks=(
        Check(
            "each available_seconds is above 0 and at most 1800",
            "SELECT agent_id, channel, half_hour_start, available_seconds "
            "FROM agent_availability_half_hours "
            "WHERE available_seconds <= 0 OR available_seconds > 1800",
        ),
    ),
)

AGENT_MODELS = (AGENT_AVAILABILITY_HALF_HOURS,)
