"""Names that a user chooses from; apart, since the command needs no dlt to know them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from sources.http.errors import SettingsError

# what ``--select`` calls feeds of many files
REFERENCE: Final = "reference"
REPORTS: Final = "reports"
ENRICHMENT: Final = "enrichment"
MEDIA: Final = "media"

_Thing = TypeVar("_Thing")


def chosen(setting: str, names: Iterable[str], known: Mapping[str, _Thing]) -> list[_Thing]:
    """Return what a setting names, each once, in the order in which it is known.

    Raises:
        SettingsError: a name is not known.
    """
    wanted = {*names}
    if unknown := sorted(wanted - {*known}):
        raise SettingsError(
            f"{setting} names {', '.join(unknown)}, which it does not know. Known are "
            f"{', '.join(known)}. Correct it under [sources.gladly] in .dlt/config.toml or in "
            f"SOURCES__GLADLY__{setting.upper()}."
        )
    return [thing for name, thing in known.items() if name in wanted]
