"""The look-alike APIs as one application: a table of contents of their areas."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from sandbox import api_directory, api_events, api_exports, api_reports
from sandbox.answers import not_found
from sandbox.clock import SandboxClock
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
) -> Starlette:
    """Return the application that answers all requests let through by the gate.

    A new API area is one module with a `routes` function and one line here.
    """
    return Starlette(
        routes=[
            *api_directory.routes(world),
            *api_events.routes(clock, events),
            *api_exports.routes(world.settings, clock, export_store),
            *api_reports.routes(world, clock, events, reports),
        ],
        exception_handlers={404: _no_such_path},
    )
