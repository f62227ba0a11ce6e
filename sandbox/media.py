"""Attachments and recordings: their bytes, the same for the same id whenever they are asked for."""

import os
from hashlib import shake_128
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple
from zlib import crc32

from sandbox.timestamps import parse_instant, to_nanoseconds

# Single-channel MP3 at 32 kilobits a second.
_RECORDING_BYTES_PER_SECOND = 4_000
_SMALLEST, _SIZES = 1_024, 100_000
_BEGINNINGS = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "application/pdf": b"%PDF-1.7\n",
    "audio/mpeg": b"\xff\xf3\x48\xc4",
}


class Medium(NamedTuple):
    """A file that belongs to an item.

    Attributes:
        id: An attachment's own id, or the item's for a recording.
        content_type: Its media type.
        size: In bytes.
        modified_at: Nanoseconds since 1970.
    """

    id: str
    content_type: str
    size: int
    modified_at: int

    def content(self) -> bytes:
        """Return the bytes: they begin as files of the type do and go on as noise."""
        noise = shake_128(self.id.encode()).digest(self.size)
        return (_BEGINNINGS[self.content_type] + noise)[: self.size]


def _modified_at(item: dict[str, Any]) -> int:
    return to_nanoseconds(parse_instant(item["timestamp"]))


def attachment_of(item: dict[str, Any], attachment_id: str) -> Medium | None:
    """Return an attachment of an item, or None; one that tells no size has some size still."""
    for attachment in item["content"].get("attachments", ()):
        if attachment["id"] == attachment_id:
            size = attachment.get("fileSize", _SMALLEST + crc32(attachment_id.encode()) % _SIZES)
            return Medium(attachment_id, attachment["contentType"], size, _modified_at(item))
    return None


def recording_of(item: dict[str, Any]) -> Medium | None:
    """Return the recording of a call or voicemail, or None if there is none to be had."""
    content = item["content"]
    if content.get("recordingStatus") != "AVAILABLE":
        return None
    size = int(content["recordingDuration"]) * _RECORDING_BYTES_PER_SECOND
    return Medium(item["id"], "audio/mpeg", size, _modified_at(item))


class MediaFolder:
    """Files written when first asked for; size and time of one make its ETag. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()

    def path_of(self, medium: Medium) -> Path:
        """Return where the bytes of a medium lie."""
        # ids are made of letters, digits, - and _, but no id of a request ever gets here unchecked
        path = self._folder / f"medium-{medium.id}"
        with self._lock:
            if not path.exists():
                self._folder.mkdir(parents=True, exist_ok=True)
                path.write_bytes(medium.content())
                os.utime(path, ns=(medium.modified_at, medium.modified_at))
        return path
