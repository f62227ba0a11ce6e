"""Decoding a response body in bounded pieces, and knowing whether it was whole."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from sources.http.errors import GiveUpError, TooLargeError, TruncatedError, UnsafeError

PIECE_BYTES: Final = 1 << 20
_GZIP_FRAMING: Final = 31  # zlib's code for "gzip header and trailer expected"


def has_terminator(headers: Mapping[str, str]) -> bool:
    """Whether the transport can tell a whole body from a cut one.

    Without Content-Length or chunked transfer a body ends when the connection closes, which a
    broken connection does too (RFC 9112, 6.3 and 8).
    """
    return "content-length" in headers or "transfer-encoding" in headers


def bounded(
    pieces: Iterable[bytes], max_bytes: int | None, *, after_bytes: int = 0
) -> Iterator[bytes]:
    """The same pieces, up to `max_bytes` in all, the `after_bytes` that came before included.

    Raises:
        TooLargeError: there is more; None means no bound.
    """
    total = after_bytes
    for piece in pieces:
        total += len(piece)
        if max_bytes is not None and total > max_bytes:
            raise TooLargeError(
                f"A response body is larger than the bound of {max_bytes} bytes and was dropped. "
                "Ask for a shorter time range, or raise the bound if the size is legitimate.",
                at_least_bytes=total,
            )
        yield piece


def gunzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content of one or more gzip members, in pieces of `PIECE_BYTES` or less.

    Raises:
        TruncatedError: a member is damaged or has no end, or there is no member at all.
    """
    member = zlib.decompressobj(_GZIP_FRAMING)
    for piece in pieces:
        rest = piece
        while rest:
            if member.eof:
                member = zlib.decompressobj(_GZIP_FRAMING)
            yield _inflated(member, rest)
            rest = member.unused_data if member.eof else member.unconsumed_tail
    while not member.eof:
        # zlib may still hold output that did not fit the last piece
        tail = _inflated(member, b"")
        if not tail and not member.eof:
            raise TruncatedError("A gzip body ended before its end-of-stream marker.")
        yield tail


def _inflated(member: "zlib._Decompress", data: bytes) -> bytes:
    try:
        return member.decompress(data, PIECE_BYTES)
    except zlib.error as fault:
        raise TruncatedError(f"A gzip body is damaged ({fault}).") from None


def _bounded_gunzipped(
    pieces: Iterable[bytes], max_bytes: int | None, after_bytes: int
) -> Iterator[bytes]:
    """As `bounded`; a bomb says nothing of how large what was asked for truly is."""
    try:
        yield from bounded(gunzipped(pieces), max_bytes, after_bytes=after_bytes)
    except TooLargeError as error:
        unpacked = str(error)
    else:
        return
    raise UnsafeError(f"{unpacked} It came as gzip, which was not asked for.")


def decoded(
    pieces: Iterable[bytes],
    content_encoding: str,
    max_bytes: int | None,
    *,
    after_bytes: int = 0,
) -> Iterator[bytes]:
    """The body as its sender meant it, in bounded memory.

    Args:
        pieces: the body as it came over the wire.
        content_encoding: the Content-Encoding header, "" if absent.
        max_bytes: bound on the decoded size; None for no bound.
        after_bytes: what came before and counts against the bound.

    Raises:
        TruncatedError: a gzip body is damaged or cut.
        TooLargeError: the body exceeds `max_bytes`.
        UnsafeError: it is gzip, and unpacks to more than that.
        GiveUpError: an encoding we never ask for.
    """
    encoding = content_encoding.strip().lower()
    if encoding in {"gzip", "x-gzip"}:
        return _bounded_gunzipped(pieces, max_bytes, after_bytes)
    if encoding in {"", "identity"}:
        return bounded(pieces, max_bytes, after_bytes=after_bytes)
    raise GiveUpError(
        f"The server sent the content encoding {encoding[:40]!r}, which was not asked for. "
        "Check for a proxy between this machine and the API that recompresses responses."
    )
