"""Spans of time whose data is missing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sources.streams.windows import Window


class GapKind(StrEnum):
    """Why data of a span is missing, and so what can be done."""

    EXPIRED = "expired"  # Gladly had it, and it was not read in time
    FAILED = "failed"  # the job that should have brought it failed at Gladly
    MISSING = "missing"  # no job was ever made for it
    LOST = "lost"  # nothing can bring it back, and nobody needs to act


@dataclass(frozen=True, slots=True)
class Gap:
    """A span whose data is missing, and why, in words for the person who must act."""

    stream: str
    window: Window
    kind: GapKind
    reason: str
    job_id: str | None = None
