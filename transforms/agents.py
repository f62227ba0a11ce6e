"""Agents over time: declarations of the models of their states, teams and work."""

from __future__ import annotations

from sources.tables.declarations import Column, Kind
from transforms.changes import by_agent_day, by_conversation
from transforms.conversations import CONVERSATION_ID, CUSTOMER_ID
from transforms.declarations import (
    CORE,
    LOCAL_DATE,
    MARTS,
    Check,
    Example,
    Model,
    count,
    model_table,
)

_AGENT_ID = Column("agent_id", Kind.TEXT, "The agent.", nullable=False)


def _seconds(name: str, description: str) -> Column:
    return Column(name, Kind.DECIMAL, f"{description}, in seconds.", nullable=False)


def _flag(name: str, description: str) -> Column:
    return Column(name, Kind.BOOLEAN, description, nullable=False)


AGENT_AVAILABILITY_HALF_HOURS = Model(
    CORE,
    model_table(
        "agent_availability_half_hours",
        "Half hours in which agents were available for a channel, and for how long.",
        _AGENT_ID,
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

WORK_SESSIONS = Model(
    CORE,
    model_table(
        "work_sessions",
        "Work sessions: agents' parts of contacts, and contacts that nobody (yet) has a part in.",
        Column("contact_session_id", Kind.TEXT, "The contact.", nullable=False),
        Column(
            "agent_id",
            Kind.TEXT,
            "The agent; '' while the contact is open, and if nobody worked on it.",
            nullable=False,
        ),
        Column("work_session_id", Kind.TEXT, "Its own id; null while the contact is open."),
        CONVERSATION_ID,
        CUSTOMER_ID,
        Column("channel", Kind.TEXT, "Channel of the contact, such as EMAIL."),
        Column("direction", Kind.TEXT, "INBOUND or OUTBOUND."),
        Column("inbox_id", Kind.TEXT, "Inbox of the contact."),
        Column("accepted_inbox_id", Kind.TEXT, "Inbox it was in when the agent took it."),
        Column("created_at", Kind.TIMESTAMP, "When the contact began."),
        Column("routed_at", Kind.TIMESTAMP, "When it was routed."),
        Column("accepted_at", Kind.TIMESTAMP, "When the agent took it; null if nobody did."),
        Column("fulfilled_at", Kind.TIMESTAMP, "When the clock of its service level stopped."),
        Column("ended_at", Kind.TIMESTAMP, "When the contact ended; null while it is open."),
        _flag("is_open", "Whether the contact is open."),
        Column("status", Kind.TEXT, "How it ended, such as ANSWERED or ABANDONED."),
        Column("within_sla", Kind.BOOLEAN, "Whether it was fulfilled within its service level."),
        Column(
            "handle_seconds",
            Kind.DECIMAL,
            "How long the agent worked on it, in seconds; null while it is open.",
        ),
        Column(
            "after_contact_seconds",
            Kind.DECIMAL,
            "How long the agent finished up afterwards, in seconds; may still grow.",
        ),
        Column(
            "unknown_seconds",
            Kind.DECIMAL,
            "How long after that nothing is known of the agent, in seconds; may still grow.",
        ),
        key=("contact_session_id", "agent_id"),
    ),
    reads=("work_session_events", "conversation_identities", "customer_identities"),
    checks=(
        Check(
            "no duration is below 0",
            "SELECT contact_session_id, agent_id FROM work_sessions "
            "WHERE handle_seconds < 0 OR after_contact_seconds < 0 OR unknown_seconds < 0",
        ),
    ),
    changes=by_conversation("work_session_events", or_none=True),
)

AGENT_STATES = Model(
    CORE,
    model_table(
        "agent_states",
        "Stretches of time in which agents were logged out, active or away.",
        _AGENT_ID,
        count("position", "The agent's states, in order, from 1."),
        Column(
            "from_at",
            Kind.TIMESTAMP,
            "When it began; null if it began at a time that nothing tells.",
        ),
        Column(
            "until_at",
            Kind.TIMESTAMP,
            "When it ended; null if it lasts at the end of what is loaded.",
        ),
        Column(
            "state",
            Kind.TEXT,
            "active, away, logged_out, or logged_in where active or away is not known.",
            nullable=False,
        ),
        Column("reason_id", Kind.TEXT, "What the agent is active with or why away: its id."),
        Column("reason_name", Kind.TEXT, "Its name; null where none was chosen or none is known."),
        _flag("is_beginning_seen", "Whether the event that began it is loaded."),
        key=("agent_id", "position"),
    ),
    reads=("agent_status_events",),
    checks=(
        Check(
            "each state begins when the one before it ends",
            "SELECT state.agent_id, state.position FROM agent_states AS state "
            "LEFT JOIN agent_states AS previous ON previous.agent_id = state.agent_id "
            "AND previous.position = state.position - 1 "
            "WHERE state.position > 1 "
            "AND (previous.until_at IS NULL OR previous.until_at <> state.from_at)",
        ),
        Check(
            "each state ends after it began",
            "SELECT agent_id, position, from_at, until_at FROM agent_states "
            "WHERE until_at <= from_at",
        ),
    ),
)

AGENT_AVAILABILITY_SPANS = Model(
    CORE,
    model_table(
        "agent_availability_spans",
        "Stretches of time in which agents were available for a channel.",
        _AGENT_ID,
        Column("channel", Kind.TEXT, "MAIL, MESSAGING, TASK or VOICE.", nullable=False),
        Column("from_at", Kind.TIMESTAMP, "When it began.", nullable=False),
        Column(
            "until_at",
            Kind.TIMESTAMP,
            "When it ended; null if it lasts at the end of what is loaded.",
        ),
        key=("agent_id", "channel", "from_at"),
    ),
    reads=("agent_availability_events", "agent_availability_channels"),
    checks=(
        Check(
            "each stretch ends after it began",
            "SELECT agent_id, channel, from_at, until_at FROM agent_availability_spans "
            "WHERE until_at <= from_at",
        ),
    ),
)

AGENT_CONTACT_SPANS = Model(
    CORE,
    model_table(
        "agent_contact_spans",
        "Stretches of time in which agents had a contact in hand, on hold, or finished it up.",
        _AGENT_ID,
        Column("contact_id", Kind.TEXT, "The contact.", nullable=False),
        CONVERSATION_ID,
        Column("activity", Kind.TEXT, "handling, on_hold or after_contact.", nullable=False),
        Column("from_at", Kind.TIMESTAMP, "When it began.", nullable=False),
        Column(
            "until_at",
            Kind.TIMESTAMP,
            "When it ended; null if it lasts at the end of what is loaded.",
        ),
        Column("told_by", Kind.TEXT, "events or work_session.", nullable=False),
        key=("agent_id", "contact_id", "activity", "from_at"),
    ),
    reads=("contact_events", "work_sessions", "conversation_identities"),
    checks=(
        Check(
            "each stretch ends after it began",
            "SELECT agent_id, contact_id, activity, from_at, until_at FROM agent_contact_spans "
            "WHERE until_at <= from_at",
        ),
    ),
    changes=by_conversation("contact_events", "work_sessions", or_none=True),
)

_AVAILABLE = tuple((channel.lower(), channel) for channel in ("VOICE", "MESSAGING", "MAIL", "TASK"))

AGENT_TIME_SLICES = Model(
    CORE,
    model_table(
        "agent_time_slices",
        "Agents' time, cut wherever something about an agent changes.",
        _AGENT_ID,
        Column("from_at", Kind.TIMESTAMP, "When the slice begins.", nullable=False),
        Column("until_at", Kind.TIMESTAMP, "When it ends.", nullable=False),
        Column("half_hour_start", Kind.TIMESTAMP, "The half hour it is in, UTC.", nullable=False),
        Column("local_date", Kind.DATE, "The local day it is on.", nullable=False),
        _seconds("seconds", "How long it is"),
        _flag("is_active", "Whether the agent was logged in and active."),
        _flag("is_away", "Whether the agent was logged in and away."),
        *(
            _flag(f"is_available_for_{name}", f"Whether the agent was available for {channel}.")
            for name, channel in _AVAILABLE
        ),
        count("contacts_handled", "Contacts the agent had in hand."),
        count("contacts_on_hold", "Contacts the agent had put on hold."),
        count("contacts_finished_up", "Contacts the agent was finishing up after their end."),
        key=("agent_id", "from_at"),
    ),
    reads=(
        "agent_states",
        "agent_availability_spans",
        "agent_contact_spans",
        "loaded_until",
        "local_days",
    ),
    changes=by_agent_day("local_days"),
    checks=(
        Check(
            "each slice lies within its half hour",
            "SELECT agent_id, from_at FROM agent_time_slices "
            "WHERE seconds <= 0 OR seconds > 1800 OR from_at < half_hour_start "
            "OR EPOCH_US(until_at) > EPOCH_US(half_hour_start) + 1800000000",
        ),
        Check(
            "no slice begins before the one before it ends",
            "SELECT agent_id, from_at FROM (SELECT agent_id, from_at, LAG(until_at) OVER "
            "(PARTITION BY agent_id ORDER BY from_at) AS previous_until "
            "FROM agent_time_slices) AS following WHERE from_at < previous_until",
        ),
    ),
)

_TIMES = (
    _seconds("logged_in_seconds", "Active and away"),
    _seconds("active_seconds", "Logged in and not away"),
    _seconds("away_seconds", "Logged in and away"),
    _seconds("available_seconds", "Available for any channel"),
)
_IS_PARTIAL = _flag(
    "is_partial",
    "Whether it begins before the first event about agents' status that is loaded, or before it is "
    "known since when this agent is logged in, or ends after the events that were read so far: "
    "times may be missing.",
)
_OCCUPANCY_RATE = Column(
    "occupancy_rate",
    Kind.NUMBER,
    "occupied_seconds as a fraction of active_seconds; null if that is 0.",
)


def _times_are_those_of_slices(table: str) -> Check:
    """No slice may be lost or counted twice: times of each agent add up to those of the slices."""
    return Check(
        "times add up to those of agent_time_slices",
        "SELECT slices.agent_id, slices.active, slices.away, slices.handling "  # noqa: S608 - declared names
        "FROM (SELECT agent_id, SUM(CASE WHEN is_active THEN seconds ELSE 0 END) AS active, "
        "SUM(CASE WHEN is_away THEN seconds ELSE 0 END) AS away, "
        "SUM(CASE WHEN contacts_handled > 0 THEN seconds ELSE 0 END) AS handling "
        "FROM agent_time_slices GROUP BY agent_id) AS slices "
        "LEFT JOIN (SELECT agent_id, SUM(active_seconds) AS active, SUM(away_seconds) AS away, "
        f"SUM(handling_seconds) AS handling FROM {table} GROUP BY agent_id) AS times "
        "ON times.agent_id = slices.agent_id WHERE times.agent_id IS NULL "
        "OR slices.active <> times.active OR slices.away <> times.away "
        "OR slices.handling <> times.handling",
    )


AGENT_HALF_HOURS = Model(
    MARTS,
    model_table(
        "agent_half_hours",
        "Agents' half hours: logged in, available, at work, in exact seconds.",
        _AGENT_ID,
        Column(
            "half_hour_start", Kind.TIMESTAMP, "Start of the half hour, in UTC.", nullable=False
        ),
        _IS_PARTIAL,
        *_TIMES,
        *(
            _seconds(f"available_for_{name}_seconds", f"Available for {channel}")
            for name, channel in _AVAILABLE
        ),
        _seconds("handling_seconds", "With one contact in hand or more"),
        _seconds("contact_seconds", "The same, counted for each contact in hand"),
        _seconds("on_hold_seconds", "With one contact on hold or more"),
        _seconds("after_contact_seconds", "Finishing up one contact or more after its end"),
        _seconds("occupied_seconds", "Active, and handling or finishing up a contact"),
        _OCCUPANCY_RATE,
        count("contacts_accepted", "Offers of contacts that the agent accepted."),
        key=("agent_id", "half_hour_start"),
    ),
    reads=(
        "agent_time_slices",
        "agent_states",
        "contact_events",
        "agent_status_events",
        "load_files",
    ),
    checks=(
        Check(
            "no time is below 0 or above 1800",
            "SELECT agent_id, half_hour_start FROM agent_half_hours "
            "WHERE LEAST(away_seconds, occupied_seconds, on_hold_seconds) < 0 OR GREATEST("
            "logged_in_seconds, available_seconds, handling_seconds, on_hold_seconds, "
            "after_contact_seconds) > 1800",
        ),
        Check(
            "active and away add up to logged in, and no part is longer than its whole",
            "SELECT agent_id, half_hour_start FROM agent_half_hours "
            "WHERE active_seconds + away_seconds <> logged_in_seconds "
            "OR occupied_seconds > active_seconds "
            "OR handling_seconds > contact_seconds "
            "OR GREATEST(available_for_voice_seconds, available_for_messaging_seconds, "
            "available_for_mail_seconds, available_for_task_seconds) > available_seconds",
        ),
        _times_are_those_of_slices("agent_half_hours"),
    ),
    examples=(
        Example(
            "How many agents were active in each half hour, and how busy were they?",
            """\
SELECT half_hour_start,
       COUNT(CASE WHEN active_seconds > 0 THEN agent_id END) AS agents_active,
       CAST(SUM(occupied_seconds) AS DOUBLE) / NULLIF(SUM(active_seconds), 0) AS occupancy_rate
FROM marts.agent_half_hours
WHERE NOT is_partial
GROUP BY half_hour_start
ORDER BY half_hour_start""",
        ),
        Example(
            "Were agents available when customers called?",
            """\
SELECT calls.half_hour_start, calls.contacts_inbound, calls.contacts_abandoned,
       COUNT(agent.agent_id) AS agents_available
FROM marts.service_level_half_hours AS calls
LEFT JOIN marts.agent_half_hours AS agent
  ON agent.half_hour_start = calls.half_hour_start AND agent.available_for_voice_seconds > 0
WHERE calls.channel = 'PHONE_CALL' AND calls.half_hour_start >= (
  SELECT MIN(half_hour_start) FROM marts.agent_half_hours WHERE NOT is_partial
)
GROUP BY calls.half_hour_start, calls.contacts_inbound, calls.contacts_abandoned
ORDER BY calls.half_hour_start""",
        ),
        Example(
            "How many contacts does each agent have in hand at once, on average?",
            """\
SELECT half_hour.agent_id, agent.name,
       CAST(SUM(half_hour.contact_seconds) AS DOUBLE) / SUM(half_hour.handling_seconds)
         AS contacts_at_once
FROM marts.agent_half_hours AS half_hour
LEFT JOIN gladly.agents AS agent ON agent.id = half_hour.agent_id
GROUP BY half_hour.agent_id, agent.name
HAVING SUM(half_hour.handling_seconds) > 0
ORDER BY contacts_at_once DESC, half_hour.agent_id COLLATE C""",
        ),
    ),
)

AGENT_DAYS = Model(
    MARTS,
    model_table(
        "agent_days",
        "Agents' days: how long they were there, and what they did.",
        _AGENT_ID,
        LOCAL_DATE,
        Column("agent_name", Kind.TEXT, "What the agent is called today; null if unknown."),
        _IS_PARTIAL,
        *_TIMES,
        _seconds("handling_seconds", "With one contact in hand or more"),
        _seconds("on_hold_seconds", "With one contact on hold or more"),
        _seconds("occupied_seconds", "Active, and handling or finishing up a contact"),
        _OCCUPANCY_RATE,
        Column("first_login_at", Kind.TIMESTAMP, "First log-in of the day; null if none."),
        Column("last_logout_at", Kind.TIMESTAMP, "Last log-out of the day; null if none."),
        count("logins", "Times the agent logged in."),
        count("logouts", "Times the agent logged out, or was logged out."),
        count("times_away", "Times the agent went away, or idled."),
        count("contacts_offered", "Offers of contacts to the agent."),
        count("contacts_accepted", "Offers that the agent accepted."),
        count("contacts_declined", "Offers that the agent declined."),
        count("contacts_missed", "Offers that the agent missed."),
        count("contacts_fulfilled", "Contacts whose service-level clock the agent stopped."),
        count("contacts_transferred", "Times the agent passed a contact on."),
        count("contacts_ended", "Contacts that ended and that the agent had worked on."),
        _seconds("handle_seconds", "Handle time of these contacts, by this agent"),
        _seconds("after_contact_seconds", "After-contact time of these contacts, by this agent"),
        count("messages_sent", "Messages the agent sent."),
        count("conversations_closed", "Times the agent closed a conversation."),
        count("topics_added", "Topics the agent added to conversations."),
        key=("agent_id", "local_date"),
    ),
    reads=(
        "agent_time_slices",
        "agent_states",
        "work_sessions",
        "agents",
        "agent_status_events",
        "contact_events",
        "conversation_events",
        "local_days",
        "load_files",
    ),
    checks=(
        Check(
            "no day is longer than itself",
            "SELECT agent.agent_id, agent.local_date FROM agent_days AS agent "
            "INNER JOIN local_days AS day ON day.local_date = agent.local_date "
            "WHERE GREATEST(agent.logged_in_seconds, agent.available_seconds, "
            "agent.handling_seconds, agent.on_hold_seconds) * 1000000 "
            "> EPOCH_US(day.ends_at) - EPOCH_US(day.starts_at)",
        ),
        Check(
            "active and away add up to logged in, and no part is longer than its whole",
            "SELECT agent_id, local_date FROM agent_days "
            "WHERE active_seconds + away_seconds <> logged_in_seconds "
            "OR occupied_seconds > active_seconds",
        ),
        _times_are_those_of_slices("agent_days"),
    ),
    examples=(
        Example(
            "When did each agent start and leave, and for how long were they away?",
            """\
SELECT local_date, agent_name, first_login_at, last_logout_at,
       CAST(logged_in_seconds AS BIGINT) // 60 AS minutes_logged_in,
       CAST(away_seconds AS BIGINT) // 60 AS minutes_away
FROM marts.agent_days
WHERE NOT is_partial
ORDER BY local_date, agent_id COLLATE C""",
        ),
        Example(
            "Which agents miss or decline most of what they are offered?",
            """\
SELECT agent_id, agent_name,
       SUM(contacts_offered) AS offered,
       SUM(contacts_missed) AS missed,
       SUM(contacts_declined) AS declined,
       CAST(SUM(contacts_missed + contacts_declined) AS DOUBLE) / SUM(contacts_offered)
         AS refused_rate
FROM marts.agent_days
GROUP BY agent_id, agent_name
HAVING SUM(contacts_offered) > 0
ORDER BY refused_rate DESC, agent_id COLLATE C""",
        ),
        Example(
            "How much did each team do on each day?",
            """\
SELECT day.local_date, team.team_name,
       COUNT(*) AS agents,
       SUM(day.contacts_ended) AS contacts_ended,
       SUM(day.messages_sent) AS messages_sent,
       SUM(day.conversations_closed) AS conversations_closed
FROM marts.agent_days AS day
JOIN marts.team_memberships AS team ON team.agent_id = day.agent_id AND team.is_current
GROUP BY day.local_date, team.team_id, team.team_name
ORDER BY day.local_date, team.team_id COLLATE C""",
        ),
    ),
)

TEAM_MEMBERSHIPS = Model(
    CORE,
    model_table(
        "team_memberships",
        "Which agents were in which team, and what both were called, as of any date.",
        Column("team_id", Kind.TEXT, "The team.", nullable=False),
        _AGENT_ID,
        Column("team_name", Kind.TEXT, "What the team was called; null if no list told."),
        Column("agent_name", Kind.TEXT, "What the agent was called; null if no list told."),
        Column("valid_from", Kind.TIMESTAMP, "When a list first showed it.", nullable=False),
        Column("valid_to", Kind.TIMESTAMP, "When a list first no longer did; null while so."),
        _flag("is_current", "Whether it is so today."),
        _flag(
            "is_beginning_seen",
            "Whether an earlier list did not show it; if false, it may always have been so.",
        ),
        key=("team_id", "agent_id", "valid_from"),
    ),
    reads=("team_history", "team_agent_history", "agent_history"),
    checks=(
        Check(
            "no stretch begins before the one before it ends",
            "SELECT team_id, agent_id, valid_from FROM (SELECT team_id, agent_id, valid_from, "
            "valid_to, LEAD(valid_from) OVER (PARTITION BY team_id, agent_id ORDER BY valid_from) "
            "AS next_from FROM team_memberships) AS following "
            "WHERE valid_to <= valid_from OR next_from < valid_to "
            "OR (valid_to IS NULL AND next_from IS NOT NULL)",
        ),
    ),
)

AGENT_MODELS = (
    WORK_SESSIONS,
    AGENT_STATES,
    AGENT_AVAILABILITY_SPANS,
    AGENT_AVAILABILITY_HALF_HOURS,
    AGENT_CONTACT_SPANS,
    AGENT_TIME_SLICES,
    AGENT_HALF_HOURS,
    AGENT_DAYS,
    TEAM_MEMBERSHIPS,
)
