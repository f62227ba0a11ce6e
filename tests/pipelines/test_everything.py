"""Everything Gladly has in one run: all reports, all reads and files, no request above a limit.

With the limits of a real organisation, at ten reports a minute, which takes six minutes:
    pytest tests/pipelines/test_everything.py -m slow -s
"""

import sys
from pathlib import Path

import pytest

from sandbox import Sandbox, SandboxSettings, WorldSettings
from sources.gladly.enrichment_types import ENRICHMENT_KINDS
from sources.gladly.media import MEDIA_KINDS
from sources.gladly.report_types import REPORTS
from tests.pipelines.events import FIRST_DAY, REPORTS_PATH, day
from tests.pipelines.report_runs import SESSIONS_PATH, report_differences, uncounted_lines
from tests.pipelines.runs import duckdb_target, read_tables, run

WORLD = WorldSettings(items=500, days=3, first_day=FIRST_DAY.date())
NOW = day(2.95)
TODAY = "2026-03-04"
PHONE_NUMBERS = ["+18005550100"]
# limits as every organisation has them, and none to speak of
REAL = SandboxSettings(world=WORLD, now=NOW)
PATIENT = SandboxSettings(
    world=WORLD, now=NOW, requests_per_second=10_000, reports_per_minute=10_000
)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(PATIENT, id="a patient Gladly"),
        pytest.param(REAL, id="the limits of an organisation", marks=pytest.mark.slow),
    ],
)
def test_one_run_loads_everything_and_no_request_is_above_a_limit(
    settings: SandboxSettings, tmp_path: Path
) -> None:
    target = duckdb_target(tmp_path)
    with Sandbox(settings) as sandbox:
        report = run(
            sandbox,
            target,
            selected=lambda _name: True,
            reports=[*REPORTS],
            reports_per_minute=settings.reports_per_minute,
            report_phone_numbers=PHONE_NUMBERS,
            report_trailing_days=1,
            enrichment=[*ENRICHMENT_KINDS],
            media=[*MEDIA_KINDS],
        )
        requests = sandbox.requests
        limits = {
            "reports a minute": requests.most_within(60, "POST", REPORTS_PATH),
            "reports at once": requests.most_at_once("POST", REPORTS_PATH),
            "other requests a second": requests.most_in_any_second("GET"),
        }
        posts = sum(request.method == "POST" for request in requests)
        assert posts == len(REPORTS) + 1
        assert len(requests.requests_for(SESSIONS_PATH)) == 1
        assert limits["reports a minute"] <= settings.reports_per_minute
        assert limits["reports at once"] <= 2
        assert requests.count_429() == 0
    tables = read_tables(target)
    # the same world again: asking for every report once more would break the limits itself
    with Sandbox(PATIENT) as patient:
        assert report_differences(patient, tables, REPORTS) == []
    read = {(row["metric_set"], row["report_day"]) for row in tables["report_windows"]}
    assert read == {(name, TODAY) for name in REPORTS}
    assert uncounted_lines(tables) == []
    for name in ("conversation_items", "contact_events", "work_session_events", "inboxes"):
        assert tables[name], name
    for name in (*ENRICHMENT_KINDS, "task_comments"):
        assert tables[name], name
    assert {row["outcome"] for row in tables["media_files"]} == {"stored"}
    assert [row["status"] for row in tables["load_runs"]] == ["done"]
    sys.stdout.write(f"\n{posts} reports in {report.seconds:.0f} seconds; most: {limits}\n")
