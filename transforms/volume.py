"""What customers write about, and where: declarations of the models of volume, reasons and AI."""

from __future__ import annotations

from sources.tables.declarations import Column, Kind
from transforms.changes import by_conversation, by_day
from transforms.conversations import KEY_CONVERSATION_ID
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

_VOLUMES = (
    Column("contacts_started", Kind.INTEGER, "Contacts that began.", nullable=False),
    Column("messages_inbound", Kind.INTEGER, "Messages that came in.", nullable=False),
    Column("messages_outbound", Kind.INTEGER, "Messages that went out.", nullable=False),
    Column("calls_inbound", Kind.INTEGER, "Calls and voicemails that came in.", nullable=False),
    Column("calls_outbound", Kind.INTEGER, "Calls that went out.", nullable=False),
)

CONVERSATION_CHANNEL_DAYS = Model(
    CORE,
    model_table(
        "conversation_channel_days",
        "Days and channels on which there was contact in conversations, and how much.",
        Column(
            "conversation_id",
            Kind.TEXT,
            "The conversation, as it is called after merges; empty for none.",
            nullable=False,
        ),
        LOCAL_DATE,
        Column(
            "channel",
            Kind.TEXT,
            "As events name it, such as EMAIL; empty where a contact tells none.",
            nullable=False,
        ),
        *_VOLUMES,
        Column("first_at", Kind.TIMESTAMP, "The first contact of that day.", nullable=False),
        key=("conversation_id", "local_date", "channel"),
    ),
    reads=(
        "contact_events",
        "work_session_events",
        "conversation_identities",
        "conversation_timeline",
        "local_days",
    ),
    changes=by_conversation(
        "contact_events", "work_session_events", "conversation_timeline", or_none=True
    ),
    checks=(
        Check(
            "each first_at is in its day",
            "SELECT contact.conversation_id, contact.local_date, contact.first_at "
            "FROM conversation_channel_days AS contact "
            "INNER JOIN local_days AS day ON day.local_date = contact.local_date "
            "WHERE contact.first_at < day.starts_at OR contact.first_at >= day.ends_at",
        ),
        Check(
            "each message and call of a known day is counted once",
            "SELECT counted.items, sent.items AS sent_items FROM ("
            "SELECT SUM(messages_inbound + messages_outbound + calls_inbound + calls_outbound) "
            "AS items FROM conversation_channel_days) AS counted CROSS JOIN ("
            "SELECT COUNT(*) AS items FROM conversation_timeline AS entry CROSS JOIN ("
            "SELECT MIN(starts_at) AS first_at, MAX(ends_at) AS end_at FROM local_days) AS days "
            "WHERE entry.kind IN ('message', 'call') AND entry.occurred_at >= days.first_at "
            "AND entry.occurred_at < days.end_at) AS sent "
            "WHERE COALESCE(counted.items, 0) <> sent.items",
        ),
    ),
)

CONVERSATION_PARTICIPATION = Model(
    CORE,
    model_table(
        "conversation_participation",
        "Whether AI and agents took part in conversations, and how these stand.",
        Column(
            "conversation_id",
            Kind.TEXT,
            "The conversation, as it is called after merges.",
            nullable=False,
        ),
        Column("has_ai", Kind.BOOLEAN, "Whether there is any sign of AI in it.", nullable=False),
        Column(
            "first_ai_at", Kind.TIMESTAMP, "The first sign of AI; null for none, or for no time."
        ),
        Column(
            "has_agent",
            Kind.BOOLEAN,
            "Whether there is any sign of an agent: a message, a call, a contact, an assignment.",
            nullable=False,
        ),
        Column(
            "first_agent_at",
            Kind.TIMESTAMP,
            "The first sign of an agent; null for none, or for no time.",
        ),
        Column(
            "has_contact",
            Kind.BOOLEAN,
            "Whether a contact of it is loaded: an event of one, or a work session.",
            nullable=False,
        ),
        Column("messages", Kind.INTEGER, "Its messages, of whomever.", nullable=False),
        Column("calls", Kind.INTEGER, "Its calls and voicemails.", nullable=False),
        Column("status", Kind.TEXT, "OPEN, WAITING or CLOSED; null where nothing tells."),
        Column(
            "is_reopened",
            Kind.BOOLEAN,
            "Whether another status was ever told after CLOSED.",
            nullable=False,
        ),
        Column("last_at", Kind.TIMESTAMP, "Its last item, event or session."),
        key=("conversation_id",),
    ),
    reads=(
        "conversation_timeline",
        "phone_calls",
        "contact_events",
        "conversation_events",
        "conversation_identities",
        "work_session_events",
        "report_gladly_ai_sessions_detail",
        "report_gladly_ai_sessions_detail_with_messages",
        "conversations",
    ),
    changes=by_conversation(
        "conversation_timeline",
        "contact_events",
        "conversation_events",
        "work_session_events",
        "report_gladly_ai_sessions_detail",
        "report_gladly_ai_sessions_detail_with_messages",
        conversations="id",
    ),
    checks=(
        Check(
            "each conversation with an item is there",
            "SELECT entry.conversation_id, entry.item_id FROM conversation_timeline AS entry "
            "LEFT JOIN conversation_participation AS conversation "
            "ON conversation.conversation_id = entry.conversation_id "
            "WHERE entry.conversation_id <> '' AND conversation.conversation_id IS NULL",
        ),
    ),
)

CHANNEL_VOLUME = Model(
    MARTS,
    model_table(
        "channel_volume",
        "Contact by local day and channel; all but conversations adds up.",
        LOCAL_DATE,
        Column(
            "channel",
            Kind.TEXT,
            "As events name it, such as EMAIL; empty where a contact tells none.",
            nullable=False,
        ),
        Column(
            "conversations",
            Kind.INTEGER,
            "Conversations with contact on it that day; not additive over channels or days.",
            nullable=False,
        ),
        Column(
            "conversations_begun_here",
            Kind.INTEGER,
            "Those whose first contact of the day was on it; additive over channels.",
            nullable=False,
        ),
        *_VOLUMES,
        key=("local_date", "channel"),
    ),
    reads=("conversation_channel_days",),
    checks=(
        Check(
            "no more conversations begin their day on a channel than are on it",
            "SELECT local_date, channel FROM channel_volume "
            "WHERE conversations_begun_here > conversations",
        ),
        Check(
            "each conversation of a day begins it on one channel",
            "SELECT counted.local_date, counted.conversations, begun.conversations AS begun "
            "FROM (SELECT local_date, COUNT(DISTINCT conversation_id) AS conversations "
            "FROM conversation_channel_days GROUP BY local_date) AS counted "
            "LEFT JOIN (SELECT local_date, SUM(conversations_begun_here) AS conversations "
            "FROM channel_volume GROUP BY local_date) AS begun "
            "ON begun.local_date = counted.local_date "
            "WHERE begun.conversations IS NULL OR begun.conversations <> counted.conversations",
        ),
    ),
    changes=by_day("conversation_channel_days"),
    examples=(
        Example(
            "What share of contacts comes by each channel?",
            """\
SELECT channel, SUM(contacts_started) AS contacts,
       CAST(SUM(contacts_started) AS DOUBLE) / NULLIF(SUM(SUM(contacts_started)) OVER (), 0)
         AS contact_fraction
FROM marts.channel_volume
GROUP BY channel
ORDER BY contacts DESC, channel COLLATE C""",
        ),
        Example(
            "How many conversations were there on each day, and how much was said in them?",
            """\
SELECT local_date,
       SUM(conversations_begun_here) AS conversations,
       SUM(messages_inbound + messages_outbound) AS messages,
       SUM(calls_inbound + calls_outbound) AS calls
FROM marts.channel_volume
GROUP BY local_date
ORDER BY local_date""",
        ),
    ),
)

TOPIC_VOLUME = Model(
    MARTS,
    model_table(
        "topic_volume",
        "Contact by local day and topic; not additive over topics.",
        LOCAL_DATE,
        Column(
            "topic_id",
            Kind.TEXT,
            "A topic that conversations have now; empty for those without any.",
            nullable=False,
        ),
        Column("topic_path", Kind.TEXT, "Names from its root down; null where it is not loaded."),
        Column(
            "conversations",
            Kind.INTEGER,
            "Conversations with the topic and with contact that day.",
            nullable=False,
        ),
        Column(
            "conversations_of_day",
            Kind.INTEGER,
            "All conversations with contact that day, each once.",
            nullable=False,
        ),
        Column(
            "conversation_fraction",
            Kind.NUMBER,
            "conversations over conversations_of_day; over all topics more than 1 in sum.",
            nullable=False,
        ),
        *_VOLUMES,
        key=("local_date", "topic_id"),
    ),
    reads=(
        "conversation_channel_days",
        "conversation_topics_over_time",
        "topic_hierarchy",
    ),
    checks=(
        Check(
            "no topic has more conversations than the day",
            "SELECT local_date, topic_id FROM topic_volume "
            "WHERE conversations > conversations_of_day OR conversations < 1",
        ),
    ),
    changes=by_day("conversation_channel_days"),
    examples=(
        Example(
            "What were the five main topics of each day?",
            """\
WITH ranked AS (
  SELECT local_date, topic_path, conversations, conversation_fraction,
         ROW_NUMBER() OVER (
           PARTITION BY local_date ORDER BY conversations DESC, topic_id COLLATE C
         ) AS place
  FROM marts.topic_volume
  WHERE topic_id <> ''
)
SELECT local_date, place, topic_path, conversations, conversation_fraction
FROM ranked
WHERE place <= 5
ORDER BY local_date, place""",
        ),
        Example(
            "How many conversations of each day have no topic?",
            """\
SELECT local_date, conversations, conversations_of_day, conversation_fraction
FROM marts.topic_volume
WHERE topic_id = ''
ORDER BY local_date""",
        ),
    ),
)

_AVERAGE_HANDLE = "Handle and after-contact time, of those that have any, on average; null for none"

CONVERSATION_REASONS = Model(
    CORE,
    model_table(
        "conversation_reasons",
        "Conversations with contact under each topic they have, and how much work they were.",
        KEY_CONVERSATION_ID,
        Column("topic_id", Kind.TEXT, "The topic; empty for none.", nullable=False),
        Column("position", Kind.INTEGER, "Of the conversation's topics, from 1.", nullable=False),
        count("topics", "How many it has."),
        Column("is_reopened", Kind.BOOLEAN, "Whether it was open after a close.", nullable=False),
        Column("has_ai", Kind.BOOLEAN, "Whether AI took part in it.", nullable=False),
        count("messages", "Its messages, of whomever."),
        Column(
            "handle_microseconds",
            Kind.INTEGER,
            "Handle and after-contact time of agents in it; null where no work session of it "
            "ended.",
        ),
        key=("conversation_id", "topic_id"),
    ),
    reads=(
        "work_session_events",
        "conversation_identities",
        "conversation_participation",
        "conversation_topics_over_time",
    ),
    checks=(
        Check(
            "topics of a conversation are numbered from 1",
            "SELECT conversation_id, MAX(topics) AS topics FROM conversation_reasons "
            "GROUP BY conversation_id HAVING MIN(position) <> 1 OR MAX(position) <> COUNT(*) "
            "OR COUNT(*) <> GREATEST(MAX(topics), 1)",
        ),
    ),
    changes=by_conversation(
        "work_session_events", "conversation_participation", "conversation_topics_over_time"
    ),
)

CONTACT_REASONS = Model(
    MARTS,
    model_table(
        "contact_reasons",
        "Topics as reasons of contact: how often, how much work, how often again, how much by AI.",
        Column("topic_id", Kind.TEXT, "The topic; empty for none.", nullable=False),
        Column("topic_path", Kind.TEXT, "Names from its root down; null where it is not loaded."),
        Column("conversations", Kind.INTEGER, "Conversations with the topic.", nullable=False),
        Column("all_conversations", Kind.INTEGER, "All conversations, each once.", nullable=False),
        Column("conversation_fraction", Kind.NUMBER, "conversations over all_conversations."),
        Column(
            "reopened_conversations",
            Kind.INTEGER,
            "Those that were open again after a close.",
            nullable=False,
        ),
        Column("reopened_rate", Kind.NUMBER, "Their share of conversations; null for none."),
        Column("ai_conversations", Kind.INTEGER, "Those that AI took part in.", nullable=False),
        Column("ai_rate", Kind.NUMBER, "Their share of conversations; null for none."),
        Column("messages", Kind.INTEGER, "Their messages, of whomever.", nullable=False),
        Column("messages_per_conversation", Kind.NUMBER, "On average; null for none."),
        Column(
            "worked_conversations",
            Kind.INTEGER,
            "Those with a work session that ended.",
            nullable=False,
        ),
        Column(
            "handle_seconds",
            Kind.DECIMAL,
            "Handle and after-contact time of agents in them.",
            nullable=False,
        ),
        Column("average_handle_seconds", Kind.NUMBER, f"{_AVERAGE_HANDLE}."),
        Column(
            "conversations_with_subtopics",
            Kind.INTEGER,
            "Conversations with the topic or any below it, each once.",
            nullable=False,
        ),
        Column(
            "conversation_fraction_with_subtopics",
            Kind.NUMBER,
            "conversations_with_subtopics over all_conversations.",
        ),
        Column(
            "reopened_conversations_with_subtopics",
            Kind.INTEGER,
            "Those of them that were open again after a close.",
            nullable=False,
        ),
        Column(
            "reopened_rate_with_subtopics",
            Kind.NUMBER,
            "Their share of conversations_with_subtopics; null for none.",
        ),
        Column(
            "worked_conversations_with_subtopics",
            Kind.INTEGER,
            "Those of them with a work session that ended.",
            nullable=False,
        ),
        Column(
            "handle_seconds_with_subtopics",
            Kind.DECIMAL,
            "Handle and after-contact time of agents in them.",
            nullable=False,
        ),
        Column(
            "average_handle_seconds_with_subtopics",
            Kind.NUMBER,
            f"{_AVERAGE_HANDLE}, subtopics included.",
        ),
        key=("topic_id",),
    ),
    reads=("topic_hierarchy", "conversation_reasons"),
    checks=(
        Check(
            "a topic and all below it have at least the conversations of the topic, and not more "
            "than there are",
            "SELECT topic_id, conversations, conversations_with_subtopics FROM contact_reasons "
            "WHERE conversations_with_subtopics < conversations "
            "OR conversations_with_subtopics > all_conversations",
        ),
        Check(
            "each topic that is loaded is there",
            "SELECT topic.topic_id FROM topic_hierarchy AS topic "
            "LEFT JOIN contact_reasons AS reason ON reason.topic_id = topic.topic_id "
            "WHERE reason.topic_id IS NULL",
        ),
    ),
    examples=(
        Example(
            "Which topics take most of agents' time, in minutes?",
            """\
SELECT topic_path, conversations,
       CAST(handle_seconds AS BIGINT) // 60 AS minutes,
       average_handle_seconds / 60 AS average_minutes
FROM marts.contact_reasons
ORDER BY handle_seconds DESC, topic_id COLLATE C
LIMIT 10""",
        ),
        Example(
            "What do whole branches of topics come to?",
            """\
SELECT topic.name, reason.conversations_with_subtopics,
       reason.conversation_fraction_with_subtopics, reason.reopened_rate_with_subtopics
FROM marts.contact_reasons AS reason
JOIN marts.topic_hierarchy AS topic ON topic.topic_id = reason.topic_id
WHERE topic.level = 1
ORDER BY reason.conversations_with_subtopics DESC, reason.topic_id COLLATE C""",
        ),
        Example(
            "Which topics come back most often, and which does AI take part in?",
            """\
SELECT topic_path, conversations, reopened_rate, ai_rate
FROM marts.contact_reasons
WHERE conversations > 0
ORDER BY reopened_rate DESC, topic_id COLLATE C""",
        ),
    ),
)

AI_CONTAINMENT = Model(
    MARTS,
    model_table(
        "ai_containment",
        "Conversations with AI by local day: dealt with alone, handed to an agent, or undecided.",
        LOCAL_DATE,
        Column(
            "ai_conversations",
            Kind.INTEGER,
            "Conversations with their first sign of AI on that day.",
            nullable=False,
        ),
        Column(
            "contained_conversations",
            Kind.INTEGER,
            "Those without an agent that are closed, or quiet for 24 hours.",
            nullable=False,
        ),
        Column(
            "handed_conversations",
            Kind.INTEGER,
            "Those in which an agent took part too.",
            nullable=False,
        ),
        Column(
            "undecided_conversations",
            Kind.INTEGER,
            "Those that may still go either way.",
            nullable=False,
        ),
        Column(
            "containment_rate",
            Kind.NUMBER,
            "contained over contained and handed; null where none is decided.",
        ),
        Column("contacts_started", Kind.INTEGER, "Contacts that began that day.", nullable=False),
        Column(
            "contained_without_contact",
            Kind.INTEGER,
            "Contained conversations of which no contact is loaded, as Gladly makes none.",
            nullable=False,
        ),
        Column(
            "demand",
            Kind.INTEGER,
            "contacts_started and contained_without_contact: what came in, with AI or without.",
            nullable=False,
        ),
        key=("local_date",),
    ),
    reads=("conversation_participation", "conversation_channel_days", "local_days"),
    checks=(
        Check(
            "each conversation with AI is contained, handed or undecided",
            "SELECT local_date FROM ai_containment WHERE undecided_conversations < 0 "
            "OR contained_conversations + handed_conversations + undecided_conversations "
            "<> ai_conversations",
        ),
    ),
    examples=(
        Example(
            "What share of its conversations does AI deal with alone?",
            """\
SELECT SUM(contained_conversations) AS contained,
       SUM(handed_conversations) AS handed,
       CAST(SUM(contained_conversations) AS DOUBLE)
         / NULLIF(SUM(contained_conversations + handed_conversations), 0) AS containment_rate
FROM marts.ai_containment""",
        ),
        Example(
            "How much came in on each day, and how much of it do contacts alone not show?",
            """\
SELECT local_date, demand, contacts_started, contained_without_contact
FROM marts.ai_containment
ORDER BY local_date""",
        ),
    ),
)

VOLUME_MODELS: tuple[Model, ...] = (
    CONVERSATION_CHANNEL_DAYS,
    CONVERSATION_PARTICIPATION,
    CHANNEL_VOLUME,
    TOPIC_VOLUME,
    CONVERSATION_REASONS,
    CONTACT_REASONS,
    AI_CONTAINMENT,
)
