"""A real HTTP server that answers with given bytes, and a client that never waits."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from sources.http import ApiClient, RateBudget, RetryPolicy

Answer = Callable[[bytes], bytes]


class _Handler(socketserver.BaseRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        received = b""
        while not _is_whole(received):
            piece = self.request.recv(65536)
            if not piece:
                return
            received += piece
        self.server.received.append(received)
        self.request.sendall(self.server.answer(received))


def _is_whole(received: bytes) -> bool:
    head, separator, body = received.partition(b"\r\n\r\n")
    _, present, rest = head.lower().partition(b"content-length: ")
    return bool(separator) and len(body) >= (int(rest.split(b"\r\n")[0]) if present else 0)


class _Server(socketserver.ThreadingTCPServer):
    request_queue_size = 64

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.received: list[bytes] = []


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], tuple[str, list[bytes]]]]:
    """Start a server; gives its base URL and the list of requests it received."""
    with ExitStack() as stack:

        def start(answer: Answer) -> tuple[str, list[bytes]]:
            server = stack.enter_context(_Server(answer))
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_address[1]}", server.received

        yield start


@pytest.fixture
def slept() -> list[float]:
    """Seconds the client or its budget would have waited."""
    return []


@pytest.fixture
def connect(slept: list[float]) -> Iterator[Callable[..., ApiClient]]:
    """Make a client whose waits only move a clock of its own."""

    def clock() -> float:
        return sum(slept)

    with ExitStack() as stack:

        def make(base_url: str, username: str = "api@example.com", **options: object) -> ApiClient:
            defaults: dict[str, object] = {
                "password": "synthetic-token",
                "budget": RateBudget(1000, clock=clock, sleep=slept.append),
                "retry": RetryPolicy(attempts=3),
                "sleep": slept.append,
                "random": lambda: 0.5,
                "clock": clock,
            }
            client = ApiClient(base_url, username, **(defaults | options))  # type: ignore[arg-type]  # options vary by test
            return stack.enter_context(client)

        yield make
