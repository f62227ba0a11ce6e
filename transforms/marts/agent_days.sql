-- One row is an agent and a local day on which the agent was logged in, available or at work.
-- Key: agent_id, local_date.
-- Answers: how long was each agent logged in, active and away on this day? How many contacts did
-- they accept, miss, finish? How busy were they? When did they start and leave?
--
-- Days are those of local_days: 23 or 25 hours long when clocks change. Times are those of
-- agent_half_hours, by day. What an agent did counts on the day when it was recorded, log-ins and
-- breaks on the day when they happened; handle_seconds and after_contact_seconds are those of work
-- sessions, in full, on the day when their contacts ended, as Gladly's own reports count them, so
-- that they may exceed the day's handling_seconds. Offers count where they name the agent; those
-- that reports healed do not. Work sessions reach further back than events: days from before these
-- are partial, as is the day on which the last span of events that was read ends. A shift over
-- midnight logs out on a day before it logs in.
WITH

times AS (
  SELECT
    agent_id,
    local_date,
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
    SUM(CASE WHEN contacts_handled > 0 THEN seconds ELSE 0 END) AS handling_seconds,
    SUM(CASE WHEN contacts_on_hold > 0 THEN seconds ELSE 0 END) AS on_hold_seconds,
    SUM(CASE WHEN is_active AND contacts_handled + contacts_finished_up > 0 THEN seconds ELSE 0 END)
      AS occupied_seconds
  FROM agent_time_slices
  GROUP BY agent_id, local_date
),

-- what agents did, and what was done to them
done AS (
  SELECT agent_id, type AS what, COALESCE(occurred_at, timestamp) AS at
  FROM agent_status_events
  WHERE type IN ('AGENT_STATUS/LOGGED_IN', 'AGENT_STATUS/LOGGED_OUT', 'AGENT_STATUS/WENT_AWAY')
  UNION ALL
  SELECT initiator_id AS agent_id, type AS what, timestamp AS at
  FROM contact_events
  WHERE initiator_type = 'AGENT'
    AND type IN (
      'CONTACT/OFFER_ACCEPTED',
      'CONTACT/FULFILLED',
      'CONTACT/TRANSFERRED',
      'CONTACT/MESSAGE_SENT'
    )
  UNION ALL
  SELECT
    agent_id,
    CASE WHEN type = 'CONTACT/OFFERED' THEN type ELSE reason END AS what,
    timestamp AS at
  FROM contact_events
  WHERE type = 'CONTACT/OFFERED'
    OR (type = 'CONTACT/OFFER_REJECTED' AND reason IN ('DECLINED', 'MISSED'))
  UNION ALL
  SELECT initiator_id AS agent_id, type AS what, timestamp AS at
  FROM conversation_events
  WHERE initiator_type = 'AGENT' AND type IN ('CONVERSATION/CLOSED', 'CONVERSATION/TOPIC_ADDED')
),

facts AS (
  SELECT
    agent_id,
    what,
    at,
    EPOCH_US(at) AS at_microsecond,
    CAST(NULL AS DECIMAL(18, 6)) AS handle_seconds,
    CAST(NULL AS DECIMAL(18, 6)) AS after_contact_seconds
  FROM done
  UNION ALL
  SELECT
    agent_id,
    'ended' AS what,
    ended_at AS at,
    EPOCH_US(ended_at) AS at_microsecond,
    CAST(handle_seconds AS DECIMAL(18, 6)) AS handle_seconds,
    CAST(after_contact_seconds AS DECIMAL(18, 6)) AS after_contact_seconds
  FROM work_sessions
  WHERE agent_id <> ''
),

-- each local day beside the days of UTC it reaches into: joined by these, not row by row
local_spans AS (
  SELECT
    local_date,
    EPOCH_US(starts_at) AS from_microsecond,
    EPOCH_US(ends_at) AS until_microsecond
  FROM local_days
),

utc_days AS (
  SELECT from_microsecond // 86400000000 AS utc_day, local_date, from_microsecond, until_microsecond
  FROM local_spans
  UNION
  SELECT
    from_microsecond // 86400000000 + 1 AS utc_day,
    local_date,
    from_microsecond,
    until_microsecond
  FROM local_spans
  UNION
  SELECT
    (until_microsecond - 1) // 86400000000 AS utc_day,
    local_date,
    from_microsecond,
    until_microsecond
  FROM local_spans
),

counts AS (
  SELECT
    facts.agent_id,
    utc_days.local_date,
    MIN(CASE WHEN what = 'AGENT_STATUS/LOGGED_IN' THEN at END) AS first_login_at,
    MAX(CASE WHEN what = 'AGENT_STATUS/LOGGED_OUT' THEN at END) AS last_logout_at,
    SUM(CASE WHEN what = 'AGENT_STATUS/LOGGED_IN' THEN 1 ELSE 0 END) AS logins,
    SUM(CASE WHEN what = 'AGENT_STATUS/LOGGED_OUT' THEN 1 ELSE 0 END) AS logouts,
    SUM(CASE WHEN what = 'AGENT_STATUS/WENT_AWAY' THEN 1 ELSE 0 END) AS times_away,
    SUM(CASE WHEN what = 'CONTACT/OFFERED' THEN 1 ELSE 0 END) AS contacts_offered,
    SUM(CASE WHEN what = 'CONTACT/OFFER_ACCEPTED' THEN 1 ELSE 0 END) AS contacts_accepted,
    SUM(CASE WHEN what = 'DECLINED' THEN 1 ELSE 0 END) AS contacts_declined,
    SUM(CASE WHEN what = 'MISSED' THEN 1 ELSE 0 END) AS contacts_missed,
    SUM(CASE WHEN what = 'CONTACT/FULFILLED' THEN 1 ELSE 0 END) AS contacts_fulfilled,
    SUM(CASE WHEN what = 'CONTACT/TRANSFERRED' THEN 1 ELSE 0 END) AS contacts_transferred,
    SUM(CASE WHEN what = 'ended' THEN 1 ELSE 0 END) AS contacts_ended,
    SUM(CASE WHEN what = 'CONTACT/MESSAGE_SENT' THEN 1 ELSE 0 END) AS messages_sent,
    SUM(CASE WHEN what = 'CONVERSATION/CLOSED' THEN 1 ELSE 0 END) AS conversations_closed,
    SUM(CASE WHEN what = 'CONVERSATION/TOPIC_ADDED' THEN 1 ELSE 0 END) AS topics_added,
    SUM(COALESCE(handle_seconds, 0)) AS handle_seconds,
    SUM(COALESCE(after_contact_seconds, 0)) AS after_contact_seconds
  FROM facts
  INNER JOIN utc_days
    ON utc_days.utc_day = facts.at_microsecond // 86400000000
    AND facts.at_microsecond >= utc_days.from_microsecond
    AND facts.at_microsecond < utc_days.until_microsecond
  WHERE facts.agent_id IS NOT NULL
  GROUP BY facts.agent_id, utc_days.local_date
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

days AS (
  SELECT agent_id, local_date FROM times
  UNION
  SELECT agent_id, local_date FROM counts
)

SELECT
  days.agent_id,
  days.local_date,
  agents.name AS agent_name,
  loaded.from_at IS NULL
  OR local_days.starts_at < loaded.from_at
  OR COALESCE(local_days.starts_at < known.from_at, FALSE)
  OR COALESCE(EPOCH_US(local_days.ends_at) > read_so_far.until_microsecond, FALSE) AS is_partial,
  COALESCE(times.logged_in_seconds, 0) AS logged_in_seconds,
  COALESCE(times.active_seconds, 0) AS active_seconds,
  COALESCE(times.away_seconds, 0) AS away_seconds,
  COALESCE(times.available_seconds, 0) AS available_seconds,
  COALESCE(times.handling_seconds, 0) AS handling_seconds,
  COALESCE(times.on_hold_seconds, 0) AS on_hold_seconds,
  COALESCE(times.occupied_seconds, 0) AS occupied_seconds,
  CASE
    WHEN times.active_seconds > 0
      THEN CAST(times.occupied_seconds AS DOUBLE) / CAST(times.active_seconds AS DOUBLE)
  END AS occupancy_rate,
  counts.first_login_at,
  counts.last_logout_at,
  COALESCE(counts.logins, 0) AS logins,
  COALESCE(counts.logouts, 0) AS logouts,
  COALESCE(counts.times_away, 0) AS times_away,
  COALESCE(counts.contacts_offered, 0) AS contacts_offered,
  COALESCE(counts.contacts_accepted, 0) AS contacts_accepted,
  COALESCE(counts.contacts_declined, 0) AS contacts_declined,
  COALESCE(counts.contacts_missed, 0) AS contacts_missed,
  COALESCE(counts.contacts_fulfilled, 0) AS contacts_fulfilled,
  COALESCE(counts.contacts_transferred, 0) AS contacts_transferred,
  COALESCE(counts.contacts_ended, 0) AS contacts_ended,
  COALESCE(counts.handle_seconds, 0) AS handle_seconds,
  COALESCE(counts.after_contact_seconds, 0) AS after_contact_seconds,
  COALESCE(counts.messages_sent, 0) AS messages_sent,
  COALESCE(counts.conversations_closed, 0) AS conversations_closed,
  COALESCE(counts.topics_added, 0) AS topics_added
FROM days
INNER JOIN local_days ON local_days.local_date = days.local_date
CROSS JOIN loaded
CROSS JOIN read_so_far
LEFT JOIN known ON known.agent_id = days.agent_id
LEFT JOIN times ON times.agent_id = days.agent_id AND times.local_date = days.local_date
LEFT JOIN counts ON counts.agent_id = days.agent_id AND counts.local_date = days.local_date
LEFT JOIN agents ON agents.id = days.agent_id
