"""Events of reports against known events: never doubled, never lost."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.gladly.event_matching import MATCHING_IDS, MatchingKey, already_known, matching_key

MANY = settings(max_examples=500, derandomize=True, deadline=None)
START = datetime(2026, 3, 2, 10, tzinfo=UTC)


def key(
    microseconds: int = 0, event_type: str = "A/B", *, fine: bool = True, **ids: str | None
) -> MatchingKey:
    return MatchingKey(
        event_type,
        START + timedelta(microseconds=microseconds),
        tuple(ids.get(name) for name in MATCHING_IDS),
        fine,
    )


def named(keys: list[MatchingKey]) -> dict[str, MatchingKey]:
    return {f"healed-{place}": key for place, key in enumerate(keys)}


def keys_with(*names: str) -> st.SearchStrategy[MatchingKey]:
    """Return keys that all have the same ids, and few values of them."""
    return st.builds(
        key,
        st.sampled_from([0, 999, 1000]),
        st.sampled_from(["A/B", "A/C"]),
        **dict.fromkeys(names, st.sampled_from(["1", "2"])),
    )


ANY_KEYS = st.builds(
    key,
    st.sampled_from([0, 999, 1000]),
    **dict.fromkeys(("agentId", "customerId"), st.sampled_from([None, "1", "2"])),
)


def milliseconds(key: MatchingKey) -> int:
    assert key.recorded_at
    return (key.recorded_at - START) // timedelta(milliseconds=1)


def agree(one: MatchingKey, other: MatchingKey) -> bool:
    ids = zip(one.ids, other.ids, strict=True)
    return (one.type, milliseconds(one)) == (other.type, milliseconds(other)) and all(
        a == b for a, b in ids if a is not None and b is not None
    )


@MANY
@given(
    rows=st.lists(keys_with("agentId", "customerId"), max_size=8),
    known=st.lists(keys_with("customerId", "topicId"), max_size=8),
)
def test_of_n_rows_against_m_known_events_n_less_m_are_new(
    rows: list[MatchingKey], known: list[MatchingKey]
) -> None:
    def shared(key: MatchingKey) -> tuple[str, int, str | None]:
        return key.type, milliseconds(key), key.ids[MATCHING_IDS.index("customerId")]

    healed = named(rows)
    found = already_known(healed, known)
    new = Counter(shared(row) for name, row in healed.items() if name not in found)
    assert new == Counter(map(shared, rows)) - Counter(map(shared, known))


@MANY
@given(rows=st.lists(ANY_KEYS, max_size=5), known=st.lists(ANY_KEYS, max_size=5))
def test_each_known_event_stands_for_one_row_and_no_new_row_agrees_with_one_left_over(
    rows: list[MatchingKey], known: list[MatchingKey]
) -> None:
    healed = named(rows)
    found = already_known(healed, known)
    new = [row for name, row in healed.items() if name not in found]
    assert any(
        all(agree(healed[name], event) for name, event in zip(found, chosen, strict=False))
        and not any(agree(row, event) for row in new for event in chosen[len(found) :])
        for chosen in permutations(known)
    )


@MANY
@given(rows=st.permutations(range(4)), known=st.lists(ANY_KEYS, max_size=6), data=st.data())
def test_the_order_in_which_rows_and_events_come_changes_nothing(
    rows: list[int], known: list[MatchingKey], data: st.DataObject
) -> None:
    healed = named([data.draw(ANY_KEYS) for _ in rows])
    shuffled = {f"healed-{place}": healed[f"healed-{place}"] for place in rows}
    assert already_known(healed, known) == already_known(
        shuffled, data.draw(st.permutations(known))
    )


def test_which_event_is_used_up_does_not_depend_on_the_order_they_come_in() -> None:
    healed = {"a": key(agentId="1"), "b": key(customerId="2")}
    known = [key(agentId="1", customerId="1"), key(agentId="1", customerId="2")]
    assert already_known(healed, known) == already_known(healed, known[::-1])


@pytest.mark.parametrize(
    ("row", "known", "is_known"),
    [
        pytest.param(key(agentId="1"), key(agentId="1"), True, id="equal"),
        pytest.param(key(agentId="1"), key(agentId="2"), False, id="another agent"),
        pytest.param(key(agentId="1"), key(), True, id="an id that one lacks"),
        pytest.param(key(event_type="A/B"), key(event_type="A/C"), False, id="another type"),
        pytest.param(key(0), key(999), True, id="the same millisecond"),
        pytest.param(key(0), key(1000), False, id="another millisecond"),
        pytest.param(key(0, fine=False), key(999_999), True, id="the second, if no more is shown"),
        pytest.param(key(0, fine=False), key(1_000_000), False, id="another second"),
        pytest.param(key(0), key()._replace(recorded_at=None), False, id="no time at all"),
    ],
)
def test_two_events_are_the_same(row: MatchingKey, known: MatchingKey, *, is_known: bool) -> None:
    assert bool(already_known({"healed": row}, [known])) is is_known


def test_a_whole_second_is_no_rounded_one_where_the_report_shows_fractions() -> None:
    healed = {"a": key(0, fine=False), "b": key(5_000)}
    assert already_known(healed, [key(999_000)]) == frozenset()


def test_what_agrees_in_more_ids_pairs_first() -> None:
    healed = {"a": key(customerId="1"), "b": key(customerId="1", agentId="1")}
    assert already_known(healed, [key(customerId="1", agentId="1")]) == {"b"}


EVENT: dict[str, Any] = {
    "id": "event-1",
    "type": "CONVERSATION/TOPIC_ADDED",
    "timestamp": "2026-03-02T10:00:00.12Z",
    "initiator": {"id": "agent-1", "type": "AGENT"},
    "content": {
        "customerId": "customer-1",
        "conversationId": "conversation-1",
        "topicId": "topic-1",
        "context": {"assignee": {"inboxId": "inbox-1", "agentId": "agent-2"}},
    },
}


def test_an_event_is_compared_by_type_time_and_the_ids_of_its_content() -> None:
    assert matching_key(EVENT) == key(
        120_000,
        "CONVERSATION/TOPIC_ADDED",
        customerId="customer-1",
        conversationId="conversation-1",
        topicId="topic-1",
    )


@pytest.mark.parametrize(
    ("report", "shows_fraction"),
    [
        ({}, True),
        ({"Agent": "10.5"}, True),
        ({"Timestamp": "2026-03-02 10:00:00"}, False),
        ({"Timestamp": "2026-03-02T10:00:00.000001Z"}, True),
    ],
)
def test_a_row_tells_whether_its_report_shows_fractions(
    report: dict[str, str], *, shows_fraction: bool
) -> None:
    assert matching_key(EVENT | {"report": report}).shows_fraction is shows_fraction


@pytest.mark.parametrize("changed", [{"timestamp": "never"}, {"timestamp": 5}, {"timestamp": None}])
def test_an_event_without_a_time_agrees_with_nothing(changed: dict[str, Any]) -> None:
    assert matching_key(EVENT | changed).recorded_at is None


@pytest.mark.parametrize("content", [None, [], {"customerId": 5, "topicId": ""}])
def test_ids_that_are_no_texts_are_none(content: object) -> None:
    assert not any(matching_key(EVENT | {"content": content}).ids)
