"""In a folder of files a name stands for a whole file, whenever the one who writes it stops."""

import subprocess
import sys
from pathlib import Path

from pipelines.runner import Target
from sandbox import Sandbox
from tests.pipelines.runs import ITEMS, filesystem_target, item, read_tables, run

# the system ends what writes more than so many bytes of a file, in the middle of it
PROGRAM = """
import resource, sys
from pipelines.whole_files import WholeFiles

root, source, target, limit = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
files = WholeFiles(root)
if source == "-":
    files.write_text(target, "x" * 5_000)
else:
    files.put_file(source, target)
"""


def copied(root: Path, source: str, target: Path, limit: int) -> int:
    """Copy a file, or write 5,000 characters, in a process; return its exit code."""
    command = [sys.executable, "-c", PROGRAM, root, source, target, limit]
    return subprocess.run(  # noqa: S603 - our own program
        [str(word) for word in command], check=False, stderr=subprocess.DEVNULL
    ).returncode


def test_a_file_whose_copy_is_cut_never_gets_its_name(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "lake" / "target"
    source.write_bytes(b"x" * 5_000)
    target.parent.mkdir()
    for given in (str(source), "-"):
        assert copied(target.parent, given, target, 4_999) != 0
        assert not target.exists()
        assert copied(target.parent, given, target, 5_000) == 0
        assert target.read_bytes() == source.read_bytes()
        target.unlink()


def test_what_a_cut_copy_left_is_removed_by_the_next_run(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target: Target = filesystem_target(tmp_path)
    left = tmp_path / "lake" / ".helpdesk" / "cut.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"PAR1")
    empty_sandbox.add_job({ITEMS: item("a", {"type": "SMS", "content": "text"})})
    run(empty_sandbox, target)
    assert [row["content"] for row in read_tables(target)["sms_messages"]] == ["text"]
    assert not [*left.parent.iterdir()]
