"""The rate limit is the organisation's: others use some of it, in real time, and nobody is refused.

A minute of it, with figures:
    pytest tests/faults/test_shared_limit.py -m slow --promises
"""

from threading import Event, Thread
from time import monotonic

import pytest

from sandbox import Sandbox, SandboxSettings, WorldSettings
from sources.gladly.settings import REQUESTS_PER_SECOND
from sources.http.budget import RateBudget
from sources.http.client import ApiClient
from tests.faults.trials import Count, Figures

PATH = "/api/v1/agents"
AT_ONCE = 16
SHARE = 0.8


def work(client: ApiClient, until: float) -> None:
    while monotonic() < until:
        client.get_json(PATH)


def vary(sandbox: Sandbox, pattern: list[int], over: Event) -> None:
    """Let others use more and less, a second each."""
    while not over.is_set():
        for use in pattern:
            sandbox.other_clients_use(use)
            if over.wait(1.0):
                return


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([0], id="nobody else", marks=pytest.mark.slow),
        pytest.param([2], id="as much as is left to them"),
    ],
)
@pytest.mark.parametrize(
    "seconds", [pytest.param(3, id="briefly"), pytest.param(60, marks=pytest.mark.slow, id="long")]
)
def test_nobody_is_refused_while_others_use_their_share(
    others: list[int], seconds: int, count_trials: Count, show_figures: Figures
) -> None:
    requests, refused = shared_for(others, seconds)
    show_figures(told(others, seconds, requests, refused))
    assert refused == 0
    count_trials(requests)


@pytest.mark.slow
def test_others_who_come_and_go_cost_few_refusals_and_no_request(
    count_trials: Count, show_figures: Figures
) -> None:
    others, seconds = [0, 2, 5, 8, 9, 3], 60
    requests, refused = shared_for(others, seconds)
    show_figures(told(others, seconds, requests, refused))
    # what others take is known only from an answer: a burst of ours may be under way by then
    assert refused < requests * 0.1
    count_trials(requests)


def shared_for(others: list[int], seconds: int) -> tuple[int, int]:
    """Return how many requests were made, and how many of them were refused."""
    world = WorldSettings(items=0, days=0)
    with Sandbox(SandboxSettings(world=world)) as sandbox:
        over = Event()
        crowd = Thread(target=vary, args=(sandbox, others, over))
        budget = RateBudget(REQUESTS_PER_SECOND, share=SHARE)
        with ApiClient(sandbox.base_url, sandbox.email, sandbox.api_token, budget=budget) as client:
            crowd.start()
            until = monotonic() + seconds
            workers = [Thread(target=work, args=(client, until)) for _ in range(AT_ONCE)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        over.set()
        crowd.join()
        return len(sandbox.requests), sandbox.requests.count_429()


def told(others: list[int], seconds: int, requests: int, refused: int) -> str:
    use = ", ".join(map(str, others))
    return (
        f"shared limit of {REQUESTS_PER_SECOND} a second, others use {use}: {requests} requests in "
        f"{seconds} s, 429s caused per hour: {refused * 3600 / seconds:.0f}"
    )
