"""Files in a folder of this machine that get their name when they are whole, as in a bucket.

    lake/.helpdesk/emails.parquet    copied, and safe on disk
    lake/gladly/emails/...           takes its name

Without it a kill leaves the beginning of a file where every later reader of the table stumbles
over it.
"""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

from dlt.common.destination import Destination
from dlt.common.schema import Schema
from dlt.destinations.impl.filesystem.filesystem import FilesystemClient
from fsspec.implementations.local import LocalFileSystem

from sources.http.files import publish_written

_FOLDER = ".helpdesk"


class WholeFiles(LocalFileSystem):  # type: ignore[misc] # fsspec has no types
    """The local file system of fsspec, whose files appear whole; one for all who write there.

    Args:
        root: The folder below which all of them lie.
        options: Those of ``LocalFileSystem``.
    """

    def __init__(self, root: str, **options: Any) -> None:  # noqa: ANN401 - fsspec's own
        super().__init__(**options)
        self._folder = Path(root) / _FOLDER
        self._lock = threading.Lock()
        self._is_clean = False

    def put_file(self, path1: str, path2: str, callback: object = None, **options: Any) -> None:  # noqa: ANN401, ARG002 - as fsspec declares it
        """Copy a file to a place where there may be one."""
        part = self._part(path2)
        shutil.copyfile(path1, part)
        publish_written(part, Path(path2))

    def write_text(self, path: str, value: str, encoding: str | None = None, **options: Any) -> int:  # noqa: ANN401, ARG002 - as fsspec declares it
        """Write a text in place of what there may be; return how many characters it has."""
        part = self._part(path)
        written = part.write_text(value, encoding)
        publish_written(part, Path(self._strip_protocol(path)))
        return written

    def _part(self, path: str) -> Path:
        with self._lock:
            if not self._is_clean:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._is_clean = True
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / Path(path).name


def let_files_appear_whole(destination: Destination[Any, Any]) -> None:
    """Let a destination of files write so, where its files lie on this machine."""
    new_client = destination.client
    # one for all threads: each would remove what the others are about to name
    known: dict[str, WholeFiles] = {}
    lock = threading.Lock()

    def client(schema: Schema, initial_config: Any = None) -> FilesystemClient:  # noqa: ANN401 - dlt's own
        made: FilesystemClient = new_client(schema, initial_config)
        if made.is_local_filesystem:
            root = made.bucket_path
            with lock:
                if root not in known:
                    known[root] = WholeFiles(root, **made.fs_client.storage_options)
            made.fs_client = known[root]
        return made

    destination.client = client  # type: ignore[method-assign] # of this one only
