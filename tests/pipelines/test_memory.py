"""One setting bounds the memory of a run; what each part gets follows from it."""

from pathlib import Path

import pytest

from pipelines.memory import Memory
from pipelines.runner import Target
from sources.http.errors import SettingsError

PROCESSORS = 8


@pytest.mark.parametrize(
    ("megabytes", "parsers", "database_megabytes", "threads"),
    [(256, 1, 128, 1), (512, 2, 256, 1), (1024, 5, 768, 3), (4096, 8, 3840, 8)],
)
def test_more_memory_is_more_parsers_and_more_of_a_database(
    megabytes: int, parsers: int, database_megabytes: int, threads: int
) -> None:
    memory = Memory(megabytes, PROCESSORS)
    assert memory.parsers == parsers
    assert memory.database_megabytes == database_megabytes
    assert memory.database_threads == threads


def test_a_bound_below_what_a_run_needs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"max_memory_mb is 255\. Set it to 256 or more"):
        Target.open("duckdb", "gladly", tmp_path / "data", 255)
    assert not (tmp_path / "data").exists()


def test_an_embedded_database_gets_its_share(tmp_path: Path) -> None:
    warehouse = Target.open("duckdb", "gladly", tmp_path, 512).warehouse(tmp_path / "work")
    warehouse.prepare()
    with warehouse.session() as session:
        rows = session.rows(
            "SELECT current_setting('memory_limit'), current_setting('operator_memory_limit'), "
            "current_setting('threads')"
        )
    assert [tuple(row) for row in rows] == [("244.1 MiB", "122.0 MiB", 1)]
