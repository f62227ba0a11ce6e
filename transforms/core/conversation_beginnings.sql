-- One row is a conversation that anything loaded tells of, as it is called after merges.
-- Key: conversation_id.
-- Answers: which conversations are there, and whose? When did each begin, and who tells it? Is
-- its beginning loaded, or does what is loaded begin in the middle?
--
-- Creation is told by the event CONVERSATION/CREATED, whose clock is that of the events that close
-- and reopen; where none is loaded by the conversation's own record, if it was read (enrichment).
-- Of conversations that were merged only what the surviving one was sent under its own id counts
-- as its beginning: the one merged away had begun by itself.
--
-- Exports reach back two weeks, events a day, so both can begin in the middle of a conversation:
--
--   conversation  created |------------------------------------------> time
--   seen                  [  item                                      at most an hour after it
--   not seen              [                             item, item     earlier items may be missing
WITH

entries AS (
  SELECT
    conversation_id,
    sent_conversation_id,
    customer_id,
    occurred_at AS at,
    1 AS is_item
  FROM conversation_timeline
  WHERE conversation_id IS NOT NULL
),

events AS (
  SELECT
    conversation_id AS sent_conversation_id,
    customer_id AS sent_customer_id,
    timestamp AS at
  FROM conversation_events
  WHERE conversation_id IS NOT NULL
  UNION ALL
  SELECT
    conversation_id AS sent_conversation_id,
    customer_id AS sent_customer_id,
    timestamp AS at
  FROM contact_events
  WHERE conversation_id IS NOT NULL
  UNION ALL
  SELECT
    id AS sent_conversation_id,
    customer_id AS sent_customer_id,
    CAST(NULL AS TIMESTAMPTZ) AS at
  FROM conversations
),

told AS (
  SELECT conversation_id, sent_conversation_id, customer_id, at, is_item
  FROM entries
  UNION ALL
  SELECT
    COALESCE(conversation.resolved_conversation_id, events.sent_conversation_id)
      AS conversation_id,
    events.sent_conversation_id,
    COALESCE(customer.resolved_customer_id, events.sent_customer_id) AS customer_id,
    events.at,
    0 AS is_item
  FROM events
  LEFT JOIN conversation_identities AS conversation
    ON conversation.conversation_id = events.sent_conversation_id
  LEFT JOIN customer_identities AS customer ON customer.customer_id = events.sent_customer_id
),

known AS (
  SELECT
    conversation_id,
    MIN(CASE WHEN sent_conversation_id = conversation_id THEN at END) AS first_seen_at,
    MIN(CASE WHEN sent_conversation_id = conversation_id AND is_item = 1 THEN at END)
      AS first_item_at
  FROM told
  GROUP BY conversation_id
),

-- all of a conversation belongs to one customer; should feeds differ, what was told last holds
customers_told AS (
  SELECT
    conversation_id,
    customer_id,
    ROW_NUMBER() OVER (
      PARTITION BY conversation_id
      ORDER BY
        CASE WHEN sent_conversation_id = conversation_id THEN 0 ELSE 1 END,
        CASE WHEN at IS NULL THEN 1 ELSE 0 END,
        at DESC,
        customer_id COLLATE C
    ) AS rank_of_customer
  FROM told
  WHERE customer_id IS NOT NULL
),

created AS (
  SELECT
    conversation_id,
    timestamp AS created_at,
    initiator_id AS created_by_id,
    initiator_type AS created_by_type,
    ROW_NUMBER() OVER (
      PARTITION BY conversation_id ORDER BY timestamp, event_id COLLATE C
    ) AS rank_of_event
  FROM conversation_events
  WHERE type = 'CONVERSATION/CREATED' AND timestamp IS NOT NULL
),

begun AS (
  SELECT
    known.conversation_id,
    customers_told.customer_id,
    COALESCE(created.created_at, record.created_at) AS created_at,
    created.created_by_id,
    created.created_by_type,
    CASE
      WHEN created.created_at IS NOT NULL THEN 'event'
      WHEN record.created_at IS NOT NULL THEN 'record'
    END AS told_by,
    known.first_seen_at,
    known.first_item_at
  FROM known
  LEFT JOIN customers_told
    ON customers_told.conversation_id = known.conversation_id
    AND customers_told.rank_of_customer = 1
  LEFT JOIN created
    ON created.conversation_id = known.conversation_id AND created.rank_of_event = 1
  LEFT JOIN conversations AS record ON record.id = known.conversation_id
)

SELECT
  conversation_id,
  customer_id,
  created_at,
  created_by_id,
  created_by_type,
  told_by,
  first_seen_at,
  first_item_at,
  COALESCE(EPOCH_US(first_seen_at) <= EPOCH_US(created_at) + 3600000000, FALSE)
    AS is_beginning_seen,
  COALESCE(EPOCH_US(first_item_at) <= EPOCH_US(created_at) + 3600000000, FALSE)
    AS are_first_items_seen
FROM begun
