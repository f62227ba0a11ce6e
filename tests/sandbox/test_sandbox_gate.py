"""What every request meets: the token, the rate limit, the record, the clock, the faults."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from sandbox import (
    RecordedRequest,
    RequestLog,
    Sandbox,
    SandboxSettings,
    WorldSettings,
    answer_html,
    answer_status,
    drop_after,
    stall,
)
from sandbox.rate_limit import RateLimit

AGENTS = "/api/v1/agents"
SMALL_WORLD = WorldSettings(items=100, days=2)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxSettings(world=SMALL_WORLD, requests_per_second=1000)) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    authorisation = (sandbox.email, sandbox.api_token)
    with httpx.Client(base_url=sandbox.base_url, auth=authorisation) as connected:
        yield connected


@pytest.mark.parametrize(
    "authorisation",
    [None, ("api.user@example.com", "wrong"), ("other@example.com", "sandbox-token")],
    ids=["none", "wrong token", "wrong user"],
)
def test_every_path_asks_for_the_right_user_and_token(
    sandbox: Sandbox, authorisation: tuple[str, str] | None
) -> None:
    for path in (AGENTS, "/api/v1/export/jobs", "/no/such/path"):
        answer = httpx.get(sandbox.base_url + path, auth=authorisation)
        assert (answer.status_code, list(answer.json())) == (401, ["errors"])
        assert "ratelimit-remaining-second" in answer.headers
    assert [request.authorised for request in sandbox.requests] == [False] * 3


def test_a_rotated_token_replaces_the_old_one_at_once(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    sandbox.rotate_token("newer")
    assert client.get(AGENTS).status_code == 401
    assert client.get(AGENTS, auth=(sandbox.email, sandbox.api_token)).status_code == 200


def test_the_date_of_an_answer_is_the_sandbox_clock(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.clock.set(datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC))
    answer = client.get(AGENTS)
    assert answer.headers.get_list("date") == ["Thu, 29 Feb 2024 23:59:59 GMT"]


def test_each_method_has_its_own_budget_in_each_second() -> None:
    limit = RateLimit(requests_per_second=2)
    assert [limit.remaining_after("GET", seconds) for seconds in (5.0, 5.5, 5.9)] == [1, 0, -1]
    assert limit.remaining_after("POST", 5.9) == 1
    assert limit.remaining_after("GET", 6.0) == 1
    limit.other_clients_use(2)
    assert limit.remaining_after("GET", 7.0) == -1


def test_requests_beyond_the_limit_of_a_second_are_refused() -> None:
    with Sandbox(SandboxSettings(world=SMALL_WORLD, requests_per_second=3)) as sandbox:
        authorisation = (sandbox.email, sandbox.api_token)
        with httpx.Client(base_url=sandbox.base_url, auth=authorisation) as client:
            answers = [client.get(AGENTS) for _ in range(40)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert sandbox.requests.count_429() == len(refused) > 0
        assert {answer.headers["ratelimit-limit-second"] for answer in answers} == {"3"}
        assert {answer.headers["ratelimit-remaining-second"] for answer in refused} == {"0"}


def test_other_clients_use_up_the_budget_of_the_organisation() -> None:
    with Sandbox(SandboxSettings(world=SMALL_WORLD, requests_per_second=10)) as sandbox:
        sandbox.other_clients_use(10)
        authorisation = (sandbox.email, sandbox.api_token)
        assert httpx.get(sandbox.base_url + AGENTS, auth=authorisation).status_code == 429
        sandbox.other_clients_use(0)
        assert httpx.get(sandbox.base_url + AGENTS, auth=authorisation).status_code == 200


def test_requests_are_recorded_without_their_credentials(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    client.get("/api/v1/export/jobs", params={"status": "FAILED"})
    client.get("/api/v1/export/jobs/j/files/f.jsonl", headers={"Range": "bytes=5-"})
    listing, file = sandbox.requests
    assert (listing.method, listing.path, listing.query, listing.status, listing.authorised) == (
        "GET",
        "/api/v1/export/jobs",
        "status=FAILED",
        200,
        True,
    )
    assert file.headers["range"] == "bytes=5-"
    assert "authorization" not in file.headers
    assert sandbox.requests.requests_for("/api/v1/export/jobs") == [listing]
    assert sandbox.requests.file_requests() == {("j", "f.jsonl"): 1}


def test_the_busiest_second_is_found_wherever_it_begins() -> None:
    log = RequestLog()
    for seconds in (0.0, 0.6, 0.9, 1.2, 1.59, 1.7, 3.0):
        log.record(RecordedRequest("GET", "/", "", 200, seconds, authorised=True, headers={}))
    assert log.most_in_any_second() == 4
    assert log.most_in_any_second("POST") == 0


def test_a_scripted_status_comes_so_many_times_and_then_no_more(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    sandbox.faults.on(AGENTS, 2, answer_status(503, retry_after="7"))
    answers = [client.get(AGENTS) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert [answer.headers.get("retry-after") for answer in answers] == ["7", "7", None]


def test_a_fault_meets_only_the_paths_of_its_pattern(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    sandbox.faults.on("/api/v1/export/jobs/*/files/*", 1, answer_status(500))
    assert client.get(AGENTS).status_code == 200
    assert client.get("/api/v1/export/jobs").status_code == 200
    assert client.get("/api/v1/export/jobs/x/files/y").status_code == 500


def test_a_web_page_can_come_in_place_of_data(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.faults.on("*", 1, answer_html())
    answer = client.get(AGENTS)
    assert (answer.status_code, answer.text[:6]) == (200, "<html>")
    assert answer.headers["content-type"].startswith("text/html")


def read_into(received: bytearray, answer: httpx.Response) -> None:
    for chunk in answer.iter_raw():
        received += chunk


@pytest.mark.parametrize("kept", [0, 1, 4321, 2_000_000])
def test_a_connection_drops_after_exactly_so_many_bytes(
    sandbox: Sandbox, client: httpx.Client, kept: int
) -> None:
    content = b"0123456789" * 300_000
    job_id = sandbox.add_job({"agents.jsonl": content})
    path = f"/api/v1/export/jobs/{job_id}/files/agents.jsonl"
    sandbox.faults.on(path, 1, drop_after(kept))
    received = bytearray()
    with client.stream("GET", path) as answer:
        assert int(answer.headers["content-length"]) == len(content)
        with pytest.raises(httpx.RemoteProtocolError):
            read_into(received, answer)
    assert bytes(received) == content[:kept]
    assert client.get(path).content == content


def test_a_stalled_answer_arrives_late(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.faults.on(AGENTS, 1, stall(0.3))
    with pytest.raises(httpx.TimeoutException):
        client.get(AGENTS, timeout=0.05)
    sandbox.faults.on(AGENTS, 1, stall(0.05))
    assert client.get(AGENTS).status_code == 200


def test_cleared_faults_do_not_happen(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.faults.on(AGENTS, 5, answer_status(500))
    sandbox.faults.clear()
    assert client.get(AGENTS).status_code == 200
