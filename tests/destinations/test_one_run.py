"""Runs that share a destination but no folder: one loads, the other says why it does not."""

from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest

from pipelines.runner import Target
from pipelines.transform import run_transforms
from sandbox import Sandbox
from sources.http.errors import GiveUpError
from tests.pipelines.model import deliveries, differences
from tests.pipelines.runs import ITEMS, duckdb_target, item, postgres_target, read_tables, run, sms

PLACES: dict[str, Callable[[Path, str], Target]] = {
    "duckdb": lambda folder, _: duckdb_target(folder),
    "postgres": postgres_target,
}


def elsewhere(target: Target, folder: Path) -> Target:
    """Return the same dataset, worked on in another folder."""
    credentials = target.destination.config_params["credentials"]
    known = credentials if isinstance(credentials, str) else str(credentials.database)
    return Target.open(target.destination_name, target.dataset, folder, credentials=known)


@pytest.mark.parametrize("place", PLACES)
def test_a_run_from_another_folder_refuses_while_one_is_loading(
    place: str, tmp_path: Path, postgres: str, empty_sandbox: Sandbox
) -> None:
    target = PLACES[place](tmp_path / "one", postgres)
    other = elsewhere(target, tmp_path / "other")
    empty_sandbox.add_job({ITEMS: item("a", sms("hi", "x"))})
    unfinished = empty_sandbox.add_job({}, status="PENDING")
    is_waiting, may_go_on = Event(), Event()

    def wait(_: float) -> None:
        is_waiting.set()
        assert may_go_on.wait(60)

    def first() -> None:
        run(empty_sandbox, target, sleep=wait, clock=lambda: 0.0, wait_for_jobs=1.0)

    running = Thread(target=first)
    running.start()
    try:
        assert is_waiting.wait(60)
        with pytest.raises(GiveUpError, match="Another run is loading into dataset"):
            run(empty_sandbox, other)
    finally:
        empty_sandbox.remove_job(unfinished)
        may_go_on.set()
        running.join()
    run(empty_sandbox, other)
    tables = read_tables(target)
    assert differences(tables, deliveries(empty_sandbox)) == []
    assert [row["status"] for row in tables["load_runs"]] == ["done", "done"]


def test_models_are_built_by_one_run_at_a_time(
    tmp_path: Path, postgres: str, empty_sandbox: Sandbox
) -> None:
    target = postgres_target(tmp_path / "one", postgres)
    run(empty_sandbox, target)
    marts = f"{target.dataset}_marts"
    found: list[BaseException | int] = []

    def build(folder: str) -> None:
        try:
            report = run_transforms(elsewhere(target, tmp_path / folder), marts)
            found.append(len(report.models))
        except GiveUpError as error:
            found.append(error)

    builders = [Thread(target=build, args=(folder,)) for folder in ("two", "three")]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    refused = [str(one) for one in found if isinstance(one, GiveUpError)]
    assert len(found) == 2
    assert len(refused) < 2
    assert all("Another run" in words for words in refused)
