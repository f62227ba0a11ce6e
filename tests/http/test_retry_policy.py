import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.http import (
    GiveUpError,
    HelpdeskError,
    RetryableError,
    RetryPolicy,
    TruncatedError,
    retry_after_seconds,
)
from sources.http.retry import backoff_ceiling, http_date, is_retryable, retrying, wait_seconds

NOW = datetime(2024, 2, 29, 12, 0, 0, tzinfo=UTC)

policies = st.builds(
    RetryPolicy, base_seconds=st.floats(0, 60), cap_seconds=st.floats(0, 120)
)  # fmt: skip


@given(policies, st.integers(1, 10_000), st.none() | st.floats(0, 300), st.floats(0, 1))
def test_every_wait_is_within_its_bounds(
    policy: RetryPolicy, attempt: int, retry_after: float | None, chance: float
) -> None:
    wait = wait_seconds(policy, attempt, retry_after, chance)
    least = retry_after or 0.0
    assert least <= wait <= least + policy.cap_seconds


@given(policies, st.integers(1, 100))
def test_the_ceiling_never_shrinks(policy: RetryPolicy, attempt: int) -> None:
    assert backoff_ceiling(policy, attempt) <= backoff_ceiling(policy, attempt + 1)


def test_the_ceiling_doubles_up_to_the_cap() -> None:
    policy = RetryPolicy(base_seconds=1.0, cap_seconds=5.0)
    assert [backoff_ceiling(policy, attempt) for attempt in range(1, 6)] == [1, 2, 4, 5, 5]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        (" 17 ", 17.0),
        ("999999999", 300.0),
        ("Thu, 29 Feb 2024 12:00:30 GMT", 30.0),
        ("Thu, 29 Feb 2024 12:00:00 GMT", 0.0),
        ("Thu, 29 Feb 2024 11:59:59 GMT", None),
        ("Fri, 01 Mar 2024 12:00:00 GMT", 300.0),
        ("Thu, 29 Feb 2024 14:00:30 +0200", 30.0),
        (None, None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("inf", None),
        ("٣", None),
        ("Thu, 99 Feb 2024 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(
    header: str | None, seconds: float | None
) -> None:
    assert retry_after_seconds(header, NOW, 300.0) == seconds


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ Feb \d+ [\d:]+ [+-]?\w+"), st.floats(0, 1e6))
def test_no_retry_after_header_breaks_or_exceeds_the_cap(header: str, cap: float) -> None:
    seconds = retry_after_seconds(header, NOW, cap)
    assert seconds is None or 0 <= seconds <= cap


@given(st.integers(0, 300))
def test_a_date_and_its_seconds_mean_the_same(seconds: int) -> None:
    date = (NOW + timedelta(seconds=seconds)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert retry_after_seconds(date, NOW, 600.0) == retry_after_seconds(str(seconds), NOW, 600.0)


@pytest.mark.parametrize("text", [None, "", "now", "Thu, 99 Feb 2024 12:00:00 GMT", "0"])
def test_what_is_no_date_is_none(text: str | None) -> None:
    assert http_date(text) is None


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (RetryableError("x"), True),
        (TruncatedError("x"), True),
        (GiveUpError("x"), False),
        (OSError("x"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_only_passing_faults_are_retried(error: BaseException, *, again: bool) -> None:
    assert is_retryable(error) is again


def failing(errors: list[HelpdeskError]) -> tuple[Callable[[], str], list[int]]:
    """A function that raises `errors` in turn and then returns, and its calls so far."""
    calls: list[int] = []

    def function() -> str:
        calls.append(1)
        if len(calls) <= len(errors):
            raise errors[len(calls) - 1]
        return "done"

    return function, calls


def run(
    function: Callable[[], str], policy: RetryPolicy, slept: list[float], chance: float = 0.5
) -> str:
    return retrying(
        function, policy, sleep=slept.append, random=lambda: chance, clock=lambda: sum(slept)
    )


def test_passing_faults_are_outlasted(slept: list[float]) -> None:
    function, calls = failing([RetryableError("a"), TruncatedError("b")])
    assert run(function, RetryPolicy(base_seconds=1.0), slept) == "done"
    assert (len(calls), slept) == (3, [0.5, 1.0])


def test_retry_after_is_a_lower_bound_to_which_jitter_adds(slept: list[float]) -> None:
    function, _ = failing([RetryableError("a", retry_after_seconds=20.0)])
    run(function, RetryPolicy(base_seconds=1.0), slept)
    assert slept == [20.5]


def test_the_last_error_tells_attempts_and_seconds(slept: list[float]) -> None:
    function, calls = failing([RetryableError("First."), *[TruncatedError("Last.")] * 9])
    with pytest.raises(TruncatedError, match=r"^Last\. Tried 3 times over 1\.5 seconds\.$"):
        run(function, RetryPolicy(attempts=3, base_seconds=1.0), slept)
    assert len(calls) == 3


def test_an_error_that_is_not_passing_ends_at_once(slept: list[float]) -> None:
    function, calls = failing([GiveUpError("No.")])
    with pytest.raises(GiveUpError, match=r"^No\.$"):
        run(function, RetryPolicy(), slept)
    assert (len(calls), slept) == (1, [])


@given(st.lists(st.none() | st.floats(0, 300), min_size=1, max_size=12), st.floats(0, 1))
def test_all_waits_together_stay_within_the_total(asked: list[float | None], chance: float) -> None:
    slept: list[float] = []
    function, _ = failing([RetryableError("a", retry_after_seconds=wait) for wait in asked])
    policy = RetryPolicy(attempts=20, total_seconds=100.0)
    with contextlib.suppress(RetryableError):
        run(function, policy, slept, chance)
    assert sum(slept) <= 100.0


def test_each_retry_is_logged(slept: list[float], caplog: pytest.LogCaptureFixture) -> None:
    function, _ = failing([RetryableError("It broke.")])
    with caplog.at_level(logging.WARNING):
        run(function, RetryPolicy(attempts=4, base_seconds=2.0), slept)
    assert caplog.messages == ["It broke. Attempt 2 of 4 follows in 1.0 seconds."]
