"""Conversations as reports count them: created, closed, reopened, merged."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sandbox.report_contacts import Contact
from sandbox.report_ledger import Ledger, Moment, Stories
from sandbox.report_tasks import Payment


class Side(NamedTuple):
    """Who stood where when something happened to a conversation.

    Attributes:
        by: The type of who did it.
        by_id: Their id, empty if it applies to nobody.
        inbox_id: The conversation's inbox.
        agent_id: The agent it was assigned to, empty for nobody.
    """

    by: str = ""
    by_id: str = ""
    inbox_id: str = ""
    agent_id: str = ""


class Conversation(NamedTuple):
    """One conversation, as far as it was recorded; instants in milliseconds since 1970.

    Attributes:
        status: OPEN, CLOSED or MERGED.
        closes: When it was closed, oldest first; what was closed last may be open again.
        topics: The ids of the topics it has now.
        contacts: Its contacts, oldest first.
        merged: The ids of the conversations that went up in it.
        times: How often what happened to it, by the event's name.
    """

    id: str
    customer_id: str
    created_at: int
    status: str = "OPEN"
    created: Side = Side()
    current: Side = Side()
    last_closed: Side = Side()
    closes: tuple[int, ...] = ()
    reopens: tuple[int, ...] = ()
    topics: tuple[str, ...] = ()
    contacts: tuple[Contact, ...] = ()
    merged: tuple[str, ...] = ()
    agents: frozenset[str] = frozenset()
    inboxes: frozenset[str] = frozenset()
    times: Mapping[str, int] = {}
    rule_unassignments: int = 0

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels of its contacts, each once, in order."""
        return tuple(dict.fromkeys(contact.channel for contact in self.contacts))

    @property
    def payments(self) -> tuple[Payment, ...]:
        """The payment requests sent in its contacts."""
        return tuple(payment for contact in self.contacts for payment in contact.payments)

    @property
    def handle(self) -> int:
        """Milliseconds of work on its contacts, time after them included."""
        return sum((one.handle or 0) + (one.after_contact or 0) for one in self.contacts)

    @property
    def is_eligible(self) -> bool:
        """Whether it counts for first contact resolution: closed, and begun by the customer."""
        return self.status == "CLOSED" and any(one.is_inbound for one in self.contacts)

    @property
    def is_success(self) -> bool:
        """Whether it was resolved at first contact: one contact, never reopened."""
        return self.is_eligible and len(self.contacts) == 1 and not self.reopens


def _side(moment: Moment) -> Side:
    assignee = "context", "assignee"
    inbox_id, agent_id = moment.text(*assignee, "inboxId"), moment.text(*assignee, "agentId")
    return Side(moment.by, moment.by_id, inbox_id, agent_id)


def _named(story: Iterable[Moment], name: str) -> list[Moment]:
    return [m for m in story if m.name == name and m.entity == "CONVERSATION"]


def _topics(story: Sequence[Moment]) -> tuple[str, ...]:
    topics: dict[str, None] = {}
    for moment in story:
        if moment.name == "TOPIC_ADDED":
            topics[moment.text("topicId")] = None
        elif moment.name == "TOPIC_REMOVED":
            topics.pop(moment.text("topicId"), None)
    return tuple(topics)


def _status(closes: Sequence[int], reopens: Sequence[int], *, is_merged: bool) -> str:
    if is_merged:
        return "MERGED"
    return "CLOSED" if closes and closes[-1] > max(reopens, default=-1) else "OPEN"


def conversation_of(
    conversation_id: str,
    story: Sequence[Moment],
    assignments: Sequence[Moment],
    contacts: Sequence[Contact],
    merged: Sequence[str],
    *,
    is_merged: bool,
) -> Conversation | None:
    """Return a conversation as its recorded events tell it, or None before it was created."""
    created = next(iter(_named(story, "CREATED")), None)
    if created is None:
        return None
    closed = _named(story, "CLOSED")
    closes = tuple(moment.at for moment in closed)
    reopens = tuple(moment.at for moment in _named(story, "REOPENED"))
    side = _side(created)
    assigned = [(m.text("assignee", "inboxId"), m.text("assignee", "agentId")) for m in assignments]
    inbox_id, agent_id = assigned[-1] if assigned else (side.inbox_id, side.agent_id)
    return Conversation(
        id=conversation_id,
        customer_id=created.text("customerId"),
        created_at=created.at,
        status=_status(closes, reopens, is_merged=is_merged),
        created=side,
        current=Side(inbox_id=inbox_id, agent_id=agent_id),
        last_closed=_side(closed[-1]) if closed else Side(),
        closes=closes,
        reopens=reopens,
        topics=_topics(story),
        contacts=tuple(sorted(contacts, key=lambda contact: contact.queued_at)),
        merged=tuple(merged),
        agents=frozenset(filter(None, (agent for _, agent in assigned))),
        inboxes=frozenset({side.inbox_id, *(inbox for inbox, _ in assigned)} - {""}),
        times=Counter(moment.name for moment in story if moment.entity == "CONVERSATION"),
        rule_unassignments=sum(
            moment.by == "AUTOMATION" and not moment.text("assignee", "agentId")
            for moment in assignments
        ),
    )


def _merges(stories: Stories) -> dict[str, str]:
    """Return into which conversation each merged one went."""
    return {
        moment.text("sourceConversationId"): moment.text("destinationConversationId")
        for story in stories.values()
        for moment in story
        if moment.name == "MERGED" and moment.text("sourceConversationId")
    }


def conversations_of(ledger: Ledger, contacts: Iterable[Contact]) -> Iterator[Conversation]:
    """Yield every conversation that was created, merged ones too."""
    of_conversation: dict[str, list[Contact]] = defaultdict(list)
    for contact in contacts:
        of_conversation[contact.conversation_id].append(contact)
    into = _merges(ledger.stories("CUSTOMER"))
    gone_up_in: dict[str, list[str]] = defaultdict(list)
    for source, destination in into.items():
        gone_up_in[destination].append(source)
    assignments = ledger.stories("CONVERSATION_ASSIGNEE")
    for conversation_id, story in ledger.stories("CONVERSATION").items():
        conversation = conversation_of(
            conversation_id,
            story,
            assignments.get(conversation_id, ()),
            of_conversation.get(conversation_id, ()),
            gone_up_in.get(conversation_id, ()),
            is_merged=conversation_id in into,
        )
        if conversation is not None:
            yield conversation
