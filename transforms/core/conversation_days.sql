-- One row is a local day of a conversation that changed.
-- Key: local_date.
-- Answers: which days did it have anything on, as models were built last, and as it is now?
--
-- Days on which there was contact in it, on which a contact of it ended, and the day it was closed
-- on. Two models are this query: conversation_days_before, of what models were built last, and
-- conversation_days_now. Models that are built as a whole do not ask.
SELECT local_date
FROM conversation_channel_days
WHERE conversation_id IN (SELECT conversation_id FROM changed_conversations)
UNION
SELECT day.local_date
FROM conversation_facts AS fact
INNER JOIN local_days AS day
  ON fact.last_closed_at >= day.starts_at AND fact.last_closed_at < day.ends_at
WHERE fact.conversation_id IN (SELECT conversation_id FROM changed_conversations)
UNION
SELECT day.local_date
FROM contacts
INNER JOIN local_days AS day
  ON contacts.ended_at >= day.starts_at AND contacts.ended_at < day.ends_at
WHERE contacts.conversation_id IS NULL
  OR contacts.conversation_id IN (SELECT conversation_id FROM changed_conversations)
