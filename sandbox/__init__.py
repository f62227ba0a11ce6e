"""A look-alike Gladly on the loopback interface, over one seeded synthetic world.

The demo, the tests and the benchmark use it. It knows the API's documents and none of our code.

>>> with Sandbox() as sandbox:
...     requests_so_far = len(sandbox.requests)
"""

from sandbox.clock import SandboxClock
from sandbox.event_files import write_events
from sandbox.event_identity import Deletion, Merge
from sandbox.events import EventStream, WorldEvent
from sandbox.exports import FILE_NAMES, JobStatus
from sandbox.faults import (
    FaultAction,
    FaultScript,
    answer_html,
    answer_status,
    answer_truly,
    drip,
    drop_after,
    drop_before,
    drop_chunks_after,
    first,
    redirect,
    stall,
    stall_after,
    stall_before,
)
from sandbox.request_log import RecordedRequest, RequestLog
from sandbox.service import Sandbox, SandboxSettings
from sandbox.world import World, WorldSettings, write_conversation_items

__all__ = [
    "FILE_NAMES",
    "Deletion",
    "EventStream",
    "FaultAction",
    "FaultScript",
    "JobStatus",
    "Merge",
    "RecordedRequest",
    "RequestLog",
    "Sandbox",
    "SandboxClock",
    "SandboxSettings",
    "World",
    "WorldEvent",
    "WorldSettings",
    "answer_html",
    "answer_status",
    "answer_truly",
    "drip",
    "drop_after",
    "drop_before",
    "drop_chunks_after",
    "first",
    "redirect",
    "stall",
    "stall_after",
    "stall_before",
    "write_conversation_items",
    "write_events",
]
