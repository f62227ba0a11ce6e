"""One sandbox without jobs for many examples of one property."""

from collections.abc import Iterator

import pytest

from sandbox import Sandbox, SandboxSettings, WorldSettings


@pytest.fixture(scope="module")
def empty_sandbox_of_all() -> Iterator[Sandbox]:
    world = WorldSettings(items=0, days=0)
    with Sandbox(SandboxSettings(world=world, requests_per_second=10_000)) as sandbox:
        yield sandbox
