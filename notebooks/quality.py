import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Is the data right?")


@app.cell
def _():
    import json
    from collections import Counter

    import altair as alt
    import marimo as mo
    from charts import (
        BAD,
        COLOURS,
        GOOD,
        INK,
        QUIET,
        Shown,
        chart_of,
        counted,
        day_name,
        days_across,
        drawn,
        duration_name,
        finished,
        time_name,
    )
    from warehouse import Warehouse

    return (
        BAD,
        COLOURS,
        Counter,
        GOOD,
        INK,
        QUIET,
        Shown,
        Warehouse,
        alt,
        chart_of,
        counted,
        day_name,
        days_across,
        drawn,
        duration_name,
        finished,
        json,
        mo,
        time_name,
    )


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # Is the data right?

    How far each feed reaches, what is missing, whether our figures are Gladly's own, and what came
    that nothing here knows. Look here first when a figure looks odd.

    It reads the demo's database (`make demo`) unless the environment variable `HELPDESK_NOTEBOOKS`
    says otherwise: `warehouse` reads what `.dlt/config.toml` names under `[helpdesk]`. Every query
    below can be copied; what each column means is in `docs/dictionary.md` and `docs/models.md`.
    """)
    return


@app.cell
def _(Warehouse):
    warehouse = Warehouse.open()
    return (warehouse,)


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## How fresh it is, and what is missing

    `gladly.load_files` knows which span of time each file holds, `gladly.load_gaps` which spans
    were missed. Most gaps heal: the next night asks again. What Gladly has forgotten is lost for
    good, and stays in the list, so that nobody takes a quiet day for a slow one.
    """)
    return


@app.cell
def _(warehouse):
    spans = warehouse.rows("""
        SELECT DISTINCT stream, window_from, window_to
        FROM gladly.load_files
        WHERE stream IN ('gladly.export', 'gladly.events', 'gladly.work_sessions')
          AND window_from IS NOT NULL AND window_to IS NOT NULL
        ORDER BY stream, window_from
    """).to_pylist()
    gaps = warehouse.rows("""
        SELECT stream, from_at, to_at, kind, detected_at, healed_at, reason
        FROM gladly.load_gaps
        ORDER BY from_at, stream
    """).to_pylist()
    return gaps, spans


@app.cell
def _(
    BAD,
    GOOD,
    alt,
    chart_of,
    counted,
    drawn,
    duration_name,
    finished,
    gaps,
    spans,
    time_name,
):
    feed_names = {
        "gladly.export": "Export files",
        "gladly.events": "Events",
        "gladly.work_sessions": "Work sessions",
    }

    def feed_of(stream):
        """Return what a feed is called; gladly.events.unreported is of Events."""
        return next((name for feed, name in feed_names.items() if stream.startswith(feed)), stream)

    def draw_freshness(spans):
        missing = [gap for gap in gaps if gap["healed_at"] is None]
        loaded = [
            {
                "feed": feed_of(span["stream"]),
                "from": span["window_from"],
                "to": span["window_to"],
                "state": "Loaded",
            }
            for span in spans
        ]
        # a short gap is narrower than a pixel, so each has a mark of its own
        marks = [
            {"feed": feed_of(gap["stream"]), "from": gap["from_at"], "state": "Missing"}
            for gap in missing
        ]
        newest = {span["feed"]: span["to"] for span in sorted(loaded, key=lambda span: span["to"])}
        seconds = sum((gap["to_at"] - gap["from_at"]).total_seconds() for gap in missing)
        told = (
            f"{duration_name(seconds)} in {counted(len(missing), 'gap')}" if missing else "nothing"
        )
        states = alt.Color(
            "state:N", scale=alt.Scale(domain=["Loaded", "Missing"], range=[GOOD, BAD]), title=None
        )
        x = alt.X(
            "from:T",
            title="Time (UTC)",
            scale=alt.Scale(type="utc"),
            axis=alt.Axis(format="%d %b", tickCount="day", labelOverlap=True),
        )
        y = alt.Y("feed:N", title="Feed")
        return finished(
            alt.layer(
                chart_of(loaded)
                .mark_bar(height=14, stroke="white", strokeWidth=0.5)
                .encode(x=x, x2="to:T", y=y, color=states),
                chart_of(marks)
                .mark_point(shape="triangle-down", filled=True, size=140, opacity=1, yOffset=-14)
                .encode(x=x, y=y, color=states),
            ),
            f"Every feed is loaded up to {time_name(min(newest.values()))} UTC; missing: {told}",
            "Spans of time that each feed holds, a bar a file; marked: gaps that did not heal",
            rows=4,
        )

    chart_freshness = drawn(draw_freshness, spans, "No file of these feeds is loaded yet.")
    chart_freshness
    return


@app.cell
def _(Shown, drawn, duration_name, gaps):
    gaps_table = drawn(
        Shown,
        [
            {
                "stream": gap["stream"],
                "from (UTC)": gap["from_at"],
                "length": duration_name((gap["to_at"] - gap["from_at"]).total_seconds()),
                "kind": gap["kind"],
                "state": "healed" if gap["healed_at"] else "missing",
                "healed (UTC)": gap["healed_at"],
                "what happened": gap["reason"],
            }
            for gap in gaps
        ],
        "Nothing was ever missed.",
    )
    gaps_table
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## The runs that loaded it

    One row is a run. A run that is `begun` is under way, or was killed: the next one goes on.
    """)
    return


@app.cell
def _(Shown, drawn, warehouse):
    runs = warehouse.rows("""
        SELECT started_at, status, jobs_loaded, lines, quarantined, open_gaps, error
        FROM gladly.load_runs
        ORDER BY started_at DESC
        LIMIT 20
    """)
    runs_table = drawn(Shown, runs, "Nothing has run yet.")
    runs_table
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Are our figures Gladly's own?

    Models count from events and items; Gladly's reports count by themselves.
    `marts.reconciliation` puts both beside each other, day by day, and says why where they differ:

    - **incomplete day**: events of that day, or of what came before, are not all loaded;
    - **restated**: the report was read too soon, and what came later changed our figure;
    - **not comparable**: the report counts other spans of time, or only some channels or teams;
    - **unexplained**: none of these. Each of them is a question to ask.

    Days on which neither has anything are left out.
    """)
    return


@app.cell
def _(warehouse):
    compared = warehouse.rows("""
        SELECT local_date, metric, our_value, gladly_value, difference, reason
        FROM marts.reconciliation
        WHERE COALESCE(our_value, 0) <> 0 OR COALESCE(gladly_value, 0) <> 0
        ORDER BY local_date DESC, metric
    """).to_pylist()

    def metric_name(metric):
        return metric.replace("_", " ").removesuffix(" seconds").capitalize()

    return compared, metric_name


@app.cell
def _(
    BAD,
    COLOURS,
    Counter,
    GOOD,
    QUIET,
    alt,
    chart_of,
    compared,
    counted,
    day_name,
    days_across,
    drawn,
    finished,
    metric_name,
):
    def draw_reconciliation(compared):
        colours = {
            "equal": GOOD,
            "incomplete day": QUIET,
            "restated": COLOURS[1],
            "not comparable": COLOURS[3],
            "unexplained": BAD,
        }
        reasons = Counter(row["reason"] for row in compared)
        odd = reasons["unexplained"]
        days = [row["local_date"] for row in compared]
        return finished(
            chart_of(
                [
                    {
                        "day": row["local_date"],
                        "metric": metric_name(row["metric"]),
                        "reason": row["reason"],
                    }
                    for row in compared
                ]
            )
            .mark_rect(stroke="white", strokeWidth=2)
            .encode(
                x=days_across("Day"),
                y=alt.Y("metric:N", title="Figure", axis=alt.Axis(labelLimit=240)),
                color=alt.Color(
                    "reason:N",
                    scale=alt.Scale(domain=list(colours), range=list(colours.values())),
                    title=None,
                ),
            ),
            f"{reasons['equal']:,} of {counted(len(compared), 'figure')} equal Gladly's own; "
            f"{odd or 'none'} of the others {'are' if odd > 1 else 'is'} unexplained",
            f"From {day_name(min(days))} to {day_name(max(days))}; equal means to the last digit "
            "that reports show",
            rows=len({row["metric"] for row in compared}),
        )

    chart_reconciliation = drawn(
        draw_reconciliation, compared, "No day has both: Gladly's reports and something to count."
    )
    chart_reconciliation
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    The newest day that has all figures, and the newest differences that incomplete days do not
    explain.
    """)
    return


@app.cell
def _(Counter, Shown, compared, drawn, metric_name):
    def figure(metric, value):
        if value is None:
            return None
        if metric.endswith("_rate"):
            return f"{value:z.2%}"
        return f"{value / 60:z,.2f} minutes" if metric.endswith("_seconds") else f"{value:z,.0f}"

    def beside(rows):
        return [
            {
                "day": row["local_date"],
                "figure": metric_name(row["metric"]),
                "ours": figure(row["metric"], row["our_value"]),
                "Gladly's": figure(row["metric"], row["gladly_value"]),
                "difference": figure(row["metric"], row["difference"]),
                "reason": row["reason"],
            }
            for row in rows
        ]

    per_day = Counter(row["local_date"] for row in compared)
    newest_day = max(
        (day for day, n in per_day.items() if n == max(per_day.values())), default=None
    )
    newest_table = drawn(
        Shown,
        beside(row for row in compared if row["local_date"] == newest_day),
        "No day can be compared yet.",
    )
    newest_table
    return (beside,)


@app.cell
def _(Shown, beside, compared, drawn):
    explained = {"equal", "incomplete day"}
    differences_table = drawn(
        Shown,
        beside(row for row in compared if row["reason"] not in explained)[:20],
        "No complete day differs.",
    )
    differences_table
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## What came that nothing here knows

    Gladly adds fields without notice. One that no declaration names is kept, whole, in the column
    `_extra` of its row, and so is a value of another type than declared: nothing is lost, but no
    model reads it. Records of a type that is not known are in `gladly.unknown_items`; lines that
    could not become rows in `gladly.quarantined_lines`, as they came.
    """)
    return


@app.cell
def _(Counter, json, warehouse):
    def from_json(value):
        """Return what a JSON column holds: some destinations give text, some the value."""
        return json.loads(value) if isinstance(value, str) else value or {}

    rows_received, rows_unknown = Counter(), Counter()
    for ledger in warehouse.rows("""
        SELECT rows_by_table, extra_by_table
        FROM gladly.load_files
    """).to_pylist():
        rows_received.update(from_json(ledger["rows_by_table"]))
        rows_unknown.update(from_json(ledger["extra_by_table"]))
    return from_json, rows_received, rows_unknown


@app.cell
def _(
    GOOD,
    INK,
    alt,
    chart_of,
    counted,
    drawn,
    finished,
    rows_received,
    rows_unknown,
):
    def draw_unknown(rows_unknown):
        most = rows_unknown.most_common(15)
        bars = [
            {"table": table, "rows": n, "text": f"{n:,} of {rows_received[table]:,}"}
            for table, n in most
        ]
        encoding = {
            "x": alt.X(
                "rows:Q",
                title="Rows received with something unknown",
                axis=alt.Axis(format=",d", tickMinStep=1),
                # room for the text beside the longest bar
                scale=alt.Scale(domain=[0, most[0][1] * 1.2]),
            ),
            "y": alt.Y("table:N", title="Table", sort=None, axis=alt.Axis(labelLimit=240)),
        }
        return finished(
            alt.layer(
                chart_of(bars).mark_bar(color=GOOD).encode(**encoding),
                chart_of(bars)
                .mark_text(align="left", dx=6, fontSize=12, color=INK)
                .encode(**encoding, text="text:N"),
            ),
            f"{counted(len(rows_unknown), 'table')} with fields that nothing here knows, "
            f"most in {most[0][0]}",
            f"{sum(rows_unknown.values()):,} of {sum(rows_received.values()):,} rows received; "
            "what was read again counts again"
            + (f"; the {len(most)} with most" if len(rows_unknown) > len(most) else ""),
            rows=len(most),
        )

    chart_unknown = drawn(draw_unknown, rows_unknown, "Every field that came is known.")
    chart_unknown
    return


@app.cell
def _(Counter, Shown, drawn, from_json, rows_unknown, warehouse):
    unknown_fields = []
    for table, _ in rows_unknown.most_common(15):
        kept = warehouse.rows(
            f"SELECT _extra FROM gladly.{table} WHERE _extra IS NOT NULL LIMIT 1000"  # noqa: S608 - names of our own
        )
        fields = Counter(field for row in kept.to_pylist() for field in from_json(row["_extra"]))
        unknown_fields.append(
            {
                "table": table,
                "rows_looked_at": len(kept),
                "fields": ", ".join(field for field, _ in fields.most_common(12)),
                "more_fields": max(len(fields) - 12, 0),
            }
        )
    fields_table = drawn(Shown, unknown_fields, "Every field that came is known.")
    fields_table
    return


@app.cell
def _(Shown, drawn, warehouse):
    unread = warehouse.rows("""
        SELECT 'line that is no row: ' || reason AS what, COUNT(*) AS times,
               MAX(extracted_at) AS newest
        FROM gladly.quarantined_lines
        GROUP BY reason
        UNION ALL
        SELECT 'item of type ' || content_type AS what, COUNT(*) AS times,
               MAX(_extracted_at) AS newest
        FROM gladly.unknown_items
        GROUP BY content_type
        UNION ALL
        SELECT 'line of file ' || file AS what, COUNT(*) AS times, MAX(extracted_at) AS newest
        FROM gladly.unknown_file_lines
        GROUP BY file
        ORDER BY times DESC, what
    """)
    unread_table = drawn(Shown, unread, "Every line and every item could be read.")
    unread_table
    return


if __name__ == "__main__":
    app.run()
