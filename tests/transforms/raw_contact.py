"""What was said and done in conversations, and who took part, counted from raw records."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from tests.transforms.raw_stories import People, Record, reads_of, sessions_of
from tests.transforms.world import ZONE, Raw, instant

CHANNELS = {
    "CHAT_MESSAGE": "CHAT",
    "EMAIL": "EMAIL",
    "SMS": "SMS",
    "FACEBOOK_MESSAGE": "FB_MESSENGER",
    "INSTAGRAM_DIRECT": "INSTAGRAM_DIRECT",
    "WHATSAPP": "WHATSAPP",
    "TWITTER": "TWITTER",
    "VOICE_AI_MESSAGE": "VOICE_AI",
    "PHONE_CALL": "PHONE_CALL",
    "VOICEMAIL": "VOICEMAIL",
}
CALLS = ("PHONE_CALL", "VOICEMAIL")
AI = "SIDEKICK_V2"


@dataclass
class Contact:
    """One act of contact: a message, a call, or a contact that begins."""

    conversation_id: str
    customer_id: str
    channel: str
    at: datetime
    counts_as: str

    @property
    def local_date(self) -> date:
        """The day of the world's time zone."""
        return self.at.astimezone(ZoneInfo(ZONE)).date()


@dataclass
class Conversation:
    """What is told of one conversation, in the order in which it is read, not of time."""

    of_ai: list[datetime] = field(default_factory=list)
    of_agents: list[datetime] = field(default_factory=list)
    is_assigned: bool = False
    has_contact: bool = False
    messages: int = 0
    calls: int = 0
    statuses: list[tuple[datetime, int, str]] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)

    @property
    def told(self) -> list[str]:
        """Its statuses, oldest first."""
        return [status for _, _, status in sorted(self.statuses)]

    @property
    def is_reopened(self) -> bool:
        """Whether it was anything else right after CLOSED."""
        told = self.told
        return any(before == "CLOSED" != after for before, after in pairwise(told))


def contacts_of(raw: Raw, people: People) -> list[Contact]:
    """Return every message, call and start of a contact."""
    found = []
    for item in raw.items:
        kind = item["content"]["type"]
        if kind in CHANNELS:
            is_inbound = item["initiator"]["type"] in ("CUSTOMER", "EXTERNAL")
            found.append(
                Contact(
                    people.conversation(item["conversationId"]),
                    people.customer(item["customerId"]),
                    CHANNELS[kind],
                    instant(item["timestamp"]),
                    f"{'calls' if kind in CALLS else 'messages'}"
                    f"_{'inbound' if is_inbound else 'outbound'}",
                )
            )
    starts: dict[str, Contact] = {}
    for session in sessions_of(raw):
        starts[session["contact_session_id"]] = Contact(
            people.conversation(session["conversation_id"]),
            people.customer(session["customer_id"]),
            session["channel"],
            instant(session["contact_session_created_at"]),
            "contacts_started",
        )
    for event in raw.events:
        content = event["content"]
        if event["type"] == "CONTACT/STARTED":
            starts[content["contactId"]] = Contact(
                people.conversation(content["conversationId"]),
                people.customer(content["customerId"]),
                content["channel"],
                instant(event["timestamp"]),
                "contacts_started",
            )
    return [*found, *starts.values()]


def conversations_of(raw: Raw, people: People) -> dict[str, Conversation]:
    """Return what is told of each conversation."""
    found: dict[str, Conversation] = defaultdict(Conversation)
    for item in raw.items:
        if "conversationId" in item:
            conversation = found[people.conversation(item["conversationId"])]
            add_item(conversation, item)
            status = item["content"].get("status")
            if item["content"]["type"] == "CONVERSATION_STATUS_CHANGE" and status:
                own = people.conversation(item["conversationId"]) == item["conversationId"]
                conversation.statuses += [(instant(item["timestamp"]), 1, status)] if own else []
    for event in raw.events:
        identifier = event["content"].get("conversationId")
        if identifier and event["type"].partition("/")[0] != "PAYMENT_REQUEST":
            is_own = people.conversation(identifier) == identifier
            add_event(found[people.conversation(identifier)], event, is_own=is_own)
    for session in sessions_of(raw):
        conversation = found[people.conversation(session["conversation_id"])]
        conversation.has_contact = True
        at = instant(session["agent_accepted_at"] or session["contact_session_created_at"])
        conversation.moments.append(at)
        conversation.of_agents += [at] if session["agent_id"] else []
    reads = [read for read in reads_of(raw) if read.kind == "conversations" and read.document]
    for identifier, read in {read.entity_id: read for read in reads}.items():
        if people.conversation(identifier) == identifier and read.document:
            found[identifier].statuses.append((read.at, 3, read.document["status"]))
            found[identifier].is_assigned = bool(read.document.get("agentId"))
    return found


def add_item(conversation: Conversation, item: Record) -> None:
    """Take in an item: what it is, and who made it."""
    at, content, by = instant(item["timestamp"]), item["content"], item["initiator"]
    conversation.moments.append(at)
    conversation.messages += content["type"] in CHANNELS and content["type"] not in CALLS
    conversation.calls += content["type"] in CALLS
    if content["type"] == "VOICE_AI_MESSAGE" or by.get("id") == AI:
        conversation.of_ai.append(at)
    is_talk = content["type"] in CHANNELS
    if (is_talk and by["type"] == "AGENT") or "answeredAt" in content:
        conversation.of_agents.append(at)


def add_event(conversation: Conversation, event: Record, *, is_own: bool) -> None:
    """Take in an event of the conversation, or of a contact of it."""
    at, content, by = instant(event["timestamp"]), event["content"], event["initiator"]
    entity, _, name = event["type"].partition("/")
    conversation.moments.append(at)
    if by.get("id") == AI:
        conversation.of_ai.append(at)
    assignees = [content.get("context", {}).get("assignee", {})]
    assignees += [content.get("assignee", {})] if entity != "CONTACT" else []
    is_by_agent = entity == "CONTACT" and by["type"] == "AGENT"
    if is_by_agent or any(assignee.get("agentId") for assignee in assignees):
        conversation.of_agents.append(at)
    conversation.has_contact |= entity == "CONTACT"
    if entity == "CONVERSATION" and name in ("CREATED", "CLOSED", "REOPENED") and is_own:
        status = "CLOSED" if name == "CLOSED" else "OPEN"
        conversation.statuses.append((at, 0 if name == "CREATED" else 2, status))
