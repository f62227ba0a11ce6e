"""Whoever was merged into whom: the maps say what a plain walk over the merges says."""

import random
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.gladly.identity import CONVERSATION_MERGES, CUSTOMER_MERGES, DELETED_CUSTOMERS
from tests.transforms.places import Place, Row, lineage
from transforms.dialects import DIALECTS
from transforms.identities import CONVERSATION_IDENTITIES, CUSTOMER_IDENTITIES, MERGED_IDENTITIES
from transforms.render import Names, check_statement, rebuild_statements

ASKS_FOR = ("customer_identities", "conversation_identities")
ONLY_WHOLE = True

START = datetime(2026, 3, 1, tzinfo=UTC)
# order by bytes and order by a language differ: "B" comes before "a", "é" after "z"
LETTERS = "aBcDéFgHiJ"


class Merge(NamedTuple):
    """A row of customer_merges or conversation_merges; times are minutes from the start."""

    source: str
    destination: str
    merged_at: int | None
    extracted_at: int = 0

    @property
    def age(self) -> tuple[int, int]:
        """What orders evidence: when it happened, or else was seen; when it was seen."""
        told_at = self.extracted_at if self.merged_at is None else self.merged_at
        return told_at, self.extracted_at


class Resolved(NamedTuple):
    """What a map says of an id."""

    resolved: str
    merges: int
    is_in_cycle: bool
    is_deleted: bool = False


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def resolve(merges: Iterable[Merge], deleted: Iterable[str] = ()) -> dict[str, Resolved]:
    """Walk from every id to the end of its merges, or round its cycle, remembering all of it."""
    merges = [merge for merge in merges if merge.source != merge.destination]
    gone = set(deleted)
    taken: dict[str, Merge] = {}
    for merge in merges:
        known = taken.get(merge.source)
        if known is None or (merge.age, merge.destination) > (known.age, known.destination):
            taken[merge.source] = merge
    found = {}
    for identifier in {name for merge in merges for name in merge[:2]} | gone:
        path = [identifier]
        while path[-1] in taken and taken[path[-1]].destination not in path:
            path.append(taken[path[-1]].destination)
        if path[-1] in taken:
            cycle = path[path.index(taken[path[-1]].destination) :]
            survivor = min(cycle, key=lambda name: (taken[name].age, name))
        else:
            cycle, survivor = [], path[-1]
        found[identifier] = Resolved(
            survivor, path.index(survivor), identifier in cycle, survivor in gone
        )
    return found


def merge_rows(entity: str, merges: Iterable[Merge]) -> Iterator[Row]:
    for number, merge in enumerate(merges, 1):
        yield {
            f"source_{entity}_id": merge.source,
            f"destination_{entity}_id": merge.destination,
            "merged_at": None if merge.merged_at is None else at(merge.merged_at),
            "evidence": "CUSTOMER/MERGED",
            **lineage(number, at(merge.extracted_at)),
        }


def deletion_rows(deleted: Iterable[str]) -> Iterator[Row]:
    for number, identifier in enumerate(deleted, 1):
        yield {
            "customer_id": identifier,
            "evidence": "CUSTOMER_PROFILE/DELETED",
            **lineage(number),
        }


def found_customers(rows: Iterable[Row]) -> dict[str, Resolved]:
    return {
        row["customer_id"]: Resolved(
            row["resolved_customer_id"], row["merges"], row["is_in_cycle"], row["is_deleted"]
        )
        for row in rows
    }


def found_conversations(rows: Iterable[Row]) -> dict[str, Resolved]:
    return {
        row["conversation_id"]: Resolved(
            row["resolved_conversation_id"], row["merges"], row["is_in_cycle"]
        )
        for row in rows
    }


IDS = st.sampled_from(LETTERS)
MINUTES = st.integers(0, 3)  # few, so that many merges are of the same minute


def merges_among(letters: str) -> st.SearchStrategy[list[Merge]]:
    """Return lists of merges; the fewer the letters, the more of them are in cycles."""
    ids = st.sampled_from(letters)
    return st.lists(
        st.builds(Merge, ids, ids, st.none() | MINUTES, MINUTES),
        max_size=20,
        unique_by=lambda merge: merge[:2],
    )


MERGES = st.one_of([merges_among(letters) for letters in (LETTERS, LETTERS[:4], LETTERS[:2])])

MODELS = (MERGED_IDENTITIES, CUSTOMER_IDENTITIES, CONVERSATION_IDENTITIES)
NAMES = Names(lambda table: ["main", table], str)
STATEMENTS = [
    statement
    for model in MODELS
    for statement in rebuild_statements(model, DIALECTS["duckdb"], NAMES)
]
CHECKS = [
    check_statement(check, 1, DIALECTS["duckdb"], NAMES)
    for model in MODELS
    for check in model.all_checks
]
TYPES = {"text": "TEXT", "integer": "BIGINT", "boolean": "BOOLEAN", "timestamp": "TIMESTAMPTZ"}


def new_database() -> duckdb.DuckDBPyConnection:
    """Return empty tables in memory, for many examples."""
    connection = duckdb.connect()
    for table in (
        CUSTOMER_MERGES,
        CONVERSATION_MERGES,
        DELETED_CUSTOMERS,
        *(model.table for model in MODELS),
    ):
        columns = ", ".join(f"{c.name} {TYPES[c.kind.value]}" for c in table.columns)
        connection.execute(f"CREATE TABLE {table.name} ({columns})")
    return connection


def fill(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Row]) -> None:
    connection.execute(f"DELETE FROM {table}")
    for row in rows:
        marks = ", ".join("?" for _ in row)
        connection.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values())
        )


def rows_of(connection: duckdb.DuckDBPyConnection, table: str) -> list[Row]:
    cursor = connection.execute(f"FROM {table}")
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.mark.parametrize(
    "examples", [120, pytest.param(2_000, marks=pytest.mark.slow)], ids=["some", "very many"]
)
def test_any_merges_resolve_as_a_plain_walk_resolves_them(
    examples: int, count_trials: Callable[[int], None], show_figures: Callable[[str], None]
) -> None:
    connection = new_database()
    ids: list[int] = []

    @settings(deadline=None, max_examples=examples)
    @given(customers=MERGES, conversations=MERGES, deleted=st.sets(IDS, max_size=3))
    def resolve_alike(
        customers: list[Merge], conversations: list[Merge], deleted: set[str]
    ) -> None:
        fill(connection, "customer_merges", merge_rows("customer", customers))
        fill(connection, "conversation_merges", merge_rows("conversation", conversations))
        fill(connection, "deleted_customers", deletion_rows(deleted))
        for statement in STATEMENTS:
            connection.execute(statement)
        found = found_customers(rows_of(connection, "customer_identities"))
        assert found == resolve(customers, deleted)
        found = found_conversations(rows_of(connection, "conversation_identities"))
        assert found == resolve(conversations)
        assert [connection.execute(check).fetchall() for check in CHECKS] == [[]] * len(CHECKS)
        ids.append(len(resolve(customers, deleted)) + len(resolve(conversations)))

    resolve_alike()
    count_trials(len(ids))
    show_figures(f"{len(ids):,} graphs of merges, {sum(ids):,} ids: unresolved 0")


def chain(prefix: str, length: int) -> list[Merge]:
    return [Merge(f"{prefix}{n}", f"{prefix}{n + 1}", n) for n in range(length)]


def star(prefix: str, points: int) -> list[Merge]:
    return [Merge(f"{prefix}{n}", f"{prefix}centre", 5) for n in range(points)]


def ring(prefix: str, length: int, tail: int) -> list[Merge]:
    """Return a cycle whose earliest merge is somewhere in it, and ids that lead into it."""
    around = [
        Merge(f"{prefix}{n}", f"{prefix}{(n + 1) % length}", (n + length // 2) % length)
        for n in range(length)
    ]
    return around + [
        Merge(f"{prefix}tail{n}", f"{prefix}tail{n - 1}" if n else f"{prefix}0", 0)
        for n in range(tail)
    ]


def many_merges(randomly: random.Random) -> list[Merge]:
    """Return every shape, and many small worlds of random merges, each with ids of its own."""
    merges = [
        *chain("chain", 600),
        *star("star", 300),
        *ring("ring", 100, 30),
        *ring("pair", 2, 5),
        Merge("itself", "itself", 1),
        Merge("again", "first", 1, 9),
        Merge("again", "second", 1, 8),
        Merge("unknown when", "seen early", None, 3),
        Merge("unknown when", "told", 4, 9),
    ]
    for world in range(150):
        pairs = {
            (f"{world}{a}", f"{world}{b}")
            for a, b in (randomly.choices(LETTERS, k=2) for _ in range(8))
        }
        merges += [Merge(*pair, randomly.randrange(4), randomly.randrange(2)) for pair in pairs]
    randomly.shuffle(merges)
    return merges


def test_chains_stars_and_cycles_resolve_alike_at_every_database(place: Place) -> None:
    randomly = random.Random(7)  # noqa: S311 - the same worlds each time
    customers, conversations = many_merges(randomly), many_merges(randomly)
    deleted = ["chain600", "star7", "never merged"]
    # in two packages: no order of arrival matters
    for part in (slice(None, None, 2), slice(1, None, 2)):
        place.load(
            {
                CUSTOMER_MERGES: merge_rows("customer", customers[part]),
                CONVERSATION_MERGES: merge_rows("conversation", conversations[part]),
                DELETED_CUSTOMERS: deletion_rows(deleted[part]),
            }
        )
    built = {model.model: model.rows for model in place.transform().models}
    models = place.models()
    assert models
    assert {name: built[name] for name in models} == {
        name: len(rows) for name, rows in models.items()
    }
    found = found_customers(models["customer_identities"])
    assert found == resolve(customers, deleted)
    assert found["chain0"] == Resolved("chain600", 600, is_in_cycle=False, is_deleted=True)
    assert found["star7"] == Resolved("starcentre", 1, is_in_cycle=False)
    assert found["never merged"] == Resolved("never merged", 0, is_in_cycle=False, is_deleted=True)
    assert found["ringtail3"] == Resolved("ring50", 54, is_in_cycle=False)
    assert "itself" not in found
    assert found_conversations(models["conversation_identities"]) == resolve(conversations)


def test_every_id_resolves_to_one_that_resolves_no_further(place: Place) -> None:
    merges = many_merges(random.Random(11))  # noqa: S311 - the same worlds each time
    place.load({CUSTOMER_MERGES: merge_rows("customer", merges)})
    place.transform()
    unresolved = place.execute(
        "SELECT COUNT(*) FROM {customer_merges} AS merged "
        "LEFT JOIN {marts_customer_identities} AS identity "
        "ON identity.customer_id = merged.source_customer_id "
        "LEFT JOIN {marts_customer_identities} AS target "
        "ON target.customer_id = identity.resolved_customer_id "
        "WHERE merged.source_customer_id <> merged.destination_customer_id "
        "AND (target.customer_id IS NULL OR target.resolved_customer_id <> target.customer_id)"
    )
    assert unresolved == [(0,)]


def test_a_second_run_follows_what_was_loaded_since(place: Place) -> None:
    place.load({CUSTOMER_MERGES: merge_rows("customer", [Merge("a", "b", 1)])})
    place.transform()
    place.load({CUSTOMER_MERGES: merge_rows("customer", [Merge("b", "c", 2)])})
    place.transform()
    rows = place.models()["customer_identities"]
    assert found_customers(rows) == resolve([Merge("a", "b", 1), Merge("b", "c", 2)])
