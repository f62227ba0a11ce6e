-- One row is a local day on which conversations were closed that are closed still.
-- Key: local_date.
-- Answers: how many conversations did we resolve on this day? How many at one touch, and how many
-- came back first? How long did they take?
--
-- A conversation counts once, on the day of its last close; what is open again counts on no day
-- until it is closed again, so past days can lose conversations, as they do in Gladly's own report.
-- Averages and rates are of those for which the figure is known; how many these are stands beside.
WITH

closed AS (
  SELECT
    day.local_date,
    fact.is_one_touch,
    fact.times_closed,
    fact.times_reopened,
    fact.channels,
    CAST(fact.created_to_last_closed_seconds * 1000000 AS BIGINT) AS microseconds,
    CAST(fact.business_created_to_last_closed_seconds * 1000000 AS BIGINT)
      AS business_microseconds
  FROM conversation_facts AS fact
  INNER JOIN local_days AS day
    ON fact.last_closed_at >= day.starts_at AND fact.last_closed_at < day.ends_at
  WHERE fact.status = 'CLOSED'
),

days AS (
  SELECT
    local_date,
    COUNT(*) AS conversations,
    COUNT(is_one_touch) AS one_touch_known,
    SUM(CASE WHEN is_one_touch THEN 1 ELSE 0 END) AS one_touch,
    SUM(CASE WHEN times_reopened > 0 THEN 1 ELSE 0 END) AS reopened,
    SUM(times_closed) AS times_closed,
    SUM(CASE WHEN channels > 1 THEN 1 ELSE 0 END) AS multichannel,
    COUNT(microseconds) AS created_known,
    SUM(microseconds) AS microseconds,
    COUNT(business_microseconds) AS business_time_known,
    SUM(business_microseconds) AS business_microseconds
  FROM closed
  GROUP BY local_date
)

SELECT
  local_date,
  conversations AS conversations_closed,
  one_touch_known,
  one_touch,
  CASE WHEN one_touch_known > 0 THEN CAST(one_touch AS DOUBLE) / one_touch_known END
    AS one_touch_rate,
  reopened,
  CAST(reopened AS DOUBLE) / conversations AS reopened_rate,
  CAST(times_closed AS DOUBLE) / conversations AS average_times_closed,
  multichannel,
  CAST(multichannel AS DOUBLE) / conversations AS multichannel_fraction,
  created_known,
  CASE WHEN created_known > 0 THEN CAST(microseconds AS DOUBLE) / (1000000 * created_known) END
    AS average_created_to_last_closed_seconds,
  business_time_known,
  CASE
    WHEN business_time_known > 0
      THEN CAST(business_microseconds AS DOUBLE) / (1000000 * business_time_known)
  END AS average_business_created_to_last_closed_seconds
FROM days
