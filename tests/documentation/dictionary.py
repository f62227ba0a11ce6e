"""docs/dictionary.md and docs/dictionary/: every raw table and every column of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sources.gladly.declarations import (
    AGENT,
    CONVERSATION_ITEM,
    CUSTOMER,
    EXPORT_JOB,
    EXPORT_SCHEDULE,
    TOPIC,
)
from sources.gladly.enrichment_types import ENRICHMENT_RECORDS
from sources.gladly.event_types import EVENTS
from sources.gladly.history import HISTORY_TABLES
from sources.gladly.identity import IDENTITY
from sources.gladly.media import MEDIA_FILES
from sources.gladly.reference_types import REFERENCE_RECORDS
from sources.gladly.report_tables import REPORT_WINDOWS, WINDOW_ID, report_table
from sources.gladly.report_types import REPORTS
from sources.gladly.work_sessions import WORK_SESSION_EVENTS
from sources.tables.declarations import (
    DELETED_AT_COLUMN,
    EXTRA_COLUMN,
    LINEAGE,
    ORIGIN_COLUMN,
    POSITION,
    Column,
    Record,
    TableSchema,
    records_of,
    table_schemas,
)
from sources.tables.ledger import LEDGER
from tests.documentation import markdown as md
from tests.documentation.api_fields import FIELDS, LABELS, ORIGINS

INDEX = "docs/dictionary.md"
COMMON = (EXTRA_COLUMN, *LINEAGE)
SHARED = (*COMMON, ORIGIN_COLUMN, DELETED_AT_COLUMN)


@dataclass(frozen=True)
class Subject:
    """Tables that one page describes.

    Attributes:
        stem: the name of the page's file, without its ending.
        title: the page's title.
        introduction: what all of them have in common.
        tables: the tables.
    """

    stem: str
    title: str
    introduction: str
    tables: tuple[TableSchema, ...]

    @property
    def path(self) -> str:
        """The page, from the root of the project."""
        return f"docs/dictionary/{self.stem}.md"


def _tables(*records: Record) -> tuple[TableSchema, ...]:
    return tuple(table for record in records for table in table_schemas(record))


def _reports(stem: str, title: str, *families: str) -> Subject:
    tables = [report_table(report) for report in REPORTS.values() if report.family in families]
    return Subject(
        f"reports-{stem}",
        f"Reports: {title}",
        "Gladly's own figures, as [docs/reports.md](../reports.md) says. Each table begins with "
        f"`{WINDOW_ID}`, its row of [`report_windows`](work-sessions.md#report_windows), and "
        f"`{POSITION}`, its place in that window, from 1: these two are its key. In the tables "
        "below, header is the column's name in Gladly's file.",
        tuple(tables),
    )


SUBJECTS = (
    Subject(
        "items",
        "Items of conversations",
        "Whatever is said or done in conversations: one table for what all items share, one for "
        "each type of content, and one for each kind of list within an item.",
        _tables(CONVERSATION_ITEM),
    ),
    Subject(
        "lists",
        "Customers, agents and reference lists",
        "Whom items are about, who answers, and how the organisation is set up: "
        "[docs/reference.md](../reference.md). What lists no longer hold stays, marked by "
        "`deleted_at`; the tables of histories say what held when.",
        (*_tables(CUSTOMER, AGENT, TOPIC, *REFERENCE_RECORDS), *HISTORY_TABLES),
    ),
    Subject(
        "events",
        "Events",
        "What happened, a row an event, one table an entity: [docs/events.md](../events.md).",
        _tables(*records_of(EVENTS)),
    ),
    Subject(
        "identity",
        "Merges, deletions and redactions",
        "Who became whom and what is gone, as events and reads by id tell it. Raw tables keep the "
        "ids they received; [models](../models.md) resolve them.",
        IDENTITY,
    ),
    Subject(
        "reads",
        "Reads by id",
        "What no export tells, read one by one where `enrichment` asks for it: "
        "[docs/enrichment.md](../enrichment.md).",
        _tables(*ENRICHMENT_RECORDS),
    ),
    Subject(
        "work-sessions",
        "Work sessions and windows of reports",
        "What agents did with contacts, and which days of which reports were read: "
        "[docs/reports.md](../reports.md).",
        (WORK_SESSION_EVENTS, REPORT_WINDOWS),
    ),
    Subject(
        "ledger",
        "Ledger",
        "What was loaded from which bytes, what could not become rows, and what is missing.",
        (*_tables(EXPORT_JOB, EXPORT_SCHEDULE), MEDIA_FILES, *LEDGER),
    ),
    _reports("agents", "agents", "agent"),
    _reports("contacts", "contacts", "contact"),
    _reports("conversations", "conversations, topics and tasks", "conversation", "topic", "task"),
    _reports("work-sessions", "work sessions", "work_session"),
    _reports(
        "others",
        "AI, answers, phone menus, payments, self-service",
        "ai",
        "answers",
        "chat_throttle",
        "ivr",
        "payments",
        "proactive",
        "self_service",
    ),
)
PLACES = {table.name: subject for subject in SUBJECTS for table in subject.tables}


def pages() -> Mapping[str, str]:
    """Return the index and the page of each subject, by their paths."""
    return {INDEX: _index(), **{subject.path: _page(subject) for subject in SUBJECTS}}


def link_to(table: str, folder: str = "") -> str:
    """Return a link to a table's description; ``folder`` leads to docs/dictionary/."""
    return md.link(table, f"{folder}{PLACES[table].stem}.md#{table}")


def _index() -> str:
    return md.page(
        "# Data dictionary",
        "Every table that the runs load, and every column of it: what it says and where it comes "
        "from. Made of the declarations in `sources/` by `make docs`. What is made from these "
        "tables is on the pages of the [models](models.md); how they belong together shows in "
        "[entities](entities.md).",
        "## How to read it",
        md.bullets(
            "Times are UTC, to the microsecond. A `decimal` is exact, with 9 digits after the "
            "point; a `number` is a double; an `integer` has 64 bits. `JSON` is text where a "
            "destination has no such type.",
            "Empty (null) means that Gladly did not send it, unless the column says otherwise.",
            "Gladly's field is written as a path from the record: `initiator.id`. "
            "`attachments[]` is a list, a row an element; a name in angle brackets stands for "
            "the value of that column.",
        ),
        "## Columns of every table",
        "Tables of what Gladly sent have all of the first five, and those of the ledger what "
        "applies to them; lists have `deleted_at`, events `origin`. The pages do not repeat the "
        "first five.",
        md.table(
            ("column", "type", "meaning"),
            ((md.code(each.name), md.type_of(each), md.prose(each.description)) for each in SHARED),
        ),
        *(part for subject in SUBJECTS for part in _summary(subject)),
    )


def _summary(subject: Subject) -> Iterator[str]:
    yield f"## [{subject.title}](dictionary/{subject.stem}.md)"
    yield md.table(
        ("table", "what it holds", "key"),
        (
            (
                link_to(table.name, "dictionary/"),
                md.prose(table.description),
                md.code(*table.key),
            )
            for table in subject.tables
        ),
    )


def _page(subject: Subject) -> str:
    named = " · ".join(f"[{table.name}](#{table.name})" for table in subject.tables)
    return md.page(
        f"# {subject.title}",
        subject.introduction,
        "Columns that every table has are described [once](../dictionary.md#columns-of-every-table)"
        ". Made of the declarations by `make docs`.",
        named,
        *(part for table in subject.tables for part in _table(table)),
    )


def _table(table: TableSchema) -> Iterator[str]:
    yield f"## {table.name}"
    yield md.prose(table.description)
    yield md.bullets(*_facts(table))
    columns = [column for column in table.columns if not _is_said_once(table, column)]
    if not columns:
        yield "No public page shows its columns: its cells stand in `_extra`, by their headers."
        return
    fields = FIELDS.get(table.name, {})
    if not fields:
        yield md.table(
            ("column", "type", "meaning"),
            ((md.code(c.name), md.type_of(c), md.prose(c.description)) for c in columns),
        )
        return
    yield md.table(
        ("column", "type", "header" if _is_report(table) else "Gladly's field", "meaning"),
        (
            (
                md.code(column.name),
                md.type_of(column),
                fields.get(column.name, ""),
                md.prose(_meaning(table, column)),
            )
            for column in columns
        ),
    )


def _facts(table: TableSchema) -> Iterator[str]:
    if table.name in ORIGINS:
        yield f"From: {ORIGINS[table.name]}"
    if not _is_report(table):
        yield f"Key: {md.code(*table.key)}"
    if table.parent and not _is_report(table):
        root = link_to(table.parent)
        yield f"Belongs to: the row of {root} that {md.code(*table.root_key)} names"
    missing = [column.name for column in COMMON if column not in table.columns]
    if missing:
        yield f"Without the common columns {md.code(*missing)}"


def _is_report(table: TableSchema) -> bool:
    return table.parent == REPORT_WINDOWS.name


def _is_said_once(table: TableSchema, column: Column) -> bool:
    return column in COMMON or (_is_report(table) and column.name in table.key)


def _meaning(table: TableSchema, column: Column) -> str:
    labels = LABELS.get(table.name)
    if labels and labels.column == column.name:
        return f"{column.description.rstrip('.')}: {', '.join(labels.values)}."
    return column.description
