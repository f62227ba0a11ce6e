"""One bound on the memory of a run, and how its parts share it (DECISIONS.md, 12).

    while it parses                   [ this process |  parser  |  parser  | ... ]
    while it merges, builds models    [ this process |  embedded database        ]

The sizes were measured (docs/performance.md); what is left to none of them is room for what the
system counts twice, and for freed memory that a library keeps for itself.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from sources.http.errors import SettingsError

DEFAULT_MEGABYTES = 512
_LEAST_MEGABYTES = 256
_THIS_PROCESS = 150
_PARSER = 150
# this process beside an embedded database, with what that does not count
_MERGING = 256
# of a row group of long texts, which a thread holds whole before it is compressed
_THREAD = 256


@dataclass(frozen=True, slots=True)
class Memory:
    """How much memory a run may take: all of its processes together.

    Attributes:
        megabytes: The bound.
        processors: How many there are to share it.

    Raises:
        SettingsError: it is less than a run needs at the least.
    """

    megabytes: int = DEFAULT_MEGABYTES
    processors: int = field(default_factory=lambda: os.cpu_count() or 1)

    def __post_init__(self) -> None:
        if self.megabytes < _LEAST_MEGABYTES:
            raise SettingsError(
                f"max_memory_mb is {self.megabytes}. Set it to {_LEAST_MEGABYTES} or more, under "
                "[helpdesk] in .dlt/config.toml or in HELPDESK__MAX_MEMORY_MB."
            )

    @property
    def parsers(self) -> int:
        """Return how many processes may parse a large file at once."""
        return max(1, min(self.processors, (self.megabytes - _THIS_PROCESS) // _PARSER))

    @property
    def database_megabytes(self) -> int:
        """Return how much an embedded database may hold; beyond it, it uses the disk."""
        return max(self.megabytes - _MERGING, self.megabytes // 2)

    @property
    def operator_megabytes(self) -> int:
        """Return how much of that sorts and joins may hold; the rest is for rows on their way."""
        return self.database_megabytes // 2

    @property
    def database_threads(self) -> int:
        """Return with how many threads an embedded database may work."""
        return max(1, min(self.processors, self.database_megabytes // _THREAD))
