-- One row is an id of a conversation that models are being built for, and its slice.
-- Key: conversation_id.
-- Answers: which conversations are built together, where all of them would not fit into memory?
--
-- A slice begins anew where the conversations before it, in order of ids, make 50 MB: each counts
-- 2,000 bytes, and each of its messages, calls and notes 170 and the bytes of its texts. So a slice
-- holds 50 MB and at most one conversation more. All ids that stand for a conversation have its
-- slice. Where models are built from what changed, only conversations that changed are here.
--
--   conversations   [-- a --|- b -|---- c ----|-- d --|---- e ----]
--   50 MB                    |               |               |
--   slice               0       0       0         1         1
WITH

said AS (
  SELECT
    conversation_id,
    SUM(170 + STRLEN(COALESCE(subject, '')) + STRLEN(COALESCE(text, ''))) AS bytes
  FROM conversation_timeline
  WHERE kind IN ('message', 'call', 'note')
  GROUP BY conversation_id
),

sizes AS (
  SELECT
    beginning.conversation_id,
    2000 + COALESCE(CAST(said.bytes AS BIGINT), 0) AS bytes
  FROM conversation_beginnings AS beginning
  LEFT JOIN said ON said.conversation_id = beginning.conversation_id
),

sliced AS (
  SELECT
    conversation_id,
    CAST(
      SUM(bytes) OVER (ORDER BY conversation_id COLLATE C NULLS FIRST) - bytes AS BIGINT
    ) // 50000000 AS slice
  FROM sizes
)

SELECT
  conversation_id,
  slice
FROM sliced
UNION ALL
SELECT
  identity.conversation_id,
  sliced.slice
FROM conversation_identities AS identity
INNER JOIN sliced ON sliced.conversation_id = identity.resolved_conversation_id
WHERE identity.conversation_id <> identity.resolved_conversation_id
