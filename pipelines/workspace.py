"""The folder a job works in: one run at a time, and nothing in it that a crash could spoil.

raw      the raw archive: whole files only, kept; at the start after a crash, parts of files go
work     Parquet files and dlt's own folders of the run under way: deleted at each start
.lock    held while a run lasts; the operating system lets go of it when a run dies
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

from sources.http.errors import GiveUpError
from sources.http.files import make_private_folder


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folders of a run. ``after_crash`` tells that the last run did not end by itself."""

    archive: Path
    work: Path
    after_crash: bool


@contextmanager
def open_workspace(data: Path, source: str) -> Iterator[Workspace]:
    """Hold the workspace of a source for one run.

    Raises:
        GiveUpError: another run holds it.
    """
    make_private_folder(data)
    busy = (
        f"Another run is working in {data}. Wait until it ends, or give this one a data_dir "
        "of its own under [helpdesk] in .dlt/config.toml."
    )
    with hold(data / f".{source}.lock", busy):
        work = data / "work" / source
        after_crash = work.exists()
        _discard(work)
        archive = data / "raw" / source
        make_private_folder(archive)
        if after_crash:
            _discard_parts(archive)
        make_private_folder(work)
        try:
            yield Workspace(archive, work, after_crash)
        finally:
            _discard(work)


@contextmanager
def hold(path: Path, busy: str) -> Iterator[None]:
    """Hold a lock file, whatever a run that died, or a person, left in its place.

    Raises:
        GiveUpError: another process holds it; ``busy`` says so.
    """
    if path.is_dir():
        set_aside(path)
    elif path.exists() and not os.access(path, os.R_OK | os.W_OK):
        # not replaced: another process may hold this very file
        path.chmod(0o600)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise GiveUpError(busy) from error
    try:
        yield
    finally:
        lock.release()


def set_aside(path: Path) -> Path:
    """Give what stands in the way another name, and return that; nothing is deleted."""
    names = (path.with_name(f"{path.name}.unusable-{number}") for number in count(1))
    aside = next(name for name in names if not name.exists())
    return path.rename(aside)


def _discard(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _discard_parts(archive: Path) -> None:
    """Remove what a killed run had not finished writing: erasing a customer passes over it."""
    for part in [*archive.rglob("*.part")]:
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)
