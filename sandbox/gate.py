"""What every request passes on its way in: the record, the rate limit, the token, the faults."""

from base64 import b64encode
from collections.abc import Callable
from email.utils import format_datetime

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.answers import error_answer
from sandbox.clock import SandboxClock
from sandbox.faults import FaultScript
from sandbox.rate_limit import Limits
from sandbox.request_log import RecordedRequest, RequestLog

_REPORTS = "/api/v1/reports"


def basic_authorization(email: str, api_token: str) -> str:
    """Return the Authorization header of HTTP Basic for an API user."""
    return "Basic " + b64encode(f"{email}:{api_token}".encode()).decode()


async def _read(scope: Scope, receive: Receive) -> tuple[bytes, Receive]:
    """Return the body of a request, and what gives it once more."""
    if scope["method"] in {"GET", "DELETE"}:
        return b"", receive
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return whole.pop() if whole else await receive()

    return body, again


class Gate:
    """Records each request, counts it against the limits, checks its token, then lets it through.

    Every answer carries the sandbox clock as its Date and the two rate limit headers. The faults
    come last, so a refused request uses up none of them. What the application itself raises is
    kept in `failures`: a client sees only a 500.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        clock: SandboxClock,
        requests: RequestLog,
        limits: Limits,
        faults: FaultScript,
        authorization: Callable[[], str],
        failures: list[Exception],
    ) -> None:
        self._app = app
        self._clock = clock
        self._requests = requests
        self._limits = limits
        self._faults = faults
        self._authorization = authorization
        self._failures = failures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        seconds = self._limits.seconds()
        headers = dict(Headers(scope=scope))
        authorised = headers.pop("authorization", "") == self._authorization()
        remaining = self._limits.requests.remaining_after(scope["method"], seconds)
        body, receive = await _read(scope, receive)
        recorded = False

        def record(status: int | None, retry_after: str | None = None) -> None:
            nonlocal recorded
            recorded = True
            self._requests.record(
                RecordedRequest(
                    method=scope["method"],
                    path=scope["path"],
                    query=scope["query_string"].decode(),
                    status=status,
                    seconds=seconds,
                    authorised=authorised,
                    headers=headers,
                    body=body,
                    retry_after=retry_after,
                )
            )

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                record(message["status"], answered.get("Retry-After"))
                answered["Date"] = format_datetime(self._clock.now(), usegmt=True)
                answered["Ratelimit-Limit-Second"] = str(self._limits.requests.requests_per_second)
                answered["Ratelimit-Remaining-Second"] = str(max(remaining, 0))
            await send(message)

        try:
            with self._requests.under_way(scope["method"], scope["path"]):
                answer = self._answer(scope, authorised=authorised, remaining=remaining)
                await answer(scope, receive, send_with_headers)
        except Exception as failure:
            self._failures.append(failure)
            raise
        finally:
            if not recorded:
                record(None)

    def _answer(self, scope: Scope, *, authorised: bool, remaining: int) -> ASGIApp:
        if remaining < 0:
            return error_answer(429, "rate_limited", "too many requests in this second")
        if not authorised:
            return error_answer(401, "unauthorized", "a valid e-mail and API token are required")
        if scope["method"] == "POST" and scope["path"].startswith(_REPORTS):
            return self._report
        return self._let_through

    async def _report(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._limits.reports.admit(self._limits.seconds()) as refusal:
            if refusal is None:
                await self._let_through(scope, receive, send)
            else:
                await error_answer(429, "rate_limited", refusal)(scope, receive, send)

    async def _let_through(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._faults.take(scope["path"])
        if fault is None:
            await self._app(scope, receive, send)
        else:
            await fault(self._app, scope, receive, send)
