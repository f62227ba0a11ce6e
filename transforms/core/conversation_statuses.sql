-- One row is a time during which a conversation had one status.
-- Key: conversation_id, position.
-- Answers: which status had this conversation at that time, and who changed it? How long was it
-- open, and how long did it wait for the customer? How often was it closed, and reopened?
--
-- Statuses are told by items (OPEN, WAITING or CLOSED, exactly; a day late), by the events CLOSED
-- and REOPENED (at once; only while the event feed was read), and by the conversation's record
-- (when it was closed last, if it was read). A conversation is OPEN from its creation on.
--
--   items                        WAITING     OPEN   CLOSED
--   events   CREATED                                CLOSED      REOPENED
--   statuses |------ OPEN -------|- WAITING -|-OPEN-|- CLOSED --|-- OPEN ---> until_at is null
--
-- An event within a minute of an item of the same status tells of the same change, and so does a
-- record: the item counts first, then the event. After that, whatever says the status that already
-- is, says nothing new. Of changes at one instant the one nearest to closed comes last.
--
-- Before the first change that is loaded nothing is told where the creation is not known. Changes
-- of a conversation that was merged away are not those of the one that remains.
WITH

feeds AS (
  SELECT
    conversation_id,
    occurred_at AS at,
    text AS status,
    author_id AS changed_by_id,
    author_type AS changed_by_type,
    1 AS feed
  FROM conversation_timeline
  WHERE kind = 'status' AND sent_conversation_id = conversation_id
  UNION ALL
  SELECT
    event.conversation_id,
    event.timestamp AS at,
    CASE WHEN event.type = 'CONVERSATION/CLOSED' THEN 'CLOSED' ELSE 'OPEN' END AS status,
    event.initiator_id AS changed_by_id,
    event.initiator_type AS changed_by_type,
    2 AS feed
  FROM conversation_events AS event
  LEFT JOIN conversation_identities AS identity
    ON identity.conversation_id = event.conversation_id
  WHERE event.type IN ('CONVERSATION/CLOSED', 'CONVERSATION/REOPENED')
    AND COALESCE(identity.resolved_conversation_id, event.conversation_id) = event.conversation_id
  UNION ALL
  SELECT
    record.id AS conversation_id,
    record.closed_at AS at,
    record.status,
    CAST(NULL AS TEXT) AS changed_by_id,
    CAST(NULL AS TEXT) AS changed_by_type,
    3 AS feed
  FROM conversations AS record
  LEFT JOIN conversation_identities AS identity ON identity.conversation_id = record.id
  WHERE record.status = 'CLOSED'
    AND COALESCE(identity.resolved_conversation_id, record.id) = record.id
),

timed AS (
  SELECT
    feeds.*,
    EPOCH_US(at) AS microsecond
  FROM feeds
  WHERE at IS NOT NULL AND status IS NOT NULL
),

changes AS (
  SELECT
    conversation_id,
    created_at AS at,
    'OPEN' AS status,
    created_by_id AS changed_by_id,
    created_by_type AS changed_by_type,
    0 AS feed,
    0 AS nearness_to_closed
  FROM conversation_beginnings
  WHERE created_at IS NOT NULL
  UNION ALL
  SELECT
    later.conversation_id,
    later.at,
    later.status,
    later.changed_by_id,
    later.changed_by_type,
    later.feed,
    CASE later.status WHEN 'CLOSED' THEN 3 WHEN 'WAITING' THEN 2 ELSE 1 END AS nearness_to_closed
  FROM timed AS later
  LEFT JOIN timed AS better
    ON better.conversation_id = later.conversation_id
    AND better.status = later.status
    AND better.feed < later.feed
    AND better.microsecond BETWEEN later.microsecond - 60000000 AND later.microsecond + 60000000
  WHERE better.conversation_id IS NULL
),

ordered AS (
  SELECT
    changes.*,
    ROW_NUMBER() OVER (
      PARTITION BY conversation_id
      ORDER BY
        at,
        nearness_to_closed,
        status COLLATE C,
        feed,
        changed_by_type COLLATE C,
        changed_by_id COLLATE C
    ) AS place
  FROM changes
),

compared AS (
  SELECT
    ordered.*,
    LAG(status) OVER (PARTITION BY conversation_id ORDER BY place) AS status_before
  FROM ordered
)

SELECT
  conversation_id,
  ROW_NUMBER() OVER (PARTITION BY conversation_id ORDER BY place) AS position,
  status,
  status_before,
  at AS from_at,
  LEAD(at) OVER (PARTITION BY conversation_id ORDER BY place) AS until_at,
  changed_by_id,
  changed_by_type,
  CASE feed WHEN 0 THEN 'creation' WHEN 1 THEN 'item' WHEN 2 THEN 'event' ELSE 'record' END
    AS told_by
FROM compared
WHERE status IS DISTINCT FROM status_before
