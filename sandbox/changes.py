"""How an item looks when a later export carries it again."""

from typing import Any

_WITH_RECORDING = frozenset({"PHONE_CALL", "VOICEMAIL"})
_REDACTABLE = frozenset({"CHAT_MESSAGE", "EMAIL", "SMS", "WHATSAPP"})
_NEW_SUMMARY = {
    "status": "READY",
    "summary": "The customer asks about an order; the agent explains the return.",
    "language": "en",
}


def _changed_content(content: dict[str, Any]) -> dict[str, Any] | None:
    if content["type"] in _WITH_RECORDING:
        return content | {"recordingSummary": _NEW_SUMMARY}
    if content.get("attachments"):
        return content | {"attachments": []}
    if content["type"] == "CONVERSATION_NOTE":
        return content | {"body": content["body"] + "\nEdited: solved."}
    if content["type"] in _REDACTABLE:
        return content | {"content": ""}
    return None


def changed(record: dict[str, Any]) -> dict[str, Any] | None:
    """Return the item's next version, or None for a kind that never changes.

    A recording's summary gets ready, attachments go, a note is edited, a message is redacted:
    emptied but kept (Gladly API reference, Redact Content).
    """
    content = _changed_content(record["content"])
    return None if content is None else record | {"content": content}
