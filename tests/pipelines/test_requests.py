"""What the job asks of Gladly: every file once, within the rate limit, whatever goes wrong."""

from datetime import timedelta
from pathlib import Path

import pytest

from sandbox import (
    FaultAction,
    Sandbox,
    SandboxSettings,
    WorldSettings,
    answer_html,
    answer_status,
    drop_after,
)
from sources.http.errors import GiveUpError
from tests.pipelines.model import deliveries, differences
from tests.pipelines.runs import ITEMS, duckdb_target, item, read_tables, run, sms

FILES = "/api/v1/export/jobs/*/files/*"
FAULTS: dict[str, tuple[str, FaultAction]] = {
    "429 on a list": ("/api/v1/export/jobs", answer_status(429, "0")),
    "503 on a file": (FILES, answer_status(503)),
    "500 on the schedules": ("/api/v1/export/schedules", answer_status(500)),
    "a list cut short": ("/api/v1/export/jobs", drop_after(20)),
    "a file cut short": (FILES, drop_after(20)),
    "a file cut before its first byte": (FILES, drop_after(0)),
    "a maintenance page for a file": (FILES, answer_html()),
}


def test_two_nights_fetch_each_file_once_and_stay_below_the_limit(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with Sandbox(SandboxSettings(world=WorldSettings(items=60, days=5))) as sandbox:
        assert len(run(sandbox, target).files) == 4 * 4
        sandbox.clock.advance(timedelta(days=1))
        assert len(run(sandbox, target).files) == 4
        fetched = sandbox.requests.file_requests()
        assert len(fetched) == 5 * 4
        assert set(fetched.values()) == {1}
        assert sandbox.requests.count_429() == 0
        assert sandbox.requests.most_in_any_second() <= sandbox.settings.requests_per_second
        assert all(request.authorised for request in sandbox.requests)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_passing_fault_costs_time_and_nothing_else(
    fault: str, tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    path, action = FAULTS[fault]
    empty_sandbox.add_job({ITEMS: item("a", sms("hi", "x")) + item("b", sms("there"))})
    empty_sandbox.faults.on(path, 1, action)
    run(empty_sandbox, target)
    assert empty_sandbox.faults.take(FILES.replace("*", "x")) is None
    assert differences(read_tables(target), deliveries(empty_sandbox)) == []
    assert empty_sandbox.requests.file_requests().total() == 1 + (path == FILES)


def test_a_run_that_a_refusal_stops_is_recorded_and_the_next_one_does_the_rest(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    for name in ("a", "b"):
        empty_sandbox.add_job({ITEMS: item(name, sms("hi"))})
    empty_sandbox.faults.on(FILES, 1, answer_status(403))
    with pytest.raises(GiveUpError, match="403"):
        run(empty_sandbox, target)
    assert [row["status"] for row in read_tables(target)["load_runs"]] == ["failed"]
    run(empty_sandbox, target)
    assert differences(read_tables(target), deliveries(empty_sandbox)) == []


def test_packages_that_are_loaded_stay_loaded_when_a_later_one_fails(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    first = empty_sandbox.add_job({ITEMS: item("a", sms("hi"))})
    empty_sandbox.clock.advance(timedelta(hours=1))
    second = empty_sandbox.add_job({ITEMS: item("b", sms("hi"))})
    empty_sandbox.faults.on(f"/api/v1/export/jobs/{second}/files/*", 1, answer_status(403))
    with pytest.raises(GiveUpError):
        run(empty_sandbox, target, package_bytes=1)
    assert [row["job_id"] for row in read_tables(target)["load_files"]] == [first]
    run(empty_sandbox, target, package_bytes=1)
    assert differences(read_tables(target), deliveries(empty_sandbox)) == []
    assert empty_sandbox.requests.file_requests()[first, ITEMS] == 1
