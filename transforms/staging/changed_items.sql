-- One row is an item that was loaded, or whose conversation or customer changed its id.
-- Key: item_id.
-- Answers: which items must be made anew?
--
-- A conversation that changed has many items that did not: those are left as they are, unless a
-- merge says now that they are someone else's.
SELECT id AS item_id
FROM conversation_items
WHERE _job_id IN (SELECT job_id FROM unseen_jobs)
UNION
SELECT id AS item_id
FROM conversation_items
WHERE conversation_id IN (SELECT id FROM moved_identities WHERE entity = 'conversation')
UNION
SELECT id AS item_id
FROM conversation_items
WHERE customer_id IN (SELECT id FROM moved_identities WHERE entity = 'customer')
