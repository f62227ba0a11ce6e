"""Redirects that lead elsewhere, at every kind of request: no credentials go along, ever."""

from collections.abc import Sequence

import pytest

from tests.faults.faults import PLACES
from tests.faults.trials import Count, Findings, hurt, run_until_it_ends
from tests.faults.worlds import Faulty

# the others fail a run at once, so each of them takes a run of its own
GO_ON = [place for place in PLACES if place not in {"schedules", "jobs"} and "file" not in place]


def led_elsewhere(faulty: Faulty, places: Sequence[str], fault: str) -> Findings:
    found = Findings()
    hurt(faulty, [(place, fault) for place in places], 1, found.met)
    found.violations += run_until_it_ends(faulty, found)
    return found


@pytest.mark.parametrize(
    ("places", "fault"),
    [
        pytest.param(GO_ON, "redirect to another host", id="another host"),
        pytest.param(
            [*PLACES], "redirect to another host", id="everywhere", marks=pytest.mark.slow
        ),
        pytest.param([*PLACES], "redirect to plain http", id="http", marks=pytest.mark.slow),
        pytest.param([*PLACES], "redirect in a circle", id="circle", marks=pytest.mark.slow),
    ],
)
def test_a_redirect_elsewhere_at_any_request_takes_no_credentials_along(
    places: Sequence[str],
    fault: str,
    faulty: Faulty,
    count_trials: Count,
    count_violations: Count,
) -> None:
    found = led_elsewhere(faulty, places, fault)
    count_trials(found.met.total())
    count_violations(len(found.violations))
    assert found.violations == []
    assert found.met.total() == len(places)
