"""A file parsed by processes: they end with whoever started them, and what stops them is told."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from sandbox import write_conversation_items
from sources.gladly.declarations import CONVERSATION_ITEM
from sources.http.errors import RetryableError
from sources.tables import parse_process
from sources.tables.parallel import parse_file_in_parallel
from tests.tables.parsing import LINEAGE

ITEMS, WORKERS = 20_000, 2
PROGRAM = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from sources.gladly.declarations import CONVERSATION_ITEM
from sources.tables.build import Lineage
from sources.tables.parallel import parse_file_in_parallel

path, folder = map(Path, sys.argv[1:3])
lineage = Lineage(datetime.now(UTC), "job", path.name)
tell = lambda lines, _: print(lines, flush=True)
counts, _ = parse_file_in_parallel(path, CONVERSATION_ITEM, lineage, folder, 2, on_lines=tell)
print("rows", counts.rows)
"""


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an export that takes some seconds to parse."""
    path = tmp_path_factory.mktemp("items") / "conversation_items.jsonl"
    write_conversation_items(path, ITEMS, 1)
    return path


def program(path: Path, folder: Path) -> list[str]:
    """Return the command of a program that parses without a guard against being imported."""
    script = folder / "program.py"
    script.write_text(PROGRAM)
    return [sys.executable, str(script), str(path), str(folder / "rows")]


def parsing(process: psutil.Process) -> list[psutil.Process]:
    return [child for child in process.children() if parse_process.__name__ in command_of(child)]


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # it may end while it is looked at
        return ""


def test_a_program_without_a_guard_can_parse_in_parallel(items: Path, tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own program
        program(items, tmp_path), check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == f"rows {ITEMS}"
    assert done.stderr == ""


def test_no_process_outlives_a_caller_that_is_killed(items: Path, tmp_path: Path) -> None:
    command = program(items, tmp_path)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as caller:  # noqa: S603 - our own program
        assert caller.stdout is not None
        caller.stdout.readline()
        processes = parsing(psutil.Process(caller.pid))
        caller.kill()
        assert len(processes) == WORKERS
        _, left = psutil.wait_procs(processes, timeout=60)
    assert left == []


def test_a_process_that_is_killed_is_an_error_that_says_so(items: Path, tmp_path: Path) -> None:
    def kill(_lines: int, _bytes: int) -> None:
        for process in parsing(psutil.Process(os.getpid())):
            process.kill()

    with pytest.raises(RetryableError, match=r"conversation_items.jsonl was ended from outside"):
        parse_file_in_parallel(items, CONVERSATION_ITEM, LINEAGE, tmp_path, WORKERS, on_lines=kill)
    assert parsing(psutil.Process(os.getpid())) == []


def test_what_a_process_cannot_do_is_raised_by_its_caller(items: Path, tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.touch()
    with pytest.raises(NotADirectoryError, match="file"):
        parse_file_in_parallel(items, CONVERSATION_ITEM, LINEAGE, folder, WORKERS)
    assert parsing(psutil.Process(os.getpid())) == []
