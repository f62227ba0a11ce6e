"""Reads by id: what Gladly answers is archived as it stands, and what came of each read is told."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import Sandbox, SandboxSettings, WorldSettings
from sources.gladly.batches import Batch
from sources.gladly.enrichment import (
    Read,
    Wanted,
    archive_reads,
    archived_reads,
    read_entity,
)
from sources.gladly.enrichment_types import ENRICHMENT_KINDS, ENRICHMENT_STREAM, Outcome
from sources.http.client import ApiClient
from sources.http.errors import GiveUpError, HelpdeskError, RetryableError
from sources.tables.conform import encode_json
from tests.leaves import parse_json, same
from tests.pipelines.references import FIRST, ReferenceServer, client_of, reference_server
from tests.tables.records import ANY_JSON, as_json

Json = Any

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
TICK = timedelta(microseconds=1)
FEW = settings(max_examples=60, derandomize=True, deadline=None)
# kind -> where the reference says it is read
PATHS = {
    "conversations": "conversations/{}",
    "customer_profiles": "customer-profiles/{}",
    "tasks": "tasks/{}",
    "voice_transcripts": "conversation-items/{}/voice-transcript",
}
KINDS = list(PATHS)
CONTENT_TYPES = {"conversations": "EMAIL", "customer_profiles": "EMAIL", "tasks": "TASK"}


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    world = WorldSettings(items=3000, days=2, first_day=MIDNIGHT.date())
    now = MIDNIGHT + timedelta(days=3)
    with Sandbox(SandboxSettings(world=world, now=now, requests_per_second=1000)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    most = running.reads.comments_of_a_task
    yield running
    running.reads.comments_of_a_task = most


@pytest.fixture(scope="module")
def gladly(running: Sandbox) -> Iterator[ApiClient]:
    with client_of(running.base_url) as client:
        yield client


@pytest.fixture
def server() -> Iterator[ReferenceServer]:
    with reference_server() as serving:
        yield serving


@pytest.fixture
def client(server: ReferenceServer) -> Iterator[ApiClient]:
    with client_of(server.address) as connected:
        yield connected


def read(client: ApiClient, kind: str, entity_id: str, **known: datetime) -> Read:
    return read_entity(client, ENRICHMENT_KINDS[kind], Wanted(kind, entity_id, **known), LONG_AGO)


def answered(sandbox: Sandbox, path: str) -> Json:
    """Return what the sandbox answers, asked by other means."""
    auth = (sandbox.email, sandbox.api_token)
    answer = httpx.get(f"{sandbox.base_url}/api/v1/{path}", auth=auth)
    assert answer.status_code == 200
    return parse_json(answer.content)


def told(one: Read) -> list[tuple[str, Json]]:
    return [(table, parse_json(encode_json(document))) for table, document in one.documents]


def items_of(sandbox: Sandbox, content_type: str) -> list[dict[str, Any]]:
    entries = sandbox.world.entries(MIDNIGHT, sandbox.clock.now())
    return [e.record for e in entries if e.record["content"]["type"] == content_type]


def id_of(sandbox: Sandbox, kind: str) -> str:
    """Return the id of something that is there."""
    gone = {merge.source for merge in sandbox.events.merges}
    gone |= {deletion.customer_id for deletion in sandbox.events.deletions}
    content_type = CONTENT_TYPES.get(kind, "VOICEMAIL")
    item = next(
        item
        for item in items_of(sandbox, content_type)
        if item["customerId"] not in gone
        and item["content"].get("recordingStatus", "AVAILABLE") == "AVAILABLE"
    )
    names = {"conversations": "conversationId", "customer_profiles": "customerId"}
    found: str = item[names.get(kind, "id")]
    return found


# -- what the sandbox answers ------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_there_is_found_as_it_was_answered(
    sandbox: Sandbox, gladly: ApiClient, kind: str
) -> None:
    entity_id = id_of(sandbox, kind)
    sent = answered(sandbox, PATHS[kind].format(entity_id))
    found = read(gladly, kind, entity_id)
    assert (found.outcome, found.is_complete, found.moved_to) == (Outcome.FOUND, True, None)
    assert found.at == sandbox.clock.now().replace(microsecond=0)
    (table, document), *_ = told(found)
    added = {"itemId": entity_id} if kind == "voice_transcripts" else {}
    assert table == kind
    assert document.keys() - sent.keys() == added.keys()
    assert same(document, sent | added)


def test_comments_come_with_their_task_and_say_whose_they_are(
    sandbox: Sandbox, gladly: ApiClient
) -> None:
    commented = 0
    for item in items_of(sandbox, "TASK")[:20]:
        found = read(gladly, "tasks", item["id"])
        (_, task), *comments = told(found)
        sent = answered(sandbox, f"tasks/{item['id']}/comments")
        own = {"taskId": item["id"], "customerId": task["customerId"]}
        assert comments == [("task_comments", comment | own) for comment in sent]
        assert found.is_complete
        commented += bool(sent)
    assert commented > 1


def test_a_task_whose_comments_were_cut_is_not_complete(
    sandbox: Sandbox, gladly: ApiClient
) -> None:
    task_id = next(
        item["id"]
        for item in items_of(sandbox, "TASK")
        if answered(sandbox, f"tasks/{item['id']}/comments")
    )
    whole = read(gladly, "tasks", task_id)
    sandbox.reads.comments_of_a_task = len(whole.documents) - 2
    cut = read(gladly, "tasks", task_id)
    assert (whole.is_complete, cut.is_complete) == (True, False)
    assert told(cut) == told(whole)[:-1]


def test_a_merged_customer_has_moved_to_the_one_that_remains(
    sandbox: Sandbox, gladly: ApiClient
) -> None:
    successors = {merge.source: merge.destination for merge in sandbox.events.merges}
    deleted = {deletion.customer_id for deletion in sandbox.events.deletions}
    assert successors
    for source in successors:
        remains = source
        while remains in successors:
            remains = successors[remains]
        if remains not in deleted:
            found = read(gladly, "customer_profiles", source)
            assert (found.outcome, found.moved_to) == (Outcome.MOVED, remains)
            assert (found.documents, found.missing_since) == ((), None)


def test_a_deleted_customer_is_missing_since_it_was_first_not_there(
    sandbox: Sandbox, gladly: ApiClient
) -> None:
    deletion = sandbox.events.deletions[0]
    now = sandbox.clock.now().replace(microsecond=0)
    first = read(gladly, "customer_profiles", deletion.customer_id)
    assert first == Read(first.wanted, Outcome.MISSING, now, missing_since=now)
    again = read(gladly, "customer_profiles", deletion.customer_id, missing_since=FIRST)
    assert again == Read(again.wanted, Outcome.MISSING, now, missing_since=FIRST)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("entity_id", ["a/b", "%2e", "%2E%2e", "../agents", "nothing", " ", "ü"])
def test_an_id_that_nothing_has_is_missing(
    sandbox: Sandbox, gladly: ApiClient, kind: str, entity_id: str
) -> None:
    sandbox.requests.clear()
    assert read(gladly, kind, entity_id).outcome is Outcome.MISSING
    assert [request.status for request in sandbox.requests] == [404]


# -- ids that no server should see, or only as one name ----------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("entity_id", ["", ".", "..", "a\0b"])
def test_an_id_that_would_lead_elsewhere_is_refused_and_not_asked_for(
    server: ReferenceServer, client: ApiClient, kind: str, entity_id: str
) -> None:
    refused = read(client, kind, entity_id)
    assert refused == Read(refused.wanted, Outcome.REFUSED, LONG_AGO)
    assert server.asked == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "entity_id", ["a/b", "%2e", "%2e%2e", "a%2Fb", "...", "a?b=c", "a#b", "a b", "ü", "a;b"]
)
def test_an_odd_id_is_asked_for_as_one_name_and_nothing_else(
    server: ReferenceServer, client: ApiClient, kind: str, entity_id: str
) -> None:
    read(client, kind, entity_id)
    (asked,) = server.asked
    before, after = PATHS[kind].split("{}")
    segment = asked.removeprefix(before).removesuffix(after)
    assert asked == f"{before}{segment}{after}"
    assert {*segment}.isdisjoint("/?#")
    assert segment not in (".", "..")
    assert unquote(segment) == entity_id


# -- what is added, and that nothing else changes ----------------------------------------------


def archived_text(one: Read, table: str) -> str:
    with TemporaryDirectory() as folder:
        batch = archive_reads(Path(folder), [one], FIRST)
        (file,) = [file for file in batch.files if file.name == f"{table}.jsonl"]
        return file.path.read_text("utf-8")


@pytest.mark.parametrize(
    ("kind", "answer", "line"),
    [
        pytest.param(
            "conversations",
            '{"customAttributes" : [ {"id":"a","value":1.10} ], "n":12345678901234567890123}',
            '{"id":"x","customAttributes":[{"id":"a","value":1.10}],"n":12345678901234567890123}\n',
            id="an id is added where there is none",
        ),
        pytest.param(
            "customer_profiles",
            '{"id":"y","customAttributes":{"a":-0.0,"b":1E+2,"c":1e400,"d":0.1000000000000000055}}',
            '{"id":"y","customAttributes":{"a":-0.0,"b":1E+2,"c":1e400,"d":0.1000000000000000055}}\n',
            id="an id that was answered stands",
        ),
        pytest.param(
            "conversations",
            '{"id":null,"createdAt":"2024-03-01T14:09:23.123456789+05:30"}',
            '{"id":null,"createdAt":"2024-03-01T14:09:23.123456789+05:30"}\n',
            id="no id at all stands as well",
        ),
        pytest.param(
            "voice_transcripts",
            '{"paragraphs":[{"startTime":2.480}],"id":"transcript-1"}',
            '{"itemId":"x","paragraphs":[{"startTime":2.480}],"id":"transcript-1"}\n',
            id="a transcript does not say of which item it is",
        ),
        pytest.param(
            "voice_transcripts",
            '{"itemId":"y","language":"en"}',
            '{"itemId":"y","language":"en"}\n',
            id="unless it does",
        ),
    ],
)
def test_an_answer_is_archived_as_it_was_sent(
    server: ReferenceServer, client: ApiClient, kind: str, answer: str, line: str
) -> None:
    server.put(PATHS[kind].format("x"), answer.encode())
    assert archived_text(read(client, kind, "x"), kind) == line


def test_comments_are_archived_as_they_were_sent(
    server: ReferenceServer, client: ApiClient
) -> None:
    server.put("tasks/t", b'{"customerId":"c"}')
    server.put("tasks/t/comments", b'[{"id":"1","n":1.10},{"id":"2","taskId":7,"customerId":null}]')
    found = read(client, "tasks", "t")
    assert archived_text(found, "tasks") == '{"id":"t","customerId":"c"}\n'
    assert archived_text(found, "task_comments") == (
        '{"taskId":"t","customerId":"c","id":"1","n":1.10}\n'
        '{"taskId":7,"customerId":null,"id":"2"}\n'
    )


def test_comments_of_a_task_of_nobody_are_of_nobody(
    server: ReferenceServer, client: ApiClient
) -> None:
    server.put("tasks/t", {"id": "t"})
    server.put("tasks/t/comments", [{"id": "1"}])
    assert told(read(client, "tasks", "t"))[1:] == [
        ("task_comments", {"taskId": "t", "customerId": None, "id": "1"})
    ]


@FEW
@given(
    answer=st.dictionaries(st.text(max_size=6), ANY_JSON, max_size=4),
    kind=st.sampled_from(["conversations", "customer_profiles", "voice_transcripts"]),
)
def test_whatever_an_object_holds_is_archived(answer: dict[str, Json], kind: str) -> None:
    key = "itemId" if kind == "voice_transcripts" else "id"
    with reference_server() as server, client_of(server.address) as client:
        server.put(PATHS[kind].format("x"), as_json(answer))
        (line, end) = archived_text(read(client, kind, "x"), kind).split("\n")
    assert end == ""
    assert same(parse_json(line), {key: "x"} | answer)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_was_cut_is_not_complete(
    server: ReferenceServer, client: ApiClient, kind: str
) -> None:
    server.put(PATHS[kind].format("x"), {}, limited=True)
    server.put("tasks/x/comments", [])
    assert not read(client, kind, "x").is_complete


# -- answers that tell nothing -----------------------------------------------------------------

UNREADABLE = [
    pytest.param(b"[]", id="a list"),
    pytest.param(b"null", id="null"),
    pytest.param(b'"moved"', id="text"),
    pytest.param(b"7.10", id="a number"),
    pytest.param(b"", id="nothing"),
    pytest.param(b"<html></html>", id="a page"),
    pytest.param(b'{"id":"x","n":NaN}', id="not a number"),
    pytest.param(b'{"id":"x"', id="cut"),
    # JSON readers differ on these: one of two must not take the whole run down
    pytest.param(b'\xef\xbb\xbf{"id":"x"}', id="byte order mark"),
    pytest.param('{"id":"x"}'.encode("utf-16"), id="utf-16"),
    pytest.param(b'{"id":"x","name":"\\ud800"}', id="half a character"),
    pytest.param(b'{"id":"x","deep":' + b"[" * 5000 + b"]" * 5000 + b"}", id="too deep"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("body", UNREADABLE)
def test_an_answer_that_is_no_readable_object_is_asked_for_again_later(
    server: ReferenceServer, client: ApiClient, kind: str, body: bytes
) -> None:
    server.put(PATHS[kind].format("x"), body)
    server.put("tasks/x/comments", [])
    with pytest.raises(RetryableError) as raised:
        read(client, kind, "x")
    assert "/api/v1/" in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{}", id="an object"),
        pytest.param(b'[{"id":"1"},7]', id="a number among comments"),
        pytest.param(b'[{"id":"1"},null]', id="null among comments"),
        *[body for body in UNREADABLE if body.id != "a list"],
    ],
)
def test_comments_that_are_no_readable_list_leave_the_task_for_later(
    server: ReferenceServer, client: ApiClient, body: bytes
) -> None:
    server.put("tasks/x", {"id": "x"})
    server.put("tasks/x/comments", body)
    with pytest.raises(RetryableError, match="/api/v1/tasks/x"):
        read(client, "tasks", "x")


def moved(new: object) -> dict[str, Any]:
    return {"errors": [{"code": "moved", "meta": {"old": "x", "new": new}}]}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({}, id="nothing"),
        pytest.param([], id="a list"),
        pytest.param(None, id="null"),
        pytest.param("moved", id="text"),
        pytest.param({"errors": []}, id="no errors"),
        pytest.param({"errors": {"meta": {"new": "y"}}}, id="errors are no list"),
        pytest.param({"errors": ["moved", None]}, id="errors are no objects"),
        pytest.param({"errors": [{"meta": ["y"]}]}, id="meta is no object"),
        pytest.param({"errors": [{"meta": {"old": "x"}}]}, id="no new id"),
        pytest.param(moved(""), id="empty"),
        pytest.param(moved(None), id="null id"),
        pytest.param(moved(7), id="a number"),
        pytest.param(moved("y\0"), id="an id that no table can hold"),
        pytest.param(b'{"errors":[{"meta":{"new":"\\ud800"}}]}', id="half a character"),
        pytest.param(moved("x"), id="into itself"),
        pytest.param(b"<html></html>", id="a page"),
    ],
)
def test_a_customer_that_moved_nowhere_is_asked_for_again_later(
    server: ReferenceServer, client: ApiClient, document: object
) -> None:
    server.put("customer-profiles/x", document, 301)
    with pytest.raises(RetryableError, match="301"):
        read(client, "customer_profiles", "x")


def test_the_first_error_that_tells_the_new_id_counts(
    server: ReferenceServer, client: ApiClient
) -> None:
    document = {"errors": [{"code": "other"}, *moved("y")["errors"], *moved("z")["errors"]]}
    server.put("customer-profiles/x", document, 301)
    found = read(client, "customer_profiles", "x")
    assert found == Read(found.wanted, Outcome.MOVED, FIRST, moved_to="y")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "customer_profiles"])
def test_nothing_but_a_customer_moves(
    server: ReferenceServer, client: ApiClient, kind: str
) -> None:
    server.put(PATHS[kind].format("x"), moved("y"), 301)
    with pytest.raises(GiveUpError, match="redirect"):
        read(client, kind, "x")


# -- statuses ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [404, 410])
def test_what_gladly_does_not_have_is_missing(
    server: ReferenceServer, client: ApiClient, kind: str, status: int
) -> None:
    server.put(PATHS[kind].format("x"), {"errors": []}, status)
    found = read(client, kind, "x")
    assert found == Read(found.wanted, Outcome.MISSING, FIRST, missing_since=FIRST)


@pytest.mark.parametrize("kind", KINDS)
def test_what_gladly_cannot_answer_is_refused(
    server: ReferenceServer, client: ApiClient, kind: str
) -> None:
    server.put(PATHS[kind].format("x"), {"errors": []}, 400)
    found = read(client, kind, "x")
    assert found == Read(found.wanted, Outcome.REFUSED, FIRST)
    assert len(server.asked) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("status", "error"), [(401, GiveUpError), (403, GiveUpError), (503, RetryableError)]
)
def test_what_says_nothing_of_one_id_is_raised(
    server: ReferenceServer,
    client: ApiClient,
    kind: str,
    status: int,
    error: type[HelpdeskError],
) -> None:
    server.put(PATHS[kind].format("x"), {"errors": []}, status)
    with pytest.raises(error) as raised:
        read(client, kind, "x")
    assert raised.value.status == status


@pytest.mark.parametrize(("status", "error"), [(403, GiveUpError), (503, RetryableError)])
def test_a_task_whose_comments_cannot_be_read_now_is_left_for_later(
    server: ReferenceServer, client: ApiClient, status: int, error: type[HelpdeskError]
) -> None:
    server.put("tasks/x", {"id": "x"})
    server.put("tasks/x/comments", {"errors": []}, status)
    with pytest.raises(error) as raised:
        read(client, "tasks", "x")
    assert raised.value.status == status


def test_a_task_without_its_comments_is_found_and_not_complete(
    server: ReferenceServer, client: ApiClient
) -> None:
    server.put("tasks/x", {"id": "x"})
    found = read(client, "tasks", "x")
    assert server.asked == ["tasks/x", "tasks/x/comments"]
    documents = (("tasks", {"id": "x"}),)
    assert found == Read(found.wanted, Outcome.FOUND, FIRST, documents, is_complete=False)


# -- the archive -------------------------------------------------------------------------------


def found_read(kind: str, entity_id: str, **document: Json) -> Read:
    wanted = Wanted(kind, entity_id)
    return Read(wanted, Outcome.FOUND, FIRST, ((kind, {"id": entity_id, **document}),))


READS = [
    found_read("conversations", "a"),
    found_read("conversations", "b/..", topicIds=["ü\u2028", "\n"]),
    found_read("tasks", "t"),
    Read(Wanted("customer_profiles", "c"), Outcome.MOVED, FIRST, moved_to="d"),
    Read(Wanted("tasks", ".."), Outcome.REFUSED, FIRST),
    Read(
        Wanted("conversations", "e", FIRST + TICK, FIRST - TICK),
        Outcome.GONE,
        FIRST,
        missing_since=FIRST - TICK,
    ),
    Read(Wanted("tasks", "u", FIRST - TICK), Outcome.FOUND, FIRST, is_complete=False),
]


# a read that was touched after it, as clocks differ, counts as made when that was
READ_LINES = """\
{"readId":"conversations a","kind":"conversations","entityId":"a","outcome":"found",\
"requestedAt":"2026-03-02T00:00:00.000000Z","missingSince":null,"movedTo":null,"isComplete":true}
{"readId":"conversations b/..","kind":"conversations","entityId":"b/..","outcome":"found",\
"requestedAt":"2026-03-02T00:00:00.000000Z","missingSince":null,"movedTo":null,"isComplete":true}
{"readId":"tasks t","kind":"tasks","entityId":"t","outcome":"found",\
"requestedAt":"2026-03-02T00:00:00.000000Z","missingSince":null,"movedTo":null,"isComplete":true}
{"readId":"customer_profiles c","kind":"customer_profiles","entityId":"c","outcome":"moved",\
"requestedAt":"2026-03-02T00:00:00.000000Z","missingSince":null,"movedTo":"d","isComplete":true}
{"readId":"tasks ..","kind":"tasks","entityId":"..","outcome":"refused",\
"requestedAt":"2026-03-02T00:00:00.000000Z","missingSince":null,"movedTo":null,"isComplete":true}
{"readId":"conversations e","kind":"conversations","entityId":"e","outcome":"gone",\
"requestedAt":"2026-03-02T00:00:00.000001Z","missingSince":"2026-03-01T23:59:59.999999Z",\
"movedTo":null,"isComplete":true}
{"readId":"tasks u","kind":"tasks","entityId":"u","outcome":"found",\
"requestedAt":"2026-03-02T00:00:00.000000Z","missingSince":null,"movedTo":null,"isComplete":false}
""".splitlines()


def texts_of(batch: Batch) -> dict[str, list[str]]:
    return {file.name: file.path.read_text("utf-8").split("\n")[:-1] for file in batch.files}


def test_a_batch_is_a_file_a_record_type_and_a_line_a_read(tmp_path: Path) -> None:
    assert texts_of(archive_reads(tmp_path, READS, FIRST)) == {
        "conversations.jsonl": ['{"id":"a"}', '{"id":"b/..","topicIds":["ü\u2028","\\n"]}'],
        "tasks.jsonl": ['{"id":"t"}'],
        "enrichment_reads.jsonl": READ_LINES,
    }


def test_files_of_a_batch_are_of_one_version(tmp_path: Path) -> None:
    batch = archive_reads(tmp_path, READS, FIRST + TICK)
    assert batch.at == FIRST + TICK
    assert [file.name for file in batch.files] == [
        "conversations.jsonl",
        "enrichment_reads.jsonl",
        "tasks.jsonl",
    ]
    for file in batch.files:
        assert (file.stream, file.job_id) == (ENRICHMENT_STREAM, batch.job_id)
        assert file.extracted_at == batch.at
        assert file.bytes == file.path.stat().st_size


def test_batches_come_oldest_first_in_whatever_order_they_were_written(tmp_path: Path) -> None:
    spans = [0, 1, 1_000_000, 10_000_000, 3_600_000_000, -1, 999_999, 10]
    written = [archive_reads(tmp_path, READS, FIRST + span * TICK) for span in spans]
    assert list(archived_reads(tmp_path, frozenset())) == sorted(written, key=lambda b: b.at)
    assert len({batch.job_id for batch in written}) == len(spans)


def test_what_is_done_is_passed_over_and_not_read(tmp_path: Path) -> None:
    first, second, third = [archive_reads(tmp_path, READS, FIRST + n * TICK) for n in range(3)]
    for batch in (first, third):
        for file in batch.files:
            file.path.unlink()
            file.path.mkdir()
    assert list(archived_reads(tmp_path, {first.job_id, third.job_id, "another"})) == [second]


def test_there_is_nothing_in_an_archive_that_is_not_there_yet(tmp_path: Path) -> None:
    assert list(archived_reads(tmp_path / "enrichment", frozenset())) == []


def test_a_batch_of_the_same_version_is_replaced(tmp_path: Path) -> None:
    archive_reads(tmp_path, READS, FIRST)
    later = archive_reads(tmp_path, READS[:1], FIRST)
    assert list(archived_reads(tmp_path, frozenset())) == [later]
    assert texts_of(later)["conversations.jsonl"] == ['{"id":"a"}']
    assert len(later.files) == 2


@contextmanager
def small_files(most_bytes: int) -> Iterator[None]:
    """Let the system refuse files that are larger."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("large", ["conversations", "tasks", "voice_transcripts"])
def test_a_batch_that_cannot_be_written_whole_is_not_there_at_all(
    tmp_path: Path, large: str
) -> None:
    before = archive_reads(tmp_path, READS, FIRST)
    reads = [
        *(found_read(kind, kind) for kind in KINDS),
        found_read(large, "large", text="x" * 100_000),
    ]
    with small_files(50_000), pytest.raises(GiveUpError):
        archive_reads(tmp_path, reads, FIRST + TICK)
    assert list(archived_reads(tmp_path, frozenset())) == [before]
    again = archive_reads(tmp_path, reads, FIRST + TICK)
    assert list(archived_reads(tmp_path, frozenset())) == [before, again]
    assert sum(map(len, texts_of(again).values())) == 2 * len(reads)


def test_reads_that_fail_on_the_way_leave_nothing(tmp_path: Path) -> None:
    def failing() -> Iterator[Read]:
        yield READS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        archive_reads(tmp_path, failing(), FIRST)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_was_writing_is_not_loaded(tmp_path: Path) -> None:
    batch = archive_reads(tmp_path, READS, FIRST)
    folder = batch.files[0].path.parent
    # as it stands until all files are on disk
    folder.rename(folder.with_name(f"{folder.name}.part"))
    assert list(archived_reads(tmp_path, frozenset())) == []
    again = archive_reads(tmp_path, READS[:1], FIRST)
    assert list(archived_reads(tmp_path, frozenset())) == [again]
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
