"""Event gaps filled from the timestamps reports, which Gladly keeps for ever."""

from __future__ import annotations

from pipelines import ledger
from pipelines.warehouse import Warehouse
from sources.gladly.settings import TIMESTAMPS_REPORTS_STREAM
from sources.streams.windows import Window

REPORT_NAMES = (
    "AgentTimestampsReport",
    "ContactTimestampsReport",
    "ConversationTimestampsReport",
    "TaskTimestampsReport",
)


def healed_windows(warehouse: Warehouse) -> dict[str, list[Window]]:
    """Return what each timestamps report has filled so far."""
    healed: dict[str, list[Window]] = {name: [] for name in REPORT_NAMES}
    for (_, file), window in ledger.loaded_windows(warehouse, TIMESTAMPS_REPORTS_STREAM).items():
        healed.setdefault(file.removesuffix(".csv"), []).append(window)
    return healed
