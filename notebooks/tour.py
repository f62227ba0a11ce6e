import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="A tour of the data")


@app.cell
def _():
    from collections import Counter

    import altair as alt
    import marimo as mo
    import pyarrow as pa
    from charts import (
        BAD,
        GOOD,
        OTHERS,
        Shown,
        channel_name,
        coloured,
        counted,
        day_name,
        duration_name,
        finished,
        share,
        shortened,
        time_name,
    )
    from warehouse import Warehouse

    return (
        BAD,
        Counter,
        GOOD,
        OTHERS,
        Shown,
        Warehouse,
        alt,
        channel_name,
        coloured,
        counted,
        day_name,
        duration_name,
        finished,
        mo,
        pa,
        share,
        shortened,
        time_name,
    )


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # A tour of the data

    What is loaded, what customers and agents write on which channel and when, how one conversation
    reads, and whether anything is missing.

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
    ## What is loaded

    One row is a feed of Gladly's. Export files hold what was said; events what happened; reports
    are Gladly's own figures; the others add what only lists and single reads tell. Lines that could
    not become rows are kept in `gladly.quarantined_lines`.
    """)
    return


@app.cell
def _(Shown, warehouse):
    feeds = warehouse.rows("""
        SELECT stream AS feed, COUNT(*) AS files, SUM(lines) AS lines,
               SUM(bytes) / 1000000.0 AS megabytes, SUM(quarantined) AS quarantined_lines,
               MIN(window_from) AS data_from, MAX(window_to) AS data_until
        FROM gladly.load_files
        GROUP BY stream
        ORDER BY lines DESC, feed
    """)
    Shown(feeds)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Who writes, on which channel

    `marts.conversation_timeline` holds every item of every conversation. Messages and calls are
    inbound, from customers, or outbound, from agents and automation; notes, changes of status and
    the like are internal, and left out here.
    """)
    return


@app.cell
def _(alt, channel_name, coloured, finished, pa, share, warehouse):
    by_channel = warehouse.rows("""
        SELECT channel, direction, COUNT(*) AS items
        FROM marts.conversation_timeline
        WHERE kind IN ('message', 'call')
        GROUP BY channel, direction
    """).to_pylist()
    bars = [
        {
            "channel": channel_name(row["channel"]),
            "direction": "From customers" if row["direction"] == "inbound" else "To customers",
            "items": row["items"],
        }
        for row in by_channel
    ]
    received = sum(bar["items"] for bar in bars if bar["direction"] == "From customers")
    busiest = max(
        (bar for bar in bars if bar["direction"] == "From customers"),
        key=lambda bar: bar["items"],
    )
    chart_channels = finished(
        alt.Chart(pa.Table.from_pylist(bars))
        .mark_bar()
        .encode(
            x=alt.X("items:Q", title="Messages and calls", axis=alt.Axis(format=",d")),
            y=alt.Y("channel:N", title="Channel", sort="-x"),
            yOffset=alt.YOffset("direction:N"),
            color=coloured("direction", ("From customers", "To customers")),
        ),
        f"{busiest['channel']} is the busiest channel: "
        f"{share(busiest['items'], received)} of what customers send",
        f"Messages and calls of all conversations; customers sent {received:,}",
        rows=len({bar["channel"] for bar in bars}),
    )
    chart_channels
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## When customers write

    `marts.local_days` says which day of the time zone that models count in an instant belongs to
    (setting `timezone`), so that queries need no time zone of their own.
    """)
    return


@app.cell
def _(Counter, OTHERS, channel_name, pa, warehouse):
    inbound = warehouse.rows("""
        SELECT day.local_date, item.channel,
               (EPOCH_US(item.occurred_at) - EPOCH_US(day.starts_at)) // 3600000000 AS hour,
               COUNT(*) AS items
        FROM marts.conversation_timeline AS item
        JOIN marts.local_days AS day
          ON item.occurred_at >= day.starts_at AND item.occurred_at < day.ends_at
        WHERE item.direction = 'inbound'
        GROUP BY 1, 2, 3
        ORDER BY 1, 2, 3
    """).to_pylist()
    total_by_channel = Counter()
    for row in inbound:
        total_by_channel[channel_name(row["channel"])] += row["items"]
    channels = [channel for channel, _ in total_by_channel.most_common(4)]
    days = sorted({row["local_date"] for row in inbound})

    items_by_day = Counter()
    for row in inbound:
        name = channel_name(row["channel"])
        items_by_day[row["local_date"], name if name in channels else OTHERS] += row["items"]
    ranks = {name: rank for rank, name in enumerate((*channels, OTHERS))}
    daily = pa.Table.from_pylist(
        [
            {"day": day, "channel": name, "rank": ranks[name], "items": n}
            for (day, name), n in items_by_day.items()
        ]
    )
    hourly_totals = Counter()
    for row in inbound:
        hourly_totals[row["hour"]] += row["items"]
    hourly = pa.Table.from_pylist(
        [{"hour": hour, "items": hourly_totals[hour] / len(days)} for hour in range(24)]
    )
    return channels, daily, days, hourly, hourly_totals


@app.cell
def _(
    Counter,
    OTHERS,
    alt,
    channels,
    coloured,
    counted,
    daily,
    day_name,
    days,
    finished,
):
    totals = Counter()
    for each in daily.to_pylist():
        totals[each["day"]] += each["items"]
    busiest_day, most = max(totals.items(), key=lambda pair: pair[1])
    chart_days = finished(
        alt.Chart(daily)
        .mark_bar()
        .encode(
            x=alt.X(
                "yearmonthdate(day):O",
                title="Day",
                axis=alt.Axis(format="%a %d %b", labelAngle=0, labelOverlap=True),
            ),
            y=alt.Y("items:Q", title="Messages and calls a day", axis=alt.Axis(format=",d")),
            color=coloured("channel", (*channels, OTHERS)),
            order=alt.Order("rank:Q"),
        ),
        f"Customers send {sum(totals.values()) / len(days):,.0f} messages and calls a day, "
        f"{most:,} at most",
        f"From customers, by channel, {counted(len(days), 'day')}; most on {day_name(busiest_day)}",
    )
    chart_days
    return


@app.cell
def _(GOOD, alt, finished, hourly, hourly_totals, warehouse):
    peak = max(range(24), key=lambda hour: hourly_totals[hour])
    busy = [hour for hour in range(24) if hourly_totals[hour] >= hourly_totals[peak] / 2]
    chart_hours = finished(
        alt.Chart(hourly)
        .mark_bar(color=GOOD)
        .encode(
            x=alt.X(
                "hour:O",
                title=f"Hour of the day ({warehouse.timezone})",
                axis=alt.Axis(labelAngle=0),
            ),
            y=alt.Y("items:Q", title="Messages and calls an hour", axis=alt.Axis(format=",d")),
        ),
        f"Customers write between {busy[0]}:00 and {busy[-1] + 1}:00, "
        f"most in the hour from {peak}:00",
        "Average of all days; the title leaves out hours with less than half of the busiest",
    )
    chart_hours
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## One conversation, read in order

    Of the conversations in which customers and agents wrote and something was noted, one with the
    most channels. Texts are those of the items; a change of status stands there as its new status.
    """)
    return


@app.cell
def _(Shown, channel_name, pa, shortened, warehouse):
    conversation = warehouse.rows("""
        WITH chosen AS (
          SELECT conversation_id
          FROM marts.conversation_timeline
          WHERE conversation_id IS NOT NULL
          GROUP BY conversation_id
          HAVING COUNT(*) BETWEEN 8 AND 40
          ORDER BY COUNT(DISTINCT channel) DESC, COUNT(DISTINCT kind) DESC, conversation_id
          LIMIT 1
        )
        SELECT occurred_at AS at, author_type AS author, channel, kind, subject, text
        FROM marts.conversation_timeline
        WHERE conversation_id IN (SELECT conversation_id FROM chosen)
        ORDER BY occurred_at, item_id
    """)
    Shown(
        pa.Table.from_pylist(
            [
                {
                    "time (UTC)": item["at"],
                    "who": item["author"].capitalize(),
                    "what": channel_name(item["channel"]) if item["channel"] else item["kind"],
                    "text": shortened(": ".join(filter(None, (item["subject"], item["text"])))),
                }
                for item in conversation.to_pylist()
            ]
        )
    )
    return


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
        SELECT stream, kind, from_at, to_at, healed_at, reason
        FROM gladly.load_gaps
        ORDER BY from_at, stream
    """)
    return gaps, spans


@app.cell
def _(BAD, GOOD, alt, counted, duration_name, finished, gaps, pa, spans, time_name):
    feed_names = {
        "gladly.export": "Export files",
        "gladly.events": "Events",
        "gladly.work_sessions": "Work sessions",
    }

    def feed_of(stream):
        """Return what a feed is called; gladly.events.unreported is of Events."""
        return next((name for feed, name in feed_names.items() if stream.startswith(feed)), stream)

    missing = [gap for gap in gaps.to_pylist() if gap["healed_at"] is None]
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
    told = f"{duration_name(seconds)} in {counted(len(missing), 'gap')}" if missing else "nothing"

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
    chart_freshness = finished(
        alt.layer(
            alt.Chart(pa.Table.from_pylist(loaded))
            .mark_bar(height=14, stroke="white", strokeWidth=0.5)
            .encode(x=x, x2="to:T", y=y, color=states),
            alt.Chart(pa.Table.from_pylist(marks))
            .mark_point(shape="triangle-down", filled=True, size=140, opacity=1, yOffset=-14)
            .encode(x=x, y=y, color=states),
        ),
        f"Every feed is loaded up to {time_name(min(newest.values()))} UTC; missing: {told}",
        "Spans of time that each feed holds, a bar a file, and where a gap is that did not heal",
        rows=4,
    )
    chart_freshness
    return


@app.cell
def _(Shown, gaps):
    Shown(gaps)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## The runs that loaded it

    One row is a run. A run that is `begun` is under way, or was killed: the next one goes on.
    """)
    return


@app.cell
def _(Shown, warehouse):
    runs = warehouse.rows("""
        SELECT started_at, status, jobs_loaded, lines, quarantined, open_gaps, error
        FROM gladly.load_runs
        ORDER BY started_at DESC
        LIMIT 20
    """)
    Shown(runs)
    return


if __name__ == "__main__":
    app.run()
