-- One row is a conversation, as it is called after merges.
-- Key: conversation_id.
-- Answers: how did this conversation go, from its creation to its last close? How many messages,
-- agents and channels did it take? How long until the first answer, and until it was resolved? Was
-- one touch of an agent enough?
--
-- Sources, where more than one tells the same:
--   statuses         as conversation_statuses tells them, topics as conversation_topics_over_time
--   now              status, inbox and agent are those of the conversation's own record
--                    (enrichment), since Gladly itself says them; what changed after it was read
--                    counts on top, and where it was not read, the changes alone
--   messages, calls  items alone: events tell of some of them a day earlier, without who and what
--
-- A touch is a message of an agent or a call that was answered. One-touch resolution: it is
-- closed, it was closed once, and took one touch. Whether it is one can be told once its first
-- items and the item of its last close are loaded, so not before the export of that day.
--
-- Items of conversations that were merged into this one count as its own; when those were created
-- and closed does not. Calls and messages without a time count, and are neither first nor last.
WITH

closes AS (
  SELECT
    conversation_id,
    MIN(CASE WHEN status = 'CLOSED' THEN from_at END) AS first_closed_at,
    MAX(CASE WHEN status = 'CLOSED' THEN from_at END) AS last_closed_at,
    SUM(CASE WHEN status = 'CLOSED' THEN 1 ELSE 0 END) AS times_closed,
    SUM(CASE WHEN status_before = 'CLOSED' THEN 1 ELSE 0 END) AS times_reopened,
    MAX(CASE WHEN until_at IS NULL THEN status END) AS last_status,
    MAX(CASE WHEN until_at IS NULL THEN from_at END) AS last_changed_at,
    MAX(
      CASE
        WHEN until_at IS NULL AND status = 'CLOSED' AND told_by = 'item' THEN 1
        ELSE 0
      END
    ) AS is_close_told_by_item
  FROM conversation_statuses
  GROUP BY conversation_id
),

assigned AS (
  SELECT
    conversation_id,
    COUNT(DISTINCT agent_id) AS agents_assigned,
    MAX(CASE WHEN until_at IS NULL THEN inbox_id END) AS last_inbox_id,
    MAX(CASE WHEN until_at IS NULL THEN agent_id END) AS last_agent_id,
    MAX(CASE WHEN until_at IS NULL THEN from_at END) AS last_assigned_at
  FROM conversation_assignments
  GROUP BY conversation_id
),

talks AS (
  SELECT
    conversation_id,
    channel,
    ROW_NUMBER() OVER (
      PARTITION BY conversation_id ORDER BY occurred_at, item_id COLLATE C
    ) AS rank_from_first,
    ROW_NUMBER() OVER (
      PARTITION BY conversation_id ORDER BY occurred_at DESC, item_id COLLATE C DESC
    ) AS rank_from_last
  FROM conversation_timeline
  WHERE kind IN ('message', 'call') AND occurred_at IS NOT NULL
),

channels AS (
  SELECT
    conversation_id,
    MAX(CASE WHEN rank_from_first = 1 THEN channel END) AS first_channel,
    MAX(CASE WHEN rank_from_last = 1 THEN channel END) AS last_channel
  FROM talks
  GROUP BY conversation_id
),

items AS (
  SELECT
    item.conversation_id,
    COUNT(*) AS items,
    COUNT(DISTINCT item.channel) AS channels,
    SUM(CASE WHEN item.kind = 'message' THEN 1 ELSE 0 END) AS messages,
    SUM(CASE WHEN item.kind = 'message' AND item.author_type = 'CUSTOMER' THEN 1 ELSE 0 END)
      AS messages_from_customer,
    SUM(CASE WHEN item.kind = 'message' AND item.author_type = 'AGENT' THEN 1 ELSE 0 END)
      AS messages_from_agents,
    SUM(
      CASE
        WHEN item.kind = 'message' AND item.author_type IN ('AUTOMATION', 'API', 'SYSTEM') THEN 1
        ELSE 0
      END
    ) AS messages_from_automations,
    SUM(CASE WHEN item.kind = 'call' THEN 1 ELSE 0 END) AS calls,
    SUM(CASE WHEN call.answered_at IS NOT NULL THEN 1 ELSE 0 END) AS answered_calls,
    SUM(CASE WHEN item.kind = 'note' THEN 1 ELSE 0 END) AS notes
  FROM conversation_timeline AS item
  LEFT JOIN phone_calls AS call ON call.id = item.item_id
  GROUP BY item.conversation_id
),

topics_now AS (
  SELECT
    conversation_id,
    COUNT(*) AS topics
  FROM conversation_topics_over_time
  WHERE is_current
  GROUP BY conversation_id
),

first_responses AS (
  SELECT
    conversation_id,
    response_seconds,
    business_response_seconds
  FROM messages
  WHERE is_first_response
),

merged AS (
  SELECT
    resolved_conversation_id AS conversation_id,
    COUNT(*) AS merged_conversations
  FROM conversation_identities
  WHERE resolved_conversation_id <> conversation_id
  GROUP BY resolved_conversation_id
),

joined AS (
  SELECT
    beginning.conversation_id,
    beginning.customer_id,
    beginning.created_at,
    closes.first_closed_at,
    closes.last_closed_at,
    CASE
      WHEN record.status IS NULL OR closes.last_changed_at > record._extracted_at
        THEN closes.last_status
      ELSE record.status
    END AS status,
    closes.is_close_told_by_item,
    COALESCE(closes.times_closed, 0) AS times_closed,
    COALESCE(closes.times_reopened, 0) AS times_reopened,
    channels.first_channel,
    channels.last_channel,
    COALESCE(items.channels, 0) AS channels,
    CASE
      WHEN record.id IS NULL OR assigned.last_assigned_at > record._extracted_at
        THEN assigned.last_inbox_id
      ELSE record.inbox_id
    END AS inbox_id,
    CASE
      WHEN record.id IS NULL OR assigned.last_assigned_at > record._extracted_at
        THEN assigned.last_agent_id
      ELSE record.agent_id
    END AS agent_id,
    CASE WHEN beginning.told_by = 'event' THEN COALESCE(assigned.agents_assigned, 0) END
      AS agents_assigned,
    COALESCE(items.items, 0) AS items,
    COALESCE(items.messages, 0) AS messages,
    COALESCE(items.messages_from_customer, 0) AS messages_from_customer,
    COALESCE(items.messages_from_agents, 0) AS messages_from_agents,
    COALESCE(items.messages_from_automations, 0) AS messages_from_automations,
    COALESCE(items.calls, 0) AS calls,
    COALESCE(items.answered_calls, 0) AS answered_calls,
    COALESCE(items.notes, 0) AS notes,
    COALESCE(topics_now.topics, 0) AS topics,
    first_responses.response_seconds AS first_response_seconds,
    first_responses.business_response_seconds AS business_first_response_seconds,
    COALESCE(merged.merged_conversations, 0) AS merged_conversations,
    beginning.is_beginning_seen,
    beginning.are_first_items_seen
  FROM conversation_beginnings AS beginning
  LEFT JOIN closes ON closes.conversation_id = beginning.conversation_id
  LEFT JOIN assigned ON assigned.conversation_id = beginning.conversation_id
  LEFT JOIN channels ON channels.conversation_id = beginning.conversation_id
  LEFT JOIN items ON items.conversation_id = beginning.conversation_id
  LEFT JOIN topics_now ON topics_now.conversation_id = beginning.conversation_id
  LEFT JOIN first_responses ON first_responses.conversation_id = beginning.conversation_id
  LEFT JOIN merged ON merged.conversation_id = beginning.conversation_id
  LEFT JOIN conversations AS record ON record.id = beginning.conversation_id
),

-- the business-hours clock at each instant: the last span that opened by then, and how far it went
primary_hours AS (
  SELECT MIN(business_hours_id COLLATE C) AS business_hours_id
  FROM business_hour_spans
  WHERE is_primary
),

spans AS (
  SELECT
    span.span_number,
    EPOCH_US(span.opens_at) AS opens,
    EPOCH_US(span.closes_at) AS closes,
    span.open_microseconds_before
  FROM business_hour_spans AS span
  INNER JOIN primary_hours ON primary_hours.business_hours_id = span.business_hours_id
),

covered AS (
  SELECT
    EPOCH_US(MIN(starts_at)) AS first_microsecond,
    EPOCH_US(MAX(ends_at)) AS end_microsecond
  FROM local_days
  WHERE EXISTS (SELECT 1 FROM spans)
),

instants AS (
  SELECT EPOCH_US(created_at) AS microsecond FROM joined
  UNION
  SELECT EPOCH_US(first_closed_at) AS microsecond FROM joined
  UNION
  SELECT EPOCH_US(last_closed_at) AS microsecond FROM joined
),

marks AS (
  SELECT
    instants.microsecond,
    1 AS is_instant,
    CAST(NULL AS BIGINT) AS span_number
  FROM instants
  INNER JOIN covered
    ON instants.microsecond >= covered.first_microsecond
    AND instants.microsecond < covered.end_microsecond
  UNION ALL
  SELECT
    opens AS microsecond,
    0 AS is_instant,
    span_number
  FROM spans
),

placed AS (
  SELECT
    microsecond,
    is_instant,
    MAX(span_number) OVER (
      ORDER BY microsecond NULLS FIRST, is_instant NULLS FIRST
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS span_number
  FROM marks
),

clock AS (
  SELECT
    placed.microsecond,
    COALESCE(
      spans.open_microseconds_before + LEAST(placed.microsecond, spans.closes) - spans.opens, 0
    ) AS business_microsecond
  FROM placed
  LEFT JOIN spans ON spans.span_number = placed.span_number
  WHERE placed.is_instant = 1
)

SELECT
  joined.conversation_id,
  joined.customer_id,
  joined.created_at,
  joined.first_closed_at,
  joined.last_closed_at,
  joined.status,
  joined.times_closed,
  joined.times_reopened,
  joined.first_channel,
  joined.last_channel,
  joined.channels,
  joined.inbox_id,
  joined.agent_id,
  joined.agents_assigned,
  joined.items,
  joined.messages,
  joined.messages_from_customer,
  joined.messages_from_agents,
  joined.messages_from_automations,
  joined.calls,
  joined.answered_calls,
  joined.notes,
  joined.topics,
  joined.first_response_seconds,
  joined.business_first_response_seconds,
  CASE
    WHEN joined.is_beginning_seen
      THEN CAST(
        EPOCH_US(joined.first_closed_at) - EPOCH_US(joined.created_at) AS DECIMAL(18, 0)
      ) * CAST('0.000001' AS DECIMAL(7, 6))
  END AS created_to_first_closed_seconds,
  CASE
    WHEN joined.is_beginning_seen
      THEN CAST(
        first_closed.business_microsecond - created.business_microsecond AS DECIMAL(18, 0)
      ) * CAST('0.000001' AS DECIMAL(7, 6))
  END AS business_created_to_first_closed_seconds,
  CAST(EPOCH_US(joined.last_closed_at) - EPOCH_US(joined.created_at) AS DECIMAL(18, 0))
  * CAST('0.000001' AS DECIMAL(7, 6)) AS created_to_last_closed_seconds,
  CAST(last_closed.business_microsecond - created.business_microsecond AS DECIMAL(18, 0))
  * CAST('0.000001' AS DECIMAL(7, 6)) AS business_created_to_last_closed_seconds,
  CASE
    WHEN joined.status = 'CLOSED'
      AND joined.are_first_items_seen
      AND joined.is_close_told_by_item = 1
      THEN joined.times_closed = 1 AND joined.messages_from_agents + joined.answered_calls = 1
  END AS is_one_touch,
  joined.merged_conversations,
  joined.is_beginning_seen
FROM joined
LEFT JOIN clock AS created ON created.microsecond = EPOCH_US(joined.created_at)
LEFT JOIN clock AS first_closed ON first_closed.microsecond = EPOCH_US(joined.first_closed_at)
LEFT JOIN clock AS last_closed ON last_closed.microsecond = EPOCH_US(joined.last_closed_at)
