-- One row is a local day on which the time of any agent was spent otherwise than models have it.
-- Key: local_date.
-- Answers: which days of agents must be cut anew?
--
-- Spans are compared with those of agent_spans_before. One that ends otherwise changes the time
-- between its two ends, one that is new, or is no more, all of its time:
--
--   before      [=====active=====)  end of what was loaded      [==VOICE==)
--   now         [=====active==============)
--   changed                      [========)                     [=========)
--
-- What lasts goes on until the end of what is loaded, so that each night changes its last day.
-- Models that are built as a whole do not ask.
WITH

loaded AS (
  SELECT
    MAX(
      CASE
        WHEN table_name IN ('agent_availability_events', 'agent_status_events') THEN until_at
      END
    ) AS agents_until_at,
    MAX(CASE WHEN table_name = 'contact_events' THEN until_at END) AS contacts_until_at
  FROM loaded_until
),

spans AS (
  SELECT
    states.agent_id,
    states.state AS kind,
    '' AS contact_id,
    states.from_at,
    COALESCE(states.until_at, loaded.agents_until_at) AS until_at
  FROM agent_states AS states
  CROSS JOIN loaded
  WHERE states.state IN ('active', 'away')
  UNION ALL
  SELECT
    available.agent_id,
    available.channel AS kind,
    '' AS contact_id,
    available.from_at,
    COALESCE(available.until_at, loaded.agents_until_at) AS until_at
  FROM agent_availability_spans AS available
  CROSS JOIN loaded
  UNION ALL
  SELECT
    contacts.agent_id,
    contacts.activity AS kind,
    contacts.contact_id,
    contacts.from_at,
    COALESCE(contacts.until_at, loaded.contacts_until_at) AS until_at
  FROM agent_contact_spans AS contacts
  CROSS JOIN loaded
  WHERE contacts.until_at IS NULL
    OR contacts.conversation_id IS NULL
    OR contacts.conversation_id IN (SELECT conversation_id FROM changed_conversations)
  UNION ALL
  SELECT
    '' AS agent_id,
    'days' AS kind,
    '' AS contact_id,
    MIN(starts_at) AS from_at,
    MAX(ends_at) AS until_at
  FROM local_days
),

told AS (
  SELECT agent_id, kind, contact_id, from_at, until_at
  FROM agent_spans_before
  UNION ALL
  SELECT agent_id, kind, contact_id, from_at, until_at
  FROM spans
  WHERE until_at > from_at
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
