"""Conversations by the day and the hour: declarations of the marts of how they went."""

from __future__ import annotations

from dataclasses import replace

from sources.tables.declarations import Column, Kind
from transforms.changes import CONVERSATION_SLICES, by_conversation, by_day
from transforms.conversations import CUSTOMER_ID, KEY_CONVERSATION_ID
from transforms.declarations import CORE, MARTS, Check, Example, Model, count, model_table


def _rate(name: str, description: str) -> Column:
    return Column(name, Kind.NUMBER, f"{description} Null if there are none.")


RESPONSE_TIMES = Model(
    MARTS,
    model_table(
        "response_times",
        "How long customers waited for agents' messages, by day, channel and kind of response.",
        Column("local_date", Kind.DATE, "The day on which agents responded.", nullable=False),
        Column("channel", Kind.TEXT, "Of the response, such as EMAIL.", nullable=False),
        Column(
            "response",
            Kind.TEXT,
            "first of its conversation, later, or unknown where earlier items may be missing.",
            nullable=False,
        ),
        count("responses", "Responses: messages of agents that answer."),
        Column(
            "average_response_seconds", Kind.NUMBER, "Mean time waited for them.", nullable=False
        ),
        Column("median_response_seconds", Kind.DECIMAL, "Half waited no longer.", nullable=False),
        Column(
            "percentile_90_response_seconds",
            Kind.DECIMAL,
            "Nine of ten waited no longer.",
            nullable=False,
        ),
        count("business_responses", "Responses whose wait is known in business hours as well."),
        Column(
            "average_business_response_seconds",
            Kind.NUMBER,
            "Mean of what was waited within business hours; null if there are none.",
        ),
        Column(
            "median_business_response_seconds",
            Kind.DECIMAL,
            "Half waited no longer within business hours; null if there are none.",
        ),
        Column(
            "percentile_90_business_response_seconds",
            Kind.DECIMAL,
            "Nine of ten waited no longer within business hours; null if there are none.",
        ),
        key=("local_date", "channel", "response"),
    ),
    reads=("messages", "local_days"),
    checks=(
        Check(
            "responses add up to the messages that answer on days that are loaded",
            "SELECT told.answers, counted.responses FROM (SELECT COUNT(*) AS answers "
            "FROM messages AS message INNER JOIN local_days AS day "
            "ON message.occurred_at >= day.starts_at AND message.occurred_at < day.ends_at "
            "WHERE message.answered_item_id IS NOT NULL) AS told "
            "CROSS JOIN (SELECT COALESCE(SUM(responses), 0) AS responses FROM response_times) "
            "AS counted WHERE told.answers <> counted.responses",
        ),
        Check(
            "no median is above the 90th percentile, and no business time above the calendar's",
            "SELECT local_date, channel, response FROM response_times "
            "WHERE median_response_seconds > percentile_90_response_seconds "
            "OR median_business_response_seconds > percentile_90_business_response_seconds "
            "OR (business_responses = responses AND "
            "percentile_90_business_response_seconds > percentile_90_response_seconds)",
        ),
    ),
    changes=by_day("local_days"),
    examples=(
        Example(
            "How long did customers wait for first responses, and how long in business hours?",
            """\
SELECT local_date, channel, responses, median_response_seconds,
       percentile_90_response_seconds, median_business_response_seconds
FROM marts.response_times
WHERE response = 'first'
ORDER BY local_date, channel""",
        ),
        Example(
            "Do first responses take longer than those that follow?",
            """\
SELECT opening.local_date, opening.channel,
       opening.median_response_seconds AS first_seconds,
       later.median_response_seconds AS later_seconds
FROM marts.response_times AS opening
JOIN marts.response_times AS later
  ON later.local_date = opening.local_date AND later.channel = opening.channel
WHERE opening.response = 'first' AND later.response = 'later'
ORDER BY opening.local_date, opening.channel""",
        ),
    ),
)

CONVERSATIONS_CLOSED = Model(
    MARTS,
    model_table(
        "conversations_closed",
        "Conversations that are closed, by the day of their last close: how they went.",
        Column("local_date", Kind.DATE, "The day of the last close.", nullable=False),
        count("conversations_closed", "Conversations that are closed since that day."),
        count("one_touch_known", "Those of which is_one_touch is known."),
        count("one_touch", "Those resolved by one message or answered call, never reopened."),
        _rate("one_touch_rate", "one_touch of one_touch_known."),
        count("reopened", "Those that had been reopened."),
        _rate("reopened_rate", "reopened of conversations_closed."),
        _rate("average_times_closed", "Closes of a conversation, on average."),
        count("multichannel", "Those with messages or calls on more than one channel."),
        _rate("multichannel_fraction", "multichannel of conversations_closed."),
        count("created_known", "Those of which the creation is known."),
        _rate("average_created_to_last_closed_seconds", "From creation to last close, of these."),
        count("business_time_known", "Those of which that is known in business hours as well."),
        _rate("average_business_created_to_last_closed_seconds", "Business hours in it, of these."),
        key=("local_date",),
    ),
    reads=("conversation_facts", "local_days"),
    checks=(
        Check(
            "conversations add up to those that are closed on days that are loaded",
            "SELECT told.closed, counted.conversations FROM (SELECT COUNT(*) AS closed "
            "FROM conversation_facts AS fact INNER JOIN local_days AS day "
            "ON fact.last_closed_at >= day.starts_at AND fact.last_closed_at < day.ends_at "
            "WHERE fact.status = 'CLOSED') AS told CROSS JOIN "
            "(SELECT COALESCE(SUM(conversations_closed), 0) AS conversations "
            "FROM conversations_closed) AS counted WHERE told.closed <> counted.conversations",
        ),
        Check(
            "no part is more than the whole",
            "SELECT local_date FROM conversations_closed "
            "WHERE one_touch_known > conversations_closed OR one_touch > one_touch_known "
            "OR reopened > conversations_closed OR multichannel > conversations_closed "
            "OR created_known > conversations_closed OR business_time_known > created_known "
            "OR average_times_closed < 1",
        ),
    ),
    changes=by_day("local_days"),
    examples=(
        Example(
            "How many conversations did one touch resolve, and how many came back?",
            """\
SELECT SUM(conversations_closed) AS closed,
       CAST(SUM(one_touch) AS DOUBLE) / NULLIF(SUM(one_touch_known), 0) AS one_touch_rate,
       CAST(SUM(reopened) AS DOUBLE) / NULLIF(SUM(conversations_closed), 0) AS reopened_rate
FROM marts.conversations_closed""",
        ),
        Example(
            "On which days did it take longest to resolve conversations, in hours?",
            """\
SELECT local_date, conversations_closed,
       average_created_to_last_closed_seconds / 3600 AS hours,
       average_business_created_to_last_closed_seconds / 3600 AS business_hours
FROM marts.conversations_closed
ORDER BY hours DESC, local_date
LIMIT 10""",
        ),
    ),
)

BACKLOG_CHANGES = Model(
    CORE,
    model_table(
        "backlog_changes",
        "When each conversation came into the backlog, and when it left it.",
        KEY_CONVERSATION_ID,
        Column(
            "position",
            Kind.INTEGER,
            "That of the status it had from then on; 0 where it was open before its first.",
            nullable=False,
        ),
        Column("changed_at", Kind.TIMESTAMP, "When it came or left.", nullable=False),
        count("opened", "1 where it came: created or reopened."),
        count("closed", "1 where it left: closed."),
        key=("conversation_id", "position"),
    ),
    reads=("conversation_beginnings", "conversation_statuses"),
    checks=(
        Check(
            "who comes or goes was out or in before",
            "SELECT told.conversation_id, told.position FROM ("
            "SELECT conversation_id, position, opened, closed, LAG(closed) OVER ("
            "PARTITION BY conversation_id ORDER BY position) AS closed_before "
            "FROM backlog_changes) AS told "
            "WHERE told.opened + told.closed <> 1 "
            "OR told.opened <> COALESCE(told.closed_before, 1)",
        ),
    ),
    changes=by_conversation("conversation_beginnings", "conversation_statuses"),
)

BACKLOG_BY_HOUR = Model(
    MARTS,
    model_table(
        "backlog_by_hour",
        "How many conversations were open at each hour, and what came and went in it.",
        Column("hour_start", Kind.TIMESTAMP, "Start of the hour, in UTC.", nullable=False),
        count("open_at_start", "Conversations that were open or waiting when it began."),
        count("opened", "Conversations created or reopened within it; each time counts."),
        count("closed", "Conversations closed within it; each time counts."),
        key=("hour_start",),
    ),
    reads=("backlog_changes", "loaded_until", "local_days"),
    checks=(
        Check(
            "what is open at an hour is what was at the hour before, with what came and went",
            "SELECT this.hour_start, following.open_at_start FROM backlog_by_hour AS this "
            "INNER JOIN backlog_by_hour AS following "
            "ON EPOCH_US(following.hour_start) = EPOCH_US(this.hour_start) + 3600000000 "
            "WHERE following.open_at_start <> this.open_at_start + this.opened - this.closed",
        ),
        Check(
            "no hour is left out, and nothing below 0 is open",
            "SELECT this.hour_start, this.open_at_start FROM backlog_by_hour AS this "
            "LEFT JOIN backlog_by_hour AS following "
            "ON EPOCH_US(following.hour_start) = EPOCH_US(this.hour_start) + 3600000000 "
            "CROSS JOIN (SELECT MAX(hour_start) AS hour_start FROM backlog_by_hour) AS final "
            "WHERE this.open_at_start < 0 OR (following.hour_start IS NULL "
            "AND this.hour_start <> final.hour_start)",
        ),
    ),
    examples=(
        Example(
            "How many conversations were open when each day began, and did more come than go?",
            """\
SELECT day.local_date,
       SUM(CASE WHEN hour.hour_start = day.starts_at THEN hour.open_at_start END)
         AS open_at_midnight,
       SUM(hour.opened) AS opened,
       SUM(hour.closed) AS closed
FROM marts.backlog_by_hour AS hour
JOIN marts.local_days AS day
  ON hour.hour_start >= day.starts_at AND hour.hour_start < day.ends_at
GROUP BY day.local_date
ORDER BY day.local_date""",
        ),
        Example(
            "When was most open?",
            """\
SELECT hour_start, open_at_start
FROM marts.backlog_by_hour
ORDER BY open_at_start DESC, hour_start
LIMIT 10""",
        ),
        Example(
            "At which hours of the local day does the backlog grow?",
            """\
SELECT (EPOCH_US(hour.hour_start) - EPOCH_US(day.starts_at)) // 3600000000
         AS hours_after_midnight,
       SUM(hour.opened - hour.closed) AS growth
FROM marts.backlog_by_hour AS hour
JOIN marts.local_days AS day
  ON hour.hour_start >= day.starts_at AND hour.hour_start < day.ends_at
GROUP BY hours_after_midnight
ORDER BY hours_after_midnight""",
        ),
    ),
)

CONVERSATION_LINES = Model(
    CORE,
    model_table(
        "conversation_lines",
        "Messages, calls and notes of conversations that are being built, each as a line of text.",
        Column("item_id", Kind.TEXT, "The item.", nullable=False),
        KEY_CONVERSATION_ID,
        Column("occurred_at", Kind.TIMESTAMP, "When it was said or done."),
        Column("kind", Kind.TEXT, "message, call or note.", nullable=False),
        Column("author_type", Kind.TEXT, "Type of who said or did it, such as AGENT."),
        Column("is_redacted", Kind.BOOLEAN, "Whether its text was redacted.", nullable=False),
        Column("line", Kind.PROSE, "When, who, on which channel, and what.", nullable=False),
        key=("item_id",),
    ),
    reads=(
        "conversation_timeline",
        "redacted_items",
        "agents",
        "agent_history",
        "customers",
        "customer_profiles",
        "customer_identities",
    ),
    changes=replace(by_conversation("conversation_timeline"), is_all=True),
    slices=CONVERSATION_SLICES.name,
    slices_at_once=5,
    is_gathered=True,
    checks=(
        Check(
            "each message, call and note of a conversation is a line",
            "SELECT entry.item_id, entry.conversation_id, entry.kind "
            "FROM conversation_timeline AS entry "
            "LEFT JOIN conversation_lines AS line ON line.item_id = entry.item_id "
            "WHERE entry.kind IN ('message', 'call', 'note') "
            "AND entry.conversation_id IS NOT NULL AND line.item_id IS NULL",
        ),
        Check(
            "each line is one line",
            "SELECT item_id FROM conversation_lines WHERE POSITION(CHR(10) IN line) > 0",
        ),
    ),
)

CONVERSATION_TEXTS = Model(
    MARTS,
    model_table(
        "conversation_texts",
        "Conversations as text: messages, summaries of calls and notes, a line each, in order.",
        KEY_CONVERSATION_ID,
        CUSTOMER_ID,
        Column("first_said_at", Kind.TIMESTAMP, "When the first of it was said or written."),
        Column("last_said_at", Kind.TIMESTAMP, "When the last of it was said or written."),
        count("line_count", "Lines of the text: messages, calls and notes."),
        count("messages", "Messages, whoever wrote them."),
        count("messages_from_customer", "Messages of the customer."),
        count("messages_from_agents", "Messages of agents."),
        count("calls", "Calls and voicemails, of which the text has the summary."),
        count("notes", "Internal notes, which customers never saw."),
        count("characters", "Length of the text."),
        Column(
            "contains_redacted",
            Kind.BOOLEAN,
            "Whether a text of it was redacted, and is missing here.",
            nullable=False,
        ),
        Column(
            "text",
            Kind.PROSE,
            "A line an item: [2026-03-02 10:00:00 UTC] Agent Amy Agent (CHAT): what was said.",
            nullable=False,
        ),
        key=("conversation_id",),
    ),
    reads=("conversation_lines", "conversation_beginnings"),
    changes=by_conversation("conversation_lines", "conversation_beginnings"),
    slices=CONVERSATION_SLICES.name,
    checks=(
        Check(
            "each line of a conversation is in its text",
            "SELECT told.entries, counted.lines FROM (SELECT COUNT(*) AS entries "
            "FROM conversation_lines) AS told CROSS JOIN "
            "(SELECT COALESCE(SUM(line_count), 0) AS lines FROM conversation_texts) AS counted "
            "WHERE told.entries <> counted.lines",
        ),
        Check(
            "each text has as many lines as it says",
            "SELECT conversation_id, line_count FROM conversation_texts "
            "WHERE LENGTH(text) - LENGTH(REPLACE(text, CHR(10), '')) <> line_count - 1",
        ),
    ),
    examples=(
        Example(
            "What was said in the latest conversations that mention an order?",
            """\
SELECT conversation_id, last_said_at, text
FROM marts.conversation_texts
WHERE LOWER(text) LIKE '%order%'
ORDER BY last_said_at DESC, conversation_id COLLATE C
LIMIT 10""",
        ),
        Example(
            "What has been said so far in the conversations that are open, longest quiet first?",
            """\
SELECT said.conversation_id, fact.agent_id, said.last_said_at, said.text
FROM marts.conversation_texts AS said
JOIN marts.conversation_facts AS fact ON fact.conversation_id = said.conversation_id
WHERE fact.status = 'OPEN'
ORDER BY said.last_said_at, said.conversation_id COLLATE C
LIMIT 10""",
        ),
        Example(
            "How long are the texts, in thousands of characters, before they go into a prompt?",
            """\
SELECT characters // 1000 AS thousands, COUNT(*) AS conversations
FROM marts.conversation_texts
GROUP BY thousands
ORDER BY thousands""",
        ),
    ),
)

CONVERSATION_MART_MODELS: tuple[Model, ...] = (
    RESPONSE_TIMES,
    CONVERSATIONS_CLOSED,
    BACKLOG_CHANGES,
    BACKLOG_BY_HOUR,
    CONVERSATION_LINES,
    CONVERSATION_TEXTS,
)
