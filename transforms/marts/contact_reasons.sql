-- One row is a topic, over all that is loaded.
-- Key: topic_id.
-- Answers: why do customers contact us? Which reasons take most work, come back most often, and
-- are most often dealt with by AI? What does a whole branch of topics come to?
--
-- Counted are conversations with a message, a call or a contact, under each topic they have at the
-- end of what is loaded; those without any are in the row of the empty topic_id, topics without any
-- conversation have zeros. A conversation with two topics is in both rows.
--
-- Columns that end in with_subtopics count the conversations of the topic and of all topics below
-- it, each once, however many of these it has:
--
--   Orders          own 2 + Damaged 3 - 1 with both     conversations_with_subtopics 4
--     Damaged       own 3                               conversations_with_subtopics 3
--
-- Work is handle time and after-contact time of work sessions that ended; averages are over the
-- conversations that have any.
WITH RECURSIVE

ancestors AS (
  SELECT topic_id, topic_id AS ancestor_id, parent_id, level
  FROM topic_hierarchy
  UNION ALL
  SELECT
    below.topic_id,
    above.topic_id AS ancestor_id,
    above.parent_id,
    above.level
  FROM ancestors AS below
  INNER JOIN topic_hierarchy AS above ON above.topic_id = below.parent_id
  WHERE below.level > 1
),

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

talked AS (
  SELECT
    conversation.conversation_id,
    CASE WHEN conversation.is_reopened THEN 1 ELSE 0 END AS is_reopened,
    CASE WHEN conversation.has_ai THEN 1 ELSE 0 END AS has_ai,
    conversation.messages,
    worked.microseconds
  FROM conversation_participation AS conversation
  LEFT JOIN worked ON worked.conversation_id = conversation.conversation_id
  WHERE conversation.has_contact OR conversation.messages + conversation.calls > 0
),

total AS (
  SELECT COUNT(*) AS all_conversations
  FROM talked
),

labels AS (
  SELECT talked.conversation_id, COALESCE(topic.topic_id, '') AS topic_id
  FROM talked
  LEFT JOIN conversation_topics_over_time AS topic
    ON topic.conversation_id = talked.conversation_id AND topic.is_current
),

-- each conversation once under each topic: as its own, and within what is below it
counted AS (
  SELECT conversation_id, topic_id, 1 AS is_own
  FROM labels
  UNION ALL
  SELECT conversation_id, topic_id, 0 AS is_own
  FROM labels
  WHERE topic_id NOT IN (SELECT topic_id FROM topic_hierarchy)
  UNION ALL
  SELECT DISTINCT labels.conversation_id, ancestors.ancestor_id AS topic_id, 0 AS is_own
  FROM labels
  INNER JOIN ancestors ON ancestors.topic_id = labels.topic_id
),

sums AS (
  SELECT
    counted.topic_id,
    counted.is_own,
    COUNT(*) AS conversations,
    SUM(talked.is_reopened) AS reopened,
    SUM(talked.has_ai) AS with_ai,
    SUM(talked.messages) AS messages,
    COUNT(talked.microseconds) AS worked,
    CAST(COALESCE(SUM(talked.microseconds), 0) AS BIGINT) AS microseconds
  FROM counted
  INNER JOIN talked ON talked.conversation_id = counted.conversation_id
  GROUP BY counted.topic_id, counted.is_own
),

ids AS (
  SELECT topic_id FROM topic_hierarchy
  UNION
  SELECT topic_id FROM labels
)

SELECT
  ids.topic_id,
  topic.path AS topic_path,
  COALESCE(own.conversations, 0) AS conversations,
  total.all_conversations,
  CAST(COALESCE(own.conversations, 0) AS DOUBLE) / NULLIF(total.all_conversations, 0)
    AS conversation_fraction,
  COALESCE(own.reopened, 0) AS reopened_conversations,
  CAST(own.reopened AS DOUBLE) / own.conversations AS reopened_rate,
  COALESCE(own.with_ai, 0) AS ai_conversations,
  CAST(own.with_ai AS DOUBLE) / own.conversations AS ai_rate,
  COALESCE(own.messages, 0) AS messages,
  CAST(own.messages AS DOUBLE) / own.conversations AS messages_per_conversation,
  COALESCE(own.worked, 0) AS worked_conversations,
  CAST(COALESCE(own.microseconds, 0) AS DECIMAL(18, 0)) * CAST('0.000001' AS DECIMAL(7, 6))
    AS handle_seconds,
  CAST(own.microseconds AS DOUBLE) / NULLIF(own.worked, 0) / 1000000 AS average_handle_seconds,
  COALESCE(below.conversations, 0) AS conversations_with_subtopics,
  CAST(COALESCE(below.conversations, 0) AS DOUBLE) / NULLIF(total.all_conversations, 0)
    AS conversation_fraction_with_subtopics,
  COALESCE(below.reopened, 0) AS reopened_conversations_with_subtopics,
  CAST(below.reopened AS DOUBLE) / below.conversations AS reopened_rate_with_subtopics,
  COALESCE(below.worked, 0) AS worked_conversations_with_subtopics,
  CAST(COALESCE(below.microseconds, 0) AS DECIMAL(18, 0)) * CAST('0.000001' AS DECIMAL(7, 6))
    AS handle_seconds_with_subtopics,
  CAST(below.microseconds AS DOUBLE) / NULLIF(below.worked, 0) / 1000000
    AS average_handle_seconds_with_subtopics
FROM ids
CROSS JOIN total
LEFT JOIN sums AS own ON own.topic_id = ids.topic_id AND own.is_own = 1
LEFT JOIN sums AS below ON below.topic_id = ids.topic_id AND below.is_own = 0
LEFT JOIN topic_hierarchy AS topic ON topic.topic_id = ids.topic_id
