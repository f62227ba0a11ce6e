-- One row is a time during which a conversation was in one inbox with one agent, or with none.
-- Key: conversation_id, position.
-- Answers: who had this conversation at that time? Which inboxes did it go through, and why? How
-- many agents had it?
--
-- CONVERSATION_ASSIGNEE/UPDATED tells each change. Every other event of the conversation tells in
-- its context where it was just before: the first such context that is loaded, up to the first
-- change, gives the state before that. It lasts from the creation on, if that is loaded, else
-- from_at is null: since nobody knows when.
--
--   events       CREATED (in inbox 1)     UPDATED (inbox 1, agent 1)    UPDATED (inbox 2)
--   assignments  |------- inbox 1 --------|----- inbox 1, agent 1 ------|---- inbox 2 ---->
--
-- A change to what already is, is none. Of changes at one instant that of the higher event id
-- holds. Changes of a conversation that was merged away are not those of the one that remains.
WITH

events AS (
  SELECT
    event.conversation_id,
    event.event_id,
    event.type,
    event.timestamp AS at,
    event.reason,
    event.initiator_id,
    event.initiator_type,
    event.assignee_inbox_id,
    event.assignee_agent_id,
    event.context_assignee_inbox_id,
    event.context_assignee_agent_id
  FROM conversation_events AS event
  LEFT JOIN conversation_identities AS identity
    ON identity.conversation_id = event.conversation_id
  WHERE event.timestamp IS NOT NULL
    AND COALESCE(identity.resolved_conversation_id, event.conversation_id) = event.conversation_id
),

firsts AS (
  SELECT
    conversation_id,
    MIN(CASE WHEN type = 'CONVERSATION/CREATED' THEN at END) AS created_at,
    MIN(CASE WHEN type = 'CONVERSATION_ASSIGNEE/UPDATED' THEN at END) AS first_updated_at
  FROM events
  GROUP BY conversation_id
),

contexts AS (
  SELECT
    events.conversation_id,
    firsts.created_at,
    events.context_assignee_inbox_id AS inbox_id,
    events.context_assignee_agent_id AS agent_id,
    ROW_NUMBER() OVER (
      PARTITION BY events.conversation_id ORDER BY events.at, events.event_id COLLATE C
    ) AS rank_of_event
  FROM events
  INNER JOIN firsts ON firsts.conversation_id = events.conversation_id
  WHERE (
      events.context_assignee_inbox_id IS NOT NULL
      OR events.context_assignee_agent_id IS NOT NULL
    )
    AND (firsts.first_updated_at IS NULL OR events.at <= firsts.first_updated_at)
),

states AS (
  SELECT
    conversation_id,
    created_at AS at,
    0 AS is_update,
    inbox_id,
    agent_id,
    CAST(NULL AS TEXT) AS reason,
    CAST(NULL AS TEXT) AS assigned_by_id,
    CAST(NULL AS TEXT) AS assigned_by_type,
    '' AS event_id
  FROM contexts
  WHERE rank_of_event = 1
  UNION ALL
  SELECT
    conversation_id,
    at,
    1 AS is_update,
    assignee_inbox_id AS inbox_id,
    assignee_agent_id AS agent_id,
    reason,
    initiator_id AS assigned_by_id,
    initiator_type AS assigned_by_type,
    event_id
  FROM events
  WHERE type = 'CONVERSATION_ASSIGNEE/UPDATED'
),

ordered AS (
  SELECT
    states.*,
    ROW_NUMBER() OVER (
      PARTITION BY conversation_id ORDER BY is_update, at, event_id COLLATE C
    ) AS place
  FROM states
),

compared AS (
  SELECT
    ordered.*,
    LAG(inbox_id) OVER (PARTITION BY conversation_id ORDER BY place) AS inbox_id_before,
    LAG(agent_id) OVER (PARTITION BY conversation_id ORDER BY place) AS agent_id_before
  FROM ordered
)

SELECT
  conversation_id,
  ROW_NUMBER() OVER (PARTITION BY conversation_id ORDER BY place) AS position,
  at AS from_at,
  LEAD(at) OVER (PARTITION BY conversation_id ORDER BY place) AS until_at,
  inbox_id,
  agent_id,
  reason,
  assigned_by_id,
  assigned_by_type
FROM compared
WHERE place = 1
  OR inbox_id IS DISTINCT FROM inbox_id_before
  OR agent_id IS DISTINCT FROM agent_id_before
