-- One row is a local day of a conversation that changed, as models were built last.
-- Key: local_date.
-- Answers: which days may have lost something since?
--
-- Days on which there was contact in it, and the day it was closed on; and days that show a topic
-- which has another name now, or another place. See changed_days.
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
SELECT volume.local_date
FROM topic_volume AS volume
LEFT JOIN topic_hierarchy AS topic ON topic.topic_id = volume.topic_id
WHERE COALESCE(topic.path, '') <> COALESCE(volume.topic_path, '')
