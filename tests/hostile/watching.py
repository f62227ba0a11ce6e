"""What this process writes to files, as the interpreter itself tells it.

with written_files() as written:
    ...
outside = [path for path in written if not path.is_relative_to(folder)]
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# event -> how many of its arguments, from the first, are paths
_CHANGES = {
    "os.rename": 2,
    "os.link": 2,
    "os.symlink": 2,
    "os.mkdir": 1,
    "os.remove": 1,
    "os.rmdir": 1,
    "os.truncate": 1,
    "shutil.rmtree": 1,
}
# events that name files relative to an open folder, and which argument that folder is
_FOLDERS = {"os.remove": 1, "os.rmdir": 1, "os.mkdir": 2}
_NOWHERE = {"/dev/null"}

_listeners: list[set[Path]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _listeners:
        return
    paths: tuple[Any, ...] = ()
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING:
        paths = arguments[:1]
    elif event in _CHANGES and arguments[_FOLDERS.get(event, 0)] in (arguments[0], -1):
        paths = arguments[: _CHANGES[event]]
    for path in paths:
        if isinstance(path, str | bytes | os.PathLike) and os.fsdecode(path) not in _NOWHERE:
            for listener in _listeners:
                listener.add(Path(os.path.normpath(Path.cwd() / os.fsdecode(path))))


# once added, a hook stays for good
sys.addaudithook(_hook)


@contextmanager
def written_files() -> Iterator[set[Path]]:
    """Collect the paths that are opened for writing, made, moved or removed inside."""
    written: set[Path] = set()
    _listeners.append(written)
    try:
        yield written
    finally:
        _listeners.remove(written)
