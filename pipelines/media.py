"""Attachments and recordings: into the store what is not there yet, newest first.

    destination   which are not dealt with: a page at a time, asked in SQL
    Gladly        several at once, each into the working folder, whole or not at all
    store         under a name of ours, there only once it is whole
    destination   media_files: some dozens of rows at once

Killed at any point, the next run goes on. What is in the store but not in ``media_files`` is read
back instead of fetched again.

Source: Gladly API reference, Get Attachment and Get Media.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from pipelines.loading import Loader
from pipelines.media_sql import TABLES, pending_sql
from pipelines.media_store import MediaStore
from pipelines.warehouse import Warehouse
from sources.gladly.media import (
    MEDIA_FILES,
    Fetched,
    MediaKind,
    Medium,
    Outcome,
    fetch_medium,
    stored_name,
)
from sources.http.client import ApiClient
from sources.http.errors import FAULTS_OF_AN_OUTAGE, GiveUpError, HelpdeskError
from sources.tables.parquet import write_rows

_AT_ONCE: Final = 8
_PAGE: Final = 1_000
_BATCH_FILES: Final = 50
_BATCH_BYTES: Final = 256 << 20
_REFUSED_FOR: Final = timedelta(days=30)


def load_media(
    client: ApiClient,
    store: MediaStore,
    loader: Loader,
    kinds: Collection[MediaKind],
    max_bytes: int,
    now: datetime,
    may_go_on: Callable[[], bool] = lambda: True,
) -> None:
    """Store the attachments and recordings that the destination knows of and the store lacks.

    Memory does not grow with the history. What fails is left to the next run, and so is all that
    is left when ``may_go_on`` says no; it is asked before each file.

    Args:
        client: For Gladly.
        store: Where files go.
        loader: Loads the rows of ``media_files``.
        kinds: What to store.
        max_bytes: A file that is larger is left out.
        now: The time at Gladly.
        may_go_on: Whether to ask for one more.

    Raises:
        HelpdeskError: the first of those that failed, or what stopped the rest: refused
            credentials, a full disk, a store that cannot be used, or three failures one after
            the other. What was stored before is recorded.
    """
    intake = _Intake(client, store, loader, max_bytes, now, may_go_on)
    seen: set[tuple[str, ...]] = set()
    while not intake.has_stopped:
        page = _page(loader.warehouse, kinds, max_bytes, now, intake.failed)
        # rows that the destination would not take must not come round for ever
        media = [medium for medium in page if _key(medium) not in seen]
        if not media:
            break
        seen = {_key(medium) for medium in page}
        intake.take(media)
    intake.tell()


def _key(medium: Medium) -> tuple[str, ...]:
    return medium.item_id, medium.kind, medium.media_id


def _page(
    warehouse: Warehouse,
    kinds: Collection[MediaKind],
    max_bytes: int,
    now: datetime,
    passed_over: int,
) -> list[Medium]:
    """Return the newest media that are not dealt with, without those that failed in this run.

    All that were dealt with are in ``media_files`` by now; those that failed are not, and are the
    newest of what is left.
    """
    # an embedded destination is opened and closed only once
    with warehouse.session() as session:
        present = warehouse.present(TABLES)
        names = session.names
        rows_of = partial(warehouse.current_rows, names=names)
        sql = pending_sql(kinds, rows_of, present, names, max_bytes)
        if sql is None:
            return []
        values = [now - _REFUSED_FOR] if MEDIA_FILES.name in present else []
        rows = session.rows(f"{sql} LIMIT {_PAGE} OFFSET {passed_over}", *values)
    return [_medium(*row) for row in rows]


def _medium(kind: str, item_id: str, media_id: str, told_type: str, *of_item: Any) -> Medium:  # noqa: ANN401 - values of a row
    customer_id, conversation_id, extracted_at, job_id, file, line = of_item
    return Medium(
        item_id,
        MediaKind(kind),
        media_id,
        told_type,
        customer_id,
        conversation_id,
        extracted_at.astimezone(UTC),
        job_id,
        file,
        line,
    )


@dataclass(slots=True)
class _Intake:
    """Takes media in, and keeps the books of it: all of it, but for at most one batch."""

    client: ApiClient
    store: MediaStore
    loader: Loader
    max_bytes: int
    now: datetime
    may_go_on: Callable[[], bool]
    failed: int = 0
    has_stopped: bool = False
    _first_error: HelpdeskError | None = None
    _stopped_by: HelpdeskError | None = None
    _failed_in_a_row: int = 0
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _bytes: int = 0

    def take(self, media: Sequence[Medium]) -> None:
        """Take in media, several at once; what is stored afterwards is recorded."""
        with self.loader.progress.work("store attachments and recordings", None) as report:
            for medium, came in self._coming(media):
                self._enter(medium, came)
                done = self.loader.report.media
                report(done.bytes, 0)
                if len(self._rows) >= _BATCH_FILES or self._bytes >= _BATCH_BYTES:
                    self._record()
        self._record()

    def tell(self) -> None:
        """Tell what is left.

        Raises:
            HelpdeskError: as ``load_media``.
        """
        self.loader.report.media.is_unfinished = self.has_stopped
        if self.failed:
            self.loader.progress.say(
                f"{self.failed:,} attachments or recordings could not be stored; the next run "
                "tries them again."
            )
        if error := self._stopped_by or self._first_error:
            raise error

    def _coming(self, media: Sequence[Medium]) -> Iterator[tuple[Medium, Fetched | HelpdeskError]]:
        """Yield what came of each, as it comes; begin no more once it is time to stop."""
        under_way: dict[Future[Fetched | HelpdeskError], Medium] = {}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for medium in media:
                if self.has_stopped or not self.may_go_on():
                    self.has_stopped = True
                    break
                under_way[pool.submit(self._come, medium)] = medium
                if len(under_way) == _AT_ONCE:
                    yield from _came(under_way)
            while under_way:
                yield from _came(under_way)

    def _come(self, medium: Medium) -> Fetched | HelpdeskError:
        """Bring a medium into the store, unless it is there; runs beside others."""
        name = _name(medium)
        try:
            stored = self.store.find(name)
            if stored:
                # what Gladly told with it went with the run that stored it
                return Fetched(Outcome.STORED, stored.bytes, stored.sha256, medium.told_type)
            path = self.loader.workspace.work / "media" / Path(name).name
            fetched = fetch_medium(self.client, medium, path, self.max_bytes)
            if fetched.outcome is Outcome.STORED:
                self.store.put(path, name)
        except HelpdeskError as error:
            return error
        return fetched

    def _enter(self, medium: Medium, came: Fetched | HelpdeskError) -> None:
        """Note what came of a medium; what failed is noted nowhere, and so tried again."""
        report = self.loader.report.media
        if isinstance(came, HelpdeskError):
            self.failed += 1
            report.failed += 1
            self._first_error = self._first_error or came
            self._count_in_a_row(
                came, stop_at=1 if isinstance(came, GiveUpError) else FAULTS_OF_AN_OUTAGE
            )
            return
        report.add(came.outcome, came.bytes or 0)
        if came.is_for_lack_of_permission:
            error = GiveUpError(came.reason or Outcome.REFUSED, status=came.status)
            self._count_in_a_row(error, stop_at=FAULTS_OF_AN_OUTAGE)
        else:
            self._failed_in_a_row = 0
        is_stored = came.outcome is Outcome.STORED
        self._bytes += (came.bytes or 0) if is_stored else 0
        self._rows.append(
            medium.row()
            | {
                "outcome": came.outcome,
                "reason": came.reason,
                "path": _name(medium) if is_stored else None,
                "bytes": came.bytes,
                "sha256": came.sha256,
                "content_type": came.content_type,
                "requested_at": self.client.server_time() or self.now,
            }
        )

    def _count_in_a_row(self, error: HelpdeskError, *, stop_at: int) -> None:
        """Stop once so many came to nothing one after the other: the rest would too."""
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= stop_at:
            self.has_stopped = True
            self._stopped_by = self._stopped_by or error

    def _record(self) -> None:
        """Make the destination remember what was dealt with since the last time."""
        if not self._rows:
            return
        folder = self.loader.workspace.work / "media_files"
        result = self.loader.warehouse.load([write_rows(folder, MEDIA_FILES, self._rows)])
        self.loader.report.add_changes(result.changes, result.late)
        self._rows.clear()
        self._bytes = 0


def _name(medium: Medium) -> str:
    return stored_name(medium.kind, medium.item_id, medium.media_id)


def _came(
    under_way: dict[Future[Fetched | HelpdeskError], Medium],
) -> Iterator[tuple[Medium, Fetched | HelpdeskError]]:
    """Yield what is done, once something is, and take it out."""
    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
    for future in done:
        yield under_way.pop(future), future.result()
