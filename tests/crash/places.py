"""Where a case lives at each destination: how it is copied, reached and read."""

import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from pipelines.gladly_tables import GLADLY_TABLES
from pipelines.runner import Target
from tests.crash.worker import CRASH_MODELS, DATASET, MARTS
from tests.pipelines.runs import Tables, read_duckdb, read_tables
from tests.postgres import connected, credentials_of

MODEL_TABLES = [model.table for model in CRASH_MODELS]
_WAIT_SECONDS = 0.01


@dataclass(frozen=True)
class DuckDbPlace:
    """A case is a folder with a database file in it."""

    name: str = "duckdb"

    def settings(self, case: Path) -> dict[str, str]:
        """Return the settings of the destination."""
        return {"credentials": str(self._database(case))}

    def copy(self, source: Path, target: Path) -> Path:
        """Copy a case in place of another; return it."""
        return copied_folder(source, target)

    def read(self, case: Path) -> Tables:
        """Return every row; none where no run came so far as to make all tables."""
        database = self._database(case)
        if not database.exists():
            return {}
        with duckdb.connect(str(database), read_only=True) as connection:
            made = set(
                connection.execute(
                    "SELECT table_schema, table_name FROM information_schema.tables"
                ).fetchall()
            )
        raw = [table for table in GLADLY_TABLES if (DATASET, table.name) in made]
        tables = read_duckdb(database, raw)
        marts = [table for table in MODEL_TABLES if (MARTS, table.name) in made]
        return tables | read_duckdb(database, marts, MARTS)

    def look(self, case: Path) -> Tables:
        """Return every row, while a job that has it open stands still.

        Nobody else can open the database; copies of its file and log are what a kill would leave.
        """
        return self.read(self.copy(case, case.with_name("looked_at")))

    def _database(self, case: Path) -> Path:
        return case / "warehouse.duckdb"


@dataclass(frozen=True)
class FolderPlace:
    """A case is a folder with Parquet files in it."""

    name: str = "filesystem"

    def settings(self, case: Path) -> dict[str, str]:
        """Return the settings of the destination."""
        return {"bucket_url": str(case / "lake")}

    def copy(self, source: Path, target: Path) -> Path:
        """Copy a case in place of another; return it."""
        return copied_folder(source, target)

    def read(self, case: Path) -> Tables:
        """Return the current rows."""
        return read_tables(_target(self.name, case, self.settings(case)))

    def look(self, case: Path) -> Tables:
        """Return the current rows, while a job stands still."""
        return self.read(case)


@dataclass(frozen=True)
class PostgresPlace:
    """A case is a folder and a database.

    Attributes:
        server: Credentials of the server.
    """

    server: str
    name: str = "postgres"

    def settings(self, case: Path) -> dict[str, str]:
        """Return the settings of the destination; the database is made if there is none."""
        database = _database_of(case)
        with connected(self.server) as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{database}"')
        return {"credentials": credentials_of(database, self.server)}

    def copy(self, source: Path, target: Path) -> Path:
        """Copy a case in place of another; return it."""
        self.settings(source)
        with connected(self.server) as cursor:
            self._wait_for_the_dead(cursor, _database_of(source))
            cursor.execute(f'DROP DATABASE IF EXISTS "{_database_of(target)}"')
            cursor.execute(
                f'CREATE DATABASE "{_database_of(target)}" TEMPLATE "{_database_of(source)}"'
            )
        return copied_folder(source, target)

    def read(self, case: Path) -> Tables:
        """Return every row."""
        target = _target(self.name, case, self.settings(case))
        return read_tables(target) | read_tables(replace(target, dataset=MARTS), MODEL_TABLES)

    def look(self, case: Path) -> Tables:
        """Return every row, while a job that is connected stands still."""
        return self.read(case)

    @staticmethod
    def _wait_for_the_dead(cursor: Any, database: str) -> None:  # noqa: ANN401 - no types
        """Wait until the server has noticed that a killed client is gone."""
        while True:
            cursor.execute("SELECT 1 FROM pg_stat_activity WHERE datname = %s", (database,))
            if cursor.fetchone() is None:
                return
            time.sleep(_WAIT_SECONDS)


Place = DuckDbPlace | FolderPlace | PostgresPlace


def _database_of(case: Path) -> str:
    """Return a name that no case of another test has."""
    return f"{case.parent.name}_{case.name}"


def copied_folder(source: Path, target: Path) -> Path:
    """Copy a folder in place of another; return it."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target


def _target(name: str, case: Path, settings: dict[str, str]) -> Target:
    return Target.open(name, DATASET, case / "data", **settings)
