-- One row is a topic that is loaded, and where it stands among the others.
-- Key: topic_id.
-- Answers: under which topics is this one nested? What is a name to show that nobody mistakes?
-- Which topics are no longer in use?
--
-- Names of topics are not unique, paths mostly are: 'Orders > Damaged', 'Shipping > Damaged'.
-- Walks begin at the topics that are nested under none, and go down:
--
--   Orders          level 1, its own root      lost child    names a parent that is not loaded
--     Damaged       level 2, root Orders       a <-> b       parents lead in a circle
--
-- The two on the right have no parent that could be followed: each stands as a root of its own.
WITH RECURSIVE

topic AS (
  SELECT
    id AS topic_id,
    CAST(COALESCE(name, id) AS TEXT) AS shown_name,
    name,
    CASE WHEN parent_id <> '' THEN parent_id END AS parent_id,
    COALESCE(disabled, FALSE) AS is_disabled,
    deleted_at IS NOT NULL AS is_deleted
  FROM topics
),

parented AS (
  SELECT topic.topic_id, topic.shown_name, topic.parent_id
  FROM topic
  INNER JOIN topic AS parent ON parent.topic_id = topic.parent_id
),

walks AS (
  SELECT
    topic_id,
    topic_id AS root_topic_id,
    shown_name AS root_name,
    1 AS level,
    shown_name AS path
  FROM topic
  WHERE topic_id NOT IN (SELECT topic_id FROM parented)
  UNION ALL
  SELECT
    child.topic_id,
    walk.root_topic_id,
    walk.root_name,
    walk.level + 1 AS level,
    CAST(walk.path || ' > ' || child.shown_name AS TEXT) AS path
  FROM walks AS walk
  INNER JOIN parented AS child ON child.parent_id = walk.topic_id
)

SELECT
  topic.topic_id,
  topic.name,
  topic.parent_id,
  topic.parent_id IS NULL OR COALESCE(walks.level, 1) > 1 AS is_parent_known,
  COALESCE(walks.root_topic_id, topic.topic_id) AS root_topic_id,
  COALESCE(walks.root_name, topic.shown_name) AS root_name,
  COALESCE(walks.level, 1) AS level,
  COALESCE(walks.path, topic.shown_name) AS path,
  topic.is_disabled,
  topic.is_deleted
FROM topic
LEFT JOIN walks ON walks.topic_id = topic.topic_id
