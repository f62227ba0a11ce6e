"""What a server answered: whole, or still streaming."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from sources.http.bodies import decoded
from sources.http.errors import HelpdeskError, RetryableError
from sources.http.faults import body_error

_ERROR_BODY_BYTES: Final = 64 << 10

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole response, decoded.

    Args:
        status: one of the statuses that were expected.
        headers: names are matched in any case.
        body: after content decoding.
        document: the body as JSON; None if that was not asked for, or for status 204.
    """

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)
    document: Any = field(repr=False)


class StreamedReply:
    """A response whose headers are checked and whose body is still to come.

    Attributes:
        status: one of the statuses that were expected.
        headers: names are matched in any case.
        where: method, path and host, for messages.
        address: what is behind it is one thing, which has versions. Never shown: a signed address
            stands without its query, but its path may be as secret.
    """

    def __init__(self, response: httpx.Response, where: str, address: str) -> None:
        self._response = response
        self.address = address
        self.status = response.status_code
        self.headers = response.headers
        self.where = where

    def raw_pieces(self) -> Iterator[bytes]:
        """The body as it comes over the wire, before content decoding, about 64 kB at a time.

        Raises:
            TruncatedError: the connection broke, timed out, or ended before its terminator.
        """
        try:
            yield from self._response.iter_raw()
        except httpx.TransportError as fault:
            error = body_error(fault, self.where)
        else:
            return
        # raised here so that no frame of httpx, which hold the credentials, is attached
        raise error

    def pieces(self, max_bytes: int | None, *, after_bytes: int = 0) -> Iterator[bytes]:
        """The decoded body in bounded pieces; see `bodies.decoded` for the bound and the errors."""
        encoding = self.headers.get("content-encoding", "")
        return decoded(self.raw_pieces(), encoding, max_bytes, after_bytes=after_bytes)


def parsed(reply: StreamedReply, body: bytes) -> Any:  # noqa: ANN401 - JSON has no static type
    """The body as strict JSON; integers of any size stay exact.

    Raises:
        RetryableError: it is something else, such as a maintenance page answering 200.
    """
    kind = reply.headers.get("content-type", "no content type").partition(";")[0]
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        shown = f"{kind[:80]!r}, {len(body)} bytes"
    # raised here, outside `except`: a JSON error carries the whole body
    raise RetryableError(
        f"{reply.where} answered {reply.status} with something that is not JSON ({shown}). It "
        "may be a maintenance or login page: check the base URL, or run again later.",
        status=reply.status,
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def beginning(reply: StreamedReply) -> bytes:
    """The first bytes of an error body; what cannot be read does not hide the status."""
    gathered = bytearray()
    try:
        for piece in reply.pieces(None):
            gathered += piece
            if len(gathered) >= _ERROR_BODY_BYTES:
                break
    except HelpdeskError as error:
        _log.debug("The body of an error response is not readable: %s", error)
    return bytes(gathered[:_ERROR_BODY_BYTES])
