"""What changed since models were last built, so that large ones are built from that alone.

    files        |--- seen, in built_files ---|--- new ---|
    items        |------------- stay ---------|-- anew ---|
    merges         a -> b, in built_identities   b -> c: all items of a and b, anew

    a customer     | task of theirs |                    now somebody else's: both customers, anew
    a day          | message sent   |                    now on another day: both days, anew
    an agent's day [==== active ====)                    till later now: the days between, anew
    a task         | due            |                    late now, though nothing told of it: anew

A model that is built by its changes names what it reads by (``Changes.reads``); everything else
of a row must not depend on rows of other items, conversations, customers, tasks or days. What sums
up all of something reads what is made anew of it, a row each. All models are built as a whole where
one of them, a setting or business hours changed, or where rows were erased.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Any

from sources.tables.declarations import Column, Kind
from transforms.declarations import CORE, LOCAL_DATE, STAGING, Changes, Model, model_table

_NEW = ("unseen_jobs", "moved_identities")

UNSEEN_JOBS = Model(
    STAGING,
    model_table(
        "unseen_jobs",
        "Jobs of which models have not taken in a file, when they were last built from changes.",
        Column("job_id", Kind.TEXT, "The export job, or the request.", nullable=False),
        key=("job_id",),
    ),
    reads=("load_files", "built_files"),
)

MOVED_IDENTITIES = Model(
    STAGING,
    model_table(
        "moved_identities",
        "Ids that resolved otherwise when models were last built from changes.",
        Column("entity", Kind.TEXT, "customer or conversation.", nullable=False),
        Column("id", Kind.TEXT, "The id.", nullable=False),
        Column("resolved_id", Kind.TEXT, "The id that stands for it; null for itself."),
        Column("built_resolved_id", Kind.TEXT, "The id that stood for it; null for itself."),
        key=("entity", "id"),
    ),
    reads=("merged_identities", "built_identities"),
)

CHANGED_CONVERSATIONS = Model(
    CORE,
    model_table(
        "changed_conversations",
        "Conversations of which models were made anew when they were last built from changes.",
        Column(
            "conversation_id",
            Kind.TEXT,
            "An id of such a conversation, before or after merges.",
            nullable=False,
        ),
        key=("conversation_id",),
    ),
    reads=(
        *_NEW,
        "conversation_identities",
        "customer_identities",
        "customers",
        "customer_profiles",
        "conversation_items",
        "conversation_events",
        "contact_events",
        "work_session_events",
        "conversations",
        "changed_items_before",
        "report_windows",
        "report_gladly_ai_sessions_detail",
        "report_gladly_ai_sessions_detail_with_messages",
        "conversation_timeline",
        "conversation_participation",
        "local_days",
    ),
    as_built=("conversation_timeline", "conversation_participation", "local_days"),
)

CHANGED_ITEMS = Model(
    STAGING,
    model_table(
        "changed_items",
        "Items that models made anew when they were last built from changes.",
        Column("item_id", Kind.TEXT, "The item.", nullable=False),
        key=("item_id",),
    ),
    reads=(*_NEW, "conversation_items"),
)

CHANGED_ITEMS_BEFORE = Model(
    CORE,
    model_table(
        "changed_items_before",
        "Items that models made anew when they were last built from changes, as they were before.",
        Column("item_id", Kind.TEXT, "The item.", nullable=False),
        Column("conversation_id", Kind.TEXT, "The conversation it was of, as it was called then."),
        Column("customer_id", Kind.TEXT, "The customer it was of, as they were called then."),
        key=("item_id",),
    ),
    reads=("changed_items", "conversation_timeline"),
    as_built=("conversation_timeline",),
)

CHANGED_CUSTOMERS = Model(
    CORE,
    model_table(
        "changed_customers",
        "Customers of whom models were made anew when they were last built from changes.",
        Column(
            "customer_id",
            Kind.TEXT,
            "An id of such a customer, before or after merges.",
            nullable=False,
        ),
        key=("customer_id",),
    ),
    reads=(
        *_NEW,
        "changed_items_before",
        "changed_conversations",
        "customer_identities",
        "customer_merges",
        "deleted_customers",
        "customers",
        "customer_profiles",
        "customer_profile_events",
        "conversation_items",
        "conversation_events",
        "contact_events",
        "work_session_events",
        "conversations",
        "tasks",
        "task_events",
        "payment_request_events",
        "topic_hierarchy",
        "conversation_beginnings",
        "task_facts",
        "customer_360",
    ),
    as_built=("conversation_beginnings", "task_facts", "customer_360"),
)

CHANGED_TASKS = Model(
    CORE,
    model_table(
        "changed_tasks",
        "Tasks of which models were made anew when they were last built from changes.",
        Column("task_id", Kind.TEXT, "The task.", nullable=False),
        key=("task_id",),
    ),
    reads=(
        *_NEW,
        "changed_items",
        "loaded_until",
        "task_beginnings",
        "tasks",
        "task_events",
        "task_comments",
        "task_facts",
    ),
    as_built=("task_facts",),
)


def _before(now: Model, name: str, description: str) -> Model:
    """Return the model of the same query over what it reads as that was built last.

    What changed is known by then, and read as it is.
    """
    read = tuple(model for model in now.reads if model != CHANGED_CONVERSATIONS.name)
    table = replace(now.table, name=name, description=description)
    return replace(now, table=table, as_built=read)


CONVERSATION_DAYS_NOW = Model(
    CORE,
    model_table(
        "conversation_days_now",
        "Local days that conversations had something on when they were last made anew.",
        LOCAL_DATE,
        key=("local_date",),
    ),
    reads=(
        "changed_conversations",
        "conversation_channel_days",
        "conversation_facts",
        "contacts",
        "local_days",
    ),
    written_in="conversation_days",
)
CONVERSATION_DAYS_BEFORE = _before(
    CONVERSATION_DAYS_NOW,
    "conversation_days_before",
    "Local days that conversations had something on before they were last made anew.",
)

CHANGED_DAYS = Model(
    CORE,
    model_table(
        "changed_days",
        "Local days of which models were made anew when they were last built from changes.",
        LOCAL_DATE,
        key=("local_date",),
    ),
    reads=("conversation_days_before", "conversation_days_now", "topic_volume", "topic_hierarchy"),
    as_built=("topic_volume",),
)

AGENT_SPANS_NOW = Model(
    CORE,
    model_table(
        "agent_spans_now",
        "Agents' time as it was spent when models were last built from changes.",
        Column("agent_id", Kind.TEXT, "The agent; empty for the days.", nullable=False),
        Column(
            "kind",
            Kind.TEXT,
            "A state, a channel, what was done with a contact, or days for those loaded.",
            nullable=False,
        ),
        Column("contact_id", Kind.TEXT, "The contact; empty for none.", nullable=False),
        Column("from_at", Kind.TIMESTAMP, "When it began.", nullable=False),
        Column(
            "until_at",
            Kind.TIMESTAMP,
            "When it ended, or the end of what was loaded if it lasted.",
            nullable=False,
        ),
        key=("agent_id", "kind", "contact_id", "from_at"),
    ),
    reads=(
        "changed_conversations",
        "agent_states",
        "agent_availability_spans",
        "agent_contact_spans",
        "loaded_until",
        "local_days",
    ),
    written_in="agent_spans",
)
AGENT_SPANS_BEFORE = _before(
    AGENT_SPANS_NOW,
    "agent_spans_before",
    "Agents' time as it was spent before models were last built from changes.",
)

CHANGED_AGENT_DAYS = Model(
    CORE,
    model_table(
        "changed_agent_days",
        "Local days on which agents' time was cut anew when models were last built from changes.",
        LOCAL_DATE,
        key=("local_date",),
    ),
    reads=("agent_spans_before", "agent_spans_now", "local_days"),
)

BUILT_FILES = Model(
    STAGING,
    model_table(
        "built_files",
        "Files whose rows the models have taken in.",
        Column("job_id", Kind.TEXT, "The export job, or the request.", nullable=False),
        Column("file", Kind.TEXT, "The file it delivered.", nullable=False),
        Column("extracted_at", Kind.TIMESTAMP, "Its version.", nullable=False),
        key=("job_id", "file"),
    ),
    reads=("load_files",),
)

BUILT_IDENTITIES = Model(
    STAGING,
    model_table(
        "built_identities",
        "Ids as they were resolved when the models were last built.",
        Column("entity", Kind.TEXT, "customer or conversation.", nullable=False),
        Column("id", Kind.TEXT, "An id that was merged away or merged into.", nullable=False),
        Column("resolved_id", Kind.TEXT, "The id that stood for it.", nullable=False),
        key=("entity", "id"),
    ),
    reads=("merged_identities",),
)

# files that brought rows which no model has taken in; each night has some that brought nothing
UNSEEN_FILES = (
    "SELECT COUNT(*) AS files FROM load_files AS file LEFT JOIN built_files AS built "
    "ON built.job_id = file.job_id AND built.file = file.file "
    "AND built.extracted_at = file.extracted_at WHERE built.job_id IS NULL "
    "AND file.rows > file.superseded"
)
CHANGE_MODELS = (
    UNSEEN_JOBS,
    MOVED_IDENTITIES,
    CHANGED_ITEMS,
    CHANGED_ITEMS_BEFORE,
    CHANGED_CONVERSATIONS,
    CHANGED_CUSTOMERS,
    CHANGED_TASKS,
    CONVERSATION_DAYS_BEFORE,
    CONVERSATION_DAYS_NOW,
    CHANGED_DAYS,
    AGENT_SPANS_BEFORE,
    AGENT_SPANS_NOW,
    CHANGED_AGENT_DAYS,
)


def by_conversation(*reads: str, or_none: bool = False, **columns: str) -> Changes:
    """Return how a model is built from the conversations that changed.

    Args:
        reads: What it reads by ``conversation_id``, as sent or as it stands today.
        or_none: Whether it has rows without a conversation.
        columns: What it reads by conversations in a column of another name.
    """
    return _by(CHANGED_CONVERSATIONS, reads, columns, or_none=or_none, is_near=True)


def by_customer(*reads: str, **columns: str) -> Changes:
    """Return how a model is built from the customers that changed.

    Args:
        reads: What it reads by ``customer_id``, as sent or as it stands today.
        columns: What it reads by customers in a column of another name.
    """
    return _by(CHANGED_CUSTOMERS, reads, columns)


def by_item(*reads: str, **columns: str) -> Changes:
    """Return how a model is built from the items that changed.

    Args:
        reads: What it reads by ``item_id``.
        columns: What it reads by items in a column of another name.
    """
    return _by(CHANGED_ITEMS, reads, columns, is_near=True)


def by_task(*reads: str, **columns: str) -> Changes:
    """Return how a model is built from the tasks that changed.

    Args:
        reads: What it reads by ``task_id``.
        columns: What it reads by tasks in a column of another name.
    """
    return _by(CHANGED_TASKS, reads, columns)


def by_day(*reads: str) -> Changes:
    """Return how a model is built from the local days of conversations that changed.

    Args:
        reads: What it reads by ``local_date``.
    """
    return _by(CHANGED_DAYS, reads, {})


def by_agent_day(*reads: str) -> Changes:
    """Return how a model is built from the local days on which agents' time changed.

    Args:
        reads: What it reads by ``local_date``.
    """
    return _by(CHANGED_AGENT_DAYS, reads, {})


def _by(
    ids: Model,
    reads: Iterable[str],
    columns: Mapping[str, str],
    *,
    or_none: bool = False,
    is_near: bool = False,
) -> Changes:
    (column,) = ids.table.key
    by_id = {**dict.fromkeys(reads, column), **columns}
    return Changes(ids.name, column, by_id, or_none, is_near=is_near)


CONVERSATION_SLICES = Model(
    CORE,
    model_table(
        "conversation_slices",
        "Conversations to build, and in which slice: what would hold too much takes some at once.",
        Column(
            "conversation_id",
            Kind.TEXT,
            "An id of the conversation, before or after merges.",
            nullable=False,
        ),
        Column("slice", Kind.INTEGER, "Its slice, from 0.", nullable=False),
        key=("conversation_id",),
    ),
    reads=("conversation_beginnings", "conversation_timeline", "conversation_identities"),
    changes=replace(
        by_conversation("conversation_beginnings", "conversation_timeline"), is_all=True
    ),
)


def built_with(models: Sequence[Model]) -> Model:
    """Return the model of what all models depend on; where it differs, all are built anew."""
    return Model(
        STAGING,
        model_table(
            "built_with",
            "What all models depend on, as it was when they were last built.",
            Column("part", Kind.TEXT, "What it is.", nullable=False),
            Column("digest", Kind.TEXT, "A digest of it.", nullable=False),
            key=("part",),
        ),
        reads=(
            "erased_customers",
            "business_hours",
            "business_hours_blocks",
            "business_hours_exceptions",
            "conversation_items",
            "contact_events",
            "conversation_events",
            "agent_status_events",
            "work_session_events",
        ),
        make=partial(_digests, _digest(map(_text_of, models))),
    )


def _digests(
    models: str, found: Sequence[Sequence[Any]], timezone: str
) -> Iterator[tuple[str, str]]:
    yield "models", models
    yield "time zone", timezone
    parts: dict[str, list[str]] = defaultdict(list)
    for part, *values in found:
        parts[part].append(str(values))
    for part, rows in sorted(parts.items()):
        yield part, _digest(sorted(rows))


def _text_of(model: Model) -> str:
    return f"{model.sql}{model.table}{model.changes}"


def _digest(texts: Iterable[str]) -> str:
    return sha256("\n".join(texts).encode()).hexdigest()
