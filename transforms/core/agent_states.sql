-- One row is a stretch of time from one event about an agent's status to the next.
-- Key: agent_id, position.
-- Answers: was this agent logged in, active or away at this moment, and why? How long do breaks
-- last?
--
-- Events follow each other by when they happened, then by when they were recorded: some are
-- recorded minutes late. The first one tells what was before it, but mostly not since when:
--
--   first event             before it
--   LOGGED_IN               logged_out
--   WENT_AWAY               active
--   CHANGED_ACTIVE_REASON   active
--   RETURNED_FROM_AWAY      away, since the moment it tells; active until then
--   LOGGED_OUT              logged_in: active or away, which is not known
--
--   events      RETURNED_FROM_AWAY      WENT_AWAY      LOGGED_OUT
--               away at 9:00 |              |               |
--   states  active  [= away =|=== active ===|==== away =====|== logged_out ...
--   from_at null    9:00
--
-- A return also tells of a WENT_AWAY that is missing later on. Where others are missing
-- (load_gaps), the state before the gap lasts through it. States that took no time are left out.
WITH

events AS (
  SELECT
    event_id,
    agent_id,
    COALESCE(occurred_at, timestamp) AS at,
    timestamp AS recorded_at,
    away_at,
    CASE
      WHEN type = 'AGENT_STATUS/LOGGED_OUT' THEN 'logged_out'
      WHEN type = 'AGENT_STATUS/WENT_AWAY' THEN 'away'
      ELSE 'active'
    END AS state,
    CASE
      WHEN type = 'AGENT_STATUS/LOGGED_IN' THEN 'logged_out'
      WHEN type = 'AGENT_STATUS/LOGGED_OUT' THEN 'logged_in'
      WHEN type = 'AGENT_STATUS/RETURNED_FROM_AWAY' THEN 'away'
      ELSE 'active'
    END AS state_before,
    CASE
      WHEN type = 'AGENT_STATUS/WENT_AWAY' THEN away_reason_id
      WHEN type <> 'AGENT_STATUS/LOGGED_OUT' THEN active_reason_id
    END AS reason_id,
    CASE
      WHEN type = 'AGENT_STATUS/WENT_AWAY' THEN away_reason_name
      WHEN type <> 'AGENT_STATUS/LOGGED_OUT' THEN active_reason_name
    END AS reason_name,
    away_reason_id,
    away_reason_name
  FROM agent_status_events
  WHERE type IN (
      'AGENT_STATUS/LOGGED_IN',
      'AGENT_STATUS/WENT_AWAY',
      'AGENT_STATUS/RETURNED_FROM_AWAY',
      'AGENT_STATUS/CHANGED_ACTIVE_REASON',
      'AGENT_STATUS/LOGGED_OUT'
    )
    AND agent_id IS NOT NULL
    AND COALESCE(occurred_at, timestamp) IS NOT NULL
),

following AS (
  SELECT
    events.*,
    LAG(state) OVER (
      PARTITION BY agent_id ORDER BY at, recorded_at, event_id COLLATE C
    ) AS previous_state,
    LAG(at) OVER (
      PARTITION BY agent_id ORDER BY at, recorded_at, event_id COLLATE C
    ) AS previous_at
  FROM events
),

-- the absences that only a return tells of
absences AS (
  SELECT *
  FROM following
  WHERE state_before = 'away'
    AND away_at < at
    AND (previous_at IS NULL OR (previous_state <> 'away' AND previous_at < away_at))
),

firsts AS (
  SELECT * FROM following WHERE previous_at IS NULL
),

begun AS (
  SELECT
    agent_id,
    at AS from_at,
    recorded_at,
    event_id,
    state,
    reason_id,
    reason_name,
    TRUE AS is_beginning_seen
  FROM following
  UNION ALL
  SELECT
    agent_id,
    away_at AS from_at,
    recorded_at,
    event_id,
    'away' AS state,
    away_reason_id AS reason_id,
    away_reason_name AS reason_name,
    FALSE AS is_beginning_seen
  FROM absences
  UNION ALL
  SELECT
    firsts.agent_id,
    CAST(NULL AS TIMESTAMPTZ) AS from_at,
    firsts.recorded_at,
    firsts.event_id,
    CASE WHEN absences.event_id IS NULL THEN firsts.state_before ELSE 'active' END AS state,
    CASE
      WHEN absences.event_id IS NULL AND firsts.state_before = 'away' THEN firsts.away_reason_id
    END AS reason_id,
    CASE
      WHEN absences.event_id IS NULL AND firsts.state_before = 'away' THEN firsts.away_reason_name
    END AS reason_name,
    FALSE AS is_beginning_seen
  FROM firsts
  LEFT JOIN absences ON absences.event_id = firsts.event_id
),

lasting AS (
  SELECT
    begun.*,
    LEAD(from_at) OVER (
      PARTITION BY agent_id
      ORDER BY from_at NULLS FIRST, recorded_at, event_id COLLATE C
    ) AS until_at
  FROM begun
)

SELECT
  agent_id,
  ROW_NUMBER() OVER (PARTITION BY agent_id ORDER BY from_at NULLS FIRST) AS position,
  from_at,
  until_at,
  state,
  reason_id,
  reason_name,
  is_beginning_seen
FROM lasting
WHERE until_at IS NULL OR from_at IS NULL OR until_at > from_at
