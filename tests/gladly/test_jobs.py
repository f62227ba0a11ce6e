"""Which jobs are loaded, in which order, and which data no job can bring."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.gladly.gaps import Gap, GapKind
from sources.gladly.jobs import (
    RETENTION,
    ExportJob,
    JobPlan,
    find_gaps,
    is_job_loaded,
    parse_job,
    plan_jobs,
)
from sources.streams.windows import Window

NOW = datetime(2024, 3, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
FILES = ("agents.jsonl", "conversation_items.jsonl")


def day(number: int) -> datetime:
    """Return a midnight of March 2024."""
    return datetime(2024, 3, 1, tzinfo=UTC) + (number - 1) * DAY


class Case(NamedTuple):
    """One row of a table: what is known of a job that exports the days ``start`` to ``end``."""

    id: str
    start: int
    end: int
    status: str = "COMPLETED"
    # how many of its files are loaded, and in which version: 0 is the version listed
    loaded: int = 0
    version: int = 0
    listed: bool = True
    unreadable: bool = False


def job_of(case: Case) -> ExportJob:
    window = Window(day(case.start), day(case.end))
    return ExportJob(case.id, case.status, day(case.end) + DAY / 24, "schedule-1", window, FILES)


def loaded_of(cases: list[Case]) -> dict[tuple[str, str], datetime]:
    return {
        (case.id, name): job_of(case).updated_at + case.version * DAY
        for case in cases
        for name in FILES[: case.loaded]
    }


def gaps_of(cases: list[Case], now: datetime = NOW) -> list[Gap]:
    return find_gaps(
        map(job_of, cases),
        loaded=loaded_of(cases),
        listed_ids=frozenset(case.id for case in cases if case.listed),
        unreadable={case.id: "404" for case in cases if case.unreadable},
        now=now,
    )


def plan_of(cases: list[Case]) -> JobPlan:
    return plan_jobs(
        [job_of(case) for case in cases if case.listed], loaded_of(cases), lambda _name: True
    )


@pytest.mark.parametrize(
    ("cases", "gaps"),
    [
        pytest.param([], [], id="no job"),
        pytest.param([Case("a", 1, 2, loaded=2)], [], id="one job, loaded"),
        pytest.param([Case("a", 1, 2, loaded=2), Case("b", 2, 3, loaded=2)], [], id="touching"),
        pytest.param(
            [Case("a", 1, 3, loaded=2), Case("b", 2, 4, loaded=2, listed=False)],
            [],
            id="overlapping, loaded, one no longer listed",
        ),
        pytest.param(
            [Case("a", 17, 18, loaded=2), Case("b", 19, 20, loaded=2)],
            [("missing", 18, 19, None)],
            id="a day that no job covers, within retention",
        ),
        pytest.param(
            [Case("a", 1, 2, loaded=2), Case("b", 4, 20, loaded=2)],
            [("expired", 2, 4, None)],
            id="days that no run saw before they expired",
        ),
        pytest.param(
            [Case("a", 1, 2, loaded=2), Case("b", 2, 3, listed=False), Case("c", 3, 4, loaded=2)],
            [("expired", 2, 3, "b")],
            id="expired unread",
        ),
        pytest.param(
            [Case("a", 1, 2, "PENDING", listed=False)], [("expired", 1, 2, "a")], id="never done"
        ),
        pytest.param([Case("a", 1, 2, unreadable=True)], [("expired", 1, 2, "a")], id="file gone"),
        pytest.param([Case("a", 1, 2, "FAILED")], [("failed", 1, 2, "a")], id="failed"),
        pytest.param(
            [Case("a", 1, 2, "FAILED"), Case("b", 1, 2, loaded=2)], [], id="failed, then made again"
        ),
        pytest.param([Case("a", 1, 2, "PENDING")], [], id="pending may come"),
        pytest.param([Case("a", 1, 2, "IN_PROGRESS")], [], id="in progress may come"),
        pytest.param([Case("a", 1, 2)], [], id="completed, not loaded yet"),
        pytest.param([Case("a", 1, 2, loaded=1)], [], id="partially loaded, the rest may come"),
        pytest.param(
            [Case("a", 1, 2, loaded=1, listed=False)],
            [("expired", 1, 2, "a")],
            id="partially loaded, the rest is gone",
        ),
        pytest.param(
            [Case("a", 1, 2, loaded=2, version=-1)], [], id="made again, the new version may come"
        ),
        pytest.param(
            [Case("a", 1, 2, loaded=2, version=1, listed=False)], [], id="a later version is loaded"
        ),
        pytest.param(
            [Case("a", 1, 5, listed=False), Case("once", 2, 3, loaded=2)],
            [("expired", 1, 2, "a"), ("expired", 3, 5, "a")],
            id="a one-off job covers the middle of an expired one",
        ),
        pytest.param(
            [Case("a", 1, 2, loaded=2), Case("once", 2, 4, loaded=2), Case("b", 4, 5, loaded=2)],
            [],
            id="a one-off job covers a hole",
        ),
        pytest.param(
            [Case("a", 1, 2, loaded=2), Case("once", 2, 4, "PENDING"), Case("b", 4, 5, loaded=2)],
            [],
            id="a one-off job will cover a hole",
        ),
        pytest.param(
            [Case("a", 1, 3, "FAILED"), Case("b", 1, 3, listed=False)],
            [("failed", 1, 3, "a")],
            id="two jobs lost the same span: one gap",
        ),
        pytest.param(
            [Case("a", 1, 3, "FAILED"), Case("b", 2, 5, listed=False)],
            [("failed", 1, 3, "a"), ("expired", 3, 5, "b")],
            id="two jobs lost spans that overlap: no instant in two gaps",
        ),
    ],
)
def test_gaps(cases: list[Case], gaps: list[tuple[str, int, int, str | None]]) -> None:
    for order in (cases, cases[::-1]):
        found = gaps_of(order)
        assert [(gap.kind.value, *gap.window, gap.job_id) for gap in found] == [
            (kind, day(start), day(end), job_id) for kind, start, end, job_id in gaps
        ]


def test_a_hole_is_missing_until_its_job_would_have_expired() -> None:
    cases = [Case("a", 1, 2, loaded=2), Case("b", 3, 4, loaded=2)]
    boundary = day(3) + RETENTION
    assert [gap.kind for gap in gaps_of(cases, boundary)] == [GapKind.MISSING]
    later = gaps_of(cases, boundary + timedelta(microseconds=1))
    assert [gap.kind for gap in later] == [GapKind.EXPIRED]


def test_a_window_closed_a_millisecond_early_leaves_no_gap() -> None:
    first, second = job_of(Case("a", 1, 2)), job_of(Case("b", 2, 3))
    early = Window(day(1), day(2) - timedelta(milliseconds=1))
    jobs = [
        ExportJob("a", "COMPLETED", first.updated_at, None, early, FILES),
        second,
    ]
    loaded = {(job.id, name): job.updated_at for job in jobs for name in FILES}
    listed = frozenset({"a", "b"})
    assert find_gaps(jobs, loaded=loaded, listed_ids=listed, unreadable={}, now=NOW) == []


def test_the_reason_names_the_job_and_what_to_do() -> None:
    (expired,) = gaps_of([Case("job-7", 1, 2, unreadable=True)])
    assert "job-7" in expired.reason
    assert "404" in expired.reason
    assert "Gladly Support" in expired.reason


@pytest.mark.parametrize(
    ("cases", "load", "unfinished", "failed"),
    [
        pytest.param([], [], [], [], id="nothing"),
        pytest.param(
            [Case("late", 5, 6), Case("early", 1, 2)],
            ["early/0", "early/1", "late/0", "late/1"],
            [],
            [],
            id="in the order of extraction",
        ),
        pytest.param([Case("a", 1, 2, loaded=2)], [], [], [], id="loaded"),
        pytest.param([Case("a", 1, 2, loaded=1)], ["a/1"], [], [], id="partially loaded"),
        pytest.param(
            [Case("a", 1, 2, loaded=2, version=-1)], ["a/0", "a/1"], [], [], id="made again"
        ),
        pytest.param(
            [Case("a", 1, 2, loaded=2, version=1)], [], [], [], id="a later version is loaded"
        ),
        pytest.param(
            [Case("a", 1, 2, "PENDING"), Case("b", 2, 3, "IN_PROGRESS"), Case("c", 3, 4, "FAILED")],
            [],
            ["a", "b"],
            ["c"],
            id="unfinished and failed",
        ),
        pytest.param([Case("a", 1, 2, "A_NEW_STATUS")], [], [], [], id="a status nobody knows"),
        pytest.param([Case("a", 1, 2, listed=False)], [], [], [], id="no longer listed"),
    ],
)
def test_plan(cases: list[Case], load: list[str], unfinished: list[str], failed: list[str]) -> None:
    plan = plan_of(cases)
    assert [f"{file.job.id}/{FILES.index(file.name)}" for file in plan.load] == load
    assert [job.id for job in plan.unfinished] == unfinished
    assert [job.id for job in plan.failed] == failed


def test_only_selected_files_are_planned() -> None:
    plan = plan_jobs([job_of(Case("a", 1, 2))], {}, lambda name: name == "agents.jsonl")
    assert [file.name for file in plan.load] == ["agents.jsonl"]


_CASES = st.lists(
    st.builds(
        Case,
        st.sampled_from("abcdef"),
        st.integers(1, 10),
        st.integers(1, 10),
        st.sampled_from(["COMPLETED", "COMPLETED", "PENDING", "FAILED"]),
        st.integers(0, 2),
        st.integers(-1, 1),
        st.booleans(),
        st.booleans(),
    ),
    max_size=6,
    unique_by=lambda case: case.id,
)


def has(windows: list[Window], at: datetime) -> int:
    return sum(window.start <= at < window.end for window in windows)


@settings(max_examples=500, derandomize=True, deadline=None)
@given(_CASES)
def test_every_instant_is_loaded_or_coming_or_in_exactly_one_gap(cases: list[Case]) -> None:
    loaded = loaded_of(cases)
    present = [
        Window(day(case.start), day(case.end))
        for case in cases
        if is_job_loaded(job_of(case), loaded)
        or (case.listed and not case.unreadable and case.status != "FAILED")
    ]
    gaps = gaps_of(cases)
    spans = [(case.start, case.end) for case in cases if case.start < case.end]
    first, last = min((s for s, _ in spans), default=1), max((e for _, e in spans), default=1)
    for number in range(1, 11):
        at = day(number) + DAY / 2
        in_gaps = has([gap.window for gap in gaps], at)
        inside = first <= number < last
        assert in_gaps == (1 if inside and not has(present, at) else 0)
    assert len({gap.window for gap in gaps}) == len(gaps)
    assert gaps == sorted(gaps, key=lambda gap: gap.window)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(_CASES)
def test_loading_all_that_is_planned_leaves_nothing_to_load(cases: list[Case]) -> None:
    jobs, loaded = [job_of(case) for case in cases], loaded_of(cases)
    plan = plan_jobs(jobs, loaded, lambda _name: True)
    assert [file.job.updated_at for file in plan.load] == sorted(
        file.job.updated_at for file in plan.load
    )
    loaded |= {(file.job.id, file.name): file.job.updated_at for file in plan.load}
    assert plan_jobs(jobs, loaded, lambda _name: True).load == ()
    assert all(is_job_loaded(job, loaded) for job in jobs if job.status == "COMPLETED")


LISTED: dict[str, Any] = {
    "id": "job-1",
    "scheduleId": "schedule-1",
    "status": "COMPLETED",
    "updatedAt": "2024-03-02T01:00:00+00:00",
    "parameters": {"startAt": "2024-03-01T00:00:00Z", "endAt": "2024-03-02T00:00:00Z"},
    "files": ["agents.jsonl", "conversation_items.jsonl"],
}


def test_a_listed_job_is_read() -> None:
    assert parse_job(LISTED) == job_of(Case("job-1", 1, 2))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"id": None}, id="no id"),
        pytest.param({"id": ""}, id="empty id"),
        pytest.param({"id": 7}, id="a number for an id"),
        pytest.param({"updatedAt": None}, id="never updated"),
        pytest.param({"updatedAt": "yesterday"}, id="no timestamp"),
    ],
)
def test_a_job_that_cannot_be_named_or_ordered_is_none(change: dict[str, Any]) -> None:
    assert parse_job({**LISTED, **change}) is None


@pytest.mark.parametrize(
    ("change", "window", "files"),
    [
        pytest.param({"parameters": None}, None, FILES, id="no parameters"),
        pytest.param({"parameters": {"startAt": "2024-03-01T00:00:00Z"}}, None, FILES, id="no end"),
        pytest.param({"files": None}, Window(day(1), day(2)), (), id="no files"),
        pytest.param({"files": "agents.jsonl"}, Window(day(1), day(2)), (), id="files is text"),
        pytest.param(
            {"files": ["agents.jsonl", None, "agents.jsonl"]},
            Window(day(1), day(2)),
            ("agents.jsonl",),
            id="a file named twice",
        ),
    ],
)
def test_a_job_with_odd_parts_is_read_as_far_as_it_goes(
    change: dict[str, Any], window: Window | None, files: tuple[str, ...]
) -> None:
    job = parse_job({**LISTED, **change})
    assert job is not None
    assert (job.window, job.files) == (window, files)
