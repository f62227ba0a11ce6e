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
    higher.topic_id AS ancestor_id,
    higher.parent_id,
    higher.level
  FROM ancestors AS below
  INNER JOIN topic_hierarchy AS higher ON higher.topic_id = below.parent_id
  WHERE below.level > 1
),

above AS (
  SELECT DISTINCT topic_id, ancestor_id
  FROM ancestors
),

own AS (
  SELECT
    topic_id,
    COUNT(*) AS conversations,
    SUM(CASE WHEN position = 1 THEN 1 ELSE 0 END) AS first_of_conversations,
    SUM(CASE WHEN is_reopened THEN 1 ELSE 0 END) AS reopened,
    SUM(CASE WHEN has_ai THEN 1 ELSE 0 END) AS with_ai,
    SUM(messages) AS messages,
    COUNT(handle_microseconds) AS worked,
    CAST(COALESCE(SUM(handle_microseconds), 0) AS BIGINT) AS microseconds
  FROM conversation_reasons
  GROUP BY topic_id
),

total AS (
  SELECT CAST(COALESCE(SUM(first_of_conversations), 0) AS BIGINT) AS all_conversations
  FROM own
),

-- one topic is once under each above it; of several, some may be under the same
single AS (
  SELECT
    topic_id,
    COUNT(*) AS conversations,
    SUM(CASE WHEN is_reopened THEN 1 ELSE 0 END) AS reopened,
    COUNT(handle_microseconds) AS worked,
    SUM(handle_microseconds) AS microseconds
  FROM conversation_reasons
  WHERE topics <= 1
  GROUP BY topic_id
),

several AS (
  SELECT DISTINCT
    reason.conversation_id,
    COALESCE(above.ancestor_id, reason.topic_id) AS topic_id,
    reason.is_reopened,
    reason.handle_microseconds
  FROM conversation_reasons AS reason
  LEFT JOIN above ON above.topic_id = reason.topic_id
  WHERE reason.topics > 1
),

parts AS (
  SELECT
    COALESCE(above.ancestor_id, single.topic_id) AS topic_id,
    single.conversations,
    single.reopened,
    single.worked,
    single.microseconds
  FROM single
  LEFT JOIN above ON above.topic_id = single.topic_id
  UNION ALL
  SELECT
    topic_id,
    COUNT(*) AS conversations,
    SUM(CASE WHEN is_reopened THEN 1 ELSE 0 END) AS reopened,
    COUNT(handle_microseconds) AS worked,
    SUM(handle_microseconds) AS microseconds
  FROM several
  GROUP BY topic_id
),

below AS (
  SELECT
    topic_id,
    SUM(conversations) AS conversations,
    SUM(reopened) AS reopened,
    SUM(worked) AS worked,
    CAST(COALESCE(SUM(microseconds), 0) AS BIGINT) AS microseconds
  FROM parts
  GROUP BY topic_id
),

ids AS (
  SELECT topic_id FROM topic_hierarchy
  UNION
  SELECT topic_id FROM own
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
LEFT JOIN own ON own.topic_id = ids.topic_id
LEFT JOIN below ON below.topic_id = ids.topic_id
LEFT JOIN topic_hierarchy AS topic ON topic.topic_id = ids.topic_id
