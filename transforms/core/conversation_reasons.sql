-- One row is a conversation with a message, a call or a contact, and a topic that it has now.
-- Key: conversation_id, topic_id.
-- Answers: why did this customer contact us? How much work was it, was it opened again, did AI
-- take part?
--
-- A conversation without any topic has one row, whose topic_id is empty. Work is handle time and
-- after-contact time of work sessions that ended.
WITH

worked AS (
  SELECT
    COALESCE(identity.resolved_conversation_id, session.conversation_id) AS conversation_id,
    SUM(
      CAST(
        ROUND(COALESCE(session.work_session_handle_time_seconds, 0) * 1000000) AS BIGINT
      )
      + CAST(
        ROUND(COALESCE(session.work_session_after_contact_time_seconds, 0) * 1000000) AS BIGINT
      )
    ) AS microseconds
  FROM work_session_events AS session
  LEFT JOIN conversation_identities AS identity
    ON identity.conversation_id = session.conversation_id
  WHERE session.agent_id <> '' AND session.work_session_handle_time_seconds IS NOT NULL
  GROUP BY COALESCE(identity.resolved_conversation_id, session.conversation_id)
),

topics AS (
  SELECT
    conversation_id,
    topic_id,
    COUNT(*) OVER (PARTITION BY conversation_id) AS topics,
    ROW_NUMBER() OVER (PARTITION BY conversation_id ORDER BY topic_id COLLATE C) AS position
  FROM conversation_topics_over_time
  WHERE is_current
)

SELECT
  conversation.conversation_id,
  COALESCE(topics.topic_id, '') AS topic_id,
  COALESCE(topics.position, 1) AS position,
  COALESCE(topics.topics, 0) AS topics,
  conversation.is_reopened,
  conversation.has_ai,
  conversation.messages,
  CAST(worked.microseconds AS BIGINT) AS handle_microseconds
FROM conversation_participation AS conversation
LEFT JOIN topics ON topics.conversation_id = conversation.conversation_id
LEFT JOIN worked ON worked.conversation_id = conversation.conversation_id
WHERE conversation.has_contact OR conversation.messages + conversation.calls > 0
