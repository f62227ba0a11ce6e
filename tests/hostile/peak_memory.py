"""`python -m tests.hostile.peak_memory FILE TABLE` parses a file and prints counts and peak memory.

Memory is that of the whole process, in MB: of importing and compiling alone, and at the end.
"""

import json
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sources.gladly.declarations import CONVERSATION_ITEM
from sources.tables.build import Lineage
from sources.tables.parquet import TableFiles
from sources.tables.parse import parse_file, parse_unknown_file, parser_for


def peak_megabytes() -> float:
    """Return the most memory that this process held so far."""
    status = Path("/proc/self/status")
    if status.exists():
        # the other figure begins, on Linux, with that of the process that started this one
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(path: Path, how: str) -> None:
    """Parse a file as conversation items, or as a file that nobody declared."""
    parser = parser_for(CONVERSATION_ITEM)
    before = peak_megabytes()
    lineage = Lineage(datetime.now(UTC), "job", path.name)
    with TemporaryDirectory() as folder, TableFiles(Path(folder)) as files, path.open("rb") as data:
        if how == "unknown":
            counts = parse_unknown_file(data, lineage, files)
        else:
            counts = parse_file(data, parser, lineage, files)
        files.finish()
    told = {
        "lines": [counts.lines, counts.rows, counts.quarantined],
        "reasons": [line.reason for line in counts.examples],
        "places": [[line.byte_offset, line.byte_length] for line in counts.examples],
        "before": before,
        "peak": peak_megabytes(),
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
