"""One version a key: within a package the later-extracted version wins, and all that is its own.

job 1   a(1)  b(1)  c(1)
job 2         b(2)        d(1) d(2)     the same key twice in one file: the later line wins
kept    a(1)  b(2)  c(1)       d(2)     with the typed and child rows of just these versions
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from sources.tables.arrow import arrow_schema
from sources.tables.declarations import EXTRACTED_AT, FILE, JOB_ID, LINE, TableSchema
from sources.tables.parquet import TableFile, open_writer, read_batches


class Origin(NamedTuple):
    """The line a version came from; a job that is made again has the same lines once more."""

    job_id: str
    file: str
    line: int
    extracted_at: datetime


_ORIGIN_COLUMNS = [JOB_ID, FILE, LINE, EXTRACTED_AT]


@dataclass(slots=True)
class KeyHashes:
    """64-bit hashes of every key of a root table: 8 bytes a row tell whether any came twice."""

    hashes: array[int] = field(default_factory=lambda: array("q"))

    def add(self, keys: Iterable[str]) -> None:
        """Note the keys of further rows."""
        self.hashes.extend(map(hash, keys))

    def repeated(self) -> set[int]:
        """Return the hashes seen more than once; equal keys have equal hashes."""
        column = pa.array(self.hashes, pa.int64())
        if pc.count_distinct(column).as_py() == len(column):
            return set()
        counts = pc.value_counts(column)
        often = counts.filter(pc.greater(counts.field("counts"), 1))
        return set(often.field("values").to_pylist())


def superseded_origins(root: TableFile, repeated: set[int]) -> set[Origin]:
    """Return the lines whose version lost to another version of the same key in this file.

    ``repeated`` are the hashes worth looking at; a hash shared by two keys by chance costs time,
    never a row.
    """
    winners: dict[str, tuple[tuple[datetime, str, int], Origin]] = {}
    losers: set[Origin] = set()
    key = root.table.key[0]
    for batch in read_batches(root, [key, *_ORIGIN_COLUMNS]):
        keys = batch.column(key).to_pylist()
        places = [place for place, value in enumerate(keys) if hash(value) in repeated]
        for row in batch.take(pa.array(places, pa.int64())).to_pylist():
            origin = _origin(row)
            version = (origin.extracted_at, origin.job_id, origin.line)
            known = winners.get(row[key])
            if known is None or version > known[0]:
                if known is not None:
                    losers.add(known[1])
                winners[row[key]] = (version, origin)
            else:
                losers.add(origin)
    return losers


def without_origins(file: TableFile, dropped: set[Origin]) -> tuple[TableFile, Counter[Origin]]:
    """Return ``file`` rewritten without the rows of ``dropped``, and how many each cost."""
    lines = pa.array({origin.line for origin in dropped}, pa.int64())
    removed: Counter[Origin] = Counter()
    path = file.path.with_suffix(".kept.parquet")
    with open_writer(path, arrow_schema(file.table)) as writer:
        for batch in read_batches(file):
            keep = _kept_rows(batch, lines, dropped, removed)
            writer.write_batch(batch.filter(keep) if keep is not None else batch)
    path.replace(file.path)
    return replace(file, rows=file.rows - removed.total()), removed


def _kept_rows(
    batch: pa.RecordBatch, lines: pa.Array, dropped: set[Origin], removed: Counter[Origin]
) -> pa.Array | None:
    suspects = pc.indices_nonzero(pc.is_in(batch.column(LINE), lines)).to_pylist()
    if not suspects:
        return None
    keep = [True] * batch.num_rows
    suspect_rows = batch.select(_ORIGIN_COLUMNS).take(pa.array(suspects, pa.int64()))
    for place, row in zip(suspects, suspect_rows.to_pylist(), strict=True):
        origin = _origin(row)
        if origin in dropped:
            keep[place] = False
            removed[origin] += 1
    return pa.array(keep)


def _origin(row: Mapping[str, Any]) -> Origin:
    return Origin(*(row[name] for name in _ORIGIN_COLUMNS))


def chain_of(root: str, tables: Sequence[TableSchema]) -> tuple[TableSchema, ...]:
    """Return a root table and the tables that mirror it, root first."""
    return (
        *(table for table in tables if table.name == root),
        *(table for table in tables if table.parent == root),
    )
