-- One row is a local day and a topic whose conversations had contact on it.
-- Key: local_date, topic_id.
-- Answers: what did customers write and call about on this day? Which share of the day's
-- conversations was about it?
--
-- Nothing here adds up over topics: a conversation with two topics is in both rows, with all its
-- messages. Over all conversations of a day see channel_volume. Topics are those that conversations
-- have at the end of what is loaded, so that a topic corrected later counts where it belongs; those
-- without any are in the row of the empty topic_id.
WITH

days AS (
  SELECT
    local_date,
    conversation_id,
    SUM(contacts_started) AS contacts_started,
    SUM(messages_inbound) AS messages_inbound,
    SUM(messages_outbound) AS messages_outbound,
    SUM(calls_inbound) AS calls_inbound,
    SUM(calls_outbound) AS calls_outbound
  FROM conversation_channel_days
  GROUP BY local_date, conversation_id
),

totals AS (
  SELECT local_date, COUNT(*) AS conversations_of_day
  FROM days
  GROUP BY local_date
),

topics_now AS (
  SELECT conversation_id, topic_id
  FROM conversation_topics_over_time
  WHERE is_current
),

volumes AS (
  SELECT
    days.local_date,
    COALESCE(topics_now.topic_id, '') AS topic_id,
    COUNT(*) AS conversations,
    SUM(days.contacts_started) AS contacts_started,
    SUM(days.messages_inbound) AS messages_inbound,
    SUM(days.messages_outbound) AS messages_outbound,
    SUM(days.calls_inbound) AS calls_inbound,
    SUM(days.calls_outbound) AS calls_outbound
  FROM days
  LEFT JOIN topics_now ON topics_now.conversation_id = days.conversation_id
  GROUP BY days.local_date, COALESCE(topics_now.topic_id, '')
)

SELECT
  volumes.local_date,
  volumes.topic_id,
  topic.path AS topic_path,
  volumes.conversations,
  totals.conversations_of_day,
  CAST(volumes.conversations AS DOUBLE) / totals.conversations_of_day AS conversation_fraction,
  volumes.contacts_started,
  volumes.messages_inbound,
  volumes.messages_outbound,
  volumes.calls_inbound,
  volumes.calls_outbound
FROM volumes
INNER JOIN totals ON totals.local_date = volumes.local_date
LEFT JOIN topic_hierarchy AS topic ON topic.topic_id = volumes.topic_id
