-- One row is a customer id that was merged away, merged into, or deleted.
-- Key: customer_id.
-- Answers: under which id does a customer's history stand today? Is that profile deleted?
--
-- Most customers have no row. Later models resolve an id of theirs by
--   LEFT JOIN customer_identities AS identity ON identity.customer_id = item.customer_id
-- and COALESCE(identity.resolved_customer_id, item.customer_id).
WITH

ids AS (
  SELECT id AS customer_id
  FROM merged_identities
  WHERE entity = 'customer'
  UNION
  SELECT customer_id
  FROM deleted_customers
),

resolved AS (
  SELECT
    ids.customer_id,
    COALESCE(merged.resolved_id, ids.customer_id) AS resolved_customer_id,
    COALESCE(merged.merges, 0) AS merges,
    COALESCE(merged.is_in_cycle, FALSE) AS is_in_cycle
  FROM ids
  LEFT JOIN merged_identities AS merged
    ON merged.entity = 'customer' AND merged.id = ids.customer_id
)

SELECT
  resolved.customer_id,
  resolved.resolved_customer_id,
  resolved.merges,
  resolved.is_in_cycle,
  deleted.customer_id IS NOT NULL AS is_deleted
FROM resolved
LEFT JOIN deleted_customers AS deleted ON deleted.customer_id = resolved.resolved_customer_id
