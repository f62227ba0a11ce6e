-- One row is a span of time in which a configuration of business hours is open.
-- Key: business_hours_id, span_number.
-- Answers: was it open at this instant? How long was it open between two instants?
--
-- The business-hours clock shows how long it was open since the first day that is loaded:
--   open_microseconds_before of the last span that opens at or before the instant
--   + the part of that span before the instant.
-- A difference of two such times is a duration in business hours.
--
-- The query collects configurations, blocks, exceptions and the days that are loaded, each kind
-- with columns of its own; spans are computed from these, as the configurations are today.
SELECT
  'hours' AS kind,
  id AS business_hours_id,
  timezone,
  is_primary,
  CAST(NULL AS TEXT) AS weekday,
  CAST(NULL AS TEXT) AS start_time,
  CAST(NULL AS TEXT) AS stop_time,
  CAST(NULL AS TEXT) AS schedule_blocks,
  CAST(NULL AS TIMESTAMPTZ) AS start_at,
  CAST(NULL AS TIMESTAMPTZ) AS stop_at
FROM business_hours
WHERE deleted_at IS NULL
UNION ALL
SELECT
  'block' AS kind,
  business_hours_id,
  CAST(NULL AS TEXT) AS timezone,
  CAST(NULL AS BOOLEAN) AS is_primary,
  weekday,
  start_time,
  stop_time,
  CAST(NULL AS TEXT) AS schedule_blocks,
  CAST(NULL AS TIMESTAMPTZ) AS start_at,
  CAST(NULL AS TIMESTAMPTZ) AS stop_at
FROM business_hours_blocks
UNION ALL
SELECT
  'exception' AS kind,
  business_hours_id,
  CAST(NULL AS TEXT) AS timezone,
  CAST(NULL AS BOOLEAN) AS is_primary,
  CAST(NULL AS TEXT) AS weekday,
  CAST(NULL AS TEXT) AS start_time,
  CAST(NULL AS TEXT) AS stop_time,
  CAST(schedule_blocks AS TEXT) AS schedule_blocks,
  start_at,
  stop_at
FROM business_hours_exceptions
UNION ALL
SELECT
  'days' AS kind,
  CAST(NULL AS TEXT) AS business_hours_id,
  CAST(NULL AS TEXT) AS timezone,
  CAST(NULL AS BOOLEAN) AS is_primary,
  CAST(NULL AS TEXT) AS weekday,
  CAST(NULL AS TEXT) AS start_time,
  CAST(NULL AS TEXT) AS stop_time,
  CAST(NULL AS TEXT) AS schedule_blocks,
  MIN(starts_at) AS start_at,
  MAX(ends_at) AS stop_at
FROM local_days
