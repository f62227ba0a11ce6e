"""Reads by id over HTTP: one conversation, customer, task or transcript each, into the archive.

Source: Gladly API reference, the operations named in ``enrichment_types``, and its Rate Limit: any
number of reads may be under way, ten of them may begin in a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from sources.gladly.batches import Batch, archived_batches, write_batch
from sources.gladly.enrichment_types import (
    CUSTOMER_PROFILE,
    ENRICHMENT_READ,
    ENRICHMENT_STREAM,
    TASK,
    TASK_COMMENT,
    EnrichmentKind,
    Outcome,
)
from sources.gladly.reference import is_limited
from sources.gladly.resources import json_of
from sources.http.client import ApiClient
from sources.http.errors import GapError, GiveUpError, RetryableError, UnsafeError
from sources.http.hosts import path_segment
from sources.http.replies import Reply
from sources.http.retry import http_date
from sources.tables.conform import encode_json
from sources.tables.timestamps import format_timestamp

_MOVED: Final = 301
_BAD_REQUEST: Final = 400
# the comments of a task are not there, though the task is
_REFUSALS: Final = frozenset({_BAD_REQUEST, 404, 410})

Document = dict[str, Any]


class Wanted(NamedTuple):
    """Something to read.

    Attributes:
        kind: as in ``ENRICHMENT_KINDS``.
        entity_id: its id.
        touched_at: when it was touched last, as far as is known.
        missing_since: when a read of it first found nothing, where the last one did.
    """

    kind: str
    entity_id: str
    touched_at: datetime | None = None
    missing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """What came of one read.

    Attributes:
        wanted: what was asked for.
        outcome: what was found.
        at: Gladly's clock, UTC.
        documents: what it answered, by record type, as JSON values whose numbers kept all digits.
        missing_since: when it was first not there, if it is not.
        moved_to: the id a customer was merged into.
        is_complete: False where Gladly cut the answer.
    """

    wanted: Wanted
    outcome: Outcome
    at: datetime
    documents: tuple[tuple[str, Document], ...] = ()
    missing_since: datetime | None = None
    moved_to: str | None = None
    is_complete: bool = True


def read_entity(client: ApiClient, kind: EnrichmentKind, wanted: Wanted, now: datetime) -> Read:
    """Read one thing by its id.

    Args:
        client: For Gladly.
        kind: What it is.
        wanted: Which one.
        now: Gladly's clock when the run began: the time of a read that tells none itself.

    Raises:
        HelpdeskError: it cannot be told now whether it is there, or nothing of this kind may be
            read (403).
    """
    try:
        before, after = kind.path
        path = f"{before}{path_segment(wanted.entity_id)}{after}"
    except UnsafeError:
        return Read(wanted, Outcome.REFUSED, now)
    try:
        reply = client.request("GET", path, expect=_expected(kind))
        if reply.status == _MOVED:
            moved_to = _moved_to(reply, wanted, path)
            return Read(wanted, Outcome.MOVED, _answered_at(reply, now), moved_to=moved_to)
        found = _found(kind, wanted, reply, path, _answered_at(reply, now))
        return _with_comments(client, found, path) if kind.record is TASK else found
    except GapError:
        at = client.server_time() or now
        return Read(wanted, Outcome.MISSING, at, missing_since=wanted.missing_since or at)
    except GiveUpError as error:
        if error.status != _BAD_REQUEST:
            raise
        return Read(wanted, Outcome.REFUSED, client.server_time() or now)


def archive_reads(archive: Path, reads: Iterable[Read], at: datetime) -> Batch:
    """Write reads into the raw archive: all of them, or none.

    Args:
        archive: The folder of raw reads.
        reads: What was read.
        at: The version of their rows; no other batch may have it.

    Raises:
        GiveUpError: the disk is full or refuses.
    """
    lines: dict[str, list[str]] = {}
    for read in reads:
        for table, document in (*read.documents, (ENRICHMENT_READ.table, _read_document(read))):
            lines.setdefault(table, []).append(f"{encode_json(document)}\n")
    files = {f"{table}.jsonl": "".join(texts).encode() for table, texts in lines.items()}
    return write_batch(archive, ENRICHMENT_STREAM, at, files)


def archived_reads(archive: Path, done: AbstractSet[str]) -> Iterator[Batch]:
    """Yield the batches of reads in the archive; see `archived_batches`."""
    return archived_batches(archive, ENRICHMENT_STREAM, done)


def _expected(kind: EnrichmentKind) -> set[int]:
    return {200, _MOVED} if kind.record is CUSTOMER_PROFILE else {200}


def _answered_at(reply: Reply, now: datetime) -> datetime:
    # too early at worst, which costs a second read; this machine's clock could be too late
    return http_date(reply.headers.get("date")) or now


def _found(kind: EnrichmentKind, wanted: Wanted, reply: Reply, path: str, at: datetime) -> Read:
    added = {kind.record.fields[0].path: wanted.entity_id}
    document = _object(json_of(reply, path), path)
    return Read(
        wanted,
        Outcome.FOUND,
        at,
        ((kind.name, added | document),),
        is_complete=not is_limited(reply),
    )


def _with_comments(client: ApiClient, found: Read, path: str) -> Read:
    """Return a task with its comments; where these cannot be had, the read is not complete."""
    path = f"{path}/comments"
    try:
        reply = client.request("GET", path)
    except (GapError, GiveUpError) as error:
        if error.status not in _REFUSALS:
            raise
        return replace(found, is_complete=False)
    comments = json_of(reply, path)
    if not isinstance(comments, list):
        raise RetryableError(
            f"{path} answered something that is no list. Check the base URL, or run again later."
        )
    ((_, task),) = found.documents
    added = {"taskId": found.wanted.entity_id, "customerId": task.get("customerId")}
    lines = tuple((TASK_COMMENT.table, added | _object(one, path)) for one in comments)
    return replace(
        found,
        documents=(*found.documents, *lines),
        is_complete=found.is_complete and not is_limited(reply),
    )


def _object(value: Any, path: str) -> Document:  # noqa: ANN401 - any JSON value
    if not isinstance(value, dict):
        raise RetryableError(
            f"{path} answered something that is no object. Check the base URL, or run again later."
        )
    return value


def _moved_to(reply: Reply, wanted: Wanted, path: str) -> str:
    document = json_of(reply, path)
    errors = document.get("errors") if isinstance(document, dict) else None
    for error in errors if isinstance(errors, list) else ():
        meta = error.get("meta") if isinstance(error, dict) else None
        new = meta.get("new") if isinstance(meta, dict) else None
        # no table holds U+0000, and nothing becomes itself
        if isinstance(new, str) and "\0" not in new and new not in ("", wanted.entity_id):
            return new
    raise RetryableError(
        f"{path} answered 301 without the id that the customer has now. Check any proxy in "
        "between, or run again later.",
        status=_MOVED,
    )


def _read_document(read: Read) -> Mapping[str, Any]:
    kind, entity_id, touched_at, _ = read.wanted
    # what is read was touched before, whatever two clocks say
    requested_at = max(read.at, touched_at or read.at)
    return {
        "readId": f"{kind} {entity_id}",
        "kind": kind,
        "entityId": entity_id,
        "outcome": read.outcome.value,
        "requestedAt": format_timestamp(requested_at),
        "missingSince": read.missing_since and format_timestamp(read.missing_since),
        "movedTo": read.moved_to,
        "isComplete": read.is_complete,
    }
