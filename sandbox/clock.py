"""The sandbox's idea of now."""

from datetime import UTC, datetime, timedelta
from threading import Lock


def _in_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(
            f"The sandbox clock needs a time zone, got {instant.isoformat()}. "
            "Pass for example datetime(2026, 3, 5, 6, tzinfo=UTC)."
        )
    return instant.astimezone(UTC)


class SandboxClock:
    """A clock that stands still until somebody moves it.

    Everything the sandbox answers is a function of its world and this clock, so a test of a
    fortnight takes no fortnight. It may be read and moved from any thread.
    """

    def __init__(self, now: datetime) -> None:
        self._lock = Lock()
        self._now = _in_utc(now)

    def now(self) -> datetime:
        """Return the sandbox's present, in UTC."""
        with self._lock:
            return self._now

    def set(self, instant: datetime) -> None:
        """Move to `instant`, forwards or backwards.

        Raises:
            ValueError: `instant` has no time zone.
        """
        moved = _in_utc(instant)
        with self._lock:
            self._now = moved

    def advance(self, duration: timedelta) -> None:
        """Move by `duration`; a negative one goes back."""
        with self._lock:
            self._now += duration
