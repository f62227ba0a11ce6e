-- One row is a span of an agent's time that changes may have moved, or which still lasts.
-- Key: agent_id, kind, contact_id, from_at.
-- Answers: what was an agent, or did, and until when: as models were built last, and as it is now?
--
-- States and availability, all of them; of contacts, those of conversations that changed, and those
-- that last: what lasts, lasts until the end of what is loaded. The days that are loaded are a span
-- too, nobody's. Two models are this query: agent_spans_before, of what models were built last, and
-- agent_spans_now. changed_agent_days compares them. Models that are built as a whole do not ask.
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
