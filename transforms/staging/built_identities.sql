-- One row is an id as it was resolved when the models were last built.
-- Key: entity, id.
-- Answers: which merges do the models know?
SELECT
  entity,
  id,
  resolved_id
FROM merged_identities
