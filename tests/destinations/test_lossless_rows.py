"""Every leaf of hostile records is found again in the rows of every kind of destination."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.gladly import GLADLY_TABLES
from pipelines.runner import Target
from sandbox import Sandbox
from tests.leaves import missing_leaves, rows_by_record
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


def tables_as_stored(target: Target) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of all tables; JSON as the text it is, so that no digit can get lost."""
    with TemporaryDirectory() as folder:
        warehouse = target.warehouse(Path(folder)).declare()
        tables = {}
        with warehouse.opened():
            for table in GLADLY_TABLES:
                columns = list(table.columns_by_name)
                rows = warehouse.read(table.name, columns)
                tables[table.name] = [dict(zip(columns, row, strict=True)) for row in rows]
    return tables
