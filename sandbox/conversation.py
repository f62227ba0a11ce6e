"""One conversation's standing facts: who, with whom, about what, on which channel."""

from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Any

from sandbox.draw import Draw
from sandbox.identifiers import identifier
from sandbox.organization import Organization, organization_of
from sandbox.people import customer_email, customer_id, customer_phone


class Channel(StrEnum):
    """How a conversation begins and mostly goes on."""

    CHAT = auto()
    EMAIL = auto()
    SMS = auto()
    PHONE = auto()
    VOICEMAIL = auto()
    FACEBOOK = auto()
    INSTAGRAM = auto()
    WHATSAPP = auto()
    TWITTER = auto()
    VOICE_AI = auto()
    ACTIVITY = auto()


# The first conversations of every world, so that the smallest one shows every content type.
_TOUR = tuple(Channel)
# Of a thousand conversations; together they give the mix of items a large organisation sees.
_CHANNEL_SHARES = {
    Channel.CHAT: 440,
    Channel.EMAIL: 280,
    Channel.SMS: 110,
    Channel.PHONE: 120,
    Channel.VOICEMAIL: 12,
    Channel.FACEBOOK: 7,
    Channel.INSTAGRAM: 7,
    Channel.WHATSAPP: 8,
    Channel.TWITTER: 3,
    Channel.VOICE_AI: 6,
    Channel.ACTIVITY: 7,
}
_CHANNELS = tuple(channel for channel, share in _CHANNEL_SHARES.items() for _ in range(share))


@dataclass(frozen=True, slots=True)
class Conversation:
    """What stays the same through one conversation of the world."""

    seed: int
    number: int
    channel: Channel
    id: str
    customer_number: int
    customer_id: str
    customer_email: str
    customer_phone: str
    agent_id: str
    agent_email: str
    inbox_id: str
    session_id: str
    topic_ids: tuple[str, str]

    @property
    def customer(self) -> dict[str, Any]:
        """The customer as an initiator or responder."""
        return {"id": self.customer_id, "type": "CUSTOMER"}

    @property
    def agent(self) -> dict[str, Any]:
        """The assigned agent as an initiator or responder."""
        return {"id": self.agent_id, "type": "AGENT"}


def _two_topics(organization: Organization, draw: Draw) -> tuple[str, str]:
    topics = organization.usable_topic_ids
    first = draw.between(0, len(topics) - 1)
    second = (first + draw.between(1, len(topics) - 1)) % len(topics)
    return topics[first], topics[second]


def conversation_numbered(seed: int, number: int, customers: int, draw: Draw) -> Conversation:
    """Return the facts of one conversation.

    Customers take turns: the same one returns after `customers` conversations, so nobody ever
    has two conversations open at once (Gladly's data model allows one).
    """
    organization = organization_of(seed)
    agent = draw.pick(organization.agents)
    customer_number = number % customers
    channel = _TOUR[number] if number < len(_TOUR) else draw.pick(_CHANNELS)
    return Conversation(
        seed=seed,
        number=number,
        channel=channel,
        id=identifier(seed, "conversation", number),
        customer_number=customer_number,
        customer_id=customer_id(seed, customer_number),
        customer_email=customer_email(customer_number),
        customer_phone=customer_phone(customer_number),
        agent_id=agent["id"],
        agent_email=agent["emailAddress"],
        inbox_id=draw.pick(organization.usable_inbox_ids),
        session_id=identifier(seed, "session", number),
        topic_ids=_two_topics(organization, draw),
    )
