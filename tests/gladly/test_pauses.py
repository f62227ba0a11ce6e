"""Pauses of any length on any schedule: the gaps told are the days that nobody could read."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from sources.gladly.jobs import ExportJob, JobStatus, find_gaps
from sources.streams.windows import Window, covered

MANY = settings(max_examples=300, derandomize=True, deadline=None)
DAY, KEPT = timedelta(days=1), timedelta(days=14)
# a leap day and the end of a year are among the days
START = datetime(2027, 12, 20, tzinfo=UTC)
JOBS = [
    ExportJob(
        id=f"{number:03}",
        status=JobStatus.COMPLETED,
        updated_at=START + (number + 1) * DAY + timedelta(hours=6),
        schedule_id=None,
        window=Window(START + number * DAY, START + (number + 1) * DAY),
        files=("topics.jsonl",),
    )
    for number in range(120)
]
PAUSES = st.lists(
    st.sampled_from([13 * DAY, KEPT, 15 * DAY, 40 * DAY])
    | st.timedeltas(timedelta(minutes=1), timedelta(days=40)),
    max_size=6,
)


@MANY
@given(PAUSES, st.integers(0, 24))
def test_gaps_are_exactly_the_days_whose_jobs_came_and_went_between_two_runs(
    pauses: list[timedelta], hour: int
) -> None:
    now = START + 3 * DAY + timedelta(hours=hour)
    seen: dict[str, ExportJob] = {}
    for pause in [timedelta(0), *pauses]:
        now += pause
        listed = {job.id: job for job in JOBS if job.updated_at <= now < job.updated_at + KEPT}
        seen |= listed
        gaps = find_gaps(
            seen.values(),
            loaded={(job.id, name): job.updated_at for job in seen.values() for name in job.files},
            listed_ids=frozenset(listed),
            unreadable={},
            now=now,
        )
        first, last = min(seen), max(seen)
        missed = [job.window for job in JOBS if first < job.id < last and job.id not in seen]
        assert [gap.window for gap in gaps] == covered(window for window in missed if window)
        assert {gap.kind for gap in gaps} <= {"expired"}
