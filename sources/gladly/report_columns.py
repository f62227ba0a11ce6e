"""The columns of Gladly's reports: how each is matched, named, read and described.

The facts stand in ``report_columns.csv``, a line a column; reports of one layout share its lines.
To add a column, add a line: until then its cells are kept in ``_extra``, under its header. Source:
Gladly API reference, Generate a Report; Gladly help, the page of each report; headers that no page
names, as seen in public code (``header_status`` of the reference tells which).
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from sources.tables.declarations import Column, Kind

_FILE: Final = Path(__file__).with_suffix(".csv")


class CellKind(Enum):
    """How the cells of a column are read."""

    TEXT = "text"
    ID = "id"
    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    BUCKET = "bucket"  # a limit of the span a row counts, local to the report's time zone
    DATE = "date"
    LIST = "list"
    BRACKETED_LIST = "bracketed_list"


_KINDS: Final = {
    CellKind.TEXT: Kind.TEXT,
    CellKind.ID: Kind.TEXT,
    CellKind.INTEGER: Kind.INTEGER,
    CellKind.NUMBER: Kind.NUMBER,
    CellKind.DECIMAL: Kind.DECIMAL,
    CellKind.BOOLEAN: Kind.BOOLEAN,
    CellKind.TIMESTAMP: Kind.TIMESTAMP,
    CellKind.BUCKET: Kind.TIMESTAMP,
    CellKind.DATE: Kind.TEXT,
    CellKind.LIST: Kind.JSON,
    CellKind.BRACKETED_LIST: Kind.JSON,
}


@dataclass(frozen=True, slots=True)
class ReportColumn:
    """One column of a report.

    Args:
        key: of its header: see `csv_records.column_key`.
        name: of the column it fills.
        kind: how its cells are read.
        unit: of its cells: seconds, fraction (0 to 1), USD or minutes; minutes become seconds.
        description: what it says.
    """

    key: str
    name: str
    kind: CellKind
    unit: str
    description: str

    @property
    def local_name(self) -> str:
        """The column that keeps the text of a bucket's limit as it was sent."""
        return f"{self.name}_local"

    @property
    def start_name(self) -> str:
        """The column that holds when the day of a date begins."""
        return f"{self.name}_starts_at"

    def columns(self) -> tuple[Column, ...]:
        """Return the columns it fills."""
        own = Column(self.name, _KINDS[self.kind], self._described())
        if self.kind is CellKind.BUCKET:
            local = "The same as sent: local to the time zone of the report."
            return own, Column(self.local_name, Kind.TEXT, local)
        if self.kind is CellKind.DATE:
            start = "When that day begins in the time zone of the report."
            return own, Column(self.start_name, Kind.TIMESTAMP, start)
        return (own,)

    def _described(self) -> str:
        unit = {"seconds": "In seconds.", "minutes": "In seconds.", "USD": "In US dollars."}
        return " ".join(filter(None, (self.description, unit.get(self.unit))))


def load_columns() -> Mapping[str, tuple[ReportColumn, ...]]:
    """Return the columns of each metric set that has any, in the order of its file."""
    columns: dict[str, list[ReportColumn]] = defaultdict(list)
    with _FILE.open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            metric_sets = line.pop("metric_sets")
            column = ReportColumn(**line | {"kind": CellKind(line["kind"])})  # type: ignore[arg-type] # the kind is no text
            for metric_set in metric_sets.split(" "):
                columns[metric_set].append(column)
    return {metric_set: tuple(found) for metric_set, found in columns.items()}
