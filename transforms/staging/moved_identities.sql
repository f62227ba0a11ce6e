-- One row is an id that stands for somebody or something else than when models were last built.
-- Key: entity, id.
-- Answers: whose items and conversations does a merge change, whichever side of it moved?
WITH

identities AS (
  SELECT
    COALESCE(current.entity, built.entity) AS entity,
    COALESCE(current.id, built.id) AS id,
    current.resolved_id,
    built.resolved_id AS built_resolved_id
  FROM merged_identities AS current
  FULL JOIN built_identities AS built ON built.entity = current.entity AND built.id = current.id
)

SELECT
  entity,
  id,
  resolved_id,
  built_resolved_id
FROM identities
WHERE COALESCE(resolved_id, id) <> COALESCE(built_resolved_id, id)
