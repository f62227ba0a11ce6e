-- One row is an agent, a channel, and a half hour (UTC) in which the agent was available for it.
-- Key: agent_id, channel, half_hour_start.
-- Answers: who could take work, on which channel, and for how long? How many agents were there
-- at 10:30? Nobody available means no row.
--
-- Only AGENT_AVAILABILITY/UPDATED counts: Gladly sets availability to nothing when an agent logs
-- out or goes away. What an event says lasts until the next one of that agent, whatever that
-- holds; the last one lasts until the end of what is loaded, which is when the newest event about
-- the availability or status of any agent was recorded. Where events are missing (load_gaps),
-- the state before the gap lasts through it.
--
--   events      VOICE, MAIL      VOICE             nothing
--   half hours  |        |        |        |        |
--   VOICE          [=====|========|========|=====)
--   MAIL           [=====|====)
--
-- A state of many half hours is halved until each piece lies in one: 15 rounds for a year.
WITH RECURSIVE

recorded AS (
  SELECT timestamp AS recorded_at
  FROM agent_availability_events
  UNION ALL
  SELECT timestamp AS recorded_at
  FROM agent_status_events
),

loaded AS (
  SELECT EPOCH_US(MAX(recorded_at)) AS until_microsecond
  FROM recorded
),

updates AS (
  SELECT
    event_id,
    agent_id,
    timestamp AS recorded_at,
    EPOCH_US(COALESCE(occurred_at, timestamp)) AS from_microsecond
  FROM agent_availability_events
  WHERE type = 'AGENT_AVAILABILITY/UPDATED'
    AND agent_id IS NOT NULL
    AND COALESCE(occurred_at, timestamp) IS NOT NULL
),

lasting AS (
  SELECT
    event_id,
    agent_id,
    from_microsecond,
    LEAD(from_microsecond) OVER (
      PARTITION BY agent_id
      ORDER BY from_microsecond, recorded_at, event_id COLLATE C
    ) AS next_microsecond
  FROM updates
),

channels AS (
  SELECT DISTINCT event_id, channel
  FROM agent_availability_channels
  WHERE state = 'after' AND channel IS NOT NULL
),

states AS (
  SELECT
    ROW_NUMBER() OVER (ORDER BY lasting.event_id COLLATE C) AS state_number,
    lasting.event_id,
    lasting.agent_id,
    lasting.from_microsecond,
    COALESCE(lasting.next_microsecond, loaded.until_microsecond) AS until_microsecond
  FROM lasting
  CROSS JOIN loaded
  WHERE COALESCE(lasting.next_microsecond, loaded.until_microsecond) > lasting.from_microsecond
    AND lasting.event_id IN (SELECT event_id FROM channels)
),

halves AS (
  SELECT 0 AS half
  UNION ALL
  SELECT 1 AS half
),

-- half hours are numbered from 1970
pieces AS (
  SELECT
    state_number,
    from_microsecond // 1800000000 AS first_half_hour,
    (until_microsecond - 1) // 1800000000 AS last_half_hour
  FROM states
  UNION ALL
  SELECT
    piece.state_number,
    CASE
      WHEN halves.half = 0 THEN piece.first_half_hour
      ELSE (piece.first_half_hour + piece.last_half_hour) // 2 + 1
    END AS first_half_hour,
    CASE
      WHEN halves.half = 0 THEN (piece.first_half_hour + piece.last_half_hour) // 2
      ELSE piece.last_half_hour
    END AS last_half_hour
  FROM pieces AS piece
  CROSS JOIN halves
  WHERE piece.first_half_hour < piece.last_half_hour
),

spans AS (
  SELECT
    states.event_id,
    states.agent_id,
    pieces.first_half_hour AS half_hour,
    LEAST(states.until_microsecond, (pieces.first_half_hour + 1) * 1800000000)
    - GREATEST(states.from_microsecond, pieces.first_half_hour * 1800000000) AS microseconds
  FROM pieces
  INNER JOIN states ON states.state_number = pieces.state_number
  WHERE pieces.first_half_hour = pieces.last_half_hour
)

SELECT
  spans.agent_id,
  channels.channel,
  TO_TIMESTAMP(spans.half_hour * 1800) AS half_hour_start,
  CAST(SUM(spans.microseconds) AS DECIMAL(18, 0)) * CAST('0.000001' AS DECIMAL(7, 6))
    AS available_seconds
FROM spans
INNER JOIN channels ON channels.event_id = spans.event_id
GROUP BY spans.agent_id, channels.channel, spans.half_hour
