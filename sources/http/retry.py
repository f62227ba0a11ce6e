"""One retry policy for every request and download."""

import email.utils
import logging
import random as standard_random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NoReturn, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception

from sources.http.errors import HelpdeskError, RetryableError, TruncatedError, after_attempts

RETRYABLE_STATUSES: Final = frozenset({429, 500, 502, 503, 504})

_log = logging.getLogger(__name__)
_SECONDS = re.compile(r"[0-9]{1,9}")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long to try again.

    Args:
        attempts: tries in all, the first included.
        base_seconds: the ceiling of the first wait; it doubles with every attempt.
        cap_seconds: the ceiling never grows beyond this.
        total_seconds: the waits together never exceed this. Time spent working does not count:
            a download that breaks after ten minutes may still be repeated.
        retry_after_cap_seconds: the longest wait a server may ask for.
    """

    attempts: int = 6
    base_seconds: float = 0.5
    cap_seconds: float = 30.0
    total_seconds: float = 600.0
    retry_after_cap_seconds: float = 300.0


def is_retryable_status(status: int) -> bool:
    """Whether asking again may help: too many requests, or a passing fault of the server."""
    return status in RETRYABLE_STATUSES


def is_retryable(error: BaseException) -> bool:
    """Whether asking again may help: a passing fault, or a body that was not whole."""
    return isinstance(error, RetryableError | TruncatedError)


def http_date(text: str | None) -> datetime | None:
    """An HTTP date header as UTC, or None if it is missing or not a date."""
    if text is None:
        return None
    try:
        parsed = email.utils.parsedate_to_datetime(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def retry_after_seconds(header: str | None, now: datetime, cap_seconds: float) -> float | None:
    """The wait a Retry-After header asks for, in seconds.

    Args:
        header: whole seconds or an HTTP date (RFC 9110, 10.2.3).
        now: the server's clock where known, so that a skewed clock of ours does not matter.
        cap_seconds: the result is never above this.

    Returns:
        None if the header is missing, garbage or in the past.
    """
    if header is None:
        return None
    text = header.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), cap_seconds)
    until = http_date(text)
    if until is None or until < now:
        return None
    return min((until - now).total_seconds(), cap_seconds)


def backoff_ceiling(policy: RetryPolicy, attempt: int) -> float:
    """The longest wait after `attempt` (1 is the first), in seconds."""
    # 2 ** 32 exceeds any cap; a larger exponent would overflow
    return min(policy.cap_seconds, policy.base_seconds * 2.0 ** min(attempt - 1, 32))


def wait_seconds(
    policy: RetryPolicy, attempt: int, retry_after: float | None, chance: float
) -> float:
    """Exponential backoff with full jitter; a Retry-After is its lower bound.

    Args:
        policy: the ceilings.
        attempt: the attempt that failed, 1 for the first.
        retry_after: seconds the server asked for, if it did.
        chance: from 0 up to 1, chosen at random.
    """
    return (retry_after or 0.0) + chance * backoff_ceiling(policy, attempt)


def retrying(
    function: Callable[[], _Result],
    policy: RetryPolicy,
    *,
    sleep: Callable[[float], None] = time.sleep,
    random: Callable[[], float] = standard_random.random,
    clock: Callable[[], float] = time.monotonic,
) -> _Result:
    """Call `function` until it succeeds, fails for good, or the policy is used up.

    Raises:
        HelpdeskError: the last one; its message says how many attempts were made over how many
            seconds. Errors that are not retryable pass unchanged after the first attempt.
    """
    began = clock()

    def wait(state: RetryCallState) -> float:
        return wait_seconds(policy, state.attempt_number, _retry_after(state), random())

    def is_used_up(state: RetryCallState) -> bool:
        waited = state.idle_for + state.upcoming_sleep
        return state.attempt_number >= policy.attempts or waited > policy.total_seconds

    def raise_last(state: RetryCallState) -> NoReturn:
        raise after_attempts(_last_error(state), state.attempt_number, clock() - began)

    def warn(state: RetryCallState) -> None:
        _log.warning(
            "%s Attempt %d of %d follows in %.1f seconds.",
            _last_error(state),
            state.attempt_number + 1,
            policy.attempts,
            state.upcoming_sleep,
        )

    return Retrying(
        retry=retry_if_exception(is_retryable),
        wait=wait,
        stop=is_used_up,
        sleep=sleep,
        before_sleep=warn,
        retry_error_callback=raise_last,
    )(function)


def _last_error(state: RetryCallState) -> HelpdeskError:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, HelpdeskError):
        raise TypeError("only a HelpdeskError is ever retried")
    return error


def _retry_after(state: RetryCallState) -> float | None:
    error = _last_error(state)
    return error.retry_after_seconds if isinstance(error, RetryableError) else None
