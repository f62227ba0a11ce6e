-- One row is a stretch of time in which an agent handled a contact, held it, or finished it up.
-- Key: agent_id, contact_id, activity, from_at.
-- Answers: who had this contact in hand, and when? What was an agent working on at this moment?
-- How many contacts at once?
--
-- handling is exact where events tell it: from CONTACT/JOINED by the agent to the agent's transfer
-- of the contact, or its end. Where no JOINED of that agent and contact is loaded, since events
-- begin later, the work session tells: from its acceptance, for its handle time. after_contact
-- follows the handle time of the work session; no event tells it. on_hold is from HOLD_STARTED by
-- the agent to the end of the hold or the contact; a hold whose start is not loaded is left out.
--
--   events      JOINED      HOLD_STARTED   HOLD_ENDED     ENDED
--   handling    [===========|==============|==============)
--   on_hold                 [==============)
--   session     accepted at [--------- handle time -------)
--   after_contact                                         [=======)
--
-- What has no end still lasts at the end of what is loaded.
WITH

conversations_told AS (
  SELECT contact_id, conversation_id FROM contact_events
  UNION ALL
  SELECT contact_session_id AS contact_id, conversation_id FROM work_sessions
),

of_conversations AS (
  SELECT
    told.contact_id,
    MIN(COALESCE(identity.resolved_conversation_id, told.conversation_id) COLLATE C)
      AS conversation_id
  FROM conversations_told AS told
  LEFT JOIN conversation_identities AS identity
    ON identity.conversation_id = told.conversation_id
  GROUP BY told.contact_id
),

sessions AS (
  SELECT
    agent_id,
    contact_session_id AS contact_id,
    EPOCH_US(accepted_at) AS from_microsecond,
    COALESCE(
      EPOCH_US(accepted_at) + CAST(handle_seconds * 1000000 AS BIGINT),
      EPOCH_US(ended_at)
    ) AS until_microsecond,
    EPOCH_US(ended_at) AS ended_microsecond,
    CAST(after_contact_seconds * 1000000 AS BIGINT) AS after_contact_microseconds
  FROM work_sessions
),

recorded AS (
  SELECT
    event_id,
    contact_id,
    type,
    CASE WHEN initiator_type = 'AGENT' THEN initiator_id END AS agent_id,
    EPOCH_US(timestamp) AS at_microsecond
  FROM contact_events
  WHERE contact_id IS NOT NULL AND timestamp IS NOT NULL
),

known_ends AS (
  SELECT
    contact_id,
    at_microsecond AS recorded_microsecond,
    CAST(NULL AS BIGINT) AS reported_microsecond
  FROM recorded
  WHERE type = 'CONTACT/ENDED'
  UNION ALL
  SELECT
    contact_id,
    CAST(NULL AS BIGINT) AS recorded_microsecond,
    ended_microsecond AS reported_microsecond
  FROM sessions
),

ends AS (
  SELECT
    contact_id,
    COALESCE(MIN(recorded_microsecond), MIN(reported_microsecond)) AS ended_microsecond
  FROM known_ends
  GROUP BY contact_id
),

moves AS (
  SELECT
    agent_id,
    contact_id,
    type,
    at_microsecond,
    LEAD(at_microsecond) OVER (
      PARTITION BY agent_id, contact_id
      ORDER BY at_microsecond, type COLLATE C, event_id COLLATE C
    ) AS next_microsecond
  FROM recorded
  WHERE type IN ('CONTACT/JOINED', 'CONTACT/TRANSFERRED') AND agent_id IS NOT NULL
),

holds AS (
  SELECT
    agent_id,
    contact_id,
    type,
    at_microsecond,
    LEAD(at_microsecond) OVER (
      PARTITION BY contact_id
      ORDER BY at_microsecond, type COLLATE C, event_id COLLATE C
    ) AS next_microsecond
  FROM recorded
  WHERE type IN ('CONTACT/HOLD_STARTED', 'CONTACT/HOLD_ENDED')
),

of_events AS (
  SELECT
    agent_id,
    contact_id,
    'handling' AS activity,
    at_microsecond,
    next_microsecond
  FROM moves
  WHERE type = 'CONTACT/JOINED'
  UNION ALL
  SELECT
    agent_id,
    contact_id,
    'on_hold' AS activity,
    at_microsecond,
    next_microsecond
  FROM holds
  WHERE type = 'CONTACT/HOLD_STARTED' AND agent_id IS NOT NULL
),

joined AS (
  SELECT DISTINCT agent_id, contact_id
  FROM moves
  WHERE type = 'CONTACT/JOINED'
),

spans AS (
  SELECT
    of_events.agent_id,
    of_events.contact_id,
    of_events.activity,
    of_events.at_microsecond AS from_microsecond,
    COALESCE(
      LEAST(of_events.next_microsecond, ends.ended_microsecond),
      of_events.next_microsecond,
      ends.ended_microsecond
    ) AS until_microsecond,
    'events' AS told_by
  FROM of_events
  LEFT JOIN ends ON ends.contact_id = of_events.contact_id
  UNION ALL
  SELECT
    sessions.agent_id,
    sessions.contact_id,
    'handling' AS activity,
    sessions.from_microsecond,
    sessions.until_microsecond,
    'work_session' AS told_by
  FROM sessions
  LEFT JOIN joined
    ON joined.agent_id = sessions.agent_id AND joined.contact_id = sessions.contact_id
  WHERE joined.agent_id IS NULL AND sessions.agent_id <> ''
  UNION ALL
  SELECT
    agent_id,
    contact_id,
    'after_contact' AS activity,
    until_microsecond AS from_microsecond,
    until_microsecond + after_contact_microseconds AS until_microsecond,
    'work_session' AS told_by
  FROM sessions
  WHERE agent_id <> '' AND after_contact_microseconds > 0
)

SELECT
  spans.agent_id,
  spans.contact_id,
  of_conversations.conversation_id,
  spans.activity,
  MAKE_TIMESTAMPTZ(spans.from_microsecond) AS from_at,
  MAKE_TIMESTAMPTZ(spans.until_microsecond) AS until_at,
  spans.told_by
FROM spans
LEFT JOIN of_conversations ON of_conversations.contact_id = spans.contact_id
WHERE spans.from_microsecond IS NOT NULL
  AND (spans.until_microsecond IS NULL OR spans.until_microsecond > spans.from_microsecond)
