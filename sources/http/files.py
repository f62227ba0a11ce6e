"""Writing one file: whole and under its final name, or not at all."""

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from sources.http.errors import GiveUpError

_WRITE_BUFFER_BYTES: Final = 1 << 20
FULL_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
# O_EXCL also refuses to follow a symbolic link
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """What was written: its size in bytes, its sha256 (hexadecimal), and its last byte if any."""

    size: int
    sha256: str
    last: bytes


class PartFile:
    """A file that is being written, and not yet whole.

    It stays open from its first byte to its last, however many attempts these take: what was
    written is what was hashed, and a disk that failed at any time says so when it is published.

    Attributes:
        size: bytes written so far.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self.start_over()

    def start_over(self) -> None:
        """Forget what was written."""
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self._last = b""
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Append `piece`."""
        self._file.write(piece)
        self._digest.update(piece)
        self._last = piece[-1:] or self._last
        self.size += len(piece)

    def written(self) -> WrittenFile:
        """What was written so far."""
        return WrittenFile(self.size, self._digest.hexdigest(), self._last)

    def publish(self, target: Path) -> None:
        """Wait until the disk holds the file, then give it its final name."""
        self._file.flush()
        os.fsync(self._file.fileno())
        publish(self._path, target)


@contextmanager
def part_of(target: Path) -> Iterator[PartFile]:
    """A new file beside `target`, named `target` + ".part"; gone afterwards unless published.

    It is readable by its owner only, as are folders made on the way. What a killed run left under
    that name is removed.

    Raises:
        GiveUpError: the disk is full or refuses; nothing is left behind.
    """
    with _disk_errors_explained(target):
        make_private_folder(target.parent)
        path = target.with_name(target.name + ".part")
        path.unlink(missing_ok=True)
        try:
            descriptor = os.open(path, _NEW_FILE, 0o600)
            with os.fdopen(descriptor, "wb", buffering=_WRITE_BUFFER_BYTES) as file:
                yield PartFile(path, file)
        finally:
            path.unlink(missing_ok=True)


def write_whole_file(target: Path, pieces: Iterable[bytes]) -> WrittenFile:
    """Write `pieces` to `target`, which appears only once all of them are safely on disk.

    By way of `target` + ".part", for the owner only; see `part_of`.

    Raises:
        GiveUpError: the disk is full or refuses; nothing is left behind.
    """
    with part_of(target) as part:
        for piece in pieces:
            part.write(piece)
        part.publish(target)
    return part.written()


def make_private_folder(folder: Path) -> None:
    """Make `folder` and its missing parents, each for the owner only; leave others as they are."""
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def publish(part: Path, target: Path) -> None:
    """Give a file that is safely on disk its final name, and make that survive a power cut.

    Raises:
        OSError: it lies on another disk, or the folder refuses.
    """
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def publish_written(part: Path, target: Path) -> None:
    """Wait until the disk holds a file that somebody else wrote, then give it its final name.

    Raises:
        OSError: it lies on another disk, or the folder refuses.
    """
    with part.open("rb") as written:
        os.fsync(written.fileno())
    publish(part, target)


@contextmanager
def _disk_errors_explained(target: Path) -> Iterator[None]:
    """Turn errors of the file system, which no retry cures, into advice."""
    try:
        yield
    except OSError as fault:
        if fault.errno in FULL_DISK:
            raise GiveUpError(
                f"The disk or quota is full while writing {target}; nothing of the file was kept. "
                "Free space or point the raw folder elsewhere, then run again."
            ) from fault
        raise GiveUpError(
            f"Could not write {target}: {fault.strerror or type(fault).__name__}. Check the "
            "folder's permissions and that its name is valid, then run again."
        ) from fault
