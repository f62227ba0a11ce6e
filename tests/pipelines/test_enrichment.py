"""Reads by id: what was touched is read, once, as fast as allowed, and gone only for sure."""

import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import loading
from pipelines.enrichment_sql import wanted_sql
from pipelines.runner import Target
from pipelines.warehouse import Warehouse
from sandbox import Sandbox, SandboxSettings, WorldSettings, answer_status
from sandbox.timestamps import format_milliseconds, to_milliseconds
from sources.gladly.declarations import CUSTOMER
from sources.gladly.enrichment_types import ENRICHMENT_KINDS, ENRICHMENT_READ
from sources.gladly.selection import ENRICHMENT, REFERENCE
from sources.http.errors import GiveUpError, HelpdeskError, RetryableError, SettingsError
from sources.tables.declarations import table_schemas
from tests.pipelines.runs import (
    DESTINATIONS,
    Row,
    Tables,
    duckdb_target,
    everything,
    exports_only,
    read_tables,
    run,
)

KINDS = [*ENRICHMENT_KINDS]
WORLD = WorldSettings(items=600, days=3)
PATHS = {
    "conversations": "/api/v1/conversations/*",
    "customer_profiles": "/api/v1/customer-profiles/*",
    "tasks": "/api/v1/tasks/*",
    "voice_transcripts": "/api/v1/conversation-items/*",
}
CHILDREN = ("conversation_topics", "customer_profile_emails", "voice_transcript_paragraphs")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxSettings(world=WORLD, requests_per_second=100_000)) as running:
        yield running


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder into which the exports of the world are loaded: to be copied."""
    folder = tmp_path_factory.mktemp("exported")
    with Sandbox(SandboxSettings(world=WORLD, requests_per_second=100_000)) as running:
        run(running, duckdb_target(folder))
    return folder


@pytest.fixture
def target(exported: Path, tmp_path: Path) -> Target:
    """A warehouse that holds the exports, and nothing of what is read by id."""
    shutil.copytree(exported, tmp_path / "data")
    return duckdb_target(tmp_path / "data")


def only_reads(name: str) -> bool:
    """Select nothing but the reads by id."""
    return name == ENRICHMENT


def reads_of(tables: Tables, **wanted: object) -> list[Row]:
    """Return the rows of enrichment_reads with these values."""
    return [
        row
        for row in tables["enrichment_reads"]
        if all(row[name] == value for name, value in wanted.items())
    ]


def outcomes(tables: Tables) -> Counter[str]:
    return Counter(row["outcome"] for row in tables["enrichment_reads"])


def asked(sandbox: Sandbox) -> Counter[str]:
    """Return how often each thing was asked for by its id."""
    paths = (request.path for request in sandbox.requests)
    prefixes = tuple(path.removesuffix("*") for path in PATHS.values())
    return Counter(path for path in paths if path.startswith(prefixes))


def shown(sandbox: Sandbox, path: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return what the API shows, read by another client than the product's."""
    auth = (sandbox.email, sandbox.api_token)
    return httpx.get(f"{sandbox.base_url}/api/v1{path}", auth=auth).raise_for_status().json()


def tell(sandbox: Sandbox, kind: str, **content: str) -> None:
    """Let an event happen a minute ago."""
    at = sandbox.clock.now() - timedelta(minutes=1)
    sandbox.add_event(
        {
            "id": f"{kind} {content}",
            "type": kind,
            "timestamp": format_milliseconds(to_milliseconds(at)),
            "initiator": {"id": "agent", "type": "AGENT"},
            "content": content,
        }
    )


def ids(tables: Tables, table: str, column: str = "id") -> set[str]:
    return {row[column] for row in tables[table] if row[column]}


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_what_items_and_events_name_is_read_as_the_api_shows_it(
    destination: str, tmp_path: Path, postgres: str, sandbox: Sandbox
) -> None:
    target = DESTINATIONS[destination](tmp_path, postgres)
    report = run(sandbox, target, selected=lambda _name: True, enrichment=KINDS, reports=[])
    tables = read_tables(target)
    assert report.reads == len(tables["enrichment_reads"])
    told = ids(tables, "conversation_items", "conversation_id")
    assert told <= ids(tables, "enrichment_reads", "entity_id")
    assert len(tables["conversations"]) > 20
    for row in tables["conversations"]:
        api = shown(sandbox, f"/conversations/{row['id']}")
        assert (row["customer_id"], row["inbox_id"]) == (api["customerId"], api["inboxId"])
        assert (row["status"], row["agent_id"]) == (api["status"], api.get("agentId"))
        topics = sorted(
            (child["position"], child["topic_id"])
            for child in tables["conversation_topics"]
            if child["conversation_id"] == row["id"]
        )
        assert [topic for _, topic in topics] == api.get("topicIds", [])
    for table, path, key in (
        ("customer_profiles", "/customer-profiles/{}", "id"),
        ("tasks", "/tasks/{}", "id"),
        ("voice_transcripts", "/conversation-items/{}/voice-transcript", "item_id"),
    ):
        assert tables[table], table
        for row in tables[table]:
            api = shown(sandbox, path.format(row[key]))
            assert api.get("customerId", row[key]) == row.get("customer_id", row[key])
    comments = {
        comment["id"]: comment["comment"]
        for task in ids(tables, "tasks")
        for comment in shown(sandbox, f"/tasks/{task}/comments")
    }
    assert {row["id"]: row["comment"] for row in tables["task_comments"]} == comments
    assert all(tables[table] for table in CHILDREN)
    assert set(asked(sandbox).values()) <= {1, 2}


def test_nothing_is_read_twice_and_only_what_was_touched_is_read_again(
    target: Target, sandbox: Sandbox
) -> None:
    run(sandbox, target, enrichment=KINDS, selected=only_reads)
    first = asked(sandbox)
    assert set(first.values()) == {1}
    run(sandbox, target, enrichment=KINDS, selected=only_reads)
    assert asked(sandbox) == first
    sandbox.clock.advance(timedelta(days=1))
    sandbox.requests.clear()
    report = run(sandbox, target, selected=exports_only)
    touched_at = max(file.window_to for file in report.files if file.window_to)
    before = read_tables(target)
    run(sandbox, target, enrichment=["conversations"], selected=only_reads)
    touched = {
        row["conversation_id"]
        for row in before["conversation_items"]
        if row["_extracted_at"] >= touched_at and row["conversation_id"]
    }
    assert {path.rpartition("/")[2] for path in asked(sandbox)} == touched
    assert 0 < len(touched) < len(ids(before, "conversation_items", "conversation_id"))


def test_a_night_that_is_too_short_leaves_the_rest_to_the_next_one(
    target: Target, sandbox: Sandbox
) -> None:
    nights = 0
    while run(
        sandbox, target, selected=only_reads, enrichment=KINDS, enrichment_max_requests=40
    ).reads:
        nights += 1
        tables = read_tables(target)
        assert len(reads_of(tables)) <= 40 * nights
    assert nights > 2
    assert set(asked(sandbox).values()) == {1}
    items = tables["conversation_items"]
    assert ids(tables, "conversation_items", "conversation_id") == {
        row["entity_id"] for row in reads_of(tables, kind="conversations")
    }
    assert items


def test_what_was_touched_last_is_read_first(target: Target, sandbox: Sandbox) -> None:
    run(
        sandbox,
        target,
        selected=only_reads,
        enrichment=["conversations"],
        enrichment_max_requests=10,
    )
    tables = read_tables(target)
    touched: dict[str, datetime] = {}
    for row in tables["conversation_items"]:
        if row["conversation_id"]:
            known = touched.get(row["conversation_id"], row["_extracted_at"])
            touched[row["conversation_id"]] = max(known, row["_extracted_at"])
    read = {row["entity_id"] for row in reads_of(tables)}
    assert len(read) == 10
    assert min(touched[one] for one in read) >= max(
        at for one, at in touched.items() if one not in read
    )


def test_a_used_up_time_reads_nothing(target: Target, sandbox: Sandbox) -> None:
    run(sandbox, target, selected=only_reads, enrichment=KINDS, enrichment_max_seconds=0.0)
    assert asked(sandbox) == Counter()


def test_many_reads_are_under_way_at_once_and_none_is_above_the_limit(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with Sandbox(SandboxSettings(world=WorldSettings(items=250, days=2))) as sandbox:
        run(sandbox, target)
        sandbox.requests.clear()
        sandbox.reads.latency = 0.5
        run(sandbox, target, selected=only_reads, enrichment=["conversations"])
        assert len(asked(sandbox)) > 12
        assert sandbox.requests.most_at_once("GET", "/api/v1/conversations") > 3
        assert sandbox.requests.count_429() == 0


def test_a_redirect_is_a_merge_and_the_survivor_is_read(
    target: Target, tmp_path: Path, sandbox: Sandbox
) -> None:
    run(sandbox, target, enrichment=KINDS, selected=only_reads)
    profiles = sorted(ids(read_tables(target), "customer_profiles"))
    source, survivor = profiles[0], profiles[-1]
    tell(
        sandbox,
        "CUSTOMER/MERGED",
        sourceCustomerId=source,
        destinationCustomerId=survivor,
    )
    sandbox.clock.advance(timedelta(days=1))
    touch(target.warehouse(tmp_path / "touch"), sandbox, [source])
    run(sandbox, target, enrichment=["customer_profiles"], selected=only_reads)
    tables = read_tables(target)
    (merge,) = (row for row in tables["customer_merges"] if row["source_customer_id"] == source)
    assert (merge["destination_customer_id"], merge["evidence"]) == (survivor, "redirect")
    (read,) = reads_of(tables, entity_id=source)
    assert (read["outcome"], read["moved_to"]) == ("moved", survivor)
    (profile,) = (row for row in tables["customer_profiles"] if row["id"] == source)
    assert profile["deleted_at"] == read["requested_at"]
    (again,) = reads_of(tables, entity_id=survivor, kind="customer_profiles")
    assert again["requested_at"] >= read["requested_at"]
    (kept,) = (row for row in tables["customer_profiles"] if row["id"] == survivor)
    assert kept["deleted_at"] is None


def touch(warehouse: Warehouse, sandbox: Sandbox, customers: list[str]) -> None:
    """Let the destination hold customers that an export of this moment told of."""
    now = f"TIMESTAMPTZ '{sandbox.clock.now():%Y-%m-%d %H:%M:%S}+00'"
    warehouse.declare()
    with warehouse.session() as session:
        told = ", ".join(f"'{customer}'" for customer in customers)
        for table in table_schemas(CUSTOMER):
            (key,) = table.root_key or table.key
            name = session.names.final(table.name)
            session.run([f"UPDATE {name} SET _extracted_at = {now} WHERE {key} IN ({told})"])


def test_what_is_not_found_twice_is_gone_since_the_first_time(
    target: Target, tmp_path: Path, sandbox: Sandbox
) -> None:
    run(sandbox, target, enrichment=KINDS, selected=only_reads)
    before = read_tables(target)
    gone, stays = sorted(ids(before, "customer_profiles") & ids(before, "customers"))[:2]
    emails = [row for row in before["customer_profile_emails"] if row["customer_id"] == gone]
    assert emails
    tell(sandbox, "CUSTOMER_PROFILE/DELETED", customerId=gone)
    sandbox.clock.advance(timedelta(hours=3))
    touch(target.warehouse(tmp_path / "touch"), sandbox, [gone, stays])
    run(sandbox, target, enrichment=["customer_profiles"], selected=only_reads)
    first = read_tables(target)
    (missing,) = reads_of(first, entity_id=gone, kind="customer_profiles")
    assert (missing["outcome"], first["deleted_customers"]) == ("missing", [])
    assert ids(first, "customer_profiles") == ids(before, "customer_profiles")
    # too early to be sure
    run(sandbox, target, enrichment=["customer_profiles"], selected=only_reads)
    assert reads_of(read_tables(target), entity_id=gone, kind="customer_profiles") == [missing]
    sandbox.clock.advance(timedelta(hours=2))
    run(sandbox, target, enrichment=["customer_profiles"], selected=only_reads)
    after = read_tables(target)
    (read,) = reads_of(after, entity_id=gone, kind="customer_profiles")
    assert (read["outcome"], read["missing_since"]) == ("gone", missing["requested_at"])
    (profile,) = (row for row in after["customer_profiles"] if row["id"] == gone)
    assert profile["deleted_at"] == missing["requested_at"]
    kept = [row for row in after["customer_profile_emails"] if row["customer_id"] == gone]
    assert [row["original"] for row in kept] == [row["original"] for row in emails]
    (deleted,) = after["deleted_customers"]
    assert (deleted["customer_id"], deleted["evidence"]) == (gone, "not found twice")
    assert [row["id"] for row in after["customer_profiles"] if row["deleted_at"]] == [gone]


def test_nothing_is_gone_on_the_word_of_a_service_that_finds_nothing(
    target: Target, tmp_path: Path, sandbox: Sandbox
) -> None:
    run(sandbox, target, enrichment=KINDS, selected=only_reads)
    before = read_tables(target)
    customers = sorted(ids(before, "customer_profiles") & ids(before, "customers"))[:5]
    sandbox.faults.on(PATHS["customer_profiles"], 100, answer_status(404))
    for _ in range(3):
        sandbox.clock.advance(timedelta(hours=3))
        touch(target.warehouse(tmp_path / "touch"), sandbox, customers)
        run(sandbox, target, enrichment=["customer_profiles"], selected=only_reads)
    after = read_tables(target)
    assert {row["outcome"] for row in reads_of(after) if row["entity_id"] in customers} == {
        "missing"
    }
    assert after["deleted_customers"] == []
    assert [row for row in after["customer_profiles"] if row["deleted_at"]] == []


def test_a_kind_that_gladly_does_not_serve_is_left_and_named(
    tmp_path: Path,
) -> None:
    target = duckdb_target(tmp_path)
    world = WorldSettings(items=1500, days=2)
    with Sandbox(SandboxSettings(world=world, requests_per_second=100_000)) as sandbox:
        run(sandbox, target)
        sandbox.faults.on(PATHS["conversations"], 10_000, answer_status(404))
        with pytest.raises(GiveUpError, match="found none of the first 50 conversations"):
            run(sandbox, target, selected=only_reads, enrichment=KINDS)
    tables = read_tables(target)
    assert tables["customer_profiles"]
    assert outcomes(tables)["gone"] == 0
    assert {row["outcome"] for row in reads_of(tables, kind="conversations")} == {"missing"}


def test_a_kind_that_is_refused_keeps_no_other_from_being_read(
    target: Target, sandbox: Sandbox
) -> None:
    sandbox.faults.on(PATHS["tasks"], 10_000, answer_status(403))
    with pytest.raises(GiveUpError, match="403"):
        run(sandbox, target, selected=only_reads, enrichment=KINDS)
    tables = read_tables(target)
    assert (tables["tasks"], reads_of(tables, kind="tasks")) == ([], [])
    assert tables["conversations"]
    assert tables["voice_transcripts"]


@pytest.mark.usefixtures("no_waiting")
def test_an_outage_stops_the_reads_and_the_next_run_goes_on(
    target: Target, sandbox: Sandbox
) -> None:
    for path in PATHS.values():
        sandbox.faults.on(path, 10_000, answer_status(503))
    with pytest.raises(RetryableError, match="503"):
        run(sandbox, target, selected=only_reads, enrichment=KINDS)
    assert sum(asked(sandbox).values()) < 1000
    for path in PATHS.values():
        while sandbox.faults.take(path.replace("*", "x")):
            pass
    run(sandbox, target, selected=only_reads, enrichment=KINDS)
    tables = read_tables(target)
    assert ids(tables, "conversation_items", "conversation_id") == {
        row["entity_id"] for row in reads_of(tables, kind="conversations")
    }


def test_reads_that_were_not_loaded_are_loaded_from_the_archive(
    target: Target, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    def dying(*_: Any, **__: Any) -> None:  # noqa: ANN401 - whatever is loaded
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(loading.Loader, "load_package", dying)
        with pytest.raises(KilledError):
            run(sandbox, target, selected=only_reads, enrichment=KINDS)
    read = asked(sandbox)
    assert read
    assert read_tables(target)["enrichment_reads"] == []
    run(sandbox, target, selected=only_reads, enrichment=KINDS)
    tables = read_tables(target)
    assert len(tables["conversations"]) > 20
    assert asked(sandbox) == read


def test_a_list_of_comments_that_is_cut_is_said_to_be(
    target: Target, tmp_path: Path, sandbox: Sandbox
) -> None:
    run(sandbox, target, enrichment=["tasks"], selected=only_reads)
    before = read_tables(target)
    counts = Counter(row["task_id"] for row in before["task_comments"])
    assert all(row["is_complete"] for row in reads_of(before))
    sandbox.reads.comments_of_a_task = 1
    with target.warehouse(tmp_path / "again").declare().session() as session:
        session.run([f"DELETE FROM {session.names.final('enrichment_reads')}"])
    run(sandbox, target, enrichment=["tasks"], selected=only_reads)
    after = read_tables(target)
    cut = {row["entity_id"] for row in reads_of(after, is_complete=False)}
    assert cut == {task for task, count in counts.items() if count > 1} != set()
    assert Counter(row["task_id"] for row in after["task_comments"]) == counts


def test_custom_attributes_of_conversations_are_looked_up_by_the_next_run(
    target: Target, sandbox: Sandbox
) -> None:
    run(sandbox, target, enrichment=["conversations"], selected=only_reads)
    run(sandbox, target, selected=REFERENCE.__eq__)
    tables = read_tables(target)
    seen = ids(tables, "conversation_custom_attributes", "custom_attribute_id")
    assert seen
    assert ids(tables, "custom_attributes") == seen


def test_a_deleted_customer_is_erased_from_what_was_read_by_id(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    wish: dict[str, Any] = {"enrichment": KINDS, "on_customer_deleted": "erase", "reports": []}
    run(sandbox, target, selected=lambda _name: True, **wish)
    before = read_tables(target)
    (gone, *_) = sorted(ids(before, "tasks", "customer_id") & ids(before, "customer_profiles"))
    conversations = {row["id"] for row in before["conversations"] if row["customer_id"] == gone}
    tell(sandbox, "CUSTOMER_PROFILE/DELETED", customerId=gone)
    sandbox.clock.advance(timedelta(hours=1))
    run(sandbox, target, selected=everything, **wish)
    after = read_tables(target)
    naming = {table for table, rows in after.items() if any(gone in str(row) for row in rows)}
    assert naming == {"deleted_customers", "erased_customers"}
    assert conversations
    assert conversations.isdisjoint(ids(after, "conversations"))
    assert conversations.isdisjoint(ids(after, "conversation_topics", "conversation_id"))
    assert conversations.isdisjoint(ids(after, "enrichment_reads", "entity_id"))
    raw = [path for path in (tmp_path / "raw").rglob("*") if path.is_file()]
    assert [path.name for path in raw if gone.encode() in path.read_bytes()] == []


def test_a_kind_that_does_not_exist_is_named(tmp_path: Path, sandbox: Sandbox) -> None:
    with pytest.raises(SettingsError, match="enrichment names conversation_items"):
        run(sandbox, duckdb_target(tmp_path), enrichment=["conversation_items"])


def test_requests_of_all_threads_count_together() -> None:
    from pipelines.allowance import Allowance  # noqa: PLC0415 - beside what it shows

    allowance = Allowance(requests=100)
    taken: list[bool] = []
    threads = [
        threading.Thread(target=lambda: taken.extend(allowance.take() for _ in range(40)))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(taken), allowance.is_used_up) == (100, True)


# -- what is wanted, against a plain walk --------------------------------------------------------

CONFIRMED_UNTIL = 50
touches = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 99)), max_size=6)
past_reads = st.dictionaries(
    st.sampled_from("abc"),
    st.tuples(
        st.integers(0, 99), st.sampled_from(["found", "moved", "missing", "gone", "refused"])
    ),
)


def at(hour: int) -> datetime:
    return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=hour)


@pytest.fixture(scope="module")
def plain() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for table in ("conversation_items", "conversation_events", "contact_events"):
            connection.execute(
                f"CREATE TABLE {table} (conversation_id VARCHAR, _extracted_at TIMESTAMPTZ)"
            )
        connection.execute(
            "CREATE TABLE enrichment_reads (read_id VARCHAR, kind VARCHAR, entity_id VARCHAR, "
            "outcome VARCHAR, requested_at TIMESTAMPTZ)"
        )
        yield connection


@given(items=touches, events=touches, reads=past_reads)
def test_what_is_wanted_is_what_a_plain_walk_finds(
    plain: duckdb.DuckDBPyConnection,
    items: list[tuple[str, int]],
    events: list[tuple[str, int]],
    reads: dict[str, tuple[int, str]],
) -> None:
    for table, rows in (("conversation_items", items), ("contact_events", events)):
        plain.execute(f"DELETE FROM {table}")
        for name, hour in (*rows, ("", 1)):
            plain.execute(f"INSERT INTO {table} VALUES (?, ?)", [name, at(hour)])
    plain.execute("DELETE FROM enrichment_reads")
    for name, (hour, outcome) in reads.items():
        row = [f"conversations {name}", "conversations", name, outcome, at(hour)]
        plain.execute("INSERT INTO enrichment_reads VALUES (?, ?, ?, ?, ?)", row)
    kind = ENRICHMENT_KINDS["conversations"]
    tables = {ENRICHMENT_READ.table, *(touch.table for touch in kind.touches)}
    sql = wanted_sql([kind], tables, str, str, "w.entity_id")
    found = plain.execute(sql.replace("%s", "?"), [at(CONFIRMED_UNTIL)]).fetchall()
    expected = set()
    for name in {name for name, _ in (*items, *events)}:
        last = max(hour for one, hour in (*items, *events) if one == name)
        hour, outcome = reads.get(name, (-1, "never"))
        to_confirm = outcome == "missing" and hour <= CONFIRMED_UNTIL
        if to_confirm or (outcome != "moved" and last > hour):
            expected.add(name)
    assert sorted(name for (name,) in found) == sorted(expected)


def test_an_error_of_settings_is_told_before_anything_is_read(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    with pytest.raises(HelpdeskError):
        run(sandbox, duckdb_target(tmp_path), enrichment=["nothing"])
    assert len(sandbox.requests) == 0
