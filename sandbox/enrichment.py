"""How the follow-up reads behave: what they leave out, and how slow they are."""

from dataclasses import dataclass
from typing import NamedTuple

from sandbox.clock import SandboxClock
from sandbox.identities import Identities
from sandbox.media import MediaFolder
from sandbox.snapshot import Snapshot, Snapshots
from sandbox.timelines import Timelines
from sandbox.timestamps import to_milliseconds
from sandbox.world import World


@dataclass(slots=True)
class ReadOddities:
    """How the follow-up reads of a sandbox look; a change counts from the next request on.

    Lists longer than a limit are cut, and `Gladly-Limited-Data` says so (Gladly API reference).

    Attributes:
        latency: Real seconds by which every answer to a GET is kept back; others go on meanwhile.
        items_of_a_conversation: The most items in a list, the oldest ones.
        conversations_of_a_customer: The most conversations in a list, the oldest ones.
        tasks_of_a_customer: The most tasks in a list, the newest ones.
        comments_of_a_task: The most comments in a list, the oldest ones.
        redirects_recordings: Whether a recording is answered with 303, as an attachment is,
            rather than with its bytes, as the reference has it.
        media_address: Where redirects lead instead of this sandbox: scheme, host and port.
    """

    latency: float = 0.0
    items_of_a_conversation: int = 1000
    conversations_of_a_customer: int = 100
    tasks_of_a_customer: int = 2000
    comments_of_a_task: int = 1000
    redirects_recordings: bool = False
    media_address: str | None = None


def snapshots_of(world: World, clock: SandboxClock, identities: Identities) -> Snapshots:
    """Return what makes a snapshot of the clock's present for each request."""
    timelines = Timelines(world)

    def at_present() -> Snapshot:
        now = to_milliseconds(clock.now())
        return Snapshot(timelines, identities.at(now), now)

    return at_present


class FollowUpReads(NamedTuple):
    """What the routes of the follow-up reads share.

    Attributes:
        snapshots: Makes a snapshot of the clock's present.
        media: Where the bytes of attachments and recordings lie.
        oddities: How the answers look.
    """

    snapshots: Snapshots
    media: MediaFolder
    oddities: ReadOddities
