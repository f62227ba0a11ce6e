"""Contacts as reports count them: when each was queued, taken, answered and over."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sandbox.report_ledger import Moment, Stories
from sandbox.report_tasks import Payment
from sandbox.timestamps import parse_instant, to_milliseconds

CALL = "PHONE_CALL"
_OUTBOUND = frozenset({"AGENT", "APPLICATION", "SYSTEM"})
_RULES, _API = frozenset({"AUTOMATION"}), frozenset({"API", "APPLICATION"})
_CUSTOMERS, _AGENTS = frozenset({"CUSTOMER", "EXTERNAL"}), frozenset({"AGENT"})


class Hold(NamedTuple):
    """One time a caller waited; `ended_at` is None while it lasts."""

    reason: str
    started_at: int
    ended_at: int | None


class Handling(NamedTuple):
    """One agent's work on a contact, in milliseconds since 1970.

    Attributes:
        agent_id: Who it was.
        inbox_id: The conversation's inbox when the agent took it.
        accepted_at: When the agent took it.
        left_at: When the agent passed it on or it ended; None while neither has happened.
    """

    agent_id: str
    inbox_id: str
    accepted_at: int
    left_at: int | None


class Contact(NamedTuple):
    """One contact, as far as it was recorded; instants and durations in milliseconds.

    Attributes:
        queued_at: When it entered the routing, or was started by an agent.
        handlings: Who worked on it, in order; an agent who took it twice is there once.
        messages: Messages by who wrote: customer, agent, rules, api.
        offered_to: Who was asked, in order.
        after_contact: After-contact time of all who worked on it, None until it ends.
        payments: The payment requests sent in it.
    """

    id: str
    conversation_id: str
    customer_id: str
    channel: str
    initiator: str
    queued_at: int
    inbox_id: str
    inbox_when_ended: str = ""
    agent_when_ended: str = ""
    entry_point: str = ""
    ivr_selection: str = ""
    offered_at: int | None = None
    accepted_at: int | None = None
    fulfilled_at: int | None = None
    fulfilled_type: str = ""
    due_at: int | None = None
    ended_at: int | None = None
    status: str = "OPEN"
    handlings: tuple[Handling, ...] = ()
    holds: tuple[Hold, ...] = ()
    messages: Mapping[str, int] = {}
    agent_reply: float | None = None
    customer_reply: float | None = None
    times: Mapping[str, int] = {}
    after_contact: int | None = None
    payments: tuple[Payment, ...] = ()

    @property
    def is_inbound(self) -> bool:
        """Whether it came from outside (Gladly help, Contact Export)."""
        return self.initiator not in _OUTBOUND

    @property
    def direction(self) -> str:
        """INBOUND or OUTBOUND."""
        return "INBOUND" if self.is_inbound else "OUTBOUND"

    @property
    def handle(self) -> int | None:
        """Handle time of all who worked on it, known when it is over."""
        if self.ended_at is None:
            return None
        return sum((one.left_at or one.accepted_at) - one.accepted_at for one in self.handlings)

    def hold_time(self, reason: str | None = None) -> int:
        """Return how long its caller was held, for any reason or for one."""
        return sum(
            hold.ended_at - hold.started_at
            for hold in self.holds
            if hold.ended_at is not None and reason in {None, hold.reason}
        )

    @property
    def talk(self) -> int | None:
        """Handle time without holds, for calls."""
        return self.handle - self.hold_time() if self.channel == CALL and self.handle else None

    @property
    def is_abandoned(self) -> bool:
        """Whether the customer gave up before anybody answered."""
        return self.status == "ABANDONED"


def _instant(text: str) -> int | None:
    try:
        return to_milliseconds(parse_instant(text))
    except (ValueError, OverflowError):  # none, or what a test made up
        return None


def _first(story: Sequence[Moment], name: str) -> Moment | None:
    return next((moment for moment in story if moment.name == name), None)


def _when(moment: Moment | None) -> int | None:
    return None if moment is None else moment.at


def _inbox(moment: Moment | None) -> str:
    return "" if moment is None else moment.text("context", "assignee", "inboxId")


def _handlings(story: Sequence[Moment], ended_at: int | None) -> Iterator[Handling]:
    """Yield who worked on the contact: whoever joined, until a transfer or the end.

    joined     transferred   joined                ended
      |-- agent 1 --|          |------- agent 2 -----|
    """
    seen: set[str] = set()
    for place, moment in enumerate(story):
        if moment.name != "JOINED" or not moment.agent_id or moment.agent_id in seen:
            continue
        seen.add(moment.agent_id)
        passed_on = next(
            (
                later.at
                for later in story[place + 1 :]
                if later.name == "TRANSFERRED" and later.agent_id == moment.agent_id
            ),
            ended_at,
        )
        yield Handling(moment.agent_id, _inbox(moment), moment.at, passed_on)


def _holds(story: Sequence[Moment]) -> Iterator[Hold]:
    for place, moment in enumerate(story):
        if moment.name == "HOLD_STARTED":
            ended = _first(story[place + 1 :], "HOLD_ENDED")
            yield Hold(moment.text("reason"), moment.at, _when(ended))


def _writer(moment: Moment) -> str | None:
    if moment.name not in {"MESSAGE_RECEIVED", "MESSAGE_SENT"}:
        return None
    if moment.by in _CUSTOMERS:
        return "customer"
    if moment.by in _AGENTS:
        return "agent"
    if moment.by in _RULES:
        return "rules"
    return "api" if moment.by in _API else "other"


def _mean_reply(story: Sequence[Moment], asks: str, answers: str) -> float | None:
    """Return how long one side mostly waits for the other, None if it never did."""
    waits, asked_at = [], None
    for moment in story:
        writer = _writer(moment)
        if writer == asks and asked_at is None:
            asked_at = moment.at
        elif writer == answers and asked_at is not None:
            waits.append(moment.at - asked_at)
            asked_at = None
    return sum(waits) / len(waits) if waits else None


def _times(story: Sequence[Moment]) -> Counter[str]:
    """Count what happened, refusals by their reason."""
    return Counter(
        f"{moment.name} {moment.text('reason')}"
        if moment.name in {"OFFER_REJECTED", "HOLD_STARTED"}
        else moment.name
        for moment in story
    )


def contact_of(contact_id: str, story: Sequence[Moment]) -> Contact | None:
    """Return a contact as its recorded events tell it, or None before it started."""
    started = _first(story, "STARTED")
    if started is None:
        return None
    ended, fulfilled = _first(story, "ENDED"), _first(story, "FULFILLED")
    handlings = tuple(_handlings(story, _when(ended)))
    return Contact(
        id=contact_id,
        conversation_id=started.text("conversationId"),
        customer_id=started.text("customerId"),
        channel=started.text("channel"),
        initiator=started.by,
        queued_at=started.at,
        inbox_id=_inbox(started),
        inbox_when_ended=_inbox(ended),
        agent_when_ended=handlings[-1].agent_id if ended and handlings else "",
        entry_point=started.text("entryPoint"),
        ivr_selection=started.text("finalIVRSelection"),
        offered_at=_when(_first(story, "OFFERED")),
        accepted_at=_when(_first(story, "OFFER_ACCEPTED")),
        fulfilled_at=_when(fulfilled),
        fulfilled_type="" if fulfilled is None else fulfilled.text("fulfilledType"),
        due_at=_instant(started.text("dueAt")),
        ended_at=_when(ended),
        status="OPEN" if ended is None else ended.text("status"),
        handlings=handlings,
        holds=tuple(_holds(story)),
        messages=Counter(filter(None, map(_writer, story))),
        agent_reply=_mean_reply(story, "customer", "agent"),
        customer_reply=_mean_reply(story, "agent", "customer"),
        times=_times(story),
    )


def contacts_of(stories: Stories) -> Iterator[Contact]:
    """Yield every contact that has started."""
    for contact_id, story in stories.items():
        contact = contact_of(contact_id, story)
        if contact is not None:
            yield contact
