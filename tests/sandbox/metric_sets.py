"""Asking a sandbox for reports."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from sandbox import Sandbox, SandboxSettings, WorldSettings

ENDPOINT = "work-session-events"
REFERENCE: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "reference" / "gladly-reports.json").read_text("utf-8")
)
WORLD = WorldSettings(items=4_000, days=3)
LONG_AFTER = datetime(2026, 3, 20, tzinfo=UTC)
Rows = list[dict[str, str]]


class Reports:
    """A running sandbox and its reports."""

    def __init__(self, sandbox: Sandbox, client: httpx.Client) -> None:
        self.sandbox = sandbox
        self._client = client

    def post(self, metric_set: str, **fields: object) -> httpx.Response:
        """Ask for a report: of the whole world, in UTC, if nothing else is said."""
        body: dict[str, object] = {"startAt": "2026-03-01", "endAt": "2026-03-06"}
        body["timezone"] = "UTC"
        if "startAtTime" in fields or "endAtTime" in fields:
            body = {}
        elif metric_set in {ENDPOINT, "WorkSessionEventsReportV4"}:
            body = {"startAtTime": "2026-03-01T00:00Z", "endAtTime": "2026-03-20T00:00Z"}
        if metric_set == ENDPOINT:
            return self._client.post("/api/v1/reports/work-session-events", json=body | fields)
        if "phoneNumber" in REFERENCE[metric_set]["filters"]:
            body["filters"] = {"phoneNumber": "+18005550100"}
        return self._client.post("/api/v1/reports", json={"metricSet": metric_set} | body | fields)

    def rows(self, metric_set: str, **fields: object) -> Rows:
        """Return a report's rows by the names of its columns."""
        answered = self.post(metric_set, **fields)
        assert answered.status_code == 200, answered.text
        header, *lines = table(answered)
        return [dict(zip(header, line, strict=True)) for line in lines]

    def refusal(self, metric_set: str, **fields: object) -> tuple[str, str]:
        """Return which field was refused and why."""
        answered = self.post(metric_set, **fields)
        assert answered.status_code == 400, answered.status_code
        (error,) = answered.json()["errors"]
        assert error["detail"]
        return error["attr"], error["code"]


def table(answered: httpx.Response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answered.content.decode(), newline=""), strict=True))


@contextmanager
def reports_of(world: WorldSettings = WORLD, now: datetime = LONG_AFTER) -> Iterator[Reports]:
    settings = SandboxSettings(
        world=world, now=now, requests_per_second=10_000, reports_per_minute=10_000
    )
    with (
        Sandbox(settings) as sandbox,
        httpx.Client(
            base_url=sandbox.base_url, auth=(sandbox.email, sandbox.api_token), timeout=60
        ) as client,
    ):
        yield Reports(sandbox, client)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def total(rows: Rows, column: str) -> float:
    return sum(float(row[column]) for row in rows if row[column] not in {"", "Null"})
