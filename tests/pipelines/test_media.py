"""Attachments and recordings: in the store byte for byte, each fetched once, whatever happens."""

import hashlib
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pipelines import media as media_module
from pipelines.doctor import Verdict, attempt, check_media
from pipelines.erase import EraseReport, erase_deleted_customers
from pipelines.gladly_tables import GLADLY_TABLES
from pipelines.media_store import MediaStore, StoredFile, open_media_store
from pipelines.runner import Target
from pipelines.warehouse import Warehouse
from sandbox import Sandbox, SandboxSettings, WorldSettings
from sandbox.faults import answer_html, answer_status, drop_after
from sources.gladly.event_types import EVENTS_FILE
from sources.gladly.identity import DELETED_CUSTOMERS
from sources.gladly.media import MediaKind, stored_name
from sources.gladly.selection import MEDIA
from sources.http.errors import GiveUpError, HelpdeskError, RetryableError, SettingsError
from sources.tables.parquet import write_rows
from tests.pipelines.media import (
    BOTH,
    ITEM_TABLES,
    NOW,
    ContentServer,
    bytes_at_gladly,
    content_of,
    content_server,
    media_asked_for,
    media_rows,
    media_run,
    store_media,
    stored,
    told_of,
)
from tests.pipelines.references import load_export
from tests.pipelines.runs import DESTINATIONS, ITEMS, duckdb_target, read_tables, run
from tests.pipelines.test_erasing_runs import delete

WORLD = WorldSettings(items=600, days=2)
NAME = re.compile(r"(attachments|recordings)/([0-9a-f]{2})/(?=\2)[0-9a-f]{64}")
OF_ITEMS = "/api/v1/conversation-items/*"


class KilledError(BaseException):
    """Ends a run as a kill does: nothing of ours catches it."""


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, owner: type, method: str) -> Iterator[None]:
    """Kill what runs in the block when it comes to a method."""

    def killed(*_: object, **__: object) -> NoReturn:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(owner, method, killed)
        with pytest.raises(KilledError):
            yield


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(SandboxSettings(world=WORLD, requests_per_second=100_000)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def loaded(running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder into which a run has loaded all items, and no media."""
    target = duckdb_target(tmp_path_factory.mktemp("loaded"))
    run(running, target)
    return target.data


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    running.requests.clear()
    before = running.clock.now()
    yield running
    running.clock.set(before)
    running.faults.clear()
    running.reads.redirects_recordings = False
    running.reads.media_address = None


@pytest.fixture
def target(loaded: Path, tmp_path: Path) -> Target:
    shutil.copytree(loaded, tmp_path / "data")
    return duckdb_target(tmp_path / "data")


@pytest.fixture
def elsewhere() -> Iterator[ContentServer]:
    with content_server() as server:
        yield server


def check_all_is_stored(sandbox: Sandbox, target: Target, place: str | Path) -> None:
    """Every medium has its row and its file, byte for byte; nothing else is in the store."""
    rows, files = media_rows(target), stored(place)
    assert rows.keys() == told_of(target)
    assert {row["outcome"] for row in rows.values()} == {"stored"}
    assert {row["path"] for row in rows.values()} == files.keys()
    assert all(map(NAME.fullmatch, files))
    for (item_id, _, media_id), row in rows.items():
        content = files[row["path"]]
        assert content == bytes_at_gladly(sandbox, item_id, media_id)
        assert (row["bytes"], row["sha256"]) == (
            len(content),
            hashlib.sha256(content).hexdigest(),
        )


# -- what is stored ----------------------------------------------------------------------------


@pytest.mark.parametrize("redirects_recordings", [True, False])
@pytest.mark.parametrize("is_elsewhere", [True, False])
def test_every_file_is_stored_as_gladly_has_it(
    sandbox: Sandbox,
    target: Target,
    elsewhere: ContentServer,
    *,
    is_elsewhere: bool,
    redirects_recordings: bool,
) -> None:
    elsewhere.content = content_of(sandbox)
    sandbox.reads.redirects_recordings = redirects_recordings
    if is_elsewhere:
        sandbox.reads.media_address = elsewhere.address
    report = store_media(sandbox.base_url, target)
    check_all_is_stored(sandbox, target, target.data / "media")
    told = told_of(target)
    kinds = Counter(kind for _, kind, _ in told)
    assert min(kinds["attachment"], kinds["recording"]) > 3
    assert (report.media.stored, report.media.failed) == (len(told), 0)
    assert report.media.bytes == sum(map(len, stored(target.data / "media").values()))
    redirected = len(told) if redirects_recordings else kinds["attachment"]
    assert len(elsewhere.received) == (redirected if is_elsewhere else 0)
    for _, headers in elsewhere.received:
        assert not {"authorization", "cookie"} & headers.keys()
    types = {row["content_type"] for (_, kind, _), row in media_rows(target).items() if kind}
    assert None not in types


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_what_is_new_is_stored_and_what_is_known_not_asked_for(
    destination: str, sandbox: Sandbox, target: Target, tmp_path: Path, postgres: str
) -> None:
    told = sorted({item_id for item_id, _, _ in told_of(target)})
    items = [sandbox._snapshots().item(item_id) for item_id in told]
    target = DESTINATIONS[destination](tmp_path / destination, postgres)
    for day, some in enumerate((items[::2], items)):
        load_export(target, ITEMS, some, made_at=NOW + timedelta(days=day))
        store_media(sandbox.base_url, target)
        check_all_is_stored(sandbox, target, target.data / "media")
    assert len(media_asked_for(sandbox)) == len(told_of(target))
    # versions that tell the same change nothing
    load_export(target, ITEMS, items, made_at=NOW + timedelta(days=2))
    report = store_media(sandbox.base_url, target)
    assert report.media.stored == 0
    assert len(media_asked_for(sandbox)) == len(told_of(target))


def test_a_run_stores_the_kinds_that_are_wished_for(sandbox: Sandbox, target: Target) -> None:
    for wish, kinds in (
        ([], set[str]()),
        (["recordings"], {"recording"}),
        (BOTH, {"recording", "attachment"}),
    ):
        sandbox.requests.clear()
        report = media_run(sandbox, target, media=wish)
        assert {kind for _, kind, _ in media_rows(target)} == kinds
        assert len(media_asked_for(sandbox)) == report.media.stored
    check_all_is_stored(sandbox, target, target.data / "media")


def test_an_attachment_listed_twice_is_one_file(target: Target, elsewhere: ContentServer) -> None:
    elsewhere.content = lambda _: (200, {}, b"bytes")
    again = {"id": "again", "contentType": "image/png"}
    content = {"type": "SMS", "attachments": [again, again, {"id": ""}, {"filename": "x"}]}
    fresh = duckdb_target(target.data / "fresh")
    load_export(fresh, ITEMS, [{"id": "item", "content": content}], made_at=NOW)
    store_media(elsewhere.address, fresh)
    assert [*media_rows(fresh)] == [("item", "attachment", "again")]
    assert len(elsewhere.received) == 1


# -- names -------------------------------------------------------------------------------------

HOSTILE = ["../../up", "/etc/passwd", "..%2f", "a/b\\c", "nul\u0000", "x" * 300, "é ☃", "con:", "."]


def test_no_id_leads_out_of_the_store_or_into_another_path(
    tmp_path: Path, elsewhere: ContentServer
) -> None:
    target = duckdb_target(tmp_path / "data")
    elsewhere.content = lambda path: (200, {}, path.encode())
    ids = [each for each in HOSTILE if "\u0000" not in each]
    items = [
        {"id": each, "content": {"type": "SMS", "attachments": [{"id": one} for one in ids]}}
        for each in ids
    ]
    load_export(target, ITEMS, items, made_at=NOW)
    before = {path for path in tmp_path.rglob("*") if "data/media" not in str(path)}
    report = store_media(elsewhere.address, target)
    assert {path for path in tmp_path.rglob("*") if "data/media" not in str(path)} == before
    files, rows = stored(tmp_path / "data" / "media"), media_rows(target)
    usable = [each for each in ids if each != "."]
    assert (report.media.stored, len(files)) == (len(usable) ** 2, len(usable) ** 2)
    assert all(map(NAME.fullmatch, files))
    assert all(path.startswith("/api/v1/conversation-items/") for path, _ in elsewhere.received)
    assert all(path.count("/") == 6 for path, _ in elsewhere.received)
    # what cannot be asked for is told, and never asked for
    dotted = {key for key, row in rows.items() if row["outcome"] == "refused"}
    assert dotted == {(a, "attachment", b) for a in ids for b in ids if "." in (a, b)}


def test_names_differ_where_ids_do() -> None:
    ids = ["", "a", "b", "ab", 'a"', 'a","b', "a/b", "recording", *HOSTILE]
    names = {stored_name(kind, one, other) for kind in MediaKind for one in ids for other in ids}
    assert len(names) == len(MediaKind) * len(ids) ** 2
    assert all(map(NAME.fullmatch, names))


# -- kills -------------------------------------------------------------------------------------


def test_what_was_stored_before_a_kill_is_not_fetched_again(
    sandbox: Sandbox, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_module, "_BATCH_FILES", 4)
    with killed_at(monkeypatch, Warehouse, "load"):
        store_media(sandbox.base_url, target)
    assert media_rows(target) == {}
    safe = stored(target.data / "media")
    assert len(safe) >= 4
    fetched = media_asked_for(sandbox)
    store_media(sandbox.base_url, target)
    check_all_is_stored(sandbox, target, target.data / "media")
    asked = Counter(media_asked_for(sandbox))
    # only those under way when the kill came are asked for a second time, if at all
    assert max(asked.values()) <= 2
    assert len(fetched) - len(safe) >= sum(count - 1 for count in asked.values())
    read_back = [row for row in media_rows(target).values() if row["path"] in safe]
    assert len(read_back) == len(safe)


def test_a_kill_before_a_file_is_in_the_store_costs_its_download_only(
    sandbox: Sandbox, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed_at(monkeypatch, MediaStore, "put"):
        store_media(sandbox.base_url, target)
    assert stored(target.data / "media") == {}
    assert media_rows(target) == {}
    store_media(sandbox.base_url, target)
    check_all_is_stored(sandbox, target, target.data / "media")


# -- what does not come ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "outcome"), [(404, "gone"), (410, "gone"), (400, "refused"), (403, "refused")]
)
def test_what_gladly_does_not_give_is_remembered_and_not_asked_for_again(
    sandbox: Sandbox, target: Target, status: int, outcome: str
) -> None:
    sandbox.faults.on(OF_ITEMS, 1, answer_status(status))
    report = store_media(sandbox.base_url, target)
    rows = media_rows(target)
    (missing,) = (row for row in rows.values() if row["outcome"] != "stored")
    assert (missing["outcome"], missing["path"], missing["sha256"]) == (outcome, None, None)
    assert f"answered {status}" in missing["reason"]
    assert (report.media.gone + report.media.refused, report.media.failed) == (1, 0)
    assert rows.keys() == told_of(target)
    sandbox.requests.clear()
    store_media(sandbox.base_url, target)
    assert media_asked_for(sandbox) == []


def test_a_refusal_is_asked_about_again_after_a_month(sandbox: Sandbox, target: Target) -> None:
    sandbox.faults.on(OF_ITEMS, 1, answer_status(403))
    store_media(sandbox.base_url, target)
    asked_at = sandbox.clock.now()
    sandbox.requests.clear()
    store_media(sandbox.base_url, target, now=asked_at + timedelta(days=30))
    assert media_asked_for(sandbox) == []
    sandbox.clock.advance(timedelta(days=31))
    store_media(sandbox.base_url, target, now=sandbox.clock.now())
    assert len(media_asked_for(sandbox)) == 1
    check_all_is_stored(sandbox, target, target.data / "media")


def test_what_was_gone_is_asked_for_again_once_a_later_export_tells_of_it(
    sandbox: Sandbox, target: Target
) -> None:
    sandbox.faults.on(OF_ITEMS, 1, answer_status(404))
    store_media(sandbox.base_url, target, ["recordings"])
    (item_id,) = (key[0] for key, row in media_rows(target).items() if row["outcome"] == "gone")
    sandbox.requests.clear()
    load_export(target, ITEMS, [sandbox._snapshots().item(item_id)], made_at=NOW)
    store_media(sandbox.base_url, target, ["recordings"])
    assert len(media_asked_for(sandbox)) == 1
    assert {row["outcome"] for row in media_rows(target).values()} == {"stored"}
    store_media(sandbox.base_url, target, ["recordings"])
    assert len(media_asked_for(sandbox)) == 1


def test_a_recording_that_was_deleted_at_gladly_is_not_asked_for(
    sandbox: Sandbox, target: Target
) -> None:
    (first, *_) = sorted(item for item, kind, _ in told_of(target) if kind == "recording")
    record = sandbox._snapshots().item(first)
    assert record is not None
    record = {**record, "content": {**record["content"], "recordingStatus": "DELETED"}}
    load_export(target, ITEMS, [record], made_at=NOW)
    store_media(sandbox.base_url, target)
    assert (first, "recording", "recording") not in media_rows(target)
    assert not [path for path in media_asked_for(sandbox) if first in path]


def test_a_file_beyond_the_bound_is_left_out_until_the_bound_allows_it(
    sandbox: Sandbox, target: Target
) -> None:
    report = store_media(sandbox.base_url, target, max_bytes=100_000)
    large = [row for row in media_rows(target).values() if row["outcome"] == "too_large"]
    assert report.media.too_large == len(large) > 3
    assert all(row["bytes"] > 100_000 and row["path"] is None for row in large)
    assert max(map(len, stored(target.data / "media").values())) <= 100_000
    sandbox.requests.clear()
    store_media(sandbox.base_url, target, max_bytes=100_000)
    assert media_asked_for(sandbox) == []
    store_media(sandbox.base_url, target)
    assert len(media_asked_for(sandbox)) == len(large)
    check_all_is_stored(sandbox, target, target.data / "media")


def test_a_page_of_a_captive_portal_is_no_recording(sandbox: Sandbox, target: Target) -> None:
    sandbox.faults.on(OF_ITEMS, 3, answer_html())
    store_media(sandbox.base_url, target)
    check_all_is_stored(sandbox, target, target.data / "media")


def test_a_file_that_broke_off_is_fetched_again(sandbox: Sandbox, target: Target) -> None:
    sandbox.faults.on("/media/*", 3, drop_after(500))
    sandbox.faults.on("*/media/recording", 3, drop_after(500))
    store_media(sandbox.base_url, target)
    check_all_is_stored(sandbox, target, target.data / "media")


def test_one_that_fails_stops_no_other_and_comes_the_next_time(
    sandbox: Sandbox, target: Target
) -> None:
    unlucky = min(item for item, kind, _ in told_of(target) if kind == "recording")
    sandbox.faults.on(f"*/{unlucky}/media/recording", 6, answer_status(503))
    with pytest.raises(RetryableError, match="503"):
        store_media(sandbox.base_url, target)
    assert told_of(target) - media_rows(target).keys() == {(unlucky, "recording", "recording")}
    store_media(sandbox.base_url, target)
    check_all_is_stored(sandbox, target, target.data / "media")


@pytest.mark.parametrize(("status", "kind"), [(503, RetryableError), (403, GiveUpError)])
def test_an_outage_is_not_asked_about_file_by_file(
    sandbox: Sandbox,
    target: Target,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    kind: type[HelpdeskError],
) -> None:
    monkeypatch.setattr(media_module, "_AT_ONCE", 2)
    sandbox.faults.on("*", 10_000, answer_status(status))
    with pytest.raises(kind, match=str(status)):
        store_media(sandbox.base_url, target)
    assert len({*media_asked_for(sandbox)}) <= 3 + 2 * 2 < len(told_of(target))
    assert stored(target.data / "media") == {}


def test_refused_credentials_stop_it_at_once(sandbox: Sandbox, target: Target) -> None:
    sandbox.faults.on("*", 10_000, answer_status(401))
    with pytest.raises(GiveUpError, match="API token"):
        store_media(sandbox.base_url, target)
    assert len(media_asked_for(sandbox)) <= 8
    assert media_rows(target) == {}
    sandbox.faults.clear()
    store_media(sandbox.base_url, target)
    check_all_is_stored(sandbox, target, target.data / "media")


def test_pages_and_failures_between_them_lose_and_double_nothing(
    sandbox: Sandbox, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_module, "_PAGE", 3)
    monkeypatch.setattr(media_module, "FAULTS_OF_AN_OUTAGE", 1000)
    monkeypatch.setattr(media_module, "_BATCH_FILES", 2)
    unlucky = sorted(item for item, kind, _ in told_of(target) if kind == "recording")[::2]
    for item_id in unlucky:
        sandbox.faults.on(f"*/{item_id}/media/recording", 6, answer_status(503))
    with pytest.raises(RetryableError):
        store_media(sandbox.base_url, target)
    missing = {(item_id, "recording", "recording") for item_id in unlucky}
    assert told_of(target) - media_rows(target).keys() == missing
    counts = Counter(media_asked_for(sandbox))
    assert {*counts.values()} == {1, 6}
    store_media(sandbox.base_url, target)
    check_all_is_stored(sandbox, target, target.data / "media")


# -- time runs out -----------------------------------------------------------------------------


def test_the_newest_come_first_and_the_next_run_goes_on(sandbox: Sandbox, target: Target) -> None:
    times = {
        row["id"]: row["timestamp"]
        for row in read_tables(target, ITEM_TABLES)["conversation_items"]
    }
    reports = []
    while told_of(target) != media_rows(target).keys():
        allowed = iter([True] * 5)
        before = media_rows(target).keys()
        report = store_media(
            sandbox.base_url,
            target,
            may_go_on=lambda: next(allowed, False),  # noqa: B023 - used within its turn
        )
        reports.append(report)
        new = media_rows(target).keys() - before
        waiting = told_of(target) - media_rows(target).keys()
        assert 0 < len(new) <= 5
        assert min(times[item] for item, _, _ in new) >= max(
            (times[item] for item, _, _ in waiting), default=min(times.values())
        )
    assert [report.media.is_unfinished for report in reports[:-1]] == [True] * (len(reports) - 1)
    assert len(media_asked_for(sandbox)) == len(told_of(target))
    check_all_is_stored(sandbox, target, target.data / "media")


# -- stores ------------------------------------------------------------------------------------


def test_a_store_can_be_any_place_of_fsspec(sandbox: Sandbox, target: Target) -> None:
    url = f"memory://{target.data.parent.name}/media"
    store_media(sandbox.base_url, target, url=url)
    check_all_is_stored(sandbox, target, url)
    assert not (target.data / "media").exists()
    sandbox.requests.clear()
    store_media(sandbox.base_url, target, url=url)
    assert media_asked_for(sandbox) == []


def test_a_store_that_refuses_is_told_and_nothing_is_taken_for_stored(
    sandbox: Sandbox, target: Target
) -> None:
    place = target.data / "a file"
    place.write_text("")
    with pytest.raises(GiveUpError, match=r"store of attachments and recordings .*a file"):
        store_media(sandbox.base_url, target, url=str(place))
    assert media_rows(target) == {}
    assert len(media_asked_for(sandbox)) <= 8


def test_the_doctor_says_whether_the_store_can_be_used(tmp_path: Path) -> None:
    (check,) = check_media(BOTH, None, tmp_path)
    assert (check.verdict, str(tmp_path / "media") in check.found) == (Verdict.OK, True)
    (tmp_path / "file").write_text("")
    (check,) = attempt("media", lambda: check_media(BOTH, str(tmp_path / "file"), tmp_path))
    assert check.verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"media": ["pictures"]}, "media names pictures, .*Known are attachments, recordings"),
        ({"media_max_bytes": 0}, "media_max_bytes is 0"),
        ({"media_url": "s3://bucket/gladly"}, "pip install s3fs"),
        ({"media_url": "gs://bucket/gladly"}, "pip install gcsfs"),
        ({"media_url": "nowhere://user:hidden-word@host"}, "begins with nowhere://"),
        ({"media_url": "https://hidden-word.example.com/"}, "no place that files can be stored"),
        ({"media_url": "simplecache::s3://bucket"}, "no place that files can be stored"),
        ({"media_url": " "}, "no place that files can be stored"),
    ],
)
def test_settings_that_cannot_work_are_told_before_anything_is_asked(
    sandbox: Sandbox, tmp_path: Path, changed: dict[str, object], says: str
) -> None:
    with pytest.raises(SettingsError, match=says) as raised:
        media_run(sandbox, duckdb_target(tmp_path), **changed)
    assert "hidden-word" not in str(raised.value)
    assert len(sandbox.requests) == 0


class Bucket(MemoryFileSystem):  # type: ignore[misc] # fsspec has no types
    """A place that calls itself an object store, and notes the names it is given."""

    protocol = "s3"
    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self.put_names: list[str] = []

    def put_file(self, lpath: str, rpath: str, **options: object) -> None:
        self.put_names.append(rpath)
        super().put_file(lpath, rpath, **options)


def test_an_object_store_gets_each_file_by_one_upload(tmp_path: Path) -> None:
    bucket, source = Bucket(), tmp_path / "source"
    store = MediaStore(bucket, "/bucket/gladly/", "s3://bucket/gladly")
    source.write_bytes(b"content")
    assert store.find("recordings/ab/abc") is None
    store.put(source, "recordings/ab/abc")
    assert bucket.put_names == ["/bucket/gladly/recordings/ab/abc"]
    found = store.find("recordings/ab/abc")
    assert found == StoredFile(7, hashlib.sha256(b"content").hexdigest())
    assert not source.exists()
    assert store.delete(["recordings/ab/abc", "recordings/ab/abd"]) == 1
    assert store.find("recordings/ab/abc") is None


@pytest.mark.parametrize("is_folder", [True, False])
def test_what_a_kill_left_of_a_file_is_deleted_with_it(tmp_path: Path, *, is_folder: bool) -> None:
    place = str(tmp_path / "store") if is_folder else f"memory://{tmp_path.name}/parts"
    files, root = fsspec.core.url_to_fs(place)
    files.makedirs(f"{root}/recordings/ab", exist_ok=True)
    for name in ("abc", "abc.part", "abd.part", "abe"):
        files.pipe_file(f"{root}/recordings/ab/{name}", b"content")
    store = open_media_store(place, tmp_path)
    assert store.delete(["recordings/ab/abc", "recordings/ab/abd", "recordings/ac/ac"]) == 1
    assert [*stored(place)] == ["recordings/ab/abe"]


def test_a_store_on_another_disk_gets_whole_files(tmp_path: Path) -> None:
    other = Path("/dev/shm")  # noqa: S108 - a disk of another kind, where there is one
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has one disk only")
    source = other / f"helpdesk-{tmp_path.name}"
    source.write_bytes(b"content" * 1_000_000)
    store = open_media_store(str(tmp_path / "store"), tmp_path)
    store.put(source, "recordings/ab/abc")
    assert not source.exists()
    assert stored(tmp_path / "store") == {"recordings/ab/abc": b"content" * 1_000_000}


# -- erasing -----------------------------------------------------------------------------------


def customer_with_both(target: Target) -> str:
    """Return a customer whose items have attachments and recordings, as far as there is one."""
    items = {
        row["id"]: row["customer_id"]
        for row in read_tables(target, ITEM_TABLES)["conversation_items"]
    }
    kinds: dict[str, set[str]] = {}
    for item_id, kind, _ in told_of(target):
        kinds.setdefault(items[item_id], set()).add(kind)
    return max(sorted(kinds), key=lambda customer: len(kinds[customer]))


def files_of(target: Target, customer: str) -> set[str]:
    items = {
        row["id"]: row["customer_id"]
        for row in read_tables(target, ITEM_TABLES)["conversation_items"]
    }
    return {
        stored_name(MediaKind(kind), item_id, media_id)
        for item_id, kind, media_id in told_of(target)
        if items[item_id] == customer
    }


def erase(
    target: Target, folder: Path, delete_media: Callable[[Iterable[str]], int] | None = None
) -> EraseReport:
    """Erase who was deleted, as a run does."""
    warehouse = target.warehouse(folder / "erase").declare()
    store = open_media_store(None, target.data)
    archive = target.data / "raw" / "gladly"
    delete_media = delete_media or store.delete
    return erase_deleted_customers(warehouse, GLADLY_TABLES, archive, [], delete_media, NOW)


def tell_of_deletion(target: Target, folder: Path, customer: str) -> None:
    row = {"customer_id": customer, "evidence": "test"}
    lineage = {"_extracted_at": NOW, "_job_id": "evidence", "_file": "evidence", "_line": 1}
    warehouse = target.warehouse(folder / "dlt")
    warehouse.prepare()
    warehouse.load([write_rows(folder / "rows", DELETED_CUSTOMERS, [row | lineage])])


@pytest.mark.parametrize("is_recorded", [True, False])
def test_erasing_a_customer_deletes_its_files_and_no_others(
    sandbox: Sandbox,
    target: Target,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_recorded: bool,
) -> None:
    if is_recorded:
        store_media(sandbox.base_url, target)
    else:
        with killed_at(monkeypatch, Warehouse, "load"):
            store_media(sandbox.base_url, target)
    gone = customer_with_both(target)
    files, of_the_gone = stored(target.data / "media"), files_of(target, gone)
    assert of_the_gone < files.keys()
    tell_of_deletion(target, tmp_path, gone)
    report = erase(target, tmp_path)
    assert report.files == len(of_the_gone) > 0
    left = stored(target.data / "media")
    assert left.keys() == files.keys() - of_the_gone
    assert gone not in str(media_rows(target))
    if is_recorded:
        check_all_is_stored(sandbox, target, target.data / "media")
    assert erase(target, tmp_path).files == 0
    assert stored(target.data / "media") == left


def test_an_erasure_that_is_killed_between_files_and_rows_is_done_again(
    sandbox: Sandbox, target: Target, tmp_path: Path
) -> None:
    store_media(sandbox.base_url, target)
    gone = customer_with_both(target)
    tell_of_deletion(target, tmp_path, gone)
    store = open_media_store(None, target.data)

    def killed_afterwards(names: Iterable[str]) -> NoReturn:
        store.delete(names)
        raise KilledError

    with pytest.raises(KilledError):
        erase(target, tmp_path, killed_afterwards)
    assert gone in str(media_rows(target))
    assert erase(target, tmp_path).rows > 0
    assert gone not in str(media_rows(target))
    check_all_is_stored(sandbox, target, target.data / "media")


def test_media_of_an_item_that_names_nobody_go_with_it(
    target: Target, tmp_path: Path, elsewhere: ContentServer
) -> None:
    fresh = duckdb_target(target.data / "fresh")
    elsewhere.content = lambda _: (200, {}, b"bytes")
    attached = {"type": "SMS", "attachments": [{"id": "1"}]}
    items = [
        {"id": "by a new field", "content": attached, "mergedFrom": ["gone"]},
        {"id": "stays", "content": attached, "customerId": "other"},
    ]
    load_export(fresh, ITEMS, items, made_at=NOW)
    store_media(elsewhere.address, fresh)
    tell_of_deletion(fresh, tmp_path, "gone")
    assert erase(fresh, tmp_path).files == 1
    assert [item for item, _, _ in media_rows(fresh)] == ["stays"]
    assert [*stored(fresh.data / "media")] == [stored_name(MediaKind.ATTACHMENT, "stays", "1")]


def test_a_run_erases_the_files_of_a_customer_that_gladly_deleted(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    selected = {ITEMS, MEDIA, EVENTS_FILE}
    with Sandbox(SandboxSettings(world=WORLD, requests_per_second=100_000)) as own:
        media_run(own, target, selected=selected.__contains__, on_customer_deleted="erase")
        gone = customer_with_both(target)
        of_the_gone = files_of(target, gone)
        delete(own, gone)
        own.clock.advance(timedelta(minutes=30))
        report = media_run(own, target, selected=selected.__contains__, on_customer_deleted="erase")
        assert report.erased_media >= len(of_the_gone) > 0
        assert not of_the_gone & stored(tmp_path / "media").keys()
        check_all_is_stored(own, target, tmp_path / "media")
