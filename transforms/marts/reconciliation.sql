-- One row is a figure of a day: as our models have it, and as Gladly's own report has it.
-- Key: local_date, metric.
-- Answers: do our figures agree with Gladly's? Where they do not, is there a reason, and which?
--
-- Compared are days of which a report was read: ContactSummaryReportV2 for contacts, by the day
-- they ended, ConversationSummaryReport for conversations, by the day they were closed last. Our
-- figures are made of events; handle times of work_session_events. The reason is the first that
-- holds:
--
--   not comparable   the report counts other spans than days of local_days (its time zone or the
--                    length of its buckets), or only some channels, inboxes or teams
--   equal            the figures are: to the last digit that reports show
--   incomplete day   events of the day are missing (load_files tells which spans were read), or the
--                    report was read before the day was over for two hours, or what the figure
--                    needs to know of one of its contacts or conversations happened before the
--                    span of events that the day is in, or is told by no feed
--   restated         the report was read too soon: what was recorded later than an hour before
--                    changes our figure, and Gladly's lies between what it was then and is now
--   unexplained      none of these: events were lost, or figures mean something else
--
--   events    |-------------------------------- covered --------------------------------|
--   the day          [-- closed ------)
--   report                              known | an hour | read
--   later                                                        reopened: restated
--
-- A conversation counts on the day of its last close, if it is closed; see Gladly's Conversation
-- Summary. It is eligible for first contact resolution if it has an inbound contact, and resolved
-- at first contact if that is its only contact and it was never reopened.
WITH

-- spans that were read, by feed: what overlaps or touches becomes one
feeds AS (
  SELECT
    'contacts' AS feed,
    EPOCH_US(window_from) AS from_microsecond,
    EPOCH_US(window_to) AS to_microsecond
  FROM load_files
  WHERE window_from IS NOT NULL AND window_to IS NOT NULL
    AND (
      stream = 'gladly.events'
      OR (stream = 'gladly.timestamps_reports' AND file = 'ContactTimestampsReport.csv')
    )
  UNION ALL
  SELECT
    'conversations' AS feed,
    EPOCH_US(window_from) AS from_microsecond,
    EPOCH_US(window_to) AS to_microsecond
  FROM load_files
  WHERE window_from IS NOT NULL AND window_to IS NOT NULL
    AND (
      stream = 'gladly.events'
      OR (stream = 'gladly.timestamps_reports' AND file = 'ConversationTimestampsReport.csv')
    )
),

-- no time is null; BigQuery has no other order for running aggregates
reached AS (
  SELECT
    feeds.*,
    MAX(to_microsecond) OVER (
      PARTITION BY feed
      ORDER BY from_microsecond NULLS FIRST, to_microsecond NULLS FIRST
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reached_microsecond
  FROM feeds
),

parted AS (
  SELECT
    reached.*,
    SUM(CASE WHEN reached_microsecond >= from_microsecond THEN 0 ELSE 1 END) OVER (
      PARTITION BY feed
      ORDER BY from_microsecond NULLS FIRST, to_microsecond NULLS FIRST
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS span_number
  FROM reached
),

covered AS (
  SELECT
    feed,
    MIN(from_microsecond) AS from_microsecond,
    MAX(to_microsecond) AS to_microsecond
  FROM parted
  GROUP BY feed, span_number
),

days AS (
  SELECT
    local_date,
    EPOCH_US(starts_at) AS starts_microsecond,
    EPOCH_US(ends_at) AS ends_microsecond,
    LEAD(local_date) OVER (ORDER BY local_date) AS next_date
  FROM local_days
),

read_windows AS (
  SELECT
    window_id,
    metric_set,
    CAST(report_day AS DATE) AS local_date,
    timezone,
    EPOCH_US(day) AS starts_microsecond,
    aggregation_level,
    CAST(filters AS TEXT) AS filters,
    "rows",
    EPOCH_US(requested_at) AS requested_microsecond,
    _extracted_at AS extracted_at
  FROM report_windows
  WHERE metric_set IN ('ContactSummaryReportV2', 'ConversationSummaryReport')
    AND requested_at IS NOT NULL
),

windows AS (
  SELECT
    this.window_id,
    this.metric_set,
    this.local_date,
    this.timezone,
    this."rows",
    this.extracted_at,
    days.starts_microsecond,
    days.ends_microsecond,
    this.requested_microsecond - 3600000000 AS known_microsecond,
    this.requested_microsecond >= days.ends_microsecond + 7200000000 AS is_settled,
    -- that a day ends when ours does is told by the one that follows it
    this.starts_microsecond = days.starts_microsecond
    AND COALESCE(following.starts_microsecond, days.ends_microsecond) = days.ends_microsecond
    AND COALESCE(this.aggregation_level, '') = 'daily'
    AND COALESCE(this.filters, '{}') = '{}' AS is_comparable
  FROM read_windows AS this
  INNER JOIN days ON days.local_date = this.local_date
  LEFT JOIN read_windows AS following
    ON following.metric_set = this.metric_set
    AND following.local_date = days.next_date
    AND following.timezone = this.timezone
),

contact_windows AS (
  SELECT
    windows.*,
    covered.from_microsecond AS covered_from
  FROM windows
  LEFT JOIN covered
    ON covered.feed = 'contacts'
    AND covered.from_microsecond <= windows.starts_microsecond
    AND covered.to_microsecond >= windows.ends_microsecond
  WHERE windows.metric_set = 'ContactSummaryReportV2'
),

-- what happens to a conversation after the day matters as well, as far as the report knows it
conversation_windows AS (
  SELECT
    windows.*,
    CASE
      WHEN contact_span.from_microsecond > covered.from_microsecond
        THEN contact_span.from_microsecond
      ELSE covered.from_microsecond
    END AS covered_from,
    contact_span.from_microsecond IS NOT NULL AS is_contact_covered
  FROM windows
  LEFT JOIN covered
    ON covered.feed = 'conversations'
    AND covered.from_microsecond <= windows.starts_microsecond
    AND covered.to_microsecond >= GREATEST(windows.ends_microsecond, windows.known_microsecond)
  LEFT JOIN covered AS contact_span
    ON contact_span.feed = 'contacts'
    AND contact_span.from_microsecond <= windows.starts_microsecond
    AND contact_span.to_microsecond
    >= GREATEST(windows.ends_microsecond, windows.known_microsecond)
  WHERE windows.metric_set = 'ConversationSummaryReport'
),

begun AS (
  SELECT
    contact_session_id AS contact_id,
    MIN(EPOCH_US(contact_session_created_at)) AS begun_microsecond
  FROM work_session_events
  GROUP BY contact_session_id
),

contacts_of_days AS (
  SELECT contacts.*, local_days.local_date
  FROM contacts
  INNER JOIN local_days
    ON contacts.ended_at >= local_days.starts_at AND contacts.ended_at < local_days.ends_at
),

-- of each contact that ended on a day: what it is now, and what the report could know
ended AS (
  SELECT
    this.window_id,
    contacts.direction,
    contacts.fulfilled_at,
    contacts.is_within_target,
    contacts.is_abandoned,
    contacts.status,
    contacts.is_target_known,
    CAST(
      CAST(contacts.handle_seconds AS DECIMAL(18, 6)) * CAST(1000000 AS DECIMAL(7, 0)) AS BIGINT
    ) AS handle_microseconds,
    EPOCH_US(contacts.ended_at) <= this.known_microsecond AS is_end_known,
    EPOCH_US(contacts.ended_at) <= this.known_microsecond
    AND EPOCH_US(contacts.fulfilled_at) <= this.known_microsecond AS is_fulfilment_known,
    NOT contacts.is_start_seen
    AND (
      begun.begun_microsecond IS NULL OR begun.begun_microsecond < this.covered_from
    ) AS is_begun_before
  FROM contact_windows AS this
  INNER JOIN contacts_of_days AS contacts ON contacts.local_date = this.local_date
  LEFT JOIN begun ON begun.contact_id = contacts.contact_id
),

contact_figures AS (
  SELECT
    window_id,
    COUNT(*) AS ended,
    COUNT(CASE WHEN is_end_known THEN 1 END) AS ended_then,
    COUNT(CASE WHEN direction = 'inbound' THEN 1 END) AS inbound,
    COUNT(CASE WHEN direction = 'inbound' AND is_end_known THEN 1 END) AS inbound_then,
    COUNT(fulfilled_at) AS fulfilled,
    COUNT(CASE WHEN is_fulfilment_known THEN 1 END) AS fulfilled_then,
    COUNT(CASE WHEN is_within_target THEN 1 END) AS before_target,
    COUNT(CASE WHEN is_within_target AND is_fulfilment_known THEN 1 END) AS before_target_then,
    COUNT(CASE WHEN is_abandoned THEN 1 END) AS abandoned,
    COUNT(CASE WHEN is_abandoned AND is_end_known THEN 1 END) AS abandoned_then,
    CAST(SUM(CASE WHEN direction = 'inbound' THEN handle_microseconds END) AS DOUBLE)
    / NULLIF(COUNT(CASE WHEN direction = 'inbound' THEN handle_microseconds END) * 1000000, 0)
      AS inbound_handle,
    CAST(
      SUM(CASE WHEN direction = 'inbound' AND is_end_known THEN handle_microseconds END) AS DOUBLE
    ) / NULLIF(
      COUNT(CASE WHEN direction = 'inbound' AND is_end_known THEN handle_microseconds END)
      * 1000000,
      0
    ) AS inbound_handle_then,
    CAST(SUM(CASE WHEN direction = 'outbound' THEN handle_microseconds END) AS DOUBLE)
    / NULLIF(COUNT(CASE WHEN direction = 'outbound' THEN handle_microseconds END) * 1000000, 0)
      AS outbound_handle,
    CAST(
      SUM(CASE WHEN direction = 'outbound' AND is_end_known THEN handle_microseconds END)
      AS DOUBLE
    ) / NULLIF(
      COUNT(CASE WHEN direction = 'outbound' AND is_end_known THEN handle_microseconds END)
      * 1000000,
      0
    ) AS outbound_handle_then,
    COUNT(CASE WHEN direction IS NULL THEN 1 END) AS directions_unknown,
    COUNT(CASE WHEN status IS NULL THEN 1 END) AS statuses_unknown,
    COUNT(CASE WHEN NOT is_target_known THEN 1 END) AS targets_unknown,
    COUNT(CASE WHEN handle_microseconds IS NULL THEN 1 END) AS handles_unknown,
    COUNT(CASE WHEN is_begun_before THEN 1 END) AS begun_before
  FROM ended
  GROUP BY window_id
),

changes AS (
  SELECT
    COALESCE(identity.resolved_conversation_id, event.conversation_id) AS conversation_id,
    event.type,
    event.event_id,
    event.timestamp AS recorded_at,
    EPOCH_US(event.timestamp) AS at_microsecond,
    COALESCE(identity.resolved_conversation_id = event.conversation_id, TRUE) AS is_unmerged
  FROM conversation_events AS event
  LEFT JOIN conversation_identities AS identity
    ON identity.conversation_id = event.conversation_id
  WHERE event.type IN ('CONVERSATION/CREATED', 'CONVERSATION/CLOSED', 'CONVERSATION/REOPENED')
    AND event.conversation_id IS NOT NULL
    AND event.timestamp IS NOT NULL
),

created AS (
  SELECT conversation_id, MIN(at_microsecond) AS created_microsecond
  FROM changes
  WHERE type = 'CONVERSATION/CREATED' AND is_unmerged
  GROUP BY conversation_id
),

-- a close and a reopening at one instant: it was reopened after it
turns AS (
  SELECT
    conversation_id,
    type,
    recorded_at,
    at_microsecond,
    LEAD(at_microsecond) OVER (
      PARTITION BY conversation_id ORDER BY at_microsecond, type COLLATE C, event_id COLLATE C
    ) AS next_microsecond,
    SUM(CASE WHEN type = 'CONVERSATION/REOPENED' THEN 1 ELSE 0 END) OVER (
      PARTITION BY conversation_id
      ORDER BY
        at_microsecond NULLS FIRST, type COLLATE C NULLS FIRST, event_id COLLATE C NULLS FIRST
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS reopenings
  FROM changes
  WHERE type <> 'CONVERSATION/CREATED'
),

numbered_contacts AS (
  SELECT
    conversation_id,
    direction,
    COALESCE(EPOCH_US(queued_at), 0) AS queued_microsecond,
    ROW_NUMBER() OVER (
      PARTITION BY conversation_id
      ORDER BY COALESCE(EPOCH_US(queued_at), 0), contact_id COLLATE C
    ) AS contact_number
  FROM contacts
  WHERE conversation_id IS NOT NULL
),

contacts_of_conversations AS (
  SELECT
    conversation_id,
    MIN(CASE WHEN direction = 'inbound' THEN queued_microsecond END) AS inbound_microsecond,
    MIN(CASE WHEN contact_number = 2 THEN queued_microsecond END) AS second_microsecond,
    COUNT(CASE WHEN direction IS NULL THEN 1 END) AS directions_unknown
  FROM numbered_contacts
  GROUP BY conversation_id
),

closes_of_days AS (
  SELECT turns.*, local_days.local_date
  FROM turns
  INNER JOIN local_days
    ON turns.recorded_at >= local_days.starts_at AND turns.recorded_at < local_days.ends_at
  WHERE turns.type = 'CONVERSATION/CLOSED'
),

closed AS (
  SELECT
    this.window_id,
    turns.next_microsecond IS NULL AS is_last,
    turns.at_microsecond <= this.known_microsecond
    AND (turns.next_microsecond IS NULL OR turns.next_microsecond > this.known_microsecond)
      AS is_last_then,
    contacts.inbound_microsecond IS NOT NULL AS is_eligible,
    COALESCE(contacts.inbound_microsecond <= this.known_microsecond, FALSE) AS is_eligible_then,
    turns.reopenings = 0 AND contacts.second_microsecond IS NULL AS is_only,
    turns.reopenings = 0
    AND (
      contacts.second_microsecond IS NULL
      OR contacts.second_microsecond > this.known_microsecond
    ) AS is_only_then,
    COALESCE(created.created_microsecond < this.covered_from, TRUE)
    OR COALESCE(contacts.directions_unknown, 0) > 0 AS is_unknown
  FROM conversation_windows AS this
  INNER JOIN closes_of_days AS turns ON turns.local_date = this.local_date
  LEFT JOIN created ON created.conversation_id = turns.conversation_id
  LEFT JOIN contacts_of_conversations AS contacts
    ON contacts.conversation_id = turns.conversation_id
),

conversation_figures AS (
  SELECT
    window_id,
    COUNT(CASE WHEN is_last THEN 1 END) AS closed,
    COUNT(CASE WHEN is_last_then THEN 1 END) AS closed_then,
    COUNT(CASE WHEN is_last AND is_eligible THEN 1 END) AS eligible,
    COUNT(CASE WHEN is_last_then AND is_eligible_then THEN 1 END) AS eligible_then,
    COUNT(CASE WHEN is_last AND is_eligible AND is_only THEN 1 END) AS resolved,
    COUNT(CASE WHEN is_last_then AND is_eligible_then AND is_only_then THEN 1 END)
      AS resolved_then,
    COUNT(CASE WHEN (is_last OR is_last_then) AND is_unknown THEN 1 END) AS unknown
  FROM closed
  GROUP BY window_id
),

contact_reports AS (
  SELECT
    window_id,
    COUNT(*) AS found,
    MIN(timezone_filter) AS timezone_filter,
    MIN(contacts_ended) AS contacts_ended,
    MIN(contacts_inbound) AS contacts_inbound,
    MIN(contacts_fulfilled) AS contacts_fulfilled,
    MIN(contacts_abandoned) AS contacts_abandoned,
    MIN(service_level_fraction) AS service_level_fraction,
    MIN(avg_inbound_contact_handle_time_seconds) AS inbound_handle,
    MIN(avg_outbound_contact_handle_time_seconds) AS outbound_handle
  FROM report_contact_summary_v2
  GROUP BY window_id
),

conversation_reports AS (
  SELECT
    window_id,
    COUNT(*) AS found,
    MIN(timezone_filter) AS timezone_filter,
    MIN(conversations_closed) AS conversations_closed,
    MIN(count_of_fcr_eligible) AS count_of_fcr_eligible,
    MIN(fcr_success_fraction) AS fcr_success_fraction
  FROM report_conversation_summary
  GROUP BY window_id
),

metrics AS (
  SELECT 'contacts_ended' AS metric, 'contacts' AS subject, 0.5 AS tolerance
  UNION ALL
  SELECT 'contacts_inbound' AS metric, 'contacts' AS subject, 0.5 AS tolerance
  UNION ALL
  SELECT 'contacts_fulfilled' AS metric, 'contacts' AS subject, 0.5 AS tolerance
  UNION ALL
  SELECT 'contacts_abandoned' AS metric, 'contacts' AS subject, 0.5 AS tolerance
  UNION ALL
  SELECT 'service_level_rate' AS metric, 'contacts' AS subject, 0.000001 AS tolerance
  UNION ALL
  SELECT 'average_inbound_handle_seconds' AS metric, 'contacts' AS subject, 0.001 AS tolerance
  UNION ALL
  SELECT 'average_outbound_handle_seconds' AS metric, 'contacts' AS subject, 0.001 AS tolerance
  UNION ALL
  SELECT 'conversations_closed' AS metric, 'conversations' AS subject, 0.5 AS tolerance
  UNION ALL
  SELECT
    'first_contact_resolution_eligible' AS metric, 'conversations' AS subject, 0.5 AS tolerance
  UNION ALL
  SELECT
    'first_contact_resolution_rate' AS metric, 'conversations' AS subject, 0.000001 AS tolerance
),

compared AS (
  SELECT
    this.local_date,
    metrics.metric,
    metrics.tolerance,
    CASE metrics.metric
      WHEN 'contacts_ended' THEN CAST(COALESCE(ours.ended, 0) AS DOUBLE)
      WHEN 'contacts_inbound' THEN CAST(COALESCE(ours.inbound, 0) AS DOUBLE)
      WHEN 'contacts_fulfilled' THEN CAST(COALESCE(ours.fulfilled, 0) AS DOUBLE)
      WHEN 'contacts_abandoned' THEN CAST(COALESCE(ours.abandoned, 0) AS DOUBLE)
      WHEN 'service_level_rate'
        THEN CAST(ours.before_target AS DOUBLE) / NULLIF(ours.inbound, 0)
      WHEN 'average_inbound_handle_seconds' THEN ours.inbound_handle
      WHEN 'average_outbound_handle_seconds' THEN ours.outbound_handle
    END AS our_value,
    CASE metrics.metric
      WHEN 'contacts_ended' THEN CAST(COALESCE(ours.ended_then, 0) AS DOUBLE)
      WHEN 'contacts_inbound' THEN CAST(COALESCE(ours.inbound_then, 0) AS DOUBLE)
      WHEN 'contacts_fulfilled' THEN CAST(COALESCE(ours.fulfilled_then, 0) AS DOUBLE)
      WHEN 'contacts_abandoned' THEN CAST(COALESCE(ours.abandoned_then, 0) AS DOUBLE)
      WHEN 'service_level_rate'
        THEN CAST(ours.before_target_then AS DOUBLE) / NULLIF(ours.inbound_then, 0)
      WHEN 'average_inbound_handle_seconds' THEN ours.inbound_handle_then
      WHEN 'average_outbound_handle_seconds' THEN ours.outbound_handle_then
    END AS our_value_then,
    CASE metrics.metric
      WHEN 'contacts_ended'
        THEN CAST(CASE WHEN this."rows" = 0 THEN 0 ELSE report.contacts_ended END AS DOUBLE)
      WHEN 'contacts_inbound'
        THEN CAST(CASE WHEN this."rows" = 0 THEN 0 ELSE report.contacts_inbound END AS DOUBLE)
      WHEN 'contacts_fulfilled'
        THEN CAST(CASE WHEN this."rows" = 0 THEN 0 ELSE report.contacts_fulfilled END AS DOUBLE)
      WHEN 'contacts_abandoned'
        THEN CAST(CASE WHEN this."rows" = 0 THEN 0 ELSE report.contacts_abandoned END AS DOUBLE)
      WHEN 'service_level_rate' THEN report.service_level_fraction
      WHEN 'average_inbound_handle_seconds' THEN report.inbound_handle
      WHEN 'average_outbound_handle_seconds' THEN report.outbound_handle
    END AS gladly_value,
    this.is_comparable
    AND COALESCE(report.found, 0) <= 1
    AND COALESCE(report.timezone_filter, this.timezone) = this.timezone AS is_comparable,
    this.is_settled
    AND this.covered_from IS NOT NULL
    AND CASE
      WHEN metrics.metric = 'contacts_inbound' THEN COALESCE(ours.directions_unknown, 0)
      WHEN metrics.metric = 'contacts_fulfilled' THEN COALESCE(ours.begun_before, 0)
      WHEN metrics.metric = 'contacts_abandoned' THEN COALESCE(ours.statuses_unknown, 0)
      WHEN metrics.metric = 'service_level_rate'
        THEN COALESCE(ours.directions_unknown + ours.targets_unknown + ours.begun_before, 0)
      WHEN metrics.metric IN (
        'average_inbound_handle_seconds', 'average_outbound_handle_seconds'
      ) THEN COALESCE(ours.directions_unknown + ours.handles_unknown, 0)
      ELSE 0
    END = 0 AS is_complete,
    this.extracted_at
  FROM contact_windows AS this
  INNER JOIN metrics ON metrics.subject = 'contacts'
  LEFT JOIN contact_figures AS ours ON ours.window_id = this.window_id
  LEFT JOIN contact_reports AS report ON report.window_id = this.window_id
  UNION ALL
  SELECT
    this.local_date,
    metrics.metric,
    metrics.tolerance,
    CASE metrics.metric
      WHEN 'conversations_closed' THEN CAST(COALESCE(ours.closed, 0) AS DOUBLE)
      WHEN 'first_contact_resolution_eligible' THEN CAST(COALESCE(ours.eligible, 0) AS DOUBLE)
      WHEN 'first_contact_resolution_rate'
        THEN CAST(ours.resolved AS DOUBLE) / NULLIF(ours.eligible, 0)
    END AS our_value,
    CASE metrics.metric
      WHEN 'conversations_closed' THEN CAST(COALESCE(ours.closed_then, 0) AS DOUBLE)
      WHEN 'first_contact_resolution_eligible'
        THEN CAST(COALESCE(ours.eligible_then, 0) AS DOUBLE)
      WHEN 'first_contact_resolution_rate'
        THEN CAST(ours.resolved_then AS DOUBLE) / NULLIF(ours.eligible_then, 0)
    END AS our_value_then,
    CASE metrics.metric
      WHEN 'conversations_closed'
        THEN CAST(CASE WHEN this."rows" = 0 THEN 0 ELSE report.conversations_closed END AS DOUBLE)
      WHEN 'first_contact_resolution_eligible'
        THEN CAST(
          CASE WHEN this."rows" = 0 THEN 0 ELSE report.count_of_fcr_eligible END AS DOUBLE
        )
      WHEN 'first_contact_resolution_rate' THEN report.fcr_success_fraction
    END AS gladly_value,
    this.is_comparable
    AND COALESCE(report.found, 0) <= 1
    AND COALESCE(report.timezone_filter, this.timezone) = this.timezone AS is_comparable,
    this.is_settled
    AND this.covered_from IS NOT NULL
    AND (
      metrics.metric = 'conversations_closed'
      OR (this.is_contact_covered AND COALESCE(ours.unknown, 0) = 0)
    ) AS is_complete,
    this.extracted_at
  FROM conversation_windows AS this
  INNER JOIN metrics ON metrics.subject = 'conversations'
  LEFT JOIN conversation_figures AS ours ON ours.window_id = this.window_id
  LEFT JOIN conversation_reports AS report ON report.window_id = this.window_id
)

SELECT
  local_date,
  metric,
  our_value,
  gladly_value,
  our_value - gladly_value AS difference,
  CASE
    WHEN NOT is_comparable THEN 'not comparable'
    WHEN our_value IS NULL AND gladly_value IS NULL THEN 'equal'
    WHEN ABS(our_value - gladly_value) < tolerance THEN 'equal'
    WHEN NOT is_complete THEN 'incomplete day'
    WHEN our_value IS NULL OR our_value_then IS NULL OR gladly_value IS NULL
      THEN CASE
        WHEN (our_value IS NULL) <> (our_value_then IS NULL)
          AND (gladly_value IS NULL) = (our_value_then IS NULL)
          THEN 'restated'
        ELSE 'unexplained'
      END
    WHEN ABS(our_value - our_value_then) >= tolerance
      AND gladly_value > LEAST(our_value, our_value_then) - tolerance
      AND gladly_value < GREATEST(our_value, our_value_then) + tolerance
      THEN 'restated'
    ELSE 'unexplained'
  END AS reason,
  extracted_at
FROM compared
