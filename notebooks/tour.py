import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="A tour of the data")


@app.cell
def _():
    from collections import Counter

    import altair as alt
    import marimo as mo
    from charts import (
        GOOD,
        OTHERS,
        Shown,
        channel_name,
        chart_of,
        coloured,
        counted,
        day_name,
        days_across,
        drawn,
        finished,
        share,
        shortened,
    )
    from warehouse import Warehouse

    return (
        Counter,
        GOOD,
        OTHERS,
        Shown,
        Warehouse,
        alt,
        channel_name,
        chart_of,
        coloured,
        counted,
        day_name,
        days_across,
        drawn,
        finished,
        mo,
        share,
        shortened,
    )


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # A tour of the data

    What is loaded, what customers and agents write on which channel and when, and how one
    conversation reads. Whether anything is missing is in the notebook `quality`.

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
def _(Shown, drawn, warehouse):
    feeds = warehouse.rows("""
        SELECT stream AS feed, COUNT(*) AS files, SUM(lines) AS lines,
               SUM(bytes) / 1000000.0 AS megabytes, SUM(quarantined) AS quarantined_lines,
               MIN(window_from) AS data_from, MAX(window_to) AS data_until
        FROM gladly.load_files
        GROUP BY stream
        ORDER BY lines DESC, feed
    """)
    feeds_table = drawn(Shown, feeds, "No file is loaded yet.")
    feeds_table
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
def _(
    alt,
    channel_name,
    chart_of,
    coloured,
    drawn,
    finished,
    share,
    warehouse,
):
    by_channel = warehouse.rows("""
        SELECT channel, direction, COUNT(*) AS items
        FROM marts.conversation_timeline
        WHERE kind IN ('message', 'call')
        GROUP BY channel, direction
    """).to_pylist()

    def draw_channels(by_channel):
        bars = [
            {
                "channel": channel_name(row["channel"]),
                "direction": "From customers" if row["direction"] == "inbound" else "To customers",
                "items": row["items"],
            }
            for row in by_channel
        ]
        received = sum(bar["items"] for bar in bars if bar["direction"] == "From customers")
        busiest = max(bars, key=lambda bar: (bar["direction"] == "From customers", bar["items"]))
        return finished(
            chart_of(bars)
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

    chart_channels = drawn(draw_channels, by_channel, "No message or call is loaded yet.")
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
def _(Counter, OTHERS, channel_name, warehouse):
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
    daily = [
        {"day": day, "channel": name, "rank": ranks[name], "items": n}
        for (day, name), n in items_by_day.items()
    ]
    hourly_totals = Counter()
    for row in inbound:
        hourly_totals[row["hour"]] += row["items"]
    hourly = [
        {"hour": hour, "items": hourly_totals[hour] / len(days)} for hour in range(24) if days
    ]
    return channels, daily, days, hourly, hourly_totals


@app.cell
def _(
    Counter,
    OTHERS,
    alt,
    channels,
    chart_of,
    coloured,
    counted,
    daily,
    day_name,
    days,
    days_across,
    drawn,
    finished,
):
    def draw_days(daily):
        totals = Counter()
        for each in daily:
            totals[each["day"]] += each["items"]
        busiest_day, most = max(totals.items(), key=lambda pair: pair[1])
        return finished(
            chart_of(daily)
            .mark_bar()
            .encode(
                x=days_across("Day"),
                y=alt.Y("items:Q", title="Messages and calls a day", axis=alt.Axis(format=",d")),
                color=coloured("channel", (*channels, OTHERS)),
                order=alt.Order("rank:Q"),
            ),
            f"Customers send {sum(totals.values()) / len(days):,.0f} messages and calls a day, "
            f"{most:,} at most",
            f"From customers, by channel, {counted(len(days), 'day')}; most on "
            f"{day_name(busiest_day)}",
        )

    chart_days = drawn(draw_days, daily, "No message or call of a customer is loaded yet.")
    chart_days
    return


@app.cell
def _(GOOD, alt, chart_of, drawn, finished, hourly, hourly_totals, warehouse):
    def draw_hours(hourly):
        peak = max(range(24), key=lambda hour: hourly_totals[hour])
        busy = [hour for hour in range(24) if hourly_totals[hour] >= hourly_totals[peak] / 2]
        return finished(
            chart_of(hourly)
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

    chart_hours = drawn(draw_hours, hourly, "No message or call of a customer is loaded yet.")
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
def _(Shown, channel_name, drawn, shortened, warehouse):
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
    """).to_pylist()
    conversation_table = drawn(
        Shown,
        [
            {
                "time (UTC)": item["at"],
                "who": item["author"].capitalize(),
                "what": channel_name(item["channel"]) if item["channel"] else item["kind"],
                "text": shortened(": ".join(filter(None, (item["subject"], item["text"])))),
            }
            for item in conversation
        ],
        "No conversation of eight items or more is loaded yet.",
    )
    conversation_table
    return


if __name__ == "__main__":
    app.run()
