"""What clients asked for, so that a test can count it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from time import monotonic

_TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request the sandbox received.

    Attributes:
        method: In capitals.
        path: Decoded, without the query.
        query: As sent, without the question mark.
        status: What was answered, or None if the connection was dropped before any answer.
        seconds: When it arrived, on the sandbox's monotonic clock.
        authorised: Whether it carried the right e-mail and token.
        headers: As sent, names in lower case, without the authorization header.
        body: As sent.
        retry_after: The Retry-After header of the answer, if it had one.
    """

    method: str
    path: str
    query: str
    status: int | None
    seconds: float
    authorised: bool
    headers: dict[str, str]
    body: bytes = b""
    retry_after: str | None = None


@dataclass(slots=True)
class _Span:
    method: str
    path: str
    began: float
    ended: float = inf

    def concerns(self, method: str, path_prefix: str) -> bool:
        return self.method == method and self.path.startswith(path_prefix)


def _file_of(path: str) -> tuple[str, str] | None:
    before, files, name = path.partition("/files/")
    return (before.rpartition("/")[2], name) if files else None


class RequestLog:
    """Every request in the order of its answer; it can be read while the sandbox serves."""

    def __init__(self) -> None:
        self._requests: list[RecordedRequest] = []
        self._spans: list[_Span] = []

    def __iter__(self) -> Iterator[RecordedRequest]:
        return iter(list(self._requests))

    def __len__(self) -> int:
        return len(self._requests)

    def record(self, request: RecordedRequest) -> None:
        """Add a request."""
        self._requests.append(request)

    @contextmanager
    def under_way(self, method: str, path: str) -> Iterator[None]:
        """Count a request as under way for as long as the block lasts."""
        span = _Span(method, path, monotonic())
        self._spans.append(span)
        try:
            yield
        finally:
            span.ended = monotonic()

    def clear(self) -> None:
        """Forget all requests so far."""
        self._requests.clear()
        self._spans.clear()

    def requests_for(self, path: str) -> list[RecordedRequest]:
        """Return the requests for exactly this path, query apart."""
        return [request for request in self if request.path == path]

    def file_requests(self) -> Counter[tuple[str, str]]:
        """Count the requests for export files by job id and file name."""
        files = (_file_of(request.path) for request in self)
        return Counter(file for file in files if file is not None)

    def most_in_any_second(self, method: str = "GET") -> int:
        """Return the largest number of requests of a method within any one second."""
        return self.most_within(1, method)

    def most_within(self, length: float, method: str, path_prefix: str = "/") -> int:
        """Return the largest number of requests within any `length` seconds.

        Refused ones count too: 10 for `most_within(60, "POST", "/api/v1/reports")` means that
        the client never asked for more than ten reports in a minute.
        """
        times = sorted(
            request.seconds
            for request in self
            if request.method == method and request.path.startswith(path_prefix)
        )
        most = first = 0
        for last, seconds in enumerate(times):
            while seconds - times[first] >= length:
                first += 1
            most = max(most, last - first + 1)
        return most

    def most_at_once(self, method: str, path_prefix: str = "/") -> int:
        """Return the largest number of requests that were under way at one time, refused or not."""
        spans = [span for span in list(self._spans) if span.concerns(method, path_prefix)]
        # At one instant an end sorts before a beginning: these two were not under way together.
        changes = sorted([(span.began, 1) for span in spans] + [(span.ended, -1) for span in spans])
        return max(accumulate(change for _, change in changes), default=0)

    def count_429(self) -> int:
        """Return how many requests were refused for their rate."""
        return sum(request.status == _TOO_MANY_REQUESTS for request in self)
