"""Whatever a server calls its jobs, files and things: no name becomes a path, or a statement."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.runner import Target
from pipelines.transform import run_transforms
from sandbox import Sandbox, SandboxSettings, WorldSettings
from sources.gladly.enrichment_types import ENRICHMENT_KINDS
from sources.gladly.selection import REPORTS
from sources.http.errors import SettingsError
from tests.hostile.names import NAMES, STATEMENTS, TWINS, UNUSABLE
from tests.hostile.watching import written_files
from tests.pipelines.model import deliveries, differences
from tests.pipelines.runs import DESTINATIONS, ITEMS, duckdb_target, item, line, read_tables, run

NO_WORLD = WorldSettings(items=0, days=0)
FEW = settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def sandbox_below(folder: Path) -> Sandbox:
    """Return a sandbox without jobs that writes below a folder, so that its files are told."""
    limits = SandboxSettings(world=NO_WORLD, requests_per_second=10_000, folder=folder / "sandbox")
    return Sandbox(limits)


def files_named(names: Sequence[str]) -> dict[str, bytes]:
    """Return files of different content; one is of items that bear these names as ids."""
    items = b"".join(item(name, {"type": name}) for name in names if name and "\0" not in name)
    return {ITEMS: items} | {name: line({"named": name}) for name in names}


def run_watched(sandbox: Sandbox, target: Target, folder: Path, **changed: Any) -> list[Path]:  # noqa: ANN401 - as `run`
    """Run once; return what was written outside of the folder."""
    with written_files() as written:
        run(sandbox, target, **changed)
    assert any(path.is_relative_to(target.data / "raw") for path in written)
    return sorted(path for path in written if not path.is_relative_to(folder))


def shared_places(target: Target) -> list[str]:
    """Return the places of the raw archive that hold more than one file of the ledger."""
    places = [row["archive_path"].lower() for row in read_tables(target)["load_files"]]
    return [place for place in places if places.count(place) > 1]


@pytest.mark.parametrize(
    ("destination", "every"),
    [
        pytest.param("duckdb", 5, id="duckdb, some"),
        pytest.param("duckdb", 1, marks=pytest.mark.slow, id="duckdb"),
        pytest.param("postgres", 1, marks=pytest.mark.slow, id="postgres"),
    ],
)
def test_no_name_of_a_job_or_file_becomes_a_path(
    destination: str,
    every: int,
    tmp_path: Path,
    postgres: str,
    count_trials: Callable[[int], None],
    show_figures: Callable[[str], None],
) -> None:
    target = DESTINATIONS[destination](tmp_path, postgres)
    with sandbox_below(tmp_path) as sandbox:
        for number, name in enumerate(NAMES[::every]):
            few = [NAMES[(number * 3 + step) % len(NAMES)] for step in range(2)]
            sandbox.add_job(files_named([*dict.fromkeys(few)]), job_id=name)
        sandbox.add_job(files_named(NAMES))
        outside = run_watched(sandbox, target, tmp_path)
        assert differences(read_tables(target), deliveries(sandbox)) == []
        files = len(deliveries(sandbox))
    assert (outside, shared_places(target)) == ([], [])
    count_trials(files)
    show_figures(f"{destination}: {files} files of {len(NAMES)} hostile names, written outside: 0")


@pytest.mark.slow
@FEW
@given(names=st.lists(st.text(st.characters(codec="utf-8"), max_size=90), min_size=25, unique=True))
def test_no_random_name_becomes_a_path(
    names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("names")
    target = duckdb_target(folder)
    usable = [name for name in names if name not in UNUSABLE and "\0" not in name]
    with sandbox_below(folder) as sandbox:
        for name in usable[:10]:
            sandbox.add_job(files_named([name]), job_id=name)
        sandbox.add_job(files_named(usable))
        assert run_watched(sandbox, target, folder) == []
        assert differences(read_tables(target), deliveries(sandbox)) == []
    assert shared_places(target) == []


@pytest.mark.parametrize(
    ("destination", "name"),
    [
        pytest.param("duckdb", "..", id="up"),
        pytest.param("postgres", "nul\0byte", id="U+0000, which PostgreSQL takes nowhere"),
        *(pytest.param("duckdb", name, marks=pytest.mark.slow, id=repr(name)) for name in UNUSABLE),
    ],
)
def test_a_name_that_cannot_be_asked_for_is_told_and_stops_no_other_job(
    destination: str, name: str, tmp_path: Path, postgres: str
) -> None:
    target = DESTINATIONS[destination](tmp_path, postgres)
    with sandbox_below(tmp_path) as sandbox:
        left_out = {ITEMS: item("left out", {})}
        day = [sandbox.clock.now() - timedelta(days=days) for days in range(4)]
        of_file = sandbox.add_job({name: line(1)}, end_at=day[1])
        sandbox.add_job(left_out, job_id=name, end_at=day[2])
        good = sandbox.add_job({ITEMS: item("good", {})}, end_at=day[3])
        assert run_watched(sandbox, target, tmp_path) == []
        # nor does it count as loaded once Gladly has forgotten it
        sandbox.remove_job(of_file)
        run(sandbox, target)
    tables = read_tables(target)
    assert [row["id"] for row in tables["conversation_items"]] == ["good"]
    assert [row["job_id"] for row in tables["load_files"] if row["file"] == ITEMS] == [good]
    gaps = {row["job_id"]: row for row in tables["load_gaps"]}
    assert gaps.pop(of_file)["healed_at"] is None
    quarantined = [row["reason"] for row in tables["quarantined_lines"]]
    # a job of no usable id is a line of the list, which nothing can be keyed by
    assert [*gaps] == [name] or {"no usable id" in reason for reason in quarantined} == {True}


# a name in every place from which one of our own requests, paths or statements is made
def hostile_items(names: Sequence[str]) -> bytes:
    return b"".join(
        item(
            name,
            {"type": "SMS", "content": name, "attachments": [{"id": name, "filename": name}]},
            conversationId=name,
            customerId=name,
            sessionId=name,
        )
        for name in names
    )


def hostile_lists(name: str) -> Mapping[str, dict[str, Any]]:
    return {
        "inboxes": {"id": name, "name": name},
        "teams": {"id": name, "name": name, "agentIds": [name]},
        "topics": {"id": name, "name": name},
    }


def test_no_id_becomes_a_path_or_a_statement(
    tmp_path: Path,
    count_trials: Callable[[int], None],
    show_figures: Callable[[str], None],
) -> None:
    target = duckdb_target(tmp_path)
    ids = [name for name in (*STATEMENTS, *TWINS[:8], "../up", "/etc/passwd") if len(name) < 400]
    with sandbox_below(tmp_path) as sandbox:
        sandbox.add_job({ITEMS: hostile_items(ids)})
        for name in ids:
            for kind, record in hostile_lists(name).items():
                sandbox.add_reference(kind, record)  # type: ignore[arg-type] # the kinds are above
        for number, name in enumerate((ids[0], "' OR '1'='1")):
            sandbox.add_event(deletion(sandbox, number, name))
        outside = run_watched(
            sandbox,
            target,
            tmp_path,
            selected=lambda name: name != REPORTS,
            enrichment=[*ENRICHMENT_KINDS],
            media=["attachments", "recordings"],
            media_url=str(tmp_path / "media"),
            on_customer_deleted="erase",
        )
    tables = read_tables(target)
    left = [name for name in ids if name not in (ids[0], "' OR '1'='1")]
    assert outside == []
    assert sorted(row["id"] for row in tables["sms_messages"]) == sorted(left)
    assert sorted(row["id"] for row in tables["inboxes"] if row["id"] in ids) == sorted(ids)
    reads = {row["entity_id"] for row in tables["enrichment_reads"]}
    assert reads >= {*left}
    media = {row["item_id"] for row in tables["media_files"]}
    assert media >= {*left}
    assert len(tables["erased_customers"]) == 2
    assert [row["status"] for row in tables["load_runs"]] == ["done"]
    count_trials(len(ids) * 9)
    show_figures(f"{len(ids)} hostile ids in 9 places each: statements changed, paths left: 0")


def deletion(sandbox: Sandbox, number: int, customer: str) -> dict[str, Any]:
    at = sandbox.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "id": f"deletion-{number}",
        "type": "CUSTOMER_PROFILE/DELETED",
        "timestamp": at,
        "initiator": {"type": "AGENT", "id": "agent"},
        "content": {"customerId": customer},
    }


@pytest.mark.parametrize("name", [*STATEMENTS, "", "Gladly", "a__b", "a" * 41, "caf\u00e9"])
def test_a_dataset_is_named_plainly_or_refused_by_name(name: str, tmp_path: Path) -> None:
    with written_files() as written, pytest.raises(SettingsError, match=r"^dataset is .*DATASET"):
        Target.open("duckdb", name, tmp_path / "data")
    with pytest.raises(SettingsError, match=r"^marts_dataset is"):
        run_transforms(duckdb_target(tmp_path), name)
    assert written == set()
