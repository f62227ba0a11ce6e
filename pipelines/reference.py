"""Reference lists: read whole, load what changed, mark what vanished, keep what held before.

Each list is compared with the tables it fills and only the difference is written, with the rows
of the ledger, in one transaction. A list that says nothing new writes its row of the ledger alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from operator import itemgetter
from pathlib import Path

from pipelines import ledger
from pipelines.loading import Loader
from pipelines.package import parse_package
from pipelines.rows import rows_of, stored_rows
from pipelines.warehouse import Warehouse
from sources.gladly.history import HISTORIES, VALID_TO, next_versions
from sources.gladly.reference import (
    ReferenceList,
    Snapshot,
    archive_lists,
    archived_snapshots,
    fetch_list,
    organization_reader,
)
from sources.gladly.reference_types import CUSTOM_ATTRIBUTE, REFERENCE_LISTS, REFERENCE_STREAM
from sources.gladly.selection import chosen
from sources.gladly.snapshots import Row, Rows, compare, written_rows
from sources.http.client import ApiClient
from sources.http.errors import GapError, GiveUpError, HelpdeskError
from sources.http.replies import Reply
from sources.tables.declarations import TableSchema, table_schemas
from sources.tables.parquet import write_rows
from sources.tables.parse import RecordParser, ignore_progress

_AT_ONCE = 4
_FORBIDDEN = 403


def checked_lists(names: Iterable[str]) -> list[str]:
    """Return the names of lists in the order of ``REFERENCE_LISTS``.

    Raises:
        SettingsError: a name is that of no list.
    """
    return [record.table for record in chosen("reference_lists", names, REFERENCE_LISTS)]


def load_reference(
    client: ApiClient,
    archive: Path,
    loader: Loader,
    names: Sequence[str],
    language: str | None = None,
) -> None:
    """Read reference lists and load what changed since they were read last.

    Lists that an earlier run read but could not load come first. A list that Gladly refuses or
    does not have is said and left as it is; so is one that failed, which then fails the run.
    Exports of the same run come before this: what a late one brought is corrected here.

    Args:
        client: For Gladly.
        archive: The folder of raw reference lists.
        loader: Loads them.
        names: The lists, as in ``REFERENCE_LISTS``.
        language: Of public answers; None for the API's default.

    Raises:
        SettingsError: a name is that of no list.
        HelpdeskError: a list could not be read; all others are loaded.
    """
    names = checked_lists(names)
    with loader.warehouse.opened():
        loaded = ledger.loaded_files(loader.warehouse, REFERENCE_STREAM)
        for snapshot in archived_snapshots(archive, {job_id for job_id, _ in loaded}):
            _load(loader, snapshot)
        seen = _seen_attributes(loader.warehouse) if CUSTOM_ATTRIBUTE.table in names else set()
    lists, failures = _fetched(client, loader, names, seen, language)
    if lists:
        with loader.warehouse.opened():
            loaded = ledger.loaded_files(loader.warehouse, REFERENCE_STREAM)
            at = ledger.later_than_all(min(one.at for one in lists), loaded.values())
            _load(loader, archive_lists(archive, lists, at))
    if failures:
        raise failures[0]


def _fetched(
    client: ApiClient,
    loader: Loader,
    names: Sequence[str],
    attribute_ids: set[str],
    language: str | None,
) -> tuple[list[ReferenceList], list[HelpdeskError]]:
    """Return the lists that could be read, and why others could not."""
    asked = [name for name in names if name != CUSTOM_ATTRIBUTE.table or attribute_ids]
    read_organization = organization_reader(client)
    fetch = partial(_list_or_error, client, attribute_ids, language, read_organization)
    with (
        loader.progress.work("download reference lists", None),
        ThreadPoolExecutor(_AT_ONCE) as executor,
    ):
        answers = list(executor.map(fetch, asked))
    failures = []
    for name, answer in zip(asked, answers, strict=True):
        if isinstance(answer, HelpdeskError):
            loader.progress.say(f"{name} stays as it is. {answer}")
            if not _is_unavailable(answer):
                failures.append(answer)
        elif not answer.is_whole:
            loader.progress.say(
                f"Gladly cut the list of {name}. What it holds is loaded; what it lacks may exist "
                "all the same, so nothing is marked as deleted."
            )
    return [answer for answer in answers if isinstance(answer, ReferenceList)], failures


def _list_or_error(
    client: ApiClient,
    attribute_ids: Iterable[str],
    language: str | None,
    read_organization: Callable[[], Reply],
    name: str,
) -> ReferenceList | HelpdeskError:
    try:
        return fetch_list(client, name, attribute_ids, language, read_organization)
    except HelpdeskError as error:
        return error


def _is_unavailable(error: HelpdeskError) -> bool:
    """Whether the organisation or the user has no access to a list, which a rerun cannot mend."""
    return isinstance(error, GapError) or (
        isinstance(error, GiveUpError) and error.status == _FORBIDDEN
    )


def _seen_attributes(warehouse: Warehouse) -> set[str]:
    """Return the ids of all custom attributes that are known, or that conversations have had."""
    known = warehouse.read(CUSTOM_ATTRIBUTE.table, (CUSTOM_ATTRIBUTE.key,))
    column = "custom_attribute_id"
    once_each = f"c.{column} IS NOT NULL GROUP BY c.{column}"
    told = [
        row
        for table in ("conversation_events", "conversation_custom_attributes")
        for row in warehouse.read(table, (column,), once_each)
    ]
    return {identifier for (identifier,) in (*known, *told) if identifier}


def _load(loader: Loader, snapshot: Snapshot) -> None:
    """Load the lists of a snapshot as one package."""
    last: dict[str, datetime] = {}
    for (_, file), at in ledger.loaded_files(loader.warehouse, REFERENCE_STREAM).items():
        last[file] = max(at, last.get(file, at))
    package = parse_package(
        snapshot.files,
        {f"{name}.jsonl": RecordParser(record) for name, record in REFERENCE_LISTS.items()},
        loader.folder,
        max_quarantined_share=loader.max_quarantined_share,
        processors=1,
        on_lines=ignore_progress,
    )
    parsed = {file.table.name: file for file in package.tables}
    for raw, counts in package.counts:
        name = raw.name.removesuffix(".jsonl")
        tables = table_schemas(REFERENCE_LISTS[name])
        listed = {table.name: rows_of(parsed.pop(table.name, None)) for table in tables}
        is_whole = name in snapshot.whole and not counts.quarantined
        # an older list tells nothing that a later one has not told
        is_late = raw.name in last and last[raw.name] >= snapshot.at
        rows: dict[TableSchema, list[Row]] = {}
        if not is_late:
            rows = _rows_of(loader.warehouse, name, listed, snapshot.at, is_whole=is_whole)
        for table, found in rows.items():
            if found:
                parsed[table.name] = write_rows(loader.folder / name, table, found)
        (key,) = tables[0].key
        written = {row[key] for row in rows.get(tables[0], ())}
        unchanged = [row for row in listed[tables[0].name] if row[key] not in written]
        counts.superseded += len(unchanged)
    package.tables = list(parsed.values())
    loader.load_package(package)


def _rows_of(
    warehouse: Warehouse, name: str, listed: Rows, at: datetime, *, is_whole: bool
) -> dict[TableSchema, list[Row]]:
    """Return the rows by which a list differs from what is stored, histories included."""
    tables = table_schemas(REFERENCE_LISTS[name])
    stored = {table.name: stored_rows(warehouse, table) for table in tables}
    difference = compare(tables, stored, listed, at, is_whole=is_whole)
    versions = {
        history.table: next_versions(
            history,
            stored_rows(warehouse, history.table, f"c.{VALID_TO} IS NULL"),
            listed[history.source],
            at,
            is_whole=is_whole,
        )
        for history in HISTORIES.get(name, ())
    }
    gone_since = _gone_since(warehouse, name, difference.vanished)
    return {
        table: written_rows(
            table, stored[table.name], listed[table.name], difference, at, gone_since
        )
        for table in tables
    } | versions


def _gone_since(warehouse: Warehouse, name: str, keys: AbstractSet[str]) -> dict[str, datetime]:
    """Return since when lists have no longer shown what vanished, where an earlier one did not.

    An export can bring back, for a while, what lists had told of as gone long before.
    """
    for history in HISTORIES.get(name, ())[:1]:
        if not keys:
            break
        versions = stored_rows(warehouse, history.table)
        holding = {history.key_of(row) for row in versions if row[VALID_TO] is None}
        ended = sorted(
            (row for row in versions if row[VALID_TO] and history.key_of(row) not in holding),
            key=itemgetter(VALID_TO),
        )
        return {history.key_of(row)[0]: row[VALID_TO] for row in ended}
    return {}
