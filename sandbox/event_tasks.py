"""Tasks: from the item that creates one to its end, within a day."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from sandbox.conversations import Entry
from sandbox.draw import Draw
from sandbox.event_drafts import Draft, agent
from sandbox.event_routing import assignee
from sandbox.identifiers import identifier
from sandbox.timestamps import format_shortest

_MINUTE, _DAY = 60_000, 86_400_000


class _Task(NamedTuple):
    """A task as it stands between two events."""

    id: str
    customer_id: str
    created_at: int
    assignee: dict[str, Any]
    due_at: str

    def context(self) -> dict[str, Any]:
        return {
            "assignee": self.assignee,
            "dueAt": self.due_at,
            "createdAt": format_shortest(self.created_at),
        }


class _Scene(NamedTuple):
    """What one event of a task may read."""

    seed: int
    task: _Task
    at: int
    follower: str


_Change = tuple[dict[str, Any], _Task]


def _nothing(scene: _Scene) -> _Change:
    return {}, scene.task


def _comment(scene: _Scene) -> _Change:
    comment_id = identifier(scene.seed, f"comment on task {scene.task.id}", scene.at)
    return {"commentId": comment_id}, scene.task


def _new_assignee(scene: _Scene) -> _Change:
    changed = assignee(scene.task.assignee["inboxId"], scene.follower)
    return {"assignee": changed}, scene.task._replace(assignee=changed)


def _new_due_date(scene: _Scene) -> _Change:
    due_at = format_shortest(scene.task.created_at + 2 * _DAY)
    return {"dueAt": due_at}, scene.task._replace(due_at=due_at)


def _follower(scene: _Scene) -> _Change:
    return {"agentId": scene.follower}, scene.task


# A task's whole story: what happens, how many minutes after its creation, and what it changes.
_STORY: tuple[tuple[str, int, Callable[[_Scene], _Change]], ...] = (
    ("CREATED", 0, _nothing),
    ("FOLLOWER_ADDED", 0, _follower),
    ("COMMENT_ADDED", 12, _comment),
    ("ASSIGNEE_UPDATED", 45, _new_assignee),
    ("CONTENT_UPDATED", 46, _nothing),
    ("DUE_DATE_UPDATED", 46, _new_due_date),
    ("CLOSED", 300, _nothing),
    ("REOPENED", 360, _nothing),
    ("COMMENT_ADDED", 361, _comment),
    ("FOLLOWER_REMOVED", 400, _follower),
    ("CLOSED", 1200, _nothing),
)
_CLOSED_FOR_GOOD = 0.3


def task_story(seed: int, entry: Entry, colleagues: Sequence[str], draw: Draw) -> Iterator[Draft]:
    """Yield what happens to the task of a TASK item; the task's id is the item's.

    Three of ten tasks stay closed, the others go through all nine event types.
    """
    record = entry.record
    content, at = record["content"], entry.active_at
    task = _Task(record["id"], record["customerId"], at, content["assignee"], content["dueAt"])
    follower, hero = draw.pick(colleagues), record["initiator"]["id"]
    is_short = draw.chance(_CLOSED_FOR_GOOD)
    for name, minutes, change in _STORY:
        happens_at = at + minutes * _MINUTE
        more, after = change(_Scene(seed, task, happens_at, follower))
        shown = {"customerId": task.customer_id, "taskId": task.id, **more}
        by = agent(follower if name == "COMMENT_ADDED" else hero)
        yield Draft(happens_at, f"TASK/{name}", by, shown | {"context": task.context()})
        task = after
        if name == "CLOSED" and is_short:
            return
