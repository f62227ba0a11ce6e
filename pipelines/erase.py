"""Customers that Gladly deleted leave the raw archive and the tables; only their ids remain.

Who is gone: every profile of ``deleted_customers``, every id that was merged into one of them, and
every id that was erased before, because a file that comes late may bring rows of it again.

    names      ids of the gone, and the conversations that are only theirs
    archive    lines that name them become blank, file by file
    store      attachments and recordings of their items are deleted
    tables     rows of such lines leave, and erased_customers says so: one transaction
    file       of an embedded database: copied without what was deleted

Killed at any point, the next run begins again: what is blank already stays blank, and nothing says
"erased" before the tables are.

Source: Gladly API reference, Events, CUSTOMER_PROFILE/DELETED.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines import erase_sql as sql
from pipelines.erase_media import find_media_statement, media_names
from pipelines.merging import TableChange
from pipelines.session import Session
from pipelines.warehouse import Warehouse
from sources.gladly.identity import (
    CUSTOMER_MERGES,
    DELETED_CUSTOMERS,
    ERASED_CUSTOMERS,
    REDACTED_ITEMS,
)
from sources.http.errors import SettingsError
from sources.streams.erase import ErasedLines, Sought, erase_lines
from sources.streams.lines import OVERSIZED_HEAD_BYTES, is_blank
from sources.tables.declarations import TableSchema
from sources.tables.ledger import QUARANTINED_LINES

# who began an item or answered it does not own it
_PASSED_OVER = frozenset({"initiator", "responder", "initiator_id", "responder_id"})
_NO_RECORDS = frozenset({".part", ".json"})
_UNKNOWN = ""


@dataclass(slots=True)
class EraseReport:
    """What was erased.

    Attributes:
        customers: Ids erased for the first time, ids that were merged into them among them.
        rows: Rows that left the tables.
        raw_lines: Lines (of CSV files: records) that left the raw archive.
        files: Attachments and recordings that left the store.
        changes: What left each table, and what ``erased_customers`` got.
        survived: Ids that are called deleted but were merged into a profile that is not: their
            history is that profile's, and was not touched.
    """

    customers: tuple[str, ...] = ()
    rows: int = 0
    raw_lines: int = 0
    files: int = 0
    changes: list[TableChange] = field(default_factory=list)
    survived: tuple[str, ...] = ()


def check_can_erase(warehouse: Warehouse) -> None:
    """Refuse a destination that cannot delete rows, before anything is done.

    Raises:
        SettingsError: it only appends.
    """
    if not warehouse.can_delete:
        raise SettingsError(
            'on_customer_deleted is "erase", but this destination keeps every version in files '
            "and cannot delete rows. Load into a database, such as duckdb or postgres, or set "
            'on_customer_deleted to "keep" under [sources.gladly] in .dlt/config.toml.'
        )


def erase_deleted_customers(
    warehouse: Warehouse,
    tables: Iterable[TableSchema],
    archive: Path,
    fresh_files: Iterable[Path],
    delete_media: Callable[[Iterable[str]], int],
    now: datetime,
) -> EraseReport:
    """Erase what is known of deleted customers; call it before the run is recorded as done.

    An id that is new is looked for in the whole archive and in all texts, and so are all ids once
    rows of one erased before turn up that an earlier run has loaded; else only what came since the
    last run that ended by itself is looked at.

    Args:
        warehouse: Where the rows are.
        tables: Every table of it.
        archive: Folder of the raw archive.
        fresh_files: Files of the archive that this run fetched.
        delete_media: Deletes files of the store by their names, if they are there; returns how
            many were. It is called before their rows leave: a run that is killed in between does
            it again.
        now: The time to record.

    Raises:
        SettingsError: the destination cannot delete rows; nothing was done.
        GiveUpError: the disk is full; nothing counts as erased.
    """
    check_can_erase(warehouse)
    tables = list(tables)
    known = {
        customer: (int(rows), int(lines))
        for customer, rows, lines in warehouse.read(
            ERASED_CUSTOMERS.name, ("customer_id", "rows_erased", "raw_lines_erased")
        )
    }
    deleted = {customer for (customer,) in warehouse.read(DELETED_CUSTOMERS.name, ("customer_id",))}
    merges = warehouse.read(CUSTOMER_MERGES.name, ("source_customer_id", "destination_customer_id"))
    gone, survived = who_is_gone(deleted, merges, known.keys())
    report = EraseReport(survived=tuple(sorted(survived)))
    if not gone:
        return report
    with warehouse.session(sql.SCRATCH) as session:
        # names that are left here say that erased bytes are to be given up
        is_due = session.number(sql.names_left_sql(session.names)) > 0
        new = frozenset(gone - known.keys())
        erasure = _Erasure(session, tables, archive, known, new, delete_media)
        erasure.run(fresh_files, now, report)
        if not (warehouse.can_compact and (report.rows or is_due)):
            session.run(sql.empty_scratch_statements(session.names))
    return report


def give_up_erased_bytes(warehouse: Warehouse) -> bool:
    """Make the destination's own file forget erased rows; call it once the run is recorded.

    A database in one file is copied without them, which takes its time and its room once more; it
    is done only after rows were erased, and again by the next run if this one fails or is killed.
    A database server frees the space of deleted rows by rules of its own (PostgreSQL: vacuum).

    Returns:
        Whether there was something to do.

    Raises:
        RetryableError: another program has the database open; the next run tries again.
    """
    if not warehouse.can_compact:
        return False
    with warehouse.session(sql.SCRATCH) as session:
        is_due = session.number(sql.names_left_sql(session.names)) > 0
    if is_due:
        warehouse.compact()
        with warehouse.session() as session:
            session.run(sql.empty_scratch_statements(session.names))
    return is_due


def who_is_gone(
    deleted: AbstractSet[str], merges: Collection[tuple[str, str]], erased: AbstractSet[str]
) -> tuple[set[str], set[str]]:
    """Return the ids to erase, and the deleted ones that are not to be.

    merges      A -> B -> C    D -> C    E -> F
    deleted               C              E
    erased      A    B    C    D
    survived                             E      what was E's is F's, and F was not deleted

    Args:
        deleted: Ids of profiles that were deleted.
        merges: Pairs of ids, source and destination, in any order; cycles are no harm.
        erased: Ids erased before: they stay erased whatever is heard of them later.
    """
    into: dict[str, set[str]] = {}
    onto: dict[str, set[str]] = {}
    for source, destination in merges:
        if source != destination:
            into.setdefault(destination, set()).add(source)
            onto.setdefault(source, set()).add(destination)
    living = {end for end in into if end not in onto} - deleted - erased
    merged_into_living = _reached(living, into) - living
    survived = {customer for customer in deleted & merged_into_living if customer not in erased}
    gone = _reached((deleted - survived) | erased, into)
    return gone - {""}, survived


def archived_files(archive: Path) -> Iterator[Path]:
    """Yield the files of the raw archive that hold records, in order."""
    for path in sorted(archive.rglob("*")):
        if path.is_file() and path.suffix not in _NO_RECORDS:
            yield path


def _reached(start: Iterable[str], edges: dict[str, set[str]]) -> set[str]:
    reached = set(start)
    pending = list(reached)
    while pending:
        new = edges.get(pending.pop(), set()) - reached
        reached |= new
        pending += new
    return reached


@dataclass(frozen=True, slots=True)
class _Erasure:
    """One erasure under way; ``known`` has what was counted for ids that were erased before."""

    session: Session
    tables: list[TableSchema]
    archive: Path
    known: dict[str, tuple[int, int]]
    new: frozenset[str]
    delete_media: Callable[[Iterable[str]], int]

    def run(self, fresh_files: Iterable[Path], now: datetime, report: EraseReport) -> None:
        names = self.session.names
        self.session.run(sql.empty_scratch_statements(names))
        sought = self._name_the_gone()
        self.session.run(sql.find_lines_statements(self.tables, names))
        everywhere = bool(self.new) or self.session.number(sql.returned_sql(names)) > 0
        self._find_in_texts(sought, only_fresh=not everywhere)
        files = archived_files(self.archive) if everywhere else self._fresh(fresh_files)
        raw = ErasedLines()
        for path in files:
            raw.add(erase_lines(path, sought, is_csv=_is_csv(path)))
        self._find_cut_lines()
        self.session.run([find_media_statement(names)])
        report.files = self.delete_media(media_names(self.session))
        self._erase_rows(raw, now, report)
        report.raw_lines = raw.records
        report.customers = tuple(sorted(self.new))

    def _name_the_gone(self) -> Sought:
        """Fill the scratch table of names; return them all."""
        session, names = self.session, self.session.names
        table = names.staged(sql.NAMES_OF_THE_GONE.name)
        columns = [column.name for column in sql.NAMES_OF_THE_GONE.columns]
        session.run([sql.known_names_statement(names)])
        customers = ((sql.CUSTOMER_KIND, customer, customer) for customer in sorted(self.new))
        session.insert(table, columns, customers)
        session.run(sql.name_conversations_statements(self.tables, names))
        count = f"SELECT COUNT(*) FROM {table}"
        before = -1
        while before != (before := session.number(count)):
            session.run([sql.name_merged_conversations_statement(names)])
        session.run(sql.keep_shared_statements(self.tables, names))
        name, owner = (names.column(column) for column in ("name", "owner"))
        owners = dict(session.rows(f"SELECT {name}, {owner} FROM {table}"))
        return Sought(owners, _PASSED_OVER)

    def _find_in_texts(self, sought: Sought, *, only_fresh: bool) -> None:
        for table in sql.erasable(self.tables):
            for column in sql.text_columns(table):
                query = sql.texts_sql(table, column, self.session.names, only_fresh=only_fresh)
                found = [
                    (*lineage, owner)
                    for *lineage, text in self.session.stream(query)
                    for owner in _owners(text, lineage, sought)
                ]
                self._add_lines(table, found)

    def _find_cut_lines(self) -> None:
        """Find the quarantined lines that are blank in the archive by now.

        Of a line that is too long for a table only the beginning is there, which need not name
        anybody; a line that is quarantined never was blank before.
        """
        rows = self.session.rows(sql.cut_lines_sql(self.session.names))
        found = [
            (*lineage, _UNKNOWN)
            for *lineage, offset, length, path in rows
            if _is_blank_at(self.archive / path, offset, length)
        ]
        self._add_lines(QUARANTINED_LINES, found)

    def _add_lines(self, table: TableSchema, found: Iterable[tuple[Any, ...]]) -> None:
        self.session.insert(
            self.session.names.staged(sql.LINES_OF_THE_GONE.name),
            [column.name for column in sql.LINES_OF_THE_GONE.columns],
            ((sql.root_of(table), *line) for line in found),
        )

    def _fresh(self, fresh_files: Iterable[Path]) -> list[Path]:
        loaded = self.session.rows(sql.fresh_files_sql(self.session.names))
        paths = {*fresh_files, *(self.archive / path for (path,) in loaded)}
        return sorted(path for path in paths if path.is_file())

    def _erase_rows(self, raw: ErasedLines, now: datetime, report: EraseReport) -> None:
        session, names = self.session, self.session.names
        root = names.column("root")
        roots = session.rows(
            f"SELECT DISTINCT {root} FROM {names.staged(sql.LINES_OF_THE_GONE.name)}"
        )
        if not (roots or self.new or raw.records):
            return
        chains = [t for t in sql.erasable(self.tables) if (sql.root_of(t),) in set(roots)]
        by_owner: Counter[str] = Counter()
        with session.transaction():
            self._delete([REDACTED_ITEMS], [sql.forget_redactions_statement(names)], report)
            for table in chains:
                by_owner.update(dict(session.rows(sql.count_rows_sql(table, names))))
            self._delete(chains, [sql.delete_statement(table, names) for table in chains], report)
            self._record(by_owner, raw.by_owner, now, report)

    def _delete(
        self, tables: list[TableSchema], statements: list[str], report: EraseReport
    ) -> None:
        for table, statement in zip(tables, statements, strict=True):
            count = f"SELECT COUNT(*) FROM {self.session.names.final(table.name)}"
            before = self.session.number(count)
            self.session.run([statement])
            removed = before - self.session.number(count)
            if removed:
                report.rows += removed
                report.changes.append(TableChange(table.name, 0, 0, removed))

    def _record(
        self, rows: Counter[str], lines: Counter[str], now: datetime, report: EraseReport
    ) -> None:
        names = self.session.names
        table = names.final(ERASED_CUSTOMERS.name)
        again = sorted(self.known.keys() & (rows.keys() | lines.keys()))
        for customer in again:
            self.session.client.execute_sql(
                f"DELETE FROM {table} WHERE {names.column('customer_id')} = %s", customer
            )
        records = [
            (customer, now, before[0] + rows[customer], before[1] + lines[customer])
            for customer in (*sorted(self.new), *again)
            for before in (self.known.get(customer, (0, 0)),)
        ]
        self.session.insert(table, [column.name for column in ERASED_CUSTOMERS.columns], records)
        if records:
            change = TableChange(ERASED_CUSTOMERS.name, len(self.new), len(again), 0)
            report.changes.append(change)


def _owners(text: str, lineage: list[Any], sought: Sought) -> frozenset[str]:
    data = text.encode("utf-8", "surrogatepass")
    _, _, file, _ = lineage
    if file.endswith(".csv"):
        return sought.owners_in_pieces([data], is_csv=True)
    return sought.owners_in_json(data)


def _is_csv(path: Path) -> bool:
    return ".csv" in path.name


def _is_blank_at(path: Path, offset: int, length: int) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        stream.seek(offset)
        return is_blank(stream.read(min(length, OVERSIZED_HEAD_BYTES)))
