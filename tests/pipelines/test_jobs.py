"""Which jobs a run loads, waits for, leaves and deletes."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pipelines.report import RunReport
from pipelines.runner import Target
from sandbox import Sandbox, SandboxSettings, WorldSettings
from tests.pipelines.model import deliveries, differences
from tests.pipelines.runs import ITEMS, duckdb_target, item, read_tables, run, sms

LAST_NIGHT = datetime(2026, 3, 4, 1, 5, tzinfo=UTC)
WORLD = WorldSettings(items=40, days=2, first_day=date(2026, 3, 2))


def unfinished_night() -> Sandbox:
    """Five minutes after the last job was made: it is finished within a quarter of an hour."""
    return Sandbox(SandboxSettings(world=WORLD, now=LAST_NIGHT, requests_per_second=1000))


def run_patiently(sandbox: Sandbox, target: Target, seconds: float) -> RunReport:
    def sleep(duration: float) -> None:
        sandbox.clock.advance(timedelta(seconds=duration))

    clock: Callable[[], float] = lambda: sandbox.clock.now().timestamp()  # noqa: E731 - named for reading
    return run(sandbox, target, sleep=sleep, clock=clock, wait_for_jobs=seconds, poll_every=60.0)


def test_a_job_that_is_not_finished_is_waited_for(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with unfinished_night() as sandbox:
        report = run_patiently(sandbox, target, 1200)
        assert (report.jobs, report.unfinished_jobs, report.gaps) == (2, [], [])
        assert differences(read_tables(target), deliveries(sandbox)) == []


def test_a_job_that_takes_too_long_is_reported_and_loaded_by_the_next_run(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with unfinished_night() as sandbox:
        report = run_patiently(sandbox, target, 120)
        assert (report.jobs, len(report.unfinished_jobs), report.gaps) == (1, 1, [])
        assert sandbox.clock.now() == LAST_NIGHT + timedelta(seconds=120)
        sandbox.clock.advance(timedelta(minutes=15))
        assert run_patiently(sandbox, target, 120).jobs == 1
        assert differences(read_tables(target), deliveries(sandbox)) == []


def test_selected_resources_come_alone_and_a_full_run_brings_the_rest(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with Sandbox(SandboxSettings(world=WORLD, requests_per_second=1000)) as sandbox:
        report = run(sandbox, target, selected=lambda name: name == "topics.jsonl")
        assert {file.file for file in report.files} == {"topics.jsonl"}
        assert report.gaps == []
        assert {name for _, name in sandbox.requests.file_requests()} == {"topics.jsonl"}
        assert read_tables(target)["conversation_items"] == []
        assert len(run(sandbox, target).files) == 3
        assert differences(read_tables(target), deliveries(sandbox)) == []
        assert set(sandbox.requests.file_requests().values()) == {1}


def deleted(sandbox: Sandbox) -> list[str]:
    paths = [request.path for request in sandbox.requests if request.method == "DELETE"]
    return sorted(path.rpartition("/")[2] for path in paths)


def test_nothing_is_deleted_at_gladly_unless_asked(tmp_path: Path, empty_sandbox: Sandbox) -> None:
    empty_sandbox.add_job({ITEMS: item("a", sms("hi"))})
    run(empty_sandbox, duckdb_target(tmp_path))
    assert {request.method for request in empty_sandbox.requests} == {"GET"}


def test_exactly_the_jobs_that_are_loaded_are_deleted_where_asked(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    whole = empty_sandbox.add_job({ITEMS: item("a", sms("hi"))})
    empty_sandbox.add_job({}, status="FAILED")
    empty_sandbox.add_job({}, status="IN_PROGRESS")
    empty_sandbox.add_job({ITEMS: item("b", sms("hi")), "topics.jsonl": None})
    expected = deliveries(empty_sandbox)
    run(empty_sandbox, target, delete_after_load=True)
    assert deleted(empty_sandbox) == [whole]
    tables = read_tables(target)
    assert differences(tables, {each for each in expected if each.job_id == whole}) == []
    empty_sandbox.requests.clear()
    report = run(empty_sandbox, target, delete_after_load=True)
    assert deleted(empty_sandbox) == []
    assert all(gap.kind != "missing" for gap in report.gaps)


def test_a_job_is_kept_until_all_its_files_are_loaded(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    job = empty_sandbox.add_job({ITEMS: item("a", sms("hi")), "topics.jsonl": b'{"id": "t"}\n'})
    run(empty_sandbox, target, selected=lambda name: name == ITEMS, delete_after_load=True)
    assert deleted(empty_sandbox) == []
    run(empty_sandbox, target, delete_after_load=True)
    assert deleted(empty_sandbox) == [job]


def test_without_a_raw_archive_no_file_stays_and_further_runs_go_well(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    for night in range(2):
        empty_sandbox.add_job({ITEMS: item(f"night {night}", sms("hi"))})
        run(empty_sandbox, target, keep_raw=False)
        assert [path for path in (tmp_path / "raw").rglob("*") if path.is_file()] == []
        assert differences(read_tables(target), deliveries(empty_sandbox)) == []
    assert run(empty_sandbox, target, keep_raw=False).files == []
    assert set(empty_sandbox.requests.file_requests().values()) == {1}


def test_only_jobs_of_the_time_asked_for_are_loaded(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with Sandbox(SandboxSettings(world=WorldSettings(items=40, days=4))) as sandbox:
        report = run(
            sandbox,
            target,
            jobs_updated_after="2026-03-04T00:00:00Z",
            jobs_updated_before="2026-03-05T00:00:00Z",
        )
        starts = {file.window_from for file in report.files}
        assert starts == {datetime(2026, 3, 3, tzinfo=UTC)}


def test_a_job_that_gladly_lists_no_more_is_loaded_from_the_archive(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    job = empty_sandbox.add_job({ITEMS: item("a", sms("hi"))})
    expected = deliveries(empty_sandbox)
    run(empty_sandbox, target)
    empty_sandbox.remove_job(job)
    (tmp_path / "warehouse.duckdb").unlink()
    report = run(empty_sandbox, target)
    assert (report.jobs, report.gaps) == (1, [])
    assert differences(read_tables(target), expected) == []
