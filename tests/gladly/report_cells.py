"""Whether a row tells a cell of a report, without the code that read it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sources.gladly.report_columns import CellKind, ReportColumn
from sources.gladly.report_types import Report

TRUE = ("true", "yes", "y")


def missing_cells(
    report: Report,
    header: Sequence[str],
    keys: Sequence[str],
    cells: Sequence[str],
    row: Mapping[str, Any],
    timezone: str,
) -> list[str]:
    """Return the headers whose cell is neither in its column nor, as sent, in ``_extra``."""
    columns = {column.key: column for column in report.columns}
    extra = json.loads(row["_extra"] or "{}")
    return [
        name
        for name, key, cell in zip(header, keys, cells, strict=True)
        if not says_nothing(cell, columns.get(key))
        and extra.get(name) != cell
        and not (key in columns and tells(columns[key], cell, row, ZoneInfo(timezone)))
    ]


def says_nothing(cell: str, column: ReportColumn | None) -> bool:
    if column is None:
        return cell == ""
    return cell in ("", "Null") or (column.kind is not CellKind.TEXT and cell in ("NULL", "null"))


def tells(column: ReportColumn, cell: str, row: Mapping[str, Any], zone: ZoneInfo) -> bool:
    value = row[column.name]
    match column.kind:
        case CellKind.BUCKET:
            told = row[column.local_name] == cell
        case _ if value is None:
            told = False
        case CellKind.INTEGER | CellKind.DECIMAL:
            told = Decimal(cell) == value
        case CellKind.NUMBER:
            factor = 60 if column.unit == "minutes" else 1
            told = Decimal(cell) * factor == Decimal(repr(value))
        case CellKind.BOOLEAN:
            told = (cell.lower() in TRUE) is value
        case CellKind.TIMESTAMP:
            told = _is_instant(cell, value, zone)
        case CellKind.LIST:
            told = _is_list(cell, value)
        case CellKind.BRACKETED_LIST:
            told = cell == "[ ]" or _is_list(cell[1:-1], value)
        case _:
            told = value == cell
    return bool(told)


def _is_list(cell: str, value: str) -> bool:
    names = json.loads(value)
    return cell in (", ".join(names), ",".join(names))


def _is_instant(cell: str, value: datetime, zone: ZoneInfo) -> bool:
    if len(cell) == len("2024-03-01"):
        return False
    at = datetime.fromisoformat(cell.replace(" UTC", "Z").replace("z", "Z"))
    if at.tzinfo is None:
        local = at.replace(tzinfo=zone)
        return local.astimezone(UTC) == value and local.astimezone(UTC).astimezone(zone) == local
    return at == value and at.utcoffset() in (
        value.astimezone(UTC).utcoffset(),
        value.astimezone(zone).utcoffset(),
    )
