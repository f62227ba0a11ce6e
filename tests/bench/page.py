"""docs/performance.md: what was printed, and the growth as a picture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import altair as alt

from tests.bench.tables import Loads, peak_megabytes, seconds

PAGE = Path("docs/performance.md")
PICTURE = Path("docs/growth.svg")
_PRINTED = re.compile(r"(<!-- bench -->\n```text\n).*?(```)", re.DOTALL)
_WIDTH, _HEIGHT = 340, 240


def write_page(printed: str, loads: Mapping[int, Loads]) -> None:
    """Renew what the page shows."""
    page = PAGE.read_text("utf-8")
    lines = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    PAGE.write_text(_PRINTED.sub(lambda match: match[1] + lines + match[2], page), "utf-8")
    growth(loads).save(PICTURE)


def growth(loads: Mapping[int, Loads]) -> alt.HConcatChart:
    """Return seconds and peak memory of first loads over their items."""
    points = [
        {
            "items": items,
            "load": name,
            "seconds": seconds(measured),
            "megabytes": peak_megabytes(measured),
        }
        for items, by_name in loads.items()
        for name, measured in by_name.items()
    ]
    base = alt.Chart(alt.InlineData(values=points)).mark_line(point=True)
    panels = [
        base.encode(
            x=alt.X("items:Q", title="items", axis=alt.Axis(format="~s")),
            y=alt.Y(f"{column}:Q", title=title),
            color=alt.Color("load:N", title=None, legend=alt.Legend(orient="bottom")),
        ).properties(width=_WIDTH, height=_HEIGHT)
        for column, title in (("seconds", "seconds"), ("megabytes", "peak memory, MB"))
    ]
    return alt.hconcat(*panels)
