-- One row is an agent and a half hour (UTC) in which the agent was logged in, available or at work.
-- Key: agent_id, half_hour_start.
-- Answers: how many agents were there at 10:30, and what for? How busy were they? When do breaks
-- leave a channel empty?
--
-- Intervals of workforce management: how long each thing held within the half hour, in exact
-- seconds, at most 1800. Time with several contacts in hand counts once; contact_seconds counts it
-- for each of them, so contact_seconds / handling_seconds is how many they had at once. An agent
-- may handle contacts while away or logged out, such as mails: occupied time is what lies within
-- active time, and occupancy_rate its part of that. Work sessions reach further back than events
-- about agents: half hours from before these are partial, the agent may have been logged in. So are
-- those that end after the last span of events that was read.
--
--   active        [===================)
--   contacts          [====)   [==========)
--   after contact          [==)
--   occupied          [=======)[======)
WITH

times AS (
  SELECT
    agent_id,
    half_hour_start,
    SUM(CASE WHEN is_active OR is_away THEN seconds ELSE 0 END) AS logged_in_seconds,
    SUM(CASE WHEN is_active THEN seconds ELSE 0 END) AS active_seconds,
    SUM(CASE WHEN is_away THEN seconds ELSE 0 END) AS away_seconds,
    SUM(
      CASE
        WHEN
          is_available_for_voice
          OR is_available_for_messaging
          OR is_available_for_mail
          OR is_available_for_task
          THEN seconds
        ELSE 0
      END
    ) AS available_seconds,
    SUM(CASE WHEN is_available_for_voice THEN seconds ELSE 0 END) AS available_for_voice_seconds,
    SUM(CASE WHEN is_available_for_messaging THEN seconds ELSE 0 END)
      AS available_for_messaging_seconds,
    SUM(CASE WHEN is_available_for_mail THEN seconds ELSE 0 END) AS available_for_mail_seconds,
    SUM(CASE WHEN is_available_for_task THEN seconds ELSE 0 END) AS available_for_task_seconds,
    SUM(CASE WHEN contacts_handled > 0 THEN seconds ELSE 0 END) AS handling_seconds,
    SUM(CAST(contacts_handled AS DECIMAL(9, 0)) * CAST(seconds AS DECIMAL(18, 6)))
      AS contact_seconds,
    SUM(CASE WHEN contacts_on_hold > 0 THEN seconds ELSE 0 END) AS on_hold_seconds,
    SUM(CASE WHEN contacts_finished_up > 0 THEN seconds ELSE 0 END) AS after_contact_seconds,
    SUM(CASE WHEN is_active AND contacts_handled + contacts_finished_up > 0 THEN seconds ELSE 0 END)
      AS occupied_seconds
  FROM agent_time_slices
  GROUP BY agent_id, half_hour_start
),

accepted AS (
  SELECT
    initiator_id AS agent_id,
    TO_TIMESTAMP(EPOCH_US(timestamp) // 1800000000 * 1800) AS half_hour_start,
    COUNT(*) AS contacts_accepted
  FROM contact_events
  WHERE type = 'CONTACT/OFFER_ACCEPTED'
    AND initiator_type = 'AGENT'
    AND initiator_id IS NOT NULL
    AND timestamp IS NOT NULL
  GROUP BY initiator_id, TO_TIMESTAMP(EPOCH_US(timestamp) // 1800000000 * 1800)
),

-- what was before is not known: events about agents begin later, or those about this one do
loaded AS (
  SELECT MIN(timestamp) AS from_at
  FROM agent_status_events
),

-- and what came after is not known either
read_so_far AS (
  SELECT MAX(EPOCH_US(window_to)) AS until_microsecond
  FROM load_files
  WHERE stream = 'gladly.events'
),

known AS (
  SELECT agent_id, MAX(until_at) AS from_at
  FROM agent_states
  WHERE from_at IS NULL AND state <> 'logged_out'
  GROUP BY agent_id
),

half_hours AS (
  SELECT agent_id, half_hour_start FROM times
  UNION
  SELECT agent_id, half_hour_start FROM accepted
)

SELECT
  half_hours.agent_id,
  half_hours.half_hour_start,
  loaded.from_at IS NULL
  OR half_hours.half_hour_start < loaded.from_at
  OR COALESCE(half_hours.half_hour_start < known.from_at, FALSE)
  OR COALESCE(
    EPOCH_US(half_hours.half_hour_start) + 1800000000 > read_so_far.until_microsecond, FALSE
  ) AS is_partial,
  COALESCE(times.logged_in_seconds, 0) AS logged_in_seconds,
  COALESCE(times.active_seconds, 0) AS active_seconds,
  COALESCE(times.away_seconds, 0) AS away_seconds,
  COALESCE(times.available_seconds, 0) AS available_seconds,
  COALESCE(times.available_for_voice_seconds, 0) AS available_for_voice_seconds,
  COALESCE(times.available_for_messaging_seconds, 0) AS available_for_messaging_seconds,
  COALESCE(times.available_for_mail_seconds, 0) AS available_for_mail_seconds,
  COALESCE(times.available_for_task_seconds, 0) AS available_for_task_seconds,
  COALESCE(times.handling_seconds, 0) AS handling_seconds,
  COALESCE(times.contact_seconds, 0) AS contact_seconds,
  COALESCE(times.on_hold_seconds, 0) AS on_hold_seconds,
  COALESCE(times.after_contact_seconds, 0) AS after_contact_seconds,
  COALESCE(times.occupied_seconds, 0) AS occupied_seconds,
  CASE
    WHEN times.active_seconds > 0
      THEN CAST(times.occupied_seconds AS DOUBLE) / CAST(times.active_seconds AS DOUBLE)
  END AS occupancy_rate,
  COALESCE(accepted.contacts_accepted, 0) AS contacts_accepted
FROM half_hours
CROSS JOIN loaded
CROSS JOIN read_so_far
LEFT JOIN known ON known.agent_id = half_hours.agent_id
LEFT JOIN times
  ON times.agent_id = half_hours.agent_id
  AND times.half_hour_start = half_hours.half_hour_start
LEFT JOIN accepted
  ON accepted.agent_id = half_hours.agent_id
  AND accepted.half_hour_start = half_hours.half_hour_start
