"""Many reads at once: as fast as the rate budget lets them begin, however long each takes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final

from pipelines.allowance import Allowance
from sources.gladly.enrichment import Read, Wanted, read_entity
from sources.gladly.enrichment_types import ENRICHMENT_KINDS, Outcome
from sources.http.client import ApiClient
from sources.http.errors import (
    FAULTS_OF_AN_OUTAGE,
    GiveUpError,
    HelpdeskError,
    RetryableError,
    TruncatedError,
)

# ten reads a second keep so many under way when each takes six seconds
_AT_ONCE: Final = 64
# so many of a kind that find nothing, and none that does: Gladly does not serve that kind
_MISSING_OF_A_CLOSED_KIND: Final = 50
_UNAUTHORIZED: Final = 401


class EnrichmentReader:
    """Reads by id, concurrently; the budget of the client decides when each may begin.

    Args:
        client: For Gladly.
        allowance: Asked before every read.
        now: Gladly's clock.

    Attributes:
        errors: Why some reads failed.
        outage: Why no read can succeed at present, if so.
        closed_kinds: The kinds that Gladly refuses to read, or does not know.
    """

    def __init__(self, client: ApiClient, allowance: Allowance, now: datetime) -> None:
        self._client = client
        self._allowance = allowance
        self._now = now
        self._lock = threading.Lock()
        self._answered: Counter[str] = Counter()
        self._missing: Counter[str] = Counter()
        self._faults_in_a_row = 0
        self.errors: list[HelpdeskError] = []
        self.outage: HelpdeskError | None = None
        self.closed_kinds: set[str] = set()

    def answers(self, kind: str) -> bool:
        """Whether any read of a kind found what it asked for in this run."""
        return self._answered[kind] > 0

    def read(self, wanted: Iterable[Wanted], on_reads: Callable[[int], None]) -> list[Read]:
        """Return what came of reads, in order, without those that failed or were not made.

        Args:
            wanted: What to read.
            on_reads: Told how many are made.
        """
        reads: list[Read] = []
        with ThreadPoolExecutor(_AT_ONCE) as executor:
            try:
                for read in executor.map(self._read, wanted):
                    if read is not None:
                        reads.append(read)
                        on_reads(len(reads))
            finally:
                # who stops a run does not wait for a thousand reads
                executor.shutdown(cancel_futures=True)
        return reads

    def _read(self, wanted: Wanted) -> Read | None:
        if self.outage or wanted.kind in self.closed_kinds or not self._allowance.take():
            return None
        try:
            read = read_entity(self._client, ENRICHMENT_KINDS[wanted.kind], wanted, self._now)
        except (RetryableError, TruncatedError) as error:
            self._note_fault(error)
        except GiveUpError as error:
            self._note_refusal(wanted.kind, error)
        except HelpdeskError as error:
            with self._lock:
                self.outage = self.outage or error
        else:
            self._note(read)
            return read
        return None

    def _note(self, read: Read) -> None:
        kind = read.wanted.kind
        with self._lock:
            self._faults_in_a_row = 0
            if read.outcome in (Outcome.FOUND, Outcome.MOVED):
                self._answered[kind] += 1
            elif read.outcome is Outcome.MISSING:
                self._missing[kind] += 1
            if not self._answered[kind] and self._missing[kind] == _MISSING_OF_A_CLOSED_KIND:
                self.closed_kinds.add(kind)
                self.errors.append(
                    GiveUpError(
                        f"Gladly found none of the first {_MISSING_OF_A_CLOSED_KIND} {kind} that "
                        "were asked for, so no more were. Check the base URL, and whether your "
                        f"organisation has them; or take {kind} out of enrichment under "
                        "[sources.gladly]."
                    )
                )

    def _note_fault(self, error: HelpdeskError) -> None:
        with self._lock:
            self.errors.append(error)
            self._faults_in_a_row += 1
            if self._faults_in_a_row >= FAULTS_OF_AN_OUTAGE:
                self.outage = self.outage or error

    def _note_refusal(self, kind: str, error: GiveUpError) -> None:
        with self._lock:
            if error.status == _UNAUTHORIZED:
                self.outage = self.outage or error
            elif kind not in self.closed_kinds:
                self.closed_kinds.add(kind)
                self.errors.append(error)
