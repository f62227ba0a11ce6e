"""The file of an embedded database: made whole or not at all, usable after whatever was left there.

Three headers are the first thing that is written to such a file. Where a kill or a full disk comes
in between, what is left can neither be opened nor hold a row, so a new file gets its name last:

    database.part    headers             whole
    database                             takes the name

And a log that was kept from another state of the file, such as before a backup came back, cannot
be applied. It is set aside: what only it had is not in the ledger either, and is loaded again.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from pipelines.workspace import set_aside
from sources.http.files import publish_written

if TYPE_CHECKING:
    from pipelines.runner import Target

_HEADERS_BYTES = 3 * 4096
_MAGIC, _MAGIC_AT = b"DUCK", 8
_UNUSABLE_LOG = "replaying wal"


def database_file(target: Target) -> Path | None:
    """Return the file of an embedded database; None where there is none on this machine."""
    if target.capabilities.database_file is None:
        return None
    name = str(target.destination.config_params["credentials"].database)
    return None if name.startswith(":") else Path(name)


def make_usable(file: Path) -> list[str]:
    """Make a database's file if there is none, and set aside what keeps it from being opened.

    Nothing is deleted. A file that another program has open is left as it is.

    Returns:
        What was done, for a person; nothing in ordinary times.

    Raises:
        duckdb.Error: there is no room or no permission; nothing is left behind.
    """
    log = file.with_name(f"{file.name}.wal")
    done = []
    if _is_cut(file):
        done.append(
            f"{file} was cut while it was made, so that it holds nothing. It is set aside as "
            f"{set_aside(file)}, and a new one is made."
        )
    if log.exists() and not (file.exists() and _can_be_replayed(file)):
        done.append(
            f"{log} belongs to another state of the database. It is set aside as "
            f"{set_aside(log)}; what only it had is loaded again."
        )
    if not file.exists():
        _make(file)
    return done


def _make(file: Path) -> None:
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    try:
        duckdb.connect(str(part)).close()
        publish_written(part, file)
    finally:
        part.unlink(missing_ok=True)


def _is_cut(file: Path) -> bool:
    """Whether a file is the beginning of a database's headers, and nobody is writing them."""
    if not file.is_file() or not _MAGIC_AT < file.stat().st_size < _HEADERS_BYTES:
        return False
    with file.open("rb+") as opened:
        if not opened.read(_MAGIC_AT + len(_MAGIC)).endswith(_MAGIC):
            return False
        try:
            # as the database itself does
            fcntl.lockf(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def _can_be_replayed(file: Path) -> bool:
    """Whether the log beside a file is its own; a database that is open elsewhere uses it."""
    try:
        duckdb.connect(str(file)).close()
    except duckdb.Error as error:
        return _UNUSABLE_LOG not in str(error).lower()
    return True
