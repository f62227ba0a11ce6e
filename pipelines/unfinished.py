"""Whether what is loaded is the work of runs that ended.

run 1   loads  loads  done     models may be built: run 1 is whole
run 2   loads  killed          models stay as they are: half of run 2 is there
run 3   loads  done            models may be built: run 3 did what run 2 had not
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from sources.http.errors import GiveUpError
from sources.tables.ledger import LOAD_FILES, LOAD_RUNS


def check_last_run_ended(client: SqlClientBase[Any], named: Callable[[str], str]) -> None:
    """Refuse where files were loaded after the last run that ended.

    Args:
        client: An open connection; what it sees must be what the models will see.
        named: Writes the qualified name of a table.

    Raises:
        GiveUpError: a run is under way, was killed, or failed.
    """
    runs, files = named(LOAD_RUNS.name), named(LOAD_FILES.name)
    ((ended,),) = client.execute_sql(
        f"SELECT MAX(finished_at) FROM {runs} WHERE status = 'done'"
    ) or [(None,)]
    since = " WHERE f.loaded_at > %s" if ended else ""
    found = client.execute_sql(
        f"SELECT f.run_id, COUNT(*), MAX(r.error) FROM {files} AS f "
        f"LEFT JOIN {runs} AS r ON r.run_id = f.run_id{since} "
        "GROUP BY f.run_id ORDER BY f.run_id DESC LIMIT 1",
        *([ended] if ended else []),
    )
    for run_id, count, error in found or ():
        why = f"failed ({error})" if error else "was killed, or is still under way"
        raise GiveUpError(
            f"Run {run_id} loaded {count:,} files and {why}. Models of it would mix what it did "
            "and what it did not, so they stay as they were. Run `helpdesk run` again until it "
            "ends, then `helpdesk transform`; to build from what is there, add --unfinished."
        )
