"""An embedded database without what was deleted from it.

A database that lies in one file keeps the bytes of deleted rows: in row groups with other rows, and
in blocks that are free until something else needs them. Neither a checkpoint nor a vacuum removes
them; a copy of what is there does.

    database         rows, and bytes of deleted rows
    database.part    rows                               takes the name once it is whole
"""

from __future__ import annotations

import shutil
from pathlib import Path

from pipelines.session import Session
from sources.http.errors import RetryableError


def copy_database(session: Session) -> tuple[Path, Path] | None:
    """Copy the rows of the open database to a new file beside its own.

    It takes about the time of reading the database and the room of a second one. A file that a
    copy left behind when it was killed is replaced.

    Returns:
        The database's file and the copy; None if the database lies in no file.
    """
    ((name,),) = session.rows("SELECT current_database()")
    files = {database: file for _, database, file in session.rows("PRAGMA database_list")}
    if not files[name]:
        return None
    file = Path(files[name])
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    quoted = str(part).replace("'", "''")
    session.run(
        [
            f"ATTACH '{quoted}' AS compacted",
            f"COPY FROM DATABASE {session.names.column(name)} TO compacted",
            "DETACH compacted",
        ]
    )
    return file, part


def put_in_place(file: Path, part: Path) -> None:
    """Let a copy take the place of its database, which no one has open.

    Raises:
        RetryableError: someone has; the database is as it was.
    """
    if file.with_name(f"{file.name}.wal").exists():
        part.unlink()
        raise RetryableError(
            f"{file} is still open, so the bytes of erased rows stay in it for now. Close it in "
            "other programs (a notebook, a shell); the next run tries again."
        )
    shutil.copymode(file, part)
    part.replace(file)
