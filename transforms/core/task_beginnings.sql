-- One row is a task that was made in a conversation: an item of it.
-- Key: item_id.
-- Answers: in which conversation was this task made, of which customer? How did it stand then?
SELECT
  entry.item_id,
  entry.conversation_id,
  entry.customer_id,
  entry.occurred_at AS created_at,
  entry.author_type AS created_by_type,
  entry.author_id AS created_by_id,
  item.assignee_inbox_id,
  item.assignee_agent_id,
  item.due_at
FROM conversation_timeline AS entry
INNER JOIN task_items AS item ON item.id = entry.item_id
