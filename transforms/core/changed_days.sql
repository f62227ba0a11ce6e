-- One row is a local day that a conversation that changed has, or had, something on.
-- Key: local_date.
-- Answers: which days must be counted anew?
--
-- Contact, or its close. A day that an item left is one of changed_days_before. Models that are
-- built as a whole do not ask.
SELECT local_date
FROM changed_days_before
UNION
SELECT local_date
FROM conversation_channel_days
WHERE conversation_id IN (SELECT conversation_id FROM changed_conversations)
UNION
SELECT day.local_date
FROM conversation_facts AS fact
INNER JOIN local_days AS day
  ON fact.last_closed_at >= day.starts_at AND fact.last_closed_at < day.ends_at
WHERE fact.conversation_id IN (SELECT conversation_id FROM changed_conversations)
