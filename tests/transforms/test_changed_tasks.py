"""Whatever is told of a task, what is made anew is what a whole build makes.

Each change is of a task of its own: what tells how it stands, whose it is, or that it is late now.
"""

from datetime import timedelta

from tests.transforms.nights import (
    Models,
    Tables,
    assert_a_whole_build_makes,
    built_from_changes,
    keys_that_differ,
)
from tests.transforms.places import NOW, Place
from transforms.models import MODELS

ASKS_FOR = tuple(model.name for model in MODELS if model.changes)
DAY = timedelta(days=1)


def item_of(task: str, content_type: str = "TASK", days: int = 30) -> Tables:
    told = {"conversation_id": "talk", "customer_id": "ann", "timestamp": NOW - 9 * DAY}
    table = {"TASK": "task_items", "SMS": "sms_messages"}[content_type]
    due = {"due_at": NOW + days * DAY} if content_type == "TASK" else {}
    return {
        "conversation_items": [{"id": task, "content_type": content_type, **told}],
        table: [{"id": task, **due}],
    }


def read(task: str, status: str = "OPEN", days: int = 30, customer: str = "bob") -> Tables:
    due = {"due_at": NOW + days * DAY, "timestamp": NOW - 9 * DAY}
    return {"tasks": [{"id": task, "customer_id": customer, "status": status, **due}]}


def happened(kind: str, task: str, days: float) -> Tables:
    told = {"type": f"TASK/{kind}", "timestamp": NOW + days * DAY, "origin": "events"}
    return {"task_events": [{"event_id": f"{kind} of {task}", "task_id": task, **told}]}


def comment(task: str) -> Tables:
    return {"task_comments": [{"id": f"on {task}", "task_id": task, "timestamp": NOW}]}


def merge(source: str, destination: str) -> Tables:
    ids = {"source_customer_id": source, "destination_customer_id": destination}
    return {"customer_merges": [ids | {"merged_at": NOW, "evidence": "redirect"}]}


FIRST = (
    *map(item_of, ("item stays", "item says otherwise", "item is no task", "closed by event")),
    *map(read, ("read stays", "read again", "commented")),
    read("of who is merged", customer="cem"),
    read("of whom they are merged into", customer="dot"),
    read("of who was merged", customer="eve"),
    merge("eve", "fay"),
    read("due soon", days=1),
    read("due later", days=3),
    read("closed before it is due", "CLOSED", days=1),
    read("was late", days=-1),
    {"tasks": [{"id": "of no status", "due_at": NOW + DAY}]},
    happened("CREATED", "of another", 0),
)
CHANGED = (
    item_of("item is new"),
    item_of("item says otherwise", days=20),
    item_of("item is no task", "SMS"),
    read("read is new"),
    read("read again", "CLOSED"),
    comment("commented"),
    happened("CLOSED", "closed by event", 1),
    happened("CREATED", "event is new", 2),
    merge("cem", "dot"),
    merge("fay", "gus"),
)
TASKS_CHANGED = {
    "item is new",
    "item says otherwise",
    "item is no task",
    "read is new",
    "read again",
    "commented",
    "closed by event",
    "event is new",
    "of who is merged",
    "of who was merged",
    "due soon",
}


def tasks_of(models: Models) -> dict[str, str]:
    return {row["task_id"]: str(row) for row in models["task_facts"]}


def test_what_is_told_of_tasks_changes_all_that_it_must(place: Place) -> None:
    before, built = built_from_changes(place, FIRST, CHANGED)
    assert keys_that_differ(tasks_of(before), tasks_of(built)) == TASKS_CHANGED
    assert_a_whole_build_makes(built, place)
