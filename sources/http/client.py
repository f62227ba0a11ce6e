"""A synchronous HTTP client for one API: safe, patient and within its rate budget."""

import json
import logging
import random as standard_random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx

from sources.http.budget import RateBudget
from sources.http.credentials import Credentials
from sources.http.errors import GiveUpError, RetryableError
from sources.http.faults import connection_error, elsewhere_error, status_error
from sources.http.hosts import (
    checked_base_url,
    is_loopback,
    joined,
    leads_home,
    redirect_target,
    unsigned_target,
)
from sources.http.ranges import OK, PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE
from sources.http.redaction import Secret, quiet_http_loggers
from sources.http.replies import Reply, StreamedReply, beginning, parsed
from sources.http.retry import RetryPolicy, http_date, retrying

DEFAULT_TIMEOUTS: Final = httpx.Timeout(connect=10.0, read=60.0, write=30.0, pool=60.0)
DEFAULT_RETRY: Final = RetryPolicy()
DEFAULT_BODY_BYTES: Final = 256 << 20
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REDIRECT_LIMIT: Final = 5
_TOO_MANY_REQUESTS: Final = 429
_UNAUTHORIZED: Final = 401
_NO_CONTENT: Final = 204
_OF_A_REST: Final = frozenset({OK, PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE})

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")
Params = Mapping[str, str | int | bool | list[str]]


@dataclass(frozen=True, slots=True)
class _Call:
    """One request as it will be sent next, and what may still be done about its answer.

    ``authorization`` is None once a redirect has led to another host: from there on nothing of
    this API's goes along, not even back to it.
    """

    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    content: bytes | None
    expect: frozenset[int]
    budget: RateBudget
    authorization: Secret | None
    may_leave: bool = False
    may_reread: bool = True
    redirects_left: int = _REDIRECT_LIMIT

    @property
    def address(self) -> str:
        # the query of a signed address is the signature, another one each time
        is_ours = self.authorization is not None
        return str(self.url if is_ours else self.url.copy_with(query=None))

    @property
    def where(self) -> str:
        if self.authorization is None:
            # the path of a signed address may be as secret as its query
            return f"{self.method} on {self.url.host}"
        path = self.url.raw_path.partition(b"?")[0].decode("ascii")
        return f"{self.method} {path} on {self.url.host}"


class ApiClient:
    """Calls one API with HTTP Basic. Thread-safe; use as a context manager.

    It guarantees: credentials and cookies go to the base URL's origin only; TLS is verified;
    every attempt passes the rate budget; passing faults are retried; bodies are bounded; no
    exception carries credentials, a query string, or a frame of the HTTP library that holds them.
    Every request must be repeatable, since it may be sent more than once.

    The environment's proxies and SSL_CERT_FILE are honoured: https stays encrypted end to end
    through a proxy. For a loopback base URL they are ignored, or HTTP_PROXY would carry the
    credentials of a local test, unencrypted, to another machine.

    Args:
        base_url: see `checked_base_url`.
        username: for Gladly, the e-mail address of the API user.
        password: for Gladly, the API token.
        budget: what every attempt passes unless a request brings its own.
        credentials: rereads user name and password; asked once when a request gets a 401.
        retry: for every request and download.
        timeouts: per connect, read, write and wait for a free connection, in seconds.
        user_agent: sent with every request.
        sleep: waits between attempts; the budget has its own.
        random: from 0 up to 1, for the jitter.
        clock: monotonic seconds.

    Raises:
        SettingsError: the base URL is not safe for credentials, or these cannot be sent.
    """

    def __init__(  # noqa: PLR0913 - dependencies, all but four with defaults
        self,
        base_url: str,
        username: str,
        password: str,
        *,
        budget: RateBudget,
        credentials: Callable[[], tuple[str, str]] | None = None,
        retry: RetryPolicy = DEFAULT_RETRY,
        timeouts: httpx.Timeout = DEFAULT_TIMEOUTS,
        user_agent: str = "helpdesk-elt",
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = standard_random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        held = Secret(password)
        # a trace that shows local variables must not find it in this frame
        del password
        self._credentials = Credentials(username, held, credentials)
        self._base = checked_base_url(base_url)
        self._budget = budget
        self._retry = retry
        self._sleep = sleep
        self._random = random
        self._clock = clock
        self._lock = threading.Lock()
        self._server_time: datetime | None = None
        quiet_http_loggers()
        self._http = httpx.Client(
            headers={"User-Agent": user_agent, "Accept-Encoding": "identity"},
            timeout=timeouts,
            follow_redirects=False,
            trust_env=not is_loopback(self._base.host),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def server_time(self) -> datetime | None:
        """The Date of the latest response, UTC; None before the first one."""
        with self._lock:
            return self._server_time

    def get_json(self, path: str, params: Params | None = None) -> Any:  # noqa: ANN401 - JSON
        """The JSON document at `path`, retried under the policy.

        Args:
            path: below the base URL; starts with "/"; see `path_segment` for foreign names.
            params: query parameters.

        Raises:
            GiveUpError: refused: 400, 401 after one rereading of the credentials, 403 and so on.
            GapError: 404 or 410.
            RetryableError: a passing fault outlasted the retry policy, or the body is not JSON.
            TruncatedError: the body was cut every time.
            UnsafeError: bad certificate, redirect to another origin, or a body beyond the bound.
        """
        return self.request("GET", path, params=params).document

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        document: object = None,
        expect: frozenset[int] | set[int] = frozenset({200}),
        budget: RateBudget | None = None,
        max_bytes: int = DEFAULT_BODY_BYTES,
        as_json: bool = True,
    ) -> Reply:
        """The whole response to one repeatable request, retried under the policy.

        Args:
            method: such as GET or POST.
            path: below the base URL; starts with "/".
            params: query parameters.
            document: sent as JSON; None for no body.
            expect: statuses to hand back. A redirect status in here is not followed: that is
                how to read the body of a 301.
            budget: replaces the client's budget, for calls with a limit of their own.
            max_bytes: bound on the decoded body.
            as_json: parse the body; one that is not JSON is then asked for again.

        Raises:
            HelpdeskError: as `get_json`.
        """
        return self.retrying(
            lambda: self.request_once(
                method,
                path,
                params=params,
                document=document,
                expect=expect,
                budget=budget,
                max_bytes=max_bytes,
                as_json=as_json,
            )
        )

    def request_once(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        document: object = None,
        expect: frozenset[int] | set[int] = frozenset({200}),
        budget: RateBudget | None = None,
        max_bytes: int = DEFAULT_BODY_BYTES,
        as_json: bool = True,
    ) -> Reply:
        """As `request`, but one attempt: for callers that retry the whole of what they do."""
        call = self._call(method, path, params, frozenset(expect), budget)
        return self._whole_reply(_with_document(call, document), max_bytes, as_json=as_json)

    @contextmanager
    def stream(self, path: str, params: Params | None = None) -> Iterator[StreamedReply]:
        """A response of status 200 whose body the caller reads; opened under the retry policy.

        Whether the body was whole is for the caller to check: use `download_file` for files.

        Raises:
            HelpdeskError: as `get_json`.
        """
        with ExitStack() as stack:
            yield self.retrying(lambda: stack.enter_context(self.stream_once(path, params)))

    @contextmanager
    def stream_once(
        self,
        path: str,
        params: Params | None = None,
        *,
        may_leave: bool = False,
        rest: Mapping[str, str] | None = None,
    ) -> Iterator[StreamedReply]:
        """As `stream`, but one attempt: for callers that retry the whole of what they do.

        Args:
            path: below the base URL; starts with "/".
            params: query parameters.
            may_leave: follow redirects to other hosts too, without credentials, cookies or the
                budget of this API; see `hosts.unsigned_target` for which.
            rest: headers that ask for the rest of a file; see `ranges.rest_of`. Statuses 206 and
                416 are then handed back too.
        """
        call = self._call("GET", path, params, _OF_A_REST if rest else frozenset({OK}))
        with self._answered(replace(call, may_leave=may_leave, headers=rest or {})) as reply:
            yield reply

    def retrying(self, function: Callable[[], _Result]) -> _Result:
        """Call `function` under this client's retry policy; see `retry.retrying`."""
        return retrying(
            function, self._retry, sleep=self._sleep, random=self._random, clock=self._clock
        )

    def _call(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        expect: frozenset[int] = frozenset({200}),
        budget: RateBudget | None = None,
    ) -> _Call:
        url = joined(self._base, path)
        return _Call(
            method=method,
            url=url.copy_merge_params(params) if params else url,
            headers={},
            content=None,
            expect=expect,
            budget=budget or self._budget,
            authorization=self._credentials.current(),
        )

    def _whole_reply(self, call: _Call, max_bytes: int, *, as_json: bool) -> Reply:
        with self._answered(call) as reply:
            body = b"".join(reply.pieces(max_bytes))
        has_document = as_json and reply.status != _NO_CONTENT
        document = parsed(reply, body) if has_document else None
        return Reply(reply.status, reply.headers, body, document)

    @contextmanager
    def _answered(self, call: _Call) -> Iterator[StreamedReply]:
        """An expected answer to `call`, after redirects and one change of credentials."""
        while True:
            with self._exchange(call) as reply:
                if reply.status in call.expect:
                    yield reply
                    return
                call = self._next_call(call, reply)

    @contextmanager
    def _exchange(self, call: _Call) -> Iterator[StreamedReply]:
        """Send `call` once: within its budget, unless it goes to another host."""
        is_ours = call.authorization is not None
        with call.budget.slot() if is_ours else nullcontext():
            response = self._send(call)
            try:
                if is_ours:
                    call.budget.observe(response.headers)
                    self._remember_time(response.headers)
                yield StreamedReply(response, call.where, call.address)
            finally:
                response.close()

    def _send(self, call: _Call) -> httpx.Response:
        request = self._http.build_request(
            call.method, call.url, headers=call.headers, content=call.content
        )
        if call.authorization is None:
            # a cookie for a whole domain may be a credential
            request.headers.pop("Cookie", None)
        else:
            request.headers["Authorization"] = call.authorization.reveal()
        try:
            return self._http.send(request, auth=None, stream=True)
        except httpx.TransportError as fault:
            error = connection_error(fault, call.url.host)
        # raised here so that no frame of httpx, which hold the credentials, is attached
        raise error

    def _next_call(self, call: _Call, reply: StreamedReply) -> _Call:
        """What to send after an answer that was not expected, or the error it means."""
        if reply.status in _REDIRECTS:
            return self._redirected(call, reply)
        if call.authorization is None:
            cap = self._retry.retry_after_cap_seconds
            raise elsewhere_error(reply.status, reply.headers, reply.where, cap)
        if reply.status == _UNAUTHORIZED and call.may_reread:
            other = self._credentials.after_refusal(call.authorization)
            if other is not None:
                _log.warning("%s refused the credentials; trying the reread ones.", reply.where)
                return replace(call, authorization=other, may_reread=False)
        error = status_error(
            reply.status,
            reply.headers,
            beginning(reply),
            reply.where,
            self._retry.retry_after_cap_seconds,
        )
        if isinstance(error, RetryableError) and reply.status == _TOO_MANY_REQUESTS:
            call.budget.hold(error.retry_after_seconds or 0.0)
        raise error

    def _redirected(self, call: _Call, reply: StreamedReply) -> _Call:
        redirected = self._toward(call, reply.headers.get("location", ""))
        if call.method not in {"GET", "HEAD"}:
            raise GiveUpError(
                f"{reply.where} was redirected, which is followed for GET only. Check the base "
                "URL.",
                status=reply.status,
            )
        if call.redirects_left == 0:
            raise GiveUpError(
                f"{reply.where} redirects in a circle, or more than {_REDIRECT_LIMIT} times. Check "
                "the base URL.",
                status=reply.status,
            )
        return replace(redirected, redirects_left=call.redirects_left - 1)

    def _toward(self, call: _Call, location: str) -> _Call:
        """The call at its new address; it loses its credentials on the way to another host."""
        stays = call.authorization is not None and leads_home(call.url, location)
        if stays or not call.may_leave:
            return replace(call, url=redirect_target(call.url, location))
        target = unsigned_target(self._base, call.url, location)
        return replace(call, url=target, authorization=None)

    def _remember_time(self, headers: httpx.Headers) -> None:
        told = http_date(headers.get("date"))
        if told is not None:
            with self._lock:
                self._server_time = told


def _with_document(call: _Call, document: object) -> _Call:
    if document is None:
        return call
    content = json.dumps(document, allow_nan=False).encode()
    return replace(call, content=content, headers={"Content-Type": "application/json"})
