"""Facts about Gladly and the settings a user gives, each with its source."""

from __future__ import annotations

import dataclasses
import re
from typing import Final

from dlt.common.configuration import configspec
from dlt.common.configuration.specs import BaseConfiguration
from dlt.common.typing import TSecretStrValue

from sources.gladly.reference_types import REFERENCE_LISTS
from sources.http.errors import SettingsError
from sources.http.hosts import checked_base_url

SOURCE_NAME: Final = "gladly"

# Gladly API reference, Rate Limit: GET requests a second, for the whole organisation.
REQUESTS_PER_SECOND: Final = 10

# Gladly API reference, Overview: production and sandbox hosts; regions stand before the domain.
_DOMAINS: Final = (".gladly.com", ".gladly.qa")
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")

KEEP, ERASE = "keep", "erase"

EXPORT_STREAM: Final = "gladly.export"
EVENTS_STREAM: Final = "gladly.events"
# events of types that no timestamps report holds: what is missed of them is lost
UNREPORTED_EVENTS_STREAM: Final = "gladly.events.unreported"
TIMESTAMPS_REPORTS_STREAM: Final = "gladly.timestamps_reports"
REPORTS_STREAM: Final = "gladly.reports"
WORK_SESSIONS_STREAM: Final = "gladly.work_sessions"
# of its own: nightly runs go on from where nightly runs were
BACKFILLED_SESSIONS_STREAM: Final = "gladly.work_sessions.backfill"
EVENTS_PATH: Final = "/api/v1/events"
JOBS_PATH: Final = "/api/v1/export/jobs"
SCHEDULES_PATH: Final = "/api/v1/export/schedules"
# Gladly API reference, Events: what may be asked for.
EVENT_ENTITIES: Final = (
    "AGENT_AVAILABILITY",
    "AGENT_STATUS",
    "CONTACT",
    "CONVERSATION",
    "CUSTOMER",
    "CUSTOMER_PROFILE",
    "PAYMENT_REQUEST",
    "TASK",
)
AGENTS_PATH: Final = "/api/v1/agents"


@configspec
class GladlySettings(BaseConfiguration):
    """What a user sets under ``[sources.gladly]`` or as ``SOURCES__GLADLY__...``."""

    organization: str | None = None
    """Name before ``.gladly.com``, such as ``acme`` or ``acme.us-1``; or the whole host."""
    email: str = None  # type: ignore[assignment] # dlt: required
    """E-mail address of the API user."""
    api_token: TSecretStrValue = None  # type: ignore[assignment] # dlt: required
    """API token of that user."""
    base_url: str | None = None
    """Replaces the host made from the organisation. https only, except loopback."""
    rate_share: float = 0.8
    """Share of the organisation's rate limit that this tool may use; the rest is for others."""
    wait_for_jobs: float = 300.0
    """Seconds to wait in all for export jobs that Gladly has not finished."""
    poll_every: float = 15.0
    """Seconds between two looks at them."""
    jobs_updated_after: str | None = None
    """Only jobs updated at or after this time (ISO 8601)."""
    jobs_updated_before: str | None = None
    """Only jobs updated before this time (ISO 8601)."""
    event_entities: list[str] = dataclasses.field(default_factory=lambda: [*EVENT_ENTITIES])
    """Entities to ask the Events API for."""
    reference_lists: list[str] = dataclasses.field(default_factory=lambda: [*REFERENCE_LISTS])
    """Reference lists to load, such as agents, inboxes, teams and topics."""
    public_answer_language: str | None = None
    """Language of the public answers to load, such as en-us; by default the organisation's."""
    reports: list[str] | None = None
    """Metric sets to load; by default the newest of each kind. An empty list: none."""
    report_timezone: str = "UTC"
    """Time zone whose days and hours reports count, such as America/Los_Angeles."""
    report_aggregation: str = "daily"
    """Length of buckets: halfHourly, daily, weekly, monthly or quarterly; see docs/reports.md."""
    report_channel: str | None = None
    """Limits those that can be limited to a channel, such as voice."""
    report_inboxes: list[str] | None = None
    """Limits those that can be limited to inboxes, by id."""
    report_teams: list[str] | None = None
    """Limits those that can be limited to teams, by id."""
    report_phone_numbers: list[str] | None = None
    """Inbound numbers, E.164, for the reports about menus, which are made for one number each."""
    report_trailing_days: int | None = None
    """Days to read again each time; by default as each report restates (3, 7 or 30)."""
    reports_from: str | None = None
    """The first day to load, such as 2026-01-01; by default the trailing days of a first run."""
    reports_per_minute: int = 10
    """Reports to ask for a minute. Gladly allows 10, to all of the organisation together."""
    enrichment: list[str] = dataclasses.field(default_factory=list)
    """What to read by id behind the exports: conversations, customer_profiles, tasks,
    voice_transcripts. By default nothing: it takes a request for each."""
    enrichment_max_seconds: float | None = 3600.0
    """Seconds that such reads, then files of items, may take in one run; the next one goes on."""
    enrichment_max_requests: int | None = None
    """Such reads and files in one run; by default as many as the time allows."""
    media: list[str] = dataclasses.field(default_factory=list)
    """Files of items to store: attachments, recordings, or both. By default none."""
    media_url: str | None = None
    """Where they go: a folder, or an fsspec URL such as s3://bucket/gladly; by default a folder
    of data_dir."""
    media_max_bytes: int = 256 * 1024 * 1024
    """A file that is larger is left out."""
    heal_event_gaps: bool = True
    """Fill spans whose events no run read in time from the timestamps reports."""
    on_customer_deleted: str = KEEP
    """What to do with rows of a customer deleted at Gladly: ``keep`` or ``erase``."""
    delete_after_load: bool = False
    """Delete a job at Gladly once it is loaded. Other consumers then cannot read it."""
    keep_raw: bool = True
    """Keep the files as received in the raw archive."""
    require_final_newline: bool = True
    """Take a file for whole only if it ends in a newline."""
    max_quarantined_share: float = 0.1
    """A file with more broken lines than this share fails the run: it is not the format we know."""
    package_bytes: int = 256 * 1024 * 1024
    """Small jobs share one load until their files reach this size."""


def gladly_base_url(organization: str | None, base_url: str | None) -> str:
    """Return the address of an organisation's API, without ``/api/v1`` and without a slash.

    ``acme`` is ``https://acme.gladly.com``; ``acme.us-1``, ``acme.gladly.qa`` and whole hosts
    work as well; ``base_url`` wins over all.

    Raises:
        SettingsError: neither is set, or one is malformed or unsafe.
    """
    if base_url:
        return str(checked_base_url(base_url)).rstrip("/").removesuffix("/api/v1")
    if not organization:
        raise SettingsError(
            "No organisation is set. Set SOURCES__GLADLY__ORGANIZATION to the name before "
            ".gladly.com, or organization under [sources.gladly] in .dlt/config.toml."
        )
    host = organization.strip().lower().removeprefix("https://").rstrip("/")
    if not host.endswith(_DOMAINS):
        host += _DOMAINS[0]
    if not _HOST.fullmatch(host):
        raise SettingsError(
            f"{organization!r} is not the name of a Gladly organisation. Set "
            "SOURCES__GLADLY__ORGANIZATION to the name before .gladly.com, such as acme."
        )
    return str(checked_base_url(f"https://{host}")).rstrip("/")
