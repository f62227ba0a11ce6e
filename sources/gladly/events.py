"""Gladly's Events API over HTTP: a span of events into the raw archive, as one whole file.

What is in the archive is kept even while the destination cannot be reached: Gladly forgets events
after 24 hours, the archive does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import orjson

from sources.gladly.event_types import EVENTS_FILE
from sources.gladly.event_windows import covered_by
from sources.gladly.settings import EVENTS_PATH, EVENTS_STREAM
from sources.http.client import ApiClient
from sources.http.download import download_file
from sources.http.files import write_whole_file
from sources.streams.archive import (
    RawFile,
    archive_path,
    is_whole,
    read_description,
    size_and_digest,
)
from sources.streams.windows import Window
from sources.tables.timestamps import format_timestamp, parse_timestamp

_REQUEST_FILE = "request.json"


def fetch_events(
    client: ApiClient,
    archive: Path,
    window: Window,
    entities: Sequence[str],
    *,
    on_bytes: Callable[[int], None],
) -> RawFile:
    """Return the events recorded within ``window``, both ends inside, from Gladly or the archive.

    Raises:
        HelpdeskError: as ``download_file``; a start that Gladly no longer reaches is a
            ``GiveUpError`` of status 400.
    """
    folder = archive_path(archive, request_id(window))
    path = folder / EVENTS_FILE
    if is_whole(path, read_description(folder / _REQUEST_FILE).get("bytes")):
        return _raw_file(window, path, *size_and_digest(path), 0.0)
    _remember_request(folder, window)
    downloaded = download_file(
        client,
        EVENTS_PATH,
        path,
        params={
            "startAt": format_timestamp(window.start),
            "endAt": format_timestamp(window.end),
            "entities": [*entities],
        },
        on_bytes=on_bytes,
    )
    _remember_request(folder, window, downloaded.bytes)
    return _raw_file(window, path, downloaded.bytes, downloaded.sha256, downloaded.seconds)


def archived_events(archive: Path, done: AbstractSet[str]) -> Iterator[RawFile]:
    """Yield the event files in the archive, oldest request first, but for those in ``done``.

    ``done`` holds the ids of requests that are loaded; their files are not read. What is not whole,
    or not described, counts as not fetched: it is asked for again.
    """
    passed_over = {archive_path(archive, identifier).name for identifier in done}
    for path in sorted(archive.glob(f"*/{EVENTS_FILE}")):
        if path.parent.name not in passed_over:
            request = read_description(path.parent / _REQUEST_FILE)
            window = _window_of(request)
            if window and is_whole(path, request.get("bytes")):
                yield _raw_file(window, path, *size_and_digest(path), 0.0)


def request_id(window: Window) -> str:
    """Return the id under which the ledger and the archive know a request."""
    return f"events {format_timestamp(window.start)}/{format_timestamp(window.end)}"


def _raw_file(window: Window, path: Path, size: int, digest: str, seconds: float) -> RawFile:
    return RawFile(
        EVENTS_STREAM,
        request_id(window),
        EVENTS_FILE,
        window.end,
        covered_by(window),
        path,
        size,
        digest,
        seconds,
    )


def _remember_request(folder: Path, window: Window, size: int | None = None) -> None:
    """Keep beside the events, and before them, what was asked for; after them, their size."""
    told: dict[str, object] = {
        "startAt": format_timestamp(window.start),
        "endAt": format_timestamp(window.end),
    }
    if size is not None:
        told["bytes"] = size
    write_whole_file(folder / _REQUEST_FILE, [orjson.dumps(told)])


def _window_of(request: Mapping[str, object]) -> Window | None:
    start, end = (parse_timestamp(str(request.get(name))) for name in ("startAt", "endAt"))
    return Window(start.at, end.at) if start and end else None
