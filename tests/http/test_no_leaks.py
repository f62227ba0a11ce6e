"""Canary secrets and canary message bodies through every failure path."""

import io
import logging
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from sources.http import (
    ApiClient,
    HelpdeskError,
    RateBudget,
    RetryPolicy,
    download_file,
    path_segment,
)

Serve = Callable[[Callable[[bytes], bytes]], tuple[str, list[bytes]]]

USERNAME = "canary@example.com"
PASSWORD = "canary-tökén/+0123456789"  # noqa: S105 - synthetic
ROTATED = "canary-rotated/+0123456789"
PARAMETER = "canary-parameter"
BODY = b"canary-message-body"


def written_forms(password: str) -> set[str]:
    pair = f"{USERNAME}:{password}".encode()
    plain = password.encode()
    return {password, quote(password, safe=""), b64encode(pair).decode(), b64encode(plain).decode()}


CREDENTIALS = written_forms(PASSWORD) | written_forms(ROTATED)
CANARIES = CREDENTIALS | {PARAMETER, BODY.decode()}

OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


def refused(status: int) -> bytes:
    head = b"HTTP/1.1 %d No\r\nConnection: close\r\nContent-Type: text/plain\r\n" % status
    return head + b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


def echoed(request: bytes) -> bytes:
    """A structured error that repeats the credentials it received."""
    sent = request.decode().partition("uthorization: ")[2].partition("\r\n")[0]
    body = f'{{"errors": [{{"code": "bad", "detail": "{sent} {PASSWORD} {ROTATED}"}}]}}'.encode()
    return b"HTTP/1.1 400 No\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )


FAILURES: dict[str, bytes | Callable[[bytes], bytes]] = {
    **{str(status): refused(status) for status in (400, 401, 403, 404, 410, 418, 429, 500, 503)},
    "echo": echoed,
    "no answer": b"",
    "cut head": b"HTTP/1.1 200 O",
    "malformed head": BODY + b"\r\n\r\n",
    "malformed header": OK + BODY + b"\r\n\r\n",
    "cut body": OK + b"Content-Length: 99\r\n\r\n" + BODY,
    "cut chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n13\r\n" + BODY,
    "bad chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n" + BODY + b"\r\n",
    "no terminator": OK + b"\r\n" + BODY,
    "bad gzip": OK + b"Content-Encoding: gzip\r\nContent-Length: 19\r\n\r\n" + BODY,
    "odd encoding": OK + b"Content-Encoding: br\r\nContent-Length: 19\r\n\r\n" + BODY,
    "not JSON": OK + b"Content-Length: 19\r\n\r\n" + BODY,
    "web page": OK + b"Content-Type: text/html\r\nContent-Length: 19\r\n\r\n" + BODY,
    "redirect elsewhere": b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\n"
    b"Location: https://other.example.com/?s=" + PARAMETER.encode() + b"\r\n\r\n",
    "circle": b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\n"
    b"Location: /x?s=" + PARAMETER.encode() + b"\r\n\r\n",
}


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """All records of all loggers, at the lowest level, without any redaction."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.setLevel(level)
    root.removeHandler(handler)


def shown(error: BaseException) -> str:
    """Each usual way to look at an error."""
    trace = traceback.format_exception(error)
    return "\n".join([str(error), repr(error), repr(vars(error)), *trace])


def shown_with_locals(error: BaseException) -> str:
    """A trace that prints the local variables of the package's frames, not of this test's."""
    frames = error.__traceback__
    while frames is not None and "sources" not in Path(frames.tb_frame.f_code.co_filename).parts:
        frames = frames.tb_next
    trace = traceback.TracebackException(
        type(error), error, frames, capture_locals=True, compact=True
    )
    return "".join(trace.format())


def get_json(client: ApiClient, _: Path) -> None:
    client.get_json("/x", {"word": PARAMETER})


def post(client: ApiClient, _: Path) -> None:
    client.request("POST", "/x", params={"word": PARAMETER}, document={})


def stream(client: ApiClient, _: Path) -> None:
    with client.stream("/x", {"word": PARAMETER}) as reply:
        assert list(reply.pieces(10))


def download(client: ApiClient, folder: Path) -> None:
    download_file(client, "/x", folder / "file", max_bytes=10)


@pytest.mark.parametrize("use", [get_json, post, stream, download])
@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
def test_no_failure_shows_a_secret_or_a_body(
    serve: Serve,
    tmp_path: Path,
    everything_logged: io.StringIO,
    failure: bytes | Callable[[bytes], bytes],
    use: Callable[[ApiClient, Path], None],
) -> None:
    url, received = serve((lambda _: failure) if isinstance(failure, bytes) else failure)
    waits: list[float] = []
    client = ApiClient(
        url,
        USERNAME,
        PASSWORD,
        budget=RateBudget(1000, clock=lambda: sum(waits), sleep=waits.append),
        credentials=lambda: (USERNAME, ROTATED),
        retry=RetryPolicy(attempts=2),
        sleep=waits.append,
    )
    with client, pytest.raises(HelpdeskError) as raised:
        use(client, tmp_path)
    seen = shown(raised.value) + everything_logged.getvalue() + repr(client)
    assert [canary for canary in CANARIES if canary in seen] == []
    if failure is not echoed:
        seen = shown_with_locals(raised.value)
        assert [canary for canary in CREDENTIALS if canary in seen] == []
    assert received
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    "base_url",
    [f"https://{USERNAME.replace('@', '%40')}:{quote(PASSWORD)}@a.example.com", "http://a.example"],
)
def test_a_refused_base_url_shows_no_secret(base_url: str) -> None:
    with pytest.raises(HelpdeskError) as raised:
        ApiClient(base_url, USERNAME, PASSWORD, budget=RateBudget())
    seen = shown(raised.value)
    assert [canary for canary in CANARIES if canary in seen] == []


def test_local_variables_show_no_secret_when_construction_fails() -> None:
    with pytest.raises(HelpdeskError) as raised:
        ApiClient("http://acme.example.com", USERNAME, PASSWORD, budget=RateBudget())
    seen = shown_with_locals(raised.value)
    assert "acme.example.com" in seen
    assert [canary for canary in CREDENTIALS if canary in seen] == []


def test_the_search_can_fail() -> None:
    with pytest.raises(HelpdeskError) as raised:
        path_segment("\ud800" + PASSWORD)
    assert PASSWORD in shown(raised.value)
    assert PASSWORD in shown_with_locals(raised.value)
