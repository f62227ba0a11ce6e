-- One row is an item that changed and that models had, as they had it.
-- Key: item_id.
-- Answers: whose was this item, before it is made anew?
--
-- It was looked for once, for all who ask what an item was of before. Models that are built as a
-- whole do not ask.
SELECT item_id, conversation_id, customer_id
FROM conversation_timeline
WHERE item_id IN (SELECT item_id FROM changed_items)
