"""A place at each database."""

import pytest

from tests.transforms.places import DATABASES, Place, open_place


@pytest.fixture(params=DATABASES)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres: str
) -> Place:
    """A new place, at each database in turn."""
    return open_place(request.param, tmp_path_factory.mktemp("place"), postgres)
