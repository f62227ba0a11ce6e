"""The organisation's request limit (Gladly API reference, Rate Limit)."""

from collections import Counter
from threading import Lock


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
