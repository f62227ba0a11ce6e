"""Databases with raw tables that a test fills, and the models built from them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

from pipelines.rows import in_utc
from pipelines.runner import Target
from pipelines.transform import TransformReport, run_transforms
from pipelines.warehouse import Warehouse
from sources.gladly.event_types import EVENTS
from sources.tables.build import Lineage
from sources.tables.declarations import EXTRACTED_AT, FILE, JOB_ID, LINE, TableSchema
from sources.tables.parquet import TableFile, TableFiles, write_rows
from sources.tables.parse import parse_file, parser_for
from tests.pipelines.prepared import DATASET, copy_duckdb, copy_postgres
from tests.pipelines.runs import line
from transforms.changes import CHANGE_MODELS, CONVERSATION_SLICES
from transforms.conversation_marts import CONVERSATION_LINES
from transforms.declarations import Model
from transforms.models import MODELS, SEEN_MODELS

Row = dict[str, Any]

DATABASES = ("duckdb", "postgres")
# what the last build was made from: differs from one way of building to another
BOOKKEEPING = (*CHANGE_MODELS, CONVERSATION_SLICES, CONVERSATION_LINES)
NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)
_EVENT_PARSER = parser_for(EVENTS)


class Place:
    """A dataset at a target, with every raw table, and the dataset of its models.

    Args:
        target: The target, where every raw table is.
        folder: For work under way.
        asks_for: The models to build, with all that they read; every model by default.
        only_whole: Leave away what tells of changes: most of the models, if few are asked for.
    """

    def __init__(
        self,
        target: Target,
        folder: Path,
        asks_for: Sequence[str] = (),
        *,
        only_whole: bool = False,
    ) -> None:
        self.target = target
        self.marts = f"{target.dataset}_marts"
        self._only_whole = only_whole
        names = asks_for or [model.name for model in MODELS]
        self._built = with_all_they_read(names, only_whole=only_whole)
        self._tables = [model.table for model in self._built if model not in BOOKKEEPING]
        self._folder = folder
        self._warehouse = target.warehouse(folder / "raw").declare()

    def load(self, rows: Mapping[TableSchema, Iterable[Row]]) -> None:
        """Load rows as a job does."""
        with TemporaryDirectory() as folder:
            files = [write_rows(Path(folder), table, each) for table, each in rows.items()]
            self._load(files)

    def load_events(self, events: Iterable[Row]) -> None:
        """Load events as the job does, from the JSON that Gladly sends."""
        lineage = Lineage(NOW, "events", "events.jsonl", "events")
        with TemporaryDirectory() as folder, TableFiles(Path(folder)) as files:
            parse_file(BytesIO(b"".join(map(line, events))), _EVENT_PARSER, lineage, files)
            self._load(files.finish())

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement with {name} for the raw tables and {marts.name} for the models."""
        with self._warehouse._client() as client:
            rows = client.execute_sql(statement.format_map(self._names(client)))
        return [tuple(row) for row in rows or ()]

    def empty(self, *tables: str) -> None:
        """Delete every row of raw tables."""
        for table in tables:
            self.execute(f"DELETE FROM {{{table}}}")

    def transform(self, timezone: str = "UTC", *, whole: bool = True) -> TransformReport:
        """Build the models, which count the days of a time zone.

        ``whole`` is needed after ``load``: no ledger tells of its rows.
        """
        assert whole or not self._only_whole
        return run_transforms(self.target, self.marts, self._built, timezone=timezone, whole=whole)

    def models(self) -> dict[str, list[Row]]:
        """Return every row of every model that was built."""
        target = self.target
        with TemporaryDirectory() as folder:
            marts = Warehouse(
                target.destination, target.capabilities, self.marts, self._tables, Path(folder)
            ).declare()
            with marts.opened():
                return {
                    table.name: [
                        dict(zip(table.columns_by_name, map(in_utc, row), strict=True))
                        for row in marts.read(table.name, list(table.columns_by_name))
                    ]
                    for table in self._tables
                }

    def _load(self, files: list[TableFile]) -> None:
        self._warehouse.load(files)

    def _names(self, client: Any) -> dict[str, str]:  # noqa: ANN401 - dlt's client
        raw = {name: client.make_qualified_table_name(name) for name in self._warehouse._tables}
        with client.with_alternative_dataset_name(self.marts):
            made = {
                f"marts_{model.name}": client.make_qualified_table_name(model.name)
                for model in self._built
            }
        return raw | made


def with_all_they_read(names: Iterable[str], *, only_whole: bool) -> list[Model]:
    """Return models and those they read: directly or not.

    With them come those that tell of changes; to build only as a whole takes no more of these than
    who was merged, which every build remembers.
    """
    by_name = {model.name: model for model in MODELS}
    always = [name for model in SEEN_MODELS for name in model.reads]
    changes = [] if only_whole else [model.name for model in CHANGE_MODELS]
    wanted, waiting = set[str](), [*names, *always, *changes]
    while waiting:
        model = by_name.get(waiting.pop())
        if model and model.name not in wanted:
            wanted.add(model.name)
            waiting += [*model.reads, model.slices]
            if model.changes and not only_whole:
                waiting.append(model.changes.ids)
    return [model for model in MODELS if model.name in wanted]


def open_place(
    name: str,
    folder: Path,
    postgres: str,
    asks_for: Sequence[str] = (),
    *,
    only_whole: bool = False,
) -> Place:
    """Return a place whose sessions live in Los Angeles: no model may depend on that.

    It is new, unless there is a DuckDB file in its folder.
    """
    data = folder / name
    if name == "postgres":
        zone = quote("-ctimezone=America/Los_Angeles")
        credentials = f"{copy_postgres(postgres, folder.name)}&options={zone}"
        target = Target.open(name, DATASET, data, credentials=credentials)
        return Place(target, folder, asks_for, only_whole=only_whole)
    database = data / "warehouse.duckdb"
    in_file = DuckDbCredentials(str(database))
    in_file.pragmas = ["TimeZone = 'America/Los_Angeles'"]
    target = Target.open(name, DATASET, data, credentials=in_file)
    if not database.exists():
        copy_duckdb(database)
    return Place(target, folder, asks_for, only_whole=only_whole)


def as_text(models: Mapping[str, Iterable[Row]]) -> dict[str, list[str]]:
    """Return rows of models so that they can be compared, whatever order they stand in."""
    return {name: sorted(map(str, rows)) for name, rows in models.items()}


def lineage(number: int, extracted_at: datetime = NOW) -> Row:
    """Return the columns that say where a row came from."""
    return {EXTRACTED_AT: extracted_at, JOB_ID: "job", FILE: "events.jsonl", LINE: number}
