"""Scripted faults: what a server under stress does to its clients.

An action wraps the application for one request. A new kind of fault is one more function that
returns such a wrapper: here those that hurt the connection or refuse to answer, in
`altered_answers` those that change the true answer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from threading import Lock

from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.answers import error_answer

FaultAction = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]
"""Answers one request in place of the application, which it may call."""


class _ConnectionLostError(Exception):
    """Ends a request without completing the answer; the server then closes the connection."""


def answer_status(status: int, retry_after: str | None = None) -> FaultAction:
    """Answer with an error status, and a Retry-After header in seconds or as a date if given."""

    async def action(_: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        answer = error_answer(status, "fault", f"the fault script answers {status}")
        if retry_after is not None:
            answer.headers["Retry-After"] = retry_after
        await answer(scope, receive, send)

    return action


def answer_html(text: str = "<html><body>Sign in</body></html>") -> FaultAction:
    """Answer 200 with a web page, as a captive portal does."""

    async def action(_: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await HTMLResponse(text)(scope, receive, send)

    return action


def redirect(location: str | None = None, status: int = 302) -> FaultAction:
    """Lead to another address; None leads back to the same one: a circle."""

    async def action(_: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope["query_string"].decode()
        same = scope["path"] + (f"?{query}" if query else "")
        answer = Response(status_code=status, headers={"Location": location or same})
        await answer(scope, receive, send)

    return action


def drop_before() -> FaultAction:
    """Close the connection without a byte of an answer."""

    async def action(_: ASGIApp, scope: Scope, receive: Receive, __: Send) -> None:
        scope["state"]["transport"].abort()
        # the server takes a request without an answer for a defect, unless the client has left
        await _client_leaves(receive)

    return action


def drop_after(body_bytes: int) -> FaultAction:
    """Send the true answer's headers and so many bytes of its body, then close the connection."""

    async def action(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await _until_lost(app, scope, receive, _cut(send, body_bytes))

    return action


def drop_chunks_after(body_bytes: int) -> FaultAction:
    """As `drop_after`, of an answer in chunks that tells no length; its last chunk never comes."""

    async def action(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        cut = _cut(send, body_bytes)

        async def without_length(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    header for header in message["headers"] if header[0] != b"content-length"
                ]
            await cut(message)

        await _until_lost(app, scope, receive, without_length)

    return action


def stall(seconds: float) -> FaultAction:
    """Keep the client waiting for so many real seconds, then answer as usual."""

    async def action(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(seconds)
        await app(scope, receive, send)

    return action


def stall_before() -> FaultAction:
    """Answer nothing until the client gives up."""

    async def action(_: ASGIApp, __: Scope, receive: Receive, ___: Send) -> None:
        await _client_leaves(receive)

    return action


def stall_after(body_bytes: int) -> FaultAction:
    """Send headers and so many bytes of the body, then nothing until the client gives up."""

    async def action(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await _until_lost(app, scope, receive, _cut(send, body_bytes))
        await _client_leaves(receive)

    return action


def drip(piece_bytes: int, seconds: float) -> FaultAction:
    """Send the body in small pieces, each kept back by so many real seconds."""

    async def action(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def slowly(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
                return
            body, more = message.get("body", b""), message.get("more_body", False)
            for place in range(0, len(body), piece_bytes):
                await asyncio.sleep(seconds)
                piece = body[place : place + piece_bytes]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": more})

        await app(scope, receive, slowly)

    return action


def first(happens: Callable[[], None], then: FaultAction) -> FaultAction:
    """Let something happen when the request arrives, such as a token's rotation; then `then`."""

    async def action(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        happens()
        await then(app, scope, receive, send)

    return action


async def answer_truly(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as if there were no fault."""
    await app(scope, receive, send)


def _cut(send: Send, body_bytes: int) -> Send:
    left = body_bytes

    async def cut(message: Message) -> None:
        nonlocal left
        if message["type"] == "http.response.body":
            body = message.get("body", b"")[:left]
            left -= len(body)
            await send({"type": "http.response.body", "body": body, "more_body": True})
            if left == 0 or not message.get("more_body", False):
                raise _ConnectionLostError
        else:
            await send(message)

    return cut


async def _until_lost(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await app(scope, receive, send)
    except _ConnectionLostError:
        return


async def _client_leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@dataclass(slots=True)
class _Rule:
    path_pattern: str
    come_before: int
    times: int
    action: FaultAction


class FaultScript:
    """The faults still to come; rules act in the order they were given. Thread-safe.

    Attributes:
        met: How many requests met a fault since `clear`.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._rules: list[_Rule] = []
        self.met = 0

    def on(
        self, path_pattern: str, times: int, action: FaultAction, *, come_before: int = 0
    ) -> None:
        """Let `action` answer the next `times` requests whose path matches.

        Args:
            path_pattern: A path in which `*` stands for anything, slashes included.
            times: How many requests meet the fault before the rule is spent.
            action: For example `answer_status(503)` or `drop_after(1000)`.
            come_before: How many matching requests come before, hurt or not: 2 hurts the third.
        """
        with self._lock:
            self._rules.append(_Rule(path_pattern, come_before, times, action))

    def clear(self) -> None:
        """Forget all rules, and how many requests met them."""
        with self._lock:
            self._rules.clear()
            self.met = 0

    def take(self, path: str) -> FaultAction | None:
        """Return the action for a request and count it against its rule."""
        taken = None
        with self._lock:
            for rule in self._rules:
                if rule.times == 0 or not fnmatchcase(path, rule.path_pattern):
                    continue
                if rule.come_before > 0:
                    rule.come_before -= 1
                elif taken is None:
                    rule.times -= 1
                    self.met += 1
                    taken = rule.action
        return taken
