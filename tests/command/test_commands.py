"""Every command says what a person, or a program, needs."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pipelines.cli import cli
from pipelines.workspace import open_workspace
from sandbox import Sandbox, SandboxSettings, WorldSettings
from tests.command.commands import BROKEN_LINE, HELPDESK, LINES, LOAD, Commands
from tests.pipelines.runs import ITEMS, read_duckdb

USAGE = 2
COMMANDS: dict[str, tuple[str, ...]] = {
    "helpdesk": (),
    "demo": ("demo",),
    "run": ("run",),
    "run gladly": ("run", "gladly"),
    "backfill": ("backfill",),
    "backfill gladly": ("backfill", "gladly"),
    "transform": ("transform",),
    "status": ("status",),
    "doctor": ("doctor",),
    "sandbox": ("sandbox",),
}


def every_command(group: click.Group, *path: str) -> set[tuple[str, ...]]:
    found = {path}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= every_command(command, *path, name)
        else:
            found.add((*path, name))
    return found


def test_every_command_is_looked_at_here() -> None:
    assert every_command(cli) == set(COMMANDS.values())


def test_help_does_not_wait_for_the_libraries_of_a_run() -> None:
    program = (
        "import sys; from pipelines.cli import cli; cli(['--help'], standalone_mode=False); "
        "print(*{'click', 'dlt', 'duckdb', 'pyarrow'} & {*sys.modules}, file=sys.stderr)"
    )
    finished = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert "helpdesk demo" in finished.stdout
    assert finished.stderr.split() == ["click"]


def test_a_command_ends_at_once_but_not_before_all_is_written_and_done() -> None:
    program = """
import atexit, sys, threading, time
from pipelines.cli import main

def work():
    time.sleep(0.5)
    atexit.register(print, "called at the end")
    print("worked")

threading.Thread(target=work).start()
sys.argv = ["helpdesk", "nothing"]
main()
"""
    finished = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert finished.returncode == USAGE
    assert finished.stdout.splitlines() == ["worked", "called at the end"]
    assert "No such command 'nothing'" in finished.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_a_command_and_each_of_its_options_is_for(command: str) -> None:
    result = CliRunner().invoke(cli, [*COMMANDS[command], "--help"])
    assert result.exit_code == 0
    _, _, text = result.output.partition("\n")
    assert re.search(r"[A-Z][a-z]+ .{20,}", text)
    options = re.findall(r"^  (-.*?)(?:  +(.*))?$\n?((?: {10,}.*\n)*)", text, re.MULTILINE)
    assert options
    for option, same_line, next_lines in options:
        assert (same_line + next_lines).strip(), f"{option} is not explained"


def test_the_version_is_told(started_helpdesk: Commands) -> None:
    finished = started_helpdesk("--version")
    assert finished.code == 0
    assert re.search(r"\d+\.\d+", finished.out)


def test_a_run_as_json_holds_what_the_ledger_holds(
    started_helpdesk: Commands, sandbox: Sandbox
) -> None:
    helpdesk = started_helpdesk
    sandbox.add_job({ITEMS: LINES + BROKEN_LINE})
    sandbox.add_job({}, status="FAILED", end_at=datetime(2026, 3, 9, tzinfo=UTC))
    report = helpdesk(*LOAD, "--json").json
    assert report["pipeline"] == "gladly"
    assert (report["quarantined"], report["needs_a_person"]) == (1, True)
    assert report["open_gaps"] == len([gap for gap in report["gaps"] if not gap["healed"]]) > 0
    assert len(report["failed_jobs"]) == 1
    assert report["tables"]["conversation_items"] == {
        "table": "conversation_items",
        "added": 2,
        "updated": 0,
        "removed": 0,
    }
    files = {(row["job_id"], row["file"]): row for row in helpdesk.tables()["load_files"]}
    assert {(file["job_id"], file["file"]) for file in report["files"]} == files.keys()
    for file in report["files"]:
        row = files[file["job_id"], file["file"]]
        for name in ("bytes", "lines", "rows", "quarantined", "superseded"):
            assert file[name] == row[name]
        assert file["window_from"].endswith("Z")


def test_status_before_and_after_a_run(helpdesk: Commands) -> None:
    before = helpdesk("status")
    assert before.code == 0
    assert "Nothing is loaded" in before.out
    assert helpdesk("status", "--json").json["last_run"] is None
    assert helpdesk(*LOAD).code == 0
    after = helpdesk("status")
    assert (after.code, after.err) == (0, "")
    assert "done" in after.out
    assert "No gaps, nothing in quarantine." in after.out
    status = helpdesk("status", "--json").json
    assert status["last_run"]["status"] == "done"
    assert status["rows"]["conversation_items"] == 2
    assert (status["files"], status["lines"], status["gaps"]) == (2, 2, [])
    assert status["needs_a_person"] is False
    assert status["data_until"].startswith("2026-03-03T00:00:00")


def test_nobody_is_told_that_the_tool_was_used(
    started_helpdesk: Commands, sandbox: Sandbox
) -> None:
    endpoint = f"{sandbox.base_url}/telemetry"
    finished = started_helpdesk("run", "gladly", RUNTIME__DLTHUB_TELEMETRY_ENDPOINT=endpoint)
    assert finished.code == 0
    assert {request.method for request in sandbox.requests} == {"GET"}
    assert sandbox.requests.requests_for("/telemetry") == []


def verdicts(helpdesk: Commands, **changed: str | None) -> dict[str, str]:
    checks = helpdesk("doctor", "--json", **changed).json
    assert all(check["found"] for check in checks)
    return {check["check"]: check["verdict"] for check in checks}


def test_doctor_finds_nothing_wrong_with_a_good_set_up(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    world = WorldSettings(items=20, days=3, first_day=(now - timedelta(days=3)).date())
    with Sandbox(SandboxSettings(world=world, now=now)) as sandbox:
        environment = {
            "PATH": os.environ["PATH"],
            "SOURCES__GLADLY__BASE_URL": sandbox.base_url,
            "SOURCES__GLADLY__EMAIL": sandbox.email,
            "SOURCES__GLADLY__API_TOKEN": sandbox.api_token,
        }
        helpdesk = Commands(tmp_path, environment)
        found = verdicts(helpdesk)
        assert helpdesk("doctor").code == 0
    disk = found.pop("disk")
    assert disk in {"ok", "warning"}  # that of the machine the tests run on
    assert found.keys() == {
        "destination",
        "settings",
        "token",
        "events",
        "schedule",
        "jobs",
        "clock",
        "rate budget",
    }
    assert set(found.values()) == {"ok"}


def test_doctor_names_what_is_wrong_and_goes_on_with_the_rest(helpdesk: Commands) -> None:
    assert verdicts(helpdesk, SOURCES__GLADLY__API_TOKEN="wrong")["api"] == "failed"  # noqa: S106 - opens nothing
    assert verdicts(helpdesk, SOURCES__GLADLY__API_TOKEN=None)["settings"] == "failed"
    assert verdicts(helpdesk, SOURCES__GLADLY__RATE_SHARE="7")["api"] == "failed"
    assert verdicts(helpdesk, HELPDESK__DESTINATION="nowhere")["destination"] == "failed"
    assert verdicts(helpdesk, HELPDESK__DATA_DIR="/dev/null/data")["disk"] == "failed"
    wrong = helpdesk("doctor", SOURCES__GLADLY__API_TOKEN=None)
    assert (wrong.code, "FIX" in wrong.out) == (USAGE, True)
    assert "SOURCES__GLADLY__API_TOKEN" in wrong.out


# what it shows is looked at where the README's is: tests/documentation/test_readme.py
def test_the_demo_as_json_is_the_reports_of_two_nights(tmp_path: Path) -> None:
    helpdesk = Commands(tmp_path, {"PATH": os.environ["PATH"]})
    finished = helpdesk("demo", "--items", "300", "--json")
    assert finished.code == 0
    database = tmp_path / "data" / "demo" / "helpdesk_demo.duckdb"
    assert len(read_duckdb(database)["quarantined_lines"]) == 4
    nights = finished.json
    streams = [Counter(file["stream"] for file in night["files"]) for night in nights]
    assert [stream["gladly.export"] for stream in streams] == [12, 4]
    assert [stream["gladly.timestamps_reports"] for stream in streams] == [0, 4]
    every_night = {"gladly.events", "gladly.reference", "gladly.reports", "gladly.work_sessions"}
    assert all(every_night <= stream.keys() for stream in streams)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminate"])
def test_the_sandbox_prints_settings_that_work(tmp_path: Path, stop: signal.Signals) -> None:
    # ten reports a minute would make the run take minutes
    environment = {"PATH": os.environ["PATH"], "SOURCES__GLADLY__REPORTS": "[]"}
    with subprocess.Popen(  # noqa: S603 - our own command
        [HELPDESK, "sandbox", "--items", "40", "--days", "2"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            printed = [server.stdout.readline().strip() for _ in range(3)]
            settings = dict(line.removeprefix("export ").split("=", 1) for line in printed)
            helpdesk = Commands(tmp_path, environment | settings)
            report = helpdesk(*LOAD, "--json").json
            server.send_signal(stop)
            _, errors = server.communicate(timeout=30)
        finally:
            server.kill()
    assert report["files"]
    assert (server.returncode, errors.count("\n")) == (0, 1)


def test_a_run_builds_the_models_unless_told_not_to(helpdesk: Commands) -> None:
    assert helpdesk("run", "gladly", "--no-transform", "--json").json["models"] is None
    built = helpdesk("run", "gladly", "--json").json["models"]
    assert built["built_from"] == "everything"
    rows = {model["model"]: model["rows"] for model in built["models"]}
    assert rows["conversation_timeline"] == 2
    assert "Nothing was loaded since they were built" in helpdesk("run", "gladly").out


def test_a_run_whose_models_cannot_be_built_tells_what_it_loaded(helpdesk: Commands) -> None:
    with open_workspace(helpdesk.database.parent, "transform"):
        run = helpdesk("run", "gladly", "--json")
    assert run.code == 1
    assert "Another run is working in" in run.message
    assert run.json["files"]
    assert run.json["models"] is None
    assert helpdesk("transform", "--json").json["built_from"] == "everything"


def test_a_run_into_a_folder_of_files_leaves_models_out(helpdesk: Commands, tmp_path: Path) -> None:
    helpdesk.environment["DESTINATION__FILESYSTEM__BUCKET_URL"] = str(tmp_path / "lake")
    report = helpdesk("run", "gladly", "--destination", "filesystem", "--json").json
    assert report["files"]
    assert report["models"] is None
