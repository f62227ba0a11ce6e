"""The SQL of an erasure: who is gone, which lines named them, and the rows of those lines.

A row names its line (`_job_id`, `_file`, `_line`), and all rows of one line, in whatever tables,
are one record's. So what names somebody is found as lines, and erased as lines: in the tables as in
the raw archive.

names    customer X, merged id A of X, conversation C that is only theirs
lines    job 7, file, line 12    job 7, file, line 40    ...
rows     every row of a chain whose lineage is one of the lines
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipelines.merge import Names
from sources.gladly.declarations import CONVERSATION_ITEM, CUSTOMER
from sources.gladly.enrichment_types import CONVERSATION, CUSTOMER_PROFILE, ENRICHMENT_READ
from sources.gladly.identity import (
    CONVERSATION_MERGES,
    DELETED_CUSTOMERS,
    ERASED_CUSTOMERS,
    REDACTED_ITEMS,
)
from sources.tables.declarations import (
    EXTRA,
    EXTRACTED_AT,
    FILE,
    JOB_ID,
    LINE,
    Column,
    Kind,
    TableSchema,
)
from sources.tables.ledger import LOAD_FILES, LOAD_RUNS, QUARANTINED_LINES

CUSTOMER_KIND = "customer"
CONVERSATION_KIND = "conversation"

NAMES_OF_THE_GONE = TableSchema(
    "erasing_names",
    (
        Column("kind", Kind.TEXT, "customer, or conversation.", nullable=False),
        Column("name", Kind.TEXT, "The id.", nullable=False),
        Column("owner", Kind.TEXT, "The customer id it stands for.", nullable=False),
    ),
    key=("kind", "name"),
    description="Ids whose rows are being erased; empty once that is done.",
    version=("name",),
)
LINE_COLUMNS = (EXTRACTED_AT, JOB_ID, FILE, LINE)
LINES_OF_THE_GONE = TableSchema(
    "erasing_lines",
    (
        Column("root", Kind.TEXT, "The root table of the rows.", nullable=False),
        Column(EXTRACTED_AT, Kind.TIMESTAMP, "As in the rows.", nullable=False),
        Column(JOB_ID, Kind.TEXT, "As in the rows.", nullable=False),
        Column(FILE, Kind.TEXT, "As in the rows.", nullable=False),
        Column(LINE, Kind.INTEGER, "As in the rows.", nullable=False),
        Column("owner", Kind.TEXT, "The customer id it names; empty if unknown.", nullable=False),
    ),
    key=("root", *LINE_COLUMNS, "owner"),
    description="Lines whose rows are being erased; empty once that is done.",
    version=(EXTRACTED_AT,),
)
SCRATCH = (NAMES_OF_THE_GONE, LINES_OF_THE_GONE)

# the record of a deletion, and of its erasure, is all that stays
_KEPT = frozenset({DELETED_CUSTOMERS.name, ERASED_CUSTOMERS.name})
# an id in a system of the user's own, which may look like anything
_NOT_OURS = frozenset({"external_customer_id"})
_RAW = "raw"
# columns that hold ids of customers, or of conversations, without saying so
_CUSTOMERS = {
    CUSTOMER.table: (CUSTOMER.key,),
    CUSTOMER_PROFILE.table: (CUSTOMER_PROFILE.key,),
    ENRICHMENT_READ.table: ("entity_id", "moved_to"),
}
_CONVERSATIONS = {CONVERSATION.table: (CONVERSATION.key,), ENRICHMENT_READ.table: ("entity_id",)}


def customer_columns(table: TableSchema) -> list[str]:
    """Return the columns that say whose a row is. Who began an item is not among them."""
    columns = [
        column.name
        for column in table.columns
        if _is_named(column.name, "customer_id") and column.name not in _NOT_OURS
    ]
    return [*_CUSTOMERS.get(table.name, ()), *columns]


def conversation_columns(table: TableSchema) -> list[str]:
    """Return the columns that hold conversation ids."""
    columns = [c.name for c in table.columns if _is_named(c.name, "conversation_id")]
    return [*_CONVERSATIONS.get(table.name, ()), *columns]


def text_columns(table: TableSchema) -> list[str]:
    """Return the columns that may hold anything, ids too: raw text and ``_extra``."""
    return [name for name in (EXTRA, _RAW) if name in table.columns_by_name]


def lineage_columns(table: TableSchema) -> tuple[str, ...]:
    """Return the columns that name a row's line, in the order of the scratch table's; or none."""
    names = table.columns_by_name
    of_file = ("extracted_at", "job_id", "file", "line_number")
    return next(
        (columns for columns in (LINE_COLUMNS, of_file) if all(name in names for name in columns)),
        (),
    )


def erasable(tables: Iterable[TableSchema]) -> list[TableSchema]:
    """Return the tables whose rows can name somebody and do not only record a deletion."""
    return [table for table in tables if table.name not in _KEPT and lineage_columns(table)]


def root_of(table: TableSchema) -> str:
    """Return the table whose rows go with a row of this one: a ledger's rows never go."""
    return table.name if table.parent == LOAD_FILES.name else table.parent or table.name


def known_names_statement(names: Names) -> str:
    """Name all customers that are erased already: their rows may have come again."""
    customer = names.column("customer_id")
    return (
        f"INSERT INTO {names.staged(NAMES_OF_THE_GONE.name)} ({listed(NAMES_OF_THE_GONE, names)}) "
        f"SELECT '{CUSTOMER_KIND}', {customer}, {customer} "
        f"FROM {names.final(ERASED_CUSTOMERS.name)}"
    )


def name_conversations_statements(tables: Iterable[TableSchema], names: Names) -> Iterator[str]:
    """Name the conversations of the customers named, one statement a table."""
    kind, name, owner = _scratch(NAMES_OF_THE_GONE, names)
    for table, column in _with_conversations_of_customers(tables):
        customer, conversation = names.column("customer_id"), names.column(column)
        yield (
            f"INSERT INTO {names.staged(NAMES_OF_THE_GONE.name)} "
            f"({listed(NAMES_OF_THE_GONE, names)}) "
            f"SELECT '{CONVERSATION_KIND}', t.{conversation}, MIN(n.{owner}) "
            f"FROM {names.final(table.name)} AS t "
            f"JOIN {names.staged(NAMES_OF_THE_GONE.name)} AS n "
            f"ON n.{name} = t.{customer} AND n.{kind} = '{CUSTOMER_KIND}' "
            f"WHERE t.{conversation} <> '' AND NOT {_is_conversation(f't.{conversation}', names)} "
            f"GROUP BY t.{conversation}"
        )


def name_merged_conversations_statement(names: Names) -> str:
    """Name the conversations that were merged into one that is named."""
    kind, name, owner = _scratch(NAMES_OF_THE_GONE, names)
    source = f"m.{names.column('source_conversation_id')}"
    destination = f"m.{names.column('destination_conversation_id')}"
    return (
        f"INSERT INTO {names.staged(NAMES_OF_THE_GONE.name)} ({listed(NAMES_OF_THE_GONE, names)}) "
        f"SELECT '{CONVERSATION_KIND}', {source}, MIN(n.{owner}) "
        f"FROM {names.final(CONVERSATION_MERGES.name)} AS m "
        f"JOIN {names.staged(NAMES_OF_THE_GONE.name)} AS n "
        f"ON n.{name} = {destination} AND n.{kind} = '{CONVERSATION_KIND}' "
        f"WHERE {source} <> '' AND NOT {_is_conversation(source, names)} GROUP BY {source}"
    )


def keep_shared_statements(tables: Iterable[TableSchema], names: Names) -> Iterator[str]:
    """Take back the conversations that another customer takes part in."""
    kind, name, _ = _scratch(NAMES_OF_THE_GONE, names)
    for table, column in _with_conversations_of_customers(tables):
        customer, conversation = names.column("customer_id"), names.column(column)
        yield (
            f"DELETE FROM {names.staged(NAMES_OF_THE_GONE.name)} AS c "
            f"WHERE c.{kind} = '{CONVERSATION_KIND}' AND c.{name} IN ("
            f"SELECT t.{conversation} FROM {names.final(table.name)} AS t "
            f"WHERE t.{conversation} IS NOT NULL AND t.{customer} <> '' AND NOT EXISTS ("
            f"SELECT 1 FROM {names.staged(NAMES_OF_THE_GONE.name)} AS n "
            f"WHERE n.{kind} = '{CUSTOMER_KIND}' AND n.{name} = t.{customer}))"
        )


def find_lines_statements(tables: Iterable[TableSchema], names: Names) -> Iterator[str]:
    """Find the lines of rows that name somebody in a column, one statement a column."""
    for table in erasable(tables):
        for column in customer_columns(table):
            yield _find_lines(table, column, CUSTOMER_KIND, names)
        for column in conversation_columns(table):
            yield _find_lines(table, column, CONVERSATION_KIND, names)


def texts_sql(table: TableSchema, column: str, names: Names, *, only_fresh: bool) -> str:
    """Return the query for the lines and texts of a column that may hold anything.

    Args:
        table: The table.
        column: The column.
        names: How the destination writes names.
        only_fresh: Leave out files that a run which ended by itself has loaded.
    """
    lineage = lineage_columns(table)
    selected = ", ".join(f"t.{names.column(name)}" for name in (*lineage, column))
    sql = (
        f"SELECT {selected} FROM {names.final(table.name)} AS t "
        f"WHERE t.{names.column(column)} IS NOT NULL"
    )
    if not only_fresh:
        return sql
    _, job_id, file, _ = (f"t.{names.column(name)}" for name in lineage)
    return f"{sql} AND NOT {_is_of_an_ended_run(job_id, file, names)}"


def returned_sql(names: Names) -> str:
    """Return the query that counts lines found in files that an earlier run has loaded."""
    job_id, file = (f"l.{names.column(name)}" for name in (JOB_ID, FILE))
    return (
        f"SELECT COUNT(*) FROM {names.staged(LINES_OF_THE_GONE.name)} AS l "
        f"WHERE {_is_of_an_ended_run(job_id, file, names)}"
    )


def fresh_files_sql(names: Names) -> str:
    """Return the query for the places of files that no run which ended by itself has loaded."""
    job_id, file = (f"f.{names.column(name)}" for name in ("job_id", "file"))
    path = f"f.{names.column('archive_path')}"
    return (
        f"SELECT {path} FROM {names.final(LOAD_FILES.name)} AS f "
        f"WHERE {path} IS NOT NULL AND NOT {_is_of_an_ended_run(job_id, file, names)}"
    )


def cut_lines_sql(names: Names) -> str:
    """Return the query for quarantined lines of which the table has the beginning only."""
    lineage = lineage_columns(QUARANTINED_LINES)
    selected = ", ".join(
        f"q.{names.column(name)}" for name in (*lineage, "byte_offset", "byte_length")
    )
    same = " AND ".join(
        f"f.{names.column(name)} = q.{names.column(name)}"
        for name in ("job_id", "file", "extracted_at")
    )
    path = f"f.{names.column('archive_path')}"
    return (
        f"SELECT {selected}, {path} FROM {names.final(QUARANTINED_LINES.name)} AS q "
        f"JOIN {names.final(LOAD_FILES.name)} AS f ON {same} "
        f"WHERE q.{names.column('is_cut')} AND {path} IS NOT NULL"
    )


def forget_redactions_statement(names: Names) -> str:
    """Return the statement that takes the redactions of items that are being erased."""
    item = names.column("item_id")
    return (
        f"DELETE FROM {names.final(REDACTED_ITEMS.name)} WHERE {item} IN ("
        f"SELECT t.{names.column(CONVERSATION_ITEM.key)} "
        f"FROM {names.final(CONVERSATION_ITEM.table)} AS t "
        f"WHERE {is_line(LINE_COLUMNS, CONVERSATION_ITEM.table, names)})"
    )


def count_rows_sql(table: TableSchema, names: Names) -> str:
    """Return the query for the rows of a table that are being erased, by owner."""
    owner = names.column("owner")
    lines = ", ".join(map(names.column, (*LINE_COLUMNS, "owner")))
    same = same_line(lineage_columns(table), names)
    return (
        f"SELECT l.{owner}, COUNT(*) FROM {names.final(table.name)} AS t JOIN ("
        f"SELECT DISTINCT {lines} FROM {names.staged(LINES_OF_THE_GONE.name)} "
        f"WHERE {names.column('root')} = '{root_of(table)}') AS l ON {same} GROUP BY l.{owner}"
    )


def delete_statement(table: TableSchema, names: Names) -> str:
    """Return the statement that deletes the rows of a table that are being erased."""
    is_erased = is_line(lineage_columns(table), root_of(table), names)
    return f"DELETE FROM {names.final(table.name)} AS t WHERE {is_erased}"


def names_left_sql(names: Names) -> str:
    """Return the query that counts the names in the scratch table."""
    return f"SELECT COUNT(*) FROM {names.staged(NAMES_OF_THE_GONE.name)}"


def empty_scratch_statements(names: Names) -> list[str]:
    """Return the statements that empty the scratch tables."""
    return [f"DELETE FROM {names.staged(table.name)}" for table in SCRATCH]


def _is_named(column: str, name: str) -> bool:
    return column == name or column.endswith(f"_{name}")


def _with_conversations_of_customers(
    tables: Iterable[TableSchema],
) -> list[tuple[TableSchema, str]]:
    """Return the tables that say whose a conversation is, and the column that names it."""
    found: list[tuple[TableSchema, str]] = []
    for table in erasable(tables):
        own = _CONVERSATIONS.get(table.name, ())
        columns = [*own, *({"conversation_id"} & table.columns_by_name.keys())]
        if columns and "customer_id" in table.columns_by_name:
            found.append((table, columns[0]))
    return found


def _find_lines(table: TableSchema, column: str, kind: str, names: Names) -> str:
    kind_column, name, owner = _scratch(NAMES_OF_THE_GONE, names)
    lineage = ", ".join(f"t.{names.column(each)}" for each in lineage_columns(table))
    return (
        f"INSERT INTO {names.staged(LINES_OF_THE_GONE.name)} ({listed(LINES_OF_THE_GONE, names)}) "
        f"SELECT DISTINCT '{root_of(table)}', {lineage}, n.{owner} "
        f"FROM {names.final(table.name)} AS t "
        f"JOIN {names.staged(NAMES_OF_THE_GONE.name)} AS n ON n.{name} = t.{names.column(column)} "
        f"WHERE n.{kind_column} = '{kind}'"
    )


def _is_conversation(value: str, names: Names) -> str:
    kind, name, _ = _scratch(NAMES_OF_THE_GONE, names)
    return (
        f"EXISTS (SELECT 1 FROM {names.staged(NAMES_OF_THE_GONE.name)} AS known "
        f"WHERE known.{kind} = '{CONVERSATION_KIND}' AND known.{name} = {value})"
    )


def _is_of_an_ended_run(job_id: str, file: str, names: Names) -> str:
    run_id, status = names.column("run_id"), names.column("status")
    return (
        f"EXISTS (SELECT 1 FROM {names.final(LOAD_FILES.name)} AS loaded "
        f"JOIN {names.final(LOAD_RUNS.name)} AS run ON run.{run_id} = loaded.{run_id} "
        f"WHERE run.{status} = 'done' AND loaded.{names.column('job_id')} = {job_id} "
        f"AND loaded.{names.column('file')} = {file})"
    )


def is_line(lineage: Sequence[str], root: str, names: Names) -> str:
    """Return the condition that a row ``t`` of a chain is being erased.

    Args:
        lineage: The columns that name its line.
        root: The root table of the chain.
        names: How the destination writes names.
    """
    return (
        f"EXISTS (SELECT 1 FROM {names.staged(LINES_OF_THE_GONE.name)} AS l "
        f"WHERE l.{names.column('root')} = '{root}' AND {same_line(lineage, names)})"
    )


def same_line(lineage: Sequence[str], names: Names) -> str:
    """Return the condition that a row ``t`` is of the line ``l`` that is being erased."""
    return " AND ".join(
        f"l.{names.column(line)} = t.{names.column(column)}"
        for line, column in zip(LINE_COLUMNS, lineage, strict=True)
    )


def _scratch(table: TableSchema, names: Names) -> list[str]:
    return [names.column(column.name) for column in table.columns]


def listed(table: TableSchema, names: Names) -> str:
    """Return the columns of a table, as a statement lists them."""
    return ", ".join(_scratch(table, names))
