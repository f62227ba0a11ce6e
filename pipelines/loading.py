"""Raw files to rows at the destination, a package at a time, its ledger rows with it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pipelines.identity import identity_files
from pipelines.package import Package, ledger_file, parse_package
from pipelines.progress import ProgressReporter
from pipelines.report import FileReport, QuarantinedLineReport, RunReport
from pipelines.warehouse import Warehouse
from pipelines.workspace import Workspace
from sources.gladly.declarations import EXPORT_FILES
from sources.gladly.event_types import EVENTS, EVENTS_FILE
from sources.gladly.healed_rows import ReportParser
from sources.streams.archive import RawFile
from sources.tables.declarations import Declaration
from sources.tables.parquet import TableFile, join_files
from sources.tables.parse import FileParser, parser_for


@dataclass(slots=True)
class Loader:
    """Loads raw files of any stream; what it did is added to the run's report.

    Attributes:
        parsers: How many processes may parse a large file at once.
        begun: Writes the row of ``load_runs`` that goes with the first package; where a run is
            killed it stays, and says that what was loaded is a part.
        fetched: Raw files that this run loaded and kept.
    """

    warehouse: Warehouse
    workspace: Workspace
    progress: ProgressReporter
    report: RunReport
    max_quarantined_share: float
    keep_raw: bool
    parsers: int = 1
    begun: Callable[[Path], TableFile] | None = None
    fetched: list[Path] = field(default_factory=list)
    _parsers: dict[str, FileParser] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the rows of the package under way are written; empty between packages."""
        return self.workspace.work / "package"

    def load(
        self,
        raw_files: Sequence[RawFile],
        parsers: Mapping[str, FileParser | ReportParser] | None = None,
    ) -> None:
        """Load raw files as one package: all of it, or nothing.

        Args:
            raw_files: The files.
            parsers: How they are parsed, by file name; by default as their declarations say.

        Raises:
            GiveUpError: too much of a file is broken.
            CountMismatchError: not all rows arrived; nothing was kept.
        """
        package = self._parse(raw_files, parsers or self._declared())
        package.tables += identity_files(package.tables, self.folder)
        self.load_package(package)

    def load_package(self, package: Package) -> None:
        """Load a package that is parsed: all of it, or nothing."""
        tables: list[TableFile] = join_files(package.tables)
        rows = sum(table.rows for table in tables)
        if rows:
            self.progress.say(f"Loading {rows:,} rows into {self.report.destination}.")
        # when this machine loaded it: told, and read by nothing
        ledger_table = ledger_file(
            package, self.workspace.archive, self.report.run_id, datetime.now(UTC), self.folder
        )
        with self.progress.work(f"load {rows:,} rows", None), self.warehouse.opened():
            begun = [self.begun(self.folder)] if self.begun else []
            result = self.warehouse.load([*tables, *begun, ledger_table])
        self.begun = None
        self.report.add_changes(result.changes, result.late)
        self._report_files(package)
        shutil.rmtree(self.folder)
        self._keep_or_delete([raw for raw, _ in package.counts])

    def _declared(self) -> dict[str, FileParser]:
        if not self._parsers:
            declarations: dict[str, Declaration] = {**EXPORT_FILES, EVENTS_FILE: EVENTS}
            self._parsers = {
                name: parser_for(declaration) for name, declaration in declarations.items()
            }
        return self._parsers

    def _parse(
        self, raw_files: Sequence[RawFile], parsers: Mapping[str, FileParser | ReportParser]
    ) -> Package:
        with self.progress.work("parse", sum(raw.bytes for raw in raw_files)) as report:
            done = [0, 0]

            def on_lines(lines: int, part: int) -> None:
                done[0] += part
                done[1] += lines
                report(done[0], done[1])

            return parse_package(
                raw_files,
                parsers,
                self.folder,
                max_quarantined_share=self.max_quarantined_share,
                processors=self.parsers,
                on_lines=on_lines,
            )

    def _report_files(self, package: Package) -> None:
        for raw, counts in package.counts:
            window = raw.window
            self.report.files.append(
                FileReport(
                    stream=raw.stream,
                    job_id=raw.job_id,
                    file=raw.name,
                    window_from=window.start if window else None,
                    window_to=window.end if window else None,
                    bytes=raw.bytes,
                    lines=counts.lines,
                    rows=counts.rows,
                    quarantined=counts.quarantined,
                    superseded=counts.superseded,
                    extra=counts.extra_by_table.total(),
                    seconds=raw.seconds,
                )
            )
            self.report.quarantined_lines += [
                QuarantinedLineReport(raw.job_id, raw.name, line.line_number, line.reason)
                for line in counts.examples
            ]

    def _keep_or_delete(self, raw_files: Sequence[RawFile]) -> None:
        if self.keep_raw:
            self.fetched += [raw.path for raw in raw_files]
            return
        for folder in {raw.path.parent for raw in raw_files}:
            shutil.rmtree(folder)
