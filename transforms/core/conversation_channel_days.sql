-- One row is a conversation, a channel, and a local day on which there was contact on it.
-- Key: conversation_id, local_date, channel.
-- Answers: on which days was there contact in this conversation, on which channel, and how much?
--
-- Contact is a message, a call, or the start of a contact; notes, topics and changes of status are
-- none. A contact counts on the day of its start, where an event or a work session tells it. What
-- has no time, or lies outside local_days, has no day and is not here.
--
-- Days begin on quarter hours in every time zone, so that only quarter hours need to be placed in
-- days, not every message.
WITH

-- both feeds tell when a contact began: the event first, the session where no event does
told AS (
  SELECT
    contact_id,
    conversation_id,
    channel,
    CASE WHEN type = 'CONTACT/STARTED' THEN timestamp END AS started_at,
    CAST(NULL AS TIMESTAMPTZ) AS session_created_at
  FROM contact_events
  UNION ALL
  SELECT
    contact_session_id AS contact_id,
    conversation_id,
    channel,
    CAST(NULL AS TIMESTAMPTZ) AS started_at,
    contact_session_created_at AS session_created_at
  FROM work_session_events
),

contacts AS (
  SELECT
    told.contact_id,
    MIN(COALESCE(identity.resolved_conversation_id, told.conversation_id) COLLATE C)
      AS conversation_id,
    MAX(told.channel COLLATE C) AS channel,
    COALESCE(MIN(told.started_at), MIN(told.session_created_at)) AS started_at
  FROM told
  LEFT JOIN conversation_identities AS identity
    ON identity.conversation_id = told.conversation_id
  WHERE told.contact_id <> ''
  GROUP BY told.contact_id
),

acts AS (
  SELECT
    COALESCE(conversation_id, '') AS conversation_id,
    channel,
    occurred_at AS at,
    CASE WHEN kind = 'message' AND direction = 'inbound' THEN 1 ELSE 0 END AS message_inbound,
    CASE WHEN kind = 'message' AND direction = 'outbound' THEN 1 ELSE 0 END AS message_outbound,
    CASE WHEN kind = 'call' AND direction = 'inbound' THEN 1 ELSE 0 END AS call_inbound,
    CASE WHEN kind = 'call' AND direction = 'outbound' THEN 1 ELSE 0 END AS call_outbound,
    0 AS contact_started
  FROM conversation_timeline
  WHERE kind IN ('message', 'call') AND occurred_at IS NOT NULL
  UNION ALL
  SELECT
    COALESCE(conversation_id, '') AS conversation_id,
    COALESCE(channel, '') AS channel,
    started_at AS at,
    0 AS message_inbound,
    0 AS message_outbound,
    0 AS call_inbound,
    0 AS call_outbound,
    1 AS contact_started
  FROM contacts
  WHERE started_at IS NOT NULL
),

timed AS (
  SELECT
    acts.*,
    EPOCH_US(at) // 900000000 AS quarter_hour
  FROM acts
),

days AS (
  SELECT
    local_date,
    EPOCH_US(starts_at) // 900000000 AS first_quarter_hour,
    EPOCH_US(ends_at) // 900000000 AS end_quarter_hour
  FROM local_days
),

dated AS (
  SELECT
    used.quarter_hour,
    days.local_date
  FROM (SELECT DISTINCT quarter_hour FROM timed) AS used
  INNER JOIN days
    ON used.quarter_hour >= days.first_quarter_hour
    AND used.quarter_hour < days.end_quarter_hour
)

SELECT
  timed.conversation_id,
  dated.local_date,
  timed.channel,
  SUM(timed.contact_started) AS contacts_started,
  SUM(timed.message_inbound) AS messages_inbound,
  SUM(timed.message_outbound) AS messages_outbound,
  SUM(timed.call_inbound) AS calls_inbound,
  SUM(timed.call_outbound) AS calls_outbound,
  MIN(timed.at) AS first_at
FROM timed
INNER JOIN dated ON dated.quarter_hour = timed.quarter_hour
GROUP BY timed.conversation_id, dated.local_date, timed.channel
