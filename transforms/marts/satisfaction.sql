-- One row is a local day and a system that reported answers to surveys on it.
-- Key: local_date, source_name.
-- Answers: how satisfied were customers who answered a survey, day by day? How many answered?
--
-- Systems ask on scales of their own, so that an average over several of them means nothing: each
-- has its rows, and where it uses several scales the average score is null. Of answers that name
-- their scale, as 4/5 does, the fraction of it is averaged too, each cut to nine digits.
-- Answers count on the day on which they were given; those without any time are in no row.
WITH

answered AS (
  SELECT
    local_day.local_date,
    COALESCE(answer.source_name, '') AS source_name,
    answer.score,
    COALESCE(answer.score_out_of, 0) AS scale,
    CASE
      WHEN answer.score_out_of > 0 THEN answer.score * 1000000000 // answer.score_out_of
    END AS billionths
  FROM survey_answers AS answer
  INNER JOIN local_days AS local_day
    ON answer.answered_at >= local_day.starts_at AND answer.answered_at < local_day.ends_at
),

sums AS (
  SELECT
    local_date,
    source_name,
    COUNT(*) AS answers,
    COUNT(score) AS scored_answers,
    SUM(score) AS scores,
    COUNT(DISTINCT CASE WHEN score IS NOT NULL THEN scale END) AS scales,
    COUNT(billionths) AS scaled_answers,
    SUM(billionths) AS billionths
  FROM answered
  GROUP BY local_date, source_name
)

SELECT
  local_date,
  source_name,
  answers,
  scored_answers,
  answers - scored_answers AS unscored_answers,
  CASE WHEN scales = 1 THEN CAST(scores AS DOUBLE) / scored_answers END AS average_score,
  scaled_answers,
  CAST(billionths AS DOUBLE) / NULLIF(scaled_answers, 0) / 1000000000 AS average_score_fraction
FROM sums
