"""Models built from what changed are those built from all that is loaded, night after night.

What each night changes is chosen to change rows of nights before: an item that comes again with
less, or in another conversation; merges of customers and conversations; a customer erased.
"""

from datetime import timedelta

import pytest

from pipelines.transform import CHANGES, EVERYTHING, NOTHING
from sources.http.errors import GiveUpError
from tests.pipelines.events import event
from tests.pipelines.gladlys import NOW
from tests.transforms.nights import bring, merged, night, said
from tests.transforms.places import Place, Row, as_text
from tests.transforms.world import BuiltWorld
from transforms.models import MODELS

ASKS_FOR = tuple(model.name for model in MODELS if model.changes)


def contact(kind: str, **named: str) -> Row:
    return event(kind, NOW, f"{kind} of call", contactId="call", customerId="ann", **named)


def deleted(customer: str) -> Row:
    return event("CUSTOMER_PROFILE/DELETED", NOW, f"{customer} deleted", customerId=customer)


FIRST = (
    said("moves", "in one", "one", "ann"),
    said("redacted", "card number", "one", "ann"),
    said("stays", "here", "two", "bob"),
    said("of nobody's conversation", "activity", None, "bob"),
    said("merged twice", "first", "three", "cem"),
    said("erased", "forget me", "four", "dot"),
    said("of tomorrow", "by a wrong clock", "five", "bob", timestamp="2026-03-11T01:00:00.000Z"),
)
# a night: what its job brings, what its events tell
NIGHTS: dict[str, tuple[tuple[bytes, ...], tuple[Row, ...]]] = {
    "an item moves to another conversation": ((said("moves", "in two", "two", "ann"),), ()),
    "a text is taken away": ((said("redacted", "", "one", "ann"),), ()),
    "customers are merged, both with an open conversation": (
        (),
        (
            merged(
                "cem",
                "bob",
                sourceConversationId="three",
                destinationConversationId="two",
            ),
        ),
    ),
    "what they were merged into is merged": (
        (said("new", "hi", "one", "eve"),),
        (merged("bob", "ann"),),
    ),
    "a contact begins": ((), (contact("CONTACT/STARTED", conversationId="one"),)),
    "an event does not name the conversation of its contact": ((), (contact("CONTACT/ENDED"),)),
    "nothing is new": ((), ()),
}


def test_what_changed_is_all_that_is_built_and_nothing_else_differs(place: Place) -> None:
    night(place, 0, FIRST, ())
    assert place.transform(whole=False).built_from == EVERYTHING
    for number, (name, (lines, events)) in enumerate(NIGHTS.items(), 1):
        night(place, number, lines, events)
        report = place.transform(whole=False)
        assert report.built_from == (CHANGES if lines or events else NOTHING), name
        built = as_text(place.models())
        assert place.transform(whole=True).built_from == EVERYTHING
        assert built == as_text(place.models()), name
    timeline = {row["item_id"]: row for row in place.models()["conversation_timeline"]}
    assert timeline["moves"]["conversation_id"] == "two"
    assert timeline["redacted"]["text"] == ""
    assert {timeline[name]["customer_id"] for name in ("stays", "merged twice")} == {"ann"}
    assert timeline["merged twice"]["conversation_id"] == "two"


@pytest.mark.parametrize("change", ["time zone", "erased customer"])
def test_what_all_models_depend_on_makes_all_anew(change: str, place: Place) -> None:
    night(place, 0, FIRST, ())
    place.transform(whole=False)
    if change == "time zone":
        assert place.transform("Asia/Tokyo", whole=False).built_from == EVERYTHING
        assert place.transform("Asia/Tokyo", whole=False).built_from == NOTHING
    else:
        night(place, 1, (), (deleted("dot"),), on_customer_deleted="erase")
        assert place.transform(whole=False).built_from == EVERYTHING
        assert "forget me" not in str(place.models())


def test_a_table_that_is_gone_is_named_where_its_changes_are_looked_for(place: Place) -> None:
    night(place, 0, FIRST, ())
    place.transform(whole=False)
    night(place, 1, (said("new", "hi", "one", "eve"),), ())
    place.execute("DROP TABLE {conversation_topics}")
    with pytest.raises(GiveUpError, match=r"reads conversation_topics, .* Load first"):
        place.transform(whole=False)


def load_sessions(place: Place, job: str, *conversations: str) -> None:
    """Load a day of a report of AI sessions as a job read it: all of its rows replaced."""
    report = "report_gladly_ai_sessions_detail"
    place.empty("report_windows", report)
    day = {"window_id": "day", "metric_set": "GladlyAISessionsDetailReport", "day": NOW}
    sessions: list[Row] = [
        {"window_id": "day", "position": position, "conversation_id": conversation}
        | {"created_date": NOW + timedelta(hours=1)}
        for position, conversation in enumerate(conversations, 1)
    ]
    bring(place, job, NOW, {"report_windows": [day], report: sessions})


def test_a_conversation_that_left_a_report_of_ai_sessions_is_made_anew(place: Place) -> None:
    night(place, 0, FIRST, ())
    load_sessions(place, "read", "one", "two", "in the report alone")
    place.transform(whole=True)
    load_sessions(place, "read again", "one", "came later")
    assert place.transform(whole=False).built_from == CHANGES
    rows = place.models()["conversation_participation"]
    assert {row["conversation_id"] for row in rows if row["has_ai"]} == {"one", "came later"}
    built = as_text(place.models())
    place.transform(whole=True)
    assert built == as_text(place.models())


def test_the_world_was_built_from_changes_and_is_what_a_whole_build_makes(
    world: BuiltWorld, postgres_world: BuiltWorld
) -> None:
    assert world.built_from == CHANGES
    assert postgres_world.built_from == EVERYTHING
    for model, rows in world.models.items():
        assert sorted(map(str, rows)) == sorted(map(str, postgres_world.models[model])), model
