"""Contacts: the calls and exchanges of messages that a conversation's items make up.

A contact is one call, or one run of messages on one channel (Gladly's data model). What Gladly's
voice AI says and what came from Twitter belongs to none: events have no such contact channel.
"""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from sandbox.conversations import Entry
from sandbox.identifiers import identifier
from sandbox.timestamps import parse_instant, to_milliseconds
from sandbox.world import Visit

CALL = "PHONE_CALL"
_CHANNELS = {
    "CHAT_MESSAGE": "CHAT",
    "EMAIL": "EMAIL",
    "SMS": "SMS",
    "FACEBOOK_MESSAGE": "FB_MESSENGER",
    "INSTAGRAM_DIRECT": "INSTAGRAM_DIRECT",
    "WHATSAPP": "WHATSAPP",
    "VOICEMAIL": "VOICEMAIL",
    "PHONE_CALL": CALL,
}
_ENDED_BY_STATUS = {"CLOSED": "CONVERSATION_CLOSED", "WAITING": "AGENT_ENDED"}
_NEEDS_NO_REPLY = frozenset({"EMAIL", "VOICEMAIL"})
_SILENCE = 20 * 60_000


class Contact(NamedTuple):
    """One contact, from its first message or the first ring to its end.

    Attributes:
        id: Its id.
        channel: Its channel, as events name it.
        entries: Its messages, oldest first, or its one call.
        answered_at: When a call was answered, None for one that was missed; for a contact of
            messages when an agent first wrote, or called back instead.
        ended_at: When it ended; all instants in milliseconds since 1970.
        end_reason: Why, as CONTACT/ENDED names it.
    """

    id: str
    channel: str
    entries: tuple[Entry, ...]
    answered_at: int | None
    ended_at: int
    end_reason: str

    @property
    def started_at(self) -> int:
        """When the first message came or the phone first rang."""
        return self.entries[0].active_at

    @property
    def initiator(self) -> dict[str, Any]:
        """Who began it."""
        starter: dict[str, Any] = self.entries[0].record["initiator"]
        return starter

    @property
    def is_outbound(self) -> bool:
        """Whether an agent began it."""
        return bool(self.initiator["type"] == "AGENT")


class _End(NamedTuple):
    at: int
    reason: str


class _Run(NamedTuple):
    channel: str
    entries: list[Entry]

    @property
    def started_at(self) -> int:
        return self.entries[0].active_at


def _ended_by_status(entry: Entry) -> str | None:
    content = entry.record["content"]
    if content["type"] != "CONVERSATION_STATUS_CHANGE":
        return None
    return _ENDED_BY_STATUS.get(content["status"])


def _runs(entries: Sequence[Entry]) -> list[_Run]:
    """Return runs of entries of one channel; a call, a close and a wait cut a run."""
    runs: list[_Run] = []
    is_running = False
    for entry in entries:
        channel = _CHANNELS.get(entry.record["content"]["type"])
        if channel is not None:
            if not is_running or channel == CALL or channel != runs[-1].channel:
                runs.append(_Run(channel, []))
            runs[-1].entries.append(entry)
            is_running = True
        elif _ended_by_status(entry):
            is_running = False
    return runs


def _end_of_call(call: Entry, status_end: _End | None) -> _End:
    content = call.record["content"]
    completed_at = _instant(content["completedAt"])
    if status_end is not None and status_end.at <= completed_at:
        return status_end
    is_missed = "answeredAt" not in content
    by_customer = is_missed and call.record["initiator"]["type"] == "CUSTOMER"
    return _End(completed_at, "CUSTOMER_ABANDONED" if by_customer else "AGENT_ENDED")


def _end_of_messages(channel: str, ends: Sequence[_End], last_at: int) -> _End:
    silence = "NO_REPLY_NEEDED" if channel in _NEEDS_NO_REPLY else "CUSTOMER_NO_REPLY"
    return min(ends, default=_End(last_at + _SILENCE, silence))


def _instant(text: str) -> int:
    return to_milliseconds(parse_instant(text))


def _answered_at(run: _Run, end: _End) -> int | None:
    if run.channel == CALL:
        answered = run.entries[0].record["content"].get("answeredAt")
        answers = [] if answered is None else [_instant(answered)]
    else:
        answers = [e.active_at for e in run.entries if e.record["initiator"]["type"] == "AGENT"]
        if end.reason == "STARTED_NEW":
            answers.append(end.at)
    return next((at for at in answers if at <= end.at), None)


def _end(run: _Run, following: _Run | None, status_ends: Sequence[_End], last_at: int) -> _End:
    ends = [end for end in status_ends if end.at > run.started_at]
    if run.channel == CALL:
        return _end_of_call(run.entries[0], min(ends, default=None))
    if following is not None:
        ends.append(_End(following.started_at, "STARTED_NEW"))
    return _end_of_messages(run.channel, ends, last_at)


def contacts_of(seed: int, visit: Visit) -> list[Contact]:
    """Return the contacts of a visit, oldest first.

    ```
    items      message  message   call        close
               |        |         |           |
    contacts   |--- CHAT ---------|           |
                                  |-- CALL ---|
    ```

    A run of messages ends where a contact of another channel begins, where the conversation
    closes or waits, or after some silence. A call ends when it is over, or with the conversation.
    """
    runs = _runs(visit.entries)
    status_ends = [
        _End(entry.active_at, reason)
        for entry in visit.entries
        if (reason := _ended_by_status(entry)) is not None
    ]
    contacts = []
    for index, (run, following) in enumerate(zip_longest(runs, runs[1:])):
        end = _end(run, following, status_ends, visit.entries[-1].active_at)
        contact_id = identifier(seed, "contact", visit.number, visit.chapter, index)
        answered_at = _answered_at(run, end)
        contacts.append(Contact(contact_id, run.channel, tuple(run.entries), answered_at, *end))
    return contacts
