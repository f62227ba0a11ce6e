"""Trials: a run is hurt, run again until it ends by itself, and looked at whole."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pipelines.runner import Target
from sandbox import FaultAction, first
from tests.faults.faults import PLACES, can_be_noticed, faults
from tests.faults.leaks import leaks
from tests.faults.runs import ATTEMPTS, Ended, attempts
from tests.faults.worlds import SECOND_RUN, Faulty

Figures = Callable[[str], None]
Count = Callable[[int], None]
Cell = tuple[str, str]

# a run that fails leaves the faults it did not come to for the next one
MOST_RUNS = 15
ALWAYS = 1_000_000
FAULTS = tuple(faults("", SECOND_RUN))


@dataclass
class Findings:
    """What came of trials: each is one request that met a fault."""

    met: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Yield a line for each fault, then what was violated."""
        yield f"{'fault':<36}{'trials':>8}{'runs that ended':>17}{'failed clearly':>16}"
        for name, runs in sorted(self.runs.items()):
            failed = self.failed[name]
            yield f"{name:<36}{self.met[name]:>8}{runs - failed:>17}{failed:>16}"
        yield f"violations: {len(self.violations)}"
        yield from (f"{violation:.300}" for violation in self.violations)


def spread(shift: int) -> list[Cell]:
    """Return a fault for every place; another shift gives every place another one."""
    return [(place, FAULTS[(number + shift) % len(FAULTS)]) for number, place in enumerate(PLACES)]


def counted(name: str, action: FaultAction, met: Counter[str]) -> FaultAction:
    return first(lambda: met.update([name]), action)


def hurt(faulty: Faulty, cells: Sequence[Cell], times: int, met: Counter[str]) -> None:
    """Script faults: of each pair, the place and what happens there."""
    known = faults(faulty.other_host, SECOND_RUN)
    for place, fault in cells:
        if can_be_noticed(place, fault, times):
            action = counted(fault, known[fault](), met)
            faulty.sandbox.faults.on(PLACES[place], times, action)


def problems_of(faulty: Faulty, target: Target, ended: Ended) -> Iterator[str]:
    """Yield what a run may not do, however it ended."""
    yield from ended.problems()
    for request, count in attempts(ended.requests).items():
        most = ATTEMPTS * max(faulty.usual[request], 1)
        if count > most:
            yield f"{request[1]} was asked for {count} times, not {most}"
    for path, headers in faulty.elsewhere:
        if {"authorization", "cookie"} & headers.keys():
            yield f"credentials were sent to another host: {path}"
    faulty.elsewhere.clear()
    yield from leaks(target, faulty.words, ended.shown)


def run_until_it_ends(faulty: Faulty, found: Findings, most_runs: int = MOST_RUNS) -> list[str]:
    """Run until a run ends by itself, or without faults; return what is not as it should be."""
    target = faulty.target()
    problems: list[str] = []
    for number in range(most_runs + 1):
        if number == most_runs:
            faulty.sandbox.faults.clear()
        before = found.met.copy()
        ended = faulty.run(target)
        problems += problems_of(faulty, target, ended)
        for name in found.met - before:
            found.runs[name] += 1
            found.failed[name] += ended.error is not None
        if ended.error is None:
            break
    else:
        problems.append(f"the run without faults failed: {ended.message}")
    faulty.sandbox.faults.clear()
    return problems + faulty.differences(target)


def check(found: Findings, count_trials: Count, count_violations: Count, show: Figures) -> None:
    """Count, show the figures, and require that nothing was violated."""
    count_trials(found.met.total())
    count_violations(len(found.violations))
    for line in found.lines():
        show(line)
    assert found.violations == []
    assert found.met.total() > 0
