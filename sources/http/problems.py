"""What an API says went wrong, in one bounded line that is safe to print.

Source: Gladly API reference, Error Handling. Its bodies come in four shapes: {"errors": [..]}, a
bare list, a single object, and {"errors": {..}}; each entry has `attr`, `code` and `detail`.
"""

import json
from typing import Final

from sources.http.redaction import redact

LONGEST_DESCRIPTION: Final = 300
_FIELDS = ("attr", "code", "detail")


def _entries(document: object) -> list[dict[str, str]]:
    inner = document.get("errors", document) if isinstance(document, dict) else document
    listed = inner if isinstance(inner, list) else [inner]
    found = (
        {name: entry[name] for name in _FIELDS if isinstance(entry.get(name), str)}
        for entry in listed
        if isinstance(entry, dict)
    )
    return [entry for entry in found if entry]


def _document(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _one_line(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in redact(text))
    if len(printable) <= LONGEST_DESCRIPTION:
        return printable
    return printable[: LONGEST_DESCRIPTION - 1] + "…"


def described(body: bytes, content_type: str) -> str:
    """The structured errors of a body; of any other body only its type and length.

    Returns:
        At most `LONGEST_DESCRIPTION` printable characters, without registered secrets.
    """
    entries = _entries(_document(body))
    if not entries:
        kind = content_type.partition(";")[0].strip() or "no content type"
        return _one_line(f"a body of {len(body)} bytes, {kind}")
    return _one_line("; ".join(", ".join(f"{k}: {v}" for k, v in e.items()) for e in entries))
