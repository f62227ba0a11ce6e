"""Whole runs that meet faults: each ends as if there had been none, or fails with one sentence.

The next run without faults ends with exactly the rows of a run that met none.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from pipelines.runner import Target
from tests.faults.faults import PLACES, faults
from tests.faults.runs import ATTEMPTS, Ended, attempts
from tests.faults.worlds import SECOND_RUN, Faulty, faulty_gladly

Figures = Callable[[str], None]
Count = Callable[[int], None]

# a run that fails leaves the faults it did not come to for the next one
MOST_RUNS = 12
ALWAYS = 10_000
# answered that often, nothing tells them from what they pretend to be
BELIEVED_IN_THE_END = {"empty", "gzip of nothing", "half, with its length"}


@pytest.fixture(scope="module")
def faulty() -> Iterator[Faulty]:
    with TemporaryDirectory() as folder, faulty_gladly(Path(folder)) as served:
        yield served


@pytest.fixture(autouse=True)
def known_credentials(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__GLADLY__EMAIL", faulty.sandbox.email)
    monkeypatch.setenv("SOURCES__GLADLY__API_TOKEN", faulty.sandbox.api_token)


@dataclass
class Findings:
    """What came of trials: each is one request that met a fault."""

    met: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    violations: dict[str, list[str]] = field(default_factory=dict)

    def add(self, names: Sequence[str], met: int, ended: Ended, problems: Sequence[str]) -> None:
        """Note a run that met some faults."""
        for name in names:
            self.met[name] += met
            self.runs[name] += 1
            self.failed[name] += ended.error is not None
            self.violations.setdefault(name, []).extend(problems)

    def lines(self) -> Iterator[str]:
        """Yield a line for each fault."""
        yield f"{'fault':<36}{'runs':>8}{'ended':>8}{'failed':>8}{'violations':>12}"
        for name in sorted(self.runs):
            runs, failed = self.runs[name], self.failed[name]
            broken = len(self.violations.get(name, ()))
            yield f"{name:<36}{runs:>8}{runs - failed:>8}{failed:>8}{broken:>12}"


def hurt(faulty: Faulty, cells: Sequence[tuple[str, str]], times: int) -> None:
    """Script faults: of each pair, the place and what happens there."""
    known = faults(faulty.other_host, SECOND_RUN)
    for place, fault in cells:
        faulty.sandbox.faults.on(PLACES[place], times, known[fault]())


def too_many_attempts(faulty: Faulty, ended: Ended) -> Iterator[str]:
    for request, count in attempts(ended.requests).items():
        most = ATTEMPTS * max(faulty.usual[request], 1)
        if count > most:
            yield f"{request[1]} was asked for {count} times, not {most}"


def sent_elsewhere(faulty: Faulty) -> Iterator[str]:
    for headers in faulty.elsewhere:
        if {"authorization", "cookie"} & headers.keys():
            yield "credentials were sent to another host"
    faulty.elsewhere.clear()


def trial(faulty: Faulty, times: int, cells: Sequence[tuple[str, str]], found: Findings) -> None:
    """Run until all faults are spent and a run ends by itself; then all rows must be there."""
    target = faulty.target()
    names = [fault for _, fault in cells]
    hurt(faulty, cells, times)
    failed = 0
    for _ in range(MOST_RUNS):
        before = faulty.sandbox.faults.met
        ended = faulty.run(target)
        problems = [
            *ended.problems(),
            *too_many_attempts(faulty, ended),
            *sent_elsewhere(faulty),
        ]
        found.add(names, faulty.sandbox.faults.met - before, ended, problems)
        if ended.error is None:
            break
        failed += 1
        if times == ALWAYS:
            break
    if failed:
        faulty.sandbox.faults.clear()
        ended = faulty.run(target)
    found.add(names, 0, ended, problems_at_the_end(faulty, target, ended))
    faulty.sandbox.faults.clear()


def problems_at_the_end(faulty: Faulty, target: Target, ended: Ended) -> list[str]:
    if ended.error is not None:
        return [f"the run without faults failed: {ended.message or ended.error!r}"]
    return faulty.differences(target)
