"""A small demo, built once: what notebooks read here."""

import shutil
from pathlib import Path

import duckdb
import pytest

from pipelines.demo import DATABASE, run_demo, transform_demo
from pipelines.progress import NoProgress

ITEMS = 1_500


@pytest.fixture(scope="session")
def demo_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks") / "demo"
    for _ in run_demo(folder, ITEMS, NoProgress()):
        pass
    transform_demo(folder)
    return folder / DATABASE


@pytest.fixture(scope="session")
def empty_database(demo_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every table and model, and nothing in any of them."""
    database = tmp_path_factory.mktemp("empty") / demo_database.name
    shutil.copyfile(demo_database, database)
    with duckdb.connect(str(database)) as connection:
        found = connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
        for schema, table in found:
            connection.execute(f'DELETE FROM "{schema}"."{table}"')
    return database
