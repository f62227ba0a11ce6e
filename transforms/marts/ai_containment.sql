-- One row is a local day on which AI first took part in a conversation, or a contact began.
-- Key: local_date.
-- Answers: of the conversations that AI took part in, how many did it deal with alone, and how many
-- went to an agent? How much demand was there in all?
--
-- A conversation counts once, on the day of the first sign of AI in it, and is one of these:
--
--   contained   no sign of an agent, and it is closed, or nothing happened in it for 24 hours
--   handed      an agent took part, before, after or with the AI
--   undecided   neither yet: it may still go to an agent, or be over
--
-- Rates are over those that are decided, and change while the newest days do. A conversation that
-- AI dealt with alone makes no contact at Gladly, one that was handed on does: demand is contacts
-- plus contained conversations without one, and hand-offs are not added again.
--
-- Days begin on quarter hours in every time zone, so that only quarter hours need to be placed in
-- days, not every conversation.
WITH

until AS (
  SELECT EPOCH_US(MAX(last_at)) AS microsecond
  FROM conversation_participation
),

judged AS (
  SELECT
    EPOCH_US(conversation.first_ai_at) // 900000000 AS quarter_hour,
    CASE WHEN conversation.has_agent THEN 1 ELSE 0 END AS is_handed,
    CASE
      WHEN conversation.has_agent THEN 0
      WHEN conversation.status = 'CLOSED' THEN 1
      WHEN EPOCH_US(conversation.last_at) + 86400000000 <= until.microsecond THEN 1
      ELSE 0
    END AS is_contained,
    CASE WHEN conversation.has_contact THEN 0 ELSE 1 END AS is_without_contact
  FROM conversation_participation AS conversation
  CROSS JOIN until
  WHERE conversation.has_ai AND conversation.first_ai_at IS NOT NULL
),

quarter_hours AS (
  SELECT
    quarter_hour,
    COUNT(*) AS ai_conversations,
    SUM(is_contained) AS contained,
    SUM(is_contained * is_without_contact) AS contained_without_contact,
    SUM(is_handed) AS handed
  FROM judged
  GROUP BY quarter_hour
),

days AS (
  SELECT
    local_day.local_date,
    SUM(quarter_hours.ai_conversations) AS ai_conversations,
    SUM(quarter_hours.contained) AS contained,
    SUM(quarter_hours.contained_without_contact) AS contained_without_contact,
    SUM(quarter_hours.handed) AS handed
  FROM quarter_hours
  INNER JOIN local_days AS local_day
    ON quarter_hours.quarter_hour >= EPOCH_US(local_day.starts_at) // 900000000
    AND quarter_hours.quarter_hour < EPOCH_US(local_day.ends_at) // 900000000
  GROUP BY local_day.local_date
),

started AS (
  SELECT local_date, SUM(contacts_started) AS contacts_started
  FROM conversation_channel_days
  WHERE contacts_started > 0
  GROUP BY local_date
),

dates AS (
  SELECT local_date FROM days
  UNION
  SELECT local_date FROM started
)

SELECT
  dates.local_date,
  COALESCE(days.ai_conversations, 0) AS ai_conversations,
  COALESCE(days.contained, 0) AS contained_conversations,
  COALESCE(days.handed, 0) AS handed_conversations,
  COALESCE(days.ai_conversations - days.contained - days.handed, 0) AS undecided_conversations,
  CAST(days.contained AS DOUBLE) / NULLIF(days.contained + days.handed, 0) AS containment_rate,
  COALESCE(started.contacts_started, 0) AS contacts_started,
  COALESCE(days.contained_without_contact, 0) AS contained_without_contact,
  COALESCE(started.contacts_started, 0) + COALESCE(days.contained_without_contact, 0) AS demand
FROM dates
LEFT JOIN days ON days.local_date = dates.local_date
LEFT JOIN started ON started.local_date = dates.local_date
