"""Events: fetch what Gladly still has, load it, and what earlier runs could not load."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from pipelines import ledger
from pipelines.loading import Loader
from pipelines.progress import ProgressReporter
from sources.gladly.event_windows import next_window
from sources.gladly.events import archived_events, fetch_events
from sources.gladly.settings import EVENTS_STREAM
from sources.http.client import ApiClient
from sources.http.errors import GiveUpError
from sources.streams.archive import RawFile
from sources.streams.windows import Window

_BAD_REQUEST = 400
_ATTEMPTS = 3


def load_events(
    client: ApiClient, archive: Path, loader: Loader, entities: Sequence[str], now: datetime
) -> None:
    """Load the events since the last run, or all of 24 hours on a first one.

    Args:
        client: For Gladly.
        archive: The folder of raw event files.
        loader: Loads them.
        entities: What to ask for.
        now: Gladly's clock.
    """
    covered = ledger.loaded_windows(loader.warehouse, EVENTS_STREAM)
    waiting = list(archived_events(archive, {job_id for job_id, _ in covered}))
    known = [*covered.values(), *(raw.window for raw in waiting if raw.window)]
    fetched = _fetch_next(client, archive, loader.progress, entities, known, now)
    fresh = {
        raw.job_id: raw for raw in (*waiting, *fetched) if (raw.job_id, raw.name) not in covered
    }
    if fresh:
        loader.load(list(fresh.values()))


def keep_events(
    client: ApiClient,
    archive: Path,
    progress: ProgressReporter,
    entities: Sequence[str],
    now: datetime,
) -> None:
    """Fetch events into the archive only: Gladly forgets them while the destination is down."""
    known = [raw.window for raw in archived_events(archive, frozenset()) if raw.window]
    _fetch_next(client, archive, progress, entities, known, now)


def _fetch_next(
    client: ApiClient,
    archive: Path,
    progress: ProgressReporter,
    entities: Sequence[str],
    covered: Iterable[Window],
    now: datetime,
) -> list[RawFile]:
    covered = [*covered]
    for attempt in range(1, _ATTEMPTS + 1):
        window = next_window(covered, now)
        if window is None:
            return []
        try:
            with progress.work("download events", None) as report:
                return [
                    fetch_events(
                        client,
                        archive,
                        window,
                        entities,
                        on_bytes=lambda size, report=report: report(size, 0),  # type: ignore[misc] # bound now
                    )
                ]
        except GiveUpError as error:
            # retries took so long that Gladly no longer reaches back to the start of the window
            later = client.server_time()
            if error.status != _BAD_REQUEST or attempt == _ATTEMPTS or not later or later <= now:
                raise
            now = later
    return []
