"""A sandbox with canaries in its token and its messages, and the command beside it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import Sandbox, SandboxSettings, WorldSettings
from tests.command.commands import CANARY_TOKEN, LINES, Commands, environment_for
from tests.command.forks import Forks, started_forks
from tests.pipelines.runs import ITEMS


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """What forks commands, a test process."""
    with started_forks() as started:
        yield started


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A Gladly with one job of two items."""
    world = WorldSettings(items=0, days=0)
    settings = SandboxSettings(world=world, requests_per_second=1000, api_token=CANARY_TOKEN)
    with Sandbox(settings) as server:
        server.add_job({ITEMS: LINES})
        yield server


@pytest.fixture
def helpdesk(sandbox: Sandbox, tmp_path: Path, forks: Forks) -> Commands:
    """The command, with settings that work; a fork."""
    return Commands(tmp_path, environment_for(sandbox, tmp_path), forks=forks)


@pytest.fixture
def started_helpdesk(helpdesk: Commands) -> Commands:
    """The same, started as people start it."""
    return replace(helpdesk, forks=None)
