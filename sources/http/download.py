"""Downloading one file: whole and under its final name, or not at all."""

import errno
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sources.http.bodies import has_terminator
from sources.http.client import ApiClient, Params
from sources.http.errors import (
    EmptyError,
    GiveUpError,
    RetryableError,
    TooLargeError,
    TruncatedError,
)
from sources.http.replies import StreamedReply

_WRITE_BUFFER_BYTES: Final = 1 << 20
# Gladly API reference: application/x-ndjson for files of exports, x-jsonlines for events
_LINES_TYPE: Final = "application/x-"
_FULL_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
# O_EXCL also refuses to follow a symbolic link
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """A file that is whole and safely on disk.

    Args:
        path: where it is.
        bytes: its size, after content decoding.
        sha256: of its content, hexadecimal.
        etag: as the server sent it, or None.
        content_type: likewise.
        seconds: how long the attempt that succeeded took.
    """

    path: Path
    bytes: int
    sha256: str
    etag: str | None
    content_type: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """What was written: its size in bytes, its sha256 (hexadecimal), and its last byte if any."""

    size: int
    sha256: str
    last: bytes


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
    is a newline. Anything less is removed and fetched again from the start under the client's
    retry policy. Files are readable by their owner only, as are folders made on the way.

    Args:
        client: sends the credentials, within its budget.
        path: below the base URL.
        target: the final name; an existing file is replaced.
        params: query parameters.
        on_bytes: told the size so far of the present attempt; starts again when that does.
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
        lambda: client.stream_once(path, params),
        target,
        max_bytes,
        on_bytes,
        is_lines=require_final_newline,
        refuse_html=require_final_newline,
    )


def download_content(
    client: ApiClient, path: str, target: Path, *, max_bytes: int, refuse_html: bool
) -> DownloadedFile:
    """Download content of any kind, which the API may redirect to another host.

    As `download_file`, lines apart. Requests to other hosts carry no credentials and no cookies
    and are not counted in the client's budget; see `hosts.unsigned_target` for where they may
    go. Signed addresses expire, so each attempt begins at `path`.

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
        lambda: client.stream_once(path, may_leave=True),
        target,
        max_bytes,
        _ignore,
        is_lines=False,
        refuse_html=refuse_html,
    )


def _download(
    client: ApiClient,
    stream: Callable[[], AbstractContextManager[StreamedReply]],
    target: Path,
    max_bytes: int | None,
    on_bytes: Callable[[int], None],
    *,
    is_lines: bool,
    refuse_html: bool,
) -> DownloadedFile:
    """Write what `stream` answers to `target`, once it is whole, under the retry policy."""

    def once() -> DownloadedFile:
        began = time.monotonic()
        with _disk_errors_explained(target), stream() as reply:
            _check_headers(reply, max_bytes, refuse_html=refuse_html)
            with _part_of(target) as part:
                written = _write(reply.pieces(max_bytes), part, on_bytes)
                if is_lines:
                    check_emptiness_is_meant(reply.headers, written.size, _LINES_TYPE, reply.where)
                    _check_final_newline(written, reply.where)
                elif not written.size:
                    raise EmptyError(
                        f"{reply.where} sent content without a single byte. Run again later; if "
                        "it persists, it is lost at the source."
                    )
                publish(part, target)
        etag, content_type = (reply.headers.get(name) for name in ("etag", "content-type"))
        seconds = time.monotonic() - began
        return DownloadedFile(target, written.size, written.sha256, etag, content_type, seconds)

    return client.retrying(once)


def write_whole_file(target: Path, pieces: Iterable[bytes]) -> WrittenFile:
    """Write `pieces` to `target`, which appears only once all of them are safely on disk.

    As `download_file`: by way of `target` + ".part", for the owner only.

    Raises:
        GiveUpError: the disk is full or refuses; nothing is left behind.
    """
    with _disk_errors_explained(target), _part_of(target) as part:
        written = _write(pieces, part, _ignore)
        publish(part, target)
    return written


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


@contextmanager
def _part_of(target: Path) -> Iterator[Path]:
    """The name to write to; whatever is left under it afterwards is removed."""
    make_private_folder(target.parent)
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def make_private_folder(folder: Path) -> None:
    """Make `folder` and its missing parents, each for the owner only; leave others as they are."""
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _write(pieces: Iterable[bytes], part: Path, on_bytes: Callable[[int], None]) -> WrittenFile:
    """Write and hash `pieces`, and wait until the disk holds them."""
    digest = hashlib.sha256()
    size = 0
    last = b""
    descriptor = os.open(part, _NEW_FILE, 0o600)
    with os.fdopen(descriptor, "wb", buffering=_WRITE_BUFFER_BYTES) as file:
        for piece in pieces:
            file.write(piece)
            digest.update(piece)
            size += len(piece)
            last = piece[-1:] or last
            on_bytes(size)
        file.flush()
        os.fsync(file.fileno())
    return WrittenFile(size, digest.hexdigest(), last)


def publish(part: Path, target: Path) -> None:
    """Give a file that is safely on disk its final name, and make that survive a power cut.

    Raises:
        OSError: it lies on another disk, or the folder refuses.
    """
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _disk_errors_explained(target: Path) -> Iterator[None]:
    """Turn errors of the file system, which no retry cures, into advice."""
    try:
        yield
    except OSError as fault:
        if fault.errno in _FULL_DISK:
            raise GiveUpError(
                f"The disk or quota is full while writing {target}; nothing of the file was kept. "
                "Free space or point the raw folder elsewhere, then run again."
            ) from fault
        raise GiveUpError(
            f"Could not write {target}: {fault.strerror or type(fault).__name__}. Check the "
            "folder's permissions and that its name is valid, then run again."
        ) from fault
