-- One row is a conversation, as it is called after merges.
-- Key: conversation_id.
-- Answers: did AI take part in this conversation, did an agent, and since when? Was anything said,
-- or is it only notes and changes? How does it stand, and was it ever reopened?
--
-- Signs of AI: a message of the voice AI, anything done by SIDEKICK_V2, a session in a report of AI
-- sessions. Signs of an agent: a message or call of theirs, a call that was answered, an event of a
-- contact that they caused, an assignment to them, a work session. Who only closes a conversation,
-- labels it or writes a note has not dealt with the customer.
--
-- Its status is that of the last item, event or read that tells one; of conversations that were
-- merged into it only signs count, not their status.
WITH

signs AS (
  SELECT
    entry.conversation_id,
    entry.occurred_at AS at,
    CASE
      WHEN entry.content_type = 'VOICE_AI_MESSAGE' OR entry.author_id = 'SIDEKICK_V2' THEN 1
      ELSE 0
    END AS of_ai,
    CASE
      WHEN entry.kind IN ('message', 'call') AND entry.author_type = 'AGENT' THEN 1
      WHEN call.answered_at IS NOT NULL THEN 1
      ELSE 0
    END AS of_agent,
    CASE WHEN entry.kind = 'message' THEN 1 ELSE 0 END AS is_message,
    CASE WHEN entry.kind = 'call' THEN 1 ELSE 0 END AS is_call,
    0 AS is_contact
  FROM conversation_timeline AS entry
  LEFT JOIN phone_calls AS call ON call.id = entry.item_id
  UNION ALL
  SELECT
    COALESCE(identity.resolved_conversation_id, event.conversation_id) AS conversation_id,
    event.timestamp AS at,
    CASE WHEN event.initiator_id = 'SIDEKICK_V2' THEN 1 ELSE 0 END AS of_ai,
    CASE
      WHEN event.initiator_type = 'AGENT' OR event.context_assignee_agent_id <> '' THEN 1
      ELSE 0
    END AS of_agent,
    0 AS is_message,
    0 AS is_call,
    1 AS is_contact
  FROM contact_events AS event
  LEFT JOIN conversation_identities AS identity
    ON identity.conversation_id = event.conversation_id
  UNION ALL
  SELECT
    COALESCE(identity.resolved_conversation_id, event.conversation_id) AS conversation_id,
    event.timestamp AS at,
    CASE WHEN event.initiator_id = 'SIDEKICK_V2' THEN 1 ELSE 0 END AS of_ai,
    CASE
      WHEN event.assignee_agent_id <> '' OR event.context_assignee_agent_id <> '' THEN 1
      ELSE 0
    END AS of_agent,
    0 AS is_message,
    0 AS is_call,
    0 AS is_contact
  FROM conversation_events AS event
  LEFT JOIN conversation_identities AS identity
    ON identity.conversation_id = event.conversation_id
  UNION ALL
  SELECT
    COALESCE(identity.resolved_conversation_id, session.conversation_id) AS conversation_id,
    COALESCE(session.agent_accepted_at, session.contact_session_created_at) AS at,
    0 AS of_ai,
    CASE WHEN session.agent_id <> '' THEN 1 ELSE 0 END AS of_agent,
    0 AS is_message,
    0 AS is_call,
    1 AS is_contact
  FROM work_session_events AS session
  LEFT JOIN conversation_identities AS identity
    ON identity.conversation_id = session.conversation_id
  UNION ALL
  SELECT
    COALESCE(identity.resolved_conversation_id, session.conversation_id) AS conversation_id,
    session.created_date AS at,
    1 AS of_ai,
    0 AS of_agent,
    0 AS is_message,
    0 AS is_call,
    0 AS is_contact
  FROM report_gladly_ai_sessions_detail AS session
  LEFT JOIN conversation_identities AS identity
    ON identity.conversation_id = session.conversation_id
  UNION ALL
  SELECT
    COALESCE(identity.resolved_conversation_id, session.conversation_id) AS conversation_id,
    session.created_date AS at,
    1 AS of_ai,
    0 AS of_agent,
    0 AS is_message,
    0 AS is_call,
    0 AS is_contact
  FROM report_gladly_ai_sessions_detail_with_messages AS session
  LEFT JOIN conversation_identities AS identity
    ON identity.conversation_id = session.conversation_id
  UNION ALL
  SELECT
    record.id AS conversation_id,
    CAST(NULL AS TIMESTAMPTZ) AS at,
    0 AS of_ai,
    CASE WHEN record.agent_id <> '' THEN 1 ELSE 0 END AS of_agent,
    0 AS is_message,
    0 AS is_call,
    0 AS is_contact
  FROM conversations AS record
  LEFT JOIN conversation_identities AS identity ON identity.conversation_id = record.id
  WHERE COALESCE(identity.resolved_conversation_id, record.id) = record.id
),

took_part AS (
  SELECT
    conversation_id,
    MAX(of_ai) AS of_ai,
    MIN(CASE WHEN of_ai = 1 THEN at END) AS first_ai_at,
    MAX(of_agent) AS of_agent,
    MIN(CASE WHEN of_agent = 1 THEN at END) AS first_agent_at,
    SUM(is_message) AS messages,
    SUM(is_call) AS calls,
    MAX(is_contact) AS is_contact,
    MAX(at) AS last_at
  FROM signs
  WHERE conversation_id <> ''
  GROUP BY conversation_id
),

-- of one instant a creation comes first, then items, then events, and a read is last
told AS (
  SELECT
    conversation_id,
    occurred_at AS at,
    text AS status,
    1 AS feed,
    item_id AS told_id
  FROM conversation_timeline
  WHERE kind = 'status' AND sent_conversation_id = conversation_id
  UNION ALL
  SELECT
    event.conversation_id,
    event.timestamp AS at,
    CASE WHEN event.type = 'CONVERSATION/CLOSED' THEN 'CLOSED' ELSE 'OPEN' END AS status,
    CASE WHEN event.type = 'CONVERSATION/CREATED' THEN 0 ELSE 2 END AS feed,
    event.event_id AS told_id
  FROM conversation_events AS event
  LEFT JOIN conversation_identities AS identity
    ON identity.conversation_id = event.conversation_id
  WHERE event.type IN ('CONVERSATION/CREATED', 'CONVERSATION/CLOSED', 'CONVERSATION/REOPENED')
    AND COALESCE(identity.resolved_conversation_id, event.conversation_id) = event.conversation_id
  UNION ALL
  SELECT
    id AS conversation_id,
    _extracted_at AS at,
    status,
    3 AS feed,
    id AS told_id
  FROM conversations
),

statuses AS (
  SELECT
    conversation_id,
    status,
    feed,
    LAG(status) OVER (
      PARTITION BY conversation_id ORDER BY at, feed, told_id COLLATE C
    ) AS status_before,
    ROW_NUMBER() OVER (
      PARTITION BY conversation_id ORDER BY at DESC, feed DESC, told_id COLLATE C DESC
    ) AS rank_from_last
  FROM told
  WHERE at IS NOT NULL AND status <> ''
),

stands AS (
  SELECT
    conversation_id,
    MAX(CASE WHEN rank_from_last = 1 THEN status END) AS status,
    MAX(CASE WHEN status_before = 'CLOSED' AND status <> 'CLOSED' THEN 1 ELSE 0 END)
      AS is_reopened
  FROM statuses
  GROUP BY conversation_id
)

SELECT
  took_part.conversation_id,
  took_part.of_ai = 1 AS has_ai,
  took_part.first_ai_at,
  took_part.of_agent = 1 AS has_agent,
  took_part.first_agent_at,
  took_part.is_contact = 1 AS has_contact,
  took_part.messages,
  took_part.calls,
  stands.status,
  COALESCE(stands.is_reopened, 0) = 1 AS is_reopened,
  took_part.last_at
FROM took_part
LEFT JOIN stands ON stands.conversation_id = took_part.conversation_id
