"""Work that is begun while the result before it is used.

used       [a        ][b     ][c  ]
begun  [a ][b ]       [c        ][d ]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import TypeVar

_Result = TypeVar("_Result")
# told by the one who waits whether the result is still wanted
Task = Callable[[Callable[[], bool]], _Result]
Wait = Callable[["Future[_Result]"], _Result]


def one_ahead(tasks: Iterable[Task[_Result]], wait: Wait[_Result]) -> Iterator[_Result]:
    """Yield the results of tasks in their order; the next one is worked on meanwhile.

    Where the caller stops early, the task under way is told that nobody wants its result, and
    waited for: no thread outlives the loop.

    Args:
        tasks: What to do, one after the other; each is asked for when the one before it ended.
        wait: Waits for a result that is not there yet.

    Raises:
        Exception: what a task raised, in its turn: results before it are yielded first.
    """
    stopped = Event()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as executor:
        remaining = iter(tasks)

        def begin() -> Future[_Result] | None:
            task = next(remaining, None)
            return executor.submit(task, lambda: not stopped.is_set()) if task else None

        try:
            begun = begin()
            while begun:
                result = wait(begun)
                begun = begin()
                yield result
        finally:
            stopped.set()
