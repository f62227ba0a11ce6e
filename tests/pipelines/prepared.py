"""Databases with every raw table and no row: made once a test process, and copied for each test.

To make the tables takes longer than most of what tests do with them.
"""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.runner import Target
from tests.postgres import connected, credentials_of

DATASET = "gladly"


def copy_duckdb(database: Path) -> None:
    """Write a database file of one's own."""
    database.parent.mkdir(parents=True, exist_ok=True)
    database.write_bytes(_duckdb_file())


def copy_postgres(server: str, database: str) -> str:
    """Make a database of one's own at a server; return its credentials."""
    template = _postgres_template(server)
    with connected(server) as cursor:
        cursor.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
    return credentials_of(database, server)


def drop_postgres(server: str, database: str) -> None:
    """Drop a database: there are many, and each takes 10 MB."""
    with connected(server) as cursor:
        cursor.execute(f'DROP DATABASE "{database}"')


@cache
def _duckdb_file() -> bytes:
    with TemporaryDirectory() as folder:
        database = Path(folder, "warehouse.duckdb")
        target = Target.open("duckdb", DATASET, Path(folder), credentials=str(database))
        target.warehouse(Path(folder) / "raw").prepare()
        assert [*Path(folder).glob("*.duckdb*")] == [database]
        return database.read_bytes()


@cache
def _postgres_template(server: str) -> str:
    database = "template_of_places"
    with connected(server) as cursor:
        cursor.execute(f'CREATE DATABASE "{database}"')
    with TemporaryDirectory() as folder:
        credentials = credentials_of(database, server)
        target = Target.open("postgres", DATASET, Path(folder), credentials=credentials)
        target.warehouse(Path(folder) / "raw").prepare()
    return database
