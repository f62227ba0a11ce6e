"""Reference lists: the tables show the last list, the history every list before it."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.reference import load_reference
from pipelines.runner import Target
from sandbox import Sandbox, SandboxSettings, WorldSettings
from sandbox.webhooks import WEBHOOK_SECRETS
from sources.gladly.history import HISTORY_TABLES
from sources.gladly.reference import archive_lists, fetch_list, organization_reader
from sources.gladly.reference_types import REFERENCE_LISTS
from sources.gladly.settings import EVENTS_STREAM
from sources.http.errors import RetryableError, SettingsError
from sources.streams.archive import RawFile, size_and_digest
from sources.tables.declarations import LINEAGE
from tests.leaves import missing_leaves, rows_by_record
from tests.pipelines.references import (
    FIRST,
    TABLES,
    ReferenceServer,
    client_of,
    load_export,
    opened,
    queries,
    read_reference,
    reference_server,
    tables_of,
)
from tests.pipelines.runs import DESTINATIONS, Tables, duckdb_target

pytestmark = pytest.mark.slow  # `make long`: minutes of runs of whole days

DATABASES = ["duckdb", "postgres"]
ANN, BOB = {"id": "a", "name": "Ann"}, {"id": "b", "name": "Bob"}

# of each agent the teams at a time, under the names that both had then
TEAMS_AT = """
    SELECT members.agent_id, agents.name, teams.name
    FROM {team_agent_history} AS members
    JOIN {team_history} AS teams ON teams.team_id = members.team_id
        AND teams.valid_from <= moment AND (teams.valid_to IS NULL OR moment < teams.valid_to)
    JOIN {agent_history} AS agents ON agents.agent_id = members.agent_id
        AND agents.valid_from <= moment AND (agents.valid_to IS NULL OR moment < agents.valid_to)
    WHERE members.valid_from <= moment AND (members.valid_to IS NULL OR moment < members.valid_to)
"""
# the topics at a time, and what they were nested under
TOPICS_AT = """
    SELECT topics.topic_id, topics.name, parents.name
    FROM {topic_history} AS topics
    LEFT JOIN {topic_history} AS parents ON parents.topic_id = topics.parent_id
        AND parents.valid_from <= moment AND (parents.valid_to IS NULL OR moment < parents.valid_to)
    WHERE topics.valid_from <= moment AND (topics.valid_to IS NULL OR moment < topics.valid_to)
"""
INBOXES_AT = """
    SELECT inbox_id, name, disabled FROM {inbox_history}
    WHERE valid_from <= moment AND (valid_to IS NULL OR moment < valid_to)
"""


@pytest.fixture
def server() -> Iterator[ReferenceServer]:
    with reference_server() as server:
        yield server


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return duckdb_target(tmp_path)


def at(sql: str, moment: datetime) -> str:
    return sql.replace("moment", f"TIMESTAMPTZ '{moment.isoformat()}'")


def states(tables: Tables, table: str) -> dict[str, datetime | None]:
    return {row["id"]: row["deleted_at"] for row in tables[table]}


def spans(tables: Tables, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return days since the first, from and to, of the versions of a history."""

    def day(moment: datetime | None) -> float | None:
        return None if moment is None else (moment - FIRST) / timedelta(days=1)

    rows = (
        (*(row[name] for name in columns), day(row["valid_from"]), day(row["valid_to"]))
        for row in tables[table]
    )
    return sorted(rows, key=str)


# -- against the sandbox -----------------------------------------------------------------------


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    settings = SandboxSettings(
        world=WorldSettings(items=40, days=2, first_day=FIRST.date()),
        now=FIRST + timedelta(hours=1),
        requests_per_second=1000,
    )
    with Sandbox(settings) as sandbox:
        yield sandbox


def shown(sandbox: Sandbox, name: str) -> list[dict[str, Any]]:
    """Return the elements of a list as the API shows them now."""
    with client_of(sandbox.base_url) as client:
        ids = [record["id"] for record in sandbox.reference("custom-attributes")]
        lines = fetch_list(client, name, ids, None, organization_reader(client)).lines.splitlines()
    return [json.loads(line) for line in lines]


def read_sandbox(sandbox: Sandbox, target: Target) -> None:
    """Read all lists, all custom attributes among them, though no event told of any."""
    names = [name for name in REFERENCE_LISTS if name != "custom_attributes"]
    read_reference(sandbox.base_url, target, names)


def moment_of(sandbox: Sandbox) -> dict[str, list[tuple[Any, ...]]]:
    """Return what the queries must answer of the present, from the sandbox itself."""
    agents = {agent["id"]: agent["name"] for agent in sandbox.reference("agents")}
    topics = {topic["id"]: topic["name"] for topic in sandbox.reference("topics")}
    return {
        TEAMS_AT: sorted(
            (agent, agents[agent], team["name"])
            for team in sandbox.reference("teams")
            for agent in team["agentIds"]
            if agent in agents
        ),
        TOPICS_AT: sorted(
            (
                (topic["id"], topic["name"], topics.get(topic.get("parentId", "")))
                for topic in sandbox.reference("topics")
            ),
            key=str,
        ),
        INBOXES_AT: sorted(
            (inbox["id"], inbox["name"], inbox.get("disabled"))
            for inbox in sandbox.reference("inboxes")
        ),
    }


@pytest.mark.parametrize("destination", DATABASES)
def test_history_gives_the_teams_topics_and_inboxes_of_any_past_day(
    destination: str, tmp_path: Path, postgres: str, sandbox: Sandbox
) -> None:
    target = DESTINATIONS[destination](tmp_path, postgres)
    agents = [agent["id"] for agent in sandbox.reference("agents")]
    topics = [topic["id"] for topic in sandbox.reference("topics")]
    inboxes = [inbox["id"] for inbox in sandbox.reference("inboxes")]
    teams = [team["id"] for team in sandbox.reference("teams")]
    gone = next(one for one in sandbox.reference("agents") if one["id"] == agents[0])
    days: list[Callable[[], object]] = [
        lambda: None,
        lambda: sandbox.change_reference("teams", teams[0], agentIds=agents[:2], name="Refunds"),
        lambda: sandbox.change_reference("teams", teams[1], agentIds=[*agents[1:3], agents[0]]),
        lambda: sandbox.remove_reference("agents", agents[0]),
        lambda: sandbox.change_reference("topics", topics[-1], parentId=topics[0], name="Moved"),
        lambda: sandbox.add_reference("agents", {**gone, "name": "Back Again"}),
        lambda: sandbox.remove_reference("teams", teams[0]),
        lambda: sandbox.change_reference("inboxes", inboxes[0], name="Renamed", disabled=True),
        lambda: sandbox.remove_reference("inboxes", inboxes[-1]),
    ]
    expected = []
    for change in days:
        sandbox.clock.advance(timedelta(days=1))
        change()
        read_sandbox(sandbox, target)
        expected.append((sandbox.clock.now(), moment_of(sandbox)))
    with queries(target) as ask:
        for moment, answers in expected:
            for sql, rows in answers.items():
                for later in (timedelta(), timedelta(hours=23)):
                    found = ask(at(sql, moment + later))
                    assert sorted(found, key=str) == sorted(rows, key=str), moment
        before = FIRST + timedelta(hours=23)
        assert [ask(at(sql, before)) for sql in expected[0][1]] == [[], [], []]
    assert len({str(answers) for _, answers in expected}) == len(days)


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_every_leaf_of_every_list_is_in_the_tables(
    destination: str, tmp_path: Path, postgres: str, sandbox: Sandbox
) -> None:
    target = DESTINATIONS[destination](tmp_path, postgres)
    for _ in range(3):
        read_sandbox(sandbox, target)
        sandbox.clock.advance(timedelta(days=1))
    read_sandbox(sandbox, target)
    tables = tables_of(target)
    index = rows_by_record(tables)
    for name in REFERENCE_LISTS:
        if name == "custom_attributes":
            continue
        sent = shown(sandbox, name)
        problems = [
            problem
            for record in sent
            for problem in missing_leaves(name, json.dumps(record), index)
        ]
        assert problems == []
        present = {key for key, deleted_at in states(tables, name).items() if deleted_at is None}
        assert present == {record["id"] for record in sent} != set(), name


def test_what_is_secret_in_a_webhook_is_nowhere(tmp_path: Path, sandbox: Sandbox) -> None:
    target = duckdb_target(tmp_path)
    broken = {"id": "", "url": "https://example.com/?key=quarantined-canary", "headers": "canary"}
    sandbox.add_reference("webhooks", {"id": "unreadable"})
    sandbox.change_reference("webhooks", "unreadable", **broken)
    read_sandbox(sandbox, target)
    tables = tables_of(target)
    assert len(tables["webhooks"]) == 3
    assert [row["file"] for row in tables["quarantined_lines"]] == ["webhooks.jsonl"]
    assert {row["name"] for row in tables["webhook_headers"]} == {"X-Gladly-Token", "X-Sync-Key"}
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("CHECKPOINT")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "webhooks.jsonl" for path in files)
    for canary in (*WEBHOOK_SECRETS, "canary"):
        assert [path for path in files if canary.encode() in path.read_bytes()] == []


def test_custom_attributes_are_asked_for_by_the_ids_that_events_told(
    target: Target, server: ReferenceServer
) -> None:
    with opened(target) as loader:
        path = loader.workspace.archive / "events.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        event = {
            "id": "event",
            "type": "CONVERSATION/CUSTOM_ATTRIBUTE_ADDED",
            "timestamp": "2026-03-02T00:00:00Z",
            "initiator": {"id": "a", "type": "AGENT"},
        }
        path.write_text(
            "".join(
                json.dumps({**event, "id": f"event {one}", "content": {"customAttributeId": one}})
                + "\n"
                for one in ("order id", "gone", "order id")
            )
        )
        raw = RawFile(
            EVENTS_STREAM, "events", path.name, FIRST, None, path, *size_and_digest(path), 0.0
        )
        loader.load([raw])
    server.put("custom-attributes/order%20id", {"id": "order id", "key": "orderId"})
    read_reference(server.address, target, ["custom_attributes"])
    assert sorted(server.asked) == ["custom-attributes/gone", "custom-attributes/order%20id"]
    assert states(tables_of(target), "custom_attributes") == {"order id": None}


# -- what vanished, what came back -------------------------------------------------------------


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_what_vanishes_is_marked_and_what_comes_back_is_not(
    destination: str, tmp_path: Path, postgres: str, server: ReferenceServer
) -> None:
    target = DESTINATIONS[destination](tmp_path, postgres)
    hours = {"id": "h", "officeHours": {"monday": [{"start": "09:00", "stop": "17:00"}]}}
    team = {"id": "t", "name": "Team", "agentIds": ["a", "b"]}
    server.put_lists(agents=[ANN, BOB], teams=[team], business_hours=[hours])
    read_reference(server.address, target)
    first = tables_of(target)
    server.later(days=1)
    server.put_lists(agents=[ANN], teams=[], business_hours=[])
    read_reference(server.address, target)
    server.later(days=1)
    read_reference(server.address, target)
    gone = tables_of(target)
    assert states(gone, "agents") == {"a": None, "b": FIRST + timedelta(days=1)}
    assert states(gone, "teams") == {"t": FIRST + timedelta(days=1)}
    # what a row said last stays, and where: it is the row that is gone, not what is known of it
    for table in ("agents", "teams", "team_agents", "business_hours", "business_hours_blocks"):
        left_out = {"deleted_at", "_extracted_at"}
        assert sorted(
            str({k: v for k, v in row.items() if k not in left_out}) for row in gone[table]
        ) == sorted(
            str({k: v for k, v in row.items() if k not in left_out}) for row in first[table]
        )
    server.later(days=1)
    server.put_lists(agents=[ANN, BOB], teams=[team | {"agentIds": ["b"]}])
    read_reference(server.address, target)
    back = tables_of(target)
    assert {*states(back, "agents").values(), *states(back, "teams").values()} == {None}
    assert [row["agent_id"] for row in back["team_agents"]] == ["b"]
    assert spans(back, "agent_history", "agent_id") == [("a", 0, None), ("b", 0, 1), ("b", 3, None)]
    assert spans(back, "team_history", "team_id") == [("t", 0, 1), ("t", 3, None)]
    assert spans(back, "team_agent_history", "agent_id") == [
        ("a", 0, 1),
        ("b", 0, 1),
        ("b", 3, None),
    ]


@pytest.mark.parametrize(
    ("answers", "limited"),
    [
        pytest.param([{"id": f"{n:04}"} for n in range(1, 1001)], False, id="a thousand"),
        pytest.param([{"id": "0001"}], True, id="a header"),
        pytest.param([{"id": "0001"}, {"id": 7}], False, id="an element that cannot be read"),
    ],
)
def test_a_list_that_is_not_whole_marks_nothing(
    answers: list[object], *, limited: bool, target: Target, server: ReferenceServer
) -> None:
    server.put("orgs/acme/answers", [{"id": "0000"}])
    read_reference(server.address, target)
    server.later(days=1)
    server.put("orgs/acme/answers", answers, limited=limited)
    read_reference(server.address, target)
    found = states(tables_of(target), "public_answers")
    assert (found["0000"], found["0001"]) == (None, None)


def test_public_answers_come_in_the_language_asked_for(
    target: Target, server: ReferenceServer
) -> None:
    read_reference(server.address, target, ["public_answers"], language="es-419")
    assert server.asked == ["organization", "orgs/acme/answers?lng=es-419"]


# -- lists that cannot be had ------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_list_that_gladly_refuses_stays_as_it_is_and_stops_nothing(
    status: int, target: Target, server: ReferenceServer
) -> None:
    server.put_lists(agents=[ANN], audiences=[{"id": "x", "name": "All"}])
    read_reference(server.address, target)
    server.later(days=1)
    server.put("audiences", {}, status)
    server.put_lists(agents=[BOB])
    read_reference(server.address, target)
    tables = tables_of(target)
    assert states(tables, "audiences") == {"x": None}
    assert states(tables, "agents") == {"a": FIRST + timedelta(days=1), "b": None}


@pytest.mark.parametrize(
    ("status", "document"),
    [
        pytest.param(500, [], id="a fault"),
        pytest.param(200, {"agents": []}, id="no list"),
    ],
)
def test_a_list_that_fails_changes_nothing_and_fails_the_run_at_its_end(
    status: int, document: object, target: Target, server: ReferenceServer
) -> None:
    server.put_lists(agents=[ANN])
    read_reference(server.address, target)
    server.later(days=1)
    server.put("agents", document, status)
    server.put_lists(inboxes=[{"id": "i", "name": "Mail"}])
    with pytest.raises(RetryableError, match="/api/v1/agents"):
        read_reference(server.address, target)
    tables = tables_of(target)
    assert states(tables, "agents") == {"a": None}
    assert spans(tables, "agent_history", "name") == [("Ann", 0, None)]
    assert states(tables, "inboxes") == {"i": None}


def test_a_list_nobody_knows_is_refused(target: Target, server: ReferenceServer) -> None:
    with pytest.raises(SettingsError, match=r"names groups, .*Known are agents, inboxes"):
        read_reference(server.address, target, ["agents", "groups"])
    assert server.asked == []


# -- exports beside lists ----------------------------------------------------------------------


def test_exports_change_rows_but_neither_mark_them_nor_make_history(
    target: Target, server: ReferenceServer
) -> None:
    server.put_lists(agents=[ANN, BOB])
    read_reference(server.address, target)
    later = FIRST + timedelta(hours=1)
    load_export(target, "agents.jsonl", [ANN | {"name": "Anna"}, {"id": "c"}], made_at=later)
    tables = tables_of(target)
    names = {row["id"]: row["name"] for row in tables["agents"]}
    assert names == {"a": "Anna", "b": "Bob", "c": None}
    assert {*states(tables, "agents").values()} == {None}
    assert spans(tables, "agent_history", "name") == [("Ann", 0, None), ("Bob", 0, None)]


def test_an_older_export_that_comes_late_changes_nothing(
    target: Target, server: ReferenceServer
) -> None:
    server.put_lists(agents=[ANN, BOB])
    read_reference(server.address, target)
    server.later(days=1)
    server.put_lists(agents=[ANN | {"name": "Anna"}])
    read_reference(server.address, target)
    before = tables_of(target)
    earlier = FIRST + timedelta(hours=1)
    load_export(target, "agents.jsonl", [ANN | {"name": "Late"}, BOB], made_at=earlier)
    after = tables_of(target)
    for table in ("agents", "agent_history"):
        assert after[table] == before[table]


def test_the_list_of_a_run_puts_right_what_a_late_export_brought_back(
    target: Target, server: ReferenceServer
) -> None:
    server.put_lists(agents=[ANN, BOB])
    read_reference(server.address, target)
    server.later(days=1)
    server.put_lists(agents=[ANN])
    read_reference(server.address, target)
    server.later(days=1)
    # Ann was called otherwise for a while that no list saw; Bob is in exports to this day
    made_at = server.now - timedelta(hours=1)
    load_export(target, "agents.jsonl", [ANN | {"name": "Otherwise"}, BOB], made_at=made_at)
    assert states(tables_of(target), "agents") == {"a": None, "b": None}
    read_reference(server.address, target)
    tables = tables_of(target)
    assert {row["id"]: row["name"] for row in tables["agents"]} == {"a": "Ann", "b": "Bob"}
    # he is gone since the list that first lacked him
    assert states(tables, "agents") == {"a": None, "b": FIRST + timedelta(days=1)}
    assert spans(tables, "agent_history", "name") == [("Ann", 0, None), ("Bob", 0, 1)]


def test_an_export_made_after_a_list_is_not_undone_by_it(
    target: Target, server: ReferenceServer
) -> None:
    load_export(
        target,
        "topics.jsonl",
        [{"id": "t", "name": "New"}, {"id": "u", "name": "Newer"}],
        made_at=FIRST + timedelta(hours=1),
    )
    server.put_lists(topics=[{"id": "t", "name": "Old"}])
    read_reference(server.address, target)
    tables = tables_of(target)
    assert {row["id"]: row["name"] for row in tables["topics"]} == {"t": "New", "u": "Newer"}
    assert states(tables, "topics") == {"t": None, "u": None}
    assert spans(tables, "topic_history", "name") == [("Old", 0, None)]


# -- ledger, archive, crashes ------------------------------------------------------------------


def test_a_night_without_changes_writes_the_ledger_and_nothing_else(
    target: Target, server: ReferenceServer
) -> None:
    agents = [{"id": f"agent {n}", "name": f"Agent {n}", "new": {"n": n}} for n in range(300)]
    hours = {
        "id": "h",
        "createdAt": "2024-01-15T09:00:00.25Z",
        "officeHours": {
            "exceptions": [
                {"start": "2024-01-01T00:00:00-05:00", "scheduleBlocks": [{"start": "09:00"}]}
            ]
        },
    }
    team = {"id": "t", "agentIds": [agent["id"] for agent in agents]}
    server.put_lists(agents=agents, teams=[team], business_hours=[hours])
    first = read_reference(server.address, target)
    assert first.tables["team_agent_history"].added == 300
    server.later(days=1)
    server.put_lists(agents=agents[::-1])
    report = read_reference(server.address, target)
    assert {name: change.added for name, change in report.tables.items()} == {"load_files": 9}
    assert sum(file.superseded for file in report.files) == 300 + 1 + 1 + 1


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_every_row_leads_to_the_line_it_came_from(
    destination: str, tmp_path: Path, postgres: str, server: ReferenceServer
) -> None:
    target = DESTINATIONS[destination](tmp_path, postgres)
    server.put_lists(
        agents=[ANN, BOB, "no agent", {"name": "no id"}],
        teams=[{"id": "t", "name": "Team", "agentIds": ["a"]}],
    )
    read_reference(server.address, target)
    server.later(days=1)
    server.put_lists(agents=[BOB | {"name": "Bo"}], teams=[])
    read_reference(server.address, target)
    tables = tables_of(target)
    files = {(row["job_id"], row["file"]): row for row in tables["load_files"]}
    assert {row["stream"] for row in files.values()} == {"gladly.reference"}
    assert all(row["lines"] == row["rows"] + row["quarantined"] for row in files.values())
    assert sum(row["quarantined"] for row in files.values()) == 2
    archive = tmp_path / "raw" / "gladly"
    seen = 0
    for table in TABLES:
        if {*LINEAGE} <= {*table.columns} and table.name != "quarantined_lines":
            for row in tables[table.name]:
                file = files[row["_job_id"], row["_file"]]
                lines = (archive / file["archive_path"]).read_bytes().splitlines()
                record = json.loads(lines[row["_line"] - 1])
                owner = (table.root_key or table.key)[0]
                assert row[owner] == record["id"]
                seen += 1
    assert seen == len(tables["agents"]) + 3 + 1 + 1 + 1 + 1 + 1


def test_lists_that_a_run_could_not_load_are_loaded_by_the_next_in_their_order(
    tmp_path: Path, server: ReferenceServer
) -> None:
    whole, killed = duckdb_target(tmp_path / "whole"), duckdb_target(tmp_path / "killed")
    nights: list[list[object]] = [[ANN], [ANN, BOB], [BOB | {"name": "Bo"}], [ANN]]
    for night, agents in enumerate(nights):
        server.put_lists(agents=agents)
        read_reference(server.address, whole)
        if night in (1, 2):
            # the run ends when its lists are in the archive
            with opened(killed) as loader, client_of(server.address) as client:
                lists = [
                    fetch_list(client, name, (), None, organization_reader(client))
                    for name in ("agents", "teams")
                ]
                archive_lists(loader.workspace.archive / "reference", lists, lists[0].at)
        else:
            read_reference(server.address, killed)
        server.later(days=1)
    expected, found = tables_of(whole), tables_of(killed)
    assert spans(expected, "agent_history", "name") == [
        ("Ann", 0, 2),
        ("Ann", 3, None),
        ("Bo", 2, 3),
        ("Bob", 1, 2),
    ]
    for table in ("agents", *(table.name for table in HISTORY_TABLES)):
        assert sorted(map(str, found[table])) == sorted(map(str, expected[table]))


def test_a_list_older_than_the_last_one_tells_nothing(
    target: Target, server: ReferenceServer
) -> None:
    server.put_lists(agents=[ANN])
    server.later(days=1)
    read_reference(server.address, target)
    before = tables_of(target)
    with opened(target) as loader, client_of(server.address) as client:
        server.put_lists(agents=[BOB])
        archive = loader.workspace.archive / "reference"
        archive_lists(
            archive, [fetch_list(client, "agents", (), None, organization_reader(client))], FIRST
        )
        load_reference(client, archive, loader, [])
    after = tables_of(target)
    assert after["agents"] == before["agents"]
    assert after["agent_history"] == before["agent_history"]
    late = next(row for row in after["load_files"] if row["extracted_at"] == FIRST)
    assert (late["lines"], late["rows"], late["superseded"]) == (1, 1, 1)


def test_lists_read_within_one_second_keep_their_order(
    target: Target, server: ReferenceServer
) -> None:
    for agents in ([ANN], [BOB], [ANN]):
        server.put_lists(agents=agents)
        read_reference(server.address, target, ["agents"])
    tables = tables_of(target)
    tick = timedelta(microseconds=1)
    assert states(tables, "agents") == {"a": None, "b": FIRST + 2 * tick}
    assert [(row["name"], row["valid_from"] - FIRST) for row in tables["agent_history"]] == [
        ("Ann", timedelta()),
        ("Bob", tick),
        ("Ann", 2 * tick),
    ]
