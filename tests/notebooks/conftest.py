"""A small demo, built once: what notebooks read here."""

from pathlib import Path

import pytest

from pipelines.demo import DATABASE, run_demo, transform_demo
from pipelines.progress import NoProgress

ITEMS = 1_500


@pytest.fixture(scope="session")
def demo_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks") / "demo"
    for _ in run_demo(folder, ITEMS, NoProgress()):
        pass
    transform_demo(folder)
    return folder / DATABASE
