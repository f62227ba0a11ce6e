"""What a run did, for people and for machines."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from pipelines.merging import TableChange
from sources.gladly.enrichment_types import READS_FILE
from sources.gladly.gaps import GapKind
from sources.gladly.media import Outcome
from sources.gladly.settings import (
    BACKFILLED_SESSIONS_STREAM,
    EVENTS_STREAM,
    EXPORT_STREAM,
    REPORTS_STREAM,
    TIMESTAMPS_REPORTS_STREAM,
    WORK_SESSIONS_STREAM,
)

_EVENT_STREAMS = (EVENTS_STREAM, TIMESTAMPS_REPORTS_STREAM)
_REPORT_STREAMS = (REPORTS_STREAM, WORK_SESSIONS_STREAM, BACKFILLED_SESSIONS_STREAM)


@dataclass(slots=True)
class FileReport:
    """One file that was loaded.

    ``extra`` counts rows with something in ``_extra``, child rows too; ``seconds`` is what the
    download took.
    """

    stream: str
    job_id: str
    file: str
    window_from: datetime | None
    window_to: datetime | None
    bytes: int
    lines: int
    rows: int
    quarantined: int
    superseded: int
    extra: int
    seconds: float


@dataclass(slots=True)
class QuarantinedLineReport:
    """A line that could not become a row, and why; never its text."""

    job_id: str
    file: str
    line_number: int
    reason: str


@dataclass(slots=True)
class GapReport:
    """A span whose data is missing; ``healed`` where this run closed it."""

    stream: str
    from_at: datetime
    to_at: datetime
    kind: str
    reason: str
    healed: bool


@dataclass(slots=True)
class MediaReport:
    """Attachments and recordings that this run asked for, by what came of them.

    ``bytes`` is the size of those that are ``stored``; ``is_unfinished`` tells that more are left
    for the next run.
    """

    stored: int = 0
    bytes: int = 0
    gone: int = 0
    refused: int = 0
    too_large: int = 0
    failed: int = 0
    is_unfinished: bool = False

    def add(self, outcome: Outcome, size: int) -> None:
        """Count a file that is dealt with."""
        match outcome:
            case Outcome.STORED:
                self.stored += 1
                self.bytes += size
            case Outcome.GONE:
                self.gone += 1
            case Outcome.REFUSED:
                self.refused += 1
            case Outcome.TOO_LARGE:
                self.too_large += 1


@dataclass(slots=True)
class RunReport:
    """The result of one run.

    ``late`` counts rows of which a later version was stored already; ``quarantined_lines`` shows
    the first few of each file. ``deleted_but_merged`` are customers that Gladly calls deleted but
    that were merged into one that lives: nothing of these was erased.
    """

    run_id: str
    pipeline: str
    destination: str
    dataset: str
    started_at: datetime
    seconds: float = 0.0
    files: list[FileReport] = field(default_factory=list)
    tables: dict[str, TableChange] = field(default_factory=dict)
    late: dict[str, int] = field(default_factory=dict)
    quarantined_lines: list[QuarantinedLineReport] = field(default_factory=list)
    gaps: list[GapReport] = field(default_factory=list)
    unfinished_jobs: list[str] = field(default_factory=list)
    failed_jobs: list[str] = field(default_factory=list)
    media: MediaReport = field(default_factory=MediaReport)
    healed_crash: bool = False
    erased_customers: int = 0
    erased_rows: int = 0
    erased_raw_lines: int = 0
    erased_media: int = 0
    deleted_but_merged: list[str] = field(default_factory=list)

    @property
    def open_gaps(self) -> list[GapReport]:
        """Gaps that may still be filled, by the next run or with the help of a person."""
        return [gap for gap in self.gaps if not gap.healed and gap.kind != GapKind.LOST]

    @property
    def rows(self) -> int:
        """Lines of export files that became rows in this run."""
        return sum(file.rows for file in self.files if file.stream == EXPORT_STREAM)

    @property
    def events(self) -> int:
        """Events of this run, those of reports included as far as they were not known."""
        return sum(
            file.rows - file.superseded for file in self.files if file.stream in _EVENT_STREAMS
        )

    @property
    def report_rows(self) -> int:
        """Rows of reports that this run read, those that were there already included."""
        return sum(file.rows for file in self.files if file.stream in _REPORT_STREAMS)

    @property
    def reads(self) -> int:
        """Reads by id that this run made."""
        return sum(file.rows for file in self.files if file.file == READS_FILE)

    @property
    def jobs(self) -> int:
        """Export jobs of which this run loaded files."""
        return len({file.job_id for file in self.files if file.stream == EXPORT_STREAM})

    @property
    def quarantined(self) -> int:
        """Lines of this run that could not become rows."""
        return sum(file.quarantined for file in self.files)

    @property
    def needs_a_person(self) -> bool:
        """Whether ``--strict`` should fail: a gap is open, or lines were quarantined."""
        return bool(self.open_gaps) or self.quarantined > 0

    def add_changes(self, changes: list[TableChange], late: dict[str, int]) -> None:
        """Add what a package did."""
        for change in changes:
            known = self.tables.get(change.table, TableChange(change.table, 0, 0, 0))
            self.tables[change.table] = TableChange(
                change.table,
                known.added + change.added,
                known.updated + change.updated,
                known.removed + change.removed,
            )
        for table, rows in late.items():
            self.late[table] = self.late.get(table, 0) + rows

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return asdict(self) | {
            "quarantined": self.quarantined,
            "open_gaps": len(self.open_gaps),
            "needs_a_person": self.needs_a_person,
        }
