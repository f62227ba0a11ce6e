-- One row is a local day that a conversation that changed has, or had, something on.
-- Key: local_date.
-- Answers: which days must be counted anew?
--
-- And days that show a topic which has another name now, or another place. Models that are built as
-- a whole do not ask.
SELECT local_date
FROM conversation_days_before
UNION
SELECT local_date
FROM conversation_days_now
UNION
SELECT volume.local_date
FROM topic_volume AS volume
LEFT JOIN topic_hierarchy AS topic ON topic.topic_id = volume.topic_id
WHERE COALESCE(topic.path, '') <> COALESCE(volume.topic_path, '')
