"""How notebooks show things: charts whose title says what they found, and plain tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from datetime import date, datetime
from html import escape
from typing import Any

import altair as alt
import pyarrow as pa

# colours that people who see colours differently can tell apart, and grey for the rest
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#9aa0a6")
GOOD, BAD, QUIET, INK = COLOURS[0], "#d55e00", COLOURS[-1], "#3c4043"
LIGHT = "#56b4e9"  # beside the first colour, or below dark text
OTHERS = "Others"
_WIDTH, _HEIGHT, _ROW = 640, 280, 30
_CHANNELS = {
    "CHAT": "Chat",
    "EMAIL": "E-mail",
    "FB_MESSENGER": "Facebook",
    "INSTAGRAM_DIRECT": "Instagram",
    "PHONE_CALL": "Phone",
    "SMS": "SMS",
    "TWITTER": "Twitter",
    "VOICE_AI": "Voice assistant",
    "VOICEMAIL": "Voicemail",
    "WHATSAPP": "WhatsApp",
}


class Shown:
    """A table that any notebook shows; texts of customers stay texts."""

    def __init__(self, table: pa.Table | Sequence[Mapping[str, object]]) -> None:
        self._table = table if isinstance(table, pa.Table) else pa.Table.from_pylist(table)

    def _repr_html_(self) -> str:
        header = "".join(f"<th>{escape(_words(name))}</th>" for name in self._table.column_names)
        rows = "".join(
            f"<tr>{''.join(map(_cell, row.values()))}</tr>" for row in self._table.to_pylist()
        )
        return f"<table><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>"


class Sentence:
    """What is said where there is nothing to draw."""

    def __init__(self, text: str) -> None:
        self._text = text

    def _repr_html_(self) -> str:
        return f"<p>{escape(self._text)}</p>"


def drawn(draw: Callable[[Any], object], rows: Sized, otherwise: str) -> object:
    """Return what is drawn of rows, or a sentence where there are none."""
    return draw(rows) if len(rows) else Sentence(otherwise)


def chart_of(rows: Sequence[Mapping[str, object]]) -> alt.Chart:
    """Return a chart of these rows, which has no marks yet."""
    return alt.Chart(pa.Table.from_pylist(rows))


def days_across(title: str) -> alt.X:
    """Return the axis of a chart of days, which are in the field ``day``."""
    return alt.X(
        "yearmonthdate(day):O",
        title=title,
        axis=alt.Axis(format="%a %d %b", labelAngle=0, labelOverlap=True),
    )


def finished(
    chart: alt.Chart | alt.LayerChart, finding: str, about: str, *, rows: int = 0, beside: int = 1
) -> alt.Chart | alt.LayerChart:
    """Return a chart with its finding above it, and below that what is shown.

    Args:
        chart: The chart, its axes named.
        finding: What it shows, as a sentence without its full stop.
        about: What is counted, in which unit.
        rows: Of a chart of rows, such as bars that lie: how many, which makes its height.
        beside: Of a chart in columns: how many, which share the width.
    """
    title = alt.TitleParams(
        finding, subtitle=about, anchor="start", frame="group", offset=14, subtitlePadding=4
    )
    shown: alt.Chart | alt.LayerChart = (
        chart.properties(title=title, width=_WIDTH // beside, height=rows * _ROW or _HEIGHT)
        .configure_view(stroke=None)
        .configure_axis(
            gridColor="#e8e8e8",
            domainColor="#9aa0a6",
            tickColor="#9aa0a6",
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            titleColor="#5f6368",
            titlePadding=10,
        )
        .configure_title(fontSize=16, subtitleFontSize=12, subtitleColor="#5f6368")
        .configure_header(labelFontSize=12, labelColor="#5f6368", labelPadding=4)
        .configure_legend(
            labelFontSize=12, labelLimit=0, orient="top", symbolType="square", title=None
        )
    )
    return shown


def coloured(field: str, names: Sequence[str]) -> alt.Color:
    """Return a colour for each name, in this order; ``OTHERS`` are grey."""
    plain = iter(COLOURS)
    colours = [QUIET if name == OTHERS else next(plain) for name in names]
    return alt.Color(f"{field}:N", scale=alt.Scale(domain=list(names), range=colours), title=None)


def channel_name(channel: str) -> str:
    """Return what people call a channel."""
    return _CHANNELS.get(channel, channel.replace("_", " ").capitalize())


def day_name(day: date) -> str:
    """Return a day as people say it, such as Monday 2 March."""
    return f"{day:%A} {day.day} {day:%B}"


def time_name(at: datetime) -> str:
    """Return an instant as people say it, such as 6 March 05:59."""
    return f"{at.day} {at:%B %H:%M}"


def duration_name(seconds: float) -> str:
    """Return a duration in the unit that fits it, such as 25 seconds or 3 hours."""
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            return counted(round(seconds / length), unit)
    return counted(round(seconds), "second")


def counted(number: int, what: str) -> str:
    """Return how many there are, such as 1 day or 2 days."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def shortened(text: str, characters: int = 160) -> str:
    """Return the beginning of a long text."""
    return text if len(text) <= characters else f"{text[:characters].rstrip()} …"


def share(part: float, whole: float) -> str:
    """Return a part in percent of the whole."""
    return f"{part / whole:.0%}" if whole else "none"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: Any) -> str:  # noqa: ANN401 - any value of a row
    match value:
        case None:
            return "<td></td>"
        case bool() | str():
            return f'<td style="text-align: left">{escape(str(value))}</td>'
        case int():
            return f'<td style="text-align: right">{value:,}</td>'
        case float():
            return f'<td style="text-align: right">{value:,.1f}</td>'
        case datetime():
            return f'<td style="white-space: nowrap">{value:%Y-%m-%d %H:%M}</td>'
        case _:
            return f"<td>{escape(str(value))}</td>"
