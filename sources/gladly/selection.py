"""What ``--select`` calls feeds of many files. The command knows these names before it needs dlt."""

from __future__ import annotations

from typing import Final

REFERENCE: Final = "reference"
REPORTS: Final = "reports"
