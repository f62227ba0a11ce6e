"""``helpdesk run gladly --select events``, as a scheduler starts it every hour."""

from datetime import timedelta
from pathlib import Path

from sandbox import Sandbox, SandboxSettings, WorldSettings
from tests.command.commands import LOAD, Commands, environment_for
from tests.command.forks import Forks
from tests.pipelines.events import (
    EVENTS_STREAM,
    day,
    event_differences,
    expected_events,
    gap_spans,
)

NEEDS_A_PERSON = 3
EVENTS_ONLY = (*LOAD, "--select", "events", "--strict")


def test_a_pause_is_warned_of_and_needs_a_person_only_while_it_is_not_filled(
    tmp_path: Path, forks: Forks
) -> None:
    world = WorldSettings(items=60, days=4, first_day=day(0).date())
    with Sandbox(SandboxSettings(world=world, now=day(1))) as sandbox:
        helpdesk = Commands(tmp_path, environment_for(sandbox, tmp_path), forks=forks)
        assert helpdesk(*EVENTS_ONLY).code == 0
        assert event_differences(helpdesk.tables(), expected_events(sandbox, [day(1)])) == []
        sandbox.clock.advance(timedelta(hours=30))
        unfilled = helpdesk(*EVENTS_ONLY, SOURCES__GLADLY__HEAL_EVENT_GAPS="false")
        assert unfilled.code == NEEDS_A_PERSON
        assert "Gap: gladly.events 2026-03-02" in unfilled.out
        sandbox.clock.advance(timedelta(hours=1))
        filled = helpdesk(*EVENTS_ONLY)
        assert filled.code == 0
        assert "No run read the events from 2026-03-02 23:59:45" in filled.err
        assert "Closed: gladly.events 2026-03-02" in filled.out
        assert [healed for *_, healed in gap_spans(helpdesk.tables(), EVENTS_STREAM)] == [True]
