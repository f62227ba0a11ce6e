-- One row is a conversation in which anything was written, said or noted, as one text.
-- Key: conversation_id.
-- Answers: what was said in this conversation? What goes into a prompt, an embedding or a search?
--
-- The text has a line for each message, summary of a call, and note, in order of time (UTC):
--
--   [2026-03-02 10:00:00 UTC] Customer Cleo Customer (CHAT): Where is my lamp?
--   [2026-03-02 10:01:30 UTC] Agent Amy Agent (CHAT): On its way.
--   [2026-03-02 10:02:00 UTC] Agent Amy Agent (internal note): Was asked twice.
--   [2026-03-02 10:05:00 UTC] Customer Cleo Customer (EMAIL): Subject: My lamp | It came.
--
-- Line breaks within an item become spaces. Items whose text is empty say [no text], or [redacted]
-- where it was there once. Customers have the name they have now, agents the one they had then;
-- conversation_lines tells whose names are known. Notes are internal: customers never saw them.
WITH

numbered AS (
  SELECT
    line.conversation_id,
    beginning.customer_id,
    line.occurred_at,
    line.kind,
    line.author_type,
    line.is_redacted,
    line.line,
    ROW_NUMBER() OVER (
      PARTITION BY line.conversation_id ORDER BY line.occurred_at, line.item_id COLLATE C
    ) AS line_number
  FROM conversation_lines AS line
  INNER JOIN conversation_beginnings AS beginning
    ON beginning.conversation_id = line.conversation_id
),

texts AS (
  SELECT
    conversation_id,
    -- the same in each line
    MAX(customer_id) AS customer_id,
    MIN(occurred_at) AS first_said_at,
    MAX(occurred_at) AS last_said_at,
    COUNT(*) AS line_count,
    SUM(CASE WHEN kind = 'message' THEN 1 ELSE 0 END) AS messages,
    SUM(CASE WHEN kind = 'message' AND author_type = 'CUSTOMER' THEN 1 ELSE 0 END)
      AS messages_from_customer,
    SUM(CASE WHEN kind = 'message' AND author_type = 'AGENT' THEN 1 ELSE 0 END)
      AS messages_from_agents,
    SUM(CASE WHEN kind = 'call' THEN 1 ELSE 0 END) AS calls,
    SUM(CASE WHEN kind = 'note' THEN 1 ELSE 0 END) AS notes,
    MAX(CASE WHEN is_redacted THEN 1 ELSE 0 END) = 1 AS contains_redacted,
    STRING_AGG(line, '
' ORDER BY line_number NULLS FIRST) AS text
  FROM numbered
  GROUP BY conversation_id
)

SELECT
  conversation_id,
  customer_id,
  first_said_at,
  last_said_at,
  line_count,
  messages,
  messages_from_customer,
  messages_from_agents,
  calls,
  notes,
  LENGTH(text) AS characters,
  contains_redacted,
  text
FROM texts
