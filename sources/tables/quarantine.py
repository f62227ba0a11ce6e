"""Quarantined lines as rows: nothing of them is lost, and every destination can hold them."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from sources.streams.lines import OVERSIZED_HEAD_BYTES, OversizedLine
from sources.tables.arrow import arrow_schema
from sources.tables.build import Lineage
from sources.tables.decode import QuarantinedLine
from sources.tables.ledger import QUARANTINED_LINES

_SCHEMA = arrow_schema(QUARANTINED_LINES)


def oversized(line: OversizedLine, max_line_bytes: int) -> QuarantinedLine:
    """Quarantine a line that is longer than memory allows; its head stands for it."""
    return QuarantinedLine(
        line.line_number,
        line.byte_offset,
        line.byte_length,
        f"longer than {max_line_bytes:,} bytes",
        line.head,
    )


def quarantine_rows(lines: Iterable[QuarantinedLine], lineage: Lineage) -> pa.Table:
    """Return the rows of ``quarantined_lines``."""
    return pa.Table.from_pylist([_row(line, lineage) for line in lines], schema=_SCHEMA)


def _row(line: QuarantinedLine, lineage: Lineage) -> dict[str, Any]:
    raw = line.raw[:OVERSIZED_HEAD_BYTES]
    text, exact = _shown(raw)
    return {
        "job_id": lineage.job_id,
        "file": lineage.file,
        "line_number": line.line_number,
        "extracted_at": lineage.extracted_at,
        "byte_offset": line.byte_offset,
        "byte_length": line.byte_length,
        "reason": line.reason,
        "raw": text,
        "raw_base64": None if exact else base64.b64encode(raw).decode("ascii"),
        "is_cut": len(raw) < line.byte_length,
    }


def _shown(raw: bytes) -> tuple[str, bool]:
    """Return the bytes as text any destination holds, and whether that is exactly the bytes."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "backslashreplace").replace("\0", "\\x00"), False
    return text.replace("\0", "\\x00"), "\0" not in text
