-- One row is an instant at which a conversation came into the backlog, or left it.
-- Key: conversation_id, position.
-- Answers: when was this conversation open? How often did it come back after it was closed?
--
-- Open is whatever is not closed, so waiting ones too. A conversation whose creation is not known,
-- and whose first status that is told is a close or a wait, or which has none, was open before, at
-- least since the first that is loaded of it: that is its position 0. One that was merged into
-- another is one with it: only the one that remains counts.
--
--   statuses     1 OPEN   2 WAITING   3 CLOSED   4 OPEN          1 CLOSED
--   positions    1 came               3 left     4 came    0 came, 1 left
SELECT
  conversation_id,
  position,
  from_at AS changed_at,
  CASE WHEN status = 'CLOSED' THEN 0 ELSE 1 END AS opened,
  CASE WHEN status = 'CLOSED' THEN 1 ELSE 0 END AS closed
FROM conversation_statuses
WHERE status = 'CLOSED'
  OR status_before = 'CLOSED'
  OR (position = 1 AND status = 'OPEN')
UNION ALL
SELECT
  beginning.conversation_id,
  0 AS position,
  COALESCE(LEAST(beginning.first_seen_at, first.from_at), first.from_at) AS changed_at,
  1 AS opened,
  0 AS closed
FROM conversation_beginnings AS beginning
INNER JOIN conversation_statuses AS first
  ON first.conversation_id = beginning.conversation_id AND first.position = 1
WHERE first.status <> 'OPEN'
UNION ALL
SELECT
  beginning.conversation_id,
  0 AS position,
  beginning.first_seen_at AS changed_at,
  1 AS opened,
  0 AS closed
FROM conversation_beginnings AS beginning
LEFT JOIN conversation_statuses AS first
  ON first.conversation_id = beginning.conversation_id AND first.position = 1
WHERE first.conversation_id IS NULL AND beginning.first_seen_at IS NOT NULL
