-- One row is a task.
-- Key: task_id.
-- Answers: which tasks are open, whose are they, since when, and which are late? How long did they
-- take, how often were they reopened, how often was their due date moved?
--
-- Events tell what happened to a task, and most of them how it stood just before. The task as it
-- was read by itself, where it was, and its item tell how it stood then. What was told last holds:
--
--   item       event          event                 read
--   due 1 pm   was due 1 pm   due 2 pm from now on  due 3 pm     it is due at 3 pm
--
-- At one instant a change comes after what tells how things stood before it, and a read is last.
-- Where the first event is missing, counts begin in the middle: is_beginning_seen is false then. A
-- task that nothing tells the status of has none. Open tasks are late by the time of the newest
-- event that is loaded.
WITH

loaded AS (
  SELECT MAX(until_at) AS until_at
  FROM loaded_until
  WHERE table_name NOT IN ('conversation_items', 'agent_availability_events')
),

events AS (
  SELECT
    task_id,
    event_id,
    type,
    timestamp,
    customer_id,
    initiator_type,
    initiator_id,
    comment_id,
    due_at,
    assignee_inbox_id,
    assignee_agent_id,
    context_created_at,
    context_due_at,
    context_assignee_inbox_id,
    context_assignee_agent_id
  FROM task_events
  WHERE task_id <> '' AND timestamp IS NOT NULL
),

ids AS (
  SELECT task_id FROM events
  UNION
  SELECT id AS task_id FROM tasks
  UNION
  SELECT item_id AS task_id FROM task_beginnings
),

-- how a task stood: rank orders what is told at one instant, later holds
stood AS (
  SELECT
    item_id AS task_id,
    'due' AS about,
    created_at AS at,
    0 AS told_rank,
    '' AS event_id,
    due_at,
    CAST(NULL AS TEXT) AS inbox_id,
    CAST(NULL AS TEXT) AS agent_id,
    CAST(NULL AS TEXT) AS status
  FROM task_beginnings
  UNION ALL
  SELECT
    task_id,
    'due' AS about,
    timestamp AS at,
    CASE WHEN type = 'TASK/DUE_DATE_UPDATED' THEN 2 ELSE 1 END AS told_rank,
    event_id,
    CASE WHEN type = 'TASK/DUE_DATE_UPDATED' THEN due_at ELSE context_due_at END AS due_at,
    CAST(NULL AS TEXT) AS inbox_id,
    CAST(NULL AS TEXT) AS agent_id,
    CAST(NULL AS TEXT) AS status
  FROM events
  WHERE type = 'TASK/DUE_DATE_UPDATED'
    OR context_due_at IS NOT NULL
    OR context_created_at IS NOT NULL
  UNION ALL
  SELECT
    id AS task_id,
    'due' AS about,
    _extracted_at AS at,
    3 AS told_rank,
    '' AS event_id,
    due_at,
    CAST(NULL AS TEXT) AS inbox_id,
    CAST(NULL AS TEXT) AS agent_id,
    CAST(NULL AS TEXT) AS status
  FROM tasks
  UNION ALL
  SELECT
    item_id AS task_id,
    'assignee' AS about,
    created_at AS at,
    0 AS told_rank,
    '' AS event_id,
    CAST(NULL AS TIMESTAMPTZ) AS due_at,
    assignee_inbox_id AS inbox_id,
    assignee_agent_id AS agent_id,
    CAST(NULL AS TEXT) AS status
  FROM task_beginnings
  UNION ALL
  SELECT
    task_id,
    'assignee' AS about,
    timestamp AS at,
    CASE WHEN type = 'TASK/ASSIGNEE_UPDATED' THEN 2 ELSE 1 END AS told_rank,
    event_id,
    CAST(NULL AS TIMESTAMPTZ) AS due_at,
    CASE
      WHEN type = 'TASK/ASSIGNEE_UPDATED' THEN assignee_inbox_id
      ELSE context_assignee_inbox_id
    END AS inbox_id,
    CASE
      WHEN type = 'TASK/ASSIGNEE_UPDATED' THEN assignee_agent_id
      ELSE context_assignee_agent_id
    END AS agent_id,
    CAST(NULL AS TEXT) AS status
  FROM events
  WHERE type = 'TASK/ASSIGNEE_UPDATED' OR context_assignee_inbox_id <> ''
  UNION ALL
  SELECT
    id AS task_id,
    'assignee' AS about,
    _extracted_at AS at,
    3 AS told_rank,
    '' AS event_id,
    CAST(NULL AS TIMESTAMPTZ) AS due_at,
    assignee_inbox_id AS inbox_id,
    assignee_agent_id AS agent_id,
    CAST(NULL AS TEXT) AS status
  FROM tasks
  UNION ALL
  SELECT
    task_id,
    'status' AS about,
    timestamp AS at,
    CASE type WHEN 'TASK/CREATED' THEN 0 WHEN 'TASK/CLOSED' THEN 1 ELSE 2 END AS told_rank,
    event_id,
    CAST(NULL AS TIMESTAMPTZ) AS due_at,
    CAST(NULL AS TEXT) AS inbox_id,
    CAST(NULL AS TEXT) AS agent_id,
    CASE WHEN type = 'TASK/CLOSED' THEN 'CLOSED' ELSE 'OPEN' END AS status
  FROM events
  WHERE type IN ('TASK/CREATED', 'TASK/CLOSED', 'TASK/REOPENED')
  UNION ALL
  SELECT
    id AS task_id,
    'status' AS about,
    _extracted_at AS at,
    3 AS told_rank,
    '' AS event_id,
    CAST(NULL AS TIMESTAMPTZ) AS due_at,
    CAST(NULL AS TEXT) AS inbox_id,
    CAST(NULL AS TEXT) AS agent_id,
    status
  FROM tasks
  WHERE status <> ''
),

ranked AS (
  SELECT
    stood.*,
    ROW_NUMBER() OVER (
      PARTITION BY task_id, about
      ORDER BY at DESC, told_rank DESC, event_id COLLATE C DESC
    ) AS place
  FROM stood
  WHERE at IS NOT NULL
),

standing AS (
  SELECT
    task_id,
    MAX(CASE WHEN about = 'due' THEN due_at END) AS due_at,
    MAX(CASE WHEN about = 'assignee' THEN inbox_id END) AS inbox_id,
    MAX(CASE WHEN about = 'assignee' THEN agent_id END) AS agent_id,
    MAX(CASE WHEN about = 'status' THEN status END) AS status
  FROM ranked
  WHERE place = 1
  GROUP BY task_id
),

happened AS (
  SELECT
    task_id,
    MIN(CASE WHEN type = 'TASK/CREATED' THEN timestamp END) AS created_at,
    MIN(context_created_at) AS context_created_at,
    MIN(CASE WHEN type = 'TASK/CLOSED' THEN timestamp END) AS first_closed_at,
    MAX(CASE WHEN type = 'TASK/CLOSED' THEN timestamp END) AS last_closed_at,
    MAX(CASE WHEN type = 'TASK/REOPENED' THEN timestamp END) AS last_reopened_at,
    SUM(CASE WHEN type = 'TASK/CLOSED' THEN 1 ELSE 0 END) AS times_closed,
    SUM(CASE WHEN type = 'TASK/REOPENED' THEN 1 ELSE 0 END) AS times_reopened,
    SUM(CASE WHEN type = 'TASK/DUE_DATE_UPDATED' THEN 1 ELSE 0 END) AS due_changes,
    SUM(CASE WHEN type = 'TASK/ASSIGNEE_UPDATED' THEN 1 ELSE 0 END) AS assignee_changes
  FROM events
  GROUP BY task_id
),

-- its customer and who made it, as its events tell
told AS (
  SELECT
    task_id,
    customer_id,
    CASE WHEN type = 'TASK/CREATED' THEN initiator_type END AS created_by_type,
    CASE WHEN type = 'TASK/CREATED' THEN initiator_id END AS created_by_id,
    ROW_NUMBER() OVER (
      PARTITION BY task_id
      ORDER BY
        CASE WHEN type = 'TASK/CREATED' THEN 0 ELSE 1 END,
        timestamp,
        event_id COLLATE C
    ) AS place
  FROM events
),

remarks AS (
  SELECT task_id, COALESCE(comment_id, event_id) AS comment_id
  FROM events
  WHERE type = 'TASK/COMMENT_ADDED'
  UNION
  SELECT task_id, id AS comment_id
  FROM task_comments
),

commented AS (
  SELECT task_id, COUNT(*) AS comments
  FROM remarks
  GROUP BY task_id
),

gathered AS (
  SELECT
    ids.task_id,
    beginning.conversation_id,
    CASE
      WHEN task.customer_id <> '' THEN task.customer_id
      WHEN told.customer_id <> '' THEN told.customer_id
      ELSE beginning.customer_id
    END AS sent_customer_id,
    COALESCE(
      task.timestamp,
      happened.created_at,
      happened.context_created_at,
      beginning.created_at
    ) AS created_at,
    COALESCE(task.created_by_type, told.created_by_type, beginning.created_by_type)
      AS created_by_type,
    COALESCE(task.created_by_id, told.created_by_id, beginning.created_by_id) AS created_by_id,
    CASE WHEN standing.inbox_id <> '' THEN standing.inbox_id END AS assignee_inbox_id,
    CASE WHEN standing.agent_id <> '' THEN standing.agent_id END AS assignee_agent_id,
    standing.status,
    standing.due_at,
    happened.first_closed_at,
    CASE
      WHEN standing.status = 'CLOSED'
        AND (
          happened.last_reopened_at IS NULL
          OR happened.last_closed_at > happened.last_reopened_at
        )
        THEN happened.last_closed_at
    END AS closed_at,
    COALESCE(happened.times_closed, 0) AS times_closed,
    COALESCE(happened.times_reopened, 0) AS times_reopened,
    COALESCE(happened.due_changes, 0) AS due_changes,
    COALESCE(happened.assignee_changes, 0) AS assignee_changes,
    COALESCE(commented.comments, 0) AS comments,
    task.deleted_at IS NOT NULL AS is_deleted,
    happened.created_at IS NOT NULL AS is_beginning_seen
  FROM ids
  LEFT JOIN tasks AS task ON task.id = ids.task_id
  LEFT JOIN task_beginnings AS beginning ON beginning.item_id = ids.task_id
  LEFT JOIN standing ON standing.task_id = ids.task_id
  LEFT JOIN happened ON happened.task_id = ids.task_id
  LEFT JOIN told ON told.task_id = ids.task_id AND told.place = 1
  LEFT JOIN commented ON commented.task_id = ids.task_id
)

SELECT
  task.task_id,
  COALESCE(identity.resolved_customer_id, task.sent_customer_id) AS customer_id,
  task.conversation_id,
  task.created_at,
  task.created_by_type,
  task.created_by_id,
  task.assignee_inbox_id,
  task.assignee_agent_id,
  task.status,
  task.due_at,
  task.first_closed_at,
  task.closed_at,
  CAST(EPOCH_US(task.closed_at) - EPOCH_US(task.created_at) AS DECIMAL(18, 0))
  * CAST('0.000001' AS DECIMAL(7, 6)) AS created_to_closed_seconds,
  CASE
    WHEN task.status = 'CLOSED' THEN task.closed_at > task.due_at
    WHEN task.status <> '' THEN task.due_at < loaded.until_at
  END AS is_overdue,
  task.times_closed,
  task.times_reopened,
  task.due_changes,
  task.assignee_changes,
  task.comments,
  task.is_deleted,
  task.is_beginning_seen
FROM gathered AS task
CROSS JOIN loaded
LEFT JOIN customer_identities AS identity ON identity.customer_id = task.sent_customer_id
