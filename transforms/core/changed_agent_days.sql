-- One row is a local day on which the time of any agent was spent otherwise than models have it.
-- Key: local_date.
-- Answers: which days of agents must be cut anew?
--
-- Spans of agent_spans_before and agent_spans_now are compared. One that ends otherwise changes the
-- time between its two ends, one that is new, or is no more, all of its time:
--
--   before      [=====active=====)  end of what was loaded      [==VOICE==)
--   now         [=====active==============)
--   changed                      [========)                     [=========)
--
-- What lasts goes on until the end of what is loaded, so that each night changes its last day.
-- Models that are built as a whole do not ask.
WITH

told AS (
  SELECT agent_id, kind, contact_id, from_at, until_at
  FROM agent_spans_before
  UNION ALL
  SELECT agent_id, kind, contact_id, from_at, until_at
  FROM agent_spans_now
),

changed AS (
  SELECT
    CASE WHEN COUNT(*) = 2 THEN MIN(until_at) ELSE from_at END AS from_at,
    MAX(until_at) AS until_at
  FROM told
  GROUP BY agent_id, kind, contact_id, from_at
  HAVING COUNT(*) = 1 OR MIN(until_at) <> MAX(until_at)
),

-- days begin on quarter hours in every time zone
quarter_hours AS (
  SELECT DISTINCT
    EPOCH_US(from_at) // 900000000 AS first_quarter_hour,
    (EPOCH_US(until_at) - 1) // 900000000 AS last_quarter_hour
  FROM changed
)

SELECT DISTINCT day.local_date
FROM quarter_hours AS changed
INNER JOIN local_days AS day
  ON changed.first_quarter_hour < EPOCH_US(day.ends_at) // 900000000
  AND changed.last_quarter_hour >= EPOCH_US(day.starts_at) // 900000000
