-- One row is a customer that stands today: merged ids are gathered under the one they went up in.
-- Key: customer_id.
-- Answers: who is this customer, and how can they be reached? How many profiles went up in them?
-- Since when are they known? Were they deleted?
--
-- Everybody who is named anywhere has a row, also whoever no export and no read ever showed. Each
-- detail is the first that is there of these:
--
--   1  profile          the profile, as it was read by id
--   2  export           the profile, as an export showed it
--   3  merged profile   as 1, of an id that was merged into it, the newest first
--   4  merged export    as 2, likewise
--
-- Of deleted profiles no detail is shown, whatever other tables still hold.
WITH

mentions AS (
  SELECT id AS customer_id FROM customers
  UNION
  SELECT id AS customer_id FROM customer_profiles
  UNION
  SELECT customer_id FROM customer_identities
  UNION
  SELECT customer_id FROM conversation_items
  UNION
  SELECT customer_id FROM contact_events
  UNION
  SELECT customer_id FROM conversation_events
  UNION
  SELECT customer_id FROM customer_profile_events
  UNION
  SELECT customer_id FROM payment_request_events
  UNION
  SELECT customer_id FROM task_events
  UNION
  SELECT customer_id FROM tasks
  UNION
  SELECT customer_id FROM conversations
  UNION
  SELECT customer_id FROM work_session_events
),

ids AS (
  SELECT
    mention.customer_id AS sent_id,
    COALESCE(identity.resolved_customer_id, mention.customer_id) AS customer_id,
    COALESCE(identity.is_deleted, FALSE) AS is_deleted
  FROM mentions AS mention
  LEFT JOIN customer_identities AS identity ON identity.customer_id = mention.customer_id
  WHERE mention.customer_id <> ''
),

standing AS (
  SELECT
    customer_id,
    SUM(CASE WHEN sent_id <> customer_id THEN 1 ELSE 0 END) AS merged_customer_ids
  FROM ids
  GROUP BY customer_id
),

records AS (
  SELECT
    ids.customer_id,
    ids.sent_id,
    CASE WHEN ids.sent_id = ids.customer_id THEN 1 ELSE 3 END AS source,
    profile._extracted_at AS extracted_at
  FROM ids
  INNER JOIN customer_profiles AS profile ON profile.id = ids.sent_id
  WHERE NOT ids.is_deleted
  UNION ALL
  SELECT
    ids.customer_id,
    ids.sent_id,
    CASE WHEN ids.sent_id = ids.customer_id THEN 2 ELSE 4 END AS source,
    exported._extracted_at AS extracted_at
  FROM ids
  INNER JOIN customers AS exported ON exported.id = ids.sent_id
  WHERE NOT ids.is_deleted
),

-- place: which of several is shown, the lowest
listed AS (
  SELECT 'name' AS detail, 1 AS is_profile, id AS sent_id, 1 AS place, name AS shown
  FROM customer_profiles
  UNION ALL
  SELECT 'name' AS detail, 0 AS is_profile, id AS sent_id, 1 AS place, name AS shown
  FROM customers
  UNION ALL
  SELECT
    'email' AS detail,
    1 AS is_profile,
    customer_id AS sent_id,
    CASE WHEN is_primary THEN 0 ELSE position END AS place,
    email_address AS shown
  FROM customer_profile_emails
  UNION ALL
  SELECT
    'email' AS detail,
    0 AS is_profile,
    customer_id AS sent_id,
    position AS place,
    email_address AS shown
  FROM customer_emails
  UNION ALL
  SELECT
    'phone' AS detail,
    1 AS is_profile,
    customer_id AS sent_id,
    CASE WHEN is_primary THEN 0 ELSE position END AS place,
    phone_number AS shown
  FROM customer_profile_phones
  UNION ALL
  SELECT
    'phone' AS detail,
    0 AS is_profile,
    customer_id AS sent_id,
    position AS place,
    phone_number AS shown
  FROM customer_phones
  UNION ALL
  SELECT
    'external' AS detail,
    1 AS is_profile,
    id AS sent_id,
    0 AS place,
    external_customer_id AS shown
  FROM customer_profiles
  UNION ALL
  SELECT
    'external' AS detail,
    1 AS is_profile,
    customer_id AS sent_id,
    position AS place,
    external_customer_id AS shown
  FROM customer_profile_external_ids
  UNION ALL
  SELECT
    'external' AS detail,
    0 AS is_profile,
    customer_id AS sent_id,
    CASE WHEN kind = 'single' THEN 0 ELSE position END AS place,
    external_customer_id AS shown
  FROM customer_external_ids
),

ranked AS (
  SELECT
    record.customer_id,
    listed.detail,
    listed.shown,
    record.source,
    ROW_NUMBER() OVER (
      PARTITION BY record.customer_id, listed.detail
      ORDER BY
        record.source,
        record.extracted_at DESC,
        record.sent_id COLLATE C,
        listed.place,
        listed.shown COLLATE C
    ) AS detail_rank,
    COUNT(*) OVER (PARTITION BY record.customer_id, listed.detail, record.source, record.sent_id)
      AS details
  FROM records AS record
  INNER JOIN listed
    ON listed.sent_id = record.sent_id AND listed.is_profile = record.source % 2
  WHERE listed.shown <> ''
),

details AS (
  SELECT
    customer_id,
    MAX(CASE WHEN detail = 'name' THEN shown END) AS name,
    MAX(CASE WHEN detail = 'name' THEN source END) AS name_source,
    MAX(CASE WHEN detail = 'email' THEN shown END) AS email_address,
    MAX(CASE WHEN detail = 'email' THEN details END) AS email_addresses,
    MAX(CASE WHEN detail = 'phone' THEN shown END) AS phone_number,
    MAX(CASE WHEN detail = 'phone' THEN details END) AS phone_numbers,
    MAX(CASE WHEN detail = 'external' THEN shown END) AS external_customer_id
  FROM ranked
  WHERE detail_rank = 1
  GROUP BY customer_id
),

moments AS (
  SELECT customer_id, occurred_at AS at
  FROM conversation_timeline
  UNION ALL
  SELECT ids.customer_id, event.timestamp AS at
  FROM contact_events AS event
  INNER JOIN ids ON ids.sent_id = event.customer_id
),

seen AS (
  SELECT customer_id, MIN(at) AS first_seen_at, MAX(at) AS last_seen_at
  FROM moments
  GROUP BY customer_id
),

created AS (
  SELECT customer_id, MIN(timestamp) AS created_at
  FROM customer_profile_events
  WHERE type = 'CUSTOMER_PROFILE/CREATED'
  GROUP BY customer_id
)

SELECT
  standing.customer_id,
  details.name,
  CASE details.name_source
    WHEN 1 THEN 'profile'
    WHEN 2 THEN 'export'
    WHEN 3 THEN 'merged profile'
    WHEN 4 THEN 'merged export'
  END AS name_source,
  details.email_address,
  COALESCE(details.email_addresses, 0) AS email_addresses,
  details.phone_number,
  COALESCE(details.phone_numbers, 0) AS phone_numbers,
  details.external_customer_id,
  standing.merged_customer_ids,
  deleted.customer_id IS NOT NULL AS is_deleted,
  deleted.deleted_at,
  COALESCE(profile.created_at, created.created_at) AS profile_created_at,
  seen.first_seen_at,
  seen.last_seen_at
FROM standing
LEFT JOIN details ON details.customer_id = standing.customer_id
LEFT JOIN deleted_customers AS deleted ON deleted.customer_id = standing.customer_id
LEFT JOIN customer_profiles AS profile ON profile.id = standing.customer_id
LEFT JOIN created ON created.customer_id = standing.customer_id
LEFT JOIN seen ON seen.customer_id = standing.customer_id
