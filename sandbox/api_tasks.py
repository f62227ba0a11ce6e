"""Reading tasks and their comments (Gladly API reference, Tasks)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.answers import error_answer, json_answer, not_found
from sandbox.enrichment import ReadOddities
from sandbox.limited import limited_answer
from sandbox.snapshot import Snapshots

_STATUSES = ("OPEN", "CLOSED")
_TASK = "/api/v1/tasks/{task_id}"


def routes(snapshots: Snapshots, oddities: ReadOddities) -> list[Route]:
    """Return the routes of tasks, comments and a customer's list of tasks."""

    async def list_tasks(request: Request) -> Response:
        status = request.query_params.get("status")
        if status not in (None, *_STATUSES):
            return error_answer(400, "invalid", "status must be one of OPEN, CLOSED", "status")
        tasks = snapshots().tasks_of(request.path_params["customer_id"])
        if tasks is None:
            return not_found()
        shown = [task for task in tasks if status in (None, task["status"])]
        return limited_answer(shown, oddities.tasks_of_a_customer, says_when_whole=True)

    async def get_task(request: Request) -> Response:
        record = snapshots().task(request.path_params["task_id"])
        return not_found() if record is None else json_answer(record)

    async def list_comments(request: Request) -> Response:
        comments = snapshots().comments_of(request.path_params["task_id"])
        if comments is None:
            return not_found()
        return limited_answer(comments, oddities.comments_of_a_task, says_when_whole=True)

    async def get_comment(request: Request) -> Response:
        comments = snapshots().comments_of(request.path_params["task_id"]) or []
        wanted = request.path_params["comment_id"]
        found = next((one for one in comments if one["id"] == wanted), None)
        return not_found() if found is None else json_answer(found)

    return [
        Route("/api/v1/customers/{customer_id}/tasks", list_tasks),
        Route(_TASK, get_task),
        Route(f"{_TASK}/comments", list_comments),
        Route(f"{_TASK}/comments/{{comment_id}}", get_comment),
    ]
