-- One row is a local day and a channel on which there was contact.
-- Key: local_date, channel.
-- Answers: how much came in on each channel on each day, and how much went out? On which channel do
-- days of conversations begin?
--
-- Contacts, messages and calls add up, over channels and over days. Conversations do not: one that
-- had a call and an e-mail is in both rows. Those that began their day here do add up over the
-- channels of a day: each conversation of the day is one of them once.
WITH

ranked AS (
  SELECT
    day.*,
    ROW_NUMBER() OVER (
      PARTITION BY conversation_id, local_date
      ORDER BY first_at, channel COLLATE C
    ) AS place
  FROM conversation_channel_days AS day
)

SELECT
  local_date,
  channel,
  COUNT(*) AS conversations,
  SUM(CASE WHEN place = 1 THEN 1 ELSE 0 END) AS conversations_begun_here,
  SUM(contacts_started) AS contacts_started,
  SUM(messages_inbound) AS messages_inbound,
  SUM(messages_outbound) AS messages_outbound,
  SUM(calls_inbound) AS calls_inbound,
  SUM(calls_outbound) AS calls_outbound
FROM ranked
GROUP BY local_date, channel
