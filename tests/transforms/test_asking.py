"""Questions are asked of any destination in one SQL, and change nothing."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.asking import ask
from sources.gladly.declarations import AGENT
from sources.http.errors import GiveUpError, SettingsError
from sources.tables.declarations import table_schemas
from tests.pipelines.runs import filesystem_target
from tests.transforms.places import NOW, Place, Row, lineage

ASKS_FOR = ("conversation_timeline",)
ONLY_WHOLE = True

AGENTS = table_schemas(AGENT)[0]
ANA: Row = {"id": "ana", "name": "Ana", "email_address": "ana@example.com", "deleted_at": None}
BEN: Row = {"id": "ben", "name": None, "email_address": "ben@example.com", "deleted_at": NOW}


def test_an_answer_has_plain_values_and_times_in_utc(place: Place) -> None:
    place.load(
        {
            AGENTS: [
                agent | {"_extra": None} | lineage(number)
                for number, agent in enumerate((ANA, BEN), 1)
            ]
        }
    )
    place.transform()
    found = ask(
        place.target,
        place.marts,
        """
        WITH named AS (SELECT id, deleted_at FROM gladly.agents)
        SELECT named.id AS Agent, named.deleted_at AS gone,
               SUM(CAST(2 AS BIGINT)) AS whole, SUM(CAST(1.5 AS DECIMAL(9, 2))) AS half,
               EPOCH_US(MAX(named.deleted_at)) // 1000000 AS seconds,
               (SELECT COUNT(*) FROM marts.conversation_timeline) AS items
        FROM named GROUP BY named.id, named.deleted_at ORDER BY named.id
        """,
    )
    rest = {"whole": 2, "half": 1.5, "items": 0}
    assert found.to_pylist() == [
        {"agent": "ana", "gone": None, "seconds": None, **rest},
        {"agent": "ben", "gone": NOW, "seconds": int(NOW.timestamp()), **rest},
    ]
    assert found.schema.field("gone").type == pa.timestamp("us", "UTC")


def test_no_row_is_a_table_with_its_columns(place: Place) -> None:
    place.transform()
    found = ask(place.target, place.marts, "SELECT id, name FROM gladly.agents")
    assert (found.column_names, found.num_rows) == (["id", "name"], 0)


def test_what_is_not_there_yet_is_told(place: Place) -> None:
    with pytest.raises(GiveUpError, match="helpdesk transform"):
        ask(place.target, place.marts, "SELECT COUNT(*) AS n FROM marts.conversation_timeline")


def test_only_questions_are_asked(place: Place) -> None:
    with pytest.raises(ValueError, match="not a query"):
        ask(place.target, place.marts, "DELETE FROM gladly.agents")


def test_files_in_a_folder_cannot_be_asked(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="keeps files"):
        ask(filesystem_target(tmp_path), "marts", "SELECT 1 AS one")


def test_an_instant_is_the_same_whatever_the_session_says(place: Place) -> None:
    place.transform()
    asked = ask(place.target, place.marts, "SELECT TO_TIMESTAMP(0) AS beginning")
    assert asked.to_pylist() == [{"beginning": datetime(1970, 1, 1, tzinfo=UTC)}]
