-- One row is a stretch of time in which an agent was available for a channel without a break.
-- Key: agent_id, channel, from_at.
-- Answers: since when is this agent available for calls? How long do agents stay available?
--
-- As in agent_availability_half_hours, only AGENT_AVAILABILITY/UPDATED counts, and what an event
-- says lasts until the next one of that agent. Events that change nothing about a channel end
-- nothing; those that are replaced at the same instant say nothing. What is still so at the end of
-- what is loaded has no end.
--
--   events      VOICE, MAIL      VOICE             nothing
--   VOICE       [================|=================)
--   MAIL        [================)
WITH

updates AS (
  SELECT
    event_id,
    agent_id,
    timestamp AS recorded_at,
    COALESCE(occurred_at, timestamp) AS from_at
  FROM agent_availability_events
  WHERE type = 'AGENT_AVAILABILITY/UPDATED'
    AND agent_id IS NOT NULL
    AND COALESCE(occurred_at, timestamp) IS NOT NULL
),

lasting AS (
  SELECT
    event_id,
    agent_id,
    from_at,
    LEAD(from_at) OVER (
      PARTITION BY agent_id
      ORDER BY from_at, recorded_at, event_id COLLATE C
    ) AS until_at
  FROM updates
),

numbered AS (
  SELECT
    event_id,
    agent_id,
    from_at,
    until_at,
    ROW_NUMBER() OVER (PARTITION BY agent_id ORDER BY from_at) AS number
  FROM lasting
  WHERE until_at IS NULL OR until_at > from_at
),

channels AS (
  SELECT DISTINCT event_id, channel
  FROM agent_availability_channels
  WHERE state = 'after' AND channel IS NOT NULL
),

-- within a stretch both numbers go up together
stretches AS (
  SELECT
    numbered.agent_id,
    channels.channel,
    numbered.from_at,
    numbered.until_at,
    numbered.number - ROW_NUMBER() OVER (
      PARTITION BY numbered.agent_id, channels.channel ORDER BY numbered.number
    ) AS stretch
  FROM numbered
  INNER JOIN channels ON channels.event_id = numbered.event_id
)

SELECT
  agent_id,
  channel,
  MIN(from_at) AS from_at,
  CASE WHEN COUNT(until_at) = COUNT(*) THEN MAX(until_at) END AS until_at
FROM stretches
GROUP BY agent_id, channel, stretch
