-- One row is a phone call or a voicemail.
-- Key: item_id.
-- Answers: how long did it ring, how long did they talk? Which calls did nobody answer? Which
-- voicemails are there, and how long are they?
--
-- The phone may ring before the contact is queued, and the call may go on after the contact, so
-- their times differ. A call belongs to the contact that an event names it in, as events of
-- messages do; or else, in its conversation, to the only contact of the phone that overlaps it,
-- if it is the only call that this contact overlaps. Where that is not so, no contact is named.
--
--   calls        |--- 1 ---|        |--- 2 ---|    |-- 3 --|
--   contacts       |-- A --|          |------- B --------|        1 is A; 2 and 3 are not told
WITH

items AS (
  SELECT
    phone_calls.id AS item_id,
    'call' AS kind,
    phone_calls.from_number,
    phone_calls.to_number,
    phone_calls.started_at,
    phone_calls.answered_at,
    phone_calls.completed_at,
    phone_calls.recording_status,
    phone_calls.recording_duration,
    phone_calls.recording_summary
  FROM phone_calls
  UNION ALL
  SELECT
    voicemails.id AS item_id,
    'voicemail' AS kind,
    CAST(NULL AS TEXT) AS from_number,
    CAST(NULL AS TEXT) AS to_number,
    voicemails.started_at,
    CAST(NULL AS TIMESTAMPTZ) AS answered_at,
    CAST(NULL AS TIMESTAMPTZ) AS completed_at,
    voicemails.recording_status,
    voicemails.recording_duration,
    voicemails.recording_summary
  FROM voicemails
),

timed AS (
  SELECT
    items.*,
    COALESCE(conversation.resolved_conversation_id, item.conversation_id) AS conversation_id,
    COALESCE(customer.resolved_customer_id, item.customer_id) AS customer_id,
    item.initiator_type,
    EPOCH_US(items.started_at) AS started_microsecond,
    EPOCH_US(items.answered_at) AS answered_microsecond,
    EPOCH_US(items.completed_at) AS completed_microsecond
  FROM items
  INNER JOIN conversation_items AS item ON item.id = items.item_id
  LEFT JOIN conversation_identities AS conversation
    ON conversation.conversation_id = item.conversation_id
  LEFT JOIN customer_identities AS customer ON customer.customer_id = item.customer_id
),

-- contacts that events name an item in: mostly one
named AS (
  SELECT
    message_id AS item_id,
    MIN(contact_id COLLATE C) AS contact_id,
    COUNT(DISTINCT contact_id) AS contacts
  FROM contact_events
  WHERE message_id IS NOT NULL AND contact_id IS NOT NULL
  GROUP BY message_id
),

overlaps AS (
  SELECT
    timed.item_id,
    contacts.contact_id,
    COUNT(*) OVER (PARTITION BY timed.item_id) AS contacts,
    COUNT(*) OVER (PARTITION BY contacts.contact_id) AS calls
  FROM timed
  INNER JOIN contacts ON contacts.conversation_id = timed.conversation_id
  WHERE timed.kind = 'call'
    AND contacts.channel = 'PHONE_CALL'
    AND EPOCH_US(contacts.queued_at) <= timed.completed_microsecond
    AND (
      contacts.ended_at IS NULL
      OR EPOCH_US(contacts.ended_at) >= timed.started_microsecond
    )
)

SELECT
  timed.item_id,
  timed.conversation_id,
  timed.customer_id,
  CASE
    WHEN named.item_id IS NULL THEN overlaps.contact_id
    WHEN named.contacts = 1 THEN named.contact_id
  END AS contact_id,
  timed.kind,
  CASE
    WHEN timed.initiator_type IN ('CUSTOMER', 'EXTERNAL') THEN 'inbound'
    ELSE 'outbound'
  END AS direction,
  timed.from_number,
  timed.to_number,
  timed.started_at,
  timed.answered_at,
  timed.completed_at,
  CASE WHEN timed.kind = 'call' THEN timed.answered_at IS NULL END AS is_missed,
  CAST(
    COALESCE(timed.answered_microsecond, timed.completed_microsecond)
    - timed.started_microsecond AS DECIMAL(18, 0)
  ) * CAST('0.000001' AS DECIMAL(7, 6)) AS ring_seconds,
  CAST(timed.completed_microsecond - timed.answered_microsecond AS DECIMAL(18, 0))
  * CAST('0.000001' AS DECIMAL(7, 6)) AS talk_seconds,
  timed.recording_status,
  CAST(timed.recording_duration AS DECIMAL(18, 0)) AS recording_seconds,
  COALESCE(timed.recording_summary, '') <> '' AS has_summary
FROM timed
LEFT JOIN named ON named.item_id = timed.item_id
LEFT JOIN overlaps
  ON overlaps.item_id = timed.item_id AND overlaps.contacts = 1 AND overlaps.calls = 1
