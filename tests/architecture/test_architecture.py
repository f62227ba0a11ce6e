"""Rules of the code base that a reader may rely on."""

import ast
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("sources", "pipelines", "transforms", "sandbox")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
# the table of capabilities, the demo, the default of a setting, what makes its file and how that
# is compressed; and what counts keys on disk, whatever the destination is
MAY_NAME_DUCKDB = {
    "pipelines/destinations.py",
    "pipelines/demo.py",
    "pipelines/settings.py",
    "pipelines/embedded.py",
    "pipelines/compression.py",
    "sources/tables/repeated_keys.py",
}
DEVELOPER_PATH = re.compile(rb"(?<![\w.])/(?:Users|home|root|work|private)/\w")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - git of the developer
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = [ROOT / path for path in listed.stdout.decode().split("\0") if path]
    return [path for path in paths if path.is_file()]


def test_imports_go_down_the_layers_only() -> None:
    # a process of its own: the linter switches off every logger it finds
    linter = str(Path(sys.executable).with_name("lint-imports"))
    command = [linter, "--no-cache", "--no-logo"]
    result = subprocess.run(  # noqa: S603 - the linter of this environment
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    documentation = ast.get_docstring(ast.parse(path.read_text()))
    assert documentation
    assert len(documentation.split()) > 2


def code_words(source: str) -> set[str]:
    """Return names, parts of imports and one-word texts: what code can act on, unlike prose."""
    words: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.arg(arg=word):
                words.add(word)
            case ast.alias(name=word):
                words |= set(word.split("."))
            case ast.ImportFrom(module=str(word)):
                words |= set(word.split("."))
            case ast.Constant(value=str(word)) if len(word.split()) == 1:
                words.add(word)
    return words


def test_only_the_table_of_capabilities_and_the_demo_name_a_destination() -> None:
    found = {
        name(path)
        for path in MODULES
        if name(path).startswith(("sources/", "pipelines/"))
        and any("duckdb" in word.lower() for word in code_words(path.read_text()))
    }
    assert found == MAY_NAME_DUCKDB


def test_no_comment_puts_work_off() -> None:
    for path in MODULES:
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
            if token.type == tokenize.COMMENT:
                assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", token.string), name(path)


def test_every_locked_package_has_hashes_and_no_index_is_named() -> None:
    text = (ROOT / "requirements.lock").read_text()
    joined = text.replace("\\\n", " ")
    requirements = [line for line in joined.splitlines() if line and not line.startswith("#")]
    assert requirements
    for requirement in requirements:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,-]+\])?==", requirement), requirement
        assert "--hash=sha256:" in requirement
    assert not re.search(r"https?://|--index-url|--extra-index-url|--find-links|@ file", text)


def test_no_tracked_file_names_a_folder_of_a_developer() -> None:
    found = {
        name(path)
        for path in tracked_files()
        if name(path) != name(Path(__file__)) and DEVELOPER_PATH.search(path.read_bytes())
    }
    assert found == set()
