-- One row is an id of a customer about whom something was loaded since models were last built.
-- Key: customer_id.
-- Answers: which customers must be made anew? Which ids do they have, before and after merges?
--
-- Those whose conversations changed (changed_conversations), or whose profile, tasks or payments
-- did, now or as models were built last: what is somebody else's now was theirs. All ids that
-- stand for one customer are here if one of them is, so tables can be filtered by the id that was
-- sent and models by the one that stands today. Models that are built as a whole do not ask.
-- One case is left out: where the own record of a conversation names another customer than when it
-- was read before, and items and events name neither, the one it named before keeps it in
-- customer_360 until models are built as a whole.
WITH

conversations_touched AS (
  SELECT conversation_id
  FROM changed_conversations
  -- many rows belong to none, whose ids are empty
  WHERE conversation_id <> ''
),

tasks_touched AS (
  SELECT id AS task_id FROM tasks
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT task_id FROM task_events
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
),

payments_touched AS (
  SELECT payment_request_id FROM payment_request_events
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
),

told AS (
  -- whom merges took somebody from, and whom they name: all that stand for these come with them
  SELECT built_resolved_id AS customer_id FROM moved_identities
  WHERE entity = 'customer'
  UNION
  SELECT destination_customer_id AS customer_id FROM customer_merges
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT customer_id FROM deleted_customers
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT id AS customer_id FROM customers
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT id AS customer_id FROM customer_profiles
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT customer_id FROM customer_profile_events
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT customer_id FROM conversation_items
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT customer_id FROM conversation_items
  WHERE conversation_id IN (SELECT conversation_id FROM conversations_touched)
  UNION
  SELECT customer_id FROM conversation_events
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT customer_id FROM conversation_events
  WHERE conversation_id IN (SELECT conversation_id FROM conversations_touched)
  UNION
  SELECT customer_id FROM contact_events
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT customer_id FROM contact_events
  WHERE conversation_id IN (SELECT conversation_id FROM conversations_touched)
  UNION
  SELECT customer_id FROM work_session_events
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT customer_id FROM work_session_events
  WHERE conversation_id IN (SELECT conversation_id FROM conversations_touched)
  UNION
  SELECT customer_id FROM conversations
  WHERE id IN (SELECT conversation_id FROM conversations_touched)
  UNION
  SELECT customer_id FROM tasks
  WHERE id IN (SELECT task_id FROM tasks_touched)
  UNION
  SELECT customer_id FROM task_events
  WHERE task_id IN (SELECT task_id FROM tasks_touched)
  UNION
  SELECT customer_id FROM payment_request_events
  WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
  UNION
  SELECT customer_id FROM payment_request_events
  WHERE payment_request_id IN (SELECT payment_request_id FROM payments_touched)
  UNION
  -- whose it was
  SELECT customer_id FROM changed_items_before
  UNION
  SELECT customer_id FROM conversation_beginnings
  WHERE conversation_id IN (SELECT conversation_id FROM conversations_touched)
  UNION
  SELECT customer_id FROM task_facts
  WHERE task_id IN (SELECT task_id FROM tasks_touched)
  UNION
  -- whose topic has another name now, or another place
  SELECT customer.customer_id
  FROM customer_360 AS customer
  LEFT JOIN topic_hierarchy AS topic ON topic.topic_id = customer.top_topic_id
  WHERE COALESCE(topic.path, '') <> COALESCE(customer.top_topic_path, '')
),

resolved AS (
  SELECT DISTINCT COALESCE(identity.resolved_customer_id, told.customer_id) AS customer_id
  FROM told
  LEFT JOIN customer_identities AS identity ON identity.customer_id = told.customer_id
  WHERE told.customer_id <> ''
)

SELECT customer_id
FROM resolved
UNION
SELECT identity.customer_id
FROM customer_identities AS identity
INNER JOIN resolved ON resolved.customer_id = identity.resolved_customer_id
