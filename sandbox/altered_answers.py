"""Faults that change the true answer: its bytes, its encoding, its headers.

Each has a length that fits what is sent, so nothing of the transport gives it away.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults import FaultAction

_BOMB_PIECE = bytes(1 << 20)


@dataclass(slots=True)
class _Answer:
    """A whole answer; `headers` are in lower case, without the length."""

    status: int = 200
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""


def altered(change: Callable[[_Answer], None]) -> FaultAction:
    """Answer what the application says, changed; an answer that is no success stays as it is."""

    async def action(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer()

        async def gather(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = dict(message["headers"])
            else:
                answer.body += message.get("body", b"")

        await app(scope, receive, gather)
        if answer.status == 200:  # noqa: PLR2004 - the status of success
            change(answer)
        answer.headers[b"content-length"] = str(len(answer.body)).encode()
        headers = list(answer.headers.items())
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    return action


def cut_to(share: float) -> FaultAction:
    """Send the first part of the body as if it were all of it."""

    def change(answer: _Answer) -> None:
        answer.body = answer.body[: int(len(answer.body) * share)]

    return altered(change)


def empty() -> FaultAction:
    """Answer 200 with nothing, not even a type, as a proxy in trouble does."""

    def change(answer: _Answer) -> None:
        answer.body = b""
        answer.headers.pop(b"content-type", None)

    return altered(change)


def with_header(name: str, value: str) -> FaultAction:
    """Send the true body under another header, such as a content type or an ETag."""

    def change(answer: _Answer) -> None:
        answer.headers[name.lower().encode()] = value.encode()

    return altered(change)


def gzipped(encode: Callable[[bytes], bytes] = gzip.compress) -> FaultAction:
    """Send the body as gzip, though nobody asked for it; `encode` may spoil it."""

    def change(answer: _Answer) -> None:
        answer.headers[b"content-encoding"] = b"gzip"
        answer.body = encode(answer.body)

    return altered(change)


def two_members(body: bytes) -> bytes:
    """Return two gzip members that together hold the body."""
    middle = len(body) // 2
    return gzip.compress(body[:middle]) + gzip.compress(body[middle:])


def short_gzip(body: bytes) -> bytes:
    """Return gzip without its last bytes."""
    return gzip.compress(body)[:-9]


def no_gzip(body: bytes) -> bytes:
    """Return the body as it is."""
    return body


def gzip_bomb(megabytes: int) -> Callable[[bytes], bytes]:
    """Return what makes of any body so many megabytes of nothing, a thousandth as long."""
    member = gzip.compress(_BOMB_PIECE)
    return lambda _: member * megabytes
