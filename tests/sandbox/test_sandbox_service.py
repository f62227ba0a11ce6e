"""The sandbox as a running thing: it starts, stops, and leaves nothing behind."""

import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from sandbox import Sandbox, SandboxClock, SandboxSettings, WorldSettings, stall
from sandbox.export_store import ExportStore

SMALL_WORLD = WorldSettings(items=100, days=2)
JOBS = "/api/v1/export/jobs"


def get(sandbox: Sandbox, path: str) -> httpx.Response:
    return httpx.get(sandbox.base_url + path, auth=(sandbox.email, sandbox.api_token))


def test_a_stopped_sandbox_leaves_no_thread_and_no_open_port() -> None:
    before = set(threading.enumerate())
    with Sandbox(SandboxSettings(world=SMALL_WORLD)) as sandbox:
        job = get(sandbox, JOBS).json()[0]
        assert get(sandbox, f"{JOBS}/{job['id']}/files/agents.jsonl").status_code == 200
        address = ("127.0.0.1", int(sandbox.base_url.rpartition(":")[2]))
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=10)
    assert set(threading.enumerate()) <= before
    with pytest.raises(ConnectionRefusedError), socket.create_connection(address, timeout=10):
        pass


def test_two_sandboxes_run_side_by_side_and_know_nothing_of_each_other() -> None:
    with (
        Sandbox(SandboxSettings(world=WorldSettings(seed=1, items=100, days=2))) as one,
        Sandbox(SandboxSettings(world=WorldSettings(seed=2, items=100, days=2))) as other,
    ):
        assert get(one, JOBS).json() != get(other, JOBS).json()
        other.clock.set(datetime(2030, 1, 1, tzinfo=UTC))
        assert get(other, JOBS).json() == []
        assert len(get(one, JOBS).json()) == 1
        assert len(one.requests) == 2


def test_the_same_settings_answer_the_same_bytes_whenever_they_run(tmp_path: Path) -> None:
    answers = []
    for folder in (tmp_path / "once", tmp_path / "again"):
        with Sandbox(SandboxSettings(world=SMALL_WORLD, folder=folder)) as sandbox:
            jobs = get(sandbox, JOBS)
            file = get(sandbox, f"{JOBS}/{jobs.json()[0]['id']}/files/conversation_items.jsonl")
            answers.append((jobs.content, file.content, file.headers["etag"]))
    assert answers[0] == answers[1]


def test_a_fixed_port_can_be_taken_again_at_once() -> None:
    with Sandbox(SandboxSettings(world=SMALL_WORLD)) as first:
        address = first.base_url
    port = int(address.rpartition(":")[2])
    with Sandbox(SandboxSettings(world=SMALL_WORLD, port=port)) as second:
        assert second.base_url == address
        assert get(second, "/api/v1/agents").status_code == 200


def test_wait_returns_when_the_sandbox_is_stopped() -> None:
    sandbox = Sandbox(SandboxSettings(world=SMALL_WORLD))
    sandbox.start()
    waiting = threading.Thread(target=sandbox.wait)
    waiting.start()
    assert waiting.is_alive()
    sandbox.stop()
    waiting.join(timeout=10)
    assert not waiting.is_alive()


def test_a_request_that_never_ends_does_not_keep_the_sandbox_from_stopping() -> None:
    with Sandbox(SandboxSettings(world=SMALL_WORLD)) as sandbox:
        sandbox.faults.on("*", 1, stall(3600))
        with pytest.raises(httpx.TimeoutException):
            httpx.get(sandbox.base_url, auth=(sandbox.email, sandbox.api_token), timeout=0.05)


def test_a_sandbox_that_is_not_running_says_so() -> None:
    with pytest.raises(RuntimeError, match="with Sandbox"):
        Sandbox().add_job({})


def test_a_defect_of_the_sandbox_itself_is_raised_when_it_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: ExportStore) -> None:
        raise LookupError("a defect")

    monkeypatch.setattr(ExportStore, "jobs", broken)
    with (
        pytest.RaisesGroup(pytest.RaisesExc(LookupError, match="a defect")),
        Sandbox(SandboxSettings(world=SMALL_WORLD)) as sandbox,
    ):
        assert get(sandbox, JOBS).status_code == 500


def test_the_clock_stands_still_until_it_is_moved() -> None:
    clock = SandboxClock(datetime(2026, 3, 5, tzinfo=UTC))
    assert clock.now() == clock.now() == datetime(2026, 3, 5, tzinfo=UTC)
    clock.advance(timedelta(days=1, hours=2))
    assert clock.now() == datetime(2026, 3, 6, 2, tzinfo=UTC)


def test_a_clock_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        SandboxClock(datetime(2026, 3, 5))  # noqa: DTZ001 - the point of the test
