-- One row is a customer's answer to a survey, as another system reported it.
-- Key: item_id.
-- Answers: which answers to surveys came in, from whom, through which system? What score does each
-- give, where it says so plainly?
--
-- Surveys are items of the type CUSTOMER_ACTIVITY whose activity type is SURVEY; what their title
-- and body say is up to the system that reports them. A score is read where one of the two, the
-- body first, is nothing but a whole number from 0 to 100, or two of them as in 4/5, spaces aside.
-- Anything else, such as 4.5, Score: 4 or five stars, is not read: parse it from title and body.
WITH

digits AS (
  SELECT 0 AS digit
  UNION ALL
  SELECT 1 AS digit
  UNION ALL
  SELECT 2 AS digit
  UNION ALL
  SELECT 3 AS digit
  UNION ALL
  SELECT 4 AS digit
  UNION ALL
  SELECT 5 AS digit
  UNION ALL
  SELECT 6 AS digit
  UNION ALL
  SELECT 7 AS digit
  UNION ALL
  SELECT 8 AS digit
  UNION ALL
  SELECT 9 AS digit
),

numbers AS (
  SELECT tens.digit * 10 + ones.digit AS number
  FROM digits AS tens
  CROSS JOIN digits AS ones
  UNION ALL
  SELECT 100 AS number
),

-- every text that is read, so that no text needs to be taken apart
readable AS (
  SELECT
    CAST(number AS TEXT) AS shown,
    number AS score,
    CAST(NULL AS BIGINT) AS score_out_of
  FROM numbers
  UNION ALL
  SELECT
    CAST(score.number AS TEXT) || '/' || CAST(highest.number AS TEXT) AS shown,
    score.number AS score,
    highest.number AS score_out_of
  FROM numbers AS score
  INNER JOIN numbers AS highest ON highest.number >= score.number
  WHERE highest.number > 0
),

surveys AS (
  SELECT
    entry.item_id,
    entry.customer_id,
    entry.conversation_id,
    COALESCE(activity.occurred_at, activity.received_at, entry.occurred_at) AS answered_at,
    activity.source_name,
    activity.title,
    activity.body,
    REPLACE(activity.title, ' ', '') AS plain_title,
    REPLACE(activity.body, ' ', '') AS plain_body
  FROM customer_activities AS activity
  INNER JOIN conversation_timeline AS entry ON entry.item_id = activity.id
  WHERE activity.activity_type = 'SURVEY'
)

SELECT
  surveys.item_id,
  surveys.customer_id,
  surveys.conversation_id,
  surveys.answered_at,
  surveys.source_name,
  surveys.title,
  surveys.body,
  CASE WHEN in_body.shown IS NOT NULL THEN in_body.score ELSE in_title.score END AS score,
  CASE WHEN in_body.shown IS NOT NULL THEN in_body.score_out_of ELSE in_title.score_out_of END
    AS score_out_of
FROM surveys
LEFT JOIN readable AS in_body ON in_body.shown = surveys.plain_body
LEFT JOIN readable AS in_title ON in_title.shown = surveys.plain_title
