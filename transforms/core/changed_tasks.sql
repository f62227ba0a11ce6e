-- One row is a task about which something was loaded since models were last built, or late now.
-- Key: task_id.
-- Answers: which tasks must be made anew?
--
-- What is told of a task, whose it is called after merges, and whether it is late by the newest
-- that is loaded. Models that are built as a whole do not ask.
WITH

loaded AS (
  SELECT MAX(until_at) AS until_at
  FROM loaded_until
  WHERE table_name NOT IN ('conversation_items', 'agent_availability_events')
)

SELECT item_id AS task_id FROM task_beginnings
WHERE item_id IN (SELECT item_id FROM changed_items)
UNION
-- what an item told, if it is no task now
SELECT task_id FROM task_facts
WHERE task_id IN (SELECT item_id FROM changed_items)
UNION
SELECT id AS task_id FROM tasks
WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
UNION
SELECT task_id FROM task_events
WHERE _job_id IN (SELECT job_id FROM unseen_jobs) AND task_id <> ''
UNION
SELECT task_id FROM task_comments
WHERE _job_id IN (SELECT job_id FROM unseen_jobs) AND task_id <> ''
UNION
SELECT task_id FROM task_facts
WHERE customer_id IN (
  SELECT COALESCE(built_resolved_id, id) FROM moved_identities WHERE entity = 'customer'
)
UNION
SELECT fact.task_id
FROM task_facts AS fact
INNER JOIN loaded ON fact.due_at < loaded.until_at
WHERE fact.status <> 'CLOSED' AND NOT fact.is_overdue
