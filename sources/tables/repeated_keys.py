"""Which keys stand more than once in a package, in bounded memory however large it is."""

from __future__ import annotations

from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sources.tables.parquet import TableFile, read_batches

_ROWS_IN_MEMORY = 100_000
_MEMORY_OF_COUNTING = "100MB"


def repeated_keys(root: TableFile) -> set[str]:
    """Return the keys that stand more than once in a root table; memory is bounded."""
    key = root.table.key[0]
    if root.rows > _ROWS_IN_MEMORY:
        return _repeated_on_disk(root, key)
    keys = pa.chunked_array([batch.column(0) for batch in read_batches(root, [key])], pa.string())
    if pc.count_distinct(keys).as_py() == len(keys):
        return set()
    counts = pc.value_counts(keys)
    return {*counts.field("values").filter(pc.greater(counts.field("counts"), 1)).to_pylist()}


def _repeated_on_disk(root: TableFile, key: str) -> set[str]:
    """Let DuckDB count the keys of a large table: what does not fit its memory goes to disk."""
    with TemporaryDirectory(dir=root.path.parent) as folder, duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{_MEMORY_OF_COUNTING}'")
        connection.execute("SET threads = 1")
        connection.execute("SET temp_directory = ?", [folder])
        found = connection.execute(
            f'SELECT "{key}" FROM read_parquet(?) GROUP BY ALL HAVING count(*) > 1',  # noqa: S608 - a declared column
            [[str(path) for path in root.paths]],
        )
        return {value for (value,) in found.fetchall()}
