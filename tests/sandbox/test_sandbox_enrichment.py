"""The follow-up reads: what they tell agrees with items and events at every instant."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import Merge, Sandbox, SandboxSettings, World, WorldSettings
from sandbox.conversation import Channel, Conversation
from sandbox.enrichment import ReadOddities
from sandbox.identities import successors_of

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
INSTANTS = (MIDNIGHT + 11.4 * HOUR, MIDNIGHT + 38 * HOUR, MIDNIGHT + 5 * DAY)
LIMITED = "Gladly-Limited-Data"
WORLD = WorldSettings(items=3000, days=3, first_day=MIDNIGHT.date())
DEFINITIONS = orjson.loads(
    (Path(__file__).parents[1] / "reference" / "gladly-schemas.json").read_bytes()
)["$defs"]
Record = dict[str, Any]


@cache
def validator(schema: str) -> Any:  # noqa: ANN401 - jsonschema ships no types
    definition = {"$ref": f"#/$defs/{schema}", "$defs": DEFINITIONS}
    return jsonschema.Draft202012Validator(definition)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(SandboxSettings(world=WORLD, requests_per_second=100_000)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    """The one sandbox of all tests that add no events to it."""
    running.clock.set(INSTANTS[-1])
    yield running
    for name in ReadOddities.__slots__:
        setattr(running.reads, name, getattr(ReadOddities(), name))


@pytest.fixture(scope="module")
def shared_client(running: Sandbox) -> Iterator[httpx.Client]:
    with client_of(running) as talking:
        yield talking


@pytest.fixture
def client(sandbox: Sandbox, shared_client: httpx.Client) -> httpx.Client:
    assert sandbox.clock.now() == INSTANTS[-1]
    return shared_client


@pytest.fixture
def own_sandbox() -> Iterator[Sandbox]:
    """A sandbox whose events a test may add to."""
    world = WorldSettings(items=3000, days=2, first_day=MIDNIGHT.date())
    now = MIDNIGHT + 3 * DAY
    with Sandbox(SandboxSettings(world=world, now=now, requests_per_second=100_000)) as sandbox:
        yield sandbox


def client_of(sandbox: Sandbox) -> httpx.Client:
    return httpx.Client(
        base_url=f"{sandbox.base_url}/api/v1", auth=(sandbox.email, sandbox.api_token)
    )


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    validator("Errors").validate(answer.json())
    assert [error["code"] for error in answer.json()["errors"]] == [code]


def got(client: httpx.Client, path: str) -> Any:  # noqa: ANN401 - any JSON value
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def at(milliseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def exported(world: World, now: datetime) -> dict[str, Record]:
    """The newest version of every item that exports of all windows until `now` carry."""
    versions: dict[str, tuple[int, Record]] = {}
    for entry in world.entries(MIDNIGHT, now + timedelta(milliseconds=1)):
        known = versions.get(entry.record["id"])
        if known is None or known[0] < entry.active_at:
            versions[entry.record["id"]] = (entry.active_at, entry.record)
    return {item_id: record for item_id, (_, record) in versions.items()}


def items_by_conversation(sandbox: Sandbox) -> dict[str, list[Record]]:
    items = defaultdict(list)
    for record in exported(sandbox.world, sandbox.clock.now()).values():
        if "conversationId" in record:
            items[record["conversationId"]].append(record)
    return {key: sorted(of, key=lambda item: str(item["timestamp"])) for key, of in items.items()}


def events_by(sandbox: Sandbox, key: str) -> dict[str, list[Record]]:
    found = defaultdict(list)
    for event in sandbox.events.events(MIDNIGHT, sandbox.clock.now()):
        if key in event.record["content"]:
            found[event.record["content"][key]].append(event.record)
    return found


def told_by_items(items: list[Record]) -> Record:
    told: Record = {"createdAt": items[0]["timestamp"], "status": "OPEN", "topicIds": []}
    for item in items:
        if item["content"]["type"] == "CONVERSATION_STATUS_CHANGE":
            told["status"] = item["content"]["status"]
            told["closedAt"] = item["timestamp"] if told["status"] == "CLOSED" else None
        for topic in item["content"].get("removedTopicIds", ()):
            told["topicIds"].remove(topic)
        told["topicIds"] += item["content"].get("addedTopicIds", ())
    return told


def told_by_events(events: list[Record]) -> Record:
    told: Record = {"customAttributes": [], "agentId": None}
    for event in events:
        content, name = event["content"], event["type"]
        if name == "CONVERSATION_ASSIGNEE/UPDATED":
            told["agentId"] = content["assignee"].get("agentId")
            told["inboxId"] = content["assignee"]["inboxId"]
        if "customAttributeId" in content:
            value = content["customAttributeValue"]
            attribute = {"id": content["customAttributeId"], "value": value}
            change = list.append if name.endswith("ADDED") else list.remove
            change(told["customAttributes"], attribute)
    return told


@pytest.mark.parametrize("now", INSTANTS, ids=str)
def test_a_conversation_is_what_its_items_and_events_so_far_tell(
    sandbox: Sandbox, client: httpx.Client, now: datetime
) -> None:
    sandbox.clock.set(now)
    events = events_by(sandbox, "conversationId")
    statuses = set()
    for conversation_id, items in items_by_conversation(sandbox).items():
        conversation = got(client, f"/conversations/{conversation_id}")
        validator("Conversation").validate(conversation)
        told = told_by_items(items) | told_by_events(events[conversation_id])
        shown = {name: conversation.get(name) for name in told}
        shown["topicIds"] = conversation.get("topicIds", [])
        shown["customAttributes"] = conversation.get("customAttributes", [])
        assert shown == told
        assert conversation["customerId"] == items[0]["customerId"]
        statuses.add(conversation["status"])
    assert {"OPEN", "CLOSED"} <= statuses


@pytest.mark.parametrize("now", INSTANTS, ids=str)
def test_the_items_of_a_conversation_are_those_exported_but_for_tasks(
    sandbox: Sandbox, client: httpx.Client, now: datetime
) -> None:
    sandbox.clock.set(now)
    for conversation_id, items in items_by_conversation(sandbox).items():
        readable = [item for item in items if item["content"]["type"] != "TASK"]
        answer = client.get(f"/conversations/{conversation_id}/items")
        assert answer.json() == readable
        assert LIMITED not in answer.headers


def test_items_conform_to_the_schema_of_the_reads(sandbox: Sandbox, client: httpx.Client) -> None:
    for conversation_id in list(items_by_conversation(sandbox))[:60]:
        for item in got(client, f"/conversations/{conversation_id}/items"):
            # Conversations can wait; the item's schema lists only OPEN and CLOSED.
            if item["content"].get("status") != "WAITING":
                validator("ConversationItemApi").validate(item)


def test_every_content_type_is_read_by_id_but_tasks_which_are_not_supported(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    by_type = {
        item["content"]["type"]: item for item in exported(sandbox.world, INSTANTS[-1]).values()
    }
    assert len(by_type) == 15
    for content_type, item in by_type.items():
        answer = client.get(f"/conversation-items/{item['id']}")
        if content_type == "TASK":
            refused(answer, 400, "invalid")
        else:
            assert answer.json() == item
    refused(client.get("/conversation-items/nothing"), 404, "not_exist")


def test_what_has_not_happened_yet_does_not_exist(sandbox: Sandbox, client: httpx.Client) -> None:
    first = sandbox.world.begun_on(1)[0]
    item = sandbox.world.first_visit(1, first).entries[0].record
    for path in (
        f"/conversations/{item['conversationId']}",
        f"/conversations/{item['conversationId']}/items",
        f"/conversation-items/{item['id']}",
        f"/customer-profiles/{item['customerId']}",
        f"/customers/{item['customerId']}/conversations",
        f"/customers/{item['customerId']}/tasks",
    ):
        sandbox.clock.set(datetime.fromisoformat(item["timestamp"]) - timedelta(milliseconds=1))
        refused(client.get(path), 404, "not_exist")
        sandbox.clock.set(datetime.fromisoformat(item["timestamp"]))
        assert client.get(path).status_code == 200


def test_activities_of_a_customer_are_in_no_conversation(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    item = next(
        item
        for item in exported(sandbox.world, INSTANTS[-1]).values()
        if item["content"]["type"] == "CUSTOMER_ACTIVITY"
    )
    activities_only = next(
        number
        for number in range(100)
        if sandbox.world.conversation(number).customer_id == item["customerId"]
    )
    path = f"/conversations/{sandbox.world.conversation(activities_only).id}"
    refused(client.get(path), 404, "not_exist")
    refused(client.get(f"{path}/items"), 404, "not_exist")
    listed = got(client, f"/customers/{item['customerId']}/conversations")
    assert path.rpartition("/")[2] not in [one["id"] for one in listed]


def test_items_can_be_narrowed_to_a_session(sandbox: Sandbox, client: httpx.Client) -> None:
    conversation_id = sandbox.world.conversation(0).id
    items = got(client, f"/conversations/{conversation_id}/items")
    session = items[0]["content"]["sessionId"]
    narrowed = got(client, f"/conversations/{conversation_id}/items?sessionId={session}")
    assert narrowed == [item for item in items if item["content"].get("sessionId") == session]
    assert 0 < len(narrowed) < len(items)
    assert got(client, f"/conversations/{conversation_id}/items?sessionId=another") == []


def test_a_note_is_read_under_its_own_conversation(sandbox: Sandbox, client: httpx.Client) -> None:
    items = exported(sandbox.world, INSTANTS[-1]).values()
    note = next(item for item in items if item["content"]["type"] == "CONVERSATION_NOTE")
    other = next(item for item in items if item["content"]["type"] == "EMAIL")
    path = f"/conversations/{note['conversationId']}/notes"
    assert got(client, f"{path}/{note['id']}") == note
    refused(client.get(f"{path}/{other['id']}"), 404, "not_exist")
    refused(client.get(f"/conversations/another/notes/{note['id']}"), 404, "not_exist")


def test_a_profile_says_all_that_an_export_says_and_more(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    fields: set[str] = set()
    for number in range(60):
        record = sandbox.world.customer(number)
        profile = got(client, f"/customer-profiles/{record['id']}")
        validator("Customer").validate(profile)
        addresses = [email["original"] for email in profile["emails"]]
        assert addresses[: len(record["emailAddresses"])] == record["emailAddresses"]
        numbers = [phone["normalized"] for phone in profile["phones"]]
        assert numbers == record.get("phoneNumbers", [])
        assert [email["primary"] for email in profile["emails"]].count(True) == 1
        for name in record.keys() - {"emailAddresses", "phoneNumbers"}:
            assert profile[name] == record[name]
        fields |= profile.keys()
    assert fields == set(DEFINITIONS["Customer"]["properties"])


def test_a_profile_changes_when_an_event_says_so(sandbox: Sandbox, client: httpx.Client) -> None:
    changed = next(
        event
        for event in sandbox.events.events(MIDNIGHT, MIDNIGHT + DAY)
        if event.record["type"] == "CUSTOMER_PROFILE/UPDATED"
        and sandbox.world.customer_id(1) == event.record["content"]["customerId"]
    )
    path = f"/customer-profiles/{changed.record['content']['customerId']}"
    sandbox.clock.set(at(changed.recorded_at - 1))
    before = got(client, path)
    sandbox.clock.set(at(changed.recorded_at))
    after = got(client, path)
    assert before["createdAt"] == after["createdAt"]
    assert before["updatedAt"] < after["updatedAt"]
    assert before["customAttributes"] != after["customAttributes"]


def survivor_of(merges: list[Merge], customer_id: str) -> str:
    for merge in sorted(merges, key=lambda merge: merge.at):
        if merge.source == customer_id:
            customer_id = merge.destination
    return customer_id


def test_a_merged_customer_has_moved_to_the_survivor(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    merges = sandbox.events.merges
    chained = {merge.source for merge in merges} & {merge.destination for merge in merges}
    assert chained
    for merge in merges:
        path = f"/customer-profiles/{merge.source}"
        sandbox.clock.set(at(merge.at - 1))
        assert got(client, path)["id"] == merge.source
        sandbox.clock.set(INSTANTS[-1])
        answer = client.get(path)
        refused(answer, 301, "moved")
        survivor = survivor_of(merges, merge.source)
        assert answer.json()["errors"][0]["meta"] == {"old": merge.source, "new": survivor}
        assert got(client, f"/customer-profiles/{survivor}")["id"] == survivor
        for of in ("conversations", "tasks"):
            refused(client.get(f"/customers/{merge.source}/{of}"), 404, "not_exist")


def test_a_merged_profile_brings_its_address_along(sandbox: Sandbox, client: httpx.Client) -> None:
    merge = sandbox.events.merges[0]
    survivor = survivor_of(sandbox.events.merges, merge.source)
    sandbox.clock.set(at(merge.at - 1))
    (email,) = got(client, f"/customer-profiles/{merge.source}")["emails"]
    sandbox.clock.set(INSTANTS[-1])
    emails = got(client, f"/customer-profiles/{survivor}")["emails"]
    assert email["original"] in [one["original"] for one in emails]


def test_a_merged_conversation_exists_only_before(sandbox: Sandbox, client: httpx.Client) -> None:
    merged = [merge for merge in sandbox.events.merges if merge.source_conversation is not None]
    assert merged
    for merge in merged:
        path = f"/conversations/{merge.source_conversation}"
        sandbox.clock.set(at(merge.at - 1))
        conversation = got(client, path)
        validator("Conversation").validate(conversation)
        assert (conversation["customerId"], conversation["status"]) == (merge.source, "OPEN")
        assert got(client, f"{path}/items") == []
        assert got(client, f"/customers/{merge.source}/conversations")[0] == conversation
        sandbox.clock.set(at(merge.at))
        refused(client.get(path), 404, "not_exist")
        refused(client.get(f"{path}/items"), 404, "not_exist")


def test_a_deleted_customer_exists_only_before(sandbox: Sandbox, client: httpx.Client) -> None:
    assert sandbox.events.deletions
    for deletion in sandbox.events.deletions:
        path = f"/customer-profiles/{deletion.customer_id}"
        sandbox.clock.set(at(deletion.at - 1))
        validator("Customer").validate(got(client, path))
        sandbox.clock.set(at(deletion.at))
        refused(client.get(path), 404, "not_exist")


def added(kind: str, when: datetime, **content: str) -> Record:
    return {
        "id": f"added {kind}",
        "type": kind,
        "timestamp": when.isoformat(),
        "initiator": {"id": "", "type": "SYSTEM"},
        "content": content,
    }


def two_conversations(world: World) -> list[Conversation]:
    """Two of other customers, who are in no merge of the world."""
    numbers = (one for one in range(20, 40) if one % 10 not in {1, 5})
    chats = (world.conversation(one) for one in numbers)
    return [one for one in chats if one.channel is Channel.CHAT][:2]


def test_a_merge_that_a_test_adds_moves_customer_conversations_and_items(
    own_sandbox: Sandbox,
) -> None:
    world, when = own_sandbox.world, own_sandbox.clock.now()
    source, target = two_conversations(world)
    with client_of(own_sandbox) as client:
        before = {one.id: got(client, f"/conversations/{one.id}/items") for one in (source, target)}
        others = got(client, f"/customers/{source.customer_id}/conversations")
        own_sandbox.add_event(
            added(
                "CUSTOMER/MERGED",
                when,
                sourceCustomerId=source.customer_id,
                destinationCustomerId=target.customer_id,
                sourceConversationId=source.id,
                destinationConversationId=target.id,
            )
        )
        refused(client.get(f"/customer-profiles/{source.customer_id}"), 301, "moved")
        refused(client.get(f"/conversations/{source.id}"), 404, "not_exist")
        items = got(client, f"/conversations/{target.id}/items")
        both = {item["id"] for of in before.values() for item in of}
        assert {item["id"] for item in items} == both
        assert [item["timestamp"] for item in items] == sorted(i["timestamp"] for i in items)
        assert {item["conversationId"] for item in items} == {target.id}
        assert {item["customerId"] for item in items} == {target.customer_id}
        shown = got(client, f"/customers/{target.customer_id}/conversations")
        kept = {one["id"] for one in others} - {source.id}
        assert kept | {target.id} <= {one["id"] for one in shown}
        assert {one["customerId"] for one in shown} == {target.customer_id}
        own_sandbox.clock.set(when - timedelta(milliseconds=1))
        assert got(client, f"/conversations/{source.id}/items") == before[source.id]


def test_a_deletion_that_a_test_adds_takes_all_of_the_customer_away(own_sandbox: Sandbox) -> None:
    world, when = own_sandbox.world, own_sandbox.clock.now()
    voicemail = next(
        item
        for item in exported(world, when).values()
        if item["content"]["type"] == "VOICEMAIL"
        and item["content"]["recordingStatus"] == "AVAILABLE"
    )
    customer_id = voicemail["customerId"]
    with client_of(own_sandbox) as client:
        (task, *_) = got(client, f"/customers/{customer_id}/tasks")
        paths = (
            f"/customer-profiles/{customer_id}",
            f"/customers/{customer_id}/conversations",
            f"/customers/{customer_id}/tasks",
            f"/conversations/{voicemail['conversationId']}",
            f"/conversations/{voicemail['conversationId']}/items",
            f"/conversation-items/{voicemail['id']}",
            f"/conversation-items/{voicemail['id']}/voice-transcript",
            f"/conversation-items/{voicemail['id']}/media/recording",
            f"/tasks/{task['id']}",
            f"/tasks/{task['id']}/comments",
        )
        for path in paths:
            assert client.get(path).status_code == 200, path
        deletion = added("CUSTOMER_PROFILE/DELETED", when, customerId=customer_id)
        own_sandbox.add_event(deletion)
        for path in paths:
            refused(client.get(path), 404, "not_exist")


def test_odd_events_that_a_test_adds_change_nothing(own_sandbox: Sandbox) -> None:
    now = own_sandbox.clock.now()
    customer_id = own_sandbox.world.customer_id(0)
    odd: list[Record] = [
        added("CUSTOMER/MERGED", now, sourceCustomerId=customer_id, destinationCustomerId=""),
        added(
            "CUSTOMER/MERGED", now, sourceCustomerId=customer_id, destinationCustomerId=customer_id
        ),
        added("CUSTOMER/MERGED", now),
        added("CUSTOMER_PROFILE/DELETED", now),
        {"type": "CUSTOMER/MERGED", "content": None},
        {"type": "CUSTOMER_PROFILE/DELETED", "content": {"customerId": 7}},
    ]
    for record in odd:
        own_sandbox.add_event(record, visible_at=now)
    with client_of(own_sandbox) as client:
        assert got(client, f"/customer-profiles/{customer_id}")["id"] == customer_id


def test_an_event_without_a_timestamp_counts_from_when_it_is_visible(own_sandbox: Sandbox) -> None:
    now, customer_id = own_sandbox.clock.now(), own_sandbox.world.customer_id(0)
    deletion = {"type": "CUSTOMER_PROFILE/DELETED", "content": {"customerId": customer_id}}
    own_sandbox.add_event(deletion, visible_at=now + HOUR)
    with client_of(own_sandbox) as client:
        assert client.get(f"/customer-profiles/{customer_id}").status_code == 200
        own_sandbox.clock.advance(HOUR)
        refused(client.get(f"/customer-profiles/{customer_id}"), 404, "not_exist")


IDS = st.sampled_from("abcde")


@given(merges=st.lists(st.tuples(IDS, IDS).filter(lambda pair: pair[0] != pair[1]), max_size=12))
@settings(max_examples=200, deadline=None)
def test_merges_lead_somewhere_and_never_round_in_a_circle(merges: list[tuple[str, str]]) -> None:
    successors = successors_of(merges)
    for start in "abcde":
        steps, here = 0, start
        while here in successors:
            here = successors[here]
            steps += 1
            assert steps <= len(successors)
    if merges:
        assert merges[-1][0] in successors


def tasks_of(sandbox: Sandbox) -> list[Record]:
    items = exported(sandbox.world, sandbox.clock.now()).values()
    return [item for item in items if item["content"]["type"] == "TASK"]


@pytest.mark.parametrize("now", INSTANTS, ids=str)
def test_a_task_is_what_its_item_and_events_so_far_tell(
    sandbox: Sandbox, client: httpx.Client, now: datetime
) -> None:
    sandbox.clock.set(now)
    events = events_by(sandbox, "taskId")
    assert tasks_of(sandbox)
    for item in tasks_of(sandbox):
        task = got(client, f"/tasks/{item['id']}")
        validator("Task").validate(task)
        told = {"status": "OPEN"} | {key: item["content"][key] for key in ("assignee", "dueAt")}
        for event in events[item["id"]]:
            told["status"] = {"TASK/CLOSED": "CLOSED", "TASK/REOPENED": "OPEN"}.get(
                event["type"], told["status"]
            )
            told |= {
                key: event["content"][key]
                for key in ("assignee", "dueAt")
                if key in event["content"]
            }
        assert {key: task[key] for key in told} == told
        assert task["createdBy"] == item["initiator"]
        assert task["timestamp"] == item["timestamp"]
        comments = got(client, f"/tasks/{item['id']}/comments")
        told_comments = [
            (event["content"]["commentId"], event["initiator"]["id"], event["timestamp"])
            for event in events[item["id"]]
            if event["type"] == "TASK/COMMENT_ADDED"
        ]
        shown = [(one["id"], one["agentId"], one["createdAt"]) for one in comments]
        assert shown == told_comments
        for comment in comments:
            validator("TaskComment").validate(comment)
            assert got(client, f"/tasks/{item['id']}/comments/{comment['id']}") == comment


def test_the_tasks_of_a_customer_can_be_narrowed_to_a_status(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    by_customer = defaultdict(set)
    for item in tasks_of(sandbox):
        by_customer[item["customerId"]].add(item["id"])
    for customer_id, expected in by_customer.items():
        tasks = got(client, f"/customers/{customer_id}/tasks")
        assert {task["id"] for task in tasks} == expected
        for status in ("OPEN", "CLOSED"):
            narrowed = got(client, f"/customers/{customer_id}/tasks?status={status}")
            assert narrowed == [task for task in tasks if task["status"] == status]
    refused(client.get(f"/customers/{customer_id}/tasks?status=LOST"), 400, "invalid")


def test_after_a_merge_the_tasks_of_both_come_newest_first(own_sandbox: Sandbox) -> None:
    now = own_sandbox.clock.now()
    by_customer = {item["customerId"]: item for item in tasks_of(own_sandbox)}
    source, target, third = list(by_customer)[:3]
    for gone in (source, third):
        own_sandbox.add_event(
            added("CUSTOMER/MERGED", now, sourceCustomerId=gone, destinationCustomerId=target)
        )
    with client_of(own_sandbox) as client:
        tasks = got(client, f"/customers/{target}/tasks")
        for task in tasks:
            assert got(client, f"/tasks/{task['id']}") == task
    assert {by_customer[one]["id"] for one in (source, target, third)} <= {t["id"] for t in tasks}
    assert {task["customerId"] for task in tasks} == {target}
    times = [task["timestamp"] for task in tasks]
    assert times == sorted(times, reverse=True) != sorted(times)


def test_tasks_and_comments_that_are_none_do_not_exist(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    task = tasks_of(sandbox)[0]["id"]
    no_task = sandbox.world.first_visit(0, 0).entries[0].record["id"]
    for path in (
        "/tasks/none",
        f"/tasks/{no_task}",
        "/tasks/none/comments",
        f"/tasks/{no_task}/comments",
        f"/tasks/{task}/comments/none",
        "/customers/nobody/tasks",
        "/customers/nobody/conversations",
    ):
        refused(client.get(path), 404, "not_exist")


def test_lists_longer_than_their_limit_are_cut_and_say_so(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    conversation_id = sandbox.world.conversation(0).id
    task = tasks_of(sandbox)[0]
    customer_id = next(
        one
        for number in range(60)
        for one in [sandbox.world.customer_id(number)]
        if len(got(client, f"/customers/{one}/conversations")) > 1
    )
    limits = {
        "items_of_a_conversation": f"/conversations/{conversation_id}/items",
        "conversations_of_a_customer": f"/customers/{customer_id}/conversations",
        "comments_of_a_task": f"/tasks/{task['id']}/comments",
        "tasks_of_a_customer": f"/customers/{task['customerId']}/tasks",
    }
    for name, path in limits.items():
        whole = client.get(path)
        assert whole.headers.get(LIMITED) in {None, "false"}
        setattr(sandbox.reads, name, len(whole.json()))
        assert client.get(path).headers.get(LIMITED) in {None, "false"}
        setattr(sandbox.reads, name, len(whole.json()) - 1)
        cut = client.get(path)
        assert cut.json() == whole.json()[:-1]
        assert cut.headers[LIMITED] == "true"


def test_the_limits_are_those_of_the_reference() -> None:
    reads = ReadOddities()
    assert reads.items_of_a_conversation == 1000
    assert reads.conversations_of_a_customer == 100
    assert reads.tasks_of_a_customer == 2000
    assert reads.comments_of_a_task == 1000


def with_recordings(sandbox: Sandbox) -> list[Record]:
    items = exported(sandbox.world, sandbox.clock.now()).values()
    return [item for item in items if item["content"]["type"] in {"PHONE_CALL", "VOICEMAIL"}]


def test_transcripts_lie_within_their_recordings(sandbox: Sandbox, client: httpx.Client) -> None:
    statuses = set()
    for item in with_recordings(sandbox):
        status = item["content"].get("recordingStatus")
        statuses.add(status)
        answer = client.get(f"/conversation-items/{item['id']}/voice-transcript")
        if status != "AVAILABLE":
            refused(answer, 404, "not_exist")
            continue
        transcript = answer.json()
        validator("VoiceTranscript").validate(transcript)
        assert transcript["customerId"] == item["customerId"]
        speakers = 2 if item["content"]["type"] == "PHONE_CALL" else 1
        assert transcript["numberOfSpeakers"] == speakers
        paragraphs = transcript["paragraphs"]
        assert paragraphs
        times = [paragraph[key] for paragraph in paragraphs for key in ("startTime", "endTime")]
        assert times == sorted(times)
        assert times[-1] <= item["content"]["recordingDuration"]
        assert {paragraph["speaker"] for paragraph in paragraphs} <= set(range(speakers))
    assert statuses == {"AVAILABLE", "DELETED", "ERROR", None}


def test_a_transcript_comes_two_minutes_after_the_call(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    call = next(
        item
        for item in with_recordings(sandbox)
        if item["content"]["type"] == "PHONE_CALL"
        and item["content"].get("recordingStatus") == "AVAILABLE"
    )
    path = f"/conversation-items/{call['id']}/voice-transcript"
    made_at = datetime.fromisoformat(call["content"]["completedAt"]) + timedelta(minutes=2)
    sandbox.clock.set(made_at - timedelta(milliseconds=1))
    refused(client.get(path), 404, "not_exist")
    sandbox.clock.set(made_at)
    assert datetime.fromisoformat(got(client, path)["createdAt"]) == made_at


def with_attachments(sandbox: Sandbox) -> list[Record]:
    items = exported(sandbox.world, sandbox.clock.now()).values()
    return [item for item in items if item["content"].get("attachments")]


def test_an_attachment_redirects_to_its_bytes(sandbox: Sandbox, client: httpx.Client) -> None:
    seen: dict[str, bytes] = {}
    for item in with_attachments(sandbox)[:12]:
        for attachment in item["content"]["attachments"]:
            path = f"/conversation-items/{item['id']}/attachments/{attachment['id']}"
            redirect = client.get(path)
            assert redirect.status_code == 303
            content = client.get(redirect.headers["location"])
            assert content.headers["content-type"] == attachment["contentType"]
            assert int(content.headers["content-length"]) == len(content.content)
            assert len(content.content) == attachment.get("fileSize", len(content.content)) > 0
            seen[content.headers["etag"]] = content.content
            assert client.get(redirect.headers["location"]).headers["etag"] in seen
    assert len(set(seen.values())) == len(seen) > 12


def test_a_part_of_the_bytes_can_be_asked_for(sandbox: Sandbox, client: httpx.Client) -> None:
    item = with_attachments(sandbox)[0]
    path = f"/conversation-items/{item['id']}/attachments/{item['content']['attachments'][0]['id']}"
    location = client.get(path).headers["location"]
    whole = client.get(location)
    size = len(whole.content)
    headers = {"Range": "bytes=700-", "If-Range": whole.headers["etag"]}
    part = client.get(location, headers=headers)
    assert part.status_code == 206
    assert part.headers["content-range"] == f"bytes 700-{size - 1}/{size}"
    assert part.content == whole.content[700:]
    other = client.get(location, headers=headers | {"If-Range": '"another"'})
    assert (other.status_code, len(other.content)) == (200, size)


def test_attachments_that_are_none_do_not_exist(sandbox: Sandbox, client: httpx.Client) -> None:
    item = with_attachments(sandbox)[0]
    call = with_recordings(sandbox)[0]
    refused(client.get(f"/conversation-items/{item['id']}/attachments/none"), 404, "not_exist")
    refused(client.get("/conversation-items/none/attachments/none"), 404, "not_exist")
    refused(client.get(f"/conversation-items/{call['id']}/attachments/none"), 400, "invalid")
    origin = str(client.base_url).removesuffix("/api/v1/")
    refused(client.get(f"{origin}/media/{item['id']}/none"), 404, "not_exist")


def test_a_recording_is_there_only_while_it_is_available(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    for item in with_recordings(sandbox)[:30]:
        recording = client.get(f"/conversation-items/{item['id']}/media/recording")
        if item["content"].get("recordingStatus") == "AVAILABLE":
            assert recording.headers["content-type"] == "audio/mpeg"
            assert item["content"]["recordingUrl"] == str(recording.url.path)
            assert len(recording.content) == item["content"]["recordingDuration"] * 4000
        else:
            refused(recording, 404, "not_exist")


def test_recordings_can_redirect_too_and_to_another_address(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    call = next(
        item
        for item in with_recordings(sandbox)
        if item["content"].get("recordingStatus") == "AVAILABLE"
    )
    path = f"/conversation-items/{call['id']}/media/recording"
    bytes_at_once = client.get(path).content
    sandbox.reads.redirects_recordings = True
    location = client.get(path).headers["location"]
    assert client.get(location).content == bytes_at_once
    sandbox.reads.media_address = "https://media.example.com"
    assert client.get(path).headers["location"].startswith("https://media.example.com/media/")


def test_many_slow_answers_are_under_way_at_once(sandbox: Sandbox) -> None:
    sandbox.reads.latency = 1.0
    sandbox.requests.clear()
    paths = [f"/conversations/{sandbox.world.conversation(one).id}" for one in range(20, 40)]

    async def ask_all() -> list[httpx.Response]:
        auth = (sandbox.email, sandbox.api_token)
        async with httpx.AsyncClient(base_url=f"{sandbox.base_url}/api/v1", auth=auth) as talking:
            return await asyncio.gather(*(talking.get(path) for path in paths))

    answers = asyncio.run(ask_all())
    for path, answer in zip(paths, answers, strict=True):
        if answer.status_code == 200:
            assert answer.json()["id"] == path.rpartition("/")[2]
    assert sum(answer.status_code == 200 for answer in answers) > 15
    assert sandbox.requests.most_at_once("GET") == 20
