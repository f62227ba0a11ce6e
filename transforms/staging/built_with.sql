-- One row is a part of what all models depend on, as it was when they were last built.
-- Key: part.
-- Answers: must all models be made anew, since one of them, a setting or business hours changed?
--
-- The query collects what is loaded of it; of each part a digest is kept, and one of the models'
-- own text and of the time zone they count days in.
SELECT
  'erased customers' AS part,
  CAST(NULL AS TEXT) AS name,
  COUNT(*) AS number,
  CAST(NULL AS TEXT) AS value,
  MAX(erased_at) AS from_at,
  CAST(NULL AS TIMESTAMPTZ) AS to_at
FROM erased_customers
UNION ALL
SELECT
  'business hours' AS part,
  id AS name,
  version AS number,
  timezone AS value,
  CAST(NULL AS TIMESTAMPTZ) AS from_at,
  CAST(NULL AS TIMESTAMPTZ) AS to_at
FROM business_hours
WHERE deleted_at IS NULL AND is_primary
UNION ALL
SELECT
  'business hours' AS part,
  block.weekday AS name,
  block.position AS number,
  CONCAT(block.start_time, '-', block.stop_time) AS value,
  CAST(NULL AS TIMESTAMPTZ) AS from_at,
  CAST(NULL AS TIMESTAMPTZ) AS to_at
FROM business_hours_blocks AS block
INNER JOIN business_hours AS hours ON hours.id = block.business_hours_id
WHERE hours.deleted_at IS NULL AND hours.is_primary
UNION ALL
SELECT
  'business hours' AS part,
  'exception' AS name,
  away.position AS number,
  CAST(away.schedule_blocks AS TEXT) AS value,
  away.start_at AS from_at,
  away.stop_at AS to_at
FROM business_hours_exceptions AS away
INNER JOIN business_hours AS hours ON hours.id = away.business_hours_id
WHERE hours.deleted_at IS NULL AND hours.is_primary
