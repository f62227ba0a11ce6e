"""One exception class per recovery strategy.

The class says what to do next; the message says what happened, where, and how to put it right.
No message contains credentials, a query string or a response body.
"""

import copy
from typing import Final, TypeVar


class HelpdeskError(Exception):
    """Base of every error this project raises on purpose.

    Args:
        message: complete sentences: what happened, where, what to do.
        status: the HTTP status that caused it, where there was one.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class SettingsError(HelpdeskError):
    """Strategy: stop with exit code 2; the user must change a setting."""


class RetryableError(HelpdeskError):
    """Strategy: wait, then ask again; the fault is passing.

    Args:
        message: complete sentences: what happened, where, what to do.
        status: the HTTP status that caused it, where there was one.
        retry_after_seconds: the least the server asks us to wait, already bounded.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, status=status)
        self.retry_after_seconds = retry_after_seconds


class GiveUpError(HelpdeskError):
    """Strategy: stop this piece of work; asking again will not help until a person acts."""


class GapError(HelpdeskError):
    """Strategy: record a gap and go on; the data is gone at the source (404, 410)."""


class TruncatedError(HelpdeskError):
    """Strategy: fetch what is missing, or the body again; this one was not whole."""


class EmptyError(TruncatedError):
    """Strategy: fetch it again; where it stays empty, leave it out for now and go on."""


class UnsafeError(HelpdeskError):
    """Strategy: stop and tell a person; policy refuses this (plain http, other host, huge body)."""


class TooLargeError(UnsafeError):
    """Strategy: leave this body out and go on; it is beyond the bound that the user set.

    Args:
        message: complete sentences: what happened, where, what to do.
        at_least_bytes: how large it is at the least.
    """

    def __init__(self, message: str, *, at_least_bytes: int) -> None:
        super().__init__(message)
        self.at_least_bytes = at_least_bytes


# So many pieces of work in a row that fail in passing, each after all its attempts, are an outage:
# what is left would fail as well.
FAULTS_OF_AN_OUTAGE: Final = 3

AnyHelpdeskError = TypeVar("AnyHelpdeskError", bound=HelpdeskError)


def after_attempts(
    error: AnyHelpdeskError, attempts: int, elapsed_seconds: float
) -> AnyHelpdeskError:
    """The same error, its message extended by how long we tried."""
    times = "once" if attempts == 1 else f"{attempts} times"
    final = copy.copy(error)
    final.args = (f"{error} Tried {times} over {elapsed_seconds:.1f} seconds.",)
    return final
