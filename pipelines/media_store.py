"""The store of attachments and recordings: a folder, or a bucket that fsspec knows.

A name is in it only once its content is whole:

    folder          renamed, or written beside and renamed, and synced to disk
    object store    one upload, which is there when it is complete and not before
    other places    uploaded under another name, then renamed
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import fsspec
from fsspec.implementations.local import LocalFileSystem

from sources.http.errors import GiveUpError, HelpdeskError, SettingsError
from sources.http.files import FULL_DISK, make_private_folder, publish, write_whole_file

_FOLDER: Final = "media"
# as write_whole_file has it
_PART: Final = ".part"
_PIECE_BYTES: Final = 1 << 20
_OBJECT_STORES: Final = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"})
_READ_ONLY: Final = frozenset({"http", "https", "data", "github", "zip", "tar"})
_ADVICE: Final = (
    "Set it to a folder or to an fsspec URL such as s3://bucket/gladly, under [sources.gladly] in "
    ".dlt/config.toml or in SOURCES__GLADLY__MEDIA_URL."
)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is in the store, whole: its size in bytes and its SHA-256, hexadecimal."""

    bytes: int
    sha256: str


class MediaStore:
    """Files under names of ours. Thread-safe for different names.

    All methods raise GiveUpError where the place cannot be reached or refuses.

    Attributes:
        place: How messages call it.
    """

    def __init__(self, files: fsspec.AbstractFileSystem, root: str, place: str) -> None:
        """Describe a store; nothing is opened or made.

        Args:
            files: The place, as fsspec knows it.
            root: The folder or prefix of all names.
            place: How messages call it: never a URL, which may hold credentials.
        """
        self._files = files
        self._root = root.rstrip("/")
        self.place = place

    def find(self, name: str) -> StoredFile | None:
        """Return what is stored under a name, read back as a whole; None if nothing is."""
        with self._explained():
            if not self._has(name):
                return None
            digest, size = hashlib.sha256(), 0
            with self._files.open(self._path(name), "rb") as stream:
                for piece in _pieces(stream):
                    digest.update(piece)
                    size += len(piece)
        return StoredFile(size, digest.hexdigest())

    def put(self, source: Path, name: str) -> None:
        """Store a file of this machine, which is gone from there afterwards."""
        with self._explained():
            path = self._path(name)
            if isinstance(self._files, LocalFileSystem):
                _move(source, Path(path))
                return
            if self._is_object_store:
                self._files.put_file(str(source), path)
            else:
                self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
                self._files.put_file(str(source), f"{path}{_PART}")
                self._files.mv(f"{path}{_PART}", path)
            source.unlink()

    def delete(self, names: Iterable[str]) -> int:
        """Delete what is stored under names, if anything is; return how many files that were.

        What a kill left of a file that was being put goes too.
        """
        deleted = 0
        with self._explained():
            for name in names:
                deleted += self._delete(name)
                if not self._is_object_store:
                    self._delete(f"{name}{_PART}")
        return deleted

    def _delete(self, name: str) -> bool:
        is_there = self._has(name)
        if is_there:
            self._files.rm_file(self._path(name))
        return is_there

    @property
    def _is_object_store(self) -> bool:
        named = self._files.protocol
        return bool(({named} if isinstance(named, str) else {*named}) & _OBJECT_STORES)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _has(self, name: str) -> bool:
        try:
            # not exists(): it takes a place that refuses for one that has nothing
            self._files.info(self._path(name))
        except FileNotFoundError:
            return False
        return True

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except HelpdeskError:
            raise
        except Exception as fault:
            if isinstance(fault, OSError) and fault.errno in FULL_DISK:
                raise GiveUpError(
                    "The disk or quota is full at the store of attachments and recordings "
                    f"({self.place}). What is stored stays. Free space there, then run again."
                ) from fault
            # each package of fsspec raises what it likes, and texts of it may hold signed URLs
            reason = getattr(fault, "strerror", None) or type(fault).__name__
            raise GiveUpError(
                f"The store of attachments and recordings ({self.place}) cannot be used: "
                f"{reason}. Check that it exists, that its credentials are set as fsspec expects "
                "them, and that they may read, write and delete. Then run again."
            ) from fault


def open_media_store(url: str | None, data: Path) -> MediaStore:
    """Return the store that the settings name; nothing is opened or made yet.

    Args:
        url: A folder or an fsspec URL; None for the folder ``media`` of ``data``.
        data: The data folder.

    Raises:
        SettingsError: the URL is malformed, its place is unknown or read-only, or its package is
            not installed. The message never repeats the URL: it may hold a password.
    """
    place = str((data / _FOLDER).absolute()) if url is None else url.strip()
    if not place or "::" in place or place.partition("://")[0] in _READ_ONLY:
        raise SettingsError(f"media_url names no place that files can be stored in. {_ADVICE}")
    protocol = place.partition("://")[0] if "://" in place else "file"
    try:
        files, root = fsspec.core.url_to_fs(place)
    except ImportError as error:
        raise SettingsError(
            f"media_url begins with {protocol}://, whose package is not installed. {error}: for "
            f"example with `pip install {_package(error)}`."
        ) from error
    except Exception as error:
        raise SettingsError(
            f"media_url, which begins with {protocol}://, cannot be used "
            f"({type(error).__name__}). {_ADVICE}"
        ) from error
    shown = root if isinstance(files, LocalFileSystem) else f"{protocol}://{root.lstrip('/')}"
    return MediaStore(files, root, shown)


def _package(error: ImportError) -> str:
    """Return the package that fsspec asks for: "Install s3fs to access S3"."""
    words = str(error).split()
    return next((word for word in words if word.endswith("fs")), error.name or words[-1])


def _move(source: Path, target: Path) -> None:
    make_private_folder(target.parent)
    try:
        publish(source, target)
    except OSError as fault:
        if fault.errno != errno.EXDEV:
            raise
        with source.open("rb") as stream:
            write_whole_file(target, _pieces(stream))
        source.unlink()


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(_PIECE_BYTES):
        yield piece
