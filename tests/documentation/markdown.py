"""Markdown that is made: tables, code, and prose that means itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sources.tables.declarations import Column, Kind

# what each kind of column is called
TYPES = {
    Kind.TEXT: "text",
    Kind.PROSE: "text",
    Kind.INTEGER: "integer",
    Kind.BOOLEAN: "boolean",
    Kind.TIMESTAMP: "timestamp",
    Kind.DECIMAL: "decimal",
    Kind.NUMBER: "number",
    Kind.JSON: "JSON",
    Kind.DATE: "date",
}
# an underscore that begins a word would begin italics
_MEANS_SOMETHING = re.compile(r"[*<|]|(?<!\w)_|\[(?=[^\]]*\]\()")
_CODE = re.compile(r"(`[^`]*`)")


def prose(text: str) -> str:
    """Return plain text as Markdown that shows it; what stands in backticks is code already."""
    parts = _CODE.split(text)
    return "".join(
        part.replace("|", "\\|") if number % 2 else _MEANS_SOMETHING.sub(r"\\\g<0>", part)
        for number, part in enumerate(parts)
    )


def code(*names: str) -> str:
    """Return names as code, with commas."""
    return ", ".join(f"`{name}`" for name in names)


def link(name: str, target: str) -> str:
    """Return a link under a name that is code."""
    return f"[`{name}`]({target})"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def bullets(*items: str) -> str:
    """Return a list."""
    return "".join(f"- {item}\n" for item in items)


def block(language: str, text: str) -> str:
    """Return a fenced block."""
    return f"```{language}\n{text.rstrip()}\n```\n"


def type_of(column: Column) -> str:
    """Return the type of a column, and whether it always holds a value."""
    return TYPES[column.kind] + ("" if column.nullable else ", never null")


def page(*parts: str) -> str:
    """Return parts as one page, with an empty line between them."""
    return "\n".join(part.rstrip("\n") + "\n" for part in parts if part)
