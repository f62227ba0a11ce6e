"""Every notebook runs on the demo, off the network, and its charts can be read."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks import watched_run
from tests.notebooks.export import FOLDER, NOTEBOOKS, exported

Chart = dict[str, Any]
MOST_SERIES = 6
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:Users|home|root|work|private|tmp|var|opt)/\w")
ASK = (
    "from warehouse import Warehouse; opened = Warehouse.open(); "
    "print(opened.name, opened.rows('SELECT COUNT(*) > 0 AS found FROM gladly.emails').to_pylist())"
)


def stem(path: Path) -> str:
    return path.stem


def environment(**changed: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "HELPDESK" not in name} | changed


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=stem)
def shown(
    request: pytest.FixtureRequest, demo_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What a notebook showed when it ran as a script."""
    return run(request.param, demo_database, tmp_path_factory.mktemp("run"))


def run(notebook: Path, database: Path, folder: Path) -> dict[str, Any]:
    result = folder / "shown.json"
    script = Path(watched_run.__file__)
    done = subprocess.run(  # noqa: S603 - our own script
        [
            sys.executable,
            "-W",
            "error::DeprecationWarning",
            str(script),
            str(notebook),
            result,
        ],
        cwd=folder,
        env=environment(HELPDESK_NOTEBOOKS=str(database)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(result.read_text("utf-8"))
    return found


def views(chart: Chart) -> Iterator[Chart]:
    """Yield what a chart is put together of, with what its parts share."""
    parts = [
        part for how in ("layer", "hconcat", "vconcat", "concat") for part in chart.get(how, [])
    ]
    if "encoding" in chart:
        yield chart
    for part in parts:
        yield from views(part)


def title_of(channel: dict[str, Any]) -> object:
    return channel.get("title") or channel.get("axis", {}).get("title")


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS]


def test_a_notebook_shows_charts_and_tables_with_rows(shown: dict[str, Any]) -> None:
    assert shown["charts"]
    assert shown["tables"]
    for html in shown["tables"]:
        assert "<tbody><tr>" in html


def test_every_chart_says_what_it_found_and_names_its_axes(shown: dict[str, Any]) -> None:
    for name, chart in shown["charts"].items():
        assert chart["title"]["text"], name
        assert chart["title"]["subtitle"], name
        for view in views(chart):
            for axis in {"x", "y"} & view["encoding"].keys():
                assert title_of(view["encoding"][axis]), (name, axis)


def test_no_chart_has_more_series_than_a_reader_can_tell_apart(shown: dict[str, Any]) -> None:
    for name, chart in shown["charts"].items():
        for view in views(chart):
            if colour := view["encoding"].get("color"):
                assert 0 < len(colour["scale"]["domain"]) <= MOST_SERIES, name


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=stem)
def test_where_nothing_is_loaded_a_notebook_says_so(
    notebook: Path, empty_database: Path, tmp_path: Path
) -> None:
    shown = run(notebook, empty_database, tmp_path)
    assert not shown["charts"]
    assert not shown["tables"]
    assert shown["sentences"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=stem)
def test_the_jupyter_form_of_a_notebook_is_its_own(notebook: Path) -> None:
    beside = notebook.with_suffix(".ipynb")
    assert beside.is_file(), "write it with `make docs`"
    assert beside.read_text("utf-8") == exported(notebook), "renew it with `make docs`"
    cells = json.loads(beside.read_text("utf-8"))["cells"]
    assert {cell["cell_type"] for cell in cells} == {"code", "markdown"}
    assert not any(cell.get("outputs") for cell in cells)


def test_no_jupyter_form_is_left_of_a_notebook_that_is_gone() -> None:
    forms = {path.stem for path in FOLDER.glob("*.ipynb")}
    assert forms == {path.stem for path in NOTEBOOKS}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.*")), ids=lambda path: path.name)
def test_no_notebook_names_a_folder_of_a_machine(path: Path) -> None:
    assert not MACHINE_PATH.search(path.read_text("utf-8"))


def test_one_setting_says_what_is_read(demo_database: Path) -> None:
    by_path = {"HELPDESK_NOTEBOOKS": str(demo_database)}
    by_settings = {
        "HELPDESK_NOTEBOOKS": "warehouse",
        "HELPDESK__DESTINATION": "duckdb",
        "HELPDESK__DATASET": "gladly",
        "HELPDESK__MARTS_DATASET": "marts",
        "HELPDESK__DATA_DIR": str(demo_database.parent),
        "DESTINATION__DUCKDB__CREDENTIALS": str(demo_database),
    }
    for changed, name in (
        (by_path, demo_database.name),
        (by_settings, "duckdb, datasets gladly, marts"),
    ):
        answer = subprocess.run(  # noqa: S603 - our own helper
            [sys.executable, "-c", ASK],
            cwd=FOLDER,
            env=environment(**changed),
            capture_output=True,
            text=True,
            check=True,
        )
        assert answer.stdout == f"{name} [{{'found': True}}]\n"


def test_a_database_that_is_not_there_is_told(tmp_path: Path) -> None:
    answer = subprocess.run(  # noqa: S603 - our own helper
        [sys.executable, "-c", ASK],
        cwd=FOLDER,
        env=environment(HELPDESK_NOTEBOOKS=str(tmp_path / "none.duckdb")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "There is no database none.duckdb there yet" in answer.stderr
    assert not list(tmp_path.iterdir())


def test_texts_of_customers_stay_texts() -> None:
    script = (
        "import pyarrow as pa; from charts import Shown; "
        "print(Shown(pa.table({'a_b': ['<b>&'], 'n': [1234567], 'none': [None]}))._repr_html_())"
    )
    answer = subprocess.run(  # noqa: S603 - our own helper
        [sys.executable, "-c", script], cwd=FOLDER, capture_output=True, text=True, check=True
    )
    assert "<b>" not in answer.stdout
    assert "&lt;b&gt;&amp;" in answer.stdout
    assert "<th>a b</th>" in answer.stdout
    assert "1,234,567" in answer.stdout
