"""What a kill, a crash of the disk or a person can leave behind, made for real in a data folder."""

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg2  # type: ignore[import-untyped] # ships no types

from pipelines.runner import Target, open_client
from sandbox import Sandbox
from sources.gladly.jobs import JobFile
from sources.gladly.resources import fetch_file, jobs_of, list_jobs
from tests.forking import Forker
from tests.pipelines.events import EVENTS_FILE
from tests.pipelines.runs import ITEMS, Tables, counted_rows, settings_for

DATABASE = "warehouse.duckdb"
_HEADERS_BYTES = 12_288


@dataclass
class Place:
    """A target, the Gladly it is of, and a process that runs jobs which kill themselves.

    Attributes:
        settings: Settings of the destination.
    """

    target: Target
    settings: dict[str, str]
    sandbox: Sandbox
    stopper: Forker

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.target.data

    @property
    def database(self) -> Path:
        """The database's file."""
        return self.data / DATABASE

    @property
    def archive(self) -> Path:
        """The raw archive."""
        return self.data / "raw" / "gladly"


Make = Callable[[Place], None]


@dataclass(frozen=True)
class Left:
    """How a state is made, at which destination, and whether the first night was loaded before."""

    make: Make
    destination: str = "duckdb"
    after_a_night: bool = True


def rows(tables: Tables) -> Counter[tuple[str, str]]:
    """Count each row, without what tells one run from another, and without those of runs."""
    return counted_rows({name: tables[name] for name in tables if name != "load_runs"})


def stopped_at(pattern: str) -> Make:
    """Kill a run at the first thing it does whose name matches."""

    def make(place: Place) -> None:
        order = {
            "destination": place.target.destination_name,
            "dataset": place.target.dataset,
            "data": str(place.data),
            "settings": place.settings,
            "base_url": place.sandbox.base_url,
            "email": place.sandbox.email,
            "api_token": place.sandbox.api_token,
            "pattern": pattern,
        }
        assert place.stopper.ask(json.dumps(order)) == -signal.SIGKILL, pattern

    return make


def killed(program: str, *arguments: object) -> None:
    """Run a program in a process of its own, which then kills itself."""
    ends = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    command = [sys.executable, "-c", f"import sys\n{program}\n{ends}", *map(str, arguments)]
    finished = subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - our own interpreter
    assert finished.returncode == -signal.SIGKILL, finished.stderr.decode()


def said_by_hand(*statements: str) -> Make:
    """Change the destination: statements with {dataset} for its name."""

    def make(place: Place) -> None:
        said = [statement.format(dataset=place.target.dataset) for statement in statements]
        if place.target.destination_name == "duckdb":
            with duckdb.connect(str(place.database)) as connection:
                for statement in said:
                    connection.execute(statement)
            return
        with closing(psycopg2.connect(place.settings["credentials"])) as server:
            for statement in said:
                server.cursor().execute(statement)
            server.commit()

    return make


def both(first: Make, second: Make) -> Make:
    """Make one state after the other."""

    def make(place: Place) -> None:
        first(place)
        second(place)

    return make


def with_items(spoil: Callable[[Path], None], described: str = "") -> Make:
    """Let a run die after it fetched a file of items, then spoil that, or what describes it."""

    def make(place: Place) -> None:
        with open_client(settings_for(place.sandbox)) as client:
            jobs = jobs_of(list_jobs(client, {})).values()
            newest = max(jobs, key=lambda job: job.updated_at)
            raw = fetch_file(
                client,
                place.archive / "exports",
                JobFile(newest, ITEMS),
                on_bytes=lambda _: None,
                require_final_newline=True,
            )
        spoil(raw.path.with_name(described) if described else raw.path)

    return make


def with_events(spoil: Callable[[Path], None], described: str = EVENTS_FILE) -> Make:
    """Let a run die after it fetched events, then spoil them, or what describes them."""

    def make(place: Place) -> None:
        stopped_at("os.mkdir .*/gladly/package")(place)
        newest = max(place.archive.glob(f"events/*/{EVENTS_FILE}"), key=lambda path: path.parent)
        spoil(newest.with_name(described))

    return make


def cut_in_half(path: Path) -> None:
    """Leave the first half of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def cut_after_a_line(path: Path) -> None:
    """Leave whole lines, but not all of them."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: len(lines) // 2]))


def emptied(path: Path) -> None:
    """Leave nothing of a file but its name."""
    path.write_bytes(b"")


def removed(path: Path) -> None:
    """Remove a file."""
    path.unlink()


def lock_of_a_dead_process(place: Place) -> None:
    """Let a process die that holds the workspace."""
    killed(
        "from pathlib import Path\nfrom pipelines.workspace import open_workspace\n"
        "open_workspace(Path(sys.argv[1]), 'gladly').__enter__()",
        place.data,
    )


def lock_that_is_a_folder(place: Place) -> None:
    """Put a folder, and something in it, where the lock file belongs."""
    lock = place.data / ".gladly.lock"
    lock.unlink()
    lock.mkdir()
    (lock / "note").write_text("somebody was here")


def lock_without_permissions(place: Place) -> None:
    """Take all permissions from both lock files."""
    (place.data / ".gladly.lock").chmod(0)
    (place.data / f"{DATABASE}.gladly.lock").chmod(0)


def log_of_a_killed_writer(place: Place) -> None:
    """Let a process die that wrote to the database: what it committed is in the log only."""
    killed(
        "import duckdb; held = duckdb.connect(sys.argv[1]); held.execute("
        "'CREATE TABLE gladly.somebody_elses AS SELECT range AS n FROM range(10)')",
        place.database,
    )
    assert log_of(place).exists()


def log_of_a_later_state(place: Place) -> None:
    """Bring an older database back, beside the log of a later one."""
    older = place.data / "backup"
    shutil.copy(place.database, older)
    with duckdb.connect(str(place.database)) as connection:
        connection.execute("CREATE TABLE gladly.somebody_elses AS SELECT 1 AS n")
        connection.execute("CHECKPOINT")
    killed(
        "import duckdb; held = duckdb.connect(sys.argv[1]); held.execute("
        "'CREATE TABLE gladly.another AS SELECT 1 AS n')",
        place.database,
    )
    assert log_of(place).exists()
    older.replace(place.database)


def log_without_database(place: Place) -> None:
    """Leave a log whose database is gone."""
    killed(
        "import duckdb; held = duckdb.connect(sys.argv[1]); held.execute("
        "'CREATE TABLE another AS SELECT 1 AS n')",
        place.database,
    )
    place.database.unlink()
    assert log_of(place).exists()


def log_of(place: Place) -> Path:
    """Return the database's log."""
    return place.data / f"{DATABASE}.wal"


def database_cut_at(size: int) -> Make:
    """Let the disk be full, after so many bytes, for whoever makes the database."""

    def make(place: Place) -> None:
        killed(
            "import duckdb, resource, signal\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)\n"
            "try:\n    duckdb.connect(sys.argv[1])\nexcept duckdb.IOException:\n    pass\n"
            "else:\n    raise SystemExit('it had room')",
            place.database,
            size,
        )
        assert place.database.stat().st_size == size < _HEADERS_BYTES

    return make


def copy_that_was_cut(place: Place) -> None:
    """Leave the beginning of a copy that should have taken the database's place."""
    part = place.data / f"{DATABASE}.part"
    part.write_bytes(place.database.read_bytes()[:100_000])
    place.data.joinpath(f"{DATABASE}.part.wal").write_bytes(b"cut")


_DLT = r"/gladly/dlt/append/"
_MERGING = r"before (DELETE FROM|INSERT INTO) .*\..load_files. "
_NO_VERSIONS = "DELETE FROM {dataset}._dlt_version"
STATES: dict[str, Left] = {
    # dlt's folders, each as a run leaves it that is killed there: where dlt loads the rows
    "dlt: making its own folders": Left(stopped_at(f"os.mkdir .*{_DLT}"), "filesystem"),
    "dlt: a package extracted": Left(stopped_at(f"os.rename .*{_DLT}.*/normalize/"), "filesystem"),
    "dlt: a package half normalized": Left(stopped_at(f"open .*{_DLT}.*/load/new/"), "filesystem"),
    "dlt: a package normalized": Left(stopped_at(f"os.rename .*{_DLT}.*/load/new/"), "filesystem"),
    "dlt: a job started": Left(stopped_at(f"os.rename .*{_DLT}.*/started_jobs/"), "filesystem"),
    "dlt: jobs loaded, package not completed": Left(
        stopped_at(r"open .*/\.helpdesk/[^/]+__\d+\.\d+\.jsonl$"), "filesystem"
    ),
    "dlt: jobs started, on a server": Left(stopped_at("os.rename .*/started_jobs/"), "postgres"),
    "dlt: package completed, folder not moved": Left(
        stopped_at(r"after INSERT INTO .*_dlt_loads"), "postgres"
    ),
    "dlt: on a first load": Left(
        stopped_at(f"os.rename .*{_DLT}.*/started_jobs/"), "filesystem", after_a_night=False
    ),
    # dlt's state at the destination
    "no versions of schemas": Left(said_by_hand(_NO_VERSIONS)),
    "no table of versions": Left(said_by_hand("DROP TABLE {dataset}._dlt_version")),
    "schema that is garbage": Left(said_by_hand("UPDATE {dataset}._dlt_version SET schema = '[['")),
    "schema of a later dlt": Left(
        said_by_hand("UPDATE {dataset}._dlt_version SET version = 900, engine_version = 900")
    ),
    "a load that never ended": Left(
        said_by_hand("INSERT INTO {dataset}._dlt_loads SELECT 'x', 'helpdesk', 1, now(), 'y'")
    ),
    # the staging dataset
    "staging full": Left(stopped_at(_MERGING), "postgres"),
    "staging gone": Left(said_by_hand("DROP SCHEMA {dataset}_staging CASCADE"), "postgres"),
    # a later version of this program has a column more, which must not be null
    "staging full, and without a column": Left(
        both(
            stopped_at(_MERGING),
            said_by_hand(
                "ALTER TABLE {dataset}_staging.load_files DROP COLUMN extracted_at",
                "DELETE FROM {dataset}_staging._dlt_version",
            ),
        ),
        "postgres",
    ),
    "staging without a column": Left(
        said_by_hand("ALTER TABLE {dataset}_staging.load_files DROP COLUMN sha256"), "postgres"
    ),
    # lock files
    "lock of a dead process": Left(lock_of_a_dead_process),
    "lock that is a folder": Left(lock_that_is_a_folder),
    "lock without permissions": Left(lock_without_permissions),
    # the raw archive
    "a download under way": Left(stopped_at(r"open .*events\.jsonl.*\.part")),
    "a download about to get its name": Left(stopped_at(r"os.rename .*events\.jsonl.*\.part")),
    "events cut": Left(with_events(cut_in_half)),
    "events cut after a line": Left(with_events(cut_after_a_line)),
    "events empty": Left(with_events(emptied)),
    "events without their request": Left(with_events(removed, "request.json")),
    "events with half a request": Left(with_events(cut_in_half, "request.json")),
    "items cut": Left(with_items(cut_in_half)),
    "items cut after a line": Left(with_items(cut_after_a_line)),
    "items empty": Left(with_items(emptied)),
    "items without their job": Left(with_items(removed, "job.json")),
    "items with half a job": Left(with_items(cut_in_half, "job.json")),
    "items with an empty job": Left(with_items(emptied, "job.json")),
    # the working folder
    "rows of a package that arrived": Left(stopped_at("before .*TRUNCATE"), "postgres"),
    # the database's file
    "log of a killed writer": Left(log_of_a_killed_writer),
    "log of a later state": Left(log_of_a_later_state),
    "log without its database": Left(log_without_database, after_a_night=False),
    "a copy that was cut": Left(copy_that_was_cut),
    "database cut in its first header": Left(database_cut_at(3000), after_a_night=False),
    "database cut between headers": Left(database_cut_at(4096), after_a_night=False),
    "database cut in its last header": Left(database_cut_at(12_000), after_a_night=False),
}
