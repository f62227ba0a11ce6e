"""Whether what is loaded is the work of runs that ended.

    run 1   begun  loads  loads  done     models may be built: run 1 is whole
    run 2   begun  loads  killed          models stay as they are: half of run 2 is there
    run 3   begun  loads  done            models may be built: run 3 did what run 2 had not

The times of ``load_runs`` always increase, whatever clocks do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from sources.http.errors import GiveUpError
from sources.tables.ledger import LOAD_FILES, LOAD_RUNS


def check_last_run_ended(client: SqlClientBase[Any], named: Callable[[str], str]) -> None:
    """Refuse where a run that did not end loaded files after the last one that did.

    Args:
        client: An open connection; what it sees must be what the models will see.
        named: Writes the qualified name of a table.

    Raises:
        GiveUpError: a run is under way, was killed, or failed.
    """
    runs, files = named(LOAD_RUNS.name), named(LOAD_FILES.name)
    found = client.execute_sql(
        f"SELECT r.run_id, r.status, r.error FROM {runs} AS r WHERE r.status <> 'done' "
        f"AND EXISTS (SELECT 1 FROM {files} AS f WHERE f.run_id = r.run_id) "
        f"AND NOT EXISTS (SELECT 1 FROM {runs} AS d WHERE d.status = 'done' "
        "AND d.finished_at > r.finished_at) ORDER BY r.finished_at DESC LIMIT 1"
    )
    for run_id, status, error in found or ():
        why = f"failed ({error})" if status == "failed" else "was killed, or is still under way"
        raise GiveUpError(
            f"Run {run_id} loaded files and {why}. Models of it would mix what it did and what it "
            "did not, so they stay as they were. Run `helpdesk run` again until it ends, then "
            "`helpdesk transform`; to build from what is there, add --unfinished."
        )
