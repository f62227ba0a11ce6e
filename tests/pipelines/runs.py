"""Real runs of the job against the sandbox, and every row they left."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import duckdb

from pipelines.demo import sandbox_settings
from pipelines.gladly_tables import GLADLY_TABLES
from pipelines.progress import NoProgress
from pipelines.report import RunReport
from pipelines.runner import Target, run_gladly
from sandbox import Sandbox
from sources.gladly.event_types import EVENTS_FILE
from sources.gladly.selection import REFERENCE, REPORTS
from sources.gladly.settings import GladlySettings
from sources.tables.declarations import Kind, TableSchema
from tests.pipelines.prepared import DATASET, copy_duckdb

Row = dict[str, Any]
Tables = dict[str, list[Row]]

ITEMS = "conversation_items.jsonl"
# what tells one run from another; the origin of what is listed at its end is the run
RUN_SPECIFIC: Mapping[str, frozenset[str]] = {
    "load_files": frozenset({"run_id", "loaded_at"}),
    "export_jobs": frozenset({"_job_id"}),
    "export_job_files": frozenset({"_job_id"}),
    "export_schedules": frozenset({"_job_id"}),
}


def duckdb_target(folder: Path) -> Target:
    """Return a DuckDB file in a folder, which is the data folder as well; a new one has tables.

    Where they are made by the job itself: at other destinations, and wherever commands are run.
    """
    database = folder / "warehouse.duckdb"
    if not database.exists():
        copy_duckdb(database)
    return Target.open("duckdb", DATASET, folder, credentials=str(database))


def filesystem_target(folder: Path) -> Target:
    """Return Parquet files below a folder."""
    return Target.open("filesystem", DATASET, folder, bucket_url=str(folder / "lake"))


def postgres_target(folder: Path, credentials: str) -> Target:
    """Return a dataset of its own on a PostgreSQL server."""
    dataset = f"gladly_{uuid4().hex[:8]}"
    return Target.open("postgres", dataset, folder, credentials=credentials)


DESTINATIONS: dict[str, Callable[[Path, str], Target]] = {
    "duckdb": lambda folder, _: duckdb_target(folder),
    "postgres": postgres_target,
    "filesystem": lambda folder, _: filesystem_target(folder),
}


def settings_for(sandbox: Sandbox, **changed: object) -> GladlySettings:
    """Return the settings that reach a sandbox, some of them changed; nothing is waited for."""
    settings = sandbox_settings(sandbox)
    settings.wait_for_jobs = 0.0
    for name, value in changed.items():
        setattr(settings, name, value)
    return settings


def exports_only(name: str) -> bool:
    """Select export files, known or not, and nothing else."""
    return name not in {EVENTS_FILE, REFERENCE, REPORTS}


def everything(name: str) -> bool:
    """Select all but lists and reports, which have tests of their own."""
    return name not in {REFERENCE, REPORTS}


def run(
    sandbox: Sandbox,
    target: Target,
    *,
    selected: Callable[[str], bool] = exports_only,
    sleep: Callable[[float], None] | None = None,
    clock: Callable[[], float] | None = None,
    **changed: object,
) -> RunReport:
    """Run the job once: exports, unless something else is selected."""
    waiting = {} if sleep is None or clock is None else {"sleep": sleep, "clock": clock}
    settings = settings_for(sandbox, **changed)
    return run_gladly(settings, target, NoProgress(), selected, **waiting)  # type: ignore[arg-type] # both or neither


def read_tables(target: Target, tables: Sequence[TableSchema] = GLADLY_TABLES) -> Tables:
    """Return the current rows of every table; each of a dependent is of a row its root has."""
    found = _stored_tables(target, tables)
    # what replaces a row looks for its dependents by this
    assert rows_of_another_version(found, tables) == []
    return found


def _stored_tables(target: Target, tables: Sequence[TableSchema]) -> Tables:
    """Return the current rows of every table: of DuckDB by itself, else as the product reads."""
    if target.destination_name == "duckdb":
        return read_duckdb(target.data / "warehouse.duckdb", tables)
    found: Tables = {table.name: [] for table in tables}
    with TemporaryDirectory() as folder:
        warehouse = target.warehouse(Path(folder)).declare()
        with warehouse.opened():
            for table in filter(_has_files(target), tables):
                rows = warehouse.read(table.name, list(table.columns_by_name))
                found[table.name] = [_row(table, values) for values in rows]
    return found


def _has_files(target: Target) -> Callable[[TableSchema], bool]:
    """Return what tells which tables can have rows: all of a database.

    To ask dlt for a table of a folder takes 15 ms, also for one that has no file.
    """
    lake = target.destination.config_params.get("bucket_url")
    return lambda table: lake is None or any(Path(lake, target.dataset, table.name).glob("**/*.*"))


def rows_of_another_version(tables: Tables, schemas: Iterable[TableSchema]) -> list[str]:
    """Return the rows of dependent tables that name a row or version that their root has not."""
    found: list[str] = []
    by_name = {schema.name: schema for schema in schemas}
    for schema in by_name.values():
        if schema.parent in by_name:
            key, version = by_name[schema.parent].key, schema.root_version
            roots = {_values(row, (*key, *version)) for row in tables[schema.parent]}
            rows = tables[schema.name]
            names = (*schema.root_key, *version)
            found += [f"{schema.name}: {row}" for row in rows if _values(row, names) not in roots]
    return found


def read_duckdb(
    database: Path, tables: Sequence[TableSchema] = GLADLY_TABLES, dataset: str = DATASET
) -> Tables:
    """Return every row of every table of a DuckDB file, without a line of the product's code."""
    with duckdb.connect(str(database), read_only=True) as connection:
        # most tables have none; these counts know no deletions, so that 0 is never too little
        stored = dict(
            connection.execute(
                "SELECT table_name, estimated_size FROM duckdb_tables() WHERE schema_name = ?",
                [dataset],
            ).fetchall()
        )
        return {
            table.name: [
                _row(table, values)
                for values in connection.execute(
                    f"SELECT {_quoted(table)} FROM {dataset}.{table.name}"
                ).fetchall()
            ]
            if stored[table.name]
            else []
            for table in tables
        }


def counted_rows(
    tables: Tables, run_specific: Mapping[str, frozenset[str]] = RUN_SPECIFIC
) -> Counter[tuple[str, str]]:
    """Count each row, without the columns that tell one run from another."""
    counted: Counter[tuple[str, str]] = Counter()
    for table, found in tables.items():
        ignored = run_specific.get(table, frozenset())
        for row in found:
            counted[table, str({name: row[name] for name in row if name not in ignored})] += 1
    return counted


def item(identifier: str, content: object, **more: object) -> bytes:
    """Return a line of conversation_items.jsonl."""
    return line(
        {"id": identifier, "timestamp": "2026-03-02T10:00:00.000Z", **more} | {"content": content}
    )


def sms(text: str, *attachments: str) -> dict[str, object]:
    """Return the content of an SMS with attachments of the given names."""
    files = [{"id": name, "contentType": "image/png", "filename": name} for name in attachments]
    return {"type": "SMS", "content": text, "attachments": files}


def line(value: object) -> bytes:
    """Return a value as a line of JSONL."""
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _values(row: Row, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in names)


def _quoted(table: TableSchema) -> str:
    return ", ".join(f'"{column.name}"' for column in table.columns)


def _row(table: TableSchema, values: Sequence[Any]) -> Row:
    columns = zip(table.columns, values, strict=True)
    return {column.name: _comparable(column.kind, value) for column, value in columns}


def _comparable(kind: Kind, value: Any) -> Any:  # noqa: ANN401 - any value of a row
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if kind is Kind.JSON and isinstance(value, str):
        return json.dumps(json.loads(value), sort_keys=True)
    return value
