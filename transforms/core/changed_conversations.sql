-- One row is an id of a conversation about which something was loaded since models were last built.
-- Key: conversation_id.
-- Answers: which conversations must be made anew? Which ids do they have, before and after merges?
--
-- What changed is what came with files that models have not seen yet (unseen_jobs), and what ids
-- resolve to another one than they did then (moved_identities): merges, whichever side moved. All
-- ids that stand for one conversation are here if one of them is, so tables can be filtered by the
-- id that was sent and models by the one that stands today. Models that are built as a whole do
-- not ask.
WITH

moved_ids AS (
  SELECT entity, id FROM moved_identities
  UNION
  SELECT entity, resolved_id AS id FROM moved_identities
  UNION
  SELECT entity, built_resolved_id AS id FROM moved_identities
),

-- those who may be called otherwise now, by every id that stood for them
renamed AS (
  SELECT id FROM customers
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT id FROM customer_profiles
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
),

authors AS (
  SELECT id FROM renamed
  UNION
  SELECT customer_id AS id FROM customer_identities
  WHERE resolved_customer_id IN (SELECT id FROM renamed)
),

-- events and sessions that do not name the conversation of their contact are always looked at
unnamed AS (
  SELECT contact_id FROM contact_events
  WHERE conversation_id IS NULL
  UNION
  SELECT contact_session_id AS contact_id FROM work_session_events
  WHERE conversation_id IS NULL
),

-- a day of a report that is read again replaces its rows: who was in it may be gone from it
ai_days AS (
  SELECT MIN(EPOCH_US(day)) AS first_day
  FROM report_windows
  WHERE metric_set IN (
    'GladlyAISessionsDetailReport', 'GladlyAISessionsDetailWithMessagesReport'
  )
    AND _job_id IN (SELECT job_id FROM unseen_jobs)
),

-- what lay after the last day has one now
former_days AS (
  SELECT MAX(ends_at) AS ended_at FROM local_days
),

told AS (
  SELECT conversation_id FROM conversation_items
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT conversation_id FROM conversation_items
  WHERE customer_id IN (SELECT id FROM moved_ids WHERE entity = 'customer')
  UNION
  SELECT conversation_id FROM conversation_items
  WHERE initiator_id IN (SELECT id FROM authors)
  UNION
  SELECT conversation_id FROM conversation_events
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT conversation_id FROM contact_events
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT conversation_id FROM contact_events
  WHERE customer_id IN (SELECT id FROM moved_ids WHERE entity = 'customer')
  UNION
  SELECT conversation_id FROM work_session_events
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT conversation_id FROM contact_events
  WHERE contact_id IN (SELECT contact_id FROM unnamed)
  UNION
  SELECT conversation_id FROM work_session_events
  WHERE contact_session_id IN (SELECT contact_id FROM unnamed)
  UNION
  SELECT id AS conversation_id FROM conversations
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT conversation_id FROM report_gladly_ai_sessions_detail
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT conversation_id FROM report_gladly_ai_sessions_detail_with_messages
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT participation.conversation_id
  FROM conversation_participation AS participation
  INNER JOIN ai_days
    ON participation.last_at IS NULL
    OR EPOCH_US(participation.last_at) >= ai_days.first_day - 86400000000
  WHERE participation.has_ai AND ai_days.first_day IS NOT NULL
  UNION
  SELECT id AS conversation_id FROM moved_ids
  WHERE entity = 'conversation'
  UNION
  SELECT conversation_id FROM conversation_timeline
  WHERE occurred_at >= (SELECT ended_at FROM former_days)
  UNION
  SELECT conversation_id FROM contact_events
  WHERE timestamp >= (SELECT ended_at FROM former_days)
  UNION
  SELECT conversation_id FROM work_session_events
  WHERE contact_session_created_at >= (SELECT ended_at FROM former_days)
  UNION
  -- some models call none ''
  SELECT '' AS conversation_id
  UNION
  -- the conversation that an item was of, if it is of another one now
  SELECT conversation_id FROM changed_items_before
),

resolved AS (
  SELECT DISTINCT
    COALESCE(identity.resolved_conversation_id, told.conversation_id) AS conversation_id
  FROM told
  LEFT JOIN conversation_identities AS identity
    ON identity.conversation_id = told.conversation_id
  WHERE told.conversation_id IS NOT NULL
)

SELECT conversation_id
FROM resolved
UNION
SELECT conversation_id
FROM told
WHERE conversation_id IS NOT NULL
UNION
SELECT identity.conversation_id
FROM conversation_identities AS identity
INNER JOIN resolved ON resolved.conversation_id = identity.resolved_conversation_id
