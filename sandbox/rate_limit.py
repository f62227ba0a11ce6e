"""The organisation's request limits (Gladly API reference, Rate Limit)."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import NamedTuple

_MINUTE = 60.0


class RateLimit:
    """Counts requests per method in each second of a monotonic clock.

    The real clock is used, not the sandbox's: clients really wait. Thread-safe.
    """

    def __init__(self, requests_per_second: int) -> None:
        self.requests_per_second = requests_per_second
        self._lock = Lock()
        self._others_per_second = 0
        self._second = 0
        self._used: Counter[str] = Counter()

    def other_clients_use(self, requests_per_second: int) -> None:
        """Let other clients of the organisation use up so much of every second, of each method."""
        with self._lock:
            self._others_per_second = requests_per_second

    def remaining_after(self, method: str, seconds: float) -> int:
        """Count one request at `seconds`; return what is left, negative if it is refused."""
        with self._lock:
            if int(seconds) != self._second:
                self._second = int(seconds)
                self._used.clear()
            self._used[method] += 1
            return self.requests_per_second - self._others_per_second - self._used[method]


class ReportLimit:
    """Lets so many reports begin in any 60 seconds of a monotonic clock, and so many be at once.

    A report that is refused uses up nothing, so a client that waits gets through. Thread-safe.

        |----- 60 s -----)
        r  r   r         r <- the first one is over a minute ago, so this one may begin
    """

    def __init__(self, reports_per_minute: int, reports_at_once: int) -> None:
        self._per_minute = reports_per_minute
        self._at_once = reports_at_once
        self._lock = Lock()
        self._begun: deque[float] = deque()
        self._under_way = 0

    @contextmanager
    def admit(self, seconds: float) -> Iterator[str | None]:
        """Give why a report may not begin at `seconds`, or None; it lasts as long as the block."""
        refusal = self._begin(seconds)
        try:
            yield refusal
        finally:
            if refusal is None:
                with self._lock:
                    self._under_way -= 1

    def _begin(self, seconds: float) -> str | None:
        with self._lock:
            while self._begun and seconds - self._begun[0] >= _MINUTE:
                self._begun.popleft()
            if len(self._begun) >= self._per_minute:
                return f"more than {self._per_minute} reports in a minute"
            if self._under_way >= self._at_once:
                return f"more than {self._at_once} reports at one time"
            self._begun.append(seconds)
            self._under_way += 1
            return None


class Limits(NamedTuple):
    """What requests are counted against, and the clock by which they are."""

    requests: RateLimit
    reports: ReportLimit
    seconds: Callable[[], float]
