"""Whole runs that meet faults: each ends as if there had been none, or fails with one sentence.

The next run without faults ends with exactly the rows of a run that met none.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from threading import Lock

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import FaultAction, answer_truly
from tests.faults.faults import PLACES, can_be_noticed, faults
from tests.faults.trials import (
    ALWAYS,
    FAULTS,
    Cell,
    Count,
    Figures,
    Findings,
    check,
    counted,
    hurt,
    run_until_it_ends,
    spread,
)
from tests.faults.worlds import SECOND_RUN, Faulty

# others are so like them that a short run can do without
ALIKE = frozenset({"502", "504", "another ETag", "gzip of two members"})
ONE_EACH = [*zip(PLACES, (fault for fault in FAULTS if fault not in ALIKE), strict=True)]


def meet_everywhere(faulty: Faulty, trials: Iterable[Sequence[Cell]], times: int) -> Findings:
    found = Findings()
    for cells in trials:
        hurt(faulty, cells, times, found.met)
        found.violations += run_until_it_ends(faulty, found)
    return found


def test_a_run_that_meets_a_fault_everywhere_ends_as_if_there_had_been_none(
    faulty: Faulty, count_trials: Count, count_violations: Count, show_figures: Figures
) -> None:
    found = meet_everywhere(faulty, [ONE_EACH], 1)
    check(found, count_trials, count_violations, show_figures)


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice in a row"])
def test_every_fault_at_every_kind_of_request_is_survived(
    times: int, faulty: Faulty, count_trials: Count, count_violations: Count, show_figures: Figures
) -> None:
    found = meet_everywhere(faulty, map(spread, range(len(FAULTS))), times)
    check(found, count_trials, count_violations, show_figures)


@pytest.mark.slow
def test_a_fault_that_stays_fails_clearly_and_costs_nothing_once_it_is_gone(
    faulty: Faulty, count_trials: Count, count_violations: Count, show_figures: Figures
) -> None:
    found = Findings()
    places = [*PLACES]
    for number, fault in enumerate(FAULTS):
        # 7 has no factor in common with the number of places: neighbours meet unlike faults
        place = places[7 * number % len(places)]
        hurt(faulty, [(place, fault)], ALWAYS, found.met)
        found.violations += run_until_it_ends(faulty, found, most_runs=1)
    check(found, count_trials, count_violations, show_figures)


PASSING = tuple(
    name
    for name in FAULTS
    if not name.startswith(("401", "redirect", "gzip bomb", "half", "all but", "stalls"))
)


def places_at(path: str) -> list[str]:
    return [place for place, pattern in PLACES.items() if fnmatch(path, pattern)]


def at_random(faulty: Faulty, seed: int, share: float, met: Counter[str]) -> FaultAction:
    """Hurt a share of all requests, each in some way that passes."""
    chance, lock = random.Random(seed), Lock()  # noqa: S311 - must repeat, not be secret
    known = faults(faulty.other_host, SECOND_RUN)

    async def action(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        with lock:
            name = chance.choice(PASSING) if chance.random() < share else None
        if name and not all(can_be_noticed(place, name, 1) for place in places_at(scope["path"])):
            name = None
        chosen = counted(name, known[name](), met) if name else answer_truly
        await chosen(app, scope, receive, send)

    return action


def meet_at_random(faulty: Faulty, seeds: Sequence[int]) -> Findings:
    found = Findings()
    for seed in seeds:
        faulty.sandbox.faults.on("*", ALWAYS, at_random(faulty, seed, 0.3, found.met))
        found.violations += run_until_it_ends(faulty, found, most_runs=2)
    return found


def test_many_faults_at_once_cost_no_row(
    faulty: Faulty, count_trials: Count, count_violations: Count, show_figures: Figures
) -> None:
    check(meet_at_random(faulty, [1]), count_trials, count_violations, show_figures)


@pytest.mark.slow
def test_any_faults_at_once_cost_no_row(
    faulty: Faulty, count_trials: Count, count_violations: Count, show_figures: Figures
) -> None:
    check(meet_at_random(faulty, range(2, 12)), count_trials, count_violations, show_figures)
