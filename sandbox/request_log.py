"""What clients asked for, so that a test can count it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

_TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request the sandbox received.

    Attributes:
        method: In capitals.
        path: Decoded, without the query.
        query: As sent, without the question mark.
        status: What was answered, or None if the connection was dropped before any answer.
        seconds: When it arrived, on the machine's monotonic clock.
        authorised: Whether it carried the right e-mail and token.
        headers: As sent, names in lower case, without the authorization header.
    """

    method: str
    path: str
    query: str
    status: int | None
    seconds: float
    authorised: bool
    headers: dict[str, str]


def _file_of(path: str) -> tuple[str, str] | None:
    before, files, name = path.partition("/files/")
    return (before.rpartition("/")[2], name) if files else None


class RequestLog:
    """Every request in the order of its answer; it can be read while the sandbox serves."""

    def __init__(self) -> None:
        self._requests: list[RecordedRequest] = []

    def __iter__(self) -> Iterator[RecordedRequest]:
        return iter(list(self._requests))

    def __len__(self) -> int:
        return len(self._requests)

    def record(self, request: RecordedRequest) -> None:
        """Add a request."""
        self._requests.append(request)

    def clear(self) -> None:
        """Forget all requests so far."""
        self._requests.clear()

    def requests_for(self, path: str) -> list[RecordedRequest]:
        """Return the requests for exactly this path, query apart."""
        return [request for request in self if request.path == path]

    def file_requests(self) -> Counter[tuple[str, str]]:
        """Count the requests for export files by job id and file name."""
        files = (_file_of(request.path) for request in self)
        return Counter(file for file in files if file is not None)

    def most_in_any_second(self, method: str = "GET") -> int:
        """Return the largest number of requests of a method within any one second."""
        times = sorted(request.seconds for request in self if request.method == method)
        most = first = 0
        for last, seconds in enumerate(times):
            while seconds - times[first] >= 1:
                first += 1
            most = max(most, last - first + 1)
        return most

    def count_429(self) -> int:
        """Return how many requests were refused for their rate."""
        return sum(request.status == _TOO_MANY_REQUESTS for request in self)
