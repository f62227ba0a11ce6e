"""Every fault and every kind of request: the two sides of the matrix."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime

from sandbox import (
    FaultAction,
    answer_html,
    answer_status,
    drip,
    drop_after,
    drop_before,
    drop_chunks_after,
    redirect,
    stall_after,
    stall_before,
)
from sandbox.altered_answers import (
    cut_to,
    empty,
    gzip_bomb,
    gzipped,
    no_gzip,
    short_gzip,
    two_members,
    with_header,
)
from tests.command.commands import CANARY_TEXT

RETRY_AFTER = 45
# beyond what a body in memory may have
BOMB_MEGABYTES = 300

PLACES: Mapping[str, str] = {
    "schedules": "/api/v1/export/schedules",
    "events": "/api/v1/events",
    "jobs": "/api/v1/export/jobs",
    "file of agents": "*/files/agents.jsonl",
    "file of items": "*/files/conversation_items.jsonl",
    "file of customers": "*/files/customers.jsonl",
    "file of topics": "*/files/topics.jsonl",
    "list of agents": "/api/v1/agents",
    "list of inboxes": "/api/v1/inboxes",
    "list of teams": "/api/v1/teams",
    "list of topics": "/api/v1/topics",
    "list of audiences": "/api/v1/audiences",
    "business hours": "/api/v1/business-hours",
    "organisation": "/api/v1/organization",
    "webhooks": "/api/v1/webhooks",
    "custom attributes": "/api/v1/custom-attributes/*",
    "public answers": "/api/v1/orgs/*/answers",
    "reports": "/api/v1/reports",
    "work sessions": "/api/v1/reports/work-session-events",
    "conversations": "/api/v1/conversations/*",
    "customer profiles": "/api/v1/customer-profiles/*",
    "tasks": "/api/v1/tasks/*",
    "transcripts": "/api/v1/conversation-items/*/voice-transcript",
    "attachments": "/api/v1/conversation-items/*/attachments/*",
    "recordings": "/api/v1/conversation-items/*/media/recording",
    "content behind a redirect": "/media/*",
}


def faults(other_host: str, now: datetime) -> Mapping[str, Callable[[], FaultAction]]:
    """Return every fault; ``other_host`` is one that must never get credentials."""
    later = format_datetime(now + timedelta(seconds=RETRY_AFTER), usegmt=True)
    page = f"<html><body>{CANARY_TEXT}</body></html>"
    return {
        "dropped before the answer": drop_before,
        "dropped after the headers": lambda: drop_after(0),
        "cut below its length": lambda: drop_after(20),
        "chunks without their end": lambda: drop_chunks_after(20),
        "stalls before the answer": stall_before,
        "stalls in the middle": lambda: stall_after(20),
        "drips": lambda: drip(4096, 0.002),
        "429 in seconds": lambda: answer_status(429, str(RETRY_AFTER)),
        "429 as a date": lambda: answer_status(429, later),
        "429": lambda: answer_status(429),
        "500": lambda: answer_status(500),
        "502": lambda: answer_status(502),
        "503 in seconds": lambda: answer_status(503, str(RETRY_AFTER)),
        "504": lambda: answer_status(504),
        "401": lambda: answer_status(401),
        "web page": lambda: answer_html(page),
        "another ETag": lambda: with_header("ETag", '"another"'),
        "another content type": lambda: with_header("Content-Type", "image/png"),
        "HTML by its content type": lambda: with_header("Content-Type", "text/html"),
        "redirect to another host": lambda: redirect(f"{other_host}/elsewhere?s={CANARY_TEXT}"),
        "redirect to plain http": lambda: redirect("http://gladly.example.com/elsewhere"),
        "redirect in a circle": redirect,
        "gzip": gzipped,
        "gzip cut": lambda: gzipped(short_gzip),
        "gzip of two members": lambda: gzipped(two_members),
        "gzip bomb": lambda: gzipped(gzip_bomb(BOMB_MEGABYTES)),
        "gzip that is none": lambda: gzipped(no_gzip),
        "half, with its length": lambda: cut_to(0.5),
        "all but the end, with its length": lambda: cut_to(0.999),
        "empty": empty,
    }


CUT_AT_THE_SOURCE = frozenset({"half, with its length", "all but the end, with its length"})
CONTENT = frozenset({"recordings", "content behind a redirect"})
REPORTS = frozenset({"reports", "work sessions"})


def can_be_noticed(place: str, fault: str, times: int) -> bool:
    """Return whether anything tells a fault from the truth (PROMISES.md, What remains).

    Bytes of any kind that are cut at their source have no mark of their end, and a report has
    none but its last line break: cut within a last cell twice, it is believed. The type of such
    bytes is what is told with them, and kept as that.
    """
    if fault == "another content type":
        return place not in CONTENT
    if fault not in CUT_AT_THE_SOURCE:
        return True
    return place not in CONTENT and (place not in REPORTS or times == 1)
