"""The SQL of media: which attachments and recordings are known of but not dealt with.

Dealt with is what ``media_files`` has, except where something may have changed since:

    gone         and a later version of the item still tells of it
    too_large    and the bound allows more now
    refused      and a month has passed: somebody may have given the permission
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from pipelines.merge import Names
from sources.gladly.declarations import CONTENT_TYPES, CONVERSATION_ITEM
from sources.gladly.media import MEDIA_FILES, RECORDING_ID, MediaKind, Outcome
from sources.tables.declarations import EXTRACTED_AT, FILE, JOB_ID, LINE

ATTACHMENTS = "item_attachments"
WITH_RECORDINGS = tuple(CONTENT_TYPES[kind].table for kind in ("PHONE_CALL", "VOICEMAIL"))
TABLES = (CONVERSATION_ITEM.table, ATTACHMENTS, *WITH_RECORDINGS, MEDIA_FILES.name)

_NO_TEXT = "''"
_ITEM_COLUMNS = ("customer_id", "conversation_id", EXTRACTED_AT, JOB_ID, FILE, LINE)
_COLUMNS = ("kind", "item_id", "media_id", "told_type", *_ITEM_COLUMNS)


def pending_sql(
    kinds: Collection[MediaKind],
    rows_of: Callable[[str], str],
    present: Collection[str],
    names: Names,
    max_bytes: int,
) -> str | None:
    """Return the query for what is not dealt with, newest item first; None if nothing can be.

    Its columns are those of ``Medium``. One ``%s`` in it stands for the time before which a
    refusal is asked for again, where ``media_files`` is in ``present``. The order is total, so
    that parts of the answer can be asked for one after the other.

    Args:
        kinds: What to look for.
        rows_of: What stands for the rows of a table after FROM.
        present: The tables of ``TABLES`` that are there; no other is asked.
        names: How the destination writes names.
        max_bytes: The bound on the size of a file.
    """
    if CONVERSATION_ITEM.table not in present:
        return None
    selects = []
    if MediaKind.ATTACHMENT in kinds and ATTACHMENTS in present:
        selects.append(_attachments(rows_of, names))
    if MediaKind.RECORDING in kinds:
        tables = [table for table in WITH_RECORDINGS if table in present]
        selects += [_recordings(table, rows_of, names) for table in tables]
    if not selects:
        return None
    listed = ", ".join(f"w.{names.column(name)}" for name in _COLUMNS)
    order = ", ".join(f"w.{names.column(name)}" for name in ("item_id", "kind", "media_id"))
    sql = f"SELECT {listed} FROM ({' UNION ALL '.join(selects)}) AS w"
    if MEDIA_FILES.name in present:
        sql += f" WHERE {_is_not_dealt_with(rows_of, names, max_bytes)}"
    return f"{sql} ORDER BY w.{names.column('timestamp')} DESC, {order}"


def item_and_media_id(table: str, names: Names) -> tuple[str, str]:
    """Return what stands for the two ids in a query for ``ATTACHMENTS`` or recordings, alias t."""
    if table == ATTACHMENTS:
        return f"t.{names.column('item_id')}", f"t.{names.column('attachment_id')}"
    return f"t.{names.column(CONVERSATION_ITEM.key)}", f"'{RECORDING_ID}'"


def _attachments(rows_of: Callable[[str], str], names: Names) -> str:
    """An item may list one attachment twice; it is one file."""
    item, media_id = item_and_media_id(ATTACHMENTS, names)
    told_type = f"MIN(t.{names.column('content_type')})"
    of_item = _of_item(names)
    return (
        f"{_select(MediaKind.ATTACHMENT, item, media_id, told_type, names)} "
        f"FROM {rows_of(ATTACHMENTS)} AS t {_joined_to_item(item, rows_of, names)} "
        f"WHERE {media_id} <> '' GROUP BY {item}, {media_id}, {', '.join(of_item)}"
    )


def _recordings(table: str, rows_of: Callable[[str], str], names: Names) -> str:
    item, media_id = item_and_media_id(table, names)
    return (
        f"{_select(MediaKind.RECORDING, item, media_id, _NO_TEXT, names)} "
        f"FROM {rows_of(table)} AS t {_joined_to_item(item, rows_of, names)} "
        f"WHERE t.{names.column('recording_status')} = 'AVAILABLE'"
    )


def _of_item(names: Names) -> list[str]:
    return [f"i.{names.column(name)}" for name in (*_ITEM_COLUMNS, "timestamp")]


def _select(kind: MediaKind, item: str, media_id: str, told_type: str, names: Names) -> str:
    values = (f"'{kind}'", item, media_id, told_type, *_of_item(names))
    columns = (*_COLUMNS, "timestamp")
    listed = zip(values, columns, strict=True)
    return "SELECT " + ", ".join(f"{value} AS {names.column(name)}" for value, name in listed)


def _joined_to_item(item: str, rows_of: Callable[[str], str], names: Names) -> str:
    key = names.column(CONVERSATION_ITEM.key)
    return f"JOIN {rows_of(CONVERSATION_ITEM.table)} AS i ON i.{key} = {item}"


def _is_not_dealt_with(rows_of: Callable[[str], str], names: Names, max_bytes: int) -> str:
    same = _all_equal(MEDIA_FILES.key, names)
    outcome, extracted_at = f"m.{names.column('outcome')}", names.column(EXTRACTED_AT)
    again = (
        f"({outcome} = '{Outcome.GONE}' AND w.{extracted_at} > m.{extracted_at}) OR "
        f"({outcome} = '{Outcome.TOO_LARGE}' AND m.{names.column('bytes')} <= {max_bytes}) OR "
        f"({outcome} = '{Outcome.REFUSED}' AND m.{names.column('requested_at')} < %s)"
    )
    return (
        f"NOT EXISTS (SELECT 1 FROM {rows_of(MEDIA_FILES.name)} AS m "
        f"WHERE {same} AND NOT ({again}))"
    )


def _all_equal(columns: Sequence[str], names: Names) -> str:
    return " AND ".join(f"m.{names.column(name)} = w.{names.column(name)}" for name in columns)
