-- One row is a span of an agent's time that may be another now, as models were built last.
-- Key: agent_id, kind, contact_id, from_at.
-- Answers: what was an agent, or did, and until when, before it is made anew?
--
-- States and availability, all of them; of contacts, those of conversations that changed, and those
-- that lasted: what lasted, lasted until the end of what was loaded. The days that were loaded are
-- a span too, nobody's. See changed_agent_days. Models that are built as a whole do not ask.
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
)

SELECT agent_id, kind, contact_id, from_at, until_at
FROM spans
WHERE until_at > from_at
