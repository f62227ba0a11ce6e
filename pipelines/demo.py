"""The demo: two nights of the real job against the sandbox, into an embedded DuckDB."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from pipelines.progress import ProgressReporter
from pipelines.report import RunReport
from pipelines.runner import Target, run_gladly
from pipelines.transform import TransformReport, run_transforms
from sandbox import Sandbox, SandboxSettings, WorldSettings
from sources.gladly.settings import GladlySettings

DATABASE = "helpdesk_demo.duckdb"
MARTS = "marts"
_DAYS = 4
_QUESTIONS = (
    """\
SELECT content_type, initiator_type, COUNT(*) AS items, MAX(timestamp) AS newest
FROM gladly.conversation_items
GROUP BY ALL ORDER BY items DESC LIMIT 5""",
    """\
SELECT channel, SUM(contacts_inbound) AS inbound,
       ROUND(SUM(contacts_fulfilled_before_target) / SUM(contacts_inbound), 2) AS service_level,
       ROUND(SUM(queued_to_accepted_seconds) / SUM(queued_to_accepted_contacts)) AS waited_seconds
FROM marts.service_levels
GROUP BY channel ORDER BY inbound DESC LIMIT 5""",
)


def sandbox_settings(sandbox: Sandbox) -> GladlySettings:
    """Return the settings that reach a sandbox."""
    settings = GladlySettings()
    settings.base_url = sandbox.base_url
    settings.email = sandbox.email
    settings.api_token = sandbox.api_token
    # the sandbox of a demo has no one else to leave reports to
    settings.reports_per_minute = sandbox.settings.reports_per_minute
    return settings


def run_demo(folder: Path, items: int, progress: ProgressReporter) -> Iterator[RunReport]:
    """Yield the reports of two nights: a first load, then an increment with a quarantine.

    ``folder`` is emptied first; the database stays in it.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    world = WorldSettings(items=items, days=_DAYS, broken_days=frozenset({_DAYS - 1}))
    target = _target(folder)
    patient = SandboxSettings(world=world, requests_per_second=1000, reports_per_minute=1000)
    with Sandbox(patient) as sandbox:
        settings = sandbox_settings(sandbox)
        settings.enrichment = ["conversations", "tasks"]
        yield run_gladly(settings, target, progress)
        sandbox.clock.advance(timedelta(days=1))
        yield run_gladly(settings, target, progress)


def transform_demo(folder: Path) -> TransformReport:
    """Build the models over what the nights loaded."""
    return run_transforms(_target(folder), MARTS)


def _target(folder: Path) -> Target:
    return Target.open("duckdb", "gladly", folder, credentials=str(folder / DATABASE))


def show_answers(console: Console, database: Path) -> None:
    """Print questions in SQL, their answers, and how to ask another one."""
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for question in _QUESTIONS:
            cursor = connection.execute(question)
            table = Table(box=None, pad_edge=False, header_style="bold")
            for column in cursor.description or ():
                table.add_column(column[0])
            for row in cursor.fetchall():
                table.add_row(*map(str, row))
            console.print(question, highlight=False)
            console.print(table)
    console.print(
        f"The database is {database}. Ask it more from Python:\n"
        f"  import duckdb; duckdb.connect({str(database)!r}).sql('FROM marts.messages').show()\n"
        "Open the notebooks on it, with charts of it all:\n"
        "  make notebooks",
        highlight=False,
        soft_wrap=True,
    )
