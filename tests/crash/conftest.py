"""The process that forks jobs: to start it costs more than many a job."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.crash.phases import started_worker


@pytest.fixture(scope="session")
def worker() -> Iterator[subprocess.Popen[str]]:
    """What forks jobs, a test process."""
    with started_worker() as process:
        yield process
