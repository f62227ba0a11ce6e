"""The plain walk over raw merges, which tests of models lean on, and the models agree."""

import pytest

from tests.transforms.places import Row
from tests.transforms.raw_identities import identities_of
from tests.transforms.world import BuiltWorld


def merged(at: str, source: str, destination: str, *conversations: str) -> Row:
    content = {"sourceCustomerId": source, "destinationCustomerId": destination}
    if conversations:
        content["sourceConversationId"], content["destinationConversationId"] = conversations
    return {"id": source + at, "type": "CUSTOMER/MERGED", "timestamp": at, "content": content}


def test_chains_are_walked_to_their_end_and_the_later_merge_holds() -> None:
    identities = identities_of(
        [
            merged("2026-03-02", "b", "c", "2", "3"),
            merged("2026-03-01", "a", "b", "1", "2"),
            merged("2026-03-04", "d", "c", "", ""),
            merged("2026-03-03", "d", "x"),
        ]
    )
    assert [identities.customer(name) for name in "abcde"] == ["c", "c", "c", "c", "e"]
    assert [identities.conversation(name) for name in "1234"] == ["3", "3", "3", "4"]
    assert identities.customer(None) is None


def test_a_circle_is_refused() -> None:
    identities = identities_of([merged("2026-03-01", "a", "b"), merged("2026-03-02", "b", "a")])
    with pytest.raises(ValueError, match="merged into itself"):
        identities.customer("a")


def test_the_models_resolve_the_ids_of_a_world_alike(world: BuiltWorld) -> None:
    identities = identities_of(world.raw.events)
    customers = {
        row["customer_id"]: row["resolved_customer_id"]
        for row in world.models["customer_identities"]
    }
    conversations = {
        row["conversation_id"]: row["resolved_conversation_id"]
        for row in world.models["conversation_identities"]
    }
    assert len(identities.customers) > 3
    assert len(identities.conversations) > 3
    assert customers == {name: identities.customer(name) for name in customers}
    assert conversations == {name: identities.conversation(name) for name in conversations}
    assert customers.keys() >= identities.customers.keys()
    assert conversations.keys() >= identities.conversations.keys()
