"""Errors of libraries as errors a person can act on: what happened, where, what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator

from dlt.common.configuration.exceptions import ConfigurationException
from dlt.destinations.exceptions import DestinationConnectionError

from sources.http.errors import GiveUpError, HelpdeskError, RetryableError, SettingsError
from sources.http.files import FULL_DISK
from sources.http.redaction import redact

_LONGEST = 300
_FULL = (
    "no space left",
    "disk full",
    "out of disk",
    "could not write all bytes",
    "enospc",
    # what an embedded database puts on the disk, beyond what is free there
    "max_temp_directory_size",
)
_NO_MEMORY = "out of memory error"
_LOCKED = ("could not set lock", "conflicting lock", "being used by another process")
_NO_FOLDER = (errno.EEXIST, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS)
_UNREACHABLE = ("connection refused", "could not connect", "timeout expired", "could not translate")


def explain(error: BaseException) -> HelpdeskError | None:
    """Return the error a person can act on, or None if this one needs a developer."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, HelpdeskError):
            return cause
    text = _text(causes)
    full = any(isinstance(cause, OSError) and cause.errno in FULL_DISK for cause in causes)
    if full or any(sign in text for sign in _FULL):
        return GiveUpError(
            "The disk is full. Nothing of the package under way was kept, and nothing loaded "
            "before was lost. Make room (see data_dir and the destination's disk) and run again."
        )
    if _NO_MEMORY in text:
        return SettingsError(
            "The embedded database needs more memory than max_memory_mb leaves it. Nothing of what "
            "was under way was kept, and nothing loaded before was lost. Set max_memory_mb higher, "
            "to twice what it is, under [helpdesk] in .dlt/config.toml or in "
            "HELPDESK__MAX_MEMORY_MB, and run again."
        )
    if _tells_of_a_lock(text):
        return RetryableError(
            "The database file is open in another program. Close it there (a notebook, a DuckDB "
            "shell) and run again. " + _shown(error)
        )
    explained = (_explain_one(cause, text) for cause in causes)
    return next((found for found in explained if found), None)


def is_open_elsewhere(error: BaseException) -> bool:
    """Return whether another program has an embedded database open."""
    return _tells_of_a_lock(_text(_causes(error)))


def _tells_of_a_lock(text: str) -> bool:
    return any(sign in text for sign in _LOCKED)


def _text(causes: Iterable[BaseException]) -> str:
    return " ".join(str(cause) for cause in causes).lower()


def _explain_one(cause: BaseException, text: str) -> HelpdeskError | None:
    if isinstance(cause, OSError) and cause.errno in _NO_FOLDER and cause.filename:
        return SettingsError(
            f"{cause.filename} cannot be used: {cause.strerror}. Set data_dir under [helpdesk] in "
            ".dlt/config.toml, or HELPDESK__DATA_DIR, to a folder this user may write to."
        )
    if isinstance(cause, DestinationConnectionError) or any(s in text for s in _UNREACHABLE):
        return RetryableError(
            "The destination cannot be reached. Check its credentials under "
            "[destination.<name>.credentials] and that it is running. " + _shown(_reason(cause))
        )
    if isinstance(cause, ConfigurationException):
        return SettingsError(
            "The configuration is not complete: " + _shown(cause) + " `helpdesk doctor` says more."
        )
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        cause = pending.pop()
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = getattr(cause, "exception", None) or getattr(cause, "dbapi_exception", None)
        pending += [
            cause.__cause__,
            cause.__context__,
            inner if isinstance(inner, BaseException) else None,
        ]


def _reason(error: BaseException) -> BaseException:
    """Return what the destination itself said, where dlt wraps it in words of its own."""
    return error.inner_exc if isinstance(error, DestinationConnectionError) else error


def _shown(error: BaseException) -> str:
    """One line of an error, without secrets, and never a statement with its values."""
    line = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return redact(line.strip())[:_LONGEST]
