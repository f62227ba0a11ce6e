"""Whatever a service changes in a record, nothing of it is lost, and what is new is counted.

Each place of each golden record is changed in each way, alone: a field gone, renamed or beside a
new one, a value of every other type and size, bytes that are no JSON.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache

import pytest

from sources.streams.lines import Lines, PickedLines, whole_lines
from sources.tables.parse import FamilyParser, FileCounts, FileParser, ParsedLines, parser_for
from tests.hostile.mutations import Mutation, golden_lines, mutations
from tests.leaves import missing_leaves, rows_by_record
from tests.tables.parsing import DECLARATIONS, LINEAGE, LosslessDecoder, joined, parser_of

# no factor of the number of ways: every way and every type are in the sample
EVERY = 29
USUAL = dict(golden_lines())


class LosslessAlone(LosslessDecoder):
    """Decodes no line strictly, not even many at once."""

    def decode(self, lines: Lines | PickedLines) -> None:
        del lines


@cache
def lossless_parser_of(table: str) -> FileParser:
    parser = parser_for(DECLARATIONS[table])
    for each in parser._parsers.values() if isinstance(parser, FamilyParser) else (parser,):
        each._decoder = LosslessAlone(each._decoder._node)
    return parser


def problems_of(mutation: Mutation) -> list[str]:
    """Return what is wrong with the rows of a mutation that stands between two usual lines."""
    line, usual = mutation.line, USUAL[mutation.table]
    data = joined([usual, line, usual])
    parsed = parser_of(mutation.table).parse(whole_lines(data), LINEAGE)
    lossless = lossless_parser_of(mutation.table).parse(whole_lines(data), LINEAGE)
    problems = [*_outcome_problems(mutation, line, len(usual) + 1, parsed)]
    if (parsed.tables, parsed.quarantined) != (lossless.tables, lossless.quarantined):
        problems.append("the two ways of decoding make different rows")
    counts = FileCounts()
    counts.add_tables(parsed.tables)
    if counts.extra_by_table != rows_with_extra(parsed):
        problems.append(f"{counts.extra_by_table} rows are told to hold something new")
    return [f"{mutation}: {problem}" for problem in problems]


def rows_with_extra(parsed: ParsedLines) -> Counter[str]:
    return Counter(
        name
        for name, rows in parsed.tables.items()
        for row in rows.to_pylist()
        if row.get("_extra") is not None
    )


def _outcome_problems(
    mutation: Mutation, line: bytes, offset: int, parsed: ParsedLines
) -> Iterable[str]:
    rows = {
        name: [row for row in table.to_pylist() if row["_line"] == 2]
        for name, table in parsed.tables.items()
    }
    if not mutation.must_be_quarantined:
        yield from missing_leaves(mutation.table, line, rows_by_record(rows))
    elif any(rows.values()):
        yield "there are rows of it"
    expected = [(2, offset, line)] if mutation.must_be_quarantined else []
    found = [(bad.line_number, bad.byte_offset, bad.raw) for bad in parsed.quarantined]
    if found != expected or parsed.line_count != 3 or parsed.rows != 3 - len(expected):
        yield f"{parsed.line_count} lines, {parsed.rows} rows, {len(found)} quarantined"


def told(chosen: tuple[Mutation, ...], problems: list[str]) -> str:
    places = {(mutation.table, mutation.golden, mutation.place) for mutation in chosen}
    return (
        f"records: {len(places):,} fields, {len(chosen):,} mutations, "
        f"crashes and silent changes {len(problems)}"
    )


def test_no_change_of_a_record_crashes_or_is_silent(count_trials: Callable[[int], None]) -> None:
    chosen = mutations()[::EVERY]
    assert {(mutation.table, mutation.way) for mutation in chosen} >= {
        (mutation.table, mutation.way)
        for mutation in mutations()
        if mutation.table in ("conversation_items", "events")
    }
    count_trials(len(chosen))
    assert [problem for mutation in chosen for problem in problems_of(mutation)] == []


@pytest.mark.slow
def test_no_change_of_any_record_crashes_or_is_silent(
    count_trials: Callable[[int], None],
    count_violations: Callable[[int], None],
    show_figures: Callable[[str], None],
) -> None:
    problems = [problem for mutation in mutations() for problem in problems_of(mutation)]
    count_trials(len(mutations()))
    count_violations(len(problems))
    show_figures(told(mutations(), problems))
    assert problems == []
