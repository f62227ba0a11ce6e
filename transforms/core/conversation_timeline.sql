-- One row is an item of a conversation: whatever was said, done or noted, by whomever.
-- Key: item_id.
-- Answers: what happened in this conversation, in order? Who said what, on which channel? Which
-- items have no text, since it was redacted or never there?
--
-- Ids of conversations and customers are those that stand for them today, after merges; what was
-- sent stands beside them. Customer-level activity has no conversation.
WITH

texts AS (
  SELECT id, 'message' AS kind, 'CHAT' AS channel, CAST(NULL AS TEXT) AS subject, content AS text
  FROM chat_messages
  UNION ALL
  SELECT id, 'message' AS kind, 'EMAIL' AS channel, subject, content AS text
  FROM emails
  UNION ALL
  SELECT id, 'message' AS kind, 'SMS' AS channel, CAST(NULL AS TEXT) AS subject, content AS text
  FROM sms_messages
  UNION ALL
  SELECT
    id,
    'message' AS kind,
    'FB_MESSENGER' AS channel,
    CAST(NULL AS TEXT) AS subject,
    content AS text
  FROM facebook_messages
  UNION ALL
  SELECT
    id,
    'message' AS kind,
    'INSTAGRAM_DIRECT' AS channel,
    CAST(NULL AS TEXT) AS subject,
    content AS text
  FROM instagram_messages
  UNION ALL
  SELECT
    id,
    'message' AS kind,
    'WHATSAPP' AS channel,
    CAST(NULL AS TEXT) AS subject,
    content AS text
  FROM whatsapp_messages
  UNION ALL
  SELECT
    id,
    'message' AS kind,
    'TWITTER' AS channel,
    CAST(NULL AS TEXT) AS subject,
    content AS text
  FROM twitter_messages
  UNION ALL
  SELECT id, 'message' AS kind, 'VOICE_AI' AS channel, CAST(NULL AS TEXT) AS subject, body AS text
  FROM voice_ai_messages
  UNION ALL
  SELECT
    id,
    'call' AS kind,
    'PHONE_CALL' AS channel,
    CAST(NULL AS TEXT) AS subject,
    recording_summary AS text
  FROM phone_calls
  UNION ALL
  SELECT
    id,
    'call' AS kind,
    'VOICEMAIL' AS channel,
    CAST(NULL AS TEXT) AS subject,
    recording_summary AS text
  FROM voicemails
  UNION ALL
  SELECT
    id,
    'note' AS kind,
    CAST(NULL AS TEXT) AS channel,
    CAST(NULL AS TEXT) AS subject,
    body AS text
  FROM conversation_notes
  UNION ALL
  SELECT
    id,
    'status' AS kind,
    CAST(NULL AS TEXT) AS channel,
    CAST(NULL AS TEXT) AS subject,
    status AS text
  FROM status_changes
  UNION ALL
  SELECT
    id,
    'topics' AS kind,
    CAST(NULL AS TEXT) AS channel,
    CAST(NULL AS TEXT) AS subject,
    CAST(NULL AS TEXT) AS text
  FROM topic_changes
  UNION ALL
  SELECT id, 'activity' AS kind, CAST(NULL AS TEXT) AS channel, title AS subject, body AS text
  FROM customer_activities
  UNION ALL
  SELECT
    id,
    'task' AS kind,
    CAST(NULL AS TEXT) AS channel,
    CAST(NULL AS TEXT) AS subject,
    body AS text
  FROM task_items
  UNION ALL
  SELECT
    id,
    'unknown' AS kind,
    CAST(NULL AS TEXT) AS channel,
    CAST(NULL AS TEXT) AS subject,
    CAST(NULL AS TEXT) AS text
  FROM unknown_items
)

SELECT
  item.id AS item_id,
  COALESCE(conversation.resolved_conversation_id, item.conversation_id) AS conversation_id,
  COALESCE(customer.resolved_customer_id, item.customer_id) AS customer_id,
  item.conversation_id AS sent_conversation_id,
  item.customer_id AS sent_customer_id,
  item.session_id,
  item.timestamp AS occurred_at,
  item.content_type,
  texts.kind,
  texts.channel,
  CASE
    WHEN texts.kind NOT IN ('message', 'call') THEN 'internal'
    WHEN item.initiator_type IN ('CUSTOMER', 'EXTERNAL') THEN 'inbound'
    ELSE 'outbound'
  END AS direction,
  item.initiator_id AS author_id,
  item.initiator_type AS author_type,
  texts.subject,
  texts.text
FROM conversation_items AS item
INNER JOIN texts ON texts.id = item.id
LEFT JOIN conversation_identities AS conversation
  ON conversation.conversation_id = item.conversation_id
LEFT JOIN customer_identities AS customer ON customer.customer_id = item.customer_id
