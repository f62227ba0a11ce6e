"""A token that is rotated during a run: reread once, and no row is lost, whenever it happens."""

from collections.abc import Sequence

import pytest

from sandbox import answer_status, first
from tests.command.commands import CANARY_TOKEN
from tests.faults.trials import Count, problems_of
from tests.faults.worlds import Faulty

LATER_TOKEN = "canary-token-9876543210"  # noqa: S105 - opens nothing but the sandbox
REFUSED = answer_status(401)


def rotations(
    faulty: Faulty, places: Sequence[int], monkeypatch: pytest.MonkeyPatch, *, is_told: bool
) -> list[str]:
    """Rotate the token at some requests of one run; return what it left that it should not."""
    target = faulty.target()

    def rotate(token: str) -> None:
        faulty.sandbox.rotate_token(token)
        if is_told:
            monkeypatch.setenv("SOURCES__GLADLY__API_TOKEN", token)

    tokens = [LATER_TOKEN, CANARY_TOKEN] * len(places)
    for place, token in zip(places, tokens, strict=False):
        rotation = first(lambda token=token: rotate(token), REFUSED)  # type: ignore[misc] # the token of now
        faulty.sandbox.faults.on("*", 1, rotation, come_before=place)
    ended = faulty.run(target, api_token=faulty.sandbox.api_token)
    problems = [*problems_of(faulty, target, ended)]
    faulty.sandbox.faults.clear()
    if is_told:
        problems += [] if ended.error is None else [f"{places}: {ended.message}"]
    else:
        problems += [] if ended.message and "401" in ended.message else [f"{places}: no failure"]
        monkeypatch.setenv("SOURCES__GLADLY__API_TOKEN", faulty.sandbox.api_token)
        ended = faulty.run(target)
    problems += faulty.differences(target)
    faulty.sandbox.rotate_token(CANARY_TOKEN)
    monkeypatch.setenv("SOURCES__GLADLY__API_TOKEN", CANARY_TOKEN)
    return problems


def requests_of(faulty: Faulty) -> int:
    return faulty.usual.total()


def test_a_token_that_is_rotated_again_and_again_costs_no_row(
    faulty: Faulty, monkeypatch: pytest.MonkeyPatch, count_trials: Count
) -> None:
    # reads by id are all under way at once: rotated twice meanwhile, one may meet both
    places = [0, 9, 18, 27, 45]
    assert rotations(faulty, places, monkeypatch, is_told=True) == []
    count_trials(len(places))


@pytest.mark.slow
@pytest.mark.parametrize("is_told", [True, False], ids=["the new one is known", "it is not"])
def test_a_token_may_be_rotated_at_any_request(
    faulty: Faulty, monkeypatch: pytest.MonkeyPatch, count_trials: Count, *, is_told: bool
) -> None:
    # of what is not told of, each run fails and is run again
    places = range(0, requests_of(faulty), 1 if is_told else 5)
    for place in places:
        assert rotations(faulty, [place], monkeypatch, is_told=is_told) == []
    count_trials(len(places))
