"""Reference lists: agents and topics (Gladly API reference, Agents and Topics)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.answers import json_answer
from sandbox.world import World


def routes(world: World) -> list[Route]:
    """Return the routes of the reference lists."""

    async def list_agents(_: Request) -> Response:
        return json_answer(world.agents)

    async def list_topics(_: Request) -> Response:
        return json_answer(world.topics)

    return [Route("/api/v1/agents", list_agents), Route("/api/v1/topics", list_topics)]
