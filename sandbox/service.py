"""The sandbox as one object: start it, talk to it over HTTP, steer it from the test."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.app import create_app
from sandbox.clock import SandboxClock
from sandbox.directory import Directory
from sandbox.enrichment import FollowUpReads, ReadOddities, snapshots_of
from sandbox.events import EventStream
from sandbox.export_store import ExportStore, FileContent
from sandbox.exports import JobStatus
from sandbox.faults import FaultScript
from sandbox.gate import Gate, basic_authorization
from sandbox.identities import Identities
from sandbox.latency import delayed
from sandbox.media import MediaFolder
from sandbox.rate_limit import Limits, RateLimit, ReportLimit
from sandbox.reference_history import ReferenceKind
from sandbox.report_csv import ReportOddities
from sandbox.request_log import RequestLog
from sandbox.timestamps import start_of_day
from sandbox.world import World, WorldSettings

_MORNING = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How a sandbox starts.

    Attributes:
        world: What it shows.
        now: Where its clock stands; by default 06:00 UTC on the world's last day, when the jobs
            of all earlier days are complete (on the day after, for a world of one day).
        organization: The name that stands first in a real organisation's host name.
        email: The API user.
        api_token: The API user's token at the start; `rotate_token` changes it.
        requests_per_second: The limit for each method (Gladly API reference, Rate Limit).
        reports_per_minute: The limit for reports, of all clients together (the same page).
        reports_at_once: How many reports may be under way at one time (the same page).
        port: 0 takes any free port.
        folder: Where export files are written; a temporary folder by default.
        seconds: The clock that its limits go by, and that it notes requests by.
    """

    world: WorldSettings = field(default_factory=WorldSettings)
    now: datetime | None = None
    organization: str = "sandbox"
    email: str = "api.user@example.com"
    api_token: str = "sandbox-token"  # noqa: S105 - opens nothing but the sandbox
    requests_per_second: int = 10
    reports_per_minute: int = 10
    reports_at_once: int = 2
    port: int = 0
    folder: Path | None = None
    seconds: Callable[[], float] = monotonic


def _first_morning(world: WorldSettings) -> datetime:
    last_whole_day = max(world.days - 1, 1)
    return start_of_day(world.first_day) + timedelta(days=last_whole_day) + _MORNING


class _Server(uvicorn.Server):
    """A server that says when it accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class _Protocol(H11Protocol):
    """Lets a fault close the connection: each request finds it in the state of its scope."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def _server(app: ASGIApp) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            loop="asyncio",
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # a dropped connection is an order here, not an error
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )


class Sandbox:
    """A look-alike Gladly on 127.0.0.1 over one synthetic world.

    Use it as a context manager: the server runs in a thread inside the block, and when the block
    ends its thread, port and temporary files are gone. A defect of the sandbox raises there as an
    `ExceptionGroup`; scripted faults do not.

    Attributes:
        settings: How it started.
        clock: Its present; move it to make jobs appear, finish and expire.
        world: The records behind its answers.
        events: The event stream of this world.
        faults: What will go wrong, in order.
        requests: What it was asked.
        reports: How its reports look; change it to make them odd.
        reads: How the follow-up reads look, and how slow all GETs are; likewise.
    """

    def __init__(self, settings: SandboxSettings | None = None) -> None:
        self.settings = settings or SandboxSettings()
        self.clock = SandboxClock(self.settings.now or _first_morning(self.settings.world))
        self.world = World(self.settings.world)
        self.events = EventStream(self.world)
        self.faults = FaultScript()
        self.requests = RequestLog()
        self.reports = ReportOddities()
        self.reads = ReadOddities()
        self._directory = Directory(self.world, self.clock, self.settings.organization)
        self._identities = Identities(self.events)
        self._snapshots = snapshots_of(self.world, self.clock, self._identities)
        self._failures: list[Exception] = []
        self._api_token = self.settings.api_token
        self._rate_limit = RateLimit(self.settings.requests_per_second)
        self._report_limit = ReportLimit(
            self.settings.reports_per_minute, self.settings.reports_at_once
        )
        self._resources = ExitStack()
        self._store: ExportStore | None = None
        self._port = 0
        self._stopped = Event()
        self._stopped.set()

    @property
    def organization(self) -> str:
        """The organisation's name."""
        return self.settings.organization

    @property
    def email(self) -> str:
        """The user name for HTTP Basic."""
        return self.settings.email

    @property
    def api_token(self) -> str:
        """The token that is valid now."""
        return self._api_token

    @property
    def base_url(self) -> str:
        """The address before `/api/v1`, without a slash at the end."""
        self._running_store()
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if self._failures and error is None:
            raise ExceptionGroup("The sandbox itself failed while it served", self._failures)

    def start(self) -> None:
        """Bind the port and serve from a thread; returns when requests are accepted.

        Raises:
            OSError: The port is taken.
        """
        with ExitStack() as resources:
            # asyncio switches Nagle's delay off (40 ms an answer) only where the protocol is named.
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            resources.callback(listener.close)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self.settings.port))
            self._port = listener.getsockname()[1]
            folder = self.settings.folder or Path(resources.enter_context(TemporaryDirectory()))
            self._store = ExportStore(self.world, self.clock, folder)
            server = _server(self._gate(self._app(self._store, MediaFolder(folder))))
            thread = Thread(target=server.run, args=([listener],), name="sandbox")
            thread.start()
            resources.callback(self._stop_server, server, thread)
            server.ready.wait()
            self._stopped.clear()
            self._resources = resources.pop_all()

    @staticmethod
    def _stop_server(server: _Server, thread: Thread) -> None:
        server.should_exit = True
        thread.join()

    def _app(self, store: ExportStore, media: MediaFolder) -> ASGIApp:
        reads = FollowUpReads(self._snapshots, media, self.reads)
        app = create_app(
            self.world, self.clock, store, self.events, self.reports, self._directory, reads
        )
        return delayed(app, lambda: self.reads.latency)

    def _gate(self, app: ASGIApp) -> Gate:
        return Gate(
            app,
            clock=self.clock,
            requests=self.requests,
            limits=Limits(self._rate_limit, self._report_limit, self.settings.seconds),
            faults=self.faults,
            authorization=lambda: basic_authorization(self.email, self.api_token),
            failures=self._failures,
        )

    def stop(self) -> None:
        """Stop serving and delete the temporary files; a request under way gets one second."""
        self._resources.close()
        self._store = None
        self._stopped.set()

    def wait(self) -> None:
        """Block until another thread stops the sandbox or the user interrupts."""
        # not join(): one that is interrupted takes the thread for ended (CPython before 3.13)
        self._stopped.wait()

    def rotate_token(self, api_token: str) -> None:
        """Make `api_token` the only valid one from the next request on."""
        self._api_token = api_token

    def other_clients_use(self, requests_per_second: int) -> None:
        """Let others of the organisation use so many requests of each method in every second."""
        self._rate_limit.other_clients_use(requests_per_second)

    def _running_store(self) -> ExportStore:
        if self._store is None:
            raise RuntimeError(
                "The sandbox is not running; use it as `with Sandbox(...) as sandbox:`."
            )
        return self._store

    def add_job(
        self,
        files: Mapping[str, FileContent],
        *,
        status: JobStatus = "COMPLETED",
        updated_at: datetime | None = None,
        start_at: datetime | None = None,
        end_at: datetime | None = None,
        schedule_id: str | None = None,
        job_id: str | None = None,
    ) -> str:
        """Add an export job beside the schedule's own.

        Args:
            files: Content by name. The names may be anything; a `Path` is served as it is, and
                None makes a file that the job lists and the server answers with 404.
            status: The job's status, which stays as it is.
            updated_at: When it got this status, by default now. The job is invisible before and
                14 days after.
            start_at: Start of its data window, by default a day before `end_at`.
            end_at: End of its data window, by default the midnight before `updated_at`.
            schedule_id: By default the organisation's schedule.
            job_id: Its id, which may be anything that JSON holds; by default one like Gladly's.

        Returns:
            The job's id.
        """
        return self._running_store().add(
            files,
            status=status,
            updated_at=updated_at,
            start_at=start_at,
            end_at=end_at,
            of_schedule=schedule_id,
            job_id=job_id,
        )

    def replace_file(self, job_id: str, name: str, content: bytes) -> None:
        """Change a file of a job added with `add_job`; its ETag changes too."""
        self._running_store().replace_file(job_id, name, content)

    def remove_job(self, job_id: str) -> None:
        """Take a job away, as another API user of the organisation may at any time."""
        self._running_store().remove(job_id)

    def restore_job(self, job_id: str) -> None:
        """Bring back a job that was taken away, as Gladly Support does."""
        self._running_store().restore(job_id)

    def add_event(self, record: dict[str, Any], visible_at: datetime | None = None) -> None:
        """Put a test's own event into the stream, beside the world's.

        Args:
            record: The event, whatever it looks like; it is recorded at its `timestamp`.
            visible_at: From when the Events API shows it, by default from its timestamp on.

        Raises:
            ValueError: `record` has no readable timestamp and `visible_at` is not given.
        """
        self.events.add(record, visible_at)
        self._identities.learn(record, visible_at)

    def reference(self, kind: ReferenceKind) -> list[dict[str, Any]]:
        """Return the records of a reference list that exist now, oldest first.

        Those of `answers` carry their `contents`, which the API shows one by one.
        """
        return self._directory.records(kind)

    def add_reference(self, kind: ReferenceKind, record: dict[str, Any], /) -> None:
        """Add a record to a reference list from now on.

        Args:
            kind: The list, named as in the API's paths.
            record: The record as the API shows it, its id included.

        Raises:
            ValueError: A record with this id exists already, or there is no such list.
        """
        self._directory.add(kind, record)

    def change_reference(self, kind: ReferenceKind, record_id: str, /, **fields: object) -> None:
        """Change a record of a reference list from now on; exports do not change with it.

        Args:
            kind: The list, named as in the API's paths.
            record_id: The record's id.
            fields: New values by the API's names; None takes a field away.

        Raises:
            ValueError: The record does not exist now, or there is no such list.
        """
        self._directory.change(kind, record_id, fields)

    def remove_reference(self, kind: ReferenceKind, record_id: str, /) -> None:
        """Take a record from a reference list from now on; exports do not change with it.

        Raises:
            ValueError: The record does not exist now, or there is no such list.
        """
        self._directory.remove(kind, record_id)
