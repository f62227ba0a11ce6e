"""Models that are built slice by slice are those that one statement would make."""

from functools import cache
from itertools import pairwise

import pytest

from sandbox.timestamps import format_milliseconds, to_milliseconds
from tests.pipelines.events import event
from tests.pipelines.gladlys import NOW, Job, gladly
from tests.pipelines.runs import everything, item, run, sms
from tests.transforms.places import Place
from transforms import declarations
from transforms.models import MODELS

ASKS_FOR = tuple(model.name for model in MODELS if model.slices)

CONVERSATIONS = ("a", "b", "c", "d", "e")


@pytest.fixture
def loaded(place: Place) -> Place:
    """A place with a message in each conversation; f has events alone.

    d, whose topic an event told, was merged into b.
    """
    merge = {
        "sourceCustomerId": "of d",
        "destinationCustomerId": "of b",
        "sourceConversationId": "d",
        "destinationConversationId": "b",
    }
    at = format_milliseconds(to_milliseconds(NOW))
    lines = tuple(
        item(
            f"item of {name}",
            sms(f"text of {name}"),
            conversationId=name,
            customerId=f"of {name}",
            initiator={"id": f"of {name}", "type": "CUSTOMER"},
        )
        for name in CONVERSATIONS
    )
    events = [
        event("CUSTOMER/MERGED", NOW, "merge", **merge),
        event("CONVERSATION/CREATED", NOW, "f", customerId="of f", conversationId="f"),
        event("CONVERSATION/TOPIC_ADDED", NOW, "topic", conversationId="d", topicId="refund"),
    ]
    with gladly({0: Job(24, lines)}, NOW) as sandbox:
        for record in events:
            sandbox.add_event(record | {"timestamp": at})
        run(sandbox, place.target, selected=everything)
    return place


def slices(place: Place) -> dict[str, int]:
    found = place.execute("SELECT conversation_id, slice FROM {marts_conversation_slices}")
    return {str(name): int(number) for name, number in found}


def rows(place: Place) -> dict[str, list[str]]:
    return {name: sorted(map(str, rows)) for name, rows in place.models().items()}


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
    models, whole = loaded.models(), rows(loaded)
    facts = {row["conversation_id"]: row for row in models["conversation_facts"]}
    assert {name: row["topics"] for name, row in facts.items()} == {
        "a": 0,
        "b": 1,
        "c": 0,
        "e": 0,
        "f": 0,
    }
    assert {row["conversation_id"] for row in models["conversation_texts"]} == set("abce")
    hold(150, monkeypatch)
    loaded.transform()
    # more slices between two conversations than any model takes at once
    numbers = sorted(set(slices(loaded).values()))
    at_once = max(model.slices_at_once for model in MODELS)
    assert len(numbers) == len(facts)
    assert all(after - before > at_once for before, after in pairwise(numbers))
    assert rows(loaded) == whole
