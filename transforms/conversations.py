"""Conversations and their items: declarations of the models of what was said and done in them."""

from __future__ import annotations

from sources.tables.declarations import Column, Kind
from transforms.changes import CONVERSATION_SLICES, by_conversation, by_item
from transforms.declarations import CORE, Check, Example, Model, count, model_table

CONVERSATION_ID = Column(
    "conversation_id", Kind.TEXT, "The conversation, as it is called after merges."
)
CUSTOMER_ID = Column("customer_id", Kind.TEXT, "The customer, as they are called after merges.")

_TYPED = (
    "conversation_items",
    "chat_messages",
    "emails",
    "sms_messages",
    "facebook_messages",
    "instagram_messages",
    "whatsapp_messages",
    "twitter_messages",
    "voice_ai_messages",
    "phone_calls",
    "voicemails",
    "conversation_notes",
    "status_changes",
    "topic_changes",
    "customer_activities",
    "task_items",
    "unknown_items",
)

CONVERSATION_TIMELINE = Model(
    CORE,
    model_table(
        "conversation_timeline",
        "Items of conversations of every type: who said or did what, when, on which channel.",
        Column("item_id", Kind.TEXT, "The item.", nullable=False),
        CONVERSATION_ID,
        CUSTOMER_ID,
        Column("sent_conversation_id", Kind.TEXT, "The conversation's id in the export."),
        Column("sent_customer_id", Kind.TEXT, "The customer's id in the export."),
        Column("session_id", Kind.TEXT, "The session of a chat or of an AI."),
        Column("occurred_at", Kind.TIMESTAMP, "When it was said or done."),
        Column("content_type", Kind.TEXT, "The type that Gladly names, such as CHAT_MESSAGE."),
        Column(
            "kind",
            Kind.TEXT,
            "message, call, note, status, topics, activity, task or unknown.",
            nullable=False,
        ),
        Column("channel", Kind.TEXT, "Of messages and calls, as events name it, such as EMAIL."),
        Column(
            "direction",
            Kind.TEXT,
            "inbound from a customer or a third party, outbound to them, or internal.",
            nullable=False,
        ),
        Column("author_id", Kind.TEXT, "Who said or did it."),
        Column("author_type", Kind.TEXT, "CUSTOMER, EXTERNAL, AGENT, AUTOMATION, API, SYSTEM."),
        Column("subject", Kind.TEXT, "Subject of an e-mail, title of an activity."),
        Column(
            "text",
            Kind.PROSE,
            "What was written; summary of a recording; the status of a change of status.",
        ),
        key=("item_id",),
    ),
    reads=(*_TYPED, "conversation_identities", "customer_identities"),
    checks=(
        Check(
            "each item that was loaded is there",
            "SELECT item.id FROM conversation_items AS item "
            "LEFT JOIN conversation_timeline AS entry ON entry.item_id = item.id "
            "WHERE entry.item_id IS NULL",
        ),
    ),
    changes=by_item(**dict.fromkeys(_TYPED, "id")),
    examples=(
        Example(
            "How many messages and calls come in on each channel, and how many go out?",
            """\
SELECT channel,
       COUNT(CASE WHEN direction = 'inbound' THEN item_id END) AS inbound,
       COUNT(CASE WHEN direction = 'outbound' THEN item_id END) AS outbound
FROM marts.conversation_timeline
WHERE kind IN ('message', 'call')
GROUP BY channel
ORDER BY inbound DESC, channel""",
        ),
        Example(
            "What happened in the longest conversation, in order?",
            """\
SELECT occurred_at, author_type, channel, kind, text
FROM marts.conversation_timeline
WHERE conversation_id = (
  SELECT conversation_id FROM marts.conversation_timeline
  WHERE conversation_id IS NOT NULL
  GROUP BY conversation_id ORDER BY COUNT(*) DESC, conversation_id LIMIT 1
)
ORDER BY occurred_at, item_id""",
        ),
        Example(
            "On which days were how many items written or done?",
            """\
SELECT day.local_date, COUNT(*) AS items
FROM marts.conversation_timeline AS item
JOIN marts.local_days AS day
  ON item.occurred_at >= day.starts_at AND item.occurred_at < day.ends_at
GROUP BY day.local_date
ORDER BY day.local_date""",
        ),
    ),
)

CONVERSATION_BEGINNINGS = Model(
    CORE,
    model_table(
        "conversation_beginnings",
        "Conversations that anything loaded tells of: whose they are, when they began.",
        Column(
            "conversation_id",
            Kind.TEXT,
            "The conversation, as it is called after merges.",
            nullable=False,
        ),
        CUSTOMER_ID,
        Column("created_at", Kind.TIMESTAMP, "When it was created; null where nothing tells."),
        Column("created_by_id", Kind.TEXT, "Who began it, if an event tells."),
        Column(
            "created_by_type", Kind.TEXT, "What began it, if an event tells: CUSTOMER, AGENT, ..."
        ),
        Column(
            "told_by",
            Kind.TEXT,
            "What tells its creation: event, or record where no event is loaded.",
        ),
        Column(
            "first_seen_at",
            Kind.TIMESTAMP,
            "When the first thing happened that is loaded: an item, or an event of it or of its "
            "contacts.",
        ),
        Column("first_item_at", Kind.TIMESTAMP, "When the first item happened that is loaded."),
        Column(
            "is_beginning_seen",
            Kind.BOOLEAN,
            "Whether its creation is known, and anything is loaded that happened by an hour later.",
            nullable=False,
        ),
        Column(
            "are_first_items_seen",
            Kind.BOOLEAN,
            "Whether its creation is known, and an item is loaded that happened by an hour later.",
            nullable=False,
        ),
        key=("conversation_id",),
    ),
    reads=(
        "conversation_timeline",
        "conversation_events",
        "contact_events",
        "conversations",
        "conversation_identities",
        "customer_identities",
    ),
    checks=(
        Check(
            "each conversation of an item is there",
            "SELECT entry.item_id, entry.conversation_id FROM conversation_timeline AS entry "
            "LEFT JOIN conversation_beginnings AS beginning "
            "ON beginning.conversation_id = entry.conversation_id "
            "WHERE entry.conversation_id IS NOT NULL AND beginning.conversation_id IS NULL",
        ),
        Check(
            "each conversation was not merged away",
            "SELECT beginning.conversation_id FROM conversation_beginnings AS beginning "
            "INNER JOIN conversation_identities AS identity "
            "ON identity.conversation_id = beginning.conversation_id "
            "WHERE identity.resolved_conversation_id <> identity.conversation_id",
        ),
    ),
    changes=by_conversation(
        "conversation_timeline", "conversation_events", "contact_events", conversations="id"
    ),
)


def _spans_follow_each_other(table: str) -> tuple[Check, ...]:
    """Spans of a conversation are numbered from 1 and leave no time out between them."""
    return (
        Check(
            "each span ends when the next one begins",
            f"SELECT this.conversation_id, this.position FROM {table} AS this "  # noqa: S608 - declared names
            f"LEFT JOIN {table} AS following "
            "ON following.conversation_id = this.conversation_id "
            "AND following.position = this.position + 1 "
            "WHERE this.until_at IS DISTINCT FROM following.from_at "
            "OR this.until_at < this.from_at",
        ),
    )


_POSITION = Column(
    "position", Kind.INTEGER, "Spans of the conversation, in order, from 1.", nullable=False
)
KEY_CONVERSATION_ID = CONVERSATION_BEGINNINGS.table.columns_by_name["conversation_id"]

CONVERSATION_STATUSES = Model(
    CORE,
    model_table(
        "conversation_statuses",
        "Spans in which conversations had one status.",
        KEY_CONVERSATION_ID,
        _POSITION,
        Column("status", Kind.TEXT, "OPEN, WAITING or CLOSED.", nullable=False),
        Column("status_before", Kind.TEXT, "The one before; null of the first that is told."),
        Column("from_at", Kind.TIMESTAMP, "Since when it had it.", nullable=False),
        Column("until_at", Kind.TIMESTAMP, "Until when; null if it still has it."),
        Column("changed_by_id", Kind.TEXT, "Who changed it to that; null where nothing tells."),
        Column(
            "changed_by_type", Kind.TEXT, "What changed it to that: AGENT, CUSTOMER, SYSTEM, ..."
        ),
        Column(
            "told_by",
            Kind.TEXT,
            "What tells the change: creation, item, event, or the conversation's record.",
            nullable=False,
        ),
        key=("conversation_id", "position"),
    ),
    reads=(
        "conversation_beginnings",
        "conversation_timeline",
        "conversation_events",
        "conversations",
        "conversation_identities",
    ),
    checks=(
        *_spans_follow_each_other("conversation_statuses"),
        Check(
            "each status follows another one, which is the status before",
            "SELECT following.conversation_id, following.position, following.status_before "
            "FROM conversation_statuses AS following LEFT JOIN conversation_statuses AS this "
            "ON this.conversation_id = following.conversation_id "
            "AND this.position = following.position - 1 "
            "WHERE following.status_before IS DISTINCT FROM this.status "
            "OR following.status_before = following.status",
        ),
    ),
    changes=by_conversation(
        "conversation_beginnings",
        "conversation_timeline",
        "conversation_events",
        conversations="id",
    ),
)

CONVERSATION_ASSIGNMENTS = Model(
    CORE,
    model_table(
        "conversation_assignments",
        "Spans in which conversations were in one inbox, with one agent or none.",
        KEY_CONVERSATION_ID,
        _POSITION,
        Column(
            "from_at",
            Kind.TIMESTAMP,
            "Since when; null where it was so before the first event that is loaded.",
        ),
        Column("until_at", Kind.TIMESTAMP, "Until when; null if it still is so."),
        Column("inbox_id", Kind.TEXT, "The inbox."),
        Column("agent_id", Kind.TEXT, "The agent; null while it is assigned to nobody."),
        Column(
            "reason",
            Kind.TEXT,
            "Why it was assigned, such as CONTACT_OFFERED; null of its first inbox.",
        ),
        Column("assigned_by_id", Kind.TEXT, "Who assigned it."),
        Column("assigned_by_type", Kind.TEXT, "What assigned it: AGENT, SYSTEM, AUTOMATION, ..."),
        key=("conversation_id", "position"),
    ),
    reads=("conversation_events", "conversation_identities"),
    checks=(
        *_spans_follow_each_other("conversation_assignments"),
        Check(
            "only a first from_at is unknown",
            "SELECT conversation_id, position FROM conversation_assignments "
            "WHERE from_at IS NULL AND position > 1",
        ),
    ),
    changes=by_conversation("conversation_events"),
)

MESSAGES = Model(
    CORE,
    model_table(
        "messages",
        "Messages, and of those of agents, how long the customer had waited for them.",
        Column("item_id", Kind.TEXT, "The message: an item.", nullable=False),
        CONVERSATION_ID,
        CUSTOMER_ID,
        Column("occurred_at", Kind.TIMESTAMP, "When it was sent."),
        Column("channel", Kind.TEXT, "As events name it, such as EMAIL.", nullable=False),
        Column(
            "direction",
            Kind.TEXT,
            "inbound from a customer or a third party, or outbound to them.",
            nullable=False,
        ),
        Column("author_id", Kind.TEXT, "Who wrote it, as sent: an agent's or a customer's id, ..."),
        Column("author_type", Kind.TEXT, "CUSTOMER, EXTERNAL, AGENT, AUTOMATION, API, SYSTEM."),
        Column(
            "answered_item_id",
            Kind.TEXT,
            "Of an agent's message: the first inbound message since an agent last wrote, if any.",
        ),
        Column("answered_at", Kind.TIMESTAMP, "When that message came."),
        Column(
            "response_seconds",
            Kind.DECIMAL,
            "Time between the two; null where it answers nothing, or nobody knows what.",
        ),
        Column(
            "business_response_seconds",
            Kind.DECIMAL,
            "How much of it was within the organisation's default business hours; null without "
            "those, and outside the days that are loaded.",
        ),
        Column(
            "is_first_response",
            Kind.BOOLEAN,
            "Of agents' messages: whether it is the first of the conversation that answers. Null "
            "where earlier items may be missing, and of all others' messages.",
        ),
        key=("item_id",),
    ),
    reads=(
        "conversation_timeline",
        "conversation_beginnings",
        "conversation_statuses",
        "business_hour_spans",
        "local_days",
    ),
    checks=(
        Check(
            "each message of the timeline is there",
            "SELECT entry.item_id FROM conversation_timeline AS entry "
            "LEFT JOIN messages AS message ON message.item_id = entry.item_id "
            "WHERE entry.kind = 'message' AND message.item_id IS NULL",
        ),
        Check(
            "each message answers an earlier one of its conversation, in no more business time",
            "SELECT message.item_id, message.answered_item_id FROM messages AS message "
            "LEFT JOIN messages AS answered ON answered.item_id = message.answered_item_id "
            "AND answered.conversation_id = message.conversation_id "
            "AND answered.direction = 'inbound' "
            "WHERE message.answered_item_id IS NOT NULL AND (answered.item_id IS NULL "
            "OR message.response_seconds <= 0 OR message.business_response_seconds < 0 "
            "OR message.business_response_seconds > message.response_seconds)",
        ),
        Check(
            "each conversation has at most one first response",
            "SELECT conversation_id, COUNT(*) AS first_responses FROM messages "
            "WHERE is_first_response GROUP BY conversation_id HAVING COUNT(*) > 1",
        ),
    ),
    changes=by_conversation(
        "conversation_timeline", "conversation_beginnings", "conversation_statuses", or_none=True
    ),
)


def _seconds(name: str, description: str) -> tuple[Column, Column]:
    """Return a duration on the calendar clock, and the same on the business-hours clock."""
    return (
        Column(f"{name}_seconds", Kind.DECIMAL, description),
        Column(
            f"business_{name}_seconds",
            Kind.DECIMAL,
            "The same within the organisation's default business hours; null without those, and "
            "outside the days that are loaded.",
        ),
    )


CONVERSATION_FACTS = Model(
    CORE,
    model_table(
        "conversation_facts",
        "Conversations: how each went, in figures, from its creation to its last close.",
        KEY_CONVERSATION_ID,
        CUSTOMER_ID,
        Column("created_at", Kind.TIMESTAMP, "When it was created; null where nothing tells."),
        Column(
            "first_closed_at",
            Kind.TIMESTAMP,
            "The first close that is loaded; there may be earlier ones if not is_beginning_seen.",
        ),
        Column(
            "last_closed_at", Kind.TIMESTAMP, "The last close, though it may be open again since."
        ),
        Column("status", Kind.TEXT, "OPEN, WAITING or CLOSED now; null where nothing tells."),
        count("times_closed", "Closes that are loaded."),
        count("times_reopened", "Times it was open or waiting again after a close."),
        Column("first_channel", Kind.TEXT, "Of its first message or call, such as CHAT."),
        Column("last_channel", Kind.TEXT, "Of its last message or call."),
        count("channels", "Different channels of its messages and calls."),
        Column("inbox_id", Kind.TEXT, "The inbox it is in now; null where nothing tells."),
        Column("agent_id", Kind.TEXT, "The agent who has it now; null if none, or nothing tells."),
        Column(
            "agents_assigned",
            Kind.INTEGER,
            "Different agents who had it; null where the event of its creation is not loaded, "
            "since then events of earlier agents may be missing.",
        ),
        count("items", "Items of every kind."),
        count("messages", "Messages, whoever wrote them."),
        count("messages_from_customer", "Messages of the customer."),
        count("messages_from_agents", "Messages of agents."),
        count("messages_from_automations", "Messages of rules, of programs and of Gladly's AI."),
        count("calls", "Calls and voicemails."),
        count("answered_calls", "Calls that were answered, from or to the customer."),
        count("notes", "Internal notes."),
        count("topics", "Topics it has now."),
        *_seconds(
            "first_response",
            "From the first inbound message to an agent's first message that answers; null without "
            "one, and where earlier items may be missing.",
        ),
        *_seconds(
            "created_to_first_closed",
            "From its creation to its first close; null if not is_beginning_seen.",
        ),
        *_seconds("created_to_last_closed", "From its creation to its last close."),
        Column(
            "is_one_touch",
            Kind.BOOLEAN,
            "Whether one message of an agent, or one answered call, was enough: it is closed, was "
            "closed once, and took one touch. Null while open, and until all its items are loaded.",
        ),
        count("merged_conversations", "Conversations that were merged into it."),
        Column(
            "is_beginning_seen",
            Kind.BOOLEAN,
            "Whether its creation is known and anything is loaded of the hour after it; if not, "
            "counts leave out what happened before.",
            nullable=False,
        ),
        key=("conversation_id",),
    ),
    reads=(
        "conversation_beginnings",
        "conversation_timeline",
        "messages",
        "conversation_statuses",
        "conversation_assignments",
        "conversation_identities",
        "conversations",
        "conversation_topics_over_time",
        "phone_calls",
        "business_hour_spans",
        "local_days",
    ),
    checks=(
        Check(
            "all conversations are there",
            "SELECT beginning.conversation_id FROM conversation_beginnings AS beginning "
            "LEFT JOIN conversation_facts AS fact "
            "ON fact.conversation_id = beginning.conversation_id "
            "WHERE fact.conversation_id IS NULL",
        ),
        Check(
            "the conversation of each status and assignment is there",
            "SELECT span.conversation_id FROM (SELECT conversation_id FROM conversation_statuses "
            "UNION SELECT conversation_id FROM conversation_assignments) AS span "
            "LEFT JOIN conversation_facts AS fact ON fact.conversation_id = span.conversation_id "
            "WHERE fact.conversation_id IS NULL",
        ),
        Check(
            "items and messages add up to those of the timeline",
            "SELECT told.items, told.messages, counted.items AS counted_items, "
            "counted.messages AS counted_messages FROM "
            "(SELECT COUNT(*) AS items, "
            "COALESCE(SUM(CASE WHEN kind = 'message' THEN 1 ELSE 0 END), 0) AS messages "
            "FROM conversation_timeline WHERE conversation_id IS NOT NULL) AS told "
            "CROSS JOIN (SELECT COALESCE(SUM(items), 0) AS items, "
            "COALESCE(SUM(messages), 0) AS messages FROM conversation_facts) AS counted "
            "WHERE told.items <> counted.items OR told.messages <> counted.messages",
        ),
        Check(
            "each close but the last is followed by a reopening",
            "SELECT conversation_id, times_closed, times_reopened FROM conversation_facts "
            "WHERE times_reopened > times_closed OR times_reopened < times_closed - 1",
        ),
    ),
    changes=by_conversation(
        "conversation_beginnings",
        "conversation_timeline",
        "messages",
        "conversation_statuses",
        "conversation_assignments",
        "conversation_topics_over_time",
        conversations="id",
    ),
    slices=CONVERSATION_SLICES.name,
    slices_at_once=10,
)

CONVERSATION_MODELS: tuple[Model, ...] = (
    CONVERSATION_TIMELINE,
    CONVERSATION_BEGINNINGS,
    CONVERSATION_STATUSES,
    CONVERSATION_ASSIGNMENTS,
    MESSAGES,
    CONVERSATION_FACTS,
)
