"""A place at each database, empty or with the world in it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.pipelines.prepared import drop_postgres
from tests.transforms.places import DATABASES, Place, open_place
from tests.transforms.world import BuiltWorld, copied, load_world, save_world, saved_world


@pytest.fixture(params=DATABASES)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres: str
) -> Iterator[Place]:
    """A new place, at each database in turn, for the models that a test module ASKS_FOR.

    A module whose models are built ONLY_WHOLE has nothing beside them that tells of changes.
    """
    yield from _place_of_module(request, tmp_path_factory.mktemp("place"), postgres)


@pytest.fixture(params=DATABASES, scope="module")
def shared_place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres: str
) -> Iterator[Place]:
    """Such a place for one fixture of a module, in which all of its stories are told."""
    yield from _place_of_module(request, tmp_path_factory.mktemp("shared"), postgres)


def _place_of_module(
    request: pytest.FixtureRequest, folder: Path, postgres: str
) -> Iterator[Place]:
    asks_for = getattr(request.module, "ASKS_FOR", ())
    only_whole = getattr(request.module, "ONLY_WHOLE", False)
    yield open_place(request.param, folder, postgres, asks_for, only_whole=only_whole)
    if request.param == "postgres":
        drop_postgres(postgres, folder.name)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> BuiltWorld:
    """The world in DuckDB: loaded once by all test processes, for reading only."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with FileLock(shared / "world.lock"):
        loaded = shared / "world"
        if not loaded.exists():
            folder = tmp_path_factory.mktemp("loaded")
            save_world(load_world(open_place("duckdb", folder, postgres)), folder)
            folder.rename(loaded)
    # a DuckDB file is open in one process at a time
    own = tmp_path_factory.mktemp("world")
    shutil.copytree(loaded, own, dirs_exist_ok=True)
    return saved_world(open_place("duckdb", own, postgres), own)


@pytest.fixture(scope="session")
def postgres_world(
    world: BuiltWorld, tmp_path_factory: pytest.TempPathFactory, postgres: str
) -> BuiltWorld:
    """The same tables in PostgreSQL, and the models built there."""
    return copied(world, open_place("postgres", tmp_path_factory.mktemp("world"), postgres))
