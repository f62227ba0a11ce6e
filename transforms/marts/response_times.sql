-- One row is a local day, a channel, and a kind of response of agents: first, later or unknown.
-- Key: local_date, channel, response.
-- Answers: how fast did we answer on this day, on this channel? How much of that was within
-- business hours? Do first answers take longer than those that follow?
--
-- A response is a message of an agent that answers (see messages), on the day it was written, on
-- the channel it was written in. Whether it was the first of its conversation is unknown where
-- earlier items may be missing, as on the first days that are loaded.
--
-- Medians and 90th percentiles are exact: of n durations in order the median is the middle one, or
-- half way between the two; the percentile is the first that 90 % of all do not exceed. Which of two
-- equal durations comes first changes nothing.
WITH

responses AS (
  SELECT
    day.local_date,
    message.channel,
    CASE
      WHEN message.is_first_response THEN 'first'
      WHEN NOT message.is_first_response THEN 'later'
      ELSE 'unknown'
    END AS response,
    CAST(message.response_seconds * 1000000 AS BIGINT) AS microseconds,
    CAST(message.business_response_seconds * 1000000 AS BIGINT) AS business_microseconds
  FROM messages AS message
  INNER JOIN local_days AS day
    ON message.occurred_at >= day.starts_at AND message.occurred_at < day.ends_at
  WHERE message.answered_item_id IS NOT NULL
),

-- durations of each clock in order; those without a business time come last, and do not count
ranked AS (
  SELECT
    local_date,
    channel,
    response,
    microseconds,
    business_microseconds,
    ROW_NUMBER() OVER (
      PARTITION BY local_date, channel, response ORDER BY microseconds
    ) AS place,
    COUNT(*) OVER (PARTITION BY local_date, channel, response) AS places,
    ROW_NUMBER() OVER (
      PARTITION BY local_date, channel, response
      ORDER BY CASE WHEN business_microseconds IS NULL THEN 1 ELSE 0 END, business_microseconds
    ) AS business_place,
    COUNT(business_microseconds) OVER (PARTITION BY local_date, channel, response)
      AS business_places
  FROM responses
),

found AS (
  SELECT
    local_date,
    channel,
    response,
    COUNT(*) AS responses,
    SUM(microseconds) AS total,
    MAX(CASE WHEN place = (places + 1) // 2 THEN microseconds END) AS lower_middle,
    MAX(CASE WHEN place = (places + 2) // 2 THEN microseconds END) AS upper_middle,
    MAX(CASE WHEN place = (9 * places + 9) // 10 THEN microseconds END) AS percentile_90,
    COUNT(business_microseconds) AS business_responses,
    SUM(business_microseconds) AS business_total,
    MAX(CASE WHEN business_place = (business_places + 1) // 2 THEN business_microseconds END)
      AS business_lower_middle,
    MAX(CASE WHEN business_place = (business_places + 2) // 2 THEN business_microseconds END)
      AS business_upper_middle,
    MAX(CASE WHEN business_place = (9 * business_places + 9) // 10 THEN business_microseconds END)
      AS business_percentile_90
  FROM ranked
  GROUP BY local_date, channel, response
)

SELECT
  local_date,
  channel,
  response,
  responses,
  CAST(total AS DOUBLE) / (1000000 * responses) AS average_response_seconds,
  CAST(lower_middle + upper_middle AS DECIMAL(18, 0)) * CAST('0.0000005' AS DECIMAL(8, 7))
    AS median_response_seconds,
  CAST(percentile_90 AS DECIMAL(18, 0)) * CAST('0.000001' AS DECIMAL(7, 6))
    AS percentile_90_response_seconds,
  business_responses,
  CASE
    WHEN business_responses > 0
      THEN CAST(business_total AS DOUBLE) / (1000000 * business_responses)
  END AS average_business_response_seconds,
  CAST(business_lower_middle + business_upper_middle AS DECIMAL(18, 0))
  * CAST('0.0000005' AS DECIMAL(8, 7)) AS median_business_response_seconds,
  CAST(business_percentile_90 AS DECIMAL(18, 0)) * CAST('0.000001' AS DECIMAL(7, 6))
    AS percentile_90_business_response_seconds
FROM found
