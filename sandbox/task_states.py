"""Tasks and their comments as the Tasks API shows them, told by their events so far."""

from collections.abc import Iterable
from typing import Any
from zlib import crc32

from sandbox.conversations import Entry
from sandbox.event_drafts import Draft
from sandbox.timestamps import format_shortest

_COMMENTS = (
    "Called back, nobody answered.",
    "顧客は明日の午後を希望しています。",
    "<p>Done, see <b>order 1042</b> &amp; the photo.</p>",
    "",
)
_STATUS_AFTER = {"TASK/CLOSED": "CLOSED", "TASK/REOPENED": "OPEN"}


def _of_task(task_id: str, events: Iterable[Draft]) -> list[Draft]:
    return [one for one in events if one.content.get("taskId") == task_id]


def task_record(item: Entry, customer_id: str, events: Iterable[Draft]) -> dict[str, Any]:
    """Return the task of a TASK item.

    Args:
        item: The item that created it; its id is the task's.
        customer_id: Whose it is now, after merges.
        events: Events so far, oldest first; those of other things are passed over.
    """
    content = item.record["content"]
    record = {
        "id": item.record["id"],
        "customerId": customer_id,
        "timestamp": item.record["timestamp"],
        "createdBy": item.record["initiator"],
        "assignee": content["assignee"],
        "body": content["body"],
        "dueAt": content["dueAt"],
        "status": "OPEN",
    }
    for event in _of_task(item.record["id"], events):
        record["status"] = _STATUS_AFTER.get(event.type, record["status"])
        if event.type == "TASK/ASSIGNEE_UPDATED":
            record["assignee"] = event.content["assignee"]
        elif event.type == "TASK/DUE_DATE_UPDATED":
            record["dueAt"] = event.content["dueAt"]
        elif event.type == "TASK/CONTENT_UPDATED":
            record["body"] = f"{content['body']} (updated)"
    return record


def comment_records(task_id: str, events: Iterable[Draft]) -> list[dict[str, Any]]:
    """Return a task's comments so far, oldest first."""
    return [
        {
            "id": event.content["commentId"],
            "agentId": event.initiator["id"],
            "comment": _COMMENTS[crc32(event.content["commentId"].encode()) % len(_COMMENTS)],
            "taskId": task_id,
            "createdAt": format_shortest(event.at),
        }
        for event in _of_task(task_id, events)
        if event.type == "TASK/COMMENT_ADDED"
    ]
