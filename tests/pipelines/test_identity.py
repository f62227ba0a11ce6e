"""Merges and deletions are rows, each once, however often and by whatever it is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox import Sandbox
from tests.pipelines.events import (
    columns_of,
    day,
    event,
    every,
    gladly_with_events,
    run_at,
    run_events,
)
from tests.pipelines.runs import Tables, duckdb_target, read_tables

NOW = day(2)
CUSTOMERS = ("source_customer_id", "destination_customer_id", "merged_at")
CONVERSATIONS = ("source_conversation_id", "destination_conversation_id", "merged_at")
DELETED = ("customer_id", "deleted_at")


def instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def identity_of(sandbox: Sandbox) -> dict[str, list[tuple[Any, ...]]]:
    """Return what the identity tables must hold of the sandbox's world."""
    merges = sandbox.events.merges
    return {
        "customer_merges": sorted((m.source, m.destination, instant(m.at)) for m in merges),
        "conversation_merges": sorted(
            (m.source_conversation, m.destination_conversation, instant(m.at))
            for m in merges
            if m.source_conversation
        ),
        "deleted_customers": sorted(
            (deletion.customer_id, instant(deletion.at)) for deletion in sandbox.events.deletions
        ),
    }


def identity_in(tables: Tables) -> dict[str, list[tuple[Any, ...]]]:
    return {
        "customer_merges": columns_of(tables["customer_merges"], *CUSTOMERS),
        "conversation_merges": columns_of(tables["conversation_merges"], *CONVERSATIONS),
        "deleted_customers": columns_of(tables["deleted_customers"], *DELETED),
    }


def merged(kind: str, identifier: str, at: datetime = NOW, **more: str) -> dict[str, Any]:
    """Return an event that tells that ``old`` was merged into ``new``."""
    content = {"sourceCustomerId": "old", "destinationCustomerId": "new", **more}
    return event(kind, at, identifier, **content)


def test_every_merge_and_deletion_of_the_world_is_a_row(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with gladly_with_events(day(1), items=3000, days=2) as sandbox:
        run_at(sandbox, target, every(23.5, day(0.9), day(2.9)))
        expected = identity_of(sandbox)
        assert all(len(rows) > 1 for rows in expected.values())
        assert identity_in(read_tables(target)) == expected


EVENT, TWIN = "CUSTOMER/MERGED", "CUSTOMER_PROFILE/MERGED"
# the profile that was merged -> what tells it, in this order
TOLD_BY = {"by the event first": (EVENT, TWIN), "by the twin first": (TWIN, EVENT)}


def add_merges(sandbox: Sandbox, place: int, at: datetime) -> None:
    """Add what tells each merge first, or second."""
    for source, kinds in TOLD_BY.items():
        name = f"{source} {place}"
        sandbox.add_event(merged(kinds[place], name, at, sourceCustomerId=source))


def test_the_deprecated_twin_does_not_count_twice_within_a_run(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with gladly_with_events(NOW, items=0) as sandbox:
        for place in range(2):
            add_merges(sandbox, place, NOW - timedelta(minutes=9 - place))
        run_events(sandbox, target)
    merges = read_tables(target)["customer_merges"]
    assert columns_of(merges, "source_customer_id", "evidence") == [
        (source, EVENT) for source in sorted(TOLD_BY)
    ]


def test_the_deprecated_twin_does_not_count_twice_in_another_run(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with gladly_with_events(NOW, items=0) as sandbox:
        for place in range(2):
            at = NOW + timedelta(hours=place)
            sandbox.clock.set(at)
            add_merges(sandbox, place, at - timedelta(minutes=1))
            run_events(sandbox, target)
    tables = read_tables(target)
    merges = tables["customer_merges"]
    assert columns_of(merges, "source_customer_id") == [(source,) for source in sorted(TOLD_BY)]
    assert len(tables["customer_events"]) == len(tables["customer_profile_events"]) == 2


def test_a_merge_that_events_and_a_report_tell_is_one_row(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    ids = {"sourceConversationId": "old talk", "destinationConversationId": "new talk"}
    with gladly_with_events(NOW, items=0) as sandbox:
        sandbox.add_event(merged("CUSTOMER/MERGED", "in time", day(1.9), **ids))
        # the same profiles again, within the gap: only a report tells it
        sandbox.add_event(merged("CUSTOMER/MERGED", "missed", day(3), **ids))
        run_at(sandbox, target, [NOW, day(5)])
    tables = read_tables(target)
    assert len(tables["customer_events"]) == 2
    assert columns_of(tables["customer_merges"], *CUSTOMERS[:2]) == [("old", "new")]
    talks = columns_of(tables["conversation_merges"], *CONVERSATIONS[:2])
    assert talks == [("old talk", "new talk")]


def test_an_event_that_names_nobody_or_one_profile_twice_is_no_merge(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with gladly_with_events(NOW, items=0) as sandbox:
        sandbox.add_event(merged("CUSTOMER/MERGED", "itself", sourceCustomerId="new"))
        sandbox.add_event(merged("CUSTOMER/MERGED", "nobody", sourceCustomerId=""))
        sandbox.add_event(event("CUSTOMER/MERGED", NOW, "empty"))
        sandbox.add_event(event("CUSTOMER_PROFILE/DELETED", NOW, "nobody's end"))
        run_events(sandbox, target)
    tables = read_tables(target)
    assert len(tables["customer_events"]) == 3
    assert identity_in(tables) == {
        "customer_merges": [],
        "conversation_merges": [],
        "deleted_customers": [],
    }
