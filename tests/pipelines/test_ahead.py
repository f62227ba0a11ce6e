"""The next task is under way while a result is used, and none outlives the loop."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

import pytest

from pipelines.ahead import one_ahead


def result_of(begun: Future[int]) -> int:
    return begun.result(timeout=10)


def test_the_next_task_runs_while_a_result_is_used() -> None:
    began = [threading.Event() for _ in range(4)]

    def task(number: int, is_wanted: Callable[[], bool]) -> int:
        assert is_wanted()
        began[number].set()
        return number

    used = []
    for result in one_ahead((partial(task, number) for number in range(4)), result_of):
        used.append(result)
        for later in began[result + 1 : result + 2]:
            assert later.wait(10)
        assert not any(event.is_set() for event in began[result + 2 :])
    assert used == [0, 1, 2, 3]


def test_a_task_that_fails_comes_in_its_turn() -> None:
    def task(number: int, _: Callable[[], bool]) -> int:
        return 6 // number

    results = one_ahead((partial(task, number) for number in (2, 3, 0, 1)), result_of)
    assert [next(results), next(results)] == [3, 2]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_a_task_that_nobody_wants_any_more_is_told_so_and_ends_before_the_loop() -> None:
    ended = threading.Event()

    def endless(is_wanted: Callable[[], bool]) -> int:
        while is_wanted():
            pass
        ended.set()
        return 0

    results = one_ahead([lambda _: 1, endless], result_of)
    assert next(results) == 1
    results.close()  # type: ignore[attr-defined] # a generator
    assert ended.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]
