"""Scripted faults: what a server under stress does to its clients.

An action wraps the application for one request. A new kind of fault is one more function that
returns such a wrapper.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from threading import Lock

from starlette.responses import HTMLResponse
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


def drop_after(body_bytes: int) -> FaultAction:
    """Send the true answer's headers and so many bytes of its body, then close the connection."""

    async def action(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        left = body_bytes

        async def cut(message: Message) -> None:
            nonlocal left
            if message["type"] == "http.response.body":
                body = message.get("body", b"")[:left]
                left -= len(body)
                await send({"type": "http.response.body", "body": body, "more_body": True})
                if left == 0:
                    raise _ConnectionLostError
            else:
                await send(message)

        try:
            await app(scope, receive, cut)
        except _ConnectionLostError:
            return

    return action


def stall(seconds: float) -> FaultAction:
    """Keep the client waiting for so many real seconds, then answer as usual."""

    async def action(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(seconds)
        await app(scope, receive, send)

    return action


@dataclass(slots=True)
class _Rule:
    path_pattern: str
    times: int
    action: FaultAction


class FaultScript:
    """The faults still to come; rules act in the order they were given. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rules: list[_Rule] = []

    def on(self, path_pattern: str, times: int, action: FaultAction) -> None:
        """Let `action` answer the next `times` requests whose path matches.

        Args:
            path_pattern: A path in which `*` stands for anything, slashes included.
            times: How many requests meet the fault before the rule is spent.
            action: For example `answer_status(503)` or `drop_after(1000)`.
        """
        with self._lock:
            self._rules.append(_Rule(path_pattern, times, action))

    def clear(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._rules.clear()

    def take(self, path: str) -> FaultAction | None:
        """Return the action for a request and count it against its rule."""
        with self._lock:
            for rule in self._rules:
                if rule.times > 0 and fnmatchcase(path, rule.path_pattern):
                    rule.times -= 1
                    return rule.action
        return None
