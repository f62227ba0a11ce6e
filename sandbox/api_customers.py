"""Reading customers and their conversations (Gladly API reference, Customers)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.answers import error_answer, json_answer, not_found
from sandbox.enrichment import ReadOddities
from sandbox.limited import limited_answer
from sandbox.snapshot import Snapshots


def _moved(old: str, new: str) -> Response:
    error = {
        "attr": "customerId",
        "code": "moved",
        "detail": "customer id has changed",
        "meta": {"old": old, "new": new},
    }
    return json_answer({"errors": [error]}, 301)


def _no_customer(customer_id: str) -> Response:
    return error_answer(404, "not_exist", f"customer profile [{customer_id}] does not exist")


def routes(snapshots: Snapshots, oddities: ReadOddities) -> list[Route]:
    """Return the routes of customers and of their lists of conversations.

    Only Get Customer tells where a merged id went; for all lists it does not exist.
    """

    async def get_customer(request: Request) -> Response:
        customer_id = request.path_params["customer_id"]
        snapshot = snapshots()
        new = snapshot.moved_to(customer_id)
        if new is not None:
            return _moved(customer_id, new)
        record = snapshot.customer(customer_id)
        return _no_customer(customer_id) if record is None else json_answer(record)

    async def list_conversations(request: Request) -> Response:
        conversations = snapshots().conversations_of(request.path_params["customer_id"])
        if conversations is None:
            return not_found()
        return limited_answer(conversations, oddities.conversations_of_a_customer)

    return [
        Route("/api/v1/customer-profiles/{customer_id}", get_customer),
        Route("/api/v1/customers/{customer_id}/conversations", list_conversations),
    ]
