-- One row is a table of things that happen at an instant.
-- Key: table_name.
-- Answers: until when does what is loaded tell what happened? Which feed is behind?
--
-- Tasks that are read by themselves stand as they did when they were read.
SELECT 'conversation_items' AS table_name, MAX(timestamp) AS until_at FROM conversation_items
UNION ALL
SELECT 'contact_events' AS table_name, MAX(timestamp) AS until_at FROM contact_events
UNION ALL
SELECT 'conversation_events' AS table_name, MAX(timestamp) AS until_at FROM conversation_events
UNION ALL
SELECT 'agent_status_events' AS table_name, MAX(timestamp) AS until_at FROM agent_status_events
UNION ALL
SELECT 'agent_availability_events' AS table_name, MAX(timestamp) AS until_at
FROM agent_availability_events
UNION ALL
SELECT 'task_events' AS table_name, MAX(timestamp) AS until_at FROM task_events
UNION ALL
SELECT 'tasks' AS table_name, MAX(_extracted_at) AS until_at FROM tasks
