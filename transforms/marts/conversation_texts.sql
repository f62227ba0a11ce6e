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
-- where it was there once. Customers have the name they have now: that of the profile that remains
-- after merges, as read by itself, else as exported. Agents have the name they had then, if
-- agent_history knows it, so that no old text changes when somebody is renamed. Whoever has no
-- name is their type alone. Notes are internal: customers never saw them.
--
--   agent_history     [-- Amy Agent --)[-- Amy Baker ------
--   what she said   Amy Agent  Amy Agent    Amy Baker
WITH

-- the first name that is known holds for what was before
agent_names AS (
  SELECT
    agent_id,
    name,
    CASE
      WHEN ROW_NUMBER() OVER (PARTITION BY agent_id ORDER BY valid_from NULLS FIRST) > 1
        THEN valid_from
    END AS from_at,
    LEAD(valid_from) OVER (PARTITION BY agent_id ORDER BY valid_from NULLS FIRST) AS until_at
  FROM agent_history
),

redacted AS (
  SELECT DISTINCT item_id
  FROM redacted_items
),

said AS (
  SELECT
    entry.item_id,
    entry.conversation_id,
    beginning.customer_id,
    entry.occurred_at,
    entry.kind,
    entry.channel,
    entry.author_type,
    CASE entry.author_type
      WHEN 'AGENT' THEN COALESCE(agent_then.name, agent.name)
      WHEN 'CUSTOMER' THEN COALESCE(profile.name, customer.name, sent_customer.name)
    END AS author_name,
    entry.subject,
    entry.text,
    CASE WHEN redacted.item_id IS NULL THEN 0 ELSE 1 END AS is_redacted
  FROM conversation_timeline AS entry
  INNER JOIN conversation_beginnings AS beginning
    ON beginning.conversation_id = entry.conversation_id
  LEFT JOIN redacted ON redacted.item_id = entry.item_id
  LEFT JOIN agents AS agent ON agent.id = entry.author_id
  LEFT JOIN agent_names AS agent_then
    ON agent_then.agent_id = entry.author_id
    AND (agent_then.from_at IS NULL OR entry.occurred_at >= agent_then.from_at)
    AND (agent_then.until_at IS NULL OR entry.occurred_at < agent_then.until_at)
  LEFT JOIN customer_identities AS author ON author.customer_id = entry.author_id
  LEFT JOIN customer_profiles AS profile
    ON profile.id = COALESCE(author.resolved_customer_id, entry.author_id)
  LEFT JOIN customers AS customer
    ON customer.id = COALESCE(author.resolved_customer_id, entry.author_id)
  LEFT JOIN customers AS sent_customer ON sent_customer.id = entry.author_id
  WHERE entry.kind IN ('message', 'call', 'note') AND entry.conversation_id IS NOT NULL
),

lines AS (
  SELECT
    conversation_id,
    customer_id,
    item_id,
    occurred_at,
    kind,
    author_type,
    is_redacted,
    '[' || COALESCE(
      STRFTIME(occurred_at AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S') || ' UTC', 'no time'
    ) || '] '
    || CASE author_type
      WHEN 'CUSTOMER' THEN 'Customer'
      WHEN 'EXTERNAL' THEN 'Third party'
      WHEN 'AGENT' THEN 'Agent'
      WHEN 'AUTOMATION' THEN 'Automation'
      WHEN 'API' THEN 'Program'
      WHEN 'SYSTEM' THEN 'System'
      ELSE 'Somebody'
    END
    || COALESCE(' ' || NULLIF(author_name, ''), '')
    || ' (' || CASE WHEN kind = 'note' THEN 'internal note' ELSE channel END || '): '
    || COALESCE('Subject: ' || NULLIF(TRIM(subject), '') || ' | ', '')
    || COALESCE(
      NULLIF(TRIM(text), ''), CASE WHEN is_redacted = 1 THEN '[redacted]' ELSE '[no text]' END
    ) AS line
  FROM said
),

numbered AS (
  SELECT
    conversation_id,
    customer_id,
    occurred_at,
    kind,
    author_type,
    is_redacted,
    TRIM(
      REPLACE(REPLACE(REPLACE(line, CHR(13) || CHR(10), ' '), CHR(10), ' '), CHR(13), ' ')
    ) AS line,
    ROW_NUMBER() OVER (
      PARTITION BY conversation_id ORDER BY occurred_at, item_id COLLATE C
    ) AS line_number
  FROM lines
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
    MAX(is_redacted) = 1 AS contains_redacted,
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
