-- One row is a customer that stands today.
-- Key: customer_id.
-- Answers: what has this customer been through with us? How often, on which channels, about what,
-- and what is still open? What did they pay, and how satisfied were they?
--
-- All ids that were merged into theirs count as theirs. A conversation counts as open where the
-- last that is told of it is another status than CLOSED. Amounts are shown where all requests of
-- that outcome are in one currency: nothing is added up across currencies.
WITH

sent AS (
  SELECT customer_id, conversation_id, CAST(NULL AS TEXT) AS contact_id
  FROM conversation_items
  UNION
  SELECT customer_id, conversation_id, CAST(NULL AS TEXT) AS contact_id
  FROM conversation_events
  UNION
  SELECT customer_id, id AS conversation_id, CAST(NULL AS TEXT) AS contact_id
  FROM conversations
  UNION
  SELECT customer_id, conversation_id, contact_id
  FROM contact_events
  UNION
  SELECT customer_id, conversation_id, contact_session_id AS contact_id
  FROM work_session_events
),

theirs AS (
  SELECT DISTINCT
    COALESCE(customer.resolved_customer_id, sent.customer_id) AS customer_id,
    COALESCE(conversation.resolved_conversation_id, sent.conversation_id) AS conversation_id,
    sent.contact_id
  FROM sent
  LEFT JOIN customer_identities AS customer ON customer.customer_id = sent.customer_id
  LEFT JOIN conversation_identities AS conversation
    ON conversation.conversation_id = sent.conversation_id
),

counted AS (
  SELECT
    customer_id,
    COUNT(DISTINCT NULLIF(conversation_id, '')) AS conversations,
    COUNT(DISTINCT NULLIF(contact_id, '')) AS contacts
  FROM theirs
  GROUP BY customer_id
),

own_conversations AS (
  SELECT DISTINCT customer_id, conversation_id
  FROM theirs
  WHERE conversation_id <> ''
),

opened AS (
  SELECT own.customer_id, COUNT(*) AS open_conversations
  FROM own_conversations AS own
  INNER JOIN conversation_participation AS conversation
    ON conversation.conversation_id = own.conversation_id
  WHERE conversation.status <> 'CLOSED'
  GROUP BY own.customer_id
),

labels AS (
  SELECT own.customer_id, topic.topic_id, COUNT(*) AS conversations
  FROM own_conversations AS own
  INNER JOIN conversation_topics_over_time AS topic
    ON topic.conversation_id = own.conversation_id AND topic.is_current
  GROUP BY own.customer_id, topic.topic_id
),

ranked_labels AS (
  SELECT
    customer_id,
    topic_id,
    ROW_NUMBER() OVER (
      PARTITION BY customer_id ORDER BY conversations DESC, topic_id COLLATE C
    ) AS place
  FROM labels
),

moments AS (
  SELECT
    customer_id,
    channel,
    occurred_at AS at,
    CASE WHEN kind = 'message' THEN 1 ELSE 0 END AS is_message,
    CASE WHEN kind = 'call' THEN 1 ELSE 0 END AS is_call
  FROM conversation_timeline
  WHERE kind IN ('message', 'call')
  UNION ALL
  SELECT
    COALESCE(identity.resolved_customer_id, event.customer_id) AS customer_id,
    event.channel,
    event.timestamp AS at,
    0 AS is_message,
    0 AS is_call
  FROM contact_events AS event
  LEFT JOIN customer_identities AS identity ON identity.customer_id = event.customer_id
),

talked AS (
  SELECT
    customer_id,
    SUM(is_message) AS messages,
    SUM(is_call) AS calls,
    COUNT(DISTINCT NULLIF(channel, '')) AS channels,
    MIN(at) AS first_contact_at,
    MAX(at) AS last_contact_at
  FROM moments
  GROUP BY customer_id
),

owed AS (
  SELECT
    customer_id,
    COUNT(*) AS tasks,
    SUM(CASE WHEN status = 'OPEN' AND NOT is_deleted THEN 1 ELSE 0 END) AS open_tasks
  FROM task_facts
  GROUP BY customer_id
),

payment_changes AS (
  SELECT
    payment_request_id,
    new_status,
    ROW_NUMBER() OVER (
      PARTITION BY payment_request_id
      -- of one instant what ends a request comes last
      ORDER BY
        timestamp DESC,
        CASE WHEN new_status IN ('REQUESTING', 'SUBMITTED') THEN 1 ELSE 0 END,
        event_id COLLATE C DESC
    ) AS rank_from_last
  FROM payment_request_events
  WHERE new_status <> '' AND timestamp IS NOT NULL
),

payments AS (
  SELECT
    event.payment_request_id,
    MAX(COALESCE(identity.resolved_customer_id, event.customer_id) COLLATE C) AS customer_id,
    MAX(event.currency COLLATE C) AS currency,
    MAX(event.monetary_unit) AS amount,
    MAX(payment_changes.new_status COLLATE C) AS status
  FROM payment_request_events AS event
  LEFT JOIN payment_changes
    ON payment_changes.payment_request_id = event.payment_request_id
    AND payment_changes.rank_from_last = 1
  LEFT JOIN customer_identities AS identity ON identity.customer_id = event.customer_id
  WHERE event.payment_request_id <> ''
  GROUP BY event.payment_request_id
),

paid AS (
  SELECT
    customer_id,
    COUNT(*) AS requests,
    SUM(CASE WHEN status = 'COMPLETED' THEN 1 ELSE 0 END) AS completed,
    SUM(CASE WHEN status = 'DECLINED' THEN 1 ELSE 0 END) AS declined,
    COUNT(DISTINCT CASE WHEN status = 'COMPLETED' THEN COALESCE(currency, '') END)
      AS completed_currencies,
    COUNT(DISTINCT CASE WHEN status = 'DECLINED' THEN COALESCE(currency, '') END)
      AS declined_currencies,
    MAX(CASE WHEN status = 'COMPLETED' THEN currency END) AS completed_currency,
    MAX(CASE WHEN status = 'DECLINED' THEN currency END) AS declined_currency,
    SUM(CASE WHEN status = 'COMPLETED' THEN amount END) AS completed_amount,
    SUM(CASE WHEN status = 'DECLINED' THEN amount END) AS declined_amount
  FROM payments
  GROUP BY customer_id
),

ranked_scores AS (
  SELECT
    customer_id,
    answered_at,
    score,
    score_out_of,
    ROW_NUMBER() OVER (
      PARTITION BY customer_id ORDER BY answered_at DESC, item_id COLLATE C DESC
    ) AS place
  FROM survey_answers
  WHERE score IS NOT NULL AND answered_at IS NOT NULL
)

SELECT
  customer.customer_id,
  customer.name,
  customer.name_source,
  customer.email_address,
  customer.email_addresses,
  customer.phone_number,
  customer.phone_numbers,
  customer.external_customer_id,
  customer.merged_customer_ids,
  customer.is_deleted,
  customer.profile_created_at,
  COALESCE(counted.conversations, 0) AS conversations,
  COALESCE(opened.open_conversations, 0) AS open_conversations,
  COALESCE(counted.contacts, 0) AS contacts,
  COALESCE(talked.messages, 0) AS messages,
  COALESCE(talked.calls, 0) AS calls,
  COALESCE(talked.channels, 0) AS channels,
  talked.first_contact_at,
  talked.last_contact_at,
  label.topic_id AS top_topic_id,
  topic.path AS top_topic_path,
  COALESCE(owed.tasks, 0) AS tasks,
  COALESCE(owed.open_tasks, 0) AS open_tasks,
  COALESCE(paid.requests, 0) AS payment_requests,
  COALESCE(paid.completed, 0) AS completed_payments,
  CASE WHEN paid.completed_currencies = 1 THEN paid.completed_amount END AS completed_amount,
  CASE WHEN paid.completed_currencies = 1 THEN paid.completed_currency END AS completed_currency,
  COALESCE(paid.declined, 0) AS declined_payments,
  CASE WHEN paid.declined_currencies = 1 THEN paid.declined_amount END AS declined_amount,
  CASE WHEN paid.declined_currencies = 1 THEN paid.declined_currency END AS declined_currency,
  score.score AS last_survey_score,
  score.score_out_of AS last_survey_score_out_of,
  score.answered_at AS last_survey_at
FROM resolved_customers AS customer
LEFT JOIN counted ON counted.customer_id = customer.customer_id
LEFT JOIN opened ON opened.customer_id = customer.customer_id
LEFT JOIN talked ON talked.customer_id = customer.customer_id
LEFT JOIN ranked_labels AS label
  ON label.customer_id = customer.customer_id AND label.place = 1
LEFT JOIN topic_hierarchy AS topic ON topic.topic_id = label.topic_id
LEFT JOIN owed ON owed.customer_id = customer.customer_id
LEFT JOIN paid ON paid.customer_id = customer.customer_id
LEFT JOIN ranked_scores AS score
  ON score.customer_id = customer.customer_id AND score.place = 1
