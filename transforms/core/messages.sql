-- One row is a message of a conversation: written by a customer, an agent or anybody else.
-- Key: item_id.
-- Answers: how long did customers wait for an answer, and how much of that in business hours? Which
-- message was the first answer? How many messages came and went, on which channel?
--
-- A message of an agent answers the first inbound message since an agent last wrote. Whoever
-- writes again, unanswered, waits since the first time; automations, AI and notes answer nobody;
-- calls are no messages.
--
--   customer    a       b                    c      d               e
--   agent                     A        B               C
--   status                                                  CLOSED
--   answers                   a        -               c
--
-- A close ends the wait when the customer writes on after it: nobody owes an answer to d, and
-- whoever answers e answers what came after the close. A close that is recorded just before the
-- message that was sent with it changes nothing.
--
-- At one instant agents come first, then closes, then inbound messages: nobody answers in no time.
-- Where the first items of a conversation are not loaded, whom its first loaded answer answers, and
-- whether it is the first, nobody knows: these are null.
WITH

said AS (
  SELECT
    item_id,
    conversation_id,
    occurred_at AS at,
    CASE WHEN direction = 'inbound' THEN 0 ELSE 1 END AS is_of_agent,
    CASE WHEN direction = 'inbound' THEN 1 ELSE 0 END AS is_inbound,
    0 AS is_close,
    CASE WHEN direction = 'inbound' THEN 2 ELSE 0 END AS place_in_instant
  FROM conversation_timeline
  WHERE kind = 'message'
    AND conversation_id IS NOT NULL
    AND occurred_at IS NOT NULL
    AND (direction = 'inbound' OR author_type = 'AGENT')
  UNION ALL
  SELECT
    '' AS item_id,
    conversation_id,
    from_at AS at,
    0 AS is_of_agent,
    0 AS is_inbound,
    1 AS is_close,
    1 AS place_in_instant
  FROM conversation_statuses
  WHERE status = 'CLOSED'
),

counted AS (
  SELECT
    said.*,
    SUM(is_of_agent) OVER (
      PARTITION BY conversation_id
      ORDER BY at NULLS FIRST, place_in_instant NULLS FIRST, item_id COLLATE C NULLS FIRST
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS agent_messages,
    SUM(is_close) OVER (
      PARTITION BY conversation_id
      ORDER BY at NULLS FIRST, place_in_instant NULLS FIRST, item_id COLLATE C NULLS FIRST
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS closes
  FROM said
),

-- of the inbound messages between two of agents: the first one after the last close between them
waiting AS (
  SELECT
    conversation_id,
    item_id,
    at,
    agent_messages,
    ROW_NUMBER() OVER (
      PARTITION BY conversation_id, agent_messages
      ORDER BY closes DESC, at, item_id COLLATE C
    ) AS rank_in_wait
  FROM counted
  WHERE is_inbound = 1
),

responses AS (
  SELECT
    counted.item_id,
    counted.conversation_id,
    counted.at,
    counted.agent_messages,
    beginning.are_first_items_seen,
    waiting.item_id AS answered_item_id,
    waiting.at AS answered_at,
    SUM(CASE WHEN waiting.item_id IS NOT NULL THEN 1 ELSE 0 END) OVER (
      PARTITION BY counted.conversation_id
      ORDER BY counted.agent_messages NULLS FIRST
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS answers
  FROM counted
  INNER JOIN conversation_beginnings AS beginning
    ON beginning.conversation_id = counted.conversation_id
  LEFT JOIN waiting
    ON waiting.conversation_id = counted.conversation_id
    AND waiting.agent_messages = counted.agent_messages - 1
    AND waiting.rank_in_wait = 1
    AND (beginning.are_first_items_seen OR counted.agent_messages > 1)
  WHERE counted.is_of_agent = 1
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
  SELECT EPOCH_US(at) AS microsecond
  FROM responses
  WHERE answered_item_id IS NOT NULL
  UNION
  SELECT EPOCH_US(answered_at) AS microsecond
  FROM responses
  WHERE answered_item_id IS NOT NULL
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
  message.item_id,
  message.conversation_id,
  message.customer_id,
  message.occurred_at,
  message.channel,
  message.direction,
  message.author_id,
  message.author_type,
  response.answered_item_id,
  response.answered_at,
  CAST(EPOCH_US(response.at) - EPOCH_US(response.answered_at) AS DECIMAL(18, 0))
  * CAST('0.000001' AS DECIMAL(7, 6)) AS response_seconds,
  CAST(
    clock_after.business_microsecond - clock_before.business_microsecond AS DECIMAL(18, 0)
  ) * CAST('0.000001' AS DECIMAL(7, 6)) AS business_response_seconds,
  CASE
    WHEN response.are_first_items_seen
      THEN response.answered_item_id IS NOT NULL AND response.answers = 1
    WHEN response.agent_messages > 1 AND response.answered_item_id IS NULL THEN FALSE
    WHEN response.answers > 1 THEN FALSE
  END AS is_first_response
FROM conversation_timeline AS message
LEFT JOIN responses AS response ON response.item_id = message.item_id
LEFT JOIN clock AS clock_after
  ON response.answered_item_id IS NOT NULL
  AND clock_after.microsecond = EPOCH_US(response.at)
LEFT JOIN clock AS clock_before ON clock_before.microsecond = EPOCH_US(response.answered_at)
WHERE message.kind = 'message'
