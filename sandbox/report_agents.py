"""Agents as reports count them: spans of being logged in, active, away and available."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sandbox.report_ledger import Ledger, Moment
from sandbox.timestamps import parse_instant, to_milliseconds

LOGGED_IN, ACTIVE, AWAY, ANY = "LOGGED_IN", "ACTIVE", "AWAY", "Any"
AVAILABLE_FOR = {"VOICE": "Voice", "MESSAGING": "Messaging", "MAIL": "Mail", "TASK": "Task"}
_NO_REASON = "IDLE"
_BEGINS = {
    "LOGGED_IN": ACTIVE,
    "RETURNED_FROM_AWAY": ACTIVE,
    "CHANGED_ACTIVE_REASON": ACTIVE,
    "WENT_AWAY": AWAY,
}


class Span(NamedTuple):
    """Time an agent spent in one state, in milliseconds since 1970.

    Attributes:
        kind: LOGGED_IN, ACTIVE, AWAY, or what the agent was available for (Any, Voice, ...).
        context: The reason of being active or away; IDLE where none was chosen.
        ended_at: None while it lasts.
    """

    agent_id: str
    kind: str
    context: str
    started_at: int
    ended_at: int | None


def happened_at(moment: Moment) -> int:
    """Return when it happened, which may be minutes before it was recorded."""
    try:
        return to_milliseconds(parse_instant(moment.text("occurredAt")))
    except (ValueError, OverflowError):  # not said, or made up by a test
        return moment.at


def _status_spans(agent_id: str, story: Sequence[Moment]) -> Iterator[Span]:
    begun: tuple[str, str, int] | None = None
    for moment in story:
        at, kind = happened_at(moment), _BEGINS.get(moment.name)
        if begun is not None:
            yield Span(agent_id, *begun, at)
        reason = moment.text("awayReason" if kind == AWAY else "activeReason", "name")
        begun = None if kind is None else (kind, reason or _NO_REASON, at)
    if begun is not None:
        yield Span(agent_id, *begun, None)


def _while(agent_id: str, kind: str, changes: Sequence[tuple[int, bool]]) -> Iterator[Span]:
    """Yield the spans in which something held, given each change."""
    since: int | None = None
    for at, holds in changes:
        if holds and since is None:
            since = at
        elif not holds and since is not None:
            yield Span(agent_id, kind, "", since, at)
            since = None
    if since is not None:
        yield Span(agent_id, kind, "", since, None)


def channels_of(moment: Moment) -> frozenset[str]:
    """Return what an availability event says the agent is available for."""
    listed = moment.content.get("availableFor")
    known = listed if isinstance(listed, list) else []
    return frozenset(AVAILABLE_FOR[one] for one in map(str, known) if one in AVAILABLE_FOR)


def _available_spans(agent_id: str, story: Sequence[Moment]) -> Iterator[Span]:
    updates = [(happened_at(m), channels_of(m)) for m in story if m.name == "UPDATED"]
    yield from _while(agent_id, ANY, [(at, bool(channels)) for at, channels in updates])
    for channel in AVAILABLE_FOR.values():
        yield from _while(agent_id, channel, [(at, channel in chs) for at, chs in updates])


def spans_of(ledger: Ledger) -> dict[str, list[Span]]:
    """Return all spans of all agents by kind."""
    spans: dict[str, list[Span]] = defaultdict(list)
    for agent_id, moments in ledger.stories("AGENT_STATUS").items():
        story = sorted(moments, key=happened_at)
        log_ins = [(happened_at(m), m.name != "LOGGED_OUT") for m in story]
        for span in (*_status_spans(agent_id, story), *_while(agent_id, LOGGED_IN, log_ins)):
            spans[span.kind].append(span)
    for agent_id, moments in ledger.stories("AGENT_AVAILABILITY").items():
        for span in _available_spans(agent_id, sorted(moments, key=happened_at)):
            spans[span.kind].append(span)
    return spans


Spans = Mapping[str, Sequence[Span]]
"""Spans by kind."""
