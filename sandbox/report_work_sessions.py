"""Work sessions: each agent's part of each contact (Gladly API reference, Work Session Report)."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sandbox.identifiers import identifier
from sandbox.report_contacts import Contact, Handling

_AFTER_CONTACT_AT_MOST = 600_000


class WorkSession(NamedTuple):
    """One agent's part of a contact, or a contact nobody has (yet) a part in.

    Attributes:
        contact: The contact.
        id: Its own id; empty while the contact is open.
        agent_id: Who worked; empty while the contact is open, and if nobody did.
        accepted_at: When the agent took it, in milliseconds since 1970.
        accepted_inbox_id: The inbox it was in then.
        handle: Milliseconds of work on the contact, None while it is open.
        after_contact: Milliseconds of finishing up, likewise.
        unknown: Milliseconds after that with nothing to do that is known, likewise.
    """

    contact: Contact
    id: str = ""
    agent_id: str = ""
    accepted_at: int | None = None
    accepted_inbox_id: str = ""
    handle: int | None = None
    after_contact: int | None = None
    unknown: int | None = None

    @property
    def anchor(self) -> int:
        """The instant whose window it is in: the end of the contact, or its start while open."""
        return self.contact.queued_at if self.contact.ended_at is None else self.contact.ended_at


class Work(NamedTuple):
    """What ends the time after a contact, each list sorted, in milliseconds since 1970.

    Attributes:
        begins: When each agent took contacts.
        closes: When each conversation closed.
        as_of: The last instant that is recorded.
    """

    begins: Mapping[str, Sequence[int]]
    closes: Mapping[str, Sequence[int]]
    as_of: int


def _next(instants: Sequence[int], at: int) -> int | None:
    place = bisect_right(instants, at)
    return instants[place] if place < len(instants) else None


def _closed_by(instants: Sequence[int], at: int) -> int | None:
    """Return the first close at or after `at`: one may be what ended the contact."""
    return _next(instants, at - 1)


def _gap(contact: Contact, handling: Handling, left_at: int, work: Work) -> int:
    """Return what lies between an agent's part and what comes next, as far as it is recorded.

    part of the contact      next contact, or the close
    |------------------|.......|
                       | 10 min| after-contact time, what follows is unknown time
                       |----:  |
                          as_of: grows with every later look, until something comes next
    """
    stops = [
        _next(work.begins.get(handling.agent_id, ()), left_at),
        _closed_by(work.closes.get(contact.conversation_id, ()), left_at),
        work.as_of,
    ]
    return max(min(stop for stop in stops if stop is not None) - left_at, 0)


def _session(contact: Contact, handling: Handling, work: Work) -> WorkSession:
    left_at = handling.accepted_at if handling.left_at is None else handling.left_at
    gap = _gap(contact, handling, left_at, work)
    after_contact = min(gap, _AFTER_CONTACT_AT_MOST)
    return WorkSession(
        contact,
        id=identifier(0, f"work session {contact.id} {handling.agent_id}"),
        agent_id=handling.agent_id,
        accepted_at=handling.accepted_at,
        accepted_inbox_id=handling.inbox_id,
        handle=left_at - handling.accepted_at,
        after_contact=after_contact,
        unknown=gap - after_contact,
    )


def sessions_of(contact: Contact, work: Work) -> list[WorkSession]:
    """Return a contact's work sessions: one an agent, and one without where nobody worked.

    While the contact is open there is one, without an id and without an agent.
    """
    if contact.ended_at is None:
        return [WorkSession(contact)]
    if not contact.handlings:
        return [WorkSession(contact, id=identifier(0, f"work session {contact.id}"))]
    return [_session(contact, handling, work) for handling in contact.handlings]


def begins_of(contacts: Iterable[Contact]) -> dict[str, list[int]]:
    """Return when each agent took contacts, sorted."""
    begins: dict[str, list[int]] = defaultdict(list)
    for contact in contacts:
        for handling in contact.handlings:
            begins[handling.agent_id].append(handling.accepted_at)
    return {agent_id: sorted(instants) for agent_id, instants in begins.items()}


def with_after_contact(sessions: Sequence[WorkSession]) -> Iterator[WorkSession]:
    """Yield the sessions of one contact, the contact with their after-contact time."""
    known = [one.after_contact for one in sessions if one.after_contact is not None]
    total = sum(known) if sessions[0].contact.ended_at is not None else None
    contact = sessions[0].contact._replace(after_contact=total)
    for session in sessions:
        yield session._replace(contact=contact)
