"""How much of a night may be spent on reads that can as well be made the next night."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Allowance:
    """Seconds and requests, whichever are used up first. Thread-safe.

    Args:
        seconds: from now on; None for no limit.
        requests: None for no limit.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        seconds: float | None = None,
        requests: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._until = None if seconds is None else clock() + seconds
        self._left = requests
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Return whether one more request may be made, and count it."""
        with self._lock:
            if self._is_used_up():
                return False
            if self._left is not None:
                self._left -= 1
            return True

    @property
    def is_used_up(self) -> bool:
        """Whether no more request may be made."""
        with self._lock:
            return self._is_used_up()

    def at_most(self, requests: int) -> int:
        """Return how many of so many requests may be made, as far as their number decides."""
        with self._lock:
            return requests if self._left is None else min(requests, self._left)

    def _is_used_up(self) -> bool:
        is_late = self._until is not None and self._clock() >= self._until
        return is_late or (self._left is not None and self._left <= 0)
