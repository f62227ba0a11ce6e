"""The pages that are made as a whole, of declarations: none is written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.documentation import dictionary, entities, model_pages
from tests.documentation.pages import ROOT

# folders that hold nothing else
FOLDERS = ("docs/dictionary", "docs/models")


def generated_pages() -> Mapping[str, str]:
    """Return every such page, by its path from the root of the project."""
    return {**dictionary.pages(), **model_pages.pages(), **entities.pages()}


def pages_on_disk() -> set[str]:
    """Return the paths of all pages in the folders of such pages."""
    return {
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in (ROOT / folder).glob("*.md")
    }


def write_pages() -> None:
    """Write every such page, and remove those that no declaration makes any more."""
    made = generated_pages()
    for path in pages_on_disk() - made.keys():
        (ROOT / path).unlink()
    for path, text in made.items():
        page: Path = ROOT / path
        page.parent.mkdir(exist_ok=True)
        page.write_text(text, "utf-8")
