"""Models that are built slice by slice are those that one statement would make."""

from functools import cache
from itertools import pairwise

import pytest

from tests.pipelines.events import event
from tests.pipelines.gladlys import NOW
from tests.transforms.nights import merged, night, said
from tests.transforms.places import Place, as_text
from transforms import declarations
from transforms.conversation_marts import CONVERSATION_LINES
from transforms.dialects import DIALECTS
from transforms.models import MODELS
from transforms.render import Names, rebuild_statements

ASKS_FOR = tuple(model.name for model in MODELS if model.slices)

CONVERSATIONS = ("a", "b", "c", "d", "e")


@pytest.fixture
def loaded(place: Place) -> Place:
    """A place with a message in each conversation; f has events alone.

    d, whose topic an event told, was merged into b.
    """
    lines = tuple(said(f"item of {name}", "hi", name, f"of {name}") for name in CONVERSATIONS)
    into = {"sourceConversationId": "d", "destinationConversationId": "b"}
    events = (
        merged("of d", "of b", **into),
        event("CONVERSATION/CREATED", NOW, "f", customerId="of f", conversationId="f"),
        event("CONVERSATION/TOPIC_ADDED", NOW, "topic", conversationId="d", topicId="refund"),
    )
    night(place, 0, lines, events)
    return place


def slices(place: Place) -> dict[str, int]:
    found = place.execute("SELECT conversation_id, slice FROM {marts_conversation_slices}")
    return {str(name): int(number) for name, number in found}


def hold(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a slice hold so many bytes, rather than 50 MB."""
    read = declarations._read_sql

    @cache
    def read_with_small_slices(layer: str, name: str) -> str:
        sql = read(layer, name)
        if name != "conversation_slices":
            return sql
        assert "// 50000000" in sql
        return sql.replace("// 50000000", f"// {size}")

    monkeypatch.setattr(declarations, "_read_sql", read_with_small_slices)


def test_what_is_gathered_is_looked_for_once_and_stored_by_slices() -> None:
    def inserted(dialect: str) -> list[str]:
        names = Names(lambda table: ["dataset", table], str)
        made = rebuild_statements(CONVERSATION_LINES, DIALECTS[dialect], names, slices=12)
        return [statement for statement in made if statement.startswith("INSERT INTO ")]

    gathered, *stored = inserted("duckdb")
    assert "slice" not in gathered
    assert len(stored) == 3
    assert all("delta_gathered_conversation_lines" in statement for statement in stored)
    assert '"slice" >= 5' in stored[1]
    assert '"slice" < 10' in stored[1]
    # where a transaction makes no tables
    assert len(inserted("bigquery")) == 1


def test_a_slice_ends_where_its_texts_fill_it(
    loaded: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(5_000, monkeypatch)
    # of two bytes a character: 3,000 bytes in a, c and e, 4,000 in b with what was said in d
    loaded.execute("UPDATE {sms_messages} SET content = REPEAT('ü', 450)")
    loaded.transform()
    assert slices(loaded) == {"a": 0, "b": 0, "d": 0, "c": 1, "e": 2, "f": 2}


def test_many_slices_make_what_one_makes(loaded: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded.transform()
    assert set(slices(loaded).values()) == {0}
    whole = loaded.models()
    facts = {row["conversation_id"]: row for row in whole["conversation_facts"]}
    assert {name: row["topics"] for name, row in facts.items()} == {
        "a": 0,
        "b": 1,
        "c": 0,
        "e": 0,
        "f": 0,
    }
    assert {row["conversation_id"] for row in whole["conversation_texts"]} == set("abce")
    hold(150, monkeypatch)
    loaded.transform()
    # more slices between two conversations than any model takes at once
    numbers = sorted(set(slices(loaded).values()))
    at_once = max(model.slices_at_once for model in MODELS)
    assert len(numbers) == len(facts)
    assert all(after - before > at_once for before, after in pairwise(numbers))
    assert as_text(loaded.models()) == as_text(whole)
