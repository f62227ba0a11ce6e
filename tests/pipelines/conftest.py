"""What tests of whole runs share."""

from functools import partial

import pytest

from pipelines import runner
from sources.http.client import ApiClient
from sources.http.retry import RetryPolicy


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client of a run try again at once."""
    retry = RetryPolicy(base_seconds=0.001)
    monkeypatch.setattr(runner, "ApiClient", partial(ApiClient, retry=retry))
