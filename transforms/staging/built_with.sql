-- One row is a part of what all models depend on, as it was when they were last built.
-- Key: part.
-- Answers: must all models be made anew, since one of them, a setting or business hours changed, or
-- since days are loaded now that lie before all others? Business time begins with the first day.
--
-- The query collects what is loaded of it; of each part a digest is kept, and one of the models'
-- own text and of the time zone they count days in.
WITH

first_instants AS (
  SELECT timestamp AS at FROM conversation_items
  UNION ALL
  SELECT timestamp AS at FROM contact_events
  UNION ALL
  SELECT timestamp AS at FROM conversation_events
  UNION ALL
  SELECT timestamp AS at FROM agent_status_events
  UNION ALL
  SELECT contact_session_created_at AS at FROM work_session_events
)

SELECT
  'first day' AS part,
  CAST(NULL AS TEXT) AS name,
  MIN(EPOCH_US(at)) // 86400000000 AS number,
  CAST(NULL AS TEXT) AS value,
  CAST(NULL AS TIMESTAMPTZ) AS from_at,
  CAST(NULL AS TIMESTAMPTZ) AS to_at
FROM first_instants
WHERE EPOCH_US(at) >= 1262304000000000
UNION ALL
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
