"""What tests of faults share: one small Gladly for all of them."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults.worlds import Faulty, faulty_gladly


@pytest.fixture(scope="session")
def faulty() -> Iterator[Faulty]:
    """Serve the world that faults hurt."""
    with TemporaryDirectory() as folder, faulty_gladly(Path(folder)) as served:
        yield served


@pytest.fixture(autouse=True)
def known_credentials(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a rereading of the credentials find those that are valid at first."""
    monkeypatch.setenv("SOURCES__GLADLY__EMAIL", faulty.sandbox.email)
    monkeypatch.setenv("SOURCES__GLADLY__API_TOKEN", faulty.sandbox.api_token)
