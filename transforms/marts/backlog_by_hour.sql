-- One row is an hour (UTC) of the days that are loaded.
-- Key: hour_start.
-- Answers: how many conversations were open at 10:00? Did more come than were closed?
--
-- Open is whatever is not closed, so waiting ones too. What happens at the first instant of an
-- hour belongs to that hour. Hours after the last item or event that is loaded have no row.
--
--   hours          |       10       |       11       |
--   conversation 1 -----------------)                    closed at 11:00: open at 10 and 11
--   conversation 2       [--------------------------->   opened in hour 10, open at 11
--   conversation 3          [---)      [--)              opened and closed in 10, and again in 11
--
-- A conversation whose creation is not known, and whose first status that is told is a close or a
-- wait, or which has none, was open before, at least since the first that is loaded of it. One that
-- was merged into another is one with it: only the one that remains counts.
WITH

digits AS (
  SELECT 0 AS digit
  UNION ALL
  SELECT 1 AS digit
  UNION ALL
  SELECT 2 AS digit
  UNION ALL
  SELECT 3 AS digit
  UNION ALL
  SELECT 4 AS digit
),

loaded AS (
  SELECT MAX(at) AS until_at
  FROM (
    SELECT MAX(occurred_at) AS at FROM conversation_timeline
    UNION ALL
    SELECT MAX(timestamp) AS at FROM conversation_events
  ) AS told
),

-- hours are numbered from 1970; a local day lasts at most 25 of them
day_hours AS (
  SELECT
    EPOCH_US(day.starts_at) // 3600000000 + 5 * five.digit + one.digit AS hour_number,
    EPOCH_US(day.ends_at) AS ends
  FROM local_days AS day
  CROSS JOIN digits AS five
  CROSS JOIN digits AS one
),

hours AS (
  SELECT DISTINCT day_hours.hour_number
  FROM day_hours
  CROSS JOIN loaded
  WHERE day_hours.hour_number * 3600000000 < day_hours.ends
    AND day_hours.hour_number * 3600000000 <= EPOCH_US(loaded.until_at)
),

statuses AS (
  SELECT
    conversation_id,
    position,
    status,
    from_at,
    LAG(status) OVER (PARTITION BY conversation_id ORDER BY position) AS status_before
  FROM conversation_statuses
),

changes AS (
  SELECT
    EPOCH_US(from_at) // 3600000000 AS hour_number,
    CASE WHEN status = 'CLOSED' THEN 0 ELSE 1 END AS opened,
    CASE WHEN status = 'CLOSED' THEN 1 ELSE 0 END AS closed
  FROM statuses
  WHERE status = 'CLOSED'
    OR status_before = 'CLOSED'
    OR (position = 1 AND status = 'OPEN')
  UNION ALL
  SELECT
    EPOCH_US(COALESCE(LEAST(beginning.first_seen_at, first.from_at), first.from_at))
    // 3600000000 AS hour_number,
    1 AS opened,
    0 AS closed
  FROM conversation_beginnings AS beginning
  INNER JOIN statuses AS first
    ON first.conversation_id = beginning.conversation_id AND first.position = 1
  WHERE first.status <> 'OPEN'
  UNION ALL
  SELECT
    EPOCH_US(beginning.first_seen_at) // 3600000000 AS hour_number,
    1 AS opened,
    0 AS closed
  FROM conversation_beginnings AS beginning
  LEFT JOIN statuses AS first
    ON first.conversation_id = beginning.conversation_id AND first.position = 1
  WHERE first.conversation_id IS NULL AND beginning.first_seen_at IS NOT NULL
),

-- all hours of changes, also those before the first day that is loaded
counted AS (
  SELECT
    hour_number,
    MAX(is_shown) AS is_shown,
    SUM(opened) AS opened,
    SUM(closed) AS closed
  FROM (
    SELECT hour_number, 1 AS is_shown, 0 AS opened, 0 AS closed FROM hours
    UNION ALL
    SELECT hour_number, 0 AS is_shown, opened, closed FROM changes
  ) AS told
  GROUP BY hour_number
),

summed AS (
  SELECT
    hour_number,
    is_shown,
    opened,
    closed,
    SUM(opened - closed) OVER (
      ORDER BY hour_number NULLS FIRST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS open_at_end
  FROM counted
)

SELECT
  TO_TIMESTAMP(hour_number * 3600) AS hour_start,
  CAST(open_at_end - opened + closed AS BIGINT) AS open_at_start,
  CAST(opened AS BIGINT) AS opened,
  CAST(closed AS BIGINT) AS closed
FROM summed
WHERE is_shown = 1
