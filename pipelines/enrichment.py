"""Enrichment: what exports and events touched since it was read is read by id, newest first.

exports, events -> ids touched -> reads, many at once -> raw archive -> tables, merges, deletions

A batch of reads is one folder of the raw archive and one package: a run that is killed loses at
most the batch under way, and a night that is too short leaves the rest to the next one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pipelines import enrichment_sql, ledger
from pipelines.allowance import Allowance
from pipelines.enrichment_reader import EnrichmentReader
from pipelines.loading import Loader
from pipelines.package import Package, parse_package
from pipelines.rows import in_utc, rows_of, stored_rows
from pipelines.warehouse import Warehouse
from sources.gladly.batches import Batch
from sources.gladly.enrichment import Read, Wanted, archive_reads, archived_reads
from sources.gladly.enrichment_types import (
    CUSTOMER_PROFILE,
    ENRICHMENT_FILES,
    ENRICHMENT_KINDS,
    ENRICHMENT_READ,
    ENRICHMENT_STREAM,
    EnrichmentKind,
    Outcome,
)
from sources.gladly.identity import (
    CUSTOMER_MERGES,
    DELETED_CUSTOMERS,
    missing_row,
    redirect_row,
)
from sources.gladly.selection import chosen
from sources.gladly.snapshots import Difference, Row, written_rows
from sources.http.client import ApiClient
from sources.http.errors import HelpdeskError
from sources.tables.declarations import (
    DELETED_AT,
    LINEAGE,
    TableSchema,
    table_schemas,
)
from sources.tables.parquet import TableFile, write_rows
from sources.tables.parse import RecordParser, ignore_progress

_READS_PER_BATCH: Final = 1000
_KEYS_PER_QUERY: Final = 500
# a read that found nothing is made once more, this much later or in a later run
_CONFIRM_AFTER: Final = timedelta(hours=1)


def checked_enrichment(names: Iterable[str]) -> list[EnrichmentKind]:
    """Return the kinds of that name, in the order of ``ENRICHMENT_KINDS``.

    Raises:
        SettingsError: a name is that of no kind.
    """
    return chosen("enrichment", names, ENRICHMENT_KINDS)


def load_enrichment(
    client: ApiClient,
    archive: Path,
    loader: Loader,
    kinds: Sequence[EnrichmentKind],
    allowance: Allowance,
    now: datetime,
) -> list[HelpdeskError]:
    """Read what was touched since it was read last, and load it.

    Batches that an earlier run read but could not load come first. What is still to be read when
    the allowance is used up is left to the next run.

    Args:
        client: For Gladly.
        archive: The folder of raw reads.
        loader: Loads them.
        kinds: What to read.
        allowance: How many requests may be made, and for how long.
        now: Gladly's clock.

    Returns:
        Why some could not be read.

    Raises:
        HelpdeskError: nothing can be read at present; what came before is loaded.
    """
    loading = _Loading(loader, archive)
    done = {job_id for job_id, _ in ledger.loaded_files(loader.warehouse, ENRICHMENT_STREAM)}
    for batch in archived_reads(archive, done):
        loading.load(batch)
    reader = EnrichmentReader(client, allowance, now)
    selection = _Selection(loader.warehouse, kinds, now - _CONFIRM_AFTER)
    left = selection.count()
    loader.progress.say(f"{left:,} conversations, customers and the like are to be read.")
    failed: set[Wanted] = set()
    while not allowance.is_used_up:
        wanted = selection.next(allowance.at_most(_READS_PER_BATCH), failed, reader.closed_kinds)
        if not wanted:
            break
        with loader.progress.work(f"read {len(wanted):,} of {left:,}", None) as progress:
            reads = reader.read(wanted, lambda reads: progress(0, reads))
        loading.load_reads(_judged(reads, reader, selection))
        if reader.outage:
            raise reader.outage
        failed |= {*wanted} - {read.wanted for read in reads}
        left -= len(reads)
    if left > 0 and allowance.is_used_up:
        loader.progress.say(
            f"The time or the requests for such reads are used up: about {left:,} are left to the "
            "next run (enrichment_max_seconds, enrichment_max_requests)."
        )
    return reader.errors


@dataclass(frozen=True, slots=True)
class _Selection:
    """What is to be read, as the destination tells it."""

    warehouse: Warehouse
    kinds: Sequence[EnrichmentKind]
    confirmed_until: datetime

    def count(self) -> int:
        """Return how many reads are to be made."""
        rows = self._rows(self.kinds, "COUNT(*)", "")
        return int(rows[0][0]) if rows else 0

    def next(self, most: int, failed: Collection[Wanted], closed: Collection[str]) -> list[Wanted]:
        """Return what to read next, what was touched last first; what failed is not in it."""
        kinds = [kind for kind in self.kinds if kind.name not in closed]
        order = f" ORDER BY w.touched_at DESC, w.kind, w.entity_id LIMIT {most + len(failed)}"
        rows = self._rows(kinds, "w.kind, w.entity_id, w.touched_at, r.missing_since", order)
        wanted = [Wanted(kind, entity, *map(in_utc, times)) for kind, entity, *times in rows]
        return [one for one in wanted if one not in failed][:most]

    def known(self, kind: str) -> Wanted | None:
        """Return what of a kind was found last, if anything was."""
        rows = self.warehouse.read(
            ENRICHMENT_READ.table,
            ("entity_id",),
            "c.kind = %s AND c.outcome = %s ORDER BY c.requested_at DESC LIMIT 1",
            kind,
            Outcome.FOUND.value,
        )
        return Wanted(kind, rows[0][0]) if rows else None

    def _rows(
        self, kinds: Sequence[EnrichmentKind], selected: str, order: str
    ) -> list[tuple[Any, ...]]:
        tables = {ENRICHMENT_READ.table, *enrichment_sql.touched_tables(kinds)}
        present = self.warehouse.present(tables)
        if not enrichment_sql.can_be_asked(kinds, present):
            return []
        with self.warehouse.session() as session:
            names = session.names
            sql = enrichment_sql.wanted_sql(
                kinds,
                present,
                lambda table: self.warehouse.current_rows(table, names),
                names.column,
                selected,
            )
            return session.rows(sql + order, self.confirmed_until)


def _judged(reads: Sequence[Read], reader: EnrichmentReader, selection: _Selection) -> list[Read]:
    """Return the reads, what was missing twice as gone.

    Nothing is gone on the word of a service that finds nothing at all: where no read of a kind
    succeeded, one is made of something that is known to be there.
    """
    judged = [*reads]
    asked_again = (read.wanted.kind for read in reads if read.wanted.missing_since)
    for kind in dict.fromkeys(asked_again):
        known = None if reader.answers(kind) else selection.known(kind)
        if known is not None and kind not in reader.closed_kinds:
            judged += reader.read([known], lambda _reads: None)
    return [_gone(read) if reader.answers(read.wanted.kind) else read for read in judged]


def _gone(read: Read) -> Read:
    if read.outcome is not Outcome.MISSING or read.wanted.missing_since is None:
        return read
    return replace(read, outcome=Outcome.GONE)


@dataclass(slots=True)
class _Loading:
    """Batches of reads to rows at the destination."""

    loader: Loader
    archive: Path
    _parsers: Mapping[str, RecordParser] = field(
        default_factory=lambda: {
            name: RecordParser(record) for name, record in ENRICHMENT_FILES.items()
        }
    )

    def load_reads(self, reads: Sequence[Read]) -> None:
        """Archive and load reads."""
        if reads:
            loaded = ledger.loaded_files(self.loader.warehouse, ENRICHMENT_STREAM)
            at = ledger.later_than_all(min(read.at for read in reads), loaded.values())
            self.load(archive_reads(self.archive, reads, at))

    def load(self, batch: Batch) -> None:
        """Load a batch as one package."""
        package = parse_package(
            batch.files,
            self._parsers,
            self.loader.folder,
            max_quarantined_share=self.loader.max_quarantined_share,
            processors=1,
            on_lines=ignore_progress,
        )
        parsed = {file.table.name: file for file in package.tables}
        reads = rows_of(parsed.get(ENRICHMENT_READ.table))
        self._add(package, self._merges(reads))
        self._add(package, self._deletions(reads))
        for kind in ENRICHMENT_KINDS.values():
            for file in self._vanished(kind, reads, batch.at):
                package.tables.append(file)
        self.loader.load_package(package)

    def _add(self, package: Package, file: TableFile) -> None:
        if file.rows:
            package.tables.append(file)

    def _merges(self, reads: Iterable[Row]) -> TableFile:
        moved = [row for row in reads if row["outcome"] == Outcome.MOVED]
        known = self._stored(
            CUSTOMER_MERGES, "source_customer_id", [row["entity_id"] for row in moved]
        )
        pairs = {(row["source_customer_id"], row["destination_customer_id"]) for row in known}
        rows = [
            redirect_row(row["entity_id"], row["moved_to"], _lineage(row))
            for row in moved
            if (row["entity_id"], row["moved_to"]) not in pairs
        ]
        return write_rows(self.loader.folder / "merges", CUSTOMER_MERGES, rows)

    def _deletions(self, reads: Iterable[Row]) -> TableFile:
        gone = [
            row
            for row in reads
            if row["outcome"] == Outcome.GONE and row["kind"] == CUSTOMER_PROFILE.table
        ]
        known = self._stored(DELETED_CUSTOMERS, "customer_id", [row["entity_id"] for row in gone])
        told = {row["customer_id"] for row in known}
        rows = [
            missing_row(row["entity_id"], row["missing_since"], _lineage(row))
            for row in gone
            if row["entity_id"] not in told
        ]
        return write_rows(self.loader.folder / "deletions", DELETED_CUSTOMERS, rows)

    def _vanished(
        self, kind: EnrichmentKind, reads: Iterable[Row], at: datetime
    ) -> Iterable[TableFile]:
        """Yield the rows of what Gladly no longer shows, as they were but for ``deleted_at``."""
        gone_since = {
            row["entity_id"]: row["missing_since"] or row["requested_at"]
            for row in reads
            if row["kind"] == kind.name and row["outcome"] in (Outcome.GONE, Outcome.MOVED)
        }
        tables = table_schemas(kind.record)
        (key,) = tables[0].key
        stored = self._stored(tables[0], key, [*gone_since])
        vanished = frozenset(row[key] for row in stored if row[DELETED_AT] is None)
        for table in tables if vanished else ():
            owner = (table.root_key or table.key)[0]
            rows = written_rows(
                table,
                self._stored(table, owner, sorted(vanished)),
                [],
                Difference(frozenset(), vanished),
                at,
                gone_since,
            )
            if rows:
                yield write_rows(self.loader.folder / "vanished", table, rows)

    def _stored(self, table: TableSchema, column: str, keys: Sequence[str]) -> list[Row]:
        """Return the rows whose column holds one of the keys."""
        rows: list[Row] = []
        for start in range(0, len(keys), _KEYS_PER_QUERY):
            some = keys[start : start + _KEYS_PER_QUERY]
            where = f"c.{column} IN ({', '.join(['%s'] * len(some))})"
            rows += stored_rows(self.loader.warehouse, table, where, *some)
        return rows


def _lineage(row: Row) -> Row:
    return {column.name: row[column.name] for column in LINEAGE}
