import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.http import RateBudget
from sources.http.budget import (
    Window,
    allowed_starts,
    default_reserve,
    header_number,
    next_start,
    with_hold,
    with_start,
)


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def budget_on(
    fake: FakeTime, limit: int = 10, window: float = 1.0, share: float = 0.8
) -> RateBudget:
    return RateBudget(limit, window, share=share, clock=fake.clock, sleep=fake.sleep)


def starts_of(budget: RateBudget, fake: FakeTime, count: int) -> list[float]:
    starts = []
    for _ in range(count):
        with budget.slot():
            starts.append(fake.now)
    return starts


# twentieths of a second meet the edges of a window, which arbitrary numbers seldom do
gaps = st.floats(0, 2.5) | st.integers(0, 22).map(lambda twentieths: twentieths / 20)
remaining_headers = st.none() | st.integers(-3, 12).map(str) | st.text(max_size=5)


@given(
    arrivals=st.lists(st.tuples(gaps, remaining_headers), max_size=80),
    limit=st.integers(1, 12),
    share=st.floats(0.05, 1.0),
    window=st.sampled_from([1.0, 60.0, 0.1]),
)
def test_no_window_ever_holds_more_starts_than_allowed(
    arrivals: list[tuple[float, str | None]], limit: int, share: float, window: float
) -> None:
    fake = FakeTime()
    budget = budget_on(fake, limit, window, share)
    starts: list[float] = []
    for gap, remaining in arrivals:
        fake.now += gap
        starts += starts_of(budget, fake, 1)
        if remaining is not None:
            budget.observe({"Ratelimit-Remaining-Second": remaining})
    allowed = allowed_starts(limit, share)
    pairs = zip(starts, starts[allowed:], strict=False)
    assert all(later >= earlier + window for earlier, later in pairs)


@given(st.lists(st.tuples(gaps, st.integers(1, 15)), max_size=60))
def test_a_changed_limit_counts_from_the_next_start_on(steps: list[tuple[float, int]]) -> None:
    fake = FakeTime()
    budget = budget_on(fake)
    starts: list[float] = []
    for gap, limit in steps:
        budget.observe({"Ratelimit-Limit-Second": str(limit)})
        fake.now += gap
        starts += starts_of(budget, fake, 1)
        inside = [start for start in starts if start + 1.0 > starts[-1]]
        assert len(inside) <= allowed_starts(limit, 0.8)


@given(st.lists(st.floats(0, 10), max_size=20), st.integers(1, 5), st.floats(0, 20))
def test_the_next_start_is_free_and_never_early(
    readings: list[float], limit: int, now: float
) -> None:
    window = Window(limit, 1.0)
    for reading in sorted(readings):
        window = with_start(window, next_start(window, reading))
    now = max([now, *window.starts])
    start = next_start(window, now)
    assert start >= now
    assert sum(earlier + 1.0 > start for earlier in window.starts) < limit


def test_a_start_counts_until_its_window_has_passed() -> None:
    window = with_start(with_start(Window(2, 1.0), 0.0), 0.95)
    assert next_start(window, 0.96) == 1.0
    assert with_start(window, 1.0).starts == (0.95, 1.0)


def test_requests_that_waited_together_do_not_start_together() -> None:
    window = with_start(Window(4, 1.0), 10.0)
    assert next_start(window, 10.1) == 10.1
    assert next_start(window, 10.1, queued=True) == 10.25


def test_a_burst_uses_the_share_and_then_waits_for_the_window() -> None:
    fake = FakeTime()
    assert starts_of(budget_on(fake), fake, 10) == [1000.0] * 8 + [1001.0] * 2


@pytest.mark.parametrize(("remaining", "held"), [("0", True), ("1", True), ("2", False)])
def test_a_low_remainder_holds_back_for_one_window(remaining: str, *, held: bool) -> None:
    fake = FakeTime()
    budget = budget_on(fake)
    budget.observe({"Ratelimit-Limit-Second": "10", "Ratelimit-Remaining-Second": remaining})
    assert starts_of(budget, fake, 1) == [1001.0 if held else 1000.0]


def test_our_own_requests_alone_never_trigger_the_hold() -> None:
    fake = FakeTime()
    budget = budget_on(fake)
    for used in range(1, 9):
        starts_of(budget, fake, 1)
        budget.observe({"Ratelimit-Remaining-Second": str(10 - used)})
    assert fake.slept == []


def test_all_of_a_limit_is_used_up_and_never_waited_for_twice() -> None:
    fake = FakeTime()
    budget = budget_on(fake, share=1.0)
    starts = []
    for used in range(30):
        starts += starts_of(budget, fake, 1)
        budget.observe({"Ratelimit-Remaining-Second": str(9 - used % 10)})
    # 96 % of it: the rest is for requests that are longer on their way than later ones
    assert starts == pytest.approx([1000.0] * 10 + [1001.04] * 10 + [1002.08] * 10)


def test_a_hold_never_shortens_another() -> None:
    window = with_hold(with_hold(Window(8, 1.0), 50.0), 20.0)
    assert next_start(window, 0.0) == 50.0


def test_a_refusal_holds_everyone_for_what_the_server_asked() -> None:
    fake = FakeTime()
    budget = budget_on(fake)
    budget.hold(7.0)
    budget.hold()
    assert starts_of(budget, fake, 1) == [1007.0]


@pytest.mark.parametrize("text", [None, "", "-1", "1e3", "١٢", " 5", "9999999", "nan", "1.0"])
def test_odd_header_values_are_ignored(text: str | None) -> None:
    assert header_number(text) is None


def test_a_limit_of_zero_is_ignored() -> None:
    fake = FakeTime()
    budget = budget_on(fake)
    budget.observe({"Ratelimit-Limit-Second": "0"})
    assert starts_of(budget, fake, 8) == [1000.0] * 8


@pytest.mark.parametrize(
    ("limit", "share", "allowed", "reserve"),
    [(10, 0.8, 8, 1), (10, 1.0, 10, -1), (1, 0.8, 1, -1), (10, 0.5, 5, 4), (2, 0.8, 1, 0)],
)
def test_share_and_reserve(limit: int, share: float, allowed: int, reserve: int) -> None:
    assert (allowed_starts(limit, share), default_reserve(limit, share)) == (allowed, reserve)


@pytest.mark.parametrize(("limit", "window", "share"), [(0, 1, 0.8), (10, 0, 0.8), (10, 1, 0)])
def test_a_senseless_budget_is_refused(limit: int, window: float, share: float) -> None:
    with pytest.raises(ValueError, match="rate budget"):
        RateBudget(limit, window, share=share)


def test_another_budget_counts_per_minute_and_ignores_the_per_second_headers() -> None:
    fake = FakeTime()
    reports = RateBudget(
        10, 60.0, share=1.0, concurrent=2, headers=None, clock=fake.clock, sleep=fake.sleep
    )
    reports.observe({"Ratelimit-Limit-Second": "1", "Ratelimit-Remaining-Second": "0"})
    assert starts_of(reports, fake, 11) == [1000.0] * 10 + [1062.4]


def run_in_threads(budget: RateBudget, threads: int, calls: int) -> tuple[list[float], int]:
    """Start instants in order, and how many slots were ever held at once."""
    lock = threading.Lock()
    starts: list[float] = []
    inside = [0, 0]

    def work() -> None:
        for _ in range(calls):
            with budget.slot():
                with lock:
                    starts.append(time.monotonic())
                    inside[0] += 1
                    inside[1] = max(inside)
                time.sleep(0.002)
                with lock:
                    inside[0] -= 1

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return starts, inside[1]


def test_no_more_than_the_set_number_run_at_once() -> None:
    starts, most = run_in_threads(RateBudget(10_000, concurrent=2), threads=8, calls=5)
    assert (len(starts), most) == (40, 2)


def test_threads_share_one_budget() -> None:
    fake = FakeTime()
    lock = threading.Lock()

    def sleep(seconds: float) -> None:
        with lock:
            fake.sleep(seconds)

    budget = RateBudget(5, 1.0, share=1.0, clock=fake.clock, sleep=sleep)
    run_in_threads(budget, threads=8, calls=5)
    # 40 starts at 5 a second need at least 7 full windows
    assert fake.now >= 1007.0
