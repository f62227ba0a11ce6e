import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Service levels and staffing")


@app.cell
def _():
    from collections import Counter, defaultdict
    from datetime import timedelta

    import altair as alt
    import marimo as mo
    from charts import (
        GOOD,
        INK,
        LIGHT,
        Shown,
        channel_name,
        chart_of,
        coloured,
        counted,
        days_across,
        drawn,
        duration_name,
        finished,
        share,
        time_name,
    )
    from warehouse import Warehouse

    return (
        Counter,
        GOOD,
        INK,
        LIGHT,
        Shown,
        Warehouse,
        alt,
        channel_name,
        chart_of,
        coloured,
        counted,
        days_across,
        defaultdict,
        drawn,
        duration_name,
        finished,
        mo,
        share,
        time_name,
        timedelta,
    )


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # Service levels and staffing

    How many customers are answered in time, how long they wait on which channel, who gives up, what
    stays open, and whether agents are there when customers come.

    It reads the demo's database (`make demo`) unless the environment variable `HELPDESK_NOTEBOOKS`
    says otherwise: `warehouse` reads what `.dlt/config.toml` names under `[helpdesk]`. Every query
    below can be copied; what each column means is in `docs/models.md`.
    """)
    return


@app.cell
def _(Warehouse):
    warehouse = Warehouse.open()
    return (warehouse,)


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Answered in time?

    One row of `marts.service_levels` is a day, a channel and an inbox: the contacts that ended
    then. The service level is Gladly's: contacts whose clock stopped before their target, of all
    that customers began. The clock stops when a contact is answered, and also when it is cancelled,
    such as by a caller who hangs up soon. A contact without a target is in the whole only, and
    lowers the service level. An abandoned one ended before anybody answered: callers hang up, who
    writes only waits.
    """)
    return


@app.cell
def _(Counter, defaultdict, warehouse):
    by_day_and_channel = warehouse.rows("""
        SELECT local_date, channel,
               SUM(contacts_ended) AS ended, SUM(contacts_inbound) AS inbound,
               SUM(contacts_fulfilled_before_target) AS in_time,
               SUM(contacts_fulfilled_after_target) AS late,
               SUM(contacts_abandoned) AS abandoned,
               SUM(contacts_abandoned_within_15_seconds) AS abandoned_soon,
               SUM(queued_to_fulfilled_contacts) AS waited_contacts,
               SUM(queued_to_fulfilled_seconds) AS waited_seconds,
               SUM(queued_to_fulfilled_business_contacts) AS business_contacts,
               SUM(queued_to_fulfilled_business_seconds) AS business_seconds,
               SUM(handle_contacts) AS handle_contacts, SUM(handle_seconds) AS handle_seconds
        FROM marts.service_levels
        GROUP BY local_date, channel
        HAVING SUM(contacts_inbound) > 0
        ORDER BY local_date, channel
    """).to_pylist()

    def sums_by(field):
        """Return the sums of the rows with each value of a field, the most contacts first."""
        sums = defaultdict(Counter)
        for row in by_day_and_channel:
            sums[row[field]].update({k: n or 0 for k, n in row.items() if k not in keys})
        return dict(sorted(sums.items(), key=lambda pair: -pair[1]["inbound"]))

    keys = {"local_date", "channel"}
    by_day, by_channel = sums_by("local_date"), sums_by("channel")
    return by_channel, by_day, by_day_and_channel


@app.cell
def _(
    INK,
    LIGHT,
    alt,
    by_channel,
    by_day,
    by_day_and_channel,
    channel_name,
    chart_of,
    days_across,
    drawn,
    finished,
    share,
):
    def draw_levels(rows):
        every, few, room = "All channels", 10, 14  # contacts that tell too little; days with texts
        of_all = [(day, every, sums) for day, sums in by_day.items()]
        of_each = [(row["local_date"], channel_name(row["channel"]), row) for row in rows]
        cells = [
            {
                "day": day,
                "channel": channel,
                "level": sums["in_time"] / sums["inbound"],
                "text": share(sums["in_time"], sums["inbound"]),
            }
            for day, channel, sums in (*of_all, *of_each)
            if sums["inbound"] >= few or channel == every
        ]
        shown = [every, *map(channel_name, by_channel)]
        encoding = {
            "x": days_across("Day on which the contacts ended"),
            "y": alt.Y("channel:N", title="Channel", sort=shown),
        }
        squares = (
            chart_of(cells)
            .mark_rect(stroke="white", strokeWidth=2)
            .encode(
                **encoding,
                color=alt.Color(
                    "level:Q",
                    # from nothing on, usual days would look alike
                    scale=alt.Scale(domain=[0.5, 1], range=["#f3f7fa", LIGHT], clamp=True),
                    legend=alt.Legend(format="%", values=[0.5, 0.75, 1], gradientLength=200),
                    title=None,
                ),
            )
        )
        texts = chart_of(cells).mark_text(fontSize=12, color=INK).encode(**encoding, text="text:N")
        inbound, in_time, late = (
            sum(sums[what] for sums in by_day.values()) for what in ("inbound", "in_time", "late")
        )
        return finished(
            alt.layer(squares, texts) if len(by_day) <= room else squares,
            f"{share(in_time, inbound)} of customers' contacts are answered in time, "
            f"{share(late, inbound)} late; no target is known for the others",
            f"Share of {inbound:,} contacts; not drawn: a day and channel of fewer than {few}",
            rows=len({cell["channel"] for cell in cells}),
        )

    chart_levels = drawn(draw_levels, by_day_and_channel, "No contact of a customer has ended yet.")
    chart_levels
    return


@app.cell
def _(Shown, by_channel, channel_name, drawn, share):
    channels_table = drawn(
        Shown,
        [
            {
                "channel": channel_name(channel),
                "begun_by_customers": sums["inbound"],
                "in_time": sums["in_time"],
                "late": sums["late"],
                "service_level": share(sums["in_time"], sums["inbound"]),
                "abandoned": sums["abandoned"],
                "abandoned_of_all": share(sums["abandoned"], sums["inbound"]),
                "of_these_within_15_seconds": sums["abandoned_soon"],
                "handle_minutes_each": sums["handle_seconds"] / sums["handle_contacts"] / 60
                if sums["handle_contacts"]
                else None,
            }
            for channel, sums in by_channel.items()
        ],
        "No contact of a customer has ended yet.",
    )
    channels_table
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## How long customers wait

    A contact waits in the queue until its clock stops; the first answer is the first message of an
    agent after a customer's (`marts.response_times`), so that calls have none. Beside the hours as
    customers live them stand business hours: that clock stands still while the default hours are
    closed, and who is answered before they open has not waited at all.
    """)
    return


@app.cell
def _(by_channel, warehouse):
    first_answers = warehouse.rows("""
        SELECT channel, SUM(responses) AS responses,
               SUM(responses * average_response_seconds) AS seconds,
               SUM(business_responses) AS business_responses,
               SUM(business_responses * average_business_response_seconds) AS business_seconds
        FROM marts.response_times
        WHERE response = 'first'
        GROUP BY channel
        ORDER BY channel
    """).to_pylist()

    # what, channel, clock, how many, seconds
    waits = [
        *(
            ("Contact in the queue", channel, clock, sums[n], sums[seconds])
            for channel, sums in by_channel.items()
            for clock, n, seconds in (
                ("All hours", "waited_contacts", "waited_seconds"),
                ("Business hours", "business_contacts", "business_seconds"),
            )
            if sums[n]
        ),
        *(
            ("First answer", row["channel"], clock, row[n], row[seconds])
            for row in first_answers
            for clock, n, seconds in (
                ("All hours", "responses", "seconds"),
                ("Business hours", "business_responses", "business_seconds"),
            )
            if row[n]
        ),
    ]
    return (waits,)


@app.cell
def _(
    alt,
    channel_name,
    chart_of,
    coloured,
    drawn,
    duration_name,
    finished,
    waits,
):
    def draw_waits(waits):
        def average(wanted, clock):
            found = [each for each in waits if each[0] == wanted and each[2] == clock]
            n = sum(each[3] for each in found)
            return duration_name(sum(each[4] for each in found) / n) if n else "not known"

        whats = ("Contact in the queue", "First answer")
        longest_first = sorted(
            (each for each in waits if each[2] == "All hours"), key=lambda each: -each[3]
        )
        channels = list(dict.fromkeys(channel_name(each[1]) for each in longest_first))
        return finished(
            chart_of(
                [
                    {
                        "what": what,
                        "channel": channel_name(channel),
                        "clock": clock,
                        "minutes": seconds / n / 60,
                    }
                    for what, channel, clock, n, seconds in waits
                ]
            )
            .mark_bar()
            .encode(
                x=alt.X("minutes:Q", title="Minutes", axis=alt.Axis(format=",d", tickCount=5)),
                y=alt.Y("channel:N", title="Channel", sort=channels),
                yOffset=alt.YOffset("clock:N"),
                color=coloured("clock", ("All hours", "Business hours")),
                column=alt.Column("what:N", title=None, sort=list(whats)),
            ),
            f"A first answer takes {average(whats[1], 'All hours')}, "
            f"{average(whats[1], 'Business hours')} of it in business hours",
            f"Averages; in the queue contacts wait {average(whats[0], 'All hours')}, "
            f"{average(whats[0], 'Business hours')} of it in business hours",
            rows=len(channels),
            beside=2,
        )

    chart_waits = drawn(draw_waits, waits, "No customer has waited for an answer yet.")
    chart_waits
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## What stays open

    Every conversation that is not closed, hour by hour (`marts.backlog_by_hour`), waiting ones too.
    If it grows from day to day, more comes than is closed. Below, the days on which conversations
    were closed for the last time (`marts.conversations_closed`); one touch is a single answer.
    """)
    return


@app.cell
def _(
    GOOD,
    alt,
    chart_of,
    counted,
    drawn,
    finished,
    time_name,
    timedelta,
    warehouse,
):
    backlog = warehouse.rows("""
        SELECT hour_start, open_at_start, opened, closed
        FROM marts.backlog_by_hour
        ORDER BY hour_start
    """).to_pylist()

    def draw_backlog(backlog):
        end = backlog[-1]
        left = {
            "hour_start": end["hour_start"] + timedelta(hours=1),
            "open_at_start": end["open_at_start"] + end["opened"] - end["closed"],
        }
        # beside the same hour of the day before: each day has its rise and fall
        day_before = left["hour_start"] - timedelta(days=1)
        more = left["open_at_start"] - next(
            (hour["open_at_start"] for hour in backlog if hour["hour_start"] == day_before), 0
        )
        opened, closed = (sum(hour[what] for hour in backlog) for what in ("opened", "closed"))
        return finished(
            chart_of([*backlog, left])
            .mark_area(color=GOOD, opacity=1, interpolate="step-after")
            .encode(
                x=alt.X(
                    "hour_start:T",
                    title="Time (UTC)",
                    scale=alt.Scale(type="utc"),
                    axis=alt.Axis(format="%a %d %b", tickCount="day", labelOverlap=True),
                ),
                y=alt.Y("open_at_start:Q", title="Open conversations", axis=alt.Axis(format=",d")),
            ),
            f"{counted(left['open_at_start'], 'conversation')} left open, "
            f"{abs(more):,} {'fewer' if more < 0 else 'more'} than a day before",
            f"At the beginning of each hour up to {time_name(left['hour_start'])} UTC; "
            f"in all {opened:,} opened and {closed:,} closed, reopened ones again",
        )

    chart_backlog = drawn(draw_backlog, backlog, "No conversation is loaded yet.")
    chart_backlog
    return


@app.cell
def _(Shown, drawn, warehouse):
    closed_days = warehouse.rows("""
        SELECT local_date AS day, conversations_closed, one_touch, reopened,
               average_created_to_last_closed_seconds / 3600 AS hours_until_closed,
               average_business_created_to_last_closed_seconds / 3600 AS of_these_business_hours
        FROM marts.conversations_closed
        ORDER BY local_date DESC
        LIMIT 14
    """)
    closed_table = drawn(Shown, closed_days, "No conversation is closed yet.")
    closed_table
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Are agents there when customers come?

    By half hour of the local day, the average of all whole days that events are loaded for: what
    customers bring (`marts.service_level_half_hours`), who is there, and how busy they are
    (`marts.agent_half_hours`). An agent available for a quarter of an hour is half an agent.
    Occupancy is time with a contact in hand or to finish, of active time.
    """)
    return


@app.cell
def _(Counter, defaultdict, warehouse):
    whole_days = {
        row["local_date"]
        for row in warehouse.rows("""
            SELECT day.local_date
            FROM marts.local_days AS day
            JOIN (
              SELECT MIN(window_from) AS from_at, MAX(window_to) AS to_at
              FROM gladly.load_files
              WHERE stream = 'gladly.events'
            ) AS loaded
              ON day.starts_at >= loaded.from_at AND day.ends_at <= loaded.to_at
        """).to_pylist()
    }
    found = warehouse.rows("""
        WITH found AS (
          SELECT half_hour_start, contacts_inbound AS inbound,
                 0 AS available, 0 AS active, 0 AS occupied
          FROM marts.service_level_half_hours
          UNION ALL
          SELECT half_hour_start, 0 AS inbound, available_seconds AS available,
                 active_seconds AS active, occupied_seconds AS occupied
          FROM marts.agent_half_hours
        )
        SELECT day.local_date,
               (EPOCH_US(found.half_hour_start) - EPOCH_US(day.starts_at)) // 1800000000 AS place,
               SUM(found.inbound) AS inbound, SUM(found.available) AS available,
               SUM(found.active) AS active, SUM(found.occupied) AS occupied
        FROM found
        JOIN marts.local_days AS day
          ON found.half_hour_start >= day.starts_at AND found.half_hour_start < day.ends_at
        GROUP BY 1, 2
        ORDER BY 1, 2
    """).to_pylist()
    half_hours = defaultdict(Counter)
    for half_hour in found:
        if half_hour["local_date"] in whole_days:
            half_hours[half_hour["place"]].update(
                {k: half_hour[k] or 0 for k in ("inbound", "available", "active", "occupied")}
            )
    return half_hours, whole_days


@app.cell
def _(
    Counter,
    alt,
    chart_of,
    coloured,
    counted,
    drawn,
    finished,
    half_hours,
    warehouse,
    whole_days,
):
    def draw_half_hours(half_hours):
        n, somebody = len(whole_days), 0.1  # of an agent: less was there for minutes only
        whats = ("New contacts of customers", "Agents available", "Occupancy, percent")
        times = [f"{place // 2:02}:{place % 2 * 30:02}" for place in range(48)]
        cells, loads, alone = [], {}, 0
        for place, time in enumerate(times):
            sums = half_hours[place] if place in half_hours else Counter()
            inbound, agents = sums["inbound"] / n, sums["available"] / 1800 / n
            occupancy = 100 * sums["occupied"] / sums["active"] if sums["active"] else None
            for what, value in zip(whats, (inbound, agents, occupancy), strict=True):
                cells.append({"time": time, "what": what, "value": value})
            if agents >= somebody:
                loads[time] = inbound / agents
            elif inbound > 0:
                alone += 1
        tightest = max(loads, key=loads.__getitem__, default=None)
        return finished(
            chart_of(cells)
            .mark_bar()
            .encode(
                x=alt.X(
                    "time:O",
                    title=f"Half hour of the day ({warehouse.timezone})",
                    scale=alt.Scale(domain=times),
                    axis=alt.Axis(labelAngle=0, labelPadding=6, ticks=False, values=times[::4]),
                ),
                y=alt.Y("value:Q", title="Average", axis=alt.Axis(tickCount=4)),
                color=coloured("what", whats).legend(None),
                row=alt.Row(
                    "what:N",
                    title=None,
                    sort=list(whats),
                    header=alt.Header(labelOrient="top", labelAnchor="start"),
                ),
            )
            .resolve_scale(y="independent"),
            "No agent was available"
            if tightest is None
            else f"Most work is at {tightest}: an available agent meets "
            f"{counted(round(loads[tightest]), 'new contact')} in the half hour",
            f"Average of {counted(n, 'day')}; half hours when customers come and nobody is "
            f"available: {alone or 'none'}",
            rows=4,
        )

    chart_half_hours = drawn(
        draw_half_hours, half_hours, "No whole day of events is loaded yet, or nothing happened."
    )
    chart_half_hours
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## How agents spent their last day

    The last whole day of `marts.agent_days`, in hours, the busiest first. Active time is busy or
    free; away is a break, training and the like. Agents may keep contacts in hand while away or
    logged out, such as mails, so that these hours can exceed the others.
    """)
    return


@app.cell
def _(Shown, drawn, warehouse, whole_days):
    agent_days = warehouse.rows("""
        SELECT COALESCE(agent_name, agent_id) AS agent, local_date AS day,
               logged_in_seconds / 3600 AS hours_logged_in, away_seconds / 3600 AS away,
               (active_seconds - occupied_seconds) / 3600 AS free, occupied_seconds / 3600 AS busy,
               100 * occupancy_rate AS occupancy_percent,
               handling_seconds / 3600 AS with_contacts_in_hand, contacts_accepted
        FROM marts.agent_days
        WHERE logged_in_seconds > 0
        ORDER BY local_date DESC, occupancy_rate DESC, agent_id
    """).to_pylist()
    newest = max(whole_days & {row["day"] for row in agent_days}, default=None)
    agents_table = drawn(
        Shown,
        [row for row in agent_days if row["day"] == newest],
        "No whole day of events is loaded yet, or no agent logged in.",
    )
    agents_table
    return


if __name__ == "__main__":
    app.run()
