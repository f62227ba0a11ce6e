"""Downloading one file: whole and under its final name, or not at all."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sources.http.bodies import has_terminator
from sources.http.client import ApiClient, Params
from sources.http.errors import EmptyError, RetryableError, TooLargeError, TruncatedError
from sources.http.files import PartFile, WrittenFile, part_of
from sources.http.ranges import (
    OK,
    FileVersion,
    is_rest_of,
    rest_of,
    version_begun,
)
from sources.http.replies import StreamedReply

# Gladly API reference: application/x-ndjson for files of exports, x-jsonlines for events
_LINES_TYPE: Final = "application/x-"
_Stream = Callable[[Mapping[str, str] | None], AbstractContextManager[StreamedReply]]


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """A file that is whole and safely on disk.

    Args:
        path: where it is.
        bytes: its size, after content decoding.
        sha256: of its content, hexadecimal.
        etag: as the server sent it, or None.
        content_type: likewise.
        seconds: how long the attempt that completed it took.
    """

    path: Path
    bytes: int
    sha256: str
    etag: str | None
    content_type: str | None
    seconds: float


def _ignore(_: int) -> None:
    """Report progress to nobody."""


def download_file(
    client: ApiClient,
    path: str,
    target: Path,
    *,
    params: Params | None = None,
    on_bytes: Callable[[int], None] = _ignore,
    require_final_newline: bool = True,
    max_bytes: int | None = None,
) -> DownloadedFile:
    """Download `path` to `target`, which appears only once the file is whole.

    The content goes to `target` + ".part", is synced to disk and then renamed. The file is whole
    if the transport marked the end of the body, every gzip member is complete, and the last byte
    is a newline. Files are readable by their owner only, as are folders made on the way.

    Anything less is fetched again under the client's retry policy: only what is missing where the
    server vouches, by a strong entity tag, for the rest to be of the same version, else all of it.
    Bytes of two versions never meet. A process that was killed begins again.

    Args:
        client: sends the credentials, within its budget.
        path: below the base URL.
        target: the final name; an existing file is replaced.
        params: query parameters.
        on_bytes: told the size so far; less than before when the download started over.
        require_final_newline: the file consists of lines (JSONL, CSV): it ends in a newline
            unless empty, and is never HTML.
        max_bytes: bound on the decoded size; None for no bound.

    Raises:
        GapError: 404 or 410.
        TruncatedError: cut in every attempt.
        GiveUpError: the disk is full or refuses, or the server refuses.
        TooLargeError: larger than `max_bytes`.
        UnsafeError: redirected to another origin.
        RetryableError: a passing fault outlasted the retry policy.
    """
    return _download(
        client,
        lambda rest: client.stream_once(path, params, rest=rest),
        target,
        max_bytes,
        on_bytes,
        is_lines=require_final_newline,
        may_be_empty=True,
        refuse_html=require_final_newline,
    )


def download_content(
    client: ApiClient, path: str, target: Path, *, max_bytes: int, refuse_html: bool
) -> DownloadedFile:
    """Download content of any kind, which the API may redirect to another host.

    As `download_file`, lines apart. Requests to other hosts carry no credentials and no cookies
    and are not counted in the client's budget; see `hosts.unsigned_target` for where they may
    go. Signed addresses expire, so each attempt begins at `path`; it goes on where the last one
    broke off if it is led to the same address, signature aside.

    Args:
        client: sends the credentials, to its own origin only.
        path: below the base URL.
        target: the final name; an existing file is replaced.
        max_bytes: bound on the decoded size, checked before the body is read where it is told.
        refuse_html: take an HTML answer for a maintenance or login page.

    Raises:
        GapError: 404 or 410.
        TruncatedError: cut in every attempt.
        EmptyError: not a byte in any attempt.
        GiveUpError: the disk is full or refuses, or the server refuses.
        TooLargeError: larger than `max_bytes`.
        UnsafeError: redirected to where requests must not go.
        RetryableError: a passing fault outlasted the retry policy; or, with the status, another
            host refused every address that the API gave.
    """
    return _download(
        client,
        lambda rest: client.stream_once(path, may_leave=True, rest=rest),
        target,
        max_bytes,
        _ignore,
        is_lines=False,
        may_be_empty=False,
        refuse_html=refuse_html,
    )


@dataclass(slots=True)
class _Unfinished:
    """The beginning of a file, and its version; None where the rest cannot be asked for."""

    part: PartFile
    version: FileVersion | None = None


def _download(
    client: ApiClient,
    stream: _Stream,
    target: Path,
    max_bytes: int | None,
    on_bytes: Callable[[int], None],
    *,
    is_lines: bool,
    may_be_empty: bool,
    refuse_html: bool,
) -> DownloadedFile:
    """Write what `stream` answers to `target`, once it is whole, under the retry policy."""

    def once() -> DownloadedFile:
        began = time.monotonic()
        with _answered(stream, unfinished) as reply:
            _check_headers(reply, max_bytes, refuse_html=refuse_html)
            written = _received(reply, unfinished, max_bytes, on_bytes)
            if is_lines:
                check_emptiness_is_meant(reply.headers, written.size, _LINES_TYPE, reply.where)
                _check_final_newline(written, reply.where)
            if not (written.size or may_be_empty):
                raise EmptyError(
                    f"{reply.where} sent content without a single byte. Run again later; if it "
                    "persists, it is lost at the source."
                )
            part.publish(target)
        etag, content_type = (reply.headers.get(name) for name in ("etag", "content-type"))
        seconds = time.monotonic() - began
        return DownloadedFile(target, written.size, written.sha256, etag, content_type, seconds)

    with part_of(target) as part:
        unfinished = _Unfinished(part)
        return client.retrying(once)


@contextmanager
def _answered(stream: _Stream, unfinished: _Unfinished) -> Iterator[StreamedReply]:
    """The rest of what is begun (its status is then 206), or a file from its first byte."""
    begun, size = unfinished.version, unfinished.part.size
    if begun is not None and size:
        with stream(rest_of(begun, size)) as reply:
            is_rest = is_rest_of(begun, size, reply.status, reply.address, reply.headers)
            if is_rest or reply.status == OK:
                yield reply
                return
    unfinished.version = None
    with stream(None) as reply:
        yield reply


def _received(
    reply: StreamedReply,
    unfinished: _Unfinished,
    max_bytes: int | None,
    on_bytes: Callable[[int], None],
) -> WrittenFile:
    """Write a body to the part: after what is there if it is the rest, else in its place."""
    part = unfinished.part
    if reply.status == OK:
        part.start_over()
        unfinished.version = version_begun(reply.address, reply.headers)
    told = unfinished.version.total_bytes if unfinished.version else None
    for piece in reply.pieces(max_bytes, after_bytes=part.size):
        part.write(piece)
        on_bytes(part.size)
    # nothing is missing at its end: whatever is wrong with it, its rest would not help
    unfinished.version = None
    if told not in (None, part.size):
        raise TruncatedError(
            f"{reply.where} sent {part.size} bytes in all of a file of {told}. Run again; if it "
            "persists, check any proxy in between."
        )
    return part.written()


def check_end_is_marked(headers: Mapping[str, str], where: str) -> None:
    """Refuse a response whose headers do not let a whole body be told from a cut one.

    Raises:
        TruncatedError: it has neither a length nor chunks.
    """
    if not has_terminator(headers):
        raise TruncatedError(
            f"{where} sent a body that marks no end (neither Content-Length nor chunked), so "
            "a cut would go unnoticed. Run again; if it persists, check any proxy in between."
        )


def check_emptiness_is_meant(
    headers: Mapping[str, str], size: int, content_type: str, where: str
) -> None:
    """Refuse an empty body that does not call itself what was asked for.

    A file may have no lines. But what stands between us and the API also answers 200 and nothing
    when it is in trouble, and knows nothing of the API's types.

    Args:
        headers: of the response; lower-case lookups must work.
        size: of the decoded body.
        content_type: the beginning of the type that the API documents.
        where: method, path and host, for the message.

    Raises:
        TruncatedError: it is empty, of another type or none.
    """
    if not size and not headers.get("content-type", "").lower().startswith(content_type):
        raise TruncatedError(
            f"{where} answered 200 with nothing at all, not even with the type of an empty file. "
            "Run again later; if it persists, check any proxy in between."
        )


def _check_headers(reply: StreamedReply, max_bytes: int | None, *, refuse_html: bool) -> None:
    check_end_is_marked(reply.headers, reply.where)
    _check_length(reply, max_bytes)
    if refuse_html:
        _check_is_no_page(reply)


def _check_length(reply: StreamedReply, max_bytes: int | None) -> None:
    told = reply.headers.get("content-length", "")
    is_plain = reply.headers.get("content-encoding", "identity") == "identity"
    if max_bytes is not None and is_plain and told.isdecimal() and int(told) > max_bytes:
        raise TooLargeError(
            f"{reply.where} announced {told} bytes, larger than the bound of {max_bytes}: they "
            "were not read. Raise the bound if the size is legitimate.",
            at_least_bytes=int(told),
        )


def _check_is_no_page(reply: StreamedReply) -> None:
    if reply.headers.get("content-type", "").lower().startswith("text/html"):
        raise RetryableError(
            f"{reply.where} sent a web page instead of a data file. It may be a maintenance or "
            "login page: check the base URL, or run again later."
        )


def _check_final_newline(written: WrittenFile, where: str) -> None:
    if written.last not in {b"", b"\n"}:
        raise TruncatedError(
            f"{where} sent {written.size} bytes that do not end in a newline: the last line was "
            "cut. Run again; if it persists, the file is incomplete at the source."
        )
