"""The look-alike APIs as one application: a table of contents of their areas."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from sandbox import (
    api_answers,
    api_conversations,
    api_customers,
    api_directory,
    api_events,
    api_exports,
    api_media,
    api_reports,
    api_tasks,
)
from sandbox.answers import not_found
from sandbox.clock import SandboxClock
from sandbox.directory import Directory
from sandbox.enrichment import FollowUpReads
from sandbox.events import EventStream
from sandbox.export_store import ExportStore
from sandbox.report_csv import ReportOddities
from sandbox.world import World


async def _no_such_path(_: Request, __: Exception) -> Response:
    return not_found()


def create_app(
    world: World,
    clock: SandboxClock,
    export_store: ExportStore,
    events: EventStream,
    reports: ReportOddities,
    directory: Directory,
    reads: FollowUpReads,
) -> Starlette:
    """Return the application that answers all requests let through by the gate.

    A new API area is one module with a `routes` function and one line here.
    """
    return Starlette(
        routes=[
            *api_answers.routes(directory),
            *api_conversations.routes(reads.snapshots, reads.oddities),
            *api_customers.routes(reads.snapshots, reads.oddities),
            *api_directory.routes(world, directory),
            *api_events.routes(clock, events),
            *api_exports.routes(world.settings, clock, export_store),
            *api_media.routes(reads.snapshots, reads.media, reads.oddities),
            *api_reports.routes(world, clock, events, reports, directory),
            *api_tasks.routes(reads.snapshots, reads.oddities),
        ],
        exception_handlers={404: _no_such_path},
    )
