"""What tests of every destination share."""

import pytest

from pipelines import warehouse


@pytest.fixture(autouse=True)
def first_loads_go_straight_into_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let first loads, small as they are here, take the way of large ones; others are staged."""
    monkeypatch.setattr(warehouse, "STAGED_ROWS", 0)
