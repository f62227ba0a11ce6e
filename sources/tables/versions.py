"""One version a key: within a package the later-extracted version wins, and all that is its own.

job 1   a(1)  b(1)  c(1)
job 2         b(2)        d(1) d(2)     the same key twice in one file: the later line wins
kept    a(1)  b(2)  c(1)       d(2)     with the typed and child rows of just these versions

What the versions that lose can still tell is which values were there once: see `emptied_values`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from sources.tables.arrow import arrow_schema
from sources.tables.declarations import EXTRA, EXTRACTED_AT, FILE, JOB_ID, LINE
from sources.tables.parquet import TableFile, open_writer, read_batches
from sources.tables.repeated_keys import repeated_keys


class Origin(NamedTuple):
    """The line a version came from; a job that is made again has the same lines once more."""

    job_id: str
    file: str
    line: int
    extracted_at: datetime


@dataclass(frozen=True, slots=True)
class Watched:
    """A column whose value the source can take away while it keeps the record.

    ``member`` is the last part of the field's path, the name under which ``_extra`` keeps a value
    that does not fit the column; ``gone`` is the value that stays in its place, empty text or
    null where that is empty.
    """

    table: str
    column: str
    member: str
    gone: str = ""

    @property
    def part(self) -> str:
        """The name of the column with its table, such as ``sms_messages.content``."""
        return f"{self.table}.{self.column}"


class Emptied(NamedTuple):
    """A value that was there in one version and is gone in ``origin``, a later one."""

    key: str
    part: str
    origin: Origin


_ORIGIN_COLUMNS = [JOB_ID, FILE, LINE, EXTRACTED_AT]


def superseded_origins(root: TableFile) -> set[Origin]:
    """Return the lines whose version lost to another version of the same key in this package."""
    repeated = pa.array(repeated_keys(root), pa.string())
    if not len(repeated):
        return set()
    winners: dict[str, tuple[tuple[datetime, str, int], Origin]] = {}
    losers: set[Origin] = set()
    key = root.table.key[0]
    for batch in read_batches(root, [key, *_ORIGIN_COLUMNS]):
        for row in batch.filter(pc.is_in(batch.column(key), repeated)).to_pylist():
            origin = _origin(row)
            version = _version(origin)
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
    return replace(file, rows=file.rows - removed.total(), more_paths=()), removed


def emptied_values(
    file: TableFile, watched: Sequence[Watched], losers: set[Origin]
) -> list[Emptied]:
    """Return the values of a table that an earlier version in it has and a later one has not.

    versions    "text"    "text"    ""      null    "text"
    returned                        here

    Only the first version without a value is returned, whether or not a value came back later.
    Memory grows with the keys that have several versions, not with the table.

    Args:
        file: A table whose superseded rows are still in it.
        watched: Columns of that table.
        losers: The origins of the superseded rows.
    """
    key = file.table.key[0]
    keys = pa.array({row[key] for row in _rows_of(file, [key], losers)}, pa.string())
    if not len(keys):
        return []
    columns = [key, *(each.column for each in watched), EXTRA, *_ORIGIN_COLUMNS]
    versions = [
        row
        for batch in read_batches(file, columns)
        for row in _compared(batch.filter(pc.is_in(batch.column(key), keys)), key, watched)
    ]
    versions.sort(key=lambda version: _version(version.origin))
    found: dict[tuple[str, str], Emptied] = {}
    for each in watched:
        filled: set[str] = set()
        for version in versions:
            if version.is_filled[each.part]:
                filled.add(version.key)
            elif version.is_gone[each.part] and version.key in filled:
                emptied = Emptied(version.key, each.part, version.origin)
                found.setdefault((version.key, each.part), emptied)
    return list(found.values())


class _Compared(NamedTuple):
    """One version of a row without its texts: what is there, and what is gone for good.

    A value that does not fit its column is neither.
    """

    key: str
    origin: Origin
    is_filled: dict[str, bool]
    is_gone: dict[str, bool]


def _compared(batch: pa.RecordBatch, key: str, watched: Sequence[Watched]) -> Iterator[_Compared]:
    for row in batch.to_pylist():
        is_filled, is_gone = {}, {}
        for each in watched:
            value = row[each.column] or ""
            misfit = f'"{each.member}":' in (row[EXTRA] or "")
            is_filled[each.part] = value not in ("", each.gone) or misfit
            is_gone[each.part] = value == each.gone and not misfit
        yield _Compared(row[key], _origin(row), is_filled, is_gone)


def _rows_of(file: TableFile, columns: list[str], origins: set[Origin]) -> Iterator[dict[str, Any]]:
    lines = pa.array({origin.line for origin in origins}, pa.int64())
    for batch in read_batches(file, [*columns, *_ORIGIN_COLUMNS]):
        suspects = batch.filter(pc.is_in(batch.column(LINE), lines))
        yield from (row for row in suspects.to_pylist() if _origin(row) in origins)


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


def _version(origin: Origin) -> tuple[datetime, str, int]:
    return (origin.extracted_at, origin.job_id, origin.line)
