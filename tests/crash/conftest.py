"""The process that forks jobs: to start it costs more than many a job."""

from collections.abc import Iterator

import pytest

from tests.crash import worker as jobs
from tests.forking import Forker, started


@pytest.fixture(scope="session")
def worker() -> Iterator[Forker]:
    """What forks jobs, a test process."""
    with started(jobs.__name__) as forker:
        yield forker
