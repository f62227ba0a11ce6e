"""What a client meets where a fault is scripted."""

import gzip
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import pytest

from sandbox import (
    FaultAction,
    Sandbox,
    SandboxSettings,
    WorldSettings,
    answer_status,
    answer_truly,
    drip,
    drop_after,
    drop_before,
    drop_chunks_after,
    first,
    redirect,
    stall_after,
    stall_before,
)
from sandbox.altered_answers import (
    cut_to,
    empty,
    gzip_bomb,
    gzipped,
    no_gzip,
    short_gzip,
    two_members,
    with_header,
)

AGENTS = "/api/v1/agents"
TEAMS = "/api/v1/teams"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    settings = SandboxSettings(world=WorldSettings(items=20, days=2), requests_per_second=1000)
    with Sandbox(settings) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    authorisation = (sandbox.email, sandbox.api_token)
    headers = {"Accept-Encoding": "identity"}
    with httpx.Client(
        base_url=sandbox.base_url, auth=authorisation, headers=headers, timeout=0.5
    ) as connected:
        yield connected


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param(drop_before, httpx.RemoteProtocolError, id="dropped before"),
        pytest.param(lambda: drop_after(0), httpx.RemoteProtocolError, id="dropped after"),
        pytest.param(lambda: drop_chunks_after(9), httpx.RemoteProtocolError, id="cut chunks"),
        pytest.param(stall_before, httpx.ReadTimeout, id="stalls before"),
        pytest.param(lambda: stall_after(9), httpx.ReadTimeout, id="stalls within"),
    ],
)
def test_a_connection_is_hurt_once_and_then_whole(
    sandbox: Sandbox,
    client: httpx.Client,
    fault: Callable[[], FaultAction],
    error: type[httpx.TransportError],
) -> None:
    sandbox.faults.on(AGENTS, 1, fault())
    with pytest.raises(error):
        client.get(AGENTS)
    assert client.get(AGENTS).json()


def test_a_request_without_any_answer_is_recorded_as_such(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    sandbox.requests.clear()
    sandbox.faults.on(AGENTS, 1, drop_before())
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(AGENTS)
    client.get(AGENTS)
    assert [request.status for request in sandbox.requests] == [None, 200]


@pytest.mark.parametrize(
    ("fault", "decoded"),
    [
        pytest.param(gzipped(), lambda body: body, id="honest"),
        pytest.param(gzipped(two_members), lambda body: body, id="two members"),
        pytest.param(gzipped(gzip_bomb(2)), lambda _: bytes(2 << 20), id="bomb"),
    ],
)
def test_gzip_that_nobody_asked_for_can_be_read(
    sandbox: Sandbox,
    client: httpx.Client,
    fault: FaultAction,
    decoded: Callable[[bytes], bytes],
) -> None:
    body = client.get(AGENTS).content
    sandbox.faults.on(AGENTS, 1, fault)
    with client.stream("GET", AGENTS) as answer:
        sent = b"".join(answer.iter_raw())
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(sent) == decoded(body)


@pytest.mark.parametrize("encode", [short_gzip, no_gzip], ids=["short", "none"])
def test_gzip_that_is_spoilt_cannot_be_read(
    sandbox: Sandbox, client: httpx.Client, encode: Callable[[bytes], bytes]
) -> None:
    sandbox.faults.on(AGENTS, 1, gzipped(encode))
    with client.stream("GET", AGENTS) as answer:
        sent = b"".join(answer.iter_raw())
    with pytest.raises((EOFError, gzip.BadGzipFile)):
        gzip.decompress(sent)


def test_a_body_can_be_cut_under_a_length_that_fits(sandbox: Sandbox, client: httpx.Client) -> None:
    body = client.get(AGENTS).content
    sandbox.faults.on(AGENTS, 1, cut_to(0.5))
    sandbox.faults.on(AGENTS, 1, empty())
    assert client.get(AGENTS).content == body[: len(body) // 2]
    nothing = client.get(AGENTS)
    assert (nothing.status_code, nothing.content) == (200, b"")
    assert "content-type" not in nothing.headers


def test_headers_can_be_others(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.faults.on(AGENTS, 1, with_header("ETag", '"other"'))
    sandbox.faults.on(AGENTS, 1, redirect("https://gladly.example.com/"))
    sandbox.faults.on(AGENTS, 1, redirect())
    assert client.get(AGENTS).headers["ETag"] == '"other"'
    assert client.get(AGENTS).headers["Location"] == "https://gladly.example.com/"
    assert client.get(AGENTS, params={"a": "b"}).headers["Location"] == f"{AGENTS}?a=b"


def test_a_body_that_drips_is_whole(sandbox: Sandbox, client: httpx.Client) -> None:
    body = client.get(AGENTS).content
    sandbox.faults.on(AGENTS, 1, drip(100, 0.001))
    assert client.get(AGENTS).content == body


def test_faults_come_at_the_request_they_are_scripted_for(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    sandbox.faults.clear()
    sandbox.faults.on("*", 1, answer_status(500), come_before=2)
    sandbox.faults.on(TEAMS, 1, answer_status(503), come_before=1)
    paths = [AGENTS, TEAMS, TEAMS, TEAMS, AGENTS]
    assert [client.get(path).status_code for path in paths] == [200, 200, 500, 503, 200]
    assert sandbox.faults.met == 2


def test_a_job_can_vanish_at_a_request_and_come_back(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    job = sandbox.add_job({"topics.jsonl": b"{}\n"}, updated_at=datetime(2026, 3, 3, tzinfo=UTC))
    path = f"/api/v1/export/jobs/{job}"
    sandbox.faults.on(path, 1, first(lambda: sandbox.remove_job(job), answer_truly))
    assert client.get(path).status_code == 404
    sandbox.restore_job(job)
    assert client.get(path).status_code == 200


def test_limits_and_records_go_by_a_clock_that_can_be_replaced() -> None:
    now = [5.0]
    world = WorldSettings(items=20, days=2)
    settings = SandboxSettings(world=world, requests_per_second=1, seconds=lambda: now[0])
    with Sandbox(settings) as sandbox:
        authorisation = (sandbox.email, sandbox.api_token)
        with httpx.Client(base_url=sandbox.base_url, auth=authorisation) as client:
            statuses = [client.get(AGENTS).status_code for _ in range(2)]
            now[0] = 6.0
            statuses.append(client.get(AGENTS).status_code)
        assert statuses == [200, 429, 200]
        assert [request.seconds for request in sandbox.requests] == [5.0, 5.0, 6.0]
