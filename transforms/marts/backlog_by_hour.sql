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
-- When each conversation came into the backlog and left it, backlog_changes tells.
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
  SELECT MAX(until_at) AS until_at
  FROM loaded_until
  WHERE table_name IN ('conversation_items', 'conversation_events')
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

changes AS (
  SELECT
    EPOCH_US(changed_at) // 3600000000 AS hour_number,
    opened,
    closed
  FROM backlog_changes
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
