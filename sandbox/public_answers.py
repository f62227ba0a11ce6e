"""Answers with their contents by language and type, and what the public sees of them."""

from collections.abc import Iterable, Iterator
from typing import Any

from sandbox.identifiers import identifier
from sandbox.reference_history import Change, begins
from sandbox.timestamps import format_milliseconds

LANGUAGES = ("en-us", "es-419")
DEFAULT_LANGUAGE = LANGUAGES[0]
CONTENT_TYPES = ("public", "email", "messaging", "reference")
_PUBLIC_LIMIT = 1000

_HOUR = 3_600_000
_YEAR = 365 * 24 * _HOUR
_AUDIENCES = ("Everybody", "Einzelhandel Österreich", "Wholesale")
_About = tuple[str, str | None, tuple[int, ...]]
"""An answer's name, its Spanish title if there is one, and the audiences that see it."""

_ANSWERS: tuple[_About, ...] = (
    ("How to reset your password", "Cómo restablecer la contraseña", (0,)),
    ("Return a parcel", "Devolver un paquete", (0, 1)),
    ("Größentabelle", None, (1,)),
    ("Opening hours", "Horario", ()),
    ("Prices for wholesale", None, (2,)),
)
_LATER_ANSWER: _About = ("Gift cards", None, (0,))


def audience_records(seed: int) -> list[dict[str, Any]]:
    """Return the organisation's audiences."""
    return [
        {"id": identifier(seed, "audience", number), "name": name}
        for number, name in enumerate(_AUDIENCES)
    ]


def _contents(name: str, spanish: str | None) -> Iterator[dict[str, Any]]:
    body = f"<p>{name}: see <a href='https://www.example.com/help'>our pages</a> &amp; ask.</p>"
    yield {"language": "en-us", "type": "public", "bodyHtml": body, "title": name}
    yield {"language": "en-us", "type": "email", "bodyHtml": body, "subject": f"Re: {name}"}
    yield {"language": "en-us", "type": "reference", "bodyHtml": body, "internal": True}
    if spanish is not None:
        body = f"<p>{spanish}</p>"
        yield {"language": "es-419", "type": "public", "bodyHtml": body, "title": spanish}


def _answer(seed: int, number: int, about: _About, at: int) -> dict[str, Any]:
    name, spanish, audiences = about
    return {
        "id": identifier(seed, "answer", number),
        "name": name,
        "description": f"What to say about: {name}",
        "audienceIds": [identifier(seed, "audience", audience) for audience in audiences],
        "createdAt": format_milliseconds(at),
        "updatedAt": format_milliseconds(at),
        "contents": list(_contents(name, spanish)),
    }


def answer_changes(seed: int, start: int) -> Iterator[Change]:
    """Yield the life of all answers; the world begins at `start`, milliseconds since 1970.

    On the second day the first one's text changes, on the third the fourth is deleted for good
    and another one is written. A record's `contents` are its Answer Contents; the API never
    shows them together with the rest.
    """
    for number, about in enumerate(_ANSWERS):
        yield begins(start, "answers", _answer(seed, number, about, start - _YEAR))
    at = start + 35 * _HOUR
    name, spanish, _ = _ANSWERS[0]
    changed = {
        "updatedAt": format_milliseconds(at),
        "contents": list(_contents(f"{name} (two steps)", spanish)),
    }
    yield Change(at, "answers", identifier(seed, "answer", 0), changed)
    at = start + 50 * _HOUR
    yield Change(at, "answers", identifier(seed, "answer", 3), None)
    yield begins(at, "answers", _answer(seed, len(_ANSWERS), _LATER_ANSWER, at))


def content_of(answer: dict[str, Any], language: str, kind: str) -> dict[str, Any] | None:
    """Return an answer's content in a language and of a type, as Get Answer Content shows it."""
    for content in answer["contents"]:
        if content["language"] == language and content["type"] == kind:
            return {"answerId": answer["id"], **content}
    return None


def managed(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as Get Answer shows it, without its contents."""
    return {name: value for name, value in answer.items() if name != "contents"}


def _public(answer: dict[str, Any], language: str) -> dict[str, Any] | None:
    """Return an answer as the public sees it, or None if it has no public text in `language`."""
    content = content_of(answer, language, "public")
    if content is None:
        return None
    return {
        "id": answer["id"],
        "name": content["title"],
        "bodyHtml": content["bodyHtml"],
        "language": language,
        "updatedAt": answer["updatedAt"],
    }


def public_list(
    answers: Iterable[dict[str, Any]], language: str, audience_id: str | None
) -> list[dict[str, Any]]:
    """Return the first 1000 public answers by name, of one audience or of all."""
    shown = (
        _public(answer, language)
        for answer in answers
        if audience_id in (None, *answer["audienceIds"])
    )
    ordered = sorted((one for one in shown if one is not None), key=lambda one: one["name"])
    return ordered[:_PUBLIC_LIMIT]
