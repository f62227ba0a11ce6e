"""Tasks: declarations of the models of their lives."""

from __future__ import annotations

from sources.tables.declarations import Column, Kind
from transforms.changes import by_item, by_task
from transforms.conversations import CONVERSATION_ID, CUSTOMER_ID
from transforms.declarations import CORE, Check, Model, model_table

TASK_BEGINNINGS = Model(
    CORE,
    model_table(
        "task_beginnings",
        "Tasks that were made in conversations, and how they stood then.",
        Column("item_id", Kind.TEXT, "The task, which has the id of its item.", nullable=False),
        CONVERSATION_ID,
        CUSTOMER_ID,
        Column("created_at", Kind.TIMESTAMP, "When it was made."),
        Column("created_by_type", Kind.TEXT, "Who made it, such as AGENT or API."),
        Column("created_by_id", Kind.TEXT, "Their id, such as that of the agent."),
        Column("assignee_inbox_id", Kind.TEXT, "Inbox it was assigned to."),
        Column("assignee_agent_id", Kind.TEXT, "Agent it was assigned to; null for nobody."),
        Column("due_at", Kind.TIMESTAMP, "When it was due; null for never."),
        key=("item_id",),
    ),
    reads=("conversation_timeline", "task_items"),
    changes=by_item("conversation_timeline", task_items="id"),
)

TASK_FACTS = Model(
    CORE,
    model_table(
        "task_facts",
        "Tasks: whose they are, how they stand, when they were closed, and how long they took.",
        Column("task_id", Kind.TEXT, "The task.", nullable=False),
        Column("customer_id", Kind.TEXT, "The customer, as they are called after merges."),
        Column(
            "conversation_id",
            Kind.TEXT,
            "The conversation it was made in, as it is called after merges; null where its item "
            "is not loaded.",
        ),
        Column("created_at", Kind.TIMESTAMP, "When it was made; null where nothing tells."),
        Column("created_by_type", Kind.TEXT, "Who made it, such as AGENT or API."),
        Column("created_by_id", Kind.TEXT, "Their id, such as that of the agent."),
        Column("assignee_inbox_id", Kind.TEXT, "Inbox it is assigned to."),
        Column("assignee_agent_id", Kind.TEXT, "Agent it is assigned to; null for nobody."),
        Column("status", Kind.TEXT, "OPEN or CLOSED; null where nothing tells."),
        Column("due_at", Kind.TIMESTAMP, "When it is due; null for never."),
        Column("first_closed_at", Kind.TIMESTAMP, "When it was first seen closed."),
        Column(
            "closed_at",
            Kind.TIMESTAMP,
            "When it was closed last; null while it is open, and where nobody saw that.",
        ),
        Column(
            "created_to_closed_seconds",
            Kind.DECIMAL,
            "From created_at to closed_at, by the clock on the wall; null where either is.",
        ),
        Column(
            "is_overdue",
            Kind.BOOLEAN,
            "Whether it was closed last after it was due, or is open and was due before the end "
            "of what is loaded; null where it has no status, no due date, or no known close.",
        ),
        Column("times_closed", Kind.INTEGER, "How often it was closed.", nullable=False),
        Column("times_reopened", Kind.INTEGER, "How often it was reopened.", nullable=False),
        Column("due_changes", Kind.INTEGER, "How often its due date changed.", nullable=False),
        Column(
            "assignee_changes",
            Kind.INTEGER,
            "How often it was assigned to another inbox or agent.",
            nullable=False,
        ),
        Column("comments", Kind.INTEGER, "Comments on it.", nullable=False),
        Column("is_deleted", Kind.BOOLEAN, "Whether it can no longer be read.", nullable=False),
        Column(
            "is_beginning_seen",
            Kind.BOOLEAN,
            "Whether the event of its making is loaded: if not, counts begin in the middle.",
            nullable=False,
        ),
        key=("task_id",),
    ),
    reads=(
        "loaded_until",
        "task_beginnings",
        "task_events",
        "tasks",
        "task_comments",
        "customer_identities",
    ),
    changes=by_task("task_events", "task_comments", task_beginnings="item_id", tasks="id"),
    checks=(
        Check(
            "no task is closed before it is made",
            "SELECT task_id, created_at, closed_at FROM task_facts WHERE closed_at < created_at",
        ),
        Check(
            "what is open has no close",
            "SELECT task_id, status, closed_at FROM task_facts "
            "WHERE closed_at IS NOT NULL AND status <> 'CLOSED'",
        ),
        Check(
            "no customer was merged into another",
            "SELECT task.task_id, task.customer_id FROM task_facts AS task "
            "INNER JOIN customer_identities AS identity "
            "ON identity.customer_id = task.customer_id "
            "WHERE identity.resolved_customer_id <> task.customer_id",
        ),
    ),
)

TASK_MODELS: tuple[Model, ...] = (TASK_BEGINNINGS, TASK_FACTS)
