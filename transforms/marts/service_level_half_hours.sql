-- One row is a half hour (UTC) and a channel: the contacts that were queued then.
-- Key: half_hour_start, channel.
-- Answers: when do customers come, on which channel, and how many of them are answered in time?
-- How many agents does a half hour need, given how long a contact takes?
--
-- A contact counts in the half hour in which it was queued, also while it is open; one whose start
-- is not loaded counts in none. Where no channel is known, it is called ''. No contact, no row.
SELECT
  TO_TIMESTAMP(EPOCH_US(queued_at) // 1800000000 * 1800) AS half_hour_start,
  COALESCE(channel, '') AS channel,
  COUNT(*) AS contacts_queued,
  COUNT(CASE WHEN direction = 'inbound' THEN 1 END) AS contacts_inbound,
  COUNT(CASE WHEN direction = 'outbound' THEN 1 END) AS contacts_outbound,
  COUNT(CASE WHEN is_within_target THEN 1 END) AS contacts_fulfilled_before_target,
  COUNT(CASE WHEN NOT is_within_target THEN 1 END) AS contacts_fulfilled_after_target,
  CAST(COUNT(CASE WHEN is_within_target THEN 1 END) AS DOUBLE)
  / NULLIF(COUNT(CASE WHEN direction = 'inbound' THEN 1 END), 0) AS service_level_rate,
  COUNT(CASE WHEN is_abandoned THEN 1 END) AS contacts_abandoned,
  COUNT(handle_seconds) AS handle_contacts,
  SUM(handle_seconds) AS handle_seconds
FROM contacts
WHERE queued_at IS NOT NULL
GROUP BY EPOCH_US(queued_at) // 1800000000, COALESCE(channel, '')
