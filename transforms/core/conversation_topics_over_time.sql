-- One row is a span of time in which a conversation had a topic.
-- Key: conversation_id, topic_id, position.
-- Answers: which topics does a conversation have, and which did it have? Since when, until when?
-- Who gave it the topic, and who took it away: an agent, or a rule?
--
-- Two feeds tell of the same changes: items of exports, and events. Witnesses that say the same,
-- one after the other, tell of one change, that of the first: so what both feeds tell counts once,
-- at the earlier of their two times, and a merged conversation that brings the same topic adds
-- nothing. At one instant a topic goes before it comes.
--
--   items     added              removed
--   events    added              removed          removed
--   spans     |==================|                             position 1
--
-- Feeds may begin in the middle, or have gaps. A conversation as it was read by itself is a third
-- witness, of the topics it had at that moment, but not of when they changed:
--
--   removed, and never added before      added_at is null
--   read with it, and never added        added_at is null, it is current
--   added, and read without it later     removed_at is null, it is not current
--
-- Changes without a time are left out: nothing tells what they came before.
WITH

told AS (
  SELECT
    entry.conversation_id,
    topic.topic_id,
    CASE WHEN topic.action = 'added' THEN 1 ELSE 0 END AS is_added,
    entry.occurred_at AS at,
    entry.author_type AS by_type,
    entry.author_id AS by_id,
    1 AS feed,
    entry.item_id AS change_id
  FROM topic_change_topics AS topic
  INNER JOIN conversation_timeline AS entry ON entry.item_id = topic.item_id
  UNION ALL
  SELECT
    COALESCE(identity.resolved_conversation_id, event.conversation_id) AS conversation_id,
    event.topic_id,
    CASE WHEN event.type = 'CONVERSATION/TOPIC_ADDED' THEN 1 ELSE 0 END AS is_added,
    event.timestamp AS at,
    event.initiator_type AS by_type,
    event.initiator_id AS by_id,
    2 AS feed,
    event.event_id AS change_id
  FROM conversation_events AS event
  LEFT JOIN conversation_identities AS identity
    ON identity.conversation_id = event.conversation_id
  WHERE event.type IN ('CONVERSATION/TOPIC_ADDED', 'CONVERSATION/TOPIC_REMOVED')
),

changes AS (
  SELECT conversation_id, topic_id, is_added, at, by_type, by_id, feed, change_id
  FROM told
  WHERE conversation_id <> '' AND topic_id <> '' AND at IS NOT NULL
),

-- of a conversation that was merged away nothing is read any more
reads AS (
  SELECT conversation.id AS conversation_id, conversation._extracted_at AS at
  FROM conversations AS conversation
  LEFT JOIN conversation_identities AS identity ON identity.conversation_id = conversation.id
  WHERE COALESCE(identity.resolved_conversation_id, conversation.id) = conversation.id
),

listed AS (
  SELECT DISTINCT conversation_id, topic_id
  FROM conversation_topics
  WHERE topic_id <> ''
),

candidates AS (
  SELECT conversation_id, topic_id
  FROM changes
  UNION
  SELECT conversation_id, topic_id
  FROM listed
),

witnessed AS (
  SELECT conversation_id, topic_id, is_added, at, by_type, by_id, feed, change_id
  FROM changes
  UNION ALL
  SELECT
    candidate.conversation_id,
    candidate.topic_id,
    CASE WHEN listed.topic_id IS NULL THEN 0 ELSE 1 END AS is_added,
    reads.at,
    CAST(NULL AS TEXT) AS by_type,
    CAST(NULL AS TEXT) AS by_id,
    3 AS feed,
    '' AS change_id
  FROM candidates AS candidate
  INNER JOIN reads ON reads.conversation_id = candidate.conversation_id
  LEFT JOIN listed
    ON listed.conversation_id = candidate.conversation_id
    AND listed.topic_id = candidate.topic_id
),

ordered AS (
  SELECT
    conversation_id,
    topic_id,
    is_added,
    CASE WHEN feed < 3 THEN at END AS seen_at,
    by_type,
    by_id,
    feed // 3 AS is_read,
    ROW_NUMBER() OVER (
      PARTITION BY conversation_id, topic_id
      ORDER BY at, feed // 3, is_added, feed, change_id COLLATE C
    ) AS place
  FROM witnessed
),

followed AS (
  SELECT
    ordered.*,
    LAG(is_added) OVER (PARTITION BY conversation_id, topic_id ORDER BY place) AS was_added
  FROM ordered
),

-- witnesses that say the same, one after the other, are a run; no place is null, NULLS FIRST is what
-- BigQuery's running sums demand
numbered AS (
  SELECT
    followed.*,
    SUM(CASE WHEN is_added = was_added THEN 0 ELSE 1 END) OVER (
      PARTITION BY conversation_id, topic_id
      ORDER BY place NULLS FIRST
    ) AS run
  FROM followed
),

ranked AS (
  SELECT
    numbered.*,
    ROW_NUMBER() OVER (
      PARTITION BY conversation_id, topic_id, run
      ORDER BY is_read, place
    ) AS witness_rank
  FROM numbered
),

-- the first change of a run tells when and who; a topic that was read as absent before it was
-- ever named is nothing to tell of
paired AS (
  SELECT
    conversation_id,
    topic_id,
    is_added,
    seen_at,
    by_type,
    by_id,
    run,
    LEAD(is_added) OVER (PARTITION BY conversation_id, topic_id ORDER BY run) AS next_added,
    LEAD(seen_at) OVER (PARTITION BY conversation_id, topic_id ORDER BY run) AS next_seen_at,
    LEAD(by_type) OVER (PARTITION BY conversation_id, topic_id ORDER BY run) AS next_by_type,
    LEAD(by_id) OVER (PARTITION BY conversation_id, topic_id ORDER BY run) AS next_by_id
  FROM ranked
  WHERE witness_rank = 1
    AND (is_added = 1 OR run > 1 OR is_read = 0)
),

-- a first run that takes a topic away ends a span whose beginning nobody saw
spans AS (
  SELECT
    conversation_id,
    topic_id,
    run,
    seen_at AS added_at,
    by_type AS added_by_type,
    by_id AS added_by_id,
    next_seen_at AS removed_at,
    next_by_type AS removed_by_type,
    next_by_id AS removed_by_id,
    next_added IS NULL AS is_current
  FROM paired
  WHERE is_added = 1
  UNION ALL
  SELECT
    conversation_id,
    topic_id,
    run,
    CAST(NULL AS TIMESTAMPTZ) AS added_at,
    CAST(NULL AS TEXT) AS added_by_type,
    CAST(NULL AS TEXT) AS added_by_id,
    seen_at AS removed_at,
    by_type AS removed_by_type,
    by_id AS removed_by_id,
    FALSE AS is_current
  FROM paired
  WHERE run = 1 AND is_added = 0
)

SELECT
  conversation_id,
  topic_id,
  ROW_NUMBER() OVER (PARTITION BY conversation_id, topic_id ORDER BY run) AS position,
  added_at,
  added_by_type,
  added_by_id,
  removed_at,
  removed_by_type,
  removed_by_id,
  is_current
FROM spans
