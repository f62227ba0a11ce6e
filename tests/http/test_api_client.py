import gzip
import json
import logging
import shutil
import socket
import ssl
import subprocess
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from sources.http import (
    ApiClient,
    GapError,
    GiveUpError,
    HelpdeskError,
    RateBudget,
    RetryableError,
    RetryPolicy,
    SettingsError,
    TruncatedError,
    UnsafeError,
)
from sources.http.faults import connection_error

Serve = Callable[[Callable[[bytes], bytes]], tuple[str, list[bytes]]]
Connect = Callable[..., ApiClient]


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """One whole HTTP response; an underscore in a header's name stands for a hyphen."""
    told = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} Status", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in told.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def in_turn(*answers: bytes) -> Callable[[bytes], bytes]:
    """Each answer once, then the last one for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def authorization(request: bytes) -> str | None:
    lines = request.decode().split("\r\n")
    found = [line for line in lines if line.lower().startswith("authorization: ")]
    return found[0].partition(": ")[2] if found else None


def basic(username: str, password: str) -> str:
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def test_a_get_carries_basic_credentials_the_joined_path_and_the_parameters(
    serve: Serve, connect: Connect
) -> None:
    url, received = serve(in_turn(answer(200, b'{"a": [1, null]}')))
    client = connect(f"{url}/base/", user_agent="tests/1")
    assert client.get_json("/api/v1/agents", {"status": "A B", "ids": ["1", "2"]}) == {
        "a": [1, None]
    }
    head = received[0].decode()
    assert head.startswith("GET /base/api/v1/agents?status=A+B&ids=1&ids=2 HTTP/1.1\r\n")
    assert authorization(received[0]) == basic("api@example.com", "synthetic-token")
    assert "user-agent: tests/1\r\n" in head.lower()


def test_integers_beyond_64_bits_stay_exact(serve: Serve, connect: Connect) -> None:
    url, _ = serve(in_turn(answer(200, b"[123456789012345678901234567890]")))
    assert connect(url).get_json("/x") == [123456789012345678901234567890]


def test_a_gzip_document_is_decoded(serve: Serve, connect: Connect) -> None:
    body = gzip.compress(b'{"ok":') + gzip.compress(b" true}")
    url, _ = serve(in_turn(answer(200, body, Content_Encoding="gzip")))
    assert connect(url).get_json("/x") == {"ok": True}


def test_a_document_is_posted_and_sent_again_after_a_fault(serve: Serve, connect: Connect) -> None:
    url, received = serve(in_turn(answer(503), answer(201, b"{}", X_Note="kept")))
    reply = connect(url).request("POST", "/reports", document={"metricSet": "X"}, expect={201})
    assert (reply.status, reply.headers["x-note"], reply.document) == (201, "kept", {})
    assert [json.loads(request.partition(b"\r\n\r\n")[2]) for request in received] == [
        {"metricSet": "X"}
    ] * 2


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_passing_faults_are_retried(
    serve: Serve, connect: Connect, slept: list[float], status: int
) -> None:
    url, received = serve(in_turn(answer(status), answer(status), answer(200, b"{}")))
    assert connect(url).get_json("/x") == {}
    assert len(received) == 3
    assert len(slept) >= 2


@pytest.mark.parametrize(
    ("status", "kind"), [(400, GiveUpError), (403, GiveUpError), (404, GapError), (410, GapError)]
)
def test_final_answers_are_asked_for_once_and_explained(
    serve: Serve, connect: Connect, status: int, kind: type[HelpdeskError]
) -> None:
    body = b'{"errors": [{"attr": "startAt", "code": "invalid", "detail": "no date"}]}'
    url, received = serve(in_turn(answer(status, body)))
    with pytest.raises(kind, match="attr: startAt, code: invalid, detail: no date") as raised:
        connect(url).get_json("/x", {"word": "hidden-word"})
    assert len(received) == 1
    assert "hidden-word" not in str(raised.value)


def test_an_exhausted_retry_tells_the_attempts(serve: Serve, connect: Connect) -> None:
    url, received = serve(in_turn(answer(503, b"<p>private words</p>")))
    with pytest.raises(RetryableError, match=r"answered 503 .* Tried 3 times over") as raised:
        connect(url).get_json("/x")
    assert len(received) == 3
    assert "private" not in str(raised.value)


@pytest.mark.parametrize(
    "retry_after", ["7", "Thu, 29 Feb 2024 12:00:07 GMT"], ids=["seconds", "date, server's clock"]
)
def test_retry_after_is_a_lower_bound(
    serve: Serve, connect: Connect, slept: list[float], retry_after: str
) -> None:
    busy = answer(429, Retry_After=retry_after, Date="Thu, 29 Feb 2024 12:00:00 GMT")
    url, _ = serve(in_turn(busy, answer(200, b"{}")))
    connect(url).get_json("/x")
    assert 7.0 <= sum(slept) <= 8.0


def test_a_429_holds_back_every_user_of_the_budget(
    serve: Serve, connect: Connect, slept: list[float]
) -> None:
    budget = RateBudget(1000, clock=lambda: sum(slept), sleep=slept.append)
    url, _ = serve(in_turn(answer(429, Retry_After="7")))
    with pytest.raises(RetryableError):
        connect(url, budget=budget, retry=RetryPolicy(attempts=1)).get_json("/x")
    with budget.slot():
        assert sum(slept) == 7.0


def test_rate_headers_reach_the_budget_and_every_attempt_passes_it(
    serve: Serve, connect: Connect, slept: list[float]
) -> None:
    budget = RateBudget(10, clock=lambda: sum(slept), sleep=slept.append)
    busy = answer(503, Ratelimit_Limit_Second="1", Ratelimit_Remaining_Second="0")
    url, received = serve(in_turn(busy, answer(200, b"{}")))
    connect(url, budget=budget, random=lambda: 0.0).get_json("/x")
    assert len(received) == 2
    assert sum(slept) == 1.04


def test_a_call_may_bring_its_own_budget(
    serve: Serve, connect: Connect, slept: list[float]
) -> None:
    reports = RateBudget(
        1, 60.0, share=1.0, headers=None, clock=lambda: sum(slept), sleep=slept.append
    )
    url, _ = serve(in_turn(answer(200, b"{}")))
    client = connect(url)
    for _ in range(2):
        client.request("POST", "/reports", document={}, budget=reports)
    assert sum(slept) == pytest.approx(62.4)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", b"<html>private words</html>"),
        ("application/json", b'{"private words": '),
        ("application/json", b""),
        ("application/json", b"[NaN]"),
        ("application/json", b"\xff\xfe\xfd"),
        ("application/json", b"[" * 100_000),
    ],
    ids=["html", "cut", "empty", "NaN", "not text", "too deep"],
)
def test_what_is_not_json_is_retried_and_not_shown(
    serve: Serve, connect: Connect, kind: str, body: bytes
) -> None:
    url, received = serve(in_turn(answer(200, body, Content_Type=kind)))
    with pytest.raises(RetryableError, match="not JSON") as raised:
        connect(url).get_json("/x")
    assert len(received) == 3
    assert "private" not in str(raised.value)


def test_a_short_body_is_fetched_again(serve: Serve, connect: Connect) -> None:
    short = answer(200, b"[1, 2]", Content_Length="7")
    url, _ = serve(in_turn(short, answer(200, b"[1, 2]")))
    assert connect(url).get_json("/x") == [1, 2]


def test_a_short_body_every_time_is_truncated(serve: Serve, connect: Connect) -> None:
    url, _ = serve(in_turn(answer(200, b"[1, 2]", Content_Length="7")))
    with pytest.raises(TruncatedError, match="broke off before the end of its body"):
        connect(url).get_json("/x")


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_body_beyond_the_bound_is_refused(serve: Serve, connect: Connect, encoding: str) -> None:
    body = b" " * 5000
    sent = gzip.compress(body) if encoding else body
    url, received = serve(in_turn(answer(200, sent, Content_Encoding=encoding)))
    with pytest.raises(UnsafeError, match="larger than the bound of 4999 bytes"):
        connect(url).request("GET", "/x", max_bytes=4999)
    assert len(received) == 1
    whole = connect(url).request("GET", "/x", max_bytes=5000, as_json=False)
    assert (whole.body, whole.document) == (body, None)


def test_no_content_is_no_document(serve: Serve, connect: Connect) -> None:
    url, _ = serve(in_turn(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"))
    assert connect(url).request("POST", "/x", expect={204}).document is None


def test_an_encoding_never_asked_for_is_refused(serve: Serve, connect: Connect) -> None:
    url, _ = serve(in_turn(answer(200, b"{}", Content_Encoding="br")))
    with pytest.raises(GiveUpError, match="'br', which was not asked for"):
        connect(url).get_json("/x")


def test_an_unreadable_error_body_does_not_hide_the_status(serve: Serve, connect: Connect) -> None:
    url, _ = serve(in_turn(answer(404, b"cut", Content_Length="99", Content_Encoding="gzip")))
    with pytest.raises(GapError, match="answered 404"):
        connect(url).get_json("/x")


def test_a_redirect_within_the_origin_is_followed(serve: Serve, connect: Connect) -> None:
    url, received = serve(in_turn(answer(301, Location="/new?k=v"), answer(200, b"{}")))
    assert connect(url).get_json("/old") == {}
    assert received[1].startswith(b"GET /new?k=v ")
    assert authorization(received[1]) is not None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_sends_nothing_there(
    serve: Serve, connect: Connect, status: int
) -> None:
    other, received_by_other = serve(in_turn(answer(200, b"{}")))
    elsewhere = other.replace("127.0.0.1", "localhost")
    url, _ = serve(in_turn(answer(status, Location=f"{elsewhere}/?signature=hidden-word")))
    with pytest.raises(UnsafeError, match=r"another origin \(localhost\)") as raised:
        connect(url).get_json("/x")
    assert received_by_other == []
    assert "hidden-word" not in str(raised.value)


def test_an_expected_redirect_is_handed_back_with_its_body(serve: Serve, connect: Connect) -> None:
    body = b'{"errors": [{"code": "moved", "meta": {"new": "c2"}}]}'
    url, received = serve(in_turn(answer(301, body, Location="https://other.example.com/c2")))
    reply = connect(url).request("GET", "/customers/c1", expect={200, 301})
    assert reply.status == 301
    assert reply.document["errors"][0]["meta"] == {"new": "c2"}
    assert len(received) == 1


def test_a_circle_of_redirects_ends(serve: Serve, connect: Connect) -> None:
    url, received = serve(in_turn(answer(302, Location="/x")))
    with pytest.raises(GiveUpError, match="circle"):
        connect(url).get_json("/x")
    assert len(received) == 6


def test_a_redirected_post_is_not_repeated_elsewhere(serve: Serve, connect: Connect) -> None:
    url, received = serve(in_turn(answer(307, Location="/y")))
    with pytest.raises(GiveUpError, match="GET only"):
        connect(url).request("POST", "/x", document={})
    assert len(received) == 1


class Rotation:
    """Credentials as configured now, and how often they were read."""

    def __init__(self, password: str) -> None:
        self.password = password
        self.reads = 0

    def __call__(self) -> tuple[str, str]:
        self.reads += 1
        return "api@example.com", self.password


def only_for(password: str) -> Callable[[bytes], bytes]:
    expected = basic("api@example.com", password)
    return lambda request: answer(200 if authorization(request) == expected else 401, b"{}")


def test_rotated_credentials_are_reread_once_and_kept(serve: Serve, connect: Connect) -> None:
    url, received = serve(only_for("rotated-token"))
    rotation = Rotation("rotated-token")
    client = connect(url, credentials=rotation)
    assert [client.get_json("/x") for _ in range(3)] == [{}] * 3
    assert (rotation.reads, len(received)) == (1, 4)


@pytest.mark.parametrize(("reread", "requests"), [("synthetic-token", 1), ("also-wrong", 2)])
def test_refused_credentials_fail_clearly_after_one_rereading(
    serve: Serve, connect: Connect, reread: str, requests: int
) -> None:
    url, received = serve(only_for("right-token"))
    rotation = Rotation(reread)
    with pytest.raises(GiveUpError, match=r"API token.*API User permission") as raised:
        connect(url, credentials=rotation).get_json("/x")
    assert (rotation.reads, len(received), raised.value.status) == (1, requests, 401)


def test_without_a_way_to_reread_a_401_is_final(serve: Serve, connect: Connect) -> None:
    url, received = serve(only_for("right-token"))
    with pytest.raises(GiveUpError):
        connect(url).get_json("/x")
    assert len(received) == 1


def test_threads_refused_together_reread_once(serve: Serve, connect: Connect) -> None:
    together = threading.Barrier(4, timeout=10)
    right = only_for("rotated-token")

    def wait_for_all(request: bytes) -> bytes:
        reply = right(request)
        if b" 401 " in reply:
            together.wait()
        return reply

    url, _ = serve(wait_for_all)
    rotation = Rotation("rotated-token")
    client = connect(url, credentials=rotation)
    replies: list[object] = []
    threads = [
        threading.Thread(target=lambda: replies.append(client.get_json("/x"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (replies, rotation.reads) == ([{}] * 4, 1)


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("", "token-token"),
        ("a:b", "token-token"),
        ("a@example.com", ""),
        ("a@example.com", "token-token\n"),
        ("a@example.com", "token-\udcff-token"),
    ],
)
def test_credentials_that_cannot_be_sent_are_a_settings_error(
    connect: Connect, username: str, password: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        connect("https://acme.example.com", username, password=password)
    assert "token-" not in str(raised.value)


def test_the_servers_clock_is_remembered(serve: Serve, connect: Connect) -> None:
    dated = answer(200, b"{}", Date="Thu, 29 Feb 2024 12:00:00 GMT")
    url, _ = serve(in_turn(dated, answer(200, b"{}", Date="rubbish")))
    client = connect(url)
    assert client.server_time() is None
    for _ in range(2):
        client.get_json("/x")
        assert client.server_time() == datetime(2024, 2, 29, 12, tzinfo=UTC)


def test_a_stream_is_checked_before_it_is_handed_over(serve: Serve, connect: Connect) -> None:
    url, received = serve(in_turn(answer(503), answer(200, b"one\ntwo\n", ETag='"v1"')))
    with connect(url).stream("/x") as reply:
        assert reply.headers["etag"] == '"v1"'
        assert b"".join(reply.pieces(None)) == b"one\ntwo\n"
    assert b"accept-encoding: identity" in received[0].lower()


def test_loopback_requests_ignore_the_environments_proxy(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, received_by_proxy = serve(in_turn(answer(200, b'"from the proxy"')))
    url, _ = serve(in_turn(answer(200, b'"direct"')))
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert connect(url).get_json("/x") == "direct"
    assert received_by_proxy == []


def test_a_plain_http_host_is_refused(connect: Connect) -> None:
    with pytest.raises(SettingsError, match="Change it to https"):
        connect("http://acme.example.com")


def test_http_libraries_do_not_log_query_strings(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    url, _ = serve(in_turn(answer(200, b"{}")))
    with caplog.at_level(logging.DEBUG):
        connect(url).get_json("/x", {"word": "hidden-word"})
    assert "hidden-word" not in caplog.text


def test_a_refused_connection_is_retried_and_explained(
    connect: Connect, slept: list[float]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_again:
        port = closed_again.getsockname()[1]
    with pytest.raises(RetryableError, match=r"127\.0\.0\.1 refused the connection.*3 times"):
        connect(f"http://127.0.0.1:{port}").get_json("/x")
    assert len(slept) == 2


def test_no_answer_at_all_is_retried(serve: Serve, connect: Connect) -> None:
    url, received = serve(in_turn(b"", b"", answer(200, b"{}")))
    assert connect(url).get_json("/x") == {}
    assert len(received) == 3


def test_a_malformed_answer_is_not_quoted(serve: Serve, connect: Connect) -> None:
    url, _ = serve(in_turn(b"private words\r\n\r\n"))
    with pytest.raises(RetryableError, match="broke before the response") as raised:
        connect(url).get_json("/x")
    assert "private" not in str(raised.value)


def test_a_slow_server_is_retried(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(RetryableError, match="did not answer in time"):
            connect(url, timeouts=httpx.Timeout(0.05)).get_json("/x")


def caused_by(cause: BaseException) -> httpx.ConnectError:
    fault = httpx.ConnectError("hidden-word")
    fault.__cause__ = cause
    return fault


def certificate_fault() -> ssl.SSLCertVerificationError:
    fault = ssl.SSLCertVerificationError(1, "hidden-word")
    fault.verify_message = "Hostname mismatch."
    return fault


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (caused_by(socket.gaierror(-2, "x")), RetryableError, "could not be resolved"),
        (caused_by(ConnectionRefusedError()), RetryableError, "refused the connection"),
        (caused_by(certificate_fault()), UnsafeError, "Hostname mismatch. Check the base URL"),
        (caused_by(ssl.SSLError(1, "[SSL] wrong version")), RetryableError, "TLS connection"),
        (httpx.ReadTimeout("hidden-word"), RetryableError, "did not answer in time"),
        (httpx.LocalProtocolError("hidden-word"), GiveUpError, "could not be written"),
        (httpx.RemoteProtocolError("hidden-word"), RetryableError, "broke before"),
        (httpx.ProxyError("hidden-word"), RetryableError, "broke before"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_transport_fault_has_one_clear_sentence(
    fault: httpx.TransportError, kind: type[HelpdeskError], says: str
) -> None:
    error = connection_error(fault, "acme.example.com")
    assert type(error) is kind
    assert says in str(error)
    assert "acme.example.com" in str(error)
    assert "hidden-word" not in str(error)


@pytest.fixture
def self_signed_server(tmp_path: Path) -> Iterator[str]:
    """A TLS server with a certificate nobody vouches for."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("making a certificate needs the openssl command")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(  # noqa: S603 - fixed arguments
        [openssl, "req", "-x509", *kind, *name, *files], check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    handshakes: list[str] = []

    def accept(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            try:
                context.wrap_socket(connection, server_side=True).close()
            except (ssl.SSLError, OSError) as fault:
                handshakes.append(str(fault))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=accept, args=(listening,))
        thread.start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


def test_a_bad_certificate_is_refused_without_a_retry(
    self_signed_server: str, connect: Connect, slept: list[float]
) -> None:
    with pytest.raises(UnsafeError, match="could not be verified: self-signed certificate"):
        connect(self_signed_server).get_json("/x")
    assert slept == []
