"""Whole runs that meet faults: everything selected, time that costs none, all they show kept."""

import io
import json
import logging
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from time import monotonic

import httpx
from rich.console import Console

from pipelines.explain import explain
from pipelines.progress import TerminalProgress
from pipelines.runner import Target, run_gladly
from pipelines.show import show_run
from sandbox import RecordedRequest, Sandbox
from sources.gladly.enrichment_types import ENRICHMENT_KINDS
from sources.gladly.media import MEDIA_KINDS
from tests.pipelines.runs import settings_for

# PROMISES.md, 17: what a request may cost, whatever goes wrong
ATTEMPTS = 6
# an answer that stalls costs real time
TIMEOUTS = httpx.Timeout(connect=10.0, read=0.7, write=10.0, pool=60.0)
WISHES = {
    "reports": ["ContactSummaryReportV2", "TaskExportReport"],
    "report_trailing_days": 1,
    "enrichment": [*ENRICHMENT_KINDS],
    "enrichment_max_seconds": None,
    "media": [*MEDIA_KINDS],
}
REDIRECTS, REFUSED = range(300, 400), 401


class VirtualTime:
    """A clock that waiting moves at once. Thread-safe; sandbox and job share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ahead = 0.0

    def clock(self) -> float:
        """Return monotonic seconds."""
        with self._lock:
            return monotonic() + self._ahead

    def sleep(self, seconds: float) -> None:
        """Move the clock by so many seconds."""
        with self._lock:
            self._ahead += seconds


@dataclass
class Ended:
    """How a run ended: why it failed, if it did, and every text that anybody could have seen."""

    error: BaseException | None = None
    shown: str = ""
    requests: list[RecordedRequest] = field(default_factory=list)
    early: list[str] = field(default_factory=list)

    @property
    def message(self) -> str | None:
        """The sentence that a user reads."""
        explained = None if self.error is None else explain(self.error)
        return None if explained is None else str(explained)

    def problems(self) -> Iterator[str]:
        """Yield what no run may do, whatever it meets."""
        if self.error is not None:
            message = self.message or ""
            if not (message.endswith(".") and "\n" not in message and len(message) < 1000):
                yield f"no clear sentence: {self.error!r}"
        yield from self.early


def whole_run(sandbox: Sandbox, target: Target, time: VirtualTime, **changed: object) -> Ended:
    """Run the job once, with everything it can load."""
    settings = settings_for(sandbox, **WISHES | changed)
    printed = io.StringIO()
    console = Console(file=printed, width=120)
    ended = Ended()
    sandbox.requests.clear()
    with everything_logged() as logged:
        try:
            report = run_gladly(
                settings,
                target,
                TerminalProgress(console),
                sleep=time.sleep,
                clock=time.clock,
                timeouts=TIMEOUTS,
            )
            show_run(console, report)
            printed.write(json.dumps(report.as_dict(), default=str))
        except Exception as error:  # noqa: BLE001 - what kind it is, is the question
            ended.error = error
            printed.write(shown(error))
    ended.shown = printed.getvalue() + logged.getvalue()
    ended.requests = [*sandbox.requests]
    ended.early = [*early_retries(ended.requests, sandbox.clock.now())]
    return ended


def shown(error: BaseException) -> str:
    """Return each usual way to look at an error, at its notes and at its causes."""
    texts = traceback.format_exception(error)
    pending: list[BaseException | None] = [error]
    while pending:
        if (each := pending.pop()) is not None:
            texts += [str(each), repr(each), repr(vars(each))]
            pending += [each.__cause__, each.__context__]
    return "\n".join(texts)


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """Keep all records of all loggers, at the lowest level, without any redaction."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    root = logging.getLogger()
    # dlt's logger does not hand its records on
    loggers = [root, *(logging.getLogger(name) for name in ("dlt", "sqlglot"))]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
            logger.removeHandler(handler)


Key = tuple[str, str, str, bytes]


def key_of(request: RecordedRequest) -> Key:
    """Return what makes two requests attempts at one thing."""
    return request.method, request.path, request.query, request.body


def attempts(requests: list[RecordedRequest]) -> Counter[Key]:
    """Count attempts; what a redirect or a change of credentials leads to is part of one."""
    apart = (
        request
        for request in requests
        if request.status not in REDIRECTS and request.status != REFUSED
    )
    return Counter(map(key_of, apart))


def early_retries(requests: list[RecordedRequest], now: datetime) -> Iterator[str]:
    """Yield the requests that came again before the time that Gladly, at ``now``, had named."""
    not_before: dict[Key, float] = {}
    for request in sorted(requests, key=lambda request: request.seconds):
        earliest = not_before.pop(key_of(request), request.seconds)
        if request.seconds < earliest:
            yield f"{request.path} came {earliest - request.seconds:.1f} seconds early"
        if request.retry_after is not None:
            not_before[key_of(request)] = request.seconds + asked_for(request.retry_after, now)


def asked_for(retry_after: str, now: datetime) -> float:
    """Return the seconds that a Retry-After names, which may be a date."""
    if retry_after.isdecimal():
        return float(retry_after)
    return (parsedate_to_datetime(retry_after) - now).total_seconds()
