"""docs/models.md and docs/models/: every model, the questions it answers, how to ask them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipelines.gladly_tables import GLADLY_TABLES
from tests.documentation import dictionary
from tests.documentation import markdown as md
from transforms.declarations import LAYERS, Model, in_order
from transforms.models import MODELS

INDEX = "docs/models.md"
_FOLDER = "docs/models"
_LAYERS = {
    "marts": "What questions are asked of.",
    "core": "What marts are made of: ids resolved, items and states put in order.",
    "staging": "What all other models join: merges, days, business hours.",
}
_COMMENT = re.compile(r"--(?: (.*)|$)")
_QUESTION = re.compile(r"[^?]+\?")
_BY_NAME = {model.name: model for model in MODELS}
_RAW = {table.name for table in GLADLY_TABLES}


@dataclass(frozen=True)
class Header:
    """What a model's SQL begins with.

    Attributes:
        row: what one row is.
        questions: what it answers.
        notes: how and why, as Markdown, a paragraph or a diagram each.
    """

    row: str
    questions: tuple[str, ...]
    notes: tuple[str, ...]


def header_of(sql: str) -> Header:
    """Return what the comments say that a model's SQL begins with."""
    lines = []
    for line in sql.splitlines():
        comment = _COMMENT.fullmatch(line)
        if comment is None:
            break
        lines.append(comment[1] or "")
    first, _key, *rest = lines
    answers = rest[: rest.index("")] if "" in rest else rest
    said = " ".join(answers).removeprefix("Answers: ")
    questions = tuple(_sentence(question) for question in _QUESTION.findall(said))
    remark = _QUESTION.sub("", said).strip()
    notes = (*([remark] if remark else []), *_paragraphs(rest[len(answers) :]))
    return Header(first.removeprefix("One row is ").rstrip("."), questions, notes)


def pages() -> Mapping[str, str]:
    """Return the index and the page of each model, by their paths."""
    return {INDEX: _index(), **{f"{_FOLDER}/{model.name}.md": _page(model) for model in MODELS}}


def _sentence(text: str) -> str:
    text = text.strip()
    return text[0].upper() + text[1:]


def _paragraphs(lines: list[str]) -> Iterator[str]:
    """Yield paragraphs of comments; what is indented is a diagram or code, and stays as it is."""
    part: list[str] = []
    for line in [*lines, ""]:
        # an empty line goes on with what is indented, until a line is not
        changes = bool(part) and bool(line) and _is_indented(line) != _is_indented(part[0])
        if changes or (not line and part and not _is_indented(part[0])):
            yield _written(part)
            part = []
        if line or part:
            part.append(line)
    if any(part):
        yield _written(part)


def _is_indented(line: str) -> bool:
    return line.startswith("  ")


def _written(lines: list[str]) -> str:
    if not _is_indented(lines[0]):
        return md.prose(" ".join(lines))
    while not lines[-1]:
        lines.pop()
    return md.block("text", "\n".join(line.removeprefix("  ") for line in lines))


def _built(model: Model) -> str:
    if model.changes is None:
        return "Built as a whole"
    others = ", and for those of none" if model.changes.or_none else ""
    return f"Built for the ids in {md.code(model.changes.ids)}{others}: what changed"


def _index() -> str:
    layers = [layer for layer in reversed(LAYERS) if any(m.layer == layer for m in MODELS)]
    return md.page(
        "# Models",
        "What `helpdesk transform` makes of the raw [tables](dictionary.md), in the dataset "
        "`marts`: each model is one SQL file in `transforms/`. Large ones are built from what "
        "changed, the others as a whole. Find your question, then open the model's page for its "
        "columns and queries to start from. "
        "How models read each other shows in [entities](entities.md#models). Made of the "
        "declarations by `make docs`.",
        *(part for layer in layers for part in _layer(layer)),
    )


def _layer(layer: str) -> Iterator[str]:
    yield f"## {layer.capitalize()}"
    yield _LAYERS[layer]
    yield md.table(
        ("model", "one row is", "answers"),
        (
            (
                md.link(model.name, f"models/{model.name}.md"),
                md.prose(header.row),
                md.prose(" ".join(header.questions)),
            )
            for model in MODELS
            if model.layer == layer
            for header in [header_of(model.sql)]
        ),
    )


def _page(model: Model) -> str:
    header = header_of(model.sql)
    file = f"transforms/{model.layer}/{model.file}.sql"
    return md.page(
        f"# {model.name}",
        md.prose(model.table.description),
        md.bullets(
            f"One row is {md.prose(header.row)}",
            f"Key: {md.code(*model.table.key)}",
            f"Layer: {model.layer}, [{file}](../../{file})",
            _built(model),
        ),
        "## Questions it answers",
        md.bullets(*map(md.prose, header.questions)),
        *_examples(model),
        "## Columns",
        md.table(
            ("column", "type", "meaning"),
            (
                (md.code(column.name), md.type_of(column), md.prose(column.description))
                for column in model.table.columns
            ),
        ),
        *(("## How it is made", *header.notes) if header.notes else ()),
        "## What holds of every row",
        "Checked whenever it is built; where it does not hold, all models stay as they were.",
        md.bullets(
            "its key is there once, and columns that are never null hold a value",
            *(md.prose(check.claim) for check in model.checks),
        ),
        "## What it reads",
        md.bullets(*_links(model)),
    )


def _examples(model: Model) -> Iterator[str]:
    if model.examples:
        yield "## Ask it"
    for example in model.examples:
        yield md.prose(example.question)
        yield md.block("sql", f"{example.sql};")


def _links(model: Model) -> Iterator[str]:
    raw = [dictionary.link_to(name, "../dictionary/") for name in model.reads if name in _RAW]
    if raw:
        yield f"raw tables: {', '.join(raw)}"
    if models := [md.link(name, f"{name}.md") for name in model.reads if name in _BY_NAME]:
        yield f"models: {', '.join(models)}"
    readers = [m for m in in_order(MODELS) if model.name in m.reads]
    if readers:
        yield f"it is read by: {', '.join(md.link(m.name, f'{m.name}.md') for m in readers)}"
