"""Jobs that vanish between the list and a file: named as a gap, and whole once they are back."""

import pytest

from pipelines.runner import Target
from sandbox import answer_truly, first
from sources.gladly.gaps import GapKind
from sources.gladly.settings import EXPORT_STREAM
from tests.faults.trials import Count, problems_of
from tests.faults.worlds import Faulty
from tests.pipelines.runs import Row, read_tables

FILES = ("conversation_items.jsonl", "agents.jsonl", "customers.jsonl", "topics.jsonl")


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES)
def test_a_job_that_vanishes_during_a_run_is_a_gap_until_it_is_back(
    file: str, faulty: Faulty, count_trials: Count
) -> None:
    target = faulty.target()
    agents = next(path for _, path, _, _ in faulty.usual if path.endswith("/agents.jsonl"))
    job = agents.split("/")[5]
    vanishes = first(lambda: faulty.sandbox.remove_job(job), answer_truly)
    faulty.sandbox.faults.on(f"*/{job}/files/{file}", 1, vanishes)
    ended = faulty.run(target)
    faulty.sandbox.restore_job(job)
    assert (ended.error, [*problems_of(faulty, target, ended)]) == (None, [])
    (gap,) = gaps_of_exports(target)
    assert (gap["kind"], gap["job_id"], gap["healed_at"]) == (GapKind.EXPIRED, job, None)
    assert faulty.run(target).error is None
    (gap,) = gaps_of_exports(target)
    assert gap["healed_at"] is not None
    count_trials(1)
    # the gap is told for ever; all else is as if it had never been
    assert [row for row in faulty.differences(target) if EXPORT_STREAM not in row] == []


def gaps_of_exports(target: Target) -> list[Row]:
    gaps = read_tables(target)["load_gaps"]
    return [row for row in gaps if row["stream"] == EXPORT_STREAM]
