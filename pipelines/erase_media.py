"""The stored attachments and recordings of items that are being erased.

They are known by two ways, since a run may have been killed between storing a file and its row:

    media_files    rows that name somebody themselves, or whose item does
    items          names of the store are made of ids alone, so those of an item can be told
"""

from __future__ import annotations

from pipelines.erase_sql import (
    LINE_COLUMNS,
    LINES_OF_THE_GONE,
    is_line,
    listed,
    same_line,
)
from pipelines.media_sql import ATTACHMENTS, WITH_RECORDINGS, item_and_media_id
from pipelines.merge import Names
from pipelines.session import Session
from sources.gladly.declarations import CONVERSATION_ITEM
from sources.gladly.media import MEDIA_FILES, MediaKind, stored_name


def find_media_statement(names: Names) -> str:
    """Return the statement that finds the rows of media whose items are being erased.

    Most name the customer themselves; those of an item that is found by its text do not.
    """
    lineage = ", ".join(f"m.{names.column(name)}" for name in LINE_COLUMNS)
    return (
        f"INSERT INTO {names.staged(LINES_OF_THE_GONE.name)} ({listed(LINES_OF_THE_GONE, names)}) "
        f"SELECT DISTINCT '{MEDIA_FILES.name}', {lineage}, l.{names.column('owner')} "
        f"FROM {names.final(MEDIA_FILES.name)} AS m "
        f"JOIN {names.final(CONVERSATION_ITEM.table)} AS t "
        f"ON t.{names.column(CONVERSATION_ITEM.key)} = m.{names.column('item_id')} "
        f"JOIN {names.staged(LINES_OF_THE_GONE.name)} AS l ON {same_line(LINE_COLUMNS, names)} "
        f"WHERE l.{names.column('root')} = '{CONVERSATION_ITEM.table}'"
    )


def media_names(session: Session) -> list[str]:
    """Return the names in the store of all that is being erased, whether it is there or not."""
    names = session.names
    path = f"t.{names.column('path')}"
    of_media = is_line(LINE_COLUMNS, MEDIA_FILES.name, names)
    rows = session.rows(
        f"SELECT {path} FROM {names.final(MEDIA_FILES.name)} AS t "
        f"WHERE {path} IS NOT NULL AND {of_media}"
    )
    found = {name for (name,) in rows}
    for table in (ATTACHMENTS, *WITH_RECORDINGS):
        kind = MediaKind.ATTACHMENT if table == ATTACHMENTS else MediaKind.RECORDING
        found |= {stored_name(kind, *ids) for ids in session.rows(_ids_sql(table, names))}
    return sorted(found)


def _ids_sql(table: str, names: Names) -> str:
    item, media_id = item_and_media_id(table, names)
    of_item = is_line(LINE_COLUMNS, CONVERSATION_ITEM.table, names)
    return (
        f"SELECT {item}, {media_id} FROM {names.final(table)} AS t "
        f"WHERE {media_id} <> '' AND {of_item}"
    )
