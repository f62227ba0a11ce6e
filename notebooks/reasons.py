import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Why customers write")


@app.cell
def _():
    from collections import Counter, defaultdict
    from math import sqrt

    import altair as alt
    import marimo as mo
    from charts import (
        COLOURS,
        GOOD,
        INK,
        LIGHT,
        QUIET,
        Shown,
        channel_name,
        chart_of,
        coloured,
        counted,
        days_across,
        drawn,
        finished,
        share,
    )
    from warehouse import Warehouse

    return (
        COLOURS,
        Counter,
        GOOD,
        INK,
        LIGHT,
        QUIET,
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
        finished,
        mo,
        share,
        sqrt,
    )


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # Why customers write

    What they write and call about, which reasons grow, how much work each is, what AI takes over,
    how satisfied customers are, and who comes back.

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
    ## What it is about

    Topics as agents and rules set them (`marts.contact_reasons`), over all that is loaded. The bar
    of a branch counts each conversation under it once, whichever topics below it it has; the bars
    of topics do not add up, since a conversation can have several.
    """)
    return


@app.cell
def _(warehouse):
    reasons = warehouse.rows("""
        SELECT reason.topic_id, COALESCE(topic.root_topic_id, reason.topic_id) AS branch_id,
               COALESCE(topic.level, 1) AS level,
               COALESCE(reason.topic_path, 'No topic') AS topic,
               reason.conversations, reason.conversations_with_subtopics, reason.all_conversations,
               reason.reopened_conversations, reason.ai_conversations, reason.messages,
               reason.worked_conversations, reason.handle_seconds
        FROM marts.contact_reasons AS reason
        LEFT JOIN marts.topic_hierarchy AS topic ON topic.topic_id = reason.topic_id
        WHERE reason.conversations_with_subtopics > 0
        ORDER BY reason.conversations_with_subtopics DESC, reason.topic_id
    """).to_pylist()
    return (reasons,)


@app.cell
def _(
    GOOD,
    LIGHT,
    QUIET,
    alt,
    chart_of,
    counted,
    drawn,
    finished,
    reasons,
    share,
):
    def draw_reasons(reasons):
        branches, topics = 8, 5  # shown, and of each branch
        kinds = {"Branch with all below": GOOD, "Topic": LIGHT, "No topic": QUIET}
        named = [row for row in reasons if row["topic_id"]]
        roots = [row for row in named if row["level"] == 1]
        bars = []
        for root in roots[:branches]:
            below = [
                row for row in named if row["branch_id"] == root["branch_id"] and row is not root
            ]
            for row in (root, *below[:topics]):
                kind = "Branch with all below" if row is root and below else "Topic"
                bars.append({"kind": kind, **row})
        bars += [{"kind": "No topic", **row} for row in reasons if not row["topic_id"]]
        every = reasons[0]["all_conversations"]
        none = sum(row["conversations"] for row in reasons if not row["topic_id"])
        told = (
            f"{roots[0]['topic']} is the first reason to write, "
            f"{share(roots[0]['conversations_with_subtopics'], every)} of conversations; "
            if roots
            else ""
        )
        return finished(
            chart_of(
                [
                    {
                        "topic": bar["topic"],
                        "kind": bar["kind"],
                        "conversations": bar["conversations_with_subtopics"],
                    }
                    for bar in bars
                ]
            )
            .mark_bar()
            .encode(
                x=alt.X("conversations:Q", title="Conversations", axis=alt.Axis(format=",d")),
                y=alt.Y("topic:N", title="Topic", sort=None, axis=alt.Axis(labelLimit=260)),
                color=alt.Color(
                    "kind:N",
                    scale=alt.Scale(domain=list(kinds), range=list(kinds.values())),
                    title=None,
                ),
            ),
            f"{told}{share(none, every)} have no topic",
            f"Of {counted(every, 'conversation')}; the largest branches first, each with its topics"
            + (f"; the first {branches}" if len(roots) > branches else ""),
            rows=len(bars),
        )

    chart_reasons = drawn(draw_reasons, reasons, "No conversation with contact is loaded yet.")
    chart_reasons
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Which reasons grow

    The share of each day's conversations about a topic (`marts.topic_volume`): the newer half of
    the days that are loaded against the older one. Few conversations differ from one day to the
    next without any reason, so a change counts only if chance alone would make one as large less
    than once in some hundred topics (three standard errors). Compare whole weeks where you can:
    weekends are about other things.
    """)
    return


@app.cell
def _(Counter, defaultdict, sqrt, warehouse):
    topic_days = warehouse.rows("""
        SELECT local_date, topic_id, COALESCE(topic_path, 'No topic') AS topic, conversations,
               conversations_of_day
        FROM marts.topic_volume
        ORDER BY local_date, topic_id
    """).to_pylist()

    def changes(topic_days):
        """Return what each topic was and is a share of; nothing if there is one day only."""
        of_day = {row["local_date"]: row["conversations_of_day"] for row in topic_days}
        days = sorted(of_day)
        half = len(days) // 2
        older, newer = set(days[:half]), set(days[-half:] if half else ())
        before, after = (sum(of_day[day] for day in part) for part in (older, newer))
        counts = defaultdict(Counter)
        for row in topic_days:
            part = "before" if row["local_date"] in older else "after"
            if row["local_date"] in older | newer:
                counts[row["topic"]][part] += row["conversations"]
        found = []
        for topic, n in counts.items():
            both = (n["before"] + n["after"]) / (before + after)
            error = sqrt(both * (1 - both) * (1 / before + 1 / after))
            change = n["after"] / after - n["before"] / before
            found.append(
                {
                    "topic": topic,
                    "conversations": n["before"] + n["after"],
                    "points": 100 * change,
                    "change": "More than chance"
                    if error and abs(change) > 3 * error
                    else "Within chance",
                }
            )
        return sorted(found, key=lambda row: -row["conversations"])[:20], half

    grown, half_days = changes(topic_days)
    return grown, half_days


@app.cell
def _(GOOD, QUIET, alt, chart_of, counted, drawn, finished, grown, half_days):
    def draw_growth(grown):
        rows = sorted(grown, key=lambda row: -row["points"])
        real = [row for row in rows if row["change"] == "More than chance"]
        grew, shrank = ([row for row in real if row["points"] * side > 0] for side in (1, -1))
        told = [
            f"{row['topic']} {what} by {abs(row['points']):.1f} points"
            for what, row in (
                *(("grew", row) for row in grew[:1]),
                *(("shrank", row) for row in shrank[-1:]),
            )
        ]
        return finished(
            chart_of(rows)
            .mark_bar()
            .encode(
                x=alt.X(
                    "points:Q",
                    title="Change of the share, in percentage points",
                    axis=alt.Axis(tickCount=8),
                ),
                y=alt.Y("topic:N", title="Topic", sort=None, axis=alt.Axis(labelLimit=260)),
                color=alt.Color(
                    "change:N",
                    scale=alt.Scale(
                        domain=["More than chance", "Within chance"], range=[GOOD, QUIET]
                    ),
                    title=None,
                ),
            ),
            ", ".join(told) or "No reason grew or shrank by more than chance",
            f"Share of conversations, the newer {counted(half_days, 'day')} less the older "
            f"{half_days}; the {counted(len(rows), 'topic')} with most conversations",
            rows=len(rows),
        )

    chart_growth = drawn(draw_growth, grown, "It takes two days of conversations to see a change.")
    chart_growth
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## How much work each reason is

    Handle time and after-contact time of work sessions that ended, per conversation that has any.
    A conversation with two topics is in both.
    """)
    return


@app.cell
def _(GOOD, INK, alt, chart_of, counted, drawn, finished, reasons):
    few = 10  # conversations that make no average

    def draw_work(worked):
        rows = sorted(worked[:20], key=lambda row: -row["minutes"])
        encoding = {
            "x": alt.X(
                "minutes:Q",
                title="Minutes of work a conversation",
                # room for the text beside the longest bar
                scale=alt.Scale(domain=[0, rows[0]["minutes"] * 1.4]),
            ),
            "y": alt.Y("topic:N", title="Topic", sort=None, axis=alt.Axis(labelLimit=260)),
        }
        return finished(
            alt.layer(
                chart_of(rows).mark_bar(color=GOOD).encode(**encoding),
                chart_of(rows)
                .mark_text(align="left", dx=6, fontSize=12, color=INK)
                .encode(**encoding, text="text:N"),
            ),
            f"{rows[0]['topic']} takes longest: {rows[0]['minutes']:.0f} minutes a conversation",
            f"Average, and hours in all; {rows[-1]['topic']} takes {rows[-1]['minutes']:.0f}, the "
            f"least of {counted(len(rows), 'topic')} with {few} worked conversations or more",
            rows=len(rows),
        )

    worked = [
        {
            "topic": row["topic"],
            "minutes": row["handle_seconds"] / row["worked_conversations"] / 60,
            "text": f"{row['handle_seconds'] / 3600:,.0f} hours in "
            f"{row['worked_conversations']:,} conversations",
        }
        for row in reasons
        if row["topic_id"] and row["worked_conversations"] >= few
    ]
    chart_work = drawn(draw_work, worked, "No topic has ten conversations with work that ended.")
    chart_work
    return


@app.cell
def _(Shown, drawn, reasons, share):
    reasons_table = drawn(
        Shown,
        [
            {
                "topic": row["topic"],
                "conversations": row["conversations"],
                "messages_each": row["messages"] / row["conversations"],
                "reopened": share(row["reopened_conversations"], row["conversations"]),
                "AI_took_part": share(row["ai_conversations"], row["conversations"]),
            }
            for row in sorted(reasons, key=lambda row: -row["conversations"])[:20]
            if row["conversations"]
        ],
        "No conversation with contact is loaded yet.",
    )
    reasons_table
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## On which channel

    `marts.channel_volume`, over all days: a conversation counts once a day where its day began, and
    contacts, messages and calls where they were.
    """)
    return


@app.cell
def _(Shown, channel_name, drawn, warehouse):
    channels = warehouse.rows("""
        SELECT channel, SUM(conversations_begun_here) AS days_of_conversations_begun_here,
               SUM(contacts_started) AS contacts, SUM(messages_inbound) AS messages_in,
               SUM(messages_outbound) AS messages_out, SUM(calls_inbound) AS calls_in,
               SUM(calls_outbound) AS calls_out
        FROM marts.channel_volume
        GROUP BY channel
        ORDER BY days_of_conversations_begun_here DESC, channel
    """).to_pylist()
    channels_table = drawn(
        Shown,
        [{**row, "channel": channel_name(row["channel"])} for row in channels],
        "No contact, message or call is loaded yet.",
    )
    channels_table
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## What AI takes over

    `marts.ai_containment`: a conversation counts on the day of the first sign of AI in it. AI dealt
    with it alone if no agent took part and it is closed, or nothing happened in it for 24 hours.
    """)
    return


@app.cell
def _(
    COLOURS,
    Counter,
    GOOD,
    QUIET,
    alt,
    chart_of,
    counted,
    days_across,
    drawn,
    finished,
    share,
    warehouse,
):
    ai_days = warehouse.rows("""
        SELECT local_date, ai_conversations, contained_conversations, handed_conversations,
               undecided_conversations
        FROM marts.ai_containment
        WHERE ai_conversations > 0
        ORDER BY local_date
    """).to_pylist()

    def draw_ai(ai_days):
        fates = {
            "AI alone": ("contained_conversations", GOOD),
            "An agent too": ("handed_conversations", COLOURS[1]),
            "Not decided yet": ("undecided_conversations", QUIET),
        }
        total = Counter()
        for day in ai_days:
            total.update({name: day[name] for name, _ in fates.values()})
        decided = total["contained_conversations"] + total["handed_conversations"]
        return finished(
            chart_of(
                [
                    {
                        "day": day["local_date"],
                        "fate": fate,
                        "rank": rank,
                        "conversations": day[name],
                    }
                    for day in ai_days
                    for rank, (fate, (name, _)) in enumerate(fates.items())
                ]
            )
            .mark_bar()
            .encode(
                x=days_across("Day on which AI first took part"),
                y=alt.Y("conversations:Q", title="Conversations", axis=alt.Axis(format=",d")),
                color=alt.Color(
                    "fate:N",
                    scale=alt.Scale(
                        domain=list(fates), range=[colour for _, colour in fates.values()]
                    ),
                    title=None,
                ),
                order=alt.Order("rank:Q"),
            ),
            f"AI deals with {share(total['contained_conversations'], decided)} of its "
            "conversations alone",
            f"Of {counted(decided, 'conversation')} with AI that are decided, "
            f"{total['contained_conversations']:,} had no agent; "
            f"{total['undecided_conversations']:,} are not decided yet",
        )

    chart_ai = drawn(draw_ai, ai_days, "AI took part in no conversation that is loaded.")
    chart_ai
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## How satisfied customers are

    Answers to surveys, as other systems report them to Gladly (`marts.satisfaction`). Each system
    asks on a scale of its own, so they are not averaged together; a score is read where an answer
    says one plainly, such as 4 or 4/5, and has an average where its system keeps to one scale.
    """)
    return


@app.cell
def _(Shown, drawn, warehouse):
    surveys = warehouse.rows("""
        SELECT COALESCE(NULLIF(source_name, ''), 'Not named') AS system, SUM(answers) AS answers,
               SUM(scored_answers) AS with_a_score,
               SUM(scored_answers * average_score)
                 / NULLIF(SUM(CASE WHEN average_score IS NOT NULL THEN scored_answers END), 0)
                 AS average_score,
               MIN(local_date) AS first_day, MAX(local_date) AS last_day
        FROM marts.satisfaction
        GROUP BY 1
        ORDER BY answers DESC, system
    """)
    surveys_table = drawn(Shown, surveys, "No answer to a survey is loaded.")
    surveys_table
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Who comes back

    Customers that stand today, merged profiles as one (`marts.customer_360`), with all their
    conversations that are loaded. The longer the time that is loaded, the more have come back.
    """)
    return


@app.cell
def _(alt, chart_of, coloured, counted, drawn, finished, share, warehouse):
    customers = warehouse.rows("""
        SELECT CASE WHEN conversations < 5 THEN conversations END AS times,
               COUNT(*) AS customers, SUM(conversations) AS conversations
        FROM marts.customer_360
        WHERE conversations > 0
        GROUP BY 1
        ORDER BY 1 NULLS LAST
    """).to_pylist()

    def draw_customers(customers):
        measures = {"customers": "Customers", "conversations": "Their conversations"}
        total = {what: sum(row[what] for row in customers) for what in measures}
        again = {
            what: sum(row[what] for row in customers if row["times"] != 1) for what in measures
        }
        return finished(
            chart_of(
                [
                    {
                        "times": str(row["times"] or "5 or more"),
                        "measure": name,
                        "share": row[what] / total[what],
                    }
                    for row in customers
                    for what, name in measures.items()
                ]
            )
            .mark_bar()
            .encode(
                x=alt.X(
                    "times:N",
                    title="Conversations of a customer",
                    sort=None,
                    axis=alt.Axis(labelAngle=0),
                ),
                xOffset=alt.XOffset("measure:N"),
                y=alt.Y("share:Q", title="Share of all", axis=alt.Axis(format="%", tickCount=5)),
                color=coloured("measure", tuple(measures.values())),
            ),
            f"{share(again['customers'], total['customers'])} of customers came back, with "
            f"{share(again['conversations'], total['conversations'])} of all conversations",
            f"{counted(total['customers'], 'customer')} with {total['conversations']:,} "
            "conversations",
        )

    chart_customers = drawn(draw_customers, customers, "No customer has a conversation yet.")
    chart_customers
    return


if __name__ == "__main__":
    app.run()
