"""Runs that store attachments and recordings, what Gladly has of them, and hosts beside Gladly."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import fsspec

from pipelines.gladly_tables import GLADLY_TABLES
from pipelines.media import load_media
from pipelines.media_sql import TABLES
from pipelines.media_store import open_media_store
from pipelines.report import RunReport
from pipelines.runner import Target
from sandbox import Sandbox
from sandbox.media import attachment_of, recording_of
from sources.gladly.media import MEDIA_FILES, checked_media
from sources.gladly.selection import MEDIA
from tests.pipelines.references import client_of, opened
from tests.pipelines.runs import ITEMS, Row, read_tables, run

BOTH = ["attachments", "recordings"]
ITEM_TABLES = [table for table in GLADLY_TABLES if table.name in TABLES]
NOW = datetime(2026, 3, 4, tzinfo=UTC)
Key = tuple[str, str, str]


@dataclass
class ContentServer:
    """Answers every GET by its path; ``received`` are the headers of each, by lower-case name."""

    address: str = ""
    content: Callable[[str], tuple[int, dict[str, str], bytes]] = lambda _: (404, {}, b"")
    received: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def content_server() -> Iterator[ContentServer]:
    """Serve on this machine without asking who it is."""
    server = ContentServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.received.append((self.path, headers))
            status, told, body = server.content(self.path)
            self.send_response_only(status)
            for name, value in ({"Content-Length": str(len(body))} | told).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the base class names it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = Thread(target=partial(http.serve_forever, poll_interval=0.01))
        thread.start()
        server.address = f"http://127.0.0.1:{http.server_address[1]}"
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


def bytes_at_gladly(sandbox: Sandbox, item_id: str, media_id: str) -> bytes | None:
    """Return what the sandbox has of an attachment, or of the recording of an item."""
    item = sandbox._snapshots().item(item_id)
    if item is None:
        return None
    is_recording = media_id in ("recording", item_id)
    medium = recording_of(item) if is_recording else attachment_of(item, media_id)
    return None if medium is None else medium.content()


def content_of(sandbox: Sandbox) -> Callable[[str], tuple[int, dict[str, str], bytes]]:
    """Return how a host beside Gladly answers the addresses that Gladly redirects to."""

    def content(path: str) -> tuple[int, dict[str, str], bytes]:
        _, item_id, media_id = path.strip("/").split("/")
        found = bytes_at_gladly(sandbox, item_id, media_id)
        return (404, {}, b"") if found is None else (200, {"Content-Type": "image/png"}, found)

    return content


def media_run(sandbox: Sandbox, target: Target, **changed: object) -> RunReport:
    """Run exports and media once."""
    wishes: dict[str, Any] = {"media": BOTH, "selected": lambda name: name in {ITEMS, MEDIA}}
    return run(sandbox, target, **(wishes | changed))


def media_asked_for(sandbox: Sandbox) -> list[str]:
    """Return the paths of attachments and recordings that Gladly was asked for."""
    return [each.path for each in sandbox.requests if "/conversation-items/" in each.path]


def told_of(target: Target) -> set[Key]:
    """Return item, kind and id of all that the items in the destination tell of."""
    tables = read_tables(target, ITEM_TABLES)
    attachments = {
        (row["item_id"], "attachment", row["attachment_id"]) for row in tables["item_attachments"]
    }
    recordings = {
        (row["id"], "recording", "recording")
        for row in (*tables["phone_calls"], *tables["voicemails"])
        if row["recording_status"] == "AVAILABLE"
    }
    return attachments | recordings


def media_rows(target: Target) -> dict[Key, Row]:
    """Return the rows of ``media_files``, by key."""
    rows = read_tables(target, [MEDIA_FILES])[MEDIA_FILES.name]
    return {(row["item_id"], row["kind"], row["media_id"]): row for row in rows}


def stored(place: str | Path) -> dict[str, bytes]:
    """Return every file of a store, by its name there."""
    files, root = fsspec.core.url_to_fs(str(place))
    if not files.exists(root):
        return {}
    return {path.removeprefix(root).strip("/"): files.cat_file(path) for path in files.find(root)}


def store_media(
    address: str,
    target: Target,
    kinds: Sequence[str] = BOTH,
    *,
    url: str | None = None,
    max_bytes: int = 1 << 30,
    now: datetime = NOW,
    may_go_on: Callable[[], bool] = lambda: True,
) -> RunReport:
    """Run the step alone, over what is loaded already."""
    store = open_media_store(url, target.data)
    with opened(target) as loader, client_of(address) as client:
        wanted = checked_media(kinds)
        load_media(client, store, loader, wanted, max_bytes, now, may_go_on)
        left = loader.workspace.work / "media"
        assert not left.exists() or [*left.iterdir()] == []
        return loader.report
