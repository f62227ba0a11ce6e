"""What ``--select`` calls feeds of many files; apart, since the command needs no dlt to know it."""

from __future__ import annotations

from typing import Final

REFERENCE: Final = "reference"
REPORTS: Final = "reports"
ENRICHMENT: Final = "enrichment"
MEDIA: Final = "media"
