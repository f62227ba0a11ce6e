"""What `make crash` prints at its end: each promise, its trials and its violations.

PROMISES.md declares which tests stand for which promise; `--promises` runs these and no others.
A trial is one attempt to break a promise: an example of a property, a kill, a fault. A test that
counts its own does so with the fixture `count_trials`; of a property each example is one, of any
other test each case. A violation is a trial that broke the promise.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from pathlib import Path

import pytest

PROMISES = Path(__file__).parents[1] / "PROMISES.md"
TRIALS, VIOLATIONS, FIGURES = "trials", "violations", "figures"
_ROW = re.compile(r"^\| (\d+) \| (.*?) \| (.*?) \|", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py::\w+)`")
_PASSING = re.compile(r"(\d+) passing")


def promised_tests(text: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Return each promise by its number: its words, and the tests it names."""
    return {
        number: (words, frozenset(_TEST.findall(tests)))
        for number, words, tests in _ROW.findall(text)
    }


def name_of(node_id: str) -> str:
    """Return a test's name as PROMISES.md writes it: without its parameters."""
    return node_id.partition("[")[0]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer `--promises`."""
    parser.addoption(
        "--promises", action="store_true", help="run the tests that PROMISES.md names; print both"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that PROMISES.md names, where asked."""
    if not config.getoption("--promises"):
        return
    promises = promised_tests(PROMISES.read_text("utf-8")).values()
    named = frozenset().union(*(tests for _, tests in promises))
    items[:] = [item for item in items if name_of(item.nodeid) in named]


@pytest.fixture
def count_trials(record_property: Callable[[str, object], None]) -> Callable[[int], None]:
    """Count trials of the test: `count_trials(3)` is three more."""
    return lambda count: record_property(TRIALS, count)


@pytest.fixture
def count_violations(record_property: Callable[[str, object], None]) -> Callable[[int], None]:
    """Count what broke a promise; a test that fails without having counted any is one."""
    return lambda count: record_property(VIOLATIONS, count)


@pytest.fixture
def show_figures(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Show a line at the end of `make crash`, above the promises."""
    return lambda line: record_property(FIGURES, line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count the examples of a property."""
    report = yield
    if report.when == "call" and not _values(report, TRIALS):
        # where a property has two phases, each tells how many of its examples passed
        passing = _PASSING.findall(getattr(item, "hypothesis_statistics", ""))
        report.user_properties.append((TRIALS, sum(map(int, passing)) or 1))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    if not terminalreporter.config.getoption("--promises"):
        return
    reports = [
        report
        for outcome in ("passed", "failed", "error")
        for report in terminalreporter.getreports(outcome)
        if isinstance(report, pytest.TestReport) and (report.when == "call" or report.failed)
    ]
    terminalreporter.section("promises")
    for line in table(promised_tests(PROMISES.read_text("utf-8")), reports):
        terminalreporter.write_line(line)


def table(
    promises: dict[str, tuple[str, frozenset[str]]], reports: Iterable[pytest.TestReport]
) -> list[str]:
    """Return the lines of the table: figures, then promise, trials, violations."""
    lines: list[str] = []
    trials, violations = Counter[str](), Counter[str]()
    for report in reports:
        name = name_of(report.nodeid)
        lines += map(str, _values(report, FIGURES))
        trials[name] += sum(int(str(count)) for count in _values(report, TRIALS))
        broken = sum(int(str(count)) for count in _values(report, VIOLATIONS))
        violations[name] += broken or int(report.failed)
    lines.append(f"{'promise':<86}{'trials':>10}{'violations':>12}")
    for number, (words, tests) in promises.items():
        tried = sum(trials[test] for test in tests)
        broken = sum(violations[test] for test in tests)
        lines.append(f"{number:>2}  {words:<82.82}{tried:>10,}{broken:>12,}")
    return lines


def _values(report: pytest.TestReport, name: str) -> list[object]:
    return [value for key, value in report.user_properties if key == name]
