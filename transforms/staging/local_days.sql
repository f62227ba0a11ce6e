-- One row is a day of the time zone that models count in.
-- Key: local_date.
-- Answers: which local day is this instant in? How many hours has a day when clocks change?
--
-- Models join it by `at >= starts_at AND at < ends_at`, and so need no time zone of their own.
-- The query finds the first and the last instant that models show; days are computed from these.
-- Instants before Gladly existed are errors of what was sent, and have no day; so have those later
-- than the last load.
WITH

instants AS (
  SELECT timestamp AS at FROM conversation_items
  UNION ALL
  SELECT timestamp AS at FROM contact_events
  UNION ALL
  SELECT timestamp AS at FROM conversation_events
  UNION ALL
  SELECT timestamp AS at FROM agent_status_events
  UNION ALL
  SELECT contact_session_created_at AS at FROM work_session_events
),

loads AS (
  SELECT MAX(_extracted_at) AS loaded_at FROM conversation_items
  UNION ALL
  SELECT MAX(_extracted_at) AS loaded_at FROM contact_events
  UNION ALL
  SELECT MAX(_extracted_at) AS loaded_at FROM conversation_events
  UNION ALL
  SELECT MAX(_extracted_at) AS loaded_at FROM agent_status_events
  UNION ALL
  SELECT MAX(_extracted_at) AS loaded_at FROM work_session_events
)

SELECT
  MIN(instants.at) AS first_at,
  MAX(loaded.last_at) AS last_at
FROM instants
CROSS JOIN (SELECT MAX(loaded_at) AS last_at FROM loads) AS loaded
WHERE EPOCH_US(instants.at) >= 1262304000000000
