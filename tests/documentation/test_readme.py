"""README, PROMISES and DECISIONS show only what is real."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import duckdb
import pytest

from pipelines.cli import EXIT_FAILED, EXIT_NEEDS_A_PERSON, EXIT_USAGE, cli
from pipelines.gladly_tables import GLADLY_TABLES
from sources.gladly.report_types import REPORTS
from sources.gladly.settings import GladlySettings
from tests.documentation import pages
from tests.documentation.generated import generated_pages
from tests.pipelines.runs import read_duckdb
from transforms.declarations import MARTS
from transforms.models import MODELS

README = pages.README.read_text("utf-8")
# those that people write; test_generated_pages.py is about the others
GUIDES = "".join(
    page.read_text("utf-8")
    for page in sorted((pages.ROOT / "docs").glob("*.md"))
    if page.relative_to(pages.ROOT).as_posix() not in generated_pages()
)
HELPDESK_COMMANDS = [
    line for line in pages.commands(README + GUIDES) if line.startswith("helpdesk ")
]
MAKE_COMMANDS = [line for line in pages.commands(README + GUIDES) if line.startswith("make ")]


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo_output(demo_folder: Path) -> str:
    return pages.demo_output(demo_folder)


def test_readme_shows_what_the_demo_prints(demo_output: str) -> None:
    shown = pages.without_seconds(pages.demo_block(README))
    assert shown == pages.without_seconds(pages.shortened(demo_output)), "renew it with `make docs`"


def test_the_demo_shows_increment_merge_and_quarantine(demo_output: str, demo_folder: Path) -> None:
    first, second = demo_output.split("Night 2")
    assert "Night 1" in first
    assert "0 quarantined, 0 open gaps" in " ".join(first.split())
    assert re.search(r"conversation_items +[1-9][\d,]* +[1-9]\d* +0\n", second)
    assert "4 lines could not become rows" in second
    assert "SELECT content_type" in second
    database = demo_folder / "data" / "demo" / "helpdesk_demo.duckdb"
    assert len(read_duckdb(database)["quarantined_lines"]) == 4


def test_sql_in_documents_answers_on_the_demo_database(demo_output: str, demo_folder: Path) -> None:
    assert demo_output
    (database,) = demo_folder.glob("data/demo/*.duckdb")
    queries = pages.blocks(README + GUIDES, "sql")
    assert queries
    with duckdb.connect(str(database), read_only=True) as connection:
        for query in queries:
            assert connection.execute(query).fetchall()


@pytest.mark.parametrize("line", HELPDESK_COMMANDS)
def test_command_in_readme_exists(line: str) -> None:
    command: click.Command = cli
    words = shlex.split(line)[1:]
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    options = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= options


@pytest.mark.parametrize("line", MAKE_COMMANDS)
def test_make_target_in_readme_exists(line: str) -> None:
    makefile = (pages.ROOT / "Makefile").read_text("utf-8")
    for target in line.split()[1:]:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_readme_names_every_table_and_no_other() -> None:
    section = README.split("## What you get")[1].split("```")[0]
    first_cells = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    named = set(re.findall(r"`(\w+)`", " ".join(first_cells)))
    tables = {table.name for table in GLADLY_TABLES}
    # docs/reports.md has a row for each report
    reports = {report.table for report in REPORTS.values()}
    assert named <= tables
    assert named >= tables - reports


def test_readme_names_every_mart_and_no_other() -> None:
    section = README.split("## Answers")[1].split("```")[0]
    first_cells = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    named = re.findall(r"`(\w+)`", " ".join(first_cells))
    assert sorted(named) == sorted(model.name for model in MODELS if model.layer == MARTS)


def test_settings_in_readme_exist() -> None:
    named = set(re.findall(r"SOURCES__GLADLY__(\w+)", README))
    assert named
    assert named <= {name.upper() for name in GladlySettings.__dataclass_fields__}


def test_exit_codes_in_readme_are_those_of_the_command() -> None:
    rows = re.findall(r"^\| (\d) \| (.*?) \|$", README, re.MULTILINE)
    assert {int(code) for code, _ in rows} == {0, EXIT_FAILED, EXIT_USAGE, EXIT_NEEDS_A_PERSON}


def test_the_guide_to_reports_has_each_of_them_as_it_is_declared() -> None:
    page = (pages.ROOT / "docs" / "reports.md").read_text("utf-8")
    assert pages.report_rows() == [line for line in page.splitlines() if line.startswith("| `rep")]


def test_tables_named_in_guides_exist() -> None:
    first_cells = [row.split("|")[1] for row in GUIDES.splitlines() if row.startswith("| `")]
    named = set(re.findall(r"`([a-z_\d]+)`", " ".join(first_cells)))
    assert named
    assert named <= {table.name for table in GLADLY_TABLES}


@pytest.mark.parametrize("page", ["README.md", "PROMISES.md", "DECISIONS.md"])
def test_files_named_in_documents_exist(page: str) -> None:
    text = (pages.ROOT / page).read_text("utf-8")
    named = set(re.findall(r"`((?:sources|pipelines|sandbox|tests|\.dlt)/[\w./-]+)`", text))
    ours = named - {".dlt/secrets.toml"}  # the user's own
    assert not [name for name in ours if not (pages.ROOT / name.split("::")[0]).exists()]


def test_every_test_named_in_promises_exists() -> None:
    text = pages.PROMISES.read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert named
    for path, name in named:
        assert f"def {name}(" in (pages.ROOT / path).read_text("utf-8"), f"{path}::{name}"


def test_every_promise_is_listed() -> None:
    text = pages.PROMISES.read_text("utf-8")
    assert re.findall(r"^\| (\d+) \|", text, re.MULTILINE) == [str(n) for n in range(1, 24)]
