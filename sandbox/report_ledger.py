"""The events of the organisation, put in order by what they happened to: reports count these."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sandbox.reports import RecordedEvent

_ID_OF_ENTITY = {
    "AGENT_AVAILABILITY": "agentId",
    "AGENT_STATUS": "agentId",
    "CONTACT": "contactId",
    "CONVERSATION": "conversationId",
    "CONVERSATION_ASSIGNEE": "conversationId",
    "CUSTOMER": "sourceCustomerId",
    "PAYMENT_REQUEST": "paymentRequestId",
    "TASK": "taskId",
}


class Moment(NamedTuple):
    """One event as reports count it.

    Attributes:
        at: When it was recorded, in milliseconds since 1970.
        entity: What it is about, for example CONTACT.
        name: What happened to it, for example STARTED.
        by: The type of its initiator, for example AGENT.
        by_id: The id of its initiator, empty if there is none.
        content: The event's content.
    """

    at: int
    entity: str
    name: str
    by: str
    by_id: str
    content: Mapping[str, Any]

    def text(self, *path: str) -> str:
        """Return what stands at `path` in the content as text, empty where there is nothing."""
        value: Any = self.content
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return "" if value is None else str(value)

    @property
    def agent_id(self) -> str:
        """The agent who did it, empty if it was nobody of the organisation."""
        return self.by_id if self.by == "AGENT" else ""


Stories = Mapping[str, Sequence[Moment]]
"""What happened to each thing of one kind, by its id, oldest first."""


def _moment(event: RecordedEvent) -> Moment | None:
    record = event.record
    initiator, content = record.get("initiator"), record.get("content")
    entity, _, name = str(record.get("type")).partition("/")
    if entity not in _ID_OF_ENTITY or not isinstance(content, dict):
        return None
    who = initiator if isinstance(initiator, dict) else {}
    by, by_id = str(who.get("type") or ""), str(who.get("id") or "")
    return Moment(event.recorded_at, entity, name, by, by_id, content)


class Ledger:
    """All that had been recorded at one instant, by kind and id.

    Events that tell of nothing reports know, or of nothing with an id, are left out.
    """

    def __init__(self, events: Iterable[RecordedEvent]) -> None:
        self._stories: dict[str, dict[str, list[Moment]]] = defaultdict(lambda: defaultdict(list))
        for event in events:
            moment = _moment(event)
            about = moment.text(_ID_OF_ENTITY[moment.entity]) if moment is not None else ""
            if moment is not None and about:
                self._stories[moment.entity][about].append(moment)

    def stories(self, entity: str) -> Stories:
        """Return what happened to each thing of a kind, for example of CONTACT."""
        return self._stories.get(entity, {})

    def moments(self, *entities: str) -> Iterator[Moment]:
        """Yield everything that happened to things of these kinds, in no order."""
        for entity in entities:
            for story in self.stories(entity).values():
                yield from story
