"""Lists that are cut at a limit, and the header that says so."""

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from sandbox.answers import json_answer

LIMITED_DATA = "Gladly-Limited-Data"


def limited_answer(
    records: Sequence[dict[str, Any]], limit: int, *, says_when_whole: bool = False
) -> Response:
    """Return the first `limit` records, and whether there are more.

    The reference gives no value for the header. Here a list that was cut says `true`; one that
    is whole leaves the header out or says `false`, so that clients learn to read both.
    """
    answer = json_answer(records[:limit])
    if len(records) > limit:
        answer.headers[LIMITED_DATA] = "true"
    elif says_when_whole:
        answer.headers[LIMITED_DATA] = "false"
    return answer
