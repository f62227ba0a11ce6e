"""Staying below a rate limit that is shared with everyone else in the organisation.

Source: Gladly API reference, Rate Limit: 10 requests a second by default; response headers tell
the limit and what remains of the current second, counted over all clients of the organisation.
"""

import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Final

_SECONDS_A_MINUTE: Final = 60
_WHOLE_NUMBER = re.compile(r"[0-9]{1,6}")
# of a window: 96 % of the limit is used, whatever the answers take
_ARRIVAL_SHARE: Final = 0.04


@dataclass(frozen=True, slots=True)
class RateHeaders:
    """Names of the response headers that report a limit and what is left of it."""

    limit: str
    remaining: str


PER_SECOND_HEADERS: Final = RateHeaders("Ratelimit-Limit-Second", "Ratelimit-Remaining-Second")


@dataclass(frozen=True, slots=True)
class Window:
    """What was started lately, and so what may start next.

    With a limit of 4::

                 x    x  x     x           o
        ---------|----|--|-----|-----------|-------> clock, seconds
                 |<------ seconds -------->|
                 the 4th last start        the earliest next start

    Args:
        limit: starts allowed in any half-open window of `seconds`.
        seconds: length of the window.
        starts: clock readings of the starts still inside the window, oldest first.
        held_until: nothing starts before this clock reading.
    """

    limit: int
    seconds: float
    starts: tuple[float, ...] = ()
    held_until: float = -math.inf


def next_start(window: Window, now: float, *, queued: bool = False) -> float:
    """The earliest clock reading, `now` or later, at which one more request may start.

    Requests that have waited together do not start together: what is longer on its way than the
    others would meet the next such crowd at the server. A limit of 4, one request a letter::

        ---aaaa-|----a--a--a--a--a--a---> clock: the first four find the window empty
    """
    full = len(window.starts) >= window.limit
    free = window.starts[-window.limit] + window.seconds if full else now
    spaced = window.starts[-1] + window.seconds / window.limit if queued and window.starts else now
    return max(now, free, spaced, window.held_until)


def with_start(window: Window, now: float) -> Window:
    """The window after a request started at `now`."""
    recent = (start for start in window.starts if start + window.seconds > now)
    return replace(window, starts=(*recent, now))


def with_hold(window: Window, until: float) -> Window:
    """The window in which nothing starts before `until`; an earlier hold never shortens it."""
    return replace(window, held_until=max(window.held_until, until))


def allowed_starts(limit: int, share: float) -> int:
    """Our part of the organisation's limit: never less than 1, never more than `limit`."""
    return max(1, min(limit, math.floor(limit * share)))


def default_reserve(limit: int, share: float) -> int:
    """What remains when others used one request beyond our own share: 1 for 10 at 0.8.

    Below 0 where all of the limit is ours: then a remainder of 0 is our own doing.
    """
    return limit - allowed_starts(limit, share) - 1


def window_length(limit: int, share: float, seconds: float) -> float:
    """How long starts count, in seconds, so that arrivals stay within the limit too.

    One request may be longer on its way than the one a window later. Where our share leaves
    nothing unused, only a longer window keeps those two apart at the server::

        starts     x            x  1.04 s later
        arrivals      o          o  still more than 1 s apart
    """
    return seconds * (1 + _ARRIVAL_SHARE if allowed_starts(limit, share) == limit else 1)


def header_number(text: str | None) -> int | None:
    """A count in a rate header, or None for anything that is not a plain small number."""
    return int(text) if text is not None and _WHOLE_NUMBER.fullmatch(text) else None


class RateBudget:
    """Lets requests start no faster than our share of a limit. Thread-safe; one per limit.

    The calls to reports of Gladly, ten a minute and two at once, would be
    `RateBudget(10, 60.0, share=1.0, concurrent=2, headers=None)`.

    Args:
        limit: requests the whole organisation may make in a window.
        window_seconds: length of the window.
        share: the part of the limit that we use, above 0 up to 1.
        reserve: hold back for a window once no more than this remains; by default the part of
            the limit we never use, less one, so that our own requests alone do not trigger it.
        concurrent: requests of ours at one time; None for no bound.
        headers: response headers that report the limit; None to ignore them.
        clock: monotonic seconds.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        limit: int = 10,
        window_seconds: float = 1.0,
        *,
        share: float = 0.8,
        reserve: int | None = None,
        concurrent: int | None = None,
        headers: RateHeaders | None = PER_SECOND_HEADERS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if limit < 1 or not 0 < share <= 1 or window_seconds <= 0:
            raise ValueError("A rate budget needs limit >= 1, 0 < share <= 1 and a window > 0.")
        self._share = share
        self._reserve = reserve
        self._limit = limit
        self._headers = headers
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._seconds = window_seconds
        self._window = Window(
            allowed_starts(limit, share), window_length(limit, share, window_seconds)
        )
        self._places = nullcontext() if concurrent is None else threading.Semaphore(concurrent)

    @property
    def starts_a_minute(self) -> float:
        """How many requests may start a minute, about, where nothing holds them back."""
        return self._window.limit * _SECONDS_A_MINUTE / self._seconds

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for permission to start one request; the place is kept until the block ends."""
        with self._places:
            self._wait_to_start()
            yield

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn from the rate headers of one response; missing or odd values change nothing."""
        if self._headers is None:
            return
        limit = header_number(headers.get(self._headers.limit))
        remaining = header_number(headers.get(self._headers.remaining))
        with self._lock:
            if limit:
                self._limit = limit
                self._window = replace(
                    self._window,
                    limit=allowed_starts(limit, self._share),
                    seconds=window_length(limit, self._share, self._seconds),
                )
            if remaining is not None and remaining <= self._kept_for_others():
                self._hold(self._window.seconds)

    def hold(self, seconds: float = 0.0) -> None:
        """Start nothing for `seconds`, and not before one window has passed: after a 429."""
        with self._lock:
            self._hold(max(seconds, self._window.seconds))

    def _hold(self, seconds: float) -> None:
        self._window = with_hold(self._window, self._clock() + seconds)

    def _kept_for_others(self) -> int:
        if self._reserve is None:
            return default_reserve(self._limit, self._share)
        return self._reserve

    def _wait_to_start(self) -> None:
        queued = False
        while (wait := self._try_to_start(queued=queued)) > 0:
            queued = True
            self._sleep(wait)

    def _try_to_start(self, *, queued: bool) -> float:
        """Record a start and return 0, or return the seconds to wait before trying again."""
        with self._lock:
            now = self._clock()
            start = next_start(self._window, now, queued=queued)
            if start <= now:
                self._window = with_start(self._window, now)
                return 0.0
            return start - now
