"""Long texts compressed, where the file of an embedded database can hold them so.

What DuckDB chooses by itself for text that people write takes it five times as long to write, and
the file is four times as large (DECISIONS.md, 44).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dlt.common.schema.typing import TColumnSchema
from dlt.destinations.impl.duckdb.factory import DuckDbTypeMapper

if TYPE_CHECKING:
    from dlt.common.destination.typing import PreparedTableSchema

COMPRESSED_HINT = "x-compressed"
# https://duckdb.org/docs/stable/internals/storage: 65 is that of DuckDB 1.2, the first with zstd
_FIRST_VERSION = 65
_VERSION_AT, _VERSION_BYTES = 12, 8


class CompressingTypeMapper(DuckDbTypeMapper):
    """Types of columns as dlt writes them, and how those with the hint are compressed."""

    def to_destination_type(self, column: TColumnSchema, table: PreparedTableSchema) -> str:
        """Return what stands behind the name of a column that is created."""
        kind = super().to_destination_type(column, table)
        is_compressed = dict(column).get(COMPRESSED_HINT)
        return f"{kind} USING COMPRESSION zstd" if is_compressed else kind


def can_compress(database: Path) -> bool:
    """Return whether the format of a database's file, which may not be there yet, has zstd."""
    if not database.exists():
        return True
    with database.open("rb") as file:
        file.seek(_VERSION_AT)
        version = file.read(_VERSION_BYTES)
    return int.from_bytes(version, "little") >= _FIRST_VERSION
