"""Rows enough to go beyond the cap of a report: a test's own contacts, conversations and tasks."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from itertools import chain
from typing import Generic, NamedTuple, TypeVar

from sandbox.report_contacts import Contact, Handling
from sandbox.report_conversations import Conversation, Side
from sandbox.report_model import Models, ReportModel
from sandbox.report_rows import CHANNELS
from sandbox.report_tasks import Task
from sandbox.report_work_sessions import WorkSession
from sandbox.timestamps import MILLISECONDS_PER_DAY, start_of_day, to_milliseconds
from sandbox.world import World

_CHANNELS = sorted(channel for channels in CHANNELS.values() for channel in channels)
_LENGTH = 1_000
_Thing = TypeVar("_Thing")


class PaddedDay(NamedTuple):
    """A UTC day on which a report has so many more rows than the world gives it."""

    day: date
    rows: int


class _Padded(Generic[_Thing]):
    """What the world has and what was made up, which is made anew each time it is read."""

    def __init__(self, real: Iterable[_Thing], more: Callable[[], Iterator[_Thing]]) -> None:
        self._real = real
        self._more = more

    def __iter__(self) -> Iterator[_Thing]:
        return chain(self._real, self._more())


class PaddedModels:
    """The models of a world in which one day is crowded.

    The rows are spread evenly over the day, the channels and the inboxes, so that splitting by
    any of these helps. They are those of contacts, work sessions, conversations and tasks; reports
    of anything else have no more rows than before.
    """

    def __init__(self, models: Models, world: World, padded: PaddedDay) -> None:
        self._models = models
        self._agents = [agent["id"] for agent in world.agents]
        self._inboxes = [inbox["id"] for inbox in world.inboxes]
        self._start = to_milliseconds(start_of_day(padded.day))
        self._rows = padded.rows

    def at(self, as_of: datetime) -> ReportModel:
        """Return what reports know at `as_of`, with the rows that are over by then."""
        model = self._models.at(as_of)

        def contacts() -> Iterator[Contact]:
            return (one for one in self._contacts() if (one.ended_at or 0) <= model.as_of)

        return model._replace(
            contacts=_Padded(model.contacts, contacts),
            sessions=_Padded(model.sessions, lambda: map(_session, contacts())),
            conversations=_Padded(model.conversations, lambda: map(_conversation, contacts())),
            tasks=_Padded(model.tasks, lambda: map(_task, contacts())),
        )

    def _contacts(self) -> Iterator[Contact]:
        for number in range(self._rows):
            at = self._start + number * (MILLISECONDS_PER_DAY - _LENGTH) // self._rows
            of_inbox, channel = divmod(number, len(_CHANNELS))
            inbox_id = self._inboxes[of_inbox % len(self._inboxes)]
            agent_id = self._agents[number % len(self._agents)]
            ended_at = at + _LENGTH
            yield Contact(
                id=f"padding-contact-{number:07}",
                conversation_id=f"padding-conversation-{number:07}",
                customer_id=f"padding-customer-{number:07}",
                channel=_CHANNELS[channel],
                initiator="CUSTOMER",
                queued_at=at,
                inbox_id=inbox_id,
                inbox_when_ended=inbox_id,
                agent_when_ended=agent_id,
                accepted_at=at,
                fulfilled_at=ended_at,
                fulfilled_type="RESPONDED",
                ended_at=ended_at,
                status="ANSWERED",
                handlings=(Handling(agent_id, inbox_id, at, ended_at),),
                after_contact=0,
            )


def _session(contact: Contact) -> WorkSession:
    (handling,) = contact.handlings
    return WorkSession(
        contact,
        id=f"padding-session-{contact.id}",
        agent_id=handling.agent_id,
        accepted_at=handling.accepted_at,
        accepted_inbox_id=handling.inbox_id,
        handle=_LENGTH,
        after_contact=0,
        unknown=0,
    )


def _conversation(contact: Contact) -> Conversation:
    side = Side("AGENT", contact.agent_when_ended, contact.inbox_id, contact.agent_when_ended)
    return Conversation(
        id=contact.conversation_id,
        customer_id=contact.customer_id,
        created_at=contact.queued_at,
        status="CLOSED",
        created=side,
        current=side,
        last_closed=side,
        closes=(contact.queued_at + _LENGTH,),
        contacts=(contact,),
    )


def _task(contact: Contact) -> Task:
    return Task(
        id=contact.id.replace("contact", "task"),
        customer_id=contact.customer_id,
        created_at=contact.queued_at,
        inbox_id=contact.inbox_id,
        agent_id=contact.agent_when_ended,
        closes=(contact.queued_at + _LENGTH,),
    )
