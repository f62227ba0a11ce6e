"""Every leaf of hostile records is found again in the rows of every kind of destination."""

from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.allowance import Allowance
from pipelines.enrichment import load_enrichment
from pipelines.gladly_tables import GLADLY_TABLES
from pipelines.runner import Target
from sandbox import Sandbox
from sources.gladly.enrichment import Read, Wanted, archive_reads
from sources.gladly.enrichment_types import (
    ENRICHMENT_READ,
    ENRICHMENT_RECORDS,
    READS_FILE,
    Outcome,
)
from sources.tables.conform import decode_json
from sources.tables.declarations import TableSchema, table_schemas
from tests.leaves import KEYS, missing_leaves, rows_by_record
from tests.pipelines.references import FIRST, client_of, opened
from tests.pipelines.runs import DESTINATIONS, ITEMS, run
from tests.tables.records import any_conforming, as_json, mutated

# one run costs a second, one record a millisecond: few examples of many records each
FEW = settings(
    max_examples=2,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


RECORDS = any_conforming("conversation_items")
# what is read is told by the record of each read, which is not answered
ANSWERS = [record.table for record in ENRICHMENT_RECORDS if record is not ENRICHMENT_READ]
ENRICHMENT_TABLES = [table for record in ENRICHMENT_RECORDS for table in table_schemas(record)]


class Line(bytes):
    """A line whose repr stays short: a failing example is made of many."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


@st.composite
def hostile_lines(draw: st.DrawFn) -> list[Line]:
    """Return lines of items with different ids, some as documented, some as nobody announced."""
    items = draw(
        st.lists(
            st.one_of(RECORDS, mutated(RECORDS)), min_size=40, unique_by=lambda item: item["id"]
        )
    )
    return [Line(as_json(item, escape=draw(st.booleans()))) for item in items]


# hypothesis writes strategies out for its reports, and ours hold every record type
@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.parametrize("name", list(DESTINATIONS))
def test_every_leaf_is_in_the_warehouse(
    name: str, tmp_path_factory: pytest.TempPathFactory, postgres: str, empty_sandbox: Sandbox
) -> None:
    @FEW
    @given(lines=hostile_lines())
    def is_found(lines: list[Line]) -> None:
        job = empty_sandbox.add_job({ITEMS: b"".join(line + b"\n" for line in lines)})
        target = DESTINATIONS[name](tmp_path_factory.mktemp(name), postgres)
        report = run(empty_sandbox, target, max_quarantined_share=1.0)
        empty_sandbox.remove_job(job)
        assert report.rows == len(lines)
        rows = rows_by_record(tables_as_stored(target))
        assert [p for line in lines for p in missing_leaves("conversation_items", line, rows)] == []

    is_found()


@st.composite
def hostile_answers(draw: st.DrawFn) -> list[tuple[str, Line]]:
    """Return answers to reads by id, each with its table, as ``hostile_lines`` does."""
    answers = []
    for table in ANSWERS:
        key = KEYS.get(table, "id")
        records = any_conforming(table) | mutated(any_conforming(table), key)
        few = st.lists(records, min_size=4, max_size=8, unique_by=itemgetter(key))
        answers += [(table, Line(as_json(record))) for record in draw(few)]
    return answers


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.parametrize("name", list(DESTINATIONS))
def test_every_leaf_of_what_is_read_by_id_is_in_the_warehouse(
    name: str, tmp_path_factory: pytest.TempPathFactory, postgres: str
) -> None:
    @FEW
    @given(answers=hostile_answers())
    def is_found(answers: list[tuple[str, Line]]) -> None:
        target = DESTINATIONS[name](tmp_path_factory.mktemp(name), postgres)
        reads = [
            Read(Wanted(table, str(place)), Outcome.FOUND, FIRST, ((table, decode_json(line)),))
            for place, (table, line) in enumerate(answers)
        ]
        # nothing is left to read: an earlier run archived all of it
        with opened(target) as loader, client_of("http://127.0.0.1:1") as client:
            archive = loader.workspace.archive / "enrichment"
            batch = archive_reads(archive, reads, FIRST)
            assert load_enrichment(client, archive, loader, [], Allowance(), FIRST) == []
        (made,) = [file.path for file in batch.files if file.name == READS_FILE]
        kept = [("enrichment_reads", line) for line in made.read_bytes().splitlines()]
        assert len(kept) == len(answers)
        rows = rows_by_record(tables_as_stored(target, ENRICHMENT_TABLES))
        assert [p for one in [*answers, *kept] for p in missing_leaves(*one, rows)] == []

    is_found()


def tables_as_stored(
    target: Target, of: Sequence[TableSchema] = GLADLY_TABLES
) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of tables; JSON as the text it is, so that no digit can get lost."""
    with TemporaryDirectory() as folder:
        warehouse = target.warehouse(Path(folder)).declare()
        tables = {}
        with warehouse.opened():
            for table in of:
                columns = list(table.columns_by_name)
                rows = warehouse.read(table.name, columns)
                tables[table.name] = [dict(zip(columns, row, strict=True)) for row in rows]
    return tables
