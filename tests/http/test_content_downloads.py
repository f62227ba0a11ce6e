"""Content that redirects to another host: no credentials go there, and nothing secret is shown."""

import logging
from collections.abc import Callable
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
    TooLargeError,
    UnsafeError,
    download_content,
)
from sources.http.hosts import unsigned_target

Serve = Callable[[Callable[[bytes], bytes]], tuple[str, list[bytes]]]
Connect = Callable[..., ApiClient]

SIGNED = "/hidden-folder/content?signature=hidden-word"
BYTES = bytes(range(256)) * 20


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """One whole HTTP response; an underscore in a header's name stands for a hyphen."""
    told = {"Content-Length": str(len(body))} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines = [f"HTTP/1.1 {status} Status", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in told.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def in_turn(*answers: bytes) -> Callable[[bytes], bytes]:
    """Each answer once, then the last one for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def download(client: ApiClient, folder: Path, **options: object) -> bytes:
    wishes = {"max_bytes": 1_000_000, "refuse_html": False} | options
    found = download_content(client, "/content", folder / "content", **wishes)  # type: ignore[arg-type] # options vary by test
    assert found.bytes == len(found.path.read_bytes())
    return found.path.read_bytes()


def elsewhere(address: str) -> str:
    """Return the same server under another host name."""
    return address.replace("127.0.0.1", "localhost")


def carries_credentials(request: bytes) -> bool:
    names = [line.partition(b":")[0].strip().lower() for line in request.split(b"\r\n")]
    return bool({b"authorization", b"cookie", b"referer", b"proxy-authorization"} & {*names})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_content_is_fetched_from_another_host_without_credentials(
    serve: Serve, connect: Connect, tmp_path: Path, status: int
) -> None:
    other, received_by_other = serve(in_turn(answer(200, BYTES, Content_Type="image/png")))
    cookie = "session=hidden-word; Path=/"
    location = elsewhere(other) + SIGNED
    url, received = serve(in_turn(answer(status, Location=location, Set_Cookie=cookie)))
    client = connect(url)
    assert download(client, tmp_path) == BYTES
    # the second time there is a cookie to send
    assert download(client, tmp_path) == BYTES
    assert [request.split(b" ")[1] for request in received_by_other] == [SIGNED.encode()] * 2
    assert not any(map(carries_credentials, received_by_other))
    assert all(map(carries_credentials, received))


def test_another_port_of_the_same_host_is_another_host(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    other, received_by_other = serve(in_turn(answer(200, BYTES)))
    cookie = "session=hidden-word; Path=/"
    url, _ = serve(in_turn(answer(303, Location=other + SIGNED, Set_Cookie=cookie)))
    client = connect(url)
    for _ in range(2):
        assert download(client, tmp_path) == BYTES
    assert len(received_by_other) == 2
    assert not any(map(carries_credentials, received_by_other))


def test_within_the_origin_credentials_go_along(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    url, received = serve(in_turn(answer(303, Location="/media"), answer(200, BYTES)))
    assert download(connect(url), tmp_path) == BYTES
    assert all(map(carries_credentials, received))
    assert len(received) == 2


def test_who_was_sent_away_comes_back_without_credentials(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    back = ["http://127.0.0.1/"]
    other, _ = serve(lambda _: answer(302, Location=back[0]))
    location = elsewhere(other) + SIGNED
    url, received = serve(in_turn(answer(303, Location=location), answer(200, BYTES)))
    back[0] = f"{url}/secret-of-the-api"
    assert download(connect(url), tmp_path) == BYTES
    assert [carries_credentials(request) for request in received] == [True, False]


def test_other_hosts_are_outside_of_the_budget_and_tell_no_time(
    serve: Serve, connect: Connect, slept: list[float], tmp_path: Path
) -> None:
    budget = RateBudget(1000, clock=lambda: sum(slept), sleep=slept.append)
    date = "Thu, 29 Feb 2024 12:00:00 GMT"
    busy = {"Ratelimit_Limit_Second": "1", "Ratelimit_Remaining_Second": "0", "Date": date}
    other, _ = serve(in_turn(answer(200, BYTES, **busy)))
    url, _ = serve(in_turn(answer(303, Location=elsewhere(other))))
    client = connect(url, budget=budget)
    for _ in range(20):
        download(client, tmp_path)
    assert slept == []
    assert client.server_time() is None


@pytest.mark.parametrize("refusal", [400, 401, 403])
def test_an_address_that_expired_is_asked_for_anew(
    serve: Serve, connect: Connect, tmp_path: Path, refusal: int
) -> None:
    body = b"<Error><StringToSign>hidden-word</StringToSign></Error>"
    other, received_by_other = serve(in_turn(answer(refusal, body), answer(200, BYTES)))
    locations = [f"{elsewhere(other)}/?signature={number}" for number in (1, 2)]
    url, received = serve(in_turn(*(answer(303, Location=each) for each in locations)))
    assert download(connect(url), tmp_path) == BYTES
    assert [request.split(b" ")[1] for request in received_by_other] == [
        b"/?signature=1",
        b"/?signature=2",
    ]
    assert len(received) == 2


@pytest.mark.parametrize(
    ("status", "kind", "asked"),
    [
        (403, RetryableError, 3),
        (503, RetryableError, 3),
        (429, RetryableError, 3),
        (404, GapError, 1),
        (418, GiveUpError, 1),
    ],
)
def test_what_another_host_answers_is_told_without_its_address(
    serve: Serve,
    connect: Connect,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    status: int,
    kind: type[HelpdeskError],
    asked: int,
) -> None:
    body = b'{"errors": [{"code": "hidden-word", "detail": "hidden-word"}]}'
    other, received_by_other = serve(in_turn(answer(status, body, Content_Type="application/json")))
    url, _ = serve(in_turn(answer(303, Location=elsewhere(other) + SIGNED)))
    with caplog.at_level(logging.DEBUG), pytest.raises(kind, match="localhost") as raised:
        download(connect(url), tmp_path)
    assert (type(raised.value), raised.value.status) == (kind, status)
    assert len(received_by_other) == asked
    assert "hidden" not in str(raised.value) + caplog.text
    assert [*tmp_path.iterdir()] == []


def test_a_body_that_broke_off_elsewhere_is_fetched_again(
    serve: Serve, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cut = answer(200, BYTES[:-1]).replace(b"5119", b"5120")
    other, _ = serve(in_turn(cut, answer(200, BYTES)))
    url, _ = serve(in_turn(answer(303, Location=elsewhere(other) + SIGNED)))
    with caplog.at_level(logging.DEBUG):
        assert download(connect(url), tmp_path) == BYTES
    assert "broke off" in caplog.text
    assert "hidden" not in caplog.text


def test_a_circle_through_other_hosts_ends(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    ring = [""]
    other, received_by_other = serve(lambda _: answer(302, Location=ring[0]))
    ring[0] = elsewhere(other) + SIGNED
    url, _ = serve(in_turn(answer(303, Location=ring[0])))
    with pytest.raises(GiveUpError, match="circle") as raised:
        download(connect(url), tmp_path)
    assert "hidden" not in str(raised.value)
    assert len(received_by_other) == 5


@pytest.mark.parametrize(
    "location",
    [
        "http://other.example.com/?signature=hidden-word",
        "https://user:hidden-word@other.example.com/",
        "ftp://other.example.com/hidden-word",
        "file:///hidden-word",
        "https://",
    ],
)
def test_a_redirect_that_is_not_safe_is_refused(
    serve: Serve, connect: Connect, tmp_path: Path, location: str
) -> None:
    url, received = serve(in_turn(answer(303, Location=location)))
    with pytest.raises(UnsafeError, match="only https to other machines") as raised:
        download(connect(url), tmp_path)
    assert "hidden-word" not in str(raised.value)
    assert len(received) == 1


@pytest.mark.parametrize(
    ("base", "location", "is_followed"),
    [
        ("https://acme.example.com", "https://bucket.example.net/x?s=1", True),
        ("https://acme.example.com", "http://bucket.example.net/x", False),
        ("https://acme.example.com", "https://localhost/x", False),
        ("https://acme.example.com", "http://127.0.0.1/x", False),
        ("http://localhost:1", "http://127.0.0.1:2/x", True),
        ("http://localhost:1", "https://bucket.example.net/x", True),
        ("http://localhost:1", "http://bucket.example.net/x", False),
        ("https://acme.example.com", "https://bucket.example.net:port/x", False),
    ],
)
def test_plain_http_is_for_this_machine_only(base: str, location: str, is_followed: bool) -> None:  # noqa: FBT001 - a case
    here = httpx.URL(base)
    if is_followed:
        assert str(unsigned_target(here, here, location)) == location
    else:
        with pytest.raises(UnsafeError):
            unsigned_target(here, here, location)


def test_only_who_asks_for_it_leaves_the_origin(serve: Serve, connect: Connect) -> None:
    other, received_by_other = serve(in_turn(answer(200, BYTES)))
    url, _ = serve(in_turn(answer(303, Location=elsewhere(other))))
    with pytest.raises(UnsafeError, match="another origin"), connect(url).stream("/content"):
        pass
    assert received_by_other == []


def test_content_beyond_the_bound_is_not_even_read(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    url, received = serve(in_turn(answer(200, BYTES)))
    assert download(connect(url), tmp_path, max_bytes=len(BYTES)) == BYTES
    with pytest.raises(TooLargeError, match="announced 5120 bytes") as raised:
        download(connect(url), tmp_path, max_bytes=len(BYTES) - 1)
    assert raised.value.at_least_bytes == len(BYTES)
    assert len(received) == 2


def test_content_without_a_length_stops_at_the_bound(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    url, _ = serve(in_turn(head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BYTES), BYTES)))
    with pytest.raises(TooLargeError) as raised:
        download(connect(url), tmp_path, max_bytes=10)
    assert raised.value.at_least_bytes > 10
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("refuse_html", [True, False])
def test_a_page_is_content_only_where_one_is_expected(
    serve: Serve, connect: Connect, tmp_path: Path, *, refuse_html: bool
) -> None:
    page = b"<html>Sign in</html>"
    url, _ = serve(in_turn(answer(200, page, Content_Type="text/html; charset=utf-8")))
    if refuse_html:
        with pytest.raises(RetryableError, match="web page"):
            download(connect(url), tmp_path, refuse_html=True)
    else:
        assert download(connect(url), tmp_path, refuse_html=False) == page
