"""The export endpoints: jobs by the clock, filters, files, retention."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal

import httpx
import orjson
import pytest

from sandbox import FILE_NAMES, Sandbox, SandboxSettings, WorldSettings
from sandbox.exports import after_jobs_under_way

JOBS = "/api/v1/export/jobs"
WORLD = WorldSettings(items=600, days=4, first_day=date(2026, 3, 2), broken_days=frozenset({3}))
NOT_FOUND = {"errors": [{"code": "not_exist", "detail": "entity does not exist"}]}


def client_of(sandbox: Sandbox) -> httpx.Client:
    return httpx.Client(base_url=sandbox.base_url, auth=(sandbox.email, sandbox.api_token))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxSettings(world=WORLD, requests_per_second=1000)) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client_of(sandbox) as connected:
        yield connected


def records(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200
    assert answer.content.endswith(b"\n")
    return [orjson.loads(line) for line in answer.content.split(b"\n")[:-1]]


def test_the_first_morning_shows_complete_jobs_with_adjacent_windows(client: httpx.Client) -> None:
    jobs = client.get(JOBS).json()
    assert [job["parameters"]["startAt"][:10] for job in jobs] == [
        "2026-03-02",
        "2026-03-03",
        "2026-03-04",
    ]
    for before, after in pairwise(jobs):
        assert before["parameters"]["endAt"] == after["parameters"]["startAt"]
    for job in jobs:
        assert job["status"] == "COMPLETED"
        assert job["files"] == list(FILE_NAMES)
        assert len(job["updatedAt"]) > len("2019-02-21T07:15:19.072729Z")
        assert client.get(f"{JOBS}/{job['id']}").json() == job


def test_a_job_goes_from_pending_to_completed_as_the_night_passes(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    sandbox.clock.set(datetime(2026, 3, 3, tzinfo=UTC))
    seen = []
    for _ in range(120):
        seen.append([job["status"] for job in client.get(JOBS).json()])
        sandbox.clock.advance(timedelta(minutes=1))
    states = [state for before, state in pairwise([None, *seen]) if state != before]
    assert states == [[], ["PENDING"], ["IN_PROGRESS"], ["COMPLETED"]]


@pytest.mark.parametrize("frequency", ["DAILY", "HOURLY"])
def test_a_clock_can_be_started_when_no_job_is_under_way(
    frequency: Literal["DAILY", "HOURLY"],
) -> None:
    world = WorldSettings(items=10, days=2, frequency=frequency)
    midnight = datetime(2026, 3, 4, tzinfo=UTC)
    moved = 0
    with (
        Sandbox(SandboxSettings(world=world, requests_per_second=1000)) as sandbox,
        client_of(sandbox) as client,
    ):
        for minutes in range(0, 120, 2):
            asked = midnight + timedelta(minutes=minutes)
            now = after_jobs_under_way(world, asked)
            assert timedelta() <= now - asked < timedelta(minutes=13)
            sandbox.clock.set(now)
            assert {job["status"] for job in client.get(JOBS).json()} == {"COMPLETED"}
            moved += now > asked
    assert moved > 0


def test_an_unfinished_job_lists_no_files_and_serves_none(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    job = client.get(JOBS).json()[0]
    sandbox.clock.set(datetime.fromisoformat(job["updatedAt"]) - timedelta(minutes=1))
    unfinished = client.get(f"{JOBS}/{job['id']}").json()
    assert (unfinished["status"], unfinished["files"]) == ("IN_PROGRESS", [])
    assert client.get(f"{JOBS}/{job['id']}/files/agents.jsonl").status_code == 404


def test_an_hourly_schedule_makes_a_job_two_hours_after_each_window_begins() -> None:
    world = WorldSettings(items=600, days=1, first_day=date(2026, 3, 2), frequency="HOURLY")
    noon = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
    settings = SandboxSettings(world=world, now=noon, requests_per_second=1000)
    with Sandbox(settings) as sandbox, client_of(sandbox) as client:
        jobs = client.get(JOBS, params={"status": "COMPLETED"}).json()
        assert jobs[-1]["parameters"]["startAt"] == "2026-03-02T10:00:00.00Z"
        schedule = client.get("/api/v1/export/schedules").json()[0]
        assert schedule["frequency"] == "HOURLY"
        assert schedule["nextStartAt"] == "2026-03-02T11:00:00.00Z"
        sandbox.clock.set(datetime(2026, 3, 3, 6, tzinfo=UTC))
        ids = set()
        for job in client.get(JOBS).json():
            path = f"{JOBS}/{job['id']}/files/conversation_items.jsonl"
            body = client.get(path).content
            ids |= {orjson.loads(line)["id"] for line in body.split(b"\n")[:-1]}
        assert len(ids) == 600


def test_the_schedule_names_the_next_window(client: httpx.Client) -> None:
    schedules = client.get("/api/v1/export/schedules").json()
    assert [schedule["nextStartAt"] for schedule in schedules] == ["2026-03-05T00:00:00.00Z"]
    jobs = client.get(JOBS).json()
    assert {job["scheduleId"] for job in jobs} == {schedule["id"] for schedule in schedules}


def test_the_files_of_a_job_fit_together(client: httpx.Client) -> None:
    topics_listed = client.get("/api/v1/topics").json()
    agents_listed = client.get("/api/v1/agents").json()
    for job in client.get(JOBS).json():
        files = {
            name: records(client.get(f"{JOBS}/{job['id']}/files/{name}")) for name in FILE_NAMES
        }
        items = files["conversation_items.jsonl"]
        customers = [customer["id"] for customer in files["customers.jsonl"]]
        assert {item["customerId"] for item in items} == set(customers)
        assert len(customers) == len(set(customers))
        assert files["agents.jsonl"] == agents_listed
        assert files["topics.jsonl"] == topics_listed


def test_the_second_night_brings_new_repeated_changed_and_hurt_lines(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    before = {
        item["id"]: item
        for job in client.get(JOBS).json()
        for item in records(client.get(f"{JOBS}/{job['id']}/files/conversation_items.jsonl"))
    }
    sandbox.clock.advance(timedelta(days=1))
    newest = client.get(JOBS).json()[-1]
    body = client.get(f"{JOBS}/{newest['id']}/files/conversation_items.jsonl").content
    readable, unreadable = [], 0
    for line in body.split(b"\n")[:-1]:
        try:
            item = orjson.loads(line)
        except orjson.JSONDecodeError:
            item = None
        if isinstance(item, dict) and "id" in item:
            readable.append(item)
        else:
            unreadable += 1
    assert unreadable == 4
    again = [item for item in readable if item["id"] in before]
    assert any(item == before[item["id"]] for item in again)
    assert any(item != before[item["id"]] for item in again)
    contents = [item["content"] for item in readable]
    assert sum(content["type"] == "CARRIER_PIGEON" for content in contents) == 1
    assert sum(content.get("recordingDuration") == "100" for content in contents) == 1
    assert sum("sentiment" in item for item in readable) == 1
    assert len(readable) - len(again) - 3 == 150
    customers = client.get(f"{JOBS}/{newest['id']}/files/customers.jsonl")
    assert {item["customerId"] for item in readable} == {c["id"] for c in records(customers)}


@pytest.mark.parametrize(
    ("query", "attribute"),
    [
        ({"status": "DONE"}, "status"),
        ({"startAt": "2026-02-01T00:00:00Z"}, "startAt"),
        ({"startAt": "yesterday"}, "startAt"),
        ({"endAt": "2026-03-05T06:00:01Z"}, "endAt"),
        ({"endAt": "soon"}, "endAt"),
        ({"startAt": "2026-03-04T00:00:00Z", "endAt": "2026-03-03T00:00:00Z"}, "endAt"),
    ],
    ids=[
        "unknown status",
        "start over 14 days ago",
        "start not a date",
        "end in the future",
        "end not a date",
        "end before start",
    ],
)
def test_a_bad_filter_is_refused(
    client: httpx.Client, query: dict[str, str], attribute: str
) -> None:
    answer = client.get(JOBS, params=query)
    assert answer.status_code == 400
    assert [error["attr"] for error in answer.json()["errors"]] == [attribute]


def test_filters_go_by_the_time_of_the_update_and_not_by_the_window(client: httpx.Client) -> None:
    during = {"startAt": "2026-03-04T00:00:00.000Z", "endAt": "2026-03-05T00:00:00.000Z"}
    jobs = client.get(JOBS, params=during).json()
    assert [job["parameters"]["startAt"][:10] for job in jobs] == ["2026-03-03"]
    assert client.get(JOBS, params={"status": "FAILED"}).json() == []
    assert len(client.get(JOBS, params={"status": "COMPLETED"}).json()) == 3


def test_a_job_and_its_files_are_gone_after_fourteen_days(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    job = client.get(JOBS).json()[0]
    path = f"{JOBS}/{job['id']}"
    sandbox.clock.set(datetime.fromisoformat(job["updatedAt"]) + timedelta(days=14))
    assert client.get(path).status_code == 200
    assert client.get(f"{path}/files/agents.jsonl").status_code == 200
    sandbox.clock.advance(timedelta(seconds=1))
    for gone in (path, f"{path}/files/agents.jsonl"):
        answer = client.get(gone)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert job["id"] not in [kept["id"] for kept in client.get(JOBS).json()]


@pytest.mark.parametrize(
    "path", [f"{JOBS}/nobody", f"{JOBS}/nobody/files/agents.jsonl", "/api/v1/no-such-thing"]
)
def test_what_does_not_exist_answers_404_with_the_error_body(
    client: httpx.Client, path: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_a_finished_job_can_be_deleted_and_an_unfinished_one_cannot(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    finished = f"{JOBS}/{client.get(JOBS).json()[0]['id']}"
    assert client.delete(finished).status_code == 204
    assert client.delete(finished).status_code == 404
    unfinished = f"{JOBS}/{sandbox.add_job({}, status='IN_PROGRESS')}"
    answer = client.delete(unfinished)
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "status")
    assert client.get(unfinished).status_code == 200


def test_a_file_can_be_had_in_parts_that_belong_together(client: httpx.Client) -> None:
    path = f"{JOBS}/{client.get(JOBS).json()[0]['id']}/files/conversation_items.jsonl"
    whole = client.get(path)
    assert whole.headers["content-type"].startswith("application/x-ndjson")
    assert int(whole.headers["content-length"]) == len(whole.content)
    same = {"Range": "bytes=1000-", "If-Range": whole.headers["etag"]}
    rest = client.get(path, headers=same)
    assert (rest.status_code, rest.content) == (206, whole.content[1000:])
    other = client.get(path, headers={"Range": "bytes=1000-", "If-Range": '"another"'})
    assert (other.status_code, other.content) == (200, whole.content)


@pytest.mark.parametrize("name", ["agents.jsonl", "new kind.jsonl", "../up.jsonl", "a/b", "é\0"])
def test_an_added_job_serves_files_of_any_name(
    sandbox: Sandbox, client: httpx.Client, name: str
) -> None:
    job_id = sandbox.add_job({name: b"content\n", "missing.jsonl": None})
    assert client.get(f"{JOBS}/{job_id}").json()["files"] == [name, "missing.jsonl"]
    quoted = "".join(f"%{byte:02X}" for byte in name.encode())
    assert client.get(f"{JOBS}/{job_id}/files/{quoted}").content == b"content\n"
    assert client.get(f"{JOBS}/{job_id}/files/missing.jsonl").status_code == 404


def test_an_added_job_has_the_times_status_and_schedule_it_was_given(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    job_id = sandbox.add_job(
        {},
        status="FAILED",
        updated_at=datetime(2026, 3, 5, 5, tzinfo=UTC),
        start_at=datetime(2026, 1, 1, tzinfo=UTC),
        end_at=datetime(2026, 2, 1, tzinfo=UTC),
        schedule_id="another",
    )
    assert client.get(JOBS, params={"status": "FAILED"}).json() == [
        {
            "id": job_id,
            "scheduleId": "another",
            "status": "FAILED",
            "updatedAt": "2026-03-05T05:00:00.00Z",
            "parameters": {
                "type": "CONVERSATIONS",
                "startAt": "2026-01-01T00:00:00.00Z",
                "endAt": "2026-02-01T00:00:00.00Z",
            },
            "files": [],
        }
    ]
    sandbox.remove_job(job_id)
    assert client.get(f"{JOBS}/{job_id}").status_code == 404


def test_a_replaced_file_has_other_content_and_another_etag(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    job_id = sandbox.add_job({"agents.jsonl": b"one\n"})
    path = f"{JOBS}/{job_id}/files/agents.jsonl"
    before = client.get(path)
    sandbox.replace_file(job_id, "agents.jsonl", b"two\n")
    after = client.get(path)
    assert (before.content, after.content) == (b"one\n", b"two\n")
    assert before.headers["etag"] != after.headers["etag"]


def test_a_world_without_days_has_no_jobs_but_those_added() -> None:
    settings = SandboxSettings(world=WorldSettings(items=0, days=0))
    with Sandbox(settings) as sandbox, client_of(sandbox) as client:
        assert client.get(JOBS).json() == []
        job_id = sandbox.add_job({"agents.jsonl": b""})
        assert [job["id"] for job in client.get(JOBS).json()] == [job_id]
