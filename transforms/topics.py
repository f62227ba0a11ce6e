"""Topics and channels: declarations of the models of why customers write, and where."""

from __future__ import annotations

from sources.tables.declarations import Column, Kind
from transforms.changes import by_conversation
from transforms.declarations import CORE, Check, Model, model_table

TOPIC_HIERARCHY = Model(
    CORE,
    model_table(
        "topic_hierarchy",
        "Topics and where they stand: their roots, levels and paths.",
        Column("topic_id", Kind.TEXT, "The topic; stable.", nullable=False),
        Column("name", Kind.TEXT, "Its name today; not unique."),
        Column("parent_id", Kind.TEXT, "The topic it is nested under; null for none."),
        Column(
            "is_parent_known",
            Kind.BOOLEAN,
            "False where the topic it is nested under is not loaded, or where parents lead in a "
            "circle: it is then shown as a root. True where it is nested under none.",
            nullable=False,
        ),
        Column(
            "root_topic_id",
            Kind.TEXT,
            "The topmost topic above it; its own id where it is one.",
            nullable=False,
        ),
        Column(
            "root_name",
            Kind.TEXT,
            "Name of the topmost topic; its id where it has no name.",
            nullable=False,
        ),
        Column("level", Kind.INTEGER, "1 for a root, 2 for what is under it.", nullable=False),
        Column(
            "path",
            Kind.TEXT,
            "Names from the root down to it, such as Orders > Damaged; ids for missing names.",
            nullable=False,
        ),
        Column("is_disabled", Kind.BOOLEAN, "Whether it is no longer in use.", nullable=False),
        Column(
            "is_deleted",
            Kind.BOOLEAN,
            "Whether a whole list of topics no longer held it.",
            nullable=False,
        ),
        key=("topic_id",),
    ),
    reads=("topics",),
    checks=(
        Check(
            "each topic that is loaded is there",
            "SELECT topic.id FROM topics AS topic "
            "LEFT JOIN topic_hierarchy AS placed ON placed.topic_id = topic.id "
            "WHERE placed.topic_id IS NULL",
        ),
        Check(
            "each topic is one level below its parent, under the same root",
            "SELECT topic.topic_id, topic.level FROM topic_hierarchy AS topic "
            "LEFT JOIN topic_hierarchy AS parent ON parent.topic_id = topic.parent_id "
            "WHERE topic.level > 1 AND (parent.topic_id IS NULL "
            "OR parent.level <> topic.level - 1 OR parent.root_topic_id <> topic.root_topic_id)",
        ),
    ),
)

CONVERSATION_TOPICS_OVER_TIME = Model(
    CORE,
    model_table(
        "conversation_topics_over_time",
        "When conversations had which topics, who added them and who removed them.",
        Column(
            "conversation_id",
            Kind.TEXT,
            "The conversation, as it is called after merges.",
            nullable=False,
        ),
        Column("topic_id", Kind.TEXT, "The topic.", nullable=False),
        Column(
            "position",
            Kind.INTEGER,
            "How many times the conversation has had this topic by then, from 1.",
            nullable=False,
        ),
        Column("added_at", Kind.TIMESTAMP, "When it was added; null where nobody saw that."),
        Column(
            "added_by_type",
            Kind.TEXT,
            "Who added it, such as AGENT, or AUTOMATION for a rule; null where nobody saw that.",
        ),
        Column("added_by_id", Kind.TEXT, "Their id, such as that of the agent or the rule."),
        Column(
            "removed_at",
            Kind.TIMESTAMP,
            "When it was removed; null while it is there, and where nobody saw that.",
        ),
        Column("removed_by_type", Kind.TEXT, "Who removed it, as added_by_type."),
        Column("removed_by_id", Kind.TEXT, "Their id."),
        Column(
            "is_current",
            Kind.BOOLEAN,
            "Whether the conversation has the topic at the end of what is loaded.",
            nullable=False,
        ),
        key=("conversation_id", "topic_id", "position"),
    ),
    reads=(
        "topic_change_topics",
        "conversation_timeline",
        "conversation_events",
        "conversation_identities",
        "conversations",
        "conversation_topics",
    ),
    checks=(
        Check(
            "no topic is removed before it is added",
            "SELECT conversation_id, topic_id, position, added_at, removed_at "
            "FROM conversation_topics_over_time WHERE removed_at < added_at",
        ),
        Check(
            "a conversation has a topic once at a time",
            "SELECT span.conversation_id, span.topic_id, span.position "
            "FROM conversation_topics_over_time AS span "
            "INNER JOIN conversation_topics_over_time AS following "
            "ON following.conversation_id = span.conversation_id "
            "AND following.topic_id = span.topic_id "
            "AND following.position = span.position + 1 "
            "WHERE span.is_current OR following.added_at < span.removed_at",
        ),
    ),
    changes=by_conversation(
        "conversation_timeline", "conversation_events", "conversation_topics", conversations="id"
    ),
)

TOPIC_MODELS: tuple[Model, ...] = (TOPIC_HIERARCHY, CONVERSATION_TOPICS_OVER_TIME)
