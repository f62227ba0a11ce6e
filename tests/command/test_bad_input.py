"""What stops a run is one sentence that names the fix; after the fix the next run does it all."""

import hashlib
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sandbox import Sandbox, SandboxSettings, WorldSettings, answer_html, answer_status
from tests.command.commands import (
    BROKEN_LINE,
    CANARY_PASSWORD,
    HELPDESK,
    LINES,
    LOAD,
    Commands,
    check_nothing_leaked,
    environment_for,
)
from tests.command.forks import Forks
from tests.pipelines.model import deliveries, differences
from tests.pipelines.runs import ITEMS, item, sms

FAILED, USAGE, NEEDS_A_PERSON = 1, 2, 3
SMALL_DISK_BYTES = 1_000_000
JOBS_PATH = "/api/v1/export/jobs"
MANY_LINES = b"".join(item(str(number), sms("x" * 2000)) for number in range(2000))


@dataclass(frozen=True)
class Mistake:
    """Environment and arguments that are wrong, the exit code, and words the message must have."""

    code: int
    words: tuple[str, ...]
    environment: tuple[tuple[str, str | None], ...] = ()
    arguments: tuple[str, ...] = ()


def setting(name: str, value: str | None) -> tuple[tuple[str, str | None], ...]:
    return ((f"SOURCES__GLADLY__{name}", value),)


MISTAKES = {
    "wrong token": Mistake(FAILED, ("401", "token"), setting("API_TOKEN", "wrong")),
    "no token": Mistake(USAGE, ("SOURCES__GLADLY__API_TOKEN",), setting("API_TOKEN", None)),
    "no organisation": Mistake(
        USAGE, ("SOURCES__GLADLY__ORGANIZATION",), setting("BASE_URL", None)
    ),
    "plain http to another machine": Mistake(
        USAGE, ("https",), setting("BASE_URL", "http://gladly.example.com")
    ),
    "password in the address": Mistake(
        USAGE,
        ("user name or password",),
        setting("BASE_URL", f"https://u:{CANARY_PASSWORD}@gladly.example.com"),
    ),
    "share that is no number": Mistake(USAGE, ("sources.gladly",), setting("RATE_SHARE", "lots")),
    "share above one": Mistake(USAGE, ("RATE_SHARE",), setting("RATE_SHARE", "7")),
    "time that is none": Mistake(
        USAGE, ("jobs_updated_after", "2026-"), setting("JOBS_UPDATED_AFTER", "yesterday")
    ),
    "unknown destination": Mistake(
        USAGE, ("'nowhere'", "duckdb, postgres"), arguments=("--destination", "nowhere")
    ),
    "unknown resource": Mistake(
        USAGE, ("'emails'", "conversation_items"), arguments=("--select", "emails")
    ),
    "selected but opted into by no setting": Mistake(
        USAGE,
        ("--select enrichment", "SOURCES__GLADLY__ENRICHMENT"),
        arguments=("--select", "enrichment"),
    ),
    "kind of read that is none": Mistake(
        USAGE, ("enrichment names calls", "voice_transcripts"), setting("ENRICHMENT", '["calls"]')
    ),
    "destination without credentials": Mistake(
        USAGE, ("credentials", "doctor"), arguments=("--destination", "postgres")
    ),
    "destination that is down": Mistake(
        FAILED,
        ("cannot be reached", "credentials"),
        (
            (
                "DESTINATION__POSTGRES__CREDENTIALS",
                f"postgresql://loader:{CANARY_PASSWORD}@127.0.0.1:1/warehouse",
            ),
        ),
        ("--destination", "postgres"),
    ),
    "database file that is none": Mistake(
        FAILED, ("not a valid DuckDB",), (("DESTINATION__DUCKDB__CREDENTIALS", "a_file"),)
    ),
    "data folder that is a file": Mistake(
        USAGE, ("a_file", "data_dir"), (("HELPDESK__DATA_DIR", "a_file"),)
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_explained_and_the_next_run_loads_everything(
    mistake: str, helpdesk: Commands, sandbox: Sandbox
) -> None:
    wrong = MISTAKES[mistake]
    (helpdesk.folder / "a_file").write_text("something else\n" * 1000)
    stopped = helpdesk(*LOAD, *wrong.arguments, **dict(wrong.environment))
    assert stopped.code == wrong.code
    for word in wrong.words:
        assert word in stopped.message
    check_everything_loads(helpdesk, sandbox)


def check_everything_loads(helpdesk: Commands, sandbox: Sandbox) -> None:
    finished = helpdesk(*LOAD)
    assert (finished.code, "Traceback" in finished.err) == (0, False), finished.err
    tables = helpdesk.tables()
    assert differences(tables, deliveries(sandbox)) == []
    check_nothing_leaked(" ".join(row["error"] or "" for row in tables["load_runs"]))


def test_a_path_that_does_not_exist_names_the_base_url(
    helpdesk: Commands, sandbox: Sandbox
) -> None:
    wrong = f"{sandbox.base_url}/elsewhere"
    stopped = helpdesk(*LOAD, SOURCES__GLADLY__BASE_URL=wrong)
    assert stopped.code == FAILED
    assert "base URL" in stopped.message
    check_everything_loads(helpdesk, sandbox)


def test_a_host_that_answers_with_web_pages_is_named(helpdesk: Commands, sandbox: Sandbox) -> None:
    sandbox.faults.on("*", 100, answer_html())
    stopped = helpdesk(*LOAD)
    assert stopped.code == FAILED
    assert "127.0.0.1" in stopped.message
    sandbox.faults.clear()
    check_everything_loads(helpdesk, sandbox)


def test_a_host_nobody_answers_at_is_named(helpdesk: Commands, sandbox: Sandbox) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        stopped = helpdesk(*LOAD, SOURCES__GLADLY__BASE_URL=address)
    assert stopped.code == FAILED
    assert "base URL" in stopped.message
    check_everything_loads(helpdesk, sandbox)


def test_a_server_that_stays_broken_fails_the_run_only_now(
    helpdesk: Commands, sandbox: Sandbox
) -> None:
    sandbox.faults.on("*/files/*", 100, answer_status(500))
    stopped = helpdesk(*LOAD)
    assert stopped.code == FAILED
    assert "500" in stopped.message
    sandbox.faults.clear()
    check_everything_loads(helpdesk, sandbox)


def test_a_file_full_of_broken_lines_names_the_setting(
    helpdesk: Commands, sandbox: Sandbox
) -> None:
    sandbox.add_job({"customers.jsonl": BROKEN_LINE * 200})
    stopped = helpdesk(*LOAD)
    assert stopped.code == FAILED
    assert "max_quarantined_share" in stopped.message
    again = helpdesk(*LOAD, "--strict", SOURCES__GLADLY__MAX_QUARANTINED_SHARE="1.0")
    assert again.code == NEEDS_A_PERSON
    tables = helpdesk.tables()
    assert differences(tables, deliveries(sandbox)) == []
    assert len(tables["quarantined_lines"]) == 200
    check_nothing_leaked(" ".join(row["error"] or "" for row in tables["load_runs"]))


def test_quarantine_and_gaps_need_a_person_only_where_asked(
    helpdesk: Commands, sandbox: Sandbox
) -> None:
    sandbox.add_job({ITEMS: LINES + BROKEN_LINE})
    assert helpdesk(*LOAD, "--strict").code == NEEDS_A_PERSON
    assert helpdesk("status", "--strict").code == NEEDS_A_PERSON
    assert helpdesk("status").code == 0
    assert helpdesk(*LOAD, "--strict").code == 0


HOLD_OPEN = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def opened_elsewhere(database: Path) -> Iterator[None]:
    """Hold a DuckDB file in another process, as a notebook does."""
    database.parent.mkdir(exist_ok=True)
    arguments = [sys.executable, "-c", HOLD_OPEN, str(database)]
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        try:
            yield
        finally:
            holder.communicate()


@pytest.mark.parametrize("command", [("run", "gladly"), ("status",)])
def test_a_database_that_is_open_elsewhere_is_named(
    command: tuple[str, ...], helpdesk: Commands, sandbox: Sandbox
) -> None:
    with opened_elsewhere(helpdesk.database):
        stopped = helpdesk(*command)
    assert stopped.code == FAILED
    assert "open in another program" in stopped.message
    check_everything_loads(helpdesk, sandbox)


WHILE_A_RUN_LASTS = {
    ("run", "gladly"): (FAILED, ("Another run", "data_dir")),
    ("backfill", "gladly", "--from", "2026-01-01"): (FAILED, ("Another run", "data_dir")),
    # the first package is loaded, the run waits for a job: a part of a night
    ("transform",): (FAILED, ("still under way", "--unfinished")),
}


@pytest.mark.parametrize("command", WHILE_A_RUN_LASTS, ids=" ".join)
def test_a_second_run_refuses_while_one_is_running(
    command: tuple[str, ...], helpdesk: Commands, sandbox: Sandbox
) -> None:
    code, words = WHILE_A_RUN_LASTS[command]
    unfinished = sandbox.add_job({}, status="PENDING")
    patient = {"SOURCES__GLADLY__WAIT_FOR_JOBS": "100", "SOURCES__GLADLY__POLL_EVERY": "0.2"}
    with subprocess.Popen(  # noqa: S603 - our own command
        [HELPDESK, *LOAD],
        cwd=helpdesk.folder,
        env=helpdesk.environment | patient,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as first:
        # it looks for jobs again once the first package is loaded
        while len(sandbox.requests.requests_for(JOBS_PATH)) < 2:
            assert first.poll() is None
            time.sleep(0.05)
        second = helpdesk(*command)
        assert helpdesk("status").code == 0
        assert first.poll() is None
        sandbox.remove_job(unfinished)
        assert first.wait() == 0
    assert second.code == code
    assert [word for word in words if word not in second.message] == []
    assert differences(helpdesk.tables(), deliveries(sandbox)) == []


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_DISK_BYTES, SMALL_DISK_BYTES))


# full while the database's file is made, and in the middle of a download, of our Parquet files, and
# of the database; then a disk with room, but not for another file
SIZES = ["size=8k", "size=2m", "size=9m", "size=100m,nr_inodes=12"]
MORE_SIZES = [
    *(f"size={kilobytes}k" for kilobytes in (4, 12, 16, 64, 100, 200, 400, 700, 1000, 1500)),
    *(f"size={megabytes}m" for megabytes in (3, 4, 5, 6, 7, 8, 10, 11, 12)),
    *(f"size=100m,nr_inodes={inodes}" for inodes in (2, 5, 20, 40, 80)),
]
# what a run needs is more than all others
ENOUGH = {"size=11m", "size=12m", "size=100m,nr_inodes=40", "size=100m,nr_inodes=80"}
FULL = ("disk", "too large")


@pytest.mark.parametrize(
    "size", [*SIZES, *(pytest.param(size, marks=pytest.mark.slow) for size in MORE_SIZES)]
)
def test_a_full_disk_is_explained_and_nothing_is_lost(
    size: str, helpdesk: Commands, sandbox: Sandbox
) -> None:
    sandbox.add_job({ITEMS: MANY_LINES})
    with small_disk(helpdesk.folder / "data", size) as (limit, make_room):
        stopped = replace(helpdesk, before=limit)(*LOAD)
        assert stopped.code in {0, FAILED}
        assert stopped.code == 0 or any(word in stopped.message for word in FULL)
        make_room()
        check_everything_loads(helpdesk, sandbox)
    assert stopped.code == FAILED or size in ENOUGH


@pytest.mark.parametrize("free", [4, pytest.param(300, marks=pytest.mark.slow)])
def test_a_disk_that_fills_up_later_keeps_what_is_loaded_and_its_models(
    free: int, helpdesk: Commands, sandbox: Sandbox
) -> None:
    data = helpdesk.folder / "data"
    with small_disk(data, "size=100m") as (limit, make_room):
        if limit is limit_file_size:
            pytest.skip("no disk of its own can be filled here")
        check_everything_loads(helpdesk, sandbox)
        assert helpdesk("transform").code == 0
        filler = data / "filler"
        filler.write_bytes(bytes(shutil.disk_usage(data).free - free * 1024))
        sandbox.add_job({ITEMS: MANY_LINES})
        for command in (("run", "gladly"), ("transform",)):
            stopped = helpdesk(*command)
            assert stopped.code in {0, FAILED}
            assert stopped.code == 0 or any(word in stopped.message for word in FULL)
        make_room()
        filler.unlink()
        check_everything_loads(helpdesk, sandbox)
        assert helpdesk("transform").code == 0


@pytest.mark.parametrize(
    "size", ["size=600k", pytest.param("size=90m,nr_inodes=20", marks=pytest.mark.slow)]
)
def test_a_full_store_of_files_is_explained_and_no_file_is_lost(
    size: str, tmp_path: Path, forks: Forks
) -> None:
    world = WorldSettings(items=1500, days=2)
    store = tmp_path / "store"
    with (
        Sandbox(SandboxSettings(world=world, requests_per_second=1000)) as sandbox,
        small_disk(store, size) as (limit, make_room),
    ):
        if limit is limit_file_size:
            pytest.skip("no disk of its own can be filled here")
        media = {
            "SOURCES__GLADLY__MEDIA": '["attachments"]',
            "SOURCES__GLADLY__MEDIA_URL": str(store),
        }
        helpdesk = Commands(tmp_path, environment_for(sandbox, tmp_path) | media, forks=forks)
        stopped = helpdesk(*LOAD)
        assert stopped.code == FAILED
        assert "disk or quota is full" in stopped.message
        make_room()
        assert helpdesk(*LOAD).code == 0
        rows = helpdesk.tables()["media_files"]
        kept = {row["path"]: row["sha256"] for row in rows if row["path"]}
        assert len(kept) > 10
        assert {row["outcome"] for row in rows} == {"stored"}
        for path, digest in kept.items():
            assert hashlib.sha256((store / path).read_bytes()).hexdigest() == digest
        assert len([path for path in store.rglob("*") if path.is_file()]) == len(kept)


@contextmanager
def small_disk(
    folder: Path, size: str
) -> Iterator[tuple[Callable[[], None] | None, Callable[[], None]]]:
    """Mount a disk of a given size; gives what to do before a command, and how to make room.

    Where nothing may be mounted, the system refuses large files instead.
    """
    folder.mkdir()

    def mount(*options: str) -> bool:
        arguments = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
        finished = subprocess.run(arguments, check=False, capture_output=True)  # noqa: S603 - our own folder
        return finished.returncode == 0

    if not mount(size):
        yield limit_file_size, lambda: None
        return
    try:
        yield None, lambda: assert_done(mount("remount", "size=200m,nr_inodes=100000"))
    finally:
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S603, S607 - our own folder


def assert_done(done: object) -> None:
    assert done
