"""docs/entities.md: how tables belong together, as diagrams made of the declarations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pipelines.gladly_tables import GLADLY_TABLES
from sources.gladly.report_tables import REPORT_WINDOWS
from sources.tables.declarations import TableSchema
from tests.documentation import markdown as md
from tests.documentation.dictionary import SUBJECTS
from transforms.declarations import LAYERS
from transforms.models import MODELS

PAGE = "docs/entities.md"

# how the name of a column ends -> the raw table whose rows it names
REFERENCES: Mapping[str, str] = {
    "agent_id": "agents",
    "business_hours_id": "business_hours",
    "comment_id": "task_comments",
    "conversation_id": "conversations",
    "custom_attribute_id": "custom_attributes",
    "customer_id": "customers",
    "inbox_id": "inboxes",
    "item_id": "conversation_items",
    "job_id": "export_jobs",
    "message_id": "conversation_items",
    "note_id": "conversation_items",
    "run_id": "load_runs",
    "schedule_id": "export_schedules",
    "task_id": "tasks",
    "team_id": "teams",
    "topic_id": "topics",
    "webhook_id": "webhooks",
}
# ids of what has no table or model of its own, or of more than one
NO_REFERENCE = frozenset(
    {
        "active_reason_id",
        "adaptor_id",
        "attachment_id",
        "away_reason_id",
        "created_by_id",
        "entity_id",
        "event_id",
        "external_customer_id",
        "initiator_id",
        "media_id",
        "option_id",
        "page_id",
        "parent_id",
        "payment_request_id",
        "read_id",
        "responder_id",
        "selected_option_id",
        "session_id",
        "user_id",
    }
)
# column -> the model with a row for each value of it: of a model's columns, and of those of raw
# tables that name no raw table; models name raw tables by the rest
MODEL_REFERENCES: Mapping[str, str] = {
    "contact_id": "contacts",
    "contact_session_id": "contacts",
    "conversation_id": "conversation_facts",
    "customer_id": "resolved_customers",
    "item_id": "conversation_timeline",
    "local_date": "local_days",
    "resolved_conversation_id": "conversation_facts",
    "resolved_customer_id": "resolved_customers",
    "top_topic_id": "topic_hierarchy",
    "topic_id": "topic_hierarchy",
}
# models and their columns of ids that may have been merged away: only raw tables have such rows
NOT_RESOLVED = frozenset(
    {
        ("changed_conversations", "conversation_id"),
        ("conversation_identities", "conversation_id"),
        ("customer_identities", "customer_id"),
    }
)
_MODEL_NAMES = frozenset(model.name for model in MODELS)
# what the first diagram shows: what most questions are about
OVERVIEW = (
    "conversation_items",
    "customers",
    "agents",
    "topics",
    "inboxes",
    "teams",
    "team_agents",
    "conversations",
    "conversation_topics",
    "tasks",
    "contact_events",
    "conversation_events",
    "task_events",
    "agent_status_events",
    "agent_availability_events",
    "work_session_events",
)


def pages() -> Mapping[str, str]:
    """Return the page, by its path."""
    return {PAGE: _page()}


def referenced(column: str) -> str:
    """Return the table whose rows a column of a raw table names, empty where it names none.

    It is a raw table, or else a model.
    """
    if column in NO_REFERENCE:
        return ""
    endings = [name for name in REFERENCES if column == name or column.endswith(f"_{name}")]
    return REFERENCES[max(endings, key=len)] if endings else MODEL_REFERENCES.get(column, "")


def referenced_by_model(model: str, column: str) -> str:
    """Return the model or raw table whose rows a column of a model names, empty for none.

    A model that has the rows itself names the raw table that they are made of.
    """
    target = MODEL_REFERENCES.get(column)
    if target and target != model and (model, column) not in NOT_RESOLVED:
        return target
    return referenced(column)


def _page() -> str:
    return md.page(
        "# Entities",
        "Which table's rows name which other's. Columns are in the "
        "[data dictionary](dictionary.md); these diagrams show keys (PK) and what names rows "
        "elsewhere (FK). They are made of the declarations by `make docs`.",
        "## What to know before joining",
        md.bullets(
            "No destination enforces these references. Feeds begin at different times, so that an "
            "id may name a row that was never loaded: join from the facts, `LEFT JOIN` the rest.",
            "Ids of customers and conversations change when profiles merge. Raw tables keep what "
            "was received: [models](#models) resolve ids, and are what to join by them.",
            "A solid line is a list, or the typed content, of one row: it mirrors that row, and "
            "goes with it. A dotted line is a reference by id.",
            "Contacts have no raw table of their own: their ids name rows of a model, `contacts`.",
            "`conversations`, `tasks`, `customer_profiles` and `voice_transcripts` are filled "
            "where `enrichment` asks for them: [docs/enrichment.md](enrichment.md).",
            "Each table of a report belongs to a row of `report_windows`, by `window_id`. Reports "
            "name agents and topics by id or by name, as their headers say.",
        ),
        "## Overview",
        md.block("mermaid", _overview()),
        *(part for subject, tables in _subjects() for part in _subject(subject, tables)),
        "## Models",
        "From raw tables to marts, who reads whom; raw tables are on each "
        "[model's page](models.md).",
        md.block("mermaid", _lineage()),
        *(part for layer in LAYERS for part in _layer(layer)),
    )


def _subjects() -> Iterator[tuple[str, Sequence[TableSchema]]]:
    for subject in SUBJECTS:
        if tables := [table for table in subject.tables if table.parent != REPORT_WINDOWS.name]:
            yield subject.title, tables


def _subject(title: str, tables: Sequence[TableSchema]) -> Iterator[str]:
    yield f"## {title}"
    yield md.block("mermaid", _diagram(tables, _raw_relations(tables)))


def _layer(layer: str) -> Iterator[str]:
    tables = [model.table for model in MODELS if model.layer == layer]
    if tables:
        yield f"### {layer.capitalize()}"
        yield md.block("mermaid", _diagram(tables, _model_relations(tables)))


def _overview() -> str:
    tables = [table for table in GLADLY_TABLES if table.name in OVERVIEW]
    return "\n".join(["erDiagram", *_raw_relations(tables)])


def _diagram(tables: Iterable[TableSchema], relations: Iterable[str]) -> str:
    lines = ["erDiagram"]
    for table in tables:
        lines += [f"  {table.name} {{", *_attributes(table), "  }"]
    return "\n".join([*lines, *relations])


def _attributes(table: TableSchema) -> Iterator[str]:
    for column in table.columns:
        if column.name.startswith("_"):
            continue
        marks = [
            mark
            for mark, holds in (
                ("PK", column.name in table.key),
                ("FK", column.name in table.root_key or _names_another(table, column.name)),
            )
            if holds
        ]
        if marks:
            yield f"    {md.TYPES[column.kind]} {column.name} {', '.join(marks)}"


def _raw_relations(tables: Iterable[TableSchema]) -> Iterator[str]:
    for table in tables:
        if table.parent:
            many = "o|" if table.root_key == table.key else "o{"
            yield _relation(table.parent, f"||--{many}", table.name, table.root_key)
        for target, columns in _references(table).items():
            yield _relation(target, "|o..o{", table.name, columns)


def _model_relations(tables: Iterable[TableSchema]) -> Iterator[str]:
    for table in tables:
        for target, columns in _references(table).items():
            yield _relation(target, "|o..o{", table.name, columns)


def _references(table: TableSchema) -> Mapping[str, Sequence[str]]:
    """Return the tables that a table's columns name rows of, and these columns."""
    found = defaultdict(list)
    for column in table.columns_by_name:
        is_model = table.name in _MODEL_NAMES
        target = referenced_by_model(table.name, column) if is_model else referenced(column)
        is_parent = column in table.root_key
        if target and target != table.name and not is_parent and not column.startswith("_"):
            found[target].append(column)
    return found


def _names_another(table: TableSchema, column: str) -> bool:
    return any(column in columns for columns in _references(table).values())


def _relation(one: str, line: str, many: str, columns: Iterable[str]) -> str:
    return f'  {one} {line} {many} : "{", ".join(columns)}"'


def _lineage() -> str:
    lines = ["flowchart LR"]
    for layer in LAYERS:
        if names := [model.name for model in MODELS if model.layer == layer]:
            lines += [f"  subgraph {layer}", *(f"    {name}" for name in names), "  end"]
    made = {model.name for model in MODELS}
    lines += [
        f"  {read} --> {model.name}" for model in MODELS for read in model.reads if read in made
    ]
    return "\n".join(lines)
