"""Tasks: how they stand, and what became of them, followed event by event."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tests.transforms.places import Place, Row
from tests.transforms.raw_stories import People, raw_rows, reads_of
from tests.transforms.world import BuiltWorld, Raw, instant

ASKS_FOR = ("task_facts",)
ONLY_WHOLE = True

NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)
COUNTS = {
    "times_closed": "CLOSED",
    "times_reopened": "REOPENED",
    "due_changes": "DUE_DATE_UPDATED",
    "assignee_changes": "ASSIGNEE_UPDATED",
}
UNKNOWN = (
    "assignee_inbox_id",
    "assignee_agent_id",
    "status",
    "due_at",
    "first_closed_at",
    "closed_at",
)
STATUS_AFTER = {"CREATED": "OPEN", "REOPENED": "OPEN", "CLOSED": "CLOSED"}


def plain_task(
    task_id: str, events: list[Row], item: Row | None, read: Row | None, comments: set[str]
) -> Row:
    """Follow a task from its item through its events to the read of it, which is the last."""
    row: Row = dict.fromkeys(COUNTS, 0) | dict.fromkeys(UNKNOWN)
    created: list[tuple[str, Row]] = []
    if item:
        created.append((item["timestamp"], item["initiator"]))
        stands(row, item["content"])
    is_beginning_seen = False
    # at one instant what changes comes after what tells how it was before
    for event in sorted(events, key=lambda event: (instant(event["timestamp"]), is_change(event))):
        name, content = event["type"].partition("/")[2], event["content"]
        stands(row, content["context"])
        stands(row, content if is_change(event) else {})
        if name == "CREATED":
            is_beginning_seen = True
            created.insert(0, (event["timestamp"], event["initiator"]))
        elif name == "CLOSED":
            row["closed_at"] = instant(event["timestamp"])
            row["first_closed_at"] = row["first_closed_at"] or row["closed_at"]
        elif name == "REOPENED":
            row["closed_at"] = None
        elif name == "COMMENT_ADDED":
            comments = comments | {content["commentId"]}
        row["status"] = STATUS_AFTER.get(name, row["status"])
        for column, counted in COUNTS.items():
            row[column] += name == counted
    if not created:
        created = [(event["content"]["context"]["createdAt"], {}) for event in events]
    if read:
        stands(row, read)
        created.insert(0, (read["timestamp"], read["createdBy"]))
        row["status"] = read["status"]
        row["closed_at"] = row["closed_at"] if read["status"] == "CLOSED" else None
    made_at, by = created[0]
    took = row["closed_at"] - instant(made_at) if row["closed_at"] else None
    return row | {
        "task_id": task_id,
        "created_at": instant(made_at),
        "created_by_type": by.get("type"),
        "created_by_id": by.get("id"),
        "comments": len(comments),
        "is_deleted": False,
        "is_beginning_seen": is_beginning_seen,
        "created_to_closed_seconds": took
        and Decimal(took // timedelta(microseconds=1)) / 1_000_000,
    }


def is_change(event: Row) -> bool:
    return event["type"] in ("TASK/ASSIGNEE_UPDATED", "TASK/DUE_DATE_UPDATED")


def stands(row: Row, told: Row) -> None:
    """Take over how a task stands, as far as it is told."""
    if "assignee" in told:
        row["assignee_inbox_id"] = told["assignee"].get("inboxId")
        row["assignee_agent_id"] = told["assignee"].get("agentId")
    if "dueAt" in told:
        row["due_at"] = instant(told["dueAt"])


def plain_tasks(raw: Raw) -> list[Row]:
    reads = reads_of(raw)
    people = People(raw.events, reads)
    tasks: dict[str, Row] = {
        read.entity_id: read.document for read in reads if read.kind == "tasks" and read.document
    }
    items = {item["id"]: item for item in raw.items if item["content"]["type"] == "TASK"}
    events, comments = defaultdict(list), defaultdict(set)
    for event in raw.events:
        if event["type"].startswith("TASK/"):
            events[event["content"]["taskId"]].append(event)
    for comment in raw.records("enrichment", "task_comments.jsonl"):
        comments[comment["taskId"]].add(comment["id"])
    fed = ("CONTACT", "CONVERSATION", "CONVERSATION_ASSIGNEE", "AGENT_STATUS", "TASK")
    until = max(
        *(
            instant(event["timestamp"])
            for event in raw.events
            if event["type"].partition("/")[0] in fed
        ),
        *(read.at for read in reads if read.kind == "tasks"),
    )
    found = []
    for task_id in {*tasks, *items, *events}:
        told, item, read = events[task_id], items.get(task_id), tasks.get(task_id)
        row = plain_task(task_id, told, item, read, comments[task_id])
        customers = [one["customerId"] for one in (read, item) if one]
        customers += [event["content"]["customerId"] for event in told]
        row["customer_id"] = people.customer(customers[0])
        row["conversation_id"] = people.conversation(item["conversationId"]) if item else None
        row["is_overdue"] = is_overdue(row, until)
        found.append(row)
    return found


def is_overdue(row: Row, until: datetime) -> bool | None:
    if row["due_at"] is None or row["status"] is None:
        return None
    if row["status"] == "CLOSED":
        return row["closed_at"] and bool(row["closed_at"] > row["due_at"])
    return bool(row["due_at"] < until)


def by_task(found: list[Row]) -> dict[str, Row]:
    return {row["task_id"]: row for row in found}


def test_tasks_of_the_world_stand_as_their_records_say(world: BuiltWorld) -> None:
    expected = plain_tasks(world.raw)
    assert {row["is_beginning_seen"] for row in expected} == {True, False}
    assert {row["times_reopened"] for row in expected} == {0, 1}
    assert by_task(world.models["task_facts"]) == by_task(expected)


def event(task: str, minute: float, name: str, **content: object) -> Row:
    at = (NOON + timedelta(minutes=minute)).isoformat()
    return {
        "id": f"{task} {minute} {name}",
        "type": f"TASK/{name}",
        "timestamp": at,
        "initiator": {"type": "AGENT", "id": "Ada"},
        "content": {"taskId": task, "customerId": "customer", **content},
    }


def due(minute: float) -> str:
    return (NOON + timedelta(minutes=minute)).isoformat()


def assigned(inbox: str, agent: str | None = None) -> Row:
    return {"inboxId": inbox} | ({"agentId": agent} if agent else {})


def before(minute: float, inbox: str, agent: str | None = None) -> Row:
    return {"dueAt": due(minute), "createdAt": due(0), "assignee": assigned(inbox, agent)}


TASKS = """
task      status  due   closed  overdue  seconds  inbox  agent  closes  seen
closed    CLOSED  10    20      True     1200     A      -      2       True
on-time   CLOSED  10    10      False    600      A      Ada    1       True
open      OPEN    30    -       True     -        B      -      0       True
later     OPEN    9000  -       False    -        A      Ada    0       True
middle    -       10    -       -        -        A      Ada    0       False
undue     OPEN    -     -       -        -        A      Ada    1       False
read      CLOSED  15    -       -        -        C      -      0       False
reopened  OPEN    15    -       True     -        C      Cyd    1       True
"""


def shown(row: Row) -> list[str]:
    def minutes(at: datetime | None) -> str:
        return "-" if at is None else f"{(at - NOON).total_seconds() / 60:g}"

    cells = (
        row["task_id"],
        row["status"],
        minutes(row["due_at"]),
        minutes(row["closed_at"]),
        row["is_overdue"],
        row["created_to_closed_seconds"] and f"{row['created_to_closed_seconds']:.0f}",
        row["assignee_inbox_id"],
        row["assignee_agent_id"],
        row["times_closed"],
        row["is_beginning_seen"],
    )
    return ["-" if cell is None else str(cell) for cell in cells]


def test_what_was_told_last_holds(place: Place) -> None:
    stands_at_noon = before(10, "A", "Ada")
    place.load_events(
        [
            # closed, opened again, closed too late; nobody has it any more
            event("closed", 0, "CREATED", context=stands_at_noon),
            event("closed", 5, "CLOSED", context=stands_at_noon),
            event("closed", 6, "REOPENED", context=stands_at_noon),
            event("closed", 7, "ASSIGNEE_UPDATED", assignee=assigned("A"), context=stands_at_noon),
            event("closed", 20, "CLOSED", context=before(10, "A")),
            # at the minute it was due
            event("on-time", 0, "CREATED", context=stands_at_noon),
            event("on-time", 10, "CLOSED", context=stands_at_noon),
            # two changes and an edit in one instant: the edit tells how it stood before
            event("open", 0, "CREATED", context=stands_at_noon),
            event("open", 1, "CONTENT_UPDATED", context=stands_at_noon),
            event("open", 1, "DUE_DATE_UPDATED", dueAt=due(30), context=stands_at_noon),
            event("open", 1, "ASSIGNEE_UPDATED", assignee=assigned("B"), context=stands_at_noon),
            event("later", 0, "CREATED", context=before(9000, "A", "Ada")),
            # events begin in the middle: an edit tells how it stands, but not whether it is open
            event("middle", 3, "CONTENT_UPDATED", context=stands_at_noon),
            # no longer due, and a close that nobody saw the beginning of
            event("undue", 3, "CLOSED", context=stands_at_noon),
            event("undue", 4, "DUE_DATE_UPDATED", context=stands_at_noon),
            event("undue", 5, "REOPENED", context={**before(1, "A", "Ada"), "dueAt": None}),
            # read after its last event: the close was never told, or another reopened it
            event("read", 3, "CONTENT_UPDATED", context=stands_at_noon),
            event("reopened", 0, "CREATED", context=stands_at_noon),
            event("reopened", 5, "CLOSED", context=stands_at_noon),
            # until when things are known
            event("end", 300, "COMMENT_ADDED", commentId="1"),
        ]
    )
    tasks: list[Row] = [
        {
            "id": task,
            "status": status,
            "due_at": NOON + timedelta(minutes=15),
            "assignee_inbox_id": "C",
            "assignee_agent_id": agent,
            "timestamp": NOON,
        }
        for task, status, agent in (("read", "CLOSED", None), ("reopened", "OPEN", "Cyd"))
    ]
    place.load(raw_rows(NOON + timedelta(minutes=60), tasks=tasks))
    place.transform()
    rows = [row for row in place.models()["task_facts"] if row["task_id"] != "end"]
    assert sorted(map(shown, rows)) == sorted(
        line.split() for line in TASKS.strip().splitlines()[1:]
    )


def test_comments_count_once_whoever_tells_of_them_and_customers_are_resolved(
    place: Place,
) -> None:
    place.load_events(
        [
            event("task", 1, "COMMENT_ADDED", commentId="1"),
            event("task", 2, "COMMENT_ADDED", commentId="2"),
            event("task", 3, "COMMENT_ADDED"),
        ]
    )
    merge = {"source_customer_id": "customer", "destination_customer_id": "stays"}
    place.load(
        raw_rows(
            task_comments=[{"id": one, "task_id": "task"} for one in ("2", "3")],
            customer_merges=[merge | {"merged_at": NOON, "evidence": "CUSTOMER/MERGED"}],
        )
    )
    place.transform()
    (row,) = place.models()["task_facts"]
    assert (row["comments"], row["customer_id"], row["status"]) == (4, "stays", None)
    assert (row["created_at"], row["is_beginning_seen"]) == (None, False)
