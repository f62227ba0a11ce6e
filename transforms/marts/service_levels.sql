-- One row is a day, a channel and an inbox: the contacts that ended then.
-- Key: local_date, channel, inbox_id.
-- Answers: what share of contacts was answered in time? How long did customers wait, on average
-- and in the middle? Who gave up, and how soon? How long did agents work, talk, and hold?
--
-- A contact counts on the day of its end, in the inbox it was queued in, as in Gladly's Contact
-- Summary; where no inbox or channel is known, it is called ''. Open contacts are on no day. Days
-- are those of local_days.
--
-- The service level is of all inbound contacts, as Gladly's is: those that nothing was due for,
-- contacts_without_target, lower it. Contacts are those that events tell of; of days before the
-- first events there are none here, though work sessions reach further back (channel_volume).
--
-- Waits are those of inbound contacts: nobody waits for what agents begin. Averages and medians are
-- over the contacts that have such a time; how many these are stands beside, and so does the sum,
-- so that rows can be added up.
WITH

ended AS (
  SELECT
    days.local_date,
    COALESCE(contacts.channel, '') AS channel,
    COALESCE(contacts.inbox_id, '') AS inbox_id,
    contacts.direction,
    contacts.fulfilled_at,
    contacts.is_within_target,
    contacts.is_target_known AND contacts.due_at IS NULL AS has_no_target,
    contacts.is_abandoned,
    contacts.offers_accepted,
    contacts.transfers,
    contacts.holds,
    contacts.queued_to_ended_seconds,
    contacts.queued_to_accepted_seconds,
    contacts.queued_to_fulfilled_seconds,
    contacts.queued_to_fulfilled_business_seconds,
    contacts.hold_seconds,
    contacts.handle_seconds,
    contacts.after_contact_seconds,
    contacts.talk_seconds
  FROM contacts
  INNER JOIN local_days AS days
    ON contacts.ended_at >= days.starts_at AND contacts.ended_at < days.ends_at
),

counted AS (
  SELECT
    local_date,
    channel,
    inbox_id,
    COUNT(*) AS contacts_ended,
    COUNT(CASE WHEN direction = 'inbound' THEN 1 END) AS contacts_inbound,
    COUNT(CASE WHEN direction = 'outbound' THEN 1 END) AS contacts_outbound,
    COUNT(fulfilled_at) AS contacts_fulfilled,
    COUNT(CASE WHEN is_within_target THEN 1 END) AS contacts_fulfilled_before_target,
    COUNT(CASE WHEN NOT is_within_target THEN 1 END) AS contacts_fulfilled_after_target,
    COUNT(CASE WHEN direction = 'inbound' AND has_no_target THEN 1 END) AS contacts_without_target,
    COUNT(CASE WHEN is_abandoned THEN 1 END) AS contacts_abandoned,
    COUNT(CASE WHEN is_abandoned AND queued_to_ended_seconds <= 5 THEN 1 END)
      AS contacts_abandoned_within_5_seconds,
    COUNT(CASE WHEN is_abandoned AND queued_to_ended_seconds <= 10 THEN 1 END)
      AS contacts_abandoned_within_10_seconds,
    COUNT(CASE WHEN is_abandoned AND queued_to_ended_seconds <= 15 THEN 1 END)
      AS contacts_abandoned_within_15_seconds,
    COUNT(CASE WHEN offers_accepted > 0 THEN 1 END) AS contacts_accepted,
    COUNT(CASE WHEN transfers > 0 THEN 1 END) AS contacts_transferred,
    COUNT(CASE WHEN holds > 0 THEN 1 END) AS contacts_held
  FROM ended
  GROUP BY local_date, channel, inbox_id
),

times AS (
  SELECT
    local_date,
    channel,
    inbox_id,
    'accepted' AS kind,
    CASE WHEN direction = 'inbound' THEN queued_to_accepted_seconds END AS seconds
  FROM ended
  UNION ALL
  SELECT
    local_date,
    channel,
    inbox_id,
    'fulfilled' AS kind,
    CASE WHEN direction = 'inbound' THEN queued_to_fulfilled_seconds END AS seconds
  FROM ended
  UNION ALL
  SELECT
    local_date,
    channel,
    inbox_id,
    'fulfilled_business' AS kind,
    CASE WHEN direction = 'inbound' THEN queued_to_fulfilled_business_seconds END AS seconds
  FROM ended
  UNION ALL
  SELECT
    local_date,
    channel,
    inbox_id,
    'handle' AS kind,
    handle_seconds AS seconds
  FROM ended
  UNION ALL
  SELECT
    local_date,
    channel,
    inbox_id,
    'after_contact' AS kind,
    after_contact_seconds AS seconds
  FROM ended
  UNION ALL
  SELECT
    local_date,
    channel,
    inbox_id,
    'hold' AS kind,
    CASE WHEN holds > 0 THEN hold_seconds END AS seconds
  FROM ended
  UNION ALL
  SELECT
    local_date,
    channel,
    inbox_id,
    'talk' AS kind,
    talk_seconds AS seconds
  FROM ended
),

-- whole microseconds: averages come out alike at every destination
ranked AS (
  SELECT
    local_date,
    channel,
    inbox_id,
    kind,
    CAST(CAST(seconds AS DECIMAL(18, 6)) * CAST(1000000 AS DECIMAL(7, 0)) AS BIGINT)
      AS microseconds,
    ROW_NUMBER() OVER (PARTITION BY local_date, channel, inbox_id, kind ORDER BY seconds) AS place,
    COUNT(*) OVER (PARTITION BY local_date, channel, inbox_id, kind) AS places
  FROM times
  WHERE seconds IS NOT NULL
),

-- the middle is one value, or the mean of two: then each of them counts half
summed AS (
  SELECT
    local_date,
    channel,
    inbox_id,
    kind,
    COUNT(*) AS contacts,
    CAST(SUM(microseconds) AS DECIMAL(18, 0)) * CAST('0.000001' AS DECIMAL(7, 6)) AS seconds,
    CAST(SUM(microseconds) AS DOUBLE) / (COUNT(*) * 1000000) AS average_seconds,
    CAST(
      SUM(CASE WHEN place = (places + 1) // 2 THEN microseconds ELSE 0 END)
      + SUM(CASE WHEN place = (places + 2) // 2 THEN microseconds ELSE 0 END) AS DOUBLE
    ) / 2000000 AS median_seconds
  FROM ranked
  GROUP BY local_date, channel, inbox_id, kind
),

measured AS (
  SELECT
    local_date,
    channel,
    inbox_id,
    MAX(CASE WHEN kind = 'accepted' THEN contacts END) AS accepted_contacts,
    MAX(CASE WHEN kind = 'accepted' THEN seconds END) AS accepted_seconds,
    MAX(CASE WHEN kind = 'accepted' THEN average_seconds END) AS accepted_average,
    MAX(CASE WHEN kind = 'accepted' THEN median_seconds END) AS accepted_median,
    MAX(CASE WHEN kind = 'fulfilled' THEN contacts END) AS fulfilled_contacts,
    MAX(CASE WHEN kind = 'fulfilled' THEN seconds END) AS fulfilled_seconds,
    MAX(CASE WHEN kind = 'fulfilled' THEN average_seconds END) AS fulfilled_average,
    MAX(CASE WHEN kind = 'fulfilled' THEN median_seconds END) AS fulfilled_median,
    MAX(CASE WHEN kind = 'fulfilled_business' THEN contacts END) AS fulfilled_business_contacts,
    MAX(CASE WHEN kind = 'fulfilled_business' THEN seconds END) AS fulfilled_business_seconds,
    MAX(CASE WHEN kind = 'fulfilled_business' THEN average_seconds END)
      AS fulfilled_business_average,
    MAX(CASE WHEN kind = 'fulfilled_business' THEN median_seconds END) AS fulfilled_business_median,
    MAX(CASE WHEN kind = 'handle' THEN contacts END) AS handle_contacts,
    MAX(CASE WHEN kind = 'handle' THEN seconds END) AS handle_seconds,
    MAX(CASE WHEN kind = 'handle' THEN average_seconds END) AS handle_average,
    MAX(CASE WHEN kind = 'after_contact' THEN seconds END) AS after_contact_seconds,
    MAX(CASE WHEN kind = 'after_contact' THEN average_seconds END) AS after_contact_average,
    MAX(CASE WHEN kind = 'hold' THEN seconds END) AS hold_seconds,
    MAX(CASE WHEN kind = 'hold' THEN average_seconds END) AS hold_average,
    MAX(CASE WHEN kind = 'talk' THEN contacts END) AS talk_contacts,
    MAX(CASE WHEN kind = 'talk' THEN seconds END) AS talk_seconds,
    MAX(CASE WHEN kind = 'talk' THEN average_seconds END) AS talk_average
  FROM summed
  GROUP BY local_date, channel, inbox_id
)

SELECT
  counted.local_date,
  counted.channel,
  counted.inbox_id,
  counted.contacts_ended,
  counted.contacts_inbound,
  counted.contacts_outbound,
  counted.contacts_fulfilled,
  counted.contacts_fulfilled_before_target,
  counted.contacts_fulfilled_after_target,
  counted.contacts_without_target,
  CAST(counted.contacts_fulfilled_before_target AS DOUBLE) / NULLIF(counted.contacts_inbound, 0)
    AS service_level_rate,
  counted.contacts_abandoned,
  counted.contacts_abandoned_within_5_seconds,
  counted.contacts_abandoned_within_10_seconds,
  counted.contacts_abandoned_within_15_seconds,
  CAST(counted.contacts_abandoned AS DOUBLE) / NULLIF(counted.contacts_inbound, 0)
    AS abandon_rate,
  counted.contacts_accepted,
  counted.contacts_transferred,
  CAST(counted.contacts_transferred AS DOUBLE) / counted.contacts_ended AS transfer_rate,
  COALESCE(measured.accepted_contacts, 0) AS queued_to_accepted_contacts,
  measured.accepted_seconds AS queued_to_accepted_seconds,
  measured.accepted_average AS average_queued_to_accepted_seconds,
  measured.accepted_median AS median_queued_to_accepted_seconds,
  COALESCE(measured.fulfilled_contacts, 0) AS queued_to_fulfilled_contacts,
  measured.fulfilled_seconds AS queued_to_fulfilled_seconds,
  measured.fulfilled_average AS average_queued_to_fulfilled_seconds,
  measured.fulfilled_median AS median_queued_to_fulfilled_seconds,
  COALESCE(measured.fulfilled_business_contacts, 0) AS queued_to_fulfilled_business_contacts,
  measured.fulfilled_business_seconds AS queued_to_fulfilled_business_seconds,
  measured.fulfilled_business_average AS average_queued_to_fulfilled_business_seconds,
  measured.fulfilled_business_median AS median_queued_to_fulfilled_business_seconds,
  COALESCE(measured.handle_contacts, 0) AS handle_contacts,
  measured.handle_seconds,
  measured.handle_average AS average_handle_seconds,
  measured.after_contact_seconds,
  measured.after_contact_average AS average_after_contact_seconds,
  counted.contacts_held,
  measured.hold_seconds,
  measured.hold_average AS average_hold_seconds,
  COALESCE(measured.talk_contacts, 0) AS talk_contacts,
  measured.talk_seconds,
  measured.talk_average AS average_talk_seconds
FROM counted
LEFT JOIN measured
  ON measured.local_date = counted.local_date
  AND measured.channel = counted.channel
  AND measured.inbox_id = counted.inbox_id
