"""Attachments and recordings of items: what may be asked for, what came of it, how it is named.

Sources: Gladly API reference, Get Attachment (303 to the content, 400 for an item without any) and
Get Media (an MP3 file, if the recording is there).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from sources.gladly.selection import chosen
from sources.http.client import ApiClient
from sources.http.download import download_content
from sources.http.errors import (
    EmptyError,
    GapError,
    GiveUpError,
    HelpdeskError,
    RetryableError,
    TooLargeError,
    UnsafeError,
)
from sources.http.hosts import path_segment
from sources.tables.conform import encode_json
from sources.tables.declarations import (
    EXTRACTED_AT,
    FILE,
    JOB_ID,
    LINE,
    LINEAGE,
    Column,
    Kind,
    TableSchema,
)

RECORDING_ID: Final = "recording"
_UNAUTHORIZED, _FORBIDDEN, _BAD_REQUEST = 401, 403, 400
_SHARD_CHARACTERS: Final = 2


class MediaKind(StrEnum):
    """What a file is."""

    ATTACHMENT = "attachment"
    RECORDING = "recording"


class Outcome(StrEnum):
    """What came of a file that was asked for."""

    STORED = "stored"
    GONE = "gone"
    REFUSED = "refused"
    TOO_LARGE = "too_large"


# what users call them in the settings
MEDIA_KINDS: Final = {"attachments": MediaKind.ATTACHMENT, "recordings": MediaKind.RECORDING}

MEDIA_FILES: Final = TableSchema(
    "media_files",
    (
        Column("item_id", Kind.TEXT, "The conversation item.", nullable=False),
        Column("kind", Kind.TEXT, "attachment, or recording.", nullable=False),
        Column(
            "media_id",
            Kind.TEXT,
            "Id of the attachment; of a recording: recording.",
            nullable=False,
        ),
        Column("customer_id", Kind.TEXT, "The customer of the item when it was asked for."),
        Column("conversation_id", Kind.TEXT, "The conversation of the item."),
        Column("outcome", Kind.TEXT, "stored, gone, refused or too_large.", nullable=False),
        Column("reason", Kind.TEXT, "Why it is not stored, if it is not."),
        Column("path", Kind.TEXT, "Its name in the store; null if it is not stored."),
        Column("bytes", Kind.INTEGER, "Its size; of one that is too large: at the least."),
        Column("sha256", Kind.TEXT, "Digest of its bytes."),
        Column("content_type", Kind.TEXT, "Media type as told with the file, or by its item."),
        Column("requested_at", Kind.TIMESTAMP, "When it was asked for.", nullable=False),
        # the line of the item that told of it: whoever erases the line erases this row
        *LINEAGE,
    ),
    key=("item_id", "kind", "media_id"),
    description="Each attachment and recording that was asked for, and what came of it.",
    version=("requested_at",),
)


@dataclass(frozen=True, slots=True)
class Medium:
    """An attachment or recording of an item, as the item tells of it.

    Attributes:
        item_id: The item.
        kind: What it is.
        media_id: The attachment's id, or ``RECORDING_ID``.
        told_type: Media type of an attachment as the item has it.
        customer_id: Of the item.
        conversation_id: Of the item.
        extracted_at: The version of the item, as are the next three.
        job_id: The export job.
        file: The file.
        line: The line.
    """

    item_id: str
    kind: MediaKind
    media_id: str
    told_type: str | None
    customer_id: str | None
    conversation_id: str | None
    extracted_at: datetime
    job_id: str
    file: str
    line: int

    def row(self) -> dict[str, Any]:
        """Return what the item says of a row of ``media_files``."""
        return {
            "item_id": self.item_id,
            "kind": self.kind,
            "media_id": self.media_id,
            "customer_id": self.customer_id,
            "conversation_id": self.conversation_id,
            EXTRACTED_AT: self.extracted_at,
            JOB_ID: self.job_id,
            FILE: self.file,
            LINE: self.line,
        }


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of asking for a medium; final unless Gladly says something new.

    Attributes:
        outcome: What came of it.
        bytes: Its size; of one that is too large: at the least.
        sha256: Of its bytes, hexadecimal.
        content_type: As told with it.
        reason: Why it did not come.
        status: The HTTP status of a refusal.
    """

    outcome: Outcome
    bytes: int | None = None
    sha256: str | None = None
    content_type: str | None = None
    reason: str | None = None
    status: int | None = None

    @property
    def is_for_lack_of_permission(self) -> bool:
        """Whether it says nothing of this medium in particular, perhaps."""
        return self.status in (_UNAUTHORIZED, _FORBIDDEN)


def checked_media(names: Iterable[str]) -> list[MediaKind]:
    """Return the kinds that the setting ``media`` names.

    Raises:
        SettingsError: a name is that of no kind.
    """
    return chosen("media", names, MEDIA_KINDS)


def stored_name(kind: MediaKind, item_id: str, media_id: str) -> str:
    """Return the name of a medium in the store, such as ``recordings/0f/0f3a...``.

    It is made of a digest alone: no name that a server or a customer gave ever becomes a path.
    """
    identity = encode_json([kind, item_id, media_id]).encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(identity).hexdigest()
    return f"{kind}s/{digest[:_SHARD_CHARACTERS]}/{digest}"


def fetch_medium(client: ApiClient, medium: Medium, target: Path, max_bytes: int) -> Fetched:
    """Ask for a medium; it is at ``target``, whole, if and only if the outcome is ``STORED``.

    Raises:
        GiveUpError: the credentials are refused, or the disk is full: nothing else would come.
        RetryableError: a passing fault outlasted the retry policy; another time it may come.
        TruncatedError: likewise, it broke off each time.
        UnsafeError: it was redirected to where requests must not go.
    """
    try:
        path = _api_path(medium)
    except UnsafeError as error:
        return Fetched(Outcome.REFUSED, reason=str(error))
    try:
        found = download_content(
            client, path, target, max_bytes=max_bytes, refuse_html=not _may_be_a_page(medium)
        )
    except TooLargeError as error:
        return Fetched(Outcome.TOO_LARGE, bytes=error.at_least_bytes, reason=str(error))
    except EmptyError as error:
        return Fetched(Outcome.REFUSED, reason=str(error))
    except GapError as error:
        return Fetched(Outcome.GONE, reason=str(error))
    except (GiveUpError, RetryableError) as error:
        if not _is_refusal(error):
            raise
        return Fetched(Outcome.REFUSED, reason=str(error), status=error.status)
    return Fetched(Outcome.STORED, found.bytes, found.sha256, found.content_type)


def _api_path(medium: Medium) -> str:
    item = f"/api/v1/conversation-items/{path_segment(medium.item_id)}"
    if medium.kind is MediaKind.RECORDING:
        return f"{item}/media/recording"
    return f"{item}/attachments/{path_segment(medium.media_id)}"


def _may_be_a_page(medium: Medium) -> bool:
    if medium.kind is MediaKind.RECORDING:
        return False
    return medium.told_type is None or medium.told_type.lower().startswith("text/html")


def _is_refusal(error: HelpdeskError) -> bool:
    """Whether an answer is about this medium, not about our credentials or the disk."""
    if isinstance(error, RetryableError):
        # each new address that Gladly gave was refused by the host it leads to
        return error.status in (_BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN)
    return error.status not in (None, _UNAUTHORIZED)
