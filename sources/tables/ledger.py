"""The ledger: what was loaded, from which bytes, and what is missing."""

from __future__ import annotations

from sources.tables.declarations import Column, Kind, TableSchema

LOAD_RUNS = TableSchema(
    "load_runs",
    (
        Column("run_id", Kind.TEXT, "One run of a job.", nullable=False),
        Column("pipeline", Kind.TEXT, "Which job, such as gladly."),
        Column("status", Kind.TEXT, "done, failed, or begun: under way, or killed."),
        Column("started_at", Kind.TIMESTAMP, "When it began."),
        Column("finished_at", Kind.TIMESTAMP, "When it ended, or began to load.", nullable=False),
        Column("jobs_loaded", Kind.INTEGER, "Export jobs loaded by this run."),
        Column("bytes", Kind.INTEGER, "Bytes of the files loaded."),
        Column("lines", Kind.INTEGER, "Lines of the files loaded."),
        Column("quarantined", Kind.INTEGER, "Lines that could not become rows."),
        Column("open_gaps", Kind.INTEGER, "Gaps that were open when it ended."),
        Column("version", Kind.TEXT, "Version of helpdesk-elt."),
        Column("error", Kind.TEXT, "Why it failed, if it did."),
    ),
    key=("run_id",),
    description="Each run of each job.",
    version=("finished_at",),
)

LOAD_FILES = TableSchema(
    "load_files",
    (
        Column("job_id", Kind.TEXT, "The export job, or the request.", nullable=False),
        Column("file", Kind.TEXT, "The file it delivered.", nullable=False),
        Column("stream", Kind.TEXT, "Which feed it belongs to, such as gladly.export."),
        Column("run_id", Kind.TEXT, "The run that loaded it."),
        Column("loaded_at", Kind.TIMESTAMP, "When it was loaded."),
        Column(
            "extracted_at",
            Kind.TIMESTAMP,
            "When the source made it: the version of its rows.",
            nullable=False,
        ),
        Column("window_from", Kind.TIMESTAMP, "Start of the data window it holds."),
        Column("window_to", Kind.TIMESTAMP, "End of the data window it holds."),
        Column("bytes", Kind.INTEGER, "Size as received."),
        Column("sha256", Kind.TEXT, "Digest of the bytes as received."),
        Column("archive_path", Kind.TEXT, "Where the raw archive keeps them."),
        Column("lines", Kind.INTEGER, "Lines that are not blank: rows + quarantined, always."),
        Column("rows", Kind.INTEGER, "Lines that became rows."),
        Column("quarantined", Kind.INTEGER, "Lines that could not; see quarantined_lines."),
        Column("superseded", Kind.INTEGER, "Rows not kept: known already, or of another window."),
        Column("rows_by_table", Kind.JSON, "Rows made for each table, superseded ones included."),
        Column(
            "extra_by_table",
            Kind.JSON,
            "How many of these rows hold something in _extra: fields or types that are new.",
        ),
    ),
    key=("job_id", "file"),
    description="Each file that was loaded, with its counts.",
    version=("extracted_at",),
)

_OF_FILE = (
    Column("job_id", Kind.TEXT, "The export job.", nullable=False),
    Column("file", Kind.TEXT, "The file of that job.", nullable=False),
    Column("line_number", Kind.INTEGER, "The line, from 1.", nullable=False),
    Column("extracted_at", Kind.TIMESTAMP, "The version of the file.", nullable=False),
)

QUARANTINED_LINES = TableSchema(
    "quarantined_lines",
    (
        *_OF_FILE,
        Column("byte_offset", Kind.INTEGER, "Where the line begins in the raw file, from 0."),
        Column("byte_length", Kind.INTEGER, "Its length, newline excluded."),
        Column("reason", Kind.TEXT, "Why it could not become a row."),
        Column("raw", Kind.TEXT, "The line; bytes that are no text are shown as escapes."),
        Column("raw_base64", Kind.TEXT, "The exact bytes, where raw does not show them exactly."),
        Column("is_cut", Kind.BOOLEAN, "Only the beginning is kept here; the raw file has it all."),
    ),
    key=("job_id", "file", "line_number"),
    description="Lines that could not become rows, kept as they came.",
    version=("extracted_at",),
    parent="load_files",
    root_key=("job_id", "file"),
    root_version=("extracted_at",),
)

UNKNOWN_FILE_LINES = TableSchema(
    "unknown_file_lines",
    (*_OF_FILE, Column("raw", Kind.JSON, "The line.")),
    key=("job_id", "file", "line_number"),
    description="Lines of export files that no declaration knows, raw.",
    version=("extracted_at",),
    parent="load_files",
    root_key=("job_id", "file"),
    root_version=("extracted_at",),
)

LOAD_GAPS = TableSchema(
    "load_gaps",
    (
        Column("stream", Kind.TEXT, "What is incomplete, such as gladly.export.", nullable=False),
        Column("from_at", Kind.TIMESTAMP, "Start of the span.", nullable=False),
        Column("to_at", Kind.TIMESTAMP, "End of the span.", nullable=False),
        Column("kind", Kind.TEXT, "expired, failed, missing, or lost for good."),
        Column("reason", Kind.TEXT, "What happened and what to do."),
        Column("job_id", Kind.TEXT, "The export job that should have filled it, if known."),
        Column("detected_at", Kind.TIMESTAMP, "When it was first noticed."),
        Column("healed_at", Kind.TIMESTAMP, "When its data had arrived, if it has."),
        Column("recorded_at", Kind.TIMESTAMP, "When this row was written.", nullable=False),
    ),
    key=("stream", "from_at", "to_at"),
    description="Spans of time whose data is missing, or was.",
    version=("recorded_at",),
)

LEDGER = (LOAD_RUNS, LOAD_FILES, QUARANTINED_LINES, UNKNOWN_FILE_LINES, LOAD_GAPS)
