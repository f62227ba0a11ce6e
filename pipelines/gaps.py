"""The book of gaps: which spans lack data, since when, and which were closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines import ledger
from pipelines.healing import healed_windows
from pipelines.report import GapReport, RunReport
from pipelines.warehouse import Warehouse
from sources.gladly.event_windows import find_event_gaps
from sources.gladly.gaps import Gap, GapKind
from sources.gladly.settings import EVENTS_STREAM
from sources.tables.ledger import LOAD_GAPS
from sources.tables.parquet import TableFile, write_rows


@dataclass(slots=True)
class GapBook:
    """What ``load_gaps`` says, and what this run found.

    Attributes:
        before: The gaps that were open when the run began.
    """

    warehouse: Warehouse
    before: list[dict[str, Any]]

    def event_gaps(self) -> list[Gap]:
        """Return the spans whose events no run read in time, and which are not filled yet."""
        with self.warehouse.opened():
            covered = ledger.loaded_windows(self.warehouse, EVENTS_STREAM)
            return find_event_gaps(covered.values(), healed_windows(self.warehouse))

    def rows(self, gaps: list[Gap], now: datetime) -> list[dict[str, Any]]:
        """Return the rows of ``load_gaps`` that change; ``gaps`` are those of all streams."""
        with self.warehouse.opened():
            recorded_at = ledger.next_recording(self.warehouse, now)
            return ledger.gap_rows(gaps, ledger.open_gaps(self.warehouse), now, recorded_at)

    def table(self, gaps: list[Gap], now: datetime, folder: Path, report: RunReport) -> TableFile:
        """Return the rows of ``load_gaps`` that change, and tell ``report`` of all of them."""
        rows = self.rows(gaps, now)
        healed = [row for row in rows if row["healed_at"]]
        # what is lost for good is told once; the ledger keeps it
        told = {ledger.gap_key(row) for row in self.before}
        current = [
            row
            for row in ledger.gap_rows(gaps, (), now, now)
            if row["kind"] != GapKind.LOST or ledger.gap_key(row) not in told
        ]
        report.gaps = [_gap_report(row) for row in (*current, *healed)]
        return write_rows(folder, LOAD_GAPS, rows)


def _gap_report(row: dict[str, Any]) -> GapReport:
    return GapReport(
        stream=row["stream"],
        from_at=row["from_at"],
        to_at=row["to_at"],
        kind=row["kind"],
        reason=row["reason"],
        healed=row["healed_at"] is not None,
    )
