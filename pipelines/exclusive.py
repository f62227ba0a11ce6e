"""One run at a time at a destination, also where runs work in folders of their own.

Runs that share a destination share its staging dataset: what one has staged, another would replace
under its hands, and two first loads of the same tables would double them. So a run holds

    an embedded database     a lock file beside it       the system lets go of it when a run dies
    PostgreSQL               a lock of its server         held by a transaction that does nothing
                                                         else, so that the server lets go of it when
                                                         the connection ends, behind poolers too
    other destinations       nothing: they know no lock that a run that is killed lets go of
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dlt.common.schema import Schema

from pipelines.embedded import database_file
from pipelines.staging import declare_tables, new_pipeline
from pipelines.workspace import hold
from sources.http.errors import GiveUpError

if TYPE_CHECKING:
    from pipelines.runner import Target

_NAME = "helpdesk_lock"


@contextmanager
def hold_destination(target: Target, dataset: str, folder: Path) -> Iterator[None]:
    """Be the only run that writes to a dataset.

    Args:
        target: The destination.
        dataset: The dataset.
        folder: For dlt's work.

    Raises:
        GiveUpError: another run writes to it.
        Exception: the destination cannot be reached, as dlt says it.
    """
    busy = (
        f"Another run is loading into dataset {dataset} at {target.destination_name}, from "
        "another data_dir. Wait until it ends, or give this one a dataset of its own under "
        "[helpdesk] in .dlt/config.toml."
    )
    file = database_file(target)
    if file is not None:
        with hold(file.with_name(f"{file.name}.{dataset}.lock"), busy):
            yield
        return
    try_to_lock = target.capabilities.try_to_lock
    if not try_to_lock:
        yield
        return
    pipeline = new_pipeline(_NAME, target.destination, dataset, folder)
    declare_tables(pipeline, Schema(_NAME))
    with pipeline.sql_client(_NAME) as client:
        # not dlt's transaction, which would be committed: that fails where a server has ended a
        # connection that said nothing for hours, and the run was done all the same
        client.execute_sql("BEGIN")
        ((is_held,),) = client.execute_sql(try_to_lock, f"helpdesk {dataset}") or ((False,),)
        if not is_held:
            raise GiveUpError(busy)
        yield
