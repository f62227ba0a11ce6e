"""The limits that only reports have, and what the log knows of them."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import RequestLog, Sandbox, SandboxSettings, WorldSettings
from sandbox.rate_limit import ReportLimit

REPORTS = "/api/v1/reports"
REPORT = {"metricSet": "TaskTimestampsReport", "startAt": "2026-03-02", "endAt": "2026-03-02"}
SMALL_WORLD = WorldSettings(items=100, days=2)


def client_of(sandbox: Sandbox) -> httpx.Client:
    return httpx.Client(base_url=sandbox.base_url, auth=(sandbox.email, sandbox.api_token))


def test_no_sixty_seconds_see_more_reports_begin_than_the_limit() -> None:
    limit = ReportLimit(reports_per_minute=3, reports_at_once=99)

    def admitted(seconds: float) -> bool:
        with limit.admit(seconds) as refusal:
            return refusal is None

    assert [admitted(seconds) for seconds in (0.5, 59.0, 59.5, 60.0)] == [True, True, True, False]
    assert [admitted(seconds) for seconds in (60.5, 60.6, 118.9)] == [True, False, False]
    assert [admitted(seconds) for seconds in (119.0, 119.5, 119.6)] == [True, True, False]


def test_a_report_that_ends_in_an_error_makes_room_for_the_next() -> None:
    limit = ReportLimit(reports_per_minute=99, reports_at_once=1)
    with pytest.raises(LookupError), limit.admit(0.0):
        raise LookupError
    with limit.admit(1.0) as first, limit.admit(2.0) as second, limit.admit(3.0) as third:
        assert first is None
        assert second == third == "more than 1 reports at one time"
    with limit.admit(4.0) as refusal:
        assert refusal is None


def test_the_eleventh_report_of_a_minute_is_refused_and_nothing_else_is() -> None:
    settings = SandboxSettings(world=SMALL_WORLD, requests_per_second=1000)
    with Sandbox(settings) as sandbox, client_of(sandbox) as client:
        assert httpx.post(sandbox.base_url + REPORTS).status_code == 401
        statuses = [client.post(REPORTS, json=REPORT).status_code for _ in range(12)]
        assert statuses == [200] * 10 + [429] * 2
        assert client.get("/api/v1/agents").status_code == 200
        assert client.get(REPORTS).status_code == 405
        assert client.post(REPORTS + "/work-session-events").status_code == 429
        refused = client.post(REPORTS, json=REPORT)
        assert refused.json()["errors"][0]["code"] == "rate_limited"
        assert "retry-after" not in refused.headers
        assert sandbox.requests.most_within(60, "POST", REPORTS) == 15
        assert sandbox.requests.most_within(60, "POST", REPORTS + "/work-session-events") == 1
        assert sandbox.requests.most_at_once("POST", REPORTS) == 1


def test_a_third_report_at_one_time_is_refused() -> None:
    settings = SandboxSettings(world=SMALL_WORLD, requests_per_second=1000)
    with Sandbox(settings) as sandbox, client_of(sandbox) as client:
        both_arrived, third_refused = threading.Barrier(3), threading.Event()

        async def wait(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.to_thread(both_arrived.wait, timeout=60)
            await asyncio.to_thread(third_refused.wait, timeout=60)
            await app(scope, receive, send)

        sandbox.faults.on(REPORTS, 2, wait)
        with ThreadPoolExecutor(2) as pool:
            slow = [pool.submit(client.post, REPORTS, json=REPORT) for _ in range(2)]
            both_arrived.wait(timeout=60)
            assert client.post(REPORTS, json=REPORT).status_code == 429
            assert client.get("/api/v1/agents").status_code == 200
            third_refused.set()
            assert [asked.result().status_code for asked in slow] == [200, 200]
        assert client.post(REPORTS, json=REPORT).status_code == 200
        assert sandbox.requests.most_at_once("POST", REPORTS) == 3
        assert sandbox.requests.most_at_once("GET") == 1
        assert sandbox.requests.count_429() == 1


def test_the_log_forgets_what_was_under_way_when_it_is_cleared() -> None:
    log = RequestLog()
    with log.under_way("POST", REPORTS):
        log.clear()
        with log.under_way("POST", REPORTS):
            assert log.most_at_once("POST", REPORTS) == 1
    assert log.most_at_once("POST", REPORTS) == 1
    assert log.most_at_once("POST", "/api/v1/other") == 0
