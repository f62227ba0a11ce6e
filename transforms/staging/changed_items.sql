-- One row is an item that was loaded, or whose conversation or customer changed its id.
-- Key: item_id.
-- Answers: which items must be made anew?
--
-- A conversation that changed has many items that did not: those are left as they are, unless a
-- merge says now that they are someone else's.
WITH

new_jobs AS (
  SELECT DISTINCT file.job_id
  FROM load_files AS file
  LEFT JOIN built_files AS built
    ON built.job_id = file.job_id
    AND built.file = file.file
    AND built.extracted_at = file.extracted_at
  WHERE built.job_id IS NULL
),

identities AS (
  SELECT
    COALESCE(current.entity, built.entity) AS entity,
    COALESCE(current.id, built.id) AS id,
    current.resolved_id,
    built.resolved_id AS built_resolved_id
  FROM merged_identities AS current
  FULL JOIN built_identities AS built ON built.entity = current.entity AND built.id = current.id
),

moved_ids AS (
  SELECT entity, id
  FROM identities
  WHERE COALESCE(resolved_id, id) <> COALESCE(built_resolved_id, id)
)

SELECT id AS item_id
FROM conversation_items
WHERE _job_id IN (SELECT job_id FROM new_jobs)
UNION
SELECT id AS item_id
FROM conversation_items
WHERE conversation_id IN (SELECT id FROM moved_ids WHERE entity = 'conversation')
UNION
SELECT id AS item_id
FROM conversation_items
WHERE customer_id IN (SELECT id FROM moved_ids WHERE entity = 'customer')
