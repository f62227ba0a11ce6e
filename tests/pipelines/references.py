"""A server of reference lists that a test fills, and runs of the step that reads them."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from pipelines.gladly_tables import GLADLY_TABLES
from pipelines.loading import Loader
from pipelines.progress import NoProgress
from pipelines.reference import load_reference
from pipelines.report import RunReport
from pipelines.runner import Target
from pipelines.warehouse import Warehouse
from pipelines.workspace import open_workspace
from sandbox import SandboxSettings
from sources.gladly.history import HISTORY_TABLES
from sources.gladly.reference_types import REFERENCE_LISTS, REFERENCE_RECORDS
from sources.gladly.settings import EXPORT_STREAM
from sources.http.budget import RateBudget
from sources.http.client import ApiClient
from sources.http.retry import RetryPolicy
from sources.streams.archive import RawFile, archive_path, size_and_digest
from sources.tables.declarations import TableSchema, table_schemas
from tests.pipelines.runs import Tables, read_tables

FIRST = datetime(2026, 3, 2, tzinfo=UTC)
TABLES: tuple[TableSchema, ...] = tuple(
    {
        table.name: table
        for table in (
            *GLADLY_TABLES,
            *(table for record in REFERENCE_RECORDS for table in table_schemas(record)),
            *HISTORY_TABLES,
        )
    }.values()
)
ORGANIZATION = {"id": "acme", "name": "Acme", "timezone": "Europe/Paris"}


@dataclass
class ReferenceServer:
    """What the server answers: a status, headers and a JSON document, or its bytes, a path."""

    now: datetime = FIRST
    answers: dict[str, tuple[int, dict[str, str], Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def put(self, path: str, document: object, status: int = 200, *, limited: bool = False) -> None:
        """Answer a path so from now on; ``limited`` as Gladly says that a list is cut."""
        headers = {"Gladly-Limited-Data": "true"} if limited else {}
        self.answers[path] = (status, headers, document)

    def put_lists(self, **lists: Sequence[object]) -> None:
        """Answer some lists so from now on."""
        for name, elements in lists.items():
            self.put(name.replace("_", "-"), elements)

    def later(self, **span: float) -> datetime:
        """Let time pass; return what time it is then."""
        self.now += timedelta(**span)
        return self.now


@contextmanager
def reference_server() -> Iterator[ReferenceServer]:
    """Serve empty lists, and an organisation."""
    server = ReferenceServer()
    for name in ("agents", "inboxes", "teams", "topics", "audiences", "business-hours"):
        server.put(name, [])
    server.put("webhooks", [])
    server.put("organization", ORGANIZATION)
    server.put("orgs/acme/answers", [])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.removeprefix("/api/v1/")
            server.asked.append(path)
            missing: tuple[int, dict[str, str], Any] = (404, {}, {"errors": []})
            status, headers, document = server.answers.get(path.partition("?")[0], missing)
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response_only(status)
            self.send_header("Date", format_datetime(server.now, usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the base class names it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = Thread(target=partial(http.serve_forever, poll_interval=0.01))
        thread.start()
        server.address = f"http://127.0.0.1:{http.server_address[1]}"
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


@contextmanager
def opened(target: Target) -> Iterator[Loader]:
    """Open a destination with all tables, ready to load into."""
    with open_workspace(target.data, "gladly") as workspace:
        warehouse = Warehouse(
            target.destination, target.capabilities, target.dataset, TABLES, workspace.work / "dlt"
        )
        warehouse.prepare()
        report = RunReport("run", "gladly", target.destination_name, target.dataset, FIRST)
        yield Loader(
            warehouse, workspace, NoProgress(), report, max_quarantined_share=0.1, keep_raw=True
        )


def client_of(address: str) -> ApiClient:
    """Return a client that never waits."""
    known = SandboxSettings()
    return ApiClient(
        address,
        known.email,
        known.api_token,
        budget=RateBudget(1000),
        retry=RetryPolicy(base_seconds=0.001),
    )


def read_reference(
    address: str,
    target: Target,
    names: Sequence[str] = tuple(REFERENCE_LISTS),
    language: str | None = None,
) -> RunReport:
    """Run the step once."""
    with opened(target) as loader, client_of(address) as client:
        archive = loader.workspace.archive / "reference"
        load_reference(client, archive, loader, names, language)
        return loader.report


def tables_of(target: Target) -> Tables:
    """Return the current rows of every table."""
    if target.destination_name == "duckdb":
        return read_tables(target, TABLES)
    with TemporaryDirectory() as folder:
        warehouse = Warehouse(
            target.destination, target.capabilities, target.dataset, TABLES, Path(folder)
        ).declare()
        with warehouse.opened():
            return {
                table.name: [
                    {
                        name: value.astimezone(UTC) if isinstance(value, datetime) else value
                        for name, value in zip(table.columns_by_name, values, strict=True)
                    }
                    for values in warehouse.read(table.name, list(table.columns_by_name))
                ]
                for table in TABLES
            }


def load_export(
    target: Target, name: str, records: Sequence[object], *, made_at: datetime
) -> RunReport:
    """Load a file of an export job that was made at some time."""
    with opened(target) as loader:
        job = f"job {made_at}"
        path = archive_path(loader.workspace.archive / "exports", job, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
        raw = RawFile(EXPORT_STREAM, job, name, made_at, None, path, *size_and_digest(path), 0.0)
        loader.load([raw])
        return loader.report


@contextmanager
def queries(target: Target) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:
    """Give a function that runs a query in which each table's name stands in braces."""
    with opened(target) as loader, loader.warehouse.session() as session:
        names = {table.name: session.names.final(table.name) for table in TABLES}
        yield lambda sql: session.rows(sql.format(**names))
