"""Redirects that lead elsewhere, at every kind of request: no credentials go along, ever."""

import pytest

from tests.faults.faults import PLACES
from tests.faults.trials import Count, Findings, hurt, run_until_it_ends
from tests.faults.worlds import Faulty


# the short form is one of each kind in `test_faults.py`
@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", ["redirect to another host", "redirect to plain http", "redirect in a circle"]
)
def test_a_redirect_elsewhere_at_any_request_takes_no_credentials_along(
    fault: str,
    faulty: Faulty,
    count_trials: Count,
    count_violations: Count,
) -> None:
    found = Findings()
    hurt(faulty, [(place, fault) for place in PLACES], 1, found.met)
    found.violations += run_until_it_ends(faulty, found)
    count_trials(found.met.total())
    count_violations(len(found.violations))
    assert found.violations == []
    assert found.met.total() == len(PLACES)
