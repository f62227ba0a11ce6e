-- One row is a message, call or note of a conversation that models are being built for, as a line.
-- Key: item_id.
-- Answers: what does an item say as a line of the text of its conversation?
--
-- Line breaks within an item become spaces. Items whose text is empty say [no text], or [redacted]
-- where it was there once. Customers have the name they have now: that of the profile that remains
-- after merges, as read by itself, else as exported. Agents have the name they had then, if
-- agent_history knows it, so that no old text changes when somebody is renamed. Whoever has no
-- name is their type alone. Notes are internal: customers never saw them.
--
--   agent_history     [-- Amy Agent --)[-- Amy Baker ------
--   what she said   Amy Agent  Amy Agent    Amy Baker
--
-- Stored some slices of conversations at a time, so that conversation_texts, which is made of one,
-- finds its lines near each other. Where models are built from what changed, only lines of
-- conversations that changed are here: conversation_timeline has all items.
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
    redacted.item_id IS NOT NULL AS is_redacted
  FROM conversation_timeline AS entry
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

written AS (
  SELECT
    item_id,
    conversation_id,
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
      NULLIF(TRIM(text), ''), CASE WHEN is_redacted THEN '[redacted]' ELSE '[no text]' END
    ) AS line
  FROM said
)

SELECT
  item_id,
  conversation_id,
  occurred_at,
  kind,
  author_type,
  is_redacted,
  TRIM(
    REPLACE(REPLACE(REPLACE(line, CHR(13) || CHR(10), ' '), CHR(10), ' '), CHR(13), ' ')
  ) AS line
FROM written
