-- One row is a conversation id that was merged away or merged into.
-- Key: conversation_id.
-- Answers: under which id does a conversation stand today, since that of a merged one is gone?
--
-- Most conversations have no row. Later models resolve an id of theirs by
--   LEFT JOIN conversation_identities AS identity
--     ON identity.conversation_id = item.conversation_id
-- and COALESCE(identity.resolved_conversation_id, item.conversation_id).
SELECT
  id AS conversation_id,
  resolved_id AS resolved_conversation_id,
  merges,
  is_in_cycle
FROM merged_identities
WHERE entity = 'conversation'
