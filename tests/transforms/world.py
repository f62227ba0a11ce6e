"""A small Gladly as its API showed it, loaded by three nights of the real job, and its models.

What a test computes by itself it computes from the raw records: the files as received, not the
tables. The world begins before the first night's events do, so states exist that no event opens.
"""

import csv
import json
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from pipelines.gladly_tables import GLADLY_TABLES
from pipelines.progress import NoProgress
from pipelines.runner import run_gladly
from sandbox import Sandbox, SandboxSettings, WorldSettings
from tests.pipelines.runs import read_tables, settings_for
from tests.transforms.places import Place, Row
from tests.transforms.raw_identities import Identities, identities_of

WORLD = WorldSettings(items=1_500, days=4, broken_days=frozenset())
NIGHTS = 3
ZONE = "America/Los_Angeles"
_SAVED = "world.pickle"


def instant(text: str) -> datetime:
    """Read a time as Gladly writes it; digits below a microsecond are cut, as tables cut them."""
    return datetime.fromisoformat(text).astimezone(UTC)


@dataclass
class Raw:
    """The records that Gladly sent, of each the last one, as they lie in the raw archive."""

    archive: Path
    _read: dict[tuple[str, str], list[Row]] = field(default_factory=dict)

    def records(self, stream: str, file: str) -> list[Row]:
        """Return all records of a file of a stream such as exports, oldest delivery first."""
        if (stream, file) not in self._read:
            paths = sorted(
                (self.archive / stream).rglob(f"{file}*"), key=lambda path: path.parent.name
            )
            self._read[stream, file] = [
                json.loads(line) for path in paths for line in path.read_bytes().splitlines()
            ]
        return self._read[stream, file]

    def latest(self, stream: str, file: str) -> dict[str, Row]:
        """Return the last delivered record of each id."""
        return {record["id"]: record for record in self.records(stream, file)}

    def readings(self, report: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
        """Yield each reading of a report as its lines, after its folder's name, in their order."""
        for folder in sorted((self.archive / "reports").glob(f"{report}_*")):
            (path,) = folder.glob("*.csv*")
            with path.open(encoding="utf-8", newline="") as lines:
                yield folder.name, list(csv.DictReader(lines))

    @cached_property
    def items(self) -> list[Row]:
        """Items of conversations, by time."""
        found = self.latest("exports", "conversation_items.jsonl").values()
        return sorted(found, key=lambda item: (item["timestamp"], item["id"]))

    @cached_property
    def events(self) -> list[Row]:
        """Events of every kind, by the time they were recorded."""
        found = self.latest("events", "events.jsonl").values()
        return sorted(found, key=lambda event: (event["timestamp"], event["id"]))

    @cached_property
    def identities(self) -> Identities:
        """Who customers and conversations are after the merges that events tell of."""
        return identities_of(self.events)


@dataclass(frozen=True)
class BuiltWorld:
    """The world at one database: its place, the raw records, the rows of every model.

    ``built_from`` tells what the last build was made from.
    """

    place: Place
    raw: Raw
    models: dict[str, list[Row]]
    built_from: str


def load_world(place: Place) -> BuiltWorld:
    """Run three nights, and build the models after each: first all rows, then what changed."""
    settings = SandboxSettings(
        world=WORLD,
        now=None,
        requests_per_second=10_000,
        reports_per_minute=10_000,
    )
    with Sandbox(settings) as sandbox:
        chosen = settings_for(sandbox, enrichment=["conversations", "tasks", "customer_profiles"])
        for _ in range(NIGHTS):
            run_gladly(chosen, place.target, NoProgress())
            report = place.transform(ZONE, whole=False)
            sandbox.clock.advance(timedelta(days=1))
    return BuiltWorld(place, raw_of(place), place.models(), report.built_from)


def raw_of(place: Place) -> Raw:
    """Return what was received for a place, by runs that kept it beside the data."""
    return Raw(place.target.data / "raw" / "gladly")


def save_world(world: BuiltWorld, folder: Path) -> None:
    """Save what a world is beside its tables, for another process that copies its folder."""
    (folder / _SAVED).write_bytes(pickle.dumps((world.models, world.built_from)))


def saved_world(place: Place, folder: Path) -> BuiltWorld:
    """Return the world whose folder was copied to be this place's."""
    # our own process wrote it
    models, built_from = pickle.loads((folder / _SAVED).read_bytes())  # noqa: S301
    return BuiltWorld(place, raw_of(place), models, built_from)


def copied(world: BuiltWorld, place: Place) -> BuiltWorld:
    """Copy the tables of a world to another place, and build the models there."""
    rows = read_tables(world.place.target)
    place.load({table: rows[table.name] for table in GLADLY_TABLES if rows[table.name]})
    report = place.transform(ZONE)
    return BuiltWorld(place, world.raw, place.models(), report.built_from)
