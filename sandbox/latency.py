"""Distance: an answer takes its time, and any number of others are under way meanwhile."""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


def delayed(app: ASGIApp, seconds: Callable[[], float]) -> ASGIApp:
    """Return `app` with every answer to a GET kept back by so many real seconds."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            await asyncio.sleep(seconds())
        await app(scope, receive, send)

    return answer
