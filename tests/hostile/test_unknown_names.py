"""What nobody announced is stored as it was sent, through whole runs into the warehouse.

Content types, types of events, files of a job and columns of reports, all of random names.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox import Sandbox, SandboxSettings, WorldSettings
from sources.gladly.selection import REFERENCE
from tests.leaves import CONTENT_TABLES
from tests.pipelines.events import day, event, event_differences
from tests.pipelines.model import deliveries, differences
from tests.pipelines.report_runs import report_differences
from tests.pipelines.runs import ITEMS, Tables, duckdb_target, item, line, read_tables, run
from tests.tables.records import EVENT_TYPES

MANY = 30
REPORT_SETS = ("TaskExportReport",)
RUNS = settings(
    max_examples=1,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MANY_RUNS = settings(RUNS, max_examples=20)

WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30
).filter(lambda word: word.strip("."))
_KNOWN = st.sampled_from([*CONTENT_TABLES, *EVENT_TYPES])
# some only look like a name that is known
TAGS = st.one_of(WORDS, *(_KNOWN.map(form.format) for form in ("{}_V2", "{} ", "_{}", "{}/MORE")))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


def many(each: st.SearchStrategy[Any], count: int = MANY) -> st.SearchStrategy[list[Any]]:
    return st.lists(each, min_size=count, max_size=count, unique_by=repr)


def sent_names(
    draw: Callable[[st.SearchStrategy[list[Any]]], list[Any]], folder: Path
) -> tuple[int, list[str]]:
    """Send names of every kind in one run; return how many, and what is not stored as sent."""
    tags, values, members = draw(many(TAGS)), draw(many(VALUES)), draw(many(WORDS))
    files = [f"{name}.x" for name in draw(many(WORDS, 8))]
    columns = [f"x{name.strip()}" for name in draw(many(WORDS, 1))]
    world = WorldSettings(items=5, days=2)
    limits = SandboxSettings(
        world=world, now=day(5), requests_per_second=10_000, reports_per_minute=10_000
    )
    target = duckdb_target(folder)
    with Sandbox(limits) as sandbox:
        contents = [
            {"type": tag, member: value}
            for tag, member, value in zip(tags, members, values, strict=True)
        ]
        items = b"".join(item(str(number), content) for number, content in enumerate(contents))
        sandbox.add_job({ITEMS: items})
        sandbox.add_job({name: b"".join(map(line, values)) for name in files})
        events = [event(tag, day(4.9), f"e{number}") for number, tag in enumerate(tags)]
        for number, record in enumerate(events):
            sandbox.add_event({**record, members[number]: values[number]} | record)
        sandbox.reports.extra_column = columns[0]
        run(
            sandbox,
            target,
            selected=lambda name: name != REFERENCE,
            reports=[*REPORT_SETS],
            reports_per_minute=10_000,
        )
        tables = read_tables(target)
        shown = [each.record for each in sandbox.events.events(day(4.1), day(5))]
        problems = differences(tables, deliveries(sandbox))
        problems += event_differences(tables, shown)
        problems += report_differences(sandbox, tables, REPORT_SETS)
        problems += uncounted(tables)
    return len(tags) * 3 + len(files) + len(columns), problems


def uncounted(tables: Tables) -> list[str]:
    """Return the tables of raw records of which the ledger does not count as many as there are."""
    told: dict[str, int] = {}
    for row in tables["load_files"]:
        for table, count in json.loads(row["rows_by_table"]).items():
            told[table] = told.get(table, 0) + count
    raw = ("unknown_items", "unknown_events", "unknown_file_lines")
    return [
        f"{table}: {len(tables[table])} rows, {told.get(table, 0)} are told"
        for table in raw
        if len(tables[table]) != told.get(table, 0) or not tables[table]
    ]


@RUNS
@given(data=st.data())
def test_names_that_nobody_announced_are_stored_as_sent(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _, problems = sent_names(data.draw, tmp_path_factory.mktemp("names"))
    assert problems == []


@pytest.mark.slow
def test_many_names_that_nobody_announced_are_stored_as_sent(
    tmp_path_factory: pytest.TempPathFactory,
    count_trials: Callable[[int], None],
    show_figures: Callable[[str], None],
) -> None:
    sent: list[int] = []

    @MANY_RUNS
    @given(data=st.data())
    def are_stored(data: st.DataObject) -> None:
        count, problems = sent_names(data.draw, tmp_path_factory.mktemp("names"))
        sent.append(count)
        assert problems == []

    are_stored()
    count_trials(sum(sent))
    show_figures(f"{sum(sent):,} unknown names in {len(sent)} whole runs: stored = sent")
