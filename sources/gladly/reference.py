"""Gladly's reference lists over HTTP: read whole, freed of secrets, into the raw archive.

Source: Gladly API reference, the tags of the operations named in ``reference_types``.

Only a list that is whole tells what is gone. Gladly cuts the list of public answers, and a header
tells of other cuts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

from sources.gladly.batches import Batch, archived_batches, write_batch
from sources.gladly.declarations import AGENT, TOPIC
from sources.gladly.reference_types import (
    AUDIENCE,
    BUSINESS_HOURS,
    CUSTOM_ATTRIBUTE,
    INBOX,
    ORGANIZATION,
    PUBLIC_ANSWER,
    REFERENCE_STREAM,
    TEAM,
    WEBHOOK,
)
from sources.gladly.resources import json_of, lines_of_list
from sources.http.client import ApiClient
from sources.http.errors import GapError, HelpdeskError, RetryableError
from sources.http.faults import server_clock
from sources.http.hosts import path_segment
from sources.http.replies import Reply
from sources.http.retry import http_date
from sources.streams.archive import RawFile

_PATHS: Final = {
    AGENT.table: "/api/v1/agents",
    INBOX.table: "/api/v1/inboxes",
    TEAM.table: "/api/v1/teams",
    TOPIC.table: "/api/v1/topics",
    AUDIENCE.table: "/api/v1/audiences",
    BUSINESS_HOURS.table: "/api/v1/business-hours",
    ORGANIZATION.table: "/api/v1/organization",
    WEBHOOK.table: "/api/v1/webhooks",
}
_CUSTOM_ATTRIBUTES_PATH: Final = "/api/v1/custom-attributes"
# Gladly API reference, List Public Answers: the first 1000 by name.
_MOST_ANSWERS: Final = 1000
_LIMITED_HEADER: Final = "Gladly-Limited-Data"
_AT_ONCE: Final = 4

_WEBHOOK_TEXTS: Final = ("id", "name", "createdAt", "updatedAt", "disabledAtDueToRetryLimit")
_WEBHOOK_BOOLEANS: Final = ("hasCredentials", "enabled")
_WEBHOOK_LISTS: Final = ("events", "headerKeys")


@dataclass(frozen=True, slots=True)
class ReferenceList:
    """A list as Gladly answered it.

    Attributes:
        name: as in ``REFERENCE_LISTS``.
        lines: one JSON object a line, without secrets.
        at: the Date of the answer.
        is_whole: nothing was cut off, so what is not in it is not there.
    """

    name: str
    lines: bytes
    at: datetime
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Lists that were read at one time, in the raw archive.

    ``whole`` names those of which nothing was cut off.
    """

    job_id: str
    at: datetime
    files: tuple[RawFile, ...]
    whole: frozenset[str]


def organization_reader(client: ApiClient) -> Callable[[], Reply]:
    """Return what reads the organisation once, for all threads that need it, or fails for all."""
    lock = Lock()
    found: list[Reply | HelpdeskError] = []

    def read() -> Reply:
        with lock:
            if not found:
                try:
                    found.append(client.request("GET", _PATHS[ORGANIZATION.table]))
                except HelpdeskError as error:
                    found.append(error)
        (answer,) = found
        if isinstance(answer, HelpdeskError):
            raise answer
        return answer

    return read


def fetch_list(
    client: ApiClient,
    name: str,
    attribute_ids: Iterable[str],
    language: str | None,
    read_organization: Callable[[], Reply],
) -> ReferenceList:
    """Read one list.

    Args:
        client: For Gladly.
        name: As in ``REFERENCE_LISTS``.
        attribute_ids: The custom attributes to ask for; there is no list of them.
        language: Of public answers, such as ``es-419``; None for the API's default.
        read_organization: See ``organization_reader``; public answers need its id.

    Raises:
        GapError: Gladly has no such list, or knows none of the custom attributes.
        HelpdeskError: as ``ApiClient.request``.
    """
    if name == CUSTOM_ATTRIBUTE.table:
        return _custom_attributes(client, sorted({*attribute_ids}))
    if name == PUBLIC_ANSWER.table:
        return _public_answers(client, language, read_organization)
    if name == ORGANIZATION.table:
        reply = read_organization()
        return _list(name, _PATHS[name], [json_of(reply, _PATHS[name])], [reply])
    reply = client.request("GET", _PATHS[name])
    values = json_of(reply, _PATHS[name])
    if name == WEBHOOK.table and isinstance(values, list):
        values = [webhook_without_secrets(webhook) for webhook in values]
    return _list(name, _PATHS[name], values, [reply])


def webhook_without_secrets(webhook: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a webhook without anything that may be a secret.

    Members that the reference names stay if they hold what it says; of the address, login, query
    and fragment go. Of all other members only the name stays: they may hold anything. What is no
    object becomes null.
    """
    if not isinstance(webhook, dict):
        return None
    return {name: _without_secrets(name, value) for name, value in webhook.items()}


def is_limited(reply: Reply) -> bool:
    """Whether Gladly says that it cut an answer (API reference, ``Gladly-Limited-Data``)."""
    flag: str = reply.headers.get(_LIMITED_HEADER, "false")
    return flag.strip().lower() != "false"


def archive_lists(archive: Path, lists: Iterable[ReferenceList], at: datetime) -> Snapshot:
    """Write lists into the raw archive: all of them, or none.

    Args:
        archive: The folder of raw reference lists.
        lists: What was read.
        at: The version of their rows; no other snapshot may have it.
    """
    lists = list(lists)
    files = {f"{one.name}.jsonl": one.lines for one in lists}
    whole = sorted(one.name for one in lists if one.is_whole)
    return _snapshot(write_batch(archive, REFERENCE_STREAM, at, files, whole=whole))


def archived_snapshots(archive: Path, done: AbstractSet[str]) -> Iterator[Snapshot]:
    """Yield the snapshots in the archive; see `archived_batches`."""
    return map(_snapshot, archived_batches(archive, REFERENCE_STREAM, done))


def _snapshot(batch: Batch) -> Snapshot:
    return Snapshot(batch.job_id, batch.at, batch.files, frozenset(batch.request["whole"]))


def _custom_attributes(client: ApiClient, identifiers: list[str]) -> ReferenceList:
    def fetch(identifier: str) -> Reply | GapError:
        path = f"{_CUSTOM_ATTRIBUTES_PATH}/{path_segment(identifier)}"
        try:
            return client.request("GET", path)
        except GapError as error:
            return error

    with ThreadPoolExecutor(_AT_ONCE) as executor:
        answers = list(executor.map(fetch, identifiers))
    replies = [answer for answer in answers if isinstance(answer, Reply)]
    missing = [answer for answer in answers if isinstance(answer, GapError)]
    if missing and not replies:
        raise missing[0]
    values = [json_of(reply, _CUSTOM_ATTRIBUTES_PATH) for reply in replies]
    return _list(CUSTOM_ATTRIBUTE.table, _CUSTOM_ATTRIBUTES_PATH, values, replies)


def _public_answers(
    client: ApiClient, language: str | None, read_organization: Callable[[], Reply]
) -> ReferenceList:
    organization = read_organization().document
    identifier = organization.get("id") if isinstance(organization, dict) else None
    if not isinstance(identifier, str):
        raise RetryableError(
            f"{_PATHS[ORGANIZATION.table]} did not tell the organisation's id, without which "
            "public answers cannot be asked for. Run again later."
        )
    path = f"/api/v1/orgs/{path_segment(identifier)}/answers"
    reply = client.request("GET", path, params={"lng": language} if language else None)
    return _list(PUBLIC_ANSWER.table, path, json_of(reply, path), [reply])


def _list(name: str, path: str, values: Any, replies: Iterable[Reply]) -> ReferenceList:  # noqa: ANN401 - any JSON value
    lines = lines_of_list(values, path)
    replies = list(replies)
    times = [http_date(reply.headers.get("date")) for reply in replies]
    at = server_clock(min((time for time in times if time), default=None), f"GET {path}")
    is_cut = any(map(is_limited, replies)) or (
        name == PUBLIC_ANSWER.table and len(values) >= _MOST_ANSWERS
    )
    return ReferenceList(name, lines, at, is_whole=not is_cut)


def _without_secrets(name: str, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if name == "url":
        return _without_login(value)
    if name in _WEBHOOK_TEXTS:
        return value if isinstance(value, str) else None
    if name in _WEBHOOK_BOOLEANS:
        return value if isinstance(value, bool) else None
    if name in _WEBHOOK_LISTS and isinstance(value, list):
        return [element if isinstance(element, str) else None for element in value]
    return None


def _without_login(url: Any) -> str | None:  # noqa: ANN401 - any JSON value
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl() if host else None
