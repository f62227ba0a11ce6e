"""The `content` of a conversation item, one function for each shape the API reference names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.conversation import Channel, Conversation
from sandbox.draw import Draw
from sandbox.identifiers import identifier
from sandbox.people import COMPANY_PHONE, SUPPORT_ADDRESS
from sandbox.timestamps import format_milliseconds, format_shortest

_FILES = (("image/png", "png"), ("image/jpeg", "jpg"), ("application/pdf", "pdf"))
_ATTACHED, _EMPTY = 0.07, 0.22
_QUICK_REPLIES = ("Furniture", "Bedding & bath", "Größe", "返品", "Something else 🙂")
_SUBJECT_CHARACTERS = 78
_TITLE_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Moment:
    """Where in a conversation an item stands: all that its content may depend on."""

    conversation: Conversation
    draw: Draw
    item_id: str
    position: int
    at: int
    from_customer: bool


def item_identifier(conversation: Conversation, position: int) -> str:
    """Return the id of the item at a position of a conversation."""
    return identifier(conversation.seed, "item", conversation.number, position)


def _attachment(moment: Moment, index: int) -> dict[str, Any]:
    content_type, suffix = moment.draw.pick(_FILES)
    attachment: dict[str, Any] = {
        "id": f"{moment.item_id[:21]}{index}",
        "contentType": content_type,
        "filename": f"attachment-{index + 1}.{suffix}",
    }
    if moment.draw.chance(0.9):
        attachment["fileSize"] = moment.draw.between(1024, 5_000_000)
    return attachment


def _with_attachments(content: dict[str, Any], moment: Moment) -> dict[str, Any]:
    share = moment.draw.between(0, 999) / 1000
    if share < _ATTACHED:
        count = moment.draw.pick((1, 1, 1, 2, 3))
        content["attachments"] = [_attachment(moment, index) for index in range(count)]
    elif share < _EMPTY:
        content["attachments"] = []
    return content


def chat_text(moment: Moment) -> dict[str, Any]:
    """Return a chat message of type TEXT."""
    content = {
        "type": "CHAT_MESSAGE",
        "messageType": "TEXT",
        "sessionId": moment.conversation.session_id,
        "content": moment.draw.short_text(),
    }
    return _with_attachments(content, moment)


def _quick_reply_options(moment: Moment) -> list[dict[str, str]]:
    return [
        {"id": f"option-{moment.conversation.number % 100}-{index}", "label": label}
        for index, label in enumerate(_QUICK_REPLIES[: 2 + moment.conversation.number % 4])
    ]


def quick_reply_request(moment: Moment) -> dict[str, Any]:
    """Return a chat message that offers two to five options."""
    return {
        "type": "CHAT_MESSAGE",
        "messageType": "QUICK_REPLY_REQUEST",
        "sessionId": moment.conversation.session_id,
        "content": "What can I help with?",
        "messageData": {"options": _quick_reply_options(moment)},
    }


def quick_reply_response(moment: Moment) -> dict[str, Any]:
    """Return the customer's answer to the quick reply request one position before."""
    options = _quick_reply_options(moment)
    selected = moment.draw.pick(options)
    return {
        "type": "CHAT_MESSAGE",
        "messageType": "QUICK_REPLY_RESPONSE",
        "sessionId": moment.conversation.session_id,
        "content": selected["label"],
        "messageData": {
            "quickReplyRequest": {"options": options},
            "selectedOptionId": selected["id"],
            "requestMessageId": item_identifier(moment.conversation, moment.position - 1),
        },
    }


def email(moment: Moment) -> dict[str, Any]:
    """Return an e-mail, 1,000 to 4,000 characters, some with cc and bcc."""
    conversation, draw = moment.conversation, moment.draw
    sender, receiver = SUPPORT_ADDRESS, conversation.customer_email
    if moment.from_customer:
        sender, receiver = receiver, sender
    content: dict[str, Any] = {
        "type": "EMAIL",
        "from": sender,
        "to": [receiver],
        "subject": draw.short_text()[:_SUBJECT_CHARACTERS],
        "content": draw.long_text(),
    }
    if draw.chance(0.15):
        content["to"].append("family@example.net")
    if draw.chance(0.2):
        content["cc"] = ["billing@example.com", "partner@example.net"][: draw.between(0, 2)]
    if draw.chance(0.05):
        content["bcc"] = ["supervisor@example.com"]
    return _with_attachments(content, moment)


def sms(moment: Moment) -> dict[str, Any]:
    """Return a text message between the customer's and the company's number."""
    sender, receiver = COMPANY_PHONE, moment.conversation.customer_phone
    if moment.from_customer:
        sender, receiver = receiver, sender
    content = {"type": "SMS", "from": sender, "to": receiver, "content": moment.draw.short_text()}
    return _with_attachments(content, moment)


def facebook_message(moment: Moment) -> dict[str, Any]:
    """Return a Facebook Messenger message; its ids are digits sent as strings."""
    content = {
        "type": "FACEBOOK_MESSAGE",
        "pageId": "100200300400",
        "userId": f"{moment.conversation.customer_number:016}",
        "content": moment.draw.short_text(),
    }
    return _with_attachments(content, moment)


def instagram_message(moment: Moment) -> dict[str, Any]:
    """Return an Instagram direct message."""
    content = {"type": "INSTAGRAM_DIRECT", "content": moment.draw.short_text()}
    return _with_attachments(content, moment)


def whatsapp_message(moment: Moment) -> dict[str, Any]:
    """Return a WhatsApp message."""
    return _with_attachments({"type": "WHATSAPP", "content": moment.draw.short_text()}, moment)


def twitter_message(moment: Moment) -> dict[str, Any]:
    """Return a Twitter message, a channel no longer in use whose items can still be read."""
    return {"type": "TWITTER", "content": moment.draw.short_text()}


def voice_ai_message(moment: Moment) -> dict[str, Any]:
    """Return a sentence spoken with Gladly's voice AI; only its own sentences have a status."""
    content = {
        "type": "VOICE_AI_MESSAGE",
        "companyNumber": COMPANY_PHONE,
        "body": moment.draw.short_text(),
    }
    if moment.draw.chance(0.8):
        content["customerNumber"] = moment.conversation.customer_phone
    if not moment.from_customer:
        content["status"] = moment.draw.pick(("PLAYED", "PLAYED", "INTERRUPTED"))
    return content


def _recording(moment: Moment, seconds: int) -> dict[str, Any]:
    share = moment.draw.between(1, 100)
    if share <= 4:  # noqa: PLR2004 - four of a hundred recordings are gone
        return {"recordingStatus": moment.draw.pick(("DELETED", "ERROR"))}
    recording: dict[str, Any] = {
        "recordingStatus": "AVAILABLE",
        "recordingUrl": f"/api/v1/conversation-items/{moment.item_id}/media/recording",
        "recordingDuration": seconds,
    }
    status = moment.draw.pick(("READY", "PENDING", "FAILED", None, None))
    if status == "READY":
        summary = moment.draw.medium_text()
        recording["recordingSummary"] = {"status": status, "summary": summary, "language": "en"}
    elif status:
        recording["recordingSummary"] = {"status": status}
    return recording


def phone_call(moment: Moment) -> dict[str, Any]:
    """Return a phone call: answered and recorded, or missed."""
    caller, called = COMPANY_PHONE, moment.conversation.customer_phone
    if moment.from_customer:
        caller, called = called, caller
    seconds = moment.draw.between(5, 900)
    answered_at = moment.at + moment.draw.between(2000, 40_000)
    content: dict[str, Any] = {
        "type": "PHONE_CALL",
        "from": caller,
        "to": called,
        "startedAt": format_shortest(moment.at),
    }
    if moment.draw.chance(0.15):
        return content | {"completedAt": format_shortest(answered_at)}
    content["answeredAt"] = format_shortest(answered_at)
    content["completedAt"] = format_shortest(answered_at + seconds * 1000)
    return content | _recording(moment, seconds)


def voicemail(moment: Moment) -> dict[str, Any]:
    """Return a voicemail with its recording."""
    content: dict[str, Any] = {"type": "VOICEMAIL", "startedAt": format_shortest(moment.at)}
    return content | _recording(moment, moment.draw.between(3, 200))


def note(moment: Moment) -> dict[str, Any]:
    """Return an agent's note."""
    content = {"type": "CONVERSATION_NOTE", "body": moment.draw.medium_text()}
    return _with_attachments(content, moment)


def status_change(status: str) -> Callable[[Moment], dict[str, Any]]:
    """Return the builder of a change to `status`."""

    def content(_: Moment) -> dict[str, Any]:
        return {"type": "CONVERSATION_STATUS_CHANGE", "status": status}

    return content


def topic_added(moment: Moment) -> dict[str, Any]:
    """Return the first topic's arrival, sometimes beside an empty list of removed ones."""
    content: dict[str, Any] = {
        "type": "TOPIC_CHANGE",
        "addedTopicIds": [moment.conversation.topic_ids[0]],
    }
    if moment.draw.chance(0.2):
        content["removedTopicIds"] = []
    return content


def topic_corrected(moment: Moment) -> dict[str, Any]:
    """Return the exchange of the first topic for the second."""
    wrong, right = moment.conversation.topic_ids
    return {"type": "TOPIC_CHANGE", "addedTopicIds": [right], "removedTopicIds": [wrong]}


def task(moment: Moment) -> dict[str, Any]:
    """Return a task due the next day, for an inbox and mostly for an agent too."""
    assignee = {"inboxId": moment.conversation.inbox_id}
    if moment.draw.chance(0.8):
        assignee["agentId"] = moment.conversation.agent_id
    content: dict[str, Any] = {
        "type": "TASK",
        "assignee": assignee,
        "body": moment.draw.short_text(),
        "dueAt": format_milliseconds(moment.at + 86_400_000),
    }
    return _with_attachments(content, moment)


def customer_activity(moment: Moment) -> dict[str, Any]:
    """Return an event of another system shown in the customer's timeline."""
    draw = moment.draw
    content: dict[str, Any] = {
        "type": "CUSTOMER_ACTIVITY",
        "activityType": draw.pick(("EMAIL", "ISSUE", "SMS", "SURVEY")),
        "title": draw.short_text()[:_TITLE_CHARACTERS],
        "receivedAt": format_milliseconds(moment.at),
    }
    if draw.chance(0.8):
        content["body"] = draw.medium_text()
    if content["activityType"] == "SURVEY" and draw.chance(0.4):
        content["body"] = f"{draw.pick((1, 2, 3, 4, 4, 5, 5, 5))}/5"
    if draw.chance(0.6):
        content["sourceName"] = "Loyalty programme"
    if draw.chance(0.5):
        content["link"] = {"url": "https://www.example.com/survey?id=7&lang=en", "text": "View"}
    if draw.chance(0.5):
        content["expandByDefault"] = draw.chance(0.5)
    if draw.chance(0.7):
        content["occurredAt"] = format_milliseconds(moment.at - draw.between(1, 3_600_000))
    return content


MESSAGES: dict[Channel, Callable[[Moment], dict[str, Any]]] = {
    Channel.CHAT: chat_text,
    Channel.EMAIL: email,
    Channel.SMS: sms,
    Channel.PHONE: sms,
    Channel.VOICEMAIL: email,
    Channel.FACEBOOK: facebook_message,
    Channel.INSTAGRAM: instagram_message,
    Channel.WHATSAPP: whatsapp_message,
    Channel.TWITTER: twitter_message,
    Channel.VOICE_AI: voice_ai_message,
    Channel.ACTIVITY: customer_activity,
}
"""How a message looks on each channel; a caller is texted, a voicemail answered by e-mail."""


def message(moment: Moment) -> dict[str, Any]:
    """Return a message on the conversation's channel."""
    return MESSAGES[moment.conversation.channel](moment)
