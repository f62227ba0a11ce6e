-- One row is a slice of an agent's time in which nothing changes, within one half hour.
-- Key: agent_id, from_at.
-- Answers: what was each agent doing at this moment? How long was an agent active and available
-- for calls, but without a contact in hand? On how many contacts does an agent work at once?
--
-- agent_states, agent_availability_spans and agent_contact_spans are laid over each other and cut
-- wherever one of them begins or ends, and at each half hour (UTC) and local midnight:
--
--   active         [===========================)
--   VOICE             [=============)
--   contacts               [==1==|==2==|==1==)
--   half hours     |         |         |         |
--   slices         [--|----|-|---|--|--|-----|-)
--
-- Slices in which an agent did nothing, since logged out, are left out. What still lasts, lasts
-- until the end of what is loaded: states and availability until the newest event about any agent
-- was recorded, contacts until the newest event about any contact was. A state that nothing tells
-- the beginning of counts for nothing before its end. Days are those of local_days; what is on none
-- of them is left out.
WITH RECURSIVE

agents_loaded AS (
  SELECT EPOCH_US(MAX(until_at)) AS until_microsecond
  FROM loaded_until
  WHERE table_name IN ('agent_availability_events', 'agent_status_events')
),

contacts_loaded AS (
  SELECT EPOCH_US(MAX(until_at)) AS until_microsecond
  FROM loaded_until
  WHERE table_name = 'contact_events'
),

spans AS (
  SELECT
    states.agent_id,
    states.state AS kind,
    EPOCH_US(states.from_at) AS from_microsecond,
    COALESCE(EPOCH_US(states.until_at), loaded.until_microsecond) AS until_microsecond
  FROM agent_states AS states
  CROSS JOIN agents_loaded AS loaded
  WHERE states.from_at IS NOT NULL AND states.state IN ('active', 'away')
  UNION ALL
  SELECT
    available.agent_id,
    available.channel AS kind,
    EPOCH_US(available.from_at) AS from_microsecond,
    COALESCE(EPOCH_US(available.until_at), loaded.until_microsecond) AS until_microsecond
  FROM agent_availability_spans AS available
  CROSS JOIN agents_loaded AS loaded
  UNION ALL
  SELECT
    contacts.agent_id,
    contacts.activity AS kind,
    EPOCH_US(contacts.from_at) AS from_microsecond,
    COALESCE(EPOCH_US(contacts.until_at), loaded.until_microsecond) AS until_microsecond
  FROM agent_contact_spans AS contacts
  CROSS JOIN contacts_loaded AS loaded
),

-- where the model is made of some days only, they are all that local_days has here
days_shown AS (
  SELECT
    EPOCH_US(MIN(starts_at)) AS from_microsecond,
    EPOCH_US(MAX(ends_at)) AS until_microsecond
  FROM local_days
),

on_days AS (
  SELECT spans.*
  FROM spans
  CROSS JOIN days_shown
  WHERE spans.until_microsecond > spans.from_microsecond
    AND spans.until_microsecond > days_shown.from_microsecond
    AND spans.from_microsecond < days_shown.until_microsecond
),

steps AS (
  SELECT agent_id, kind, from_microsecond AS at_microsecond, 1 AS step
  FROM on_days
  UNION ALL
  SELECT agent_id, kind, until_microsecond AS at_microsecond, -1 AS step
  FROM on_days
),

-- from the midnight before the first step on, at most 25 hours earlier
agents AS (
  SELECT
    agent_id,
    MIN(at_microsecond) AS first_microsecond,
    MAX(at_microsecond) AS last_microsecond
  FROM steps
  GROUP BY agent_id
),

-- also the end of a day that none follows
midnights AS (
  SELECT local_date, EPOCH_US(starts_at) AS at_microsecond
  FROM local_days
  UNION ALL
  SELECT CAST(NULL AS DATE) AS local_date, EPOCH_US(day.ends_at) AS at_microsecond
  FROM local_days AS day
  LEFT JOIN local_days AS following ON following.starts_at = day.ends_at
  WHERE following.local_date IS NULL
),

instants AS (
  SELECT agent_id, at_microsecond, kind, step, CAST(NULL AS BIGINT) AS day_microsecond
  FROM steps
  UNION ALL
  SELECT
    agents.agent_id,
    midnights.at_microsecond,
    'midnight' AS kind,
    0 AS step,
    midnights.at_microsecond AS day_microsecond
  FROM agents
  INNER JOIN midnights
    ON midnights.at_microsecond > agents.first_microsecond - 90000000000
    AND midnights.at_microsecond < agents.last_microsecond
),

changes AS (
  SELECT
    agent_id,
    at_microsecond,
    MAX(day_microsecond) AS day_microsecond,
    SUM(CASE WHEN kind = 'active' THEN step ELSE 0 END) AS active,
    SUM(CASE WHEN kind = 'away' THEN step ELSE 0 END) AS away,
    SUM(CASE WHEN kind = 'VOICE' THEN step ELSE 0 END) AS voice,
    SUM(CASE WHEN kind = 'MESSAGING' THEN step ELSE 0 END) AS messaging,
    SUM(CASE WHEN kind = 'MAIL' THEN step ELSE 0 END) AS mail,
    SUM(CASE WHEN kind = 'TASK' THEN step ELSE 0 END) AS task,
    SUM(CASE WHEN kind = 'handling' THEN step ELSE 0 END) AS handling,
    SUM(CASE WHEN kind = 'on_hold' THEN step ELSE 0 END) AS on_hold,
    SUM(CASE WHEN kind = 'after_contact' THEN step ELSE 0 END) AS after_contact
  FROM instants
  GROUP BY agent_id, at_microsecond
),

running AS (
  SELECT
    agent_id,
    at_microsecond AS from_microsecond,
    LEAD(at_microsecond) OVER so_far AS until_microsecond,
    MAX(day_microsecond) OVER so_far AS day_microsecond,
    SUM(active) OVER so_far AS active,
    SUM(away) OVER so_far AS away,
    SUM(voice) OVER so_far AS voice,
    SUM(messaging) OVER so_far AS messaging,
    SUM(mail) OVER so_far AS mail,
    SUM(task) OVER so_far AS task,
    SUM(handling) OVER so_far AS handling,
    SUM(on_hold) OVER so_far AS on_hold,
    SUM(after_contact) OVER so_far AS after_contact
  FROM changes
  -- BigQuery knows no other order of nulls here; there are none
  WINDOW so_far AS (PARTITION BY agent_id ORDER BY at_microsecond NULLS FIRST)
),

slices AS (
  SELECT
    ROW_NUMBER() OVER (ORDER BY running.agent_id COLLATE C, running.from_microsecond)
      AS slice_number,
    running.*,
    midnights.local_date
  FROM running
  INNER JOIN midnights ON midnights.at_microsecond = running.day_microsecond
  WHERE running.until_microsecond IS NOT NULL
    AND midnights.local_date IS NOT NULL
    AND running.active
    + running.away
    + running.voice
    + running.messaging
    + running.mail
    + running.task
    + running.handling
    + running.on_hold
    + running.after_contact
    > 0
),

halves AS (
  SELECT 0 AS half
  UNION ALL
  SELECT 1 AS half
),

-- half hours are numbered from 1970; a slice of many is halved until each piece lies in one
pieces AS (
  SELECT
    slice_number,
    from_microsecond // 1800000000 AS first_half_hour,
    (until_microsecond - 1) // 1800000000 AS last_half_hour
  FROM slices
  UNION ALL
  SELECT
    piece.slice_number,
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

cut AS (
  SELECT
    slices.*,
    pieces.first_half_hour AS half_hour,
    GREATEST(slices.from_microsecond, pieces.first_half_hour * 1800000000) AS cut_from,
    LEAST(slices.until_microsecond, (pieces.first_half_hour + 1) * 1800000000) AS cut_until
  FROM pieces
  INNER JOIN slices ON slices.slice_number = pieces.slice_number
  WHERE pieces.first_half_hour = pieces.last_half_hour
)

SELECT
  agent_id,
  MAKE_TIMESTAMPTZ(cut_from) AS from_at,
  MAKE_TIMESTAMPTZ(cut_until) AS until_at,
  TO_TIMESTAMP(half_hour * 1800) AS half_hour_start,
  local_date,
  CAST(cut_until - cut_from AS DECIMAL(18, 0)) * CAST('0.000001' AS DECIMAL(7, 6)) AS seconds,
  active > 0 AS is_active,
  away > 0 AS is_away,
  voice > 0 AS is_available_for_voice,
  messaging > 0 AS is_available_for_messaging,
  mail > 0 AS is_available_for_mail,
  task > 0 AS is_available_for_task,
  CAST(handling AS BIGINT) AS contacts_handled,
  CAST(on_hold AS BIGINT) AS contacts_on_hold,
  CAST(after_contact AS BIGINT) AS contacts_finished_up
FROM cut
