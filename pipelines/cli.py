"""The command ``helpdesk``.

Exit codes: 0 done; 1 failed, safe to run again; 2 wrong usage or configuration; 3 (with
``--strict``) done, but a gap or quarantined lines need a person.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson
from rich.console import Console

from sources.gladly.declarations import EXPORT_FILES
from sources.gladly.event_types import EVENTS_FILE
from sources.gladly.selection import ENRICHMENT, MEDIA, REFERENCE, REPORTS
from sources.http.errors import HelpdeskError, SettingsError
from sources.http.redaction import protect, redact

if TYPE_CHECKING:
    from pipelines.progress import ProgressReporter
    from pipelines.report import RunReport
    from pipelines.runner import Target
    from pipelines.status import Status
    from pipelines.transform import TransformReport

EXIT_FAILED, EXIT_USAGE, EXIT_NEEDS_A_PERSON = 1, 2, 3
_RESOURCES = {record.table: name for name, record in EXPORT_FILES.items()} | {
    "events": EVENTS_FILE,
    REFERENCE: REFERENCE,
    REPORTS: REPORTS,
    ENRICHMENT: ENRICHMENT,
    MEDIA: MEDIA,
}
_HISTORY = ("events", REPORTS)
_PLAIN_WIDTH = 120

_destination = click.option(
    "--destination", metavar="NAME", help="Where to load: a dlt destination. Default: duckdb."
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
_strict = click.option(
    "--strict", is_flag=True, help="Exit with 3 if a gap or quarantined lines need a person."
)


class HelpdeskGroup(click.Group):
    """Commands whose errors are one clear sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run a command; explain what stops it."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            explained = _explained(error)
            if explained is None or ctx.params.get("debug"):
                raise
            click.echo(f"helpdesk: {redact(str(explained))}", err=True)
            ctx.exit(EXIT_USAGE if isinstance(explained, SettingsError) else EXIT_FAILED)


@click.group(cls=HelpdeskGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="helpdesk-elt", prog_name="helpdesk")
@click.option("--debug", is_flag=True, help="Show the whole trace of an error.")
def cli(*, debug: bool) -> None:
    """Load Gladly into DuckDB or any other dlt destination: complete, typed and current.

    Try `helpdesk demo` first: it needs no account. Then `helpdesk doctor` checks your settings,
    and `helpdesk run gladly` is the nightly job.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    protect(handler)
    logging.basicConfig(level=logging.DEBUG if debug else logging.INFO, handlers=[handler])
    logging.getLogger("dlt").setLevel(logging.CRITICAL)


@cli.command()
@click.option("--items", default=20_000, show_default=True, help="Conversation items to make up.")
@click.option(
    "--folder", default="data/demo", show_default=True, help="Where the database goes; emptied."
)
@_as_json
def demo(items: int, folder: str, *, as_json: bool) -> None:
    """Run two nights against the sandbox, then the models: no account, embedded DuckDB."""
    _prepare()
    from pipelines.demo import (  # noqa: PLC0415 - start-up
        DATABASE,
        run_demo,
        show_answers,
        transform_demo,
    )
    from pipelines.show import show_run  # noqa: PLC0415 - start-up
    from pipelines.transform import show_transform  # noqa: PLC0415 - start-up

    console = _console()
    titles = iter(("Night 1: everything Gladly has", "Night 2: what is new"))
    reports = []
    for report in run_demo(Path(folder), items, _progress(console, quiet=as_json)):
        reports.append(report)
        if not as_json:
            console.rule(next(titles), align="left")
            show_run(console, report)
    if as_json:
        _print_json([report.as_dict() for report in reports])
    else:
        console.rule("Models over what is loaded", align="left")
        show_transform(console, transform_demo(Path(folder)))
        console.rule("Look at it", align="left")
        show_answers(console, Path(folder) / DATABASE)


@cli.group()
def run() -> None:
    """Run a nightly job."""


@run.command(name="gladly")
@_destination
@click.option(
    "--select",
    multiple=True,
    metavar="RESOURCE",
    type=click.Choice(sorted(_RESOURCES)),
    help=f"Load only this; may be repeated. One of {', '.join(sorted(_RESOURCES))}.",
)
@click.option("--no-transform", is_flag=True, help="Leave the models as they are.")
@_as_json
@_strict
@click.pass_context
def run_gladly(
    ctx: click.Context,
    destination: str | None,
    select: tuple[str, ...],
    *,
    no_transform: bool,
    as_json: bool,
    strict: bool,
) -> None:
    """Load the events since the last run, every export job that is not loaded yet, and the rest.

    Then build the models over it, where the destination is a database.

    Safe to run again at any time, also after it was killed. Gladly forgets events after 24 hours:
    run it with --select events every hour or every six, and whole once a night.
    """
    _prepare()
    from pipelines.runner import run_gladly as run_job  # noqa: PLC0415 - start-up
    from pipelines.settings import read_gladly_settings  # noqa: PLC0415 - start-up
    from pipelines.show import show_run  # noqa: PLC0415 - start-up
    from pipelines.transform import can_transform, show_transform  # noqa: PLC0415 - start-up

    console, settings, target = _console(), read_gladly_settings(), _target(destination)
    _require_kinds(select, {ENRICHMENT: settings.enrichment, MEDIA: settings.media})
    report = run_job(settings, target, _progress(console, quiet=as_json), _selection(select))
    if not as_json:
        show_run(console, report)
    models = None
    try:
        if can_transform(target) and not no_transform:
            models = _transform(target)
    finally:
        # what was loaded stays, and is told, whatever becomes of the models
        if as_json:
            _print_json(report.as_dict() | {"models": models and models.as_dict()})
    if models and not as_json:
        show_transform(console, models)
    _exit_strictly(ctx, report, strict=strict)


@cli.group()
def backfill() -> None:
    """Load history from before the first run."""


@backfill.command(name="gladly")
@click.option(
    "--from",
    "first_day",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="The first day: of UTC for events, of report_timezone for reports.",
)
@click.option(
    "--to",
    "last_day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The last day, included. Default: up to what the runs have.",
)
@click.option(
    "--select",
    multiple=True,
    metavar="RESOURCE",
    type=click.Choice(sorted(_HISTORY)),
    help=f"Load only this. One of {', '.join(sorted(_HISTORY))}; both by default.",
)
@_destination
@_as_json
def backfill_gladly(
    first_day: datetime,
    last_day: datetime | None,
    select: tuple[str, ...],
    destination: str | None,
    *,
    as_json: bool,
) -> None:
    """Load the events, work sessions and reports of days before the first nightly run.

    What is loaded already is not asked for again: stop it and run it again at any time. Gladly
    answers ten reports a minute for the whole organisation: a year of the
    default reports takes about two and a half hours, its events half an hour.
    """
    _prepare()
    from pipelines.runner import backfill_gladly as backfill_job  # noqa: PLC0415 - start-up
    from pipelines.settings import read_gladly_settings  # noqa: PLC0415 - start-up
    from pipelines.show import show_run  # noqa: PLC0415 - start-up

    if last_day and last_day < first_day:
        raise SettingsError("--to lies before --from. Give the first day first.")
    console = _console()
    report = backfill_job(
        read_gladly_settings(),
        _target(destination),
        _progress(console, quiet=as_json),
        first_day.date(),
        last_day and last_day.date(),
        _selection(select),
    )
    if as_json:
        _print_json(report.as_dict())
    else:
        show_run(console, report)


@cli.command()
@_destination
@_as_json
@click.option("--whole", is_flag=True, help="Build all rows anew, not only those that changed.")
@click.option(
    "--unfinished",
    is_flag=True,
    help="Build even where the last run did not end; models then show a part of what it loads.",
)
def transform(destination: str | None, *, as_json: bool, whole: bool, unfinished: bool) -> None:
    """Build every model from what is loaded: all of them, or none if a check fails."""
    _prepare()
    from pipelines.transform import show_transform  # noqa: PLC0415 - start-up

    report = _transform(_target(destination), whole=whole, unfinished=unfinished)
    if as_json:
        _print_json(report.as_dict())
    else:
        show_transform(_console(), report)


@cli.command()
@_destination
@_as_json
@_strict
@click.pass_context
def status(ctx: click.Context, destination: str | None, *, as_json: bool, strict: bool) -> None:
    """Show what is loaded: freshness, rows, gaps, quarantine."""
    _prepare()
    from pipelines.gladly_tables import GLADLY_TABLES  # noqa: PLC0415 - start-up
    from pipelines.show import show_status  # noqa: PLC0415 - start-up
    from pipelines.status import read_status  # noqa: PLC0415 - start-up

    target = _target(destination)
    with tempfile.TemporaryDirectory() as folder:
        warehouse = target.warehouse(Path(folder)).declare()
        found = read_status(warehouse, target.dataset, [table.name for table in GLADLY_TABLES])
    _finish(ctx, found, as_json=as_json, strict=strict, show=lambda: show_status(_console(), found))


@cli.command()
@_destination
@_as_json
@click.pass_context
def doctor(ctx: click.Context, destination: str | None, *, as_json: bool) -> None:
    """Check settings, host, token, export schedule, clock, rate budget, disk and destination."""
    _prepare()
    from pipelines.doctor import Verdict, examine  # noqa: PLC0415 - start-up
    from pipelines.show import show_checks  # noqa: PLC0415 - start-up

    checks = list(examine(destination))
    if as_json:
        _print_json([{"check": c.name, "verdict": c.verdict, "found": c.found} for c in checks])
    else:
        show_checks(_console(), checks)
    if any(check.verdict is Verdict.FAILED for check in checks):
        ctx.exit(EXIT_USAGE)


@cli.command()
@click.option("--port", default=0, help="Port on 127.0.0.1; any free one by default.")
@click.option("--items", default=20_000, show_default=True, help="Conversation items to make up.")
@click.option("--days", default=4, show_default=True, help="Days of activity.")
@click.option(
    "--frequency",
    type=click.Choice(["DAILY", "HOURLY"]),
    default="DAILY",
    show_default=True,
    help="How often export jobs appear.",
)
@click.option("--seed", default=7, show_default=True, help="Another seed, another world.")
def sandbox(port: int, items: int, days: int, frequency: str, seed: int) -> None:
    """Serve a look-alike Gladly on this machine and print the settings to use it."""
    from sandbox import Sandbox, SandboxSettings, WorldSettings  # noqa: PLC0415 - start-up
    from sandbox.exports import after_jobs_under_way  # noqa: PLC0415 - start-up

    # a shell or a scheduler may have started us with Ctrl-C switched off
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    started = datetime.now(UTC)
    world = WorldSettings(
        seed=seed,
        items=items,
        days=days,
        first_day=_first_day(started.date(), days),
        frequency="DAILY" if frequency == "DAILY" else "HOURLY",
    )
    now = after_jobs_under_way(world, started)
    with Sandbox(SandboxSettings(world=world, now=now, port=port)) as server:
        for name, value in (
            ("BASE_URL", server.base_url),
            ("EMAIL", server.email),
            ("API_TOKEN", server.api_token),
        ):
            click.echo(f"export SOURCES__GLADLY__{name}={value}")
        click.echo("# serving until Ctrl-C; in another shell: helpdesk run gladly", err=True)
        with suppress(KeyboardInterrupt):
            server.wait()


def main() -> None:
    """Entry point of the command ``helpdesk``."""
    codes: list[int] = []
    # registered first, so called last: whatever else is to be done at the end was done
    atexit.register(_end, codes)
    try:
        cli(prog_name="helpdesk")
    except SystemExit as ended:
        codes.append(int(ended.code or 0))
        raise


def _end(codes: Sequence[int]) -> None:
    """End the process with an exit code, if there is one, and leave its memory to the system.

    The interpreter would look through all modules for what nobody uses any more: 0.3 s.
    """
    for code in codes:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _prepare() -> None:
    from pipelines.settings import set_dlt_defaults  # noqa: PLC0415 - start-up

    set_dlt_defaults()


def _target(destination: str | None) -> Target:
    from pipelines.runner import Target  # noqa: PLC0415 - start-up
    from pipelines.settings import read_helpdesk_settings  # noqa: PLC0415 - start-up

    settings = read_helpdesk_settings()
    name, data = destination or settings.destination, Path(settings.data_dir)
    return Target.open(name, settings.dataset, data, settings.max_memory_mb)


def _transform(target: Target, *, whole: bool = False, unfinished: bool = False) -> TransformReport:
    from pipelines.settings import read_helpdesk_settings  # noqa: PLC0415 - start-up
    from pipelines.transform import run_transforms  # noqa: PLC0415 - start-up

    settings = read_helpdesk_settings()
    return run_transforms(
        target,
        settings.marts_dataset,
        timezone=settings.timezone,
        whole=whole,
        unfinished=unfinished,
    )


def _require_kinds(select: Collection[str], kinds: Mapping[str, Collection[str]]) -> None:
    """Refuse to load nothing: what is selected by name but opted into by no setting."""
    for name, chosen in kinds.items():
        if name in select and not chosen:
            raise SettingsError(
                f"--select {name}, but the setting {name} names nothing to load. Set "
                f"SOURCES__GLADLY__{name.upper()}, or {name} under [sources.gladly] in "
                f".dlt/config.toml; docs/{name}.md says to what."
            )


def _selection(select: tuple[str, ...]) -> Callable[[str], bool]:
    """Return which files are wanted: all of them, or those of the resources named."""
    names = {_RESOURCES[resource] for resource in select}
    return lambda name: not names or name in names


def _console() -> Console:
    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    return Console(width=width, markup=False)


def _progress(console: Console, *, quiet: bool) -> ProgressReporter:
    from pipelines.progress import LogProgress, TerminalProgress  # noqa: PLC0415 - start-up

    return TerminalProgress(console) if console.is_terminal and not quiet else LogProgress()


def _finish(
    ctx: click.Context,
    report: RunReport | Status,
    *,
    as_json: bool,
    strict: bool,
    show: Callable[[], None],
) -> None:
    if as_json:
        _print_json(report.as_dict())
    else:
        show()
    _exit_strictly(ctx, report, strict=strict)


def _exit_strictly(ctx: click.Context, report: RunReport | Status, *, strict: bool) -> None:
    if strict and report.needs_a_person:
        ctx.exit(EXIT_NEEDS_A_PERSON)


def _print_json(value: object) -> None:
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z))


def _first_day(today: date, days: int) -> date:
    return today - timedelta(days=days)


def _explained(error: Exception) -> HelpdeskError | None:
    if isinstance(error, HelpdeskError):
        return error
    from pipelines.explain import explain  # noqa: PLC0415 - start-up

    return explain(error)
