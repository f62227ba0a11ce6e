-- One row is a contact: one call, or one exchange of messages on one channel.
-- Key: contact_id.
-- Answers: how long did customers wait, and was that within the target? Who gave up? How often
-- was it offered, refused, passed on, put on hold? How long did it take agents?
--
-- Times are those of the events, when they were recorded; of each kind of event the first counts.
--
--   STARTED     OFFERED     OFFER_ACCEPTED     FULFILLED          ENDED
--      |-----------|---------------|---------------|----------------|
--    queued      first           first         answered,           over
--                offered         accepted      or cancelled
--
-- Where the feed begins in the middle of a contact (is_start_seen is false), whatever needs the
-- start is null: its queue, its firsts, its waits. Counts then are of what was seen.
--
-- Work sessions add what no event tells: handle and after-contact time, as soon as a reading of
-- work_session_events shows that the contact has ended. They also stand in where an event is
-- missing, or was filled from a report, which leaves fields out: for direction, inbox, status, and
-- whether the target was met.
--
-- A hold counts from HOLD_STARTED to the HOLD_ENDED that follows it. One without an end, or an end
-- without a beginning, has no known length.
--
-- The clock of business hours stands still while the organisation's default hours are closed; see
-- business_hour_spans.
WITH

kinds AS (
  SELECT
    contact_id,
    CASE
      WHEN type <> 'CONTACT/JOINED' THEN type
      WHEN initiator_type = 'AGENT' AND initiator_id IS NOT NULL THEN type
    END AS kind,
    event_id,
    timestamp AS recorded_at,
    conversation_id,
    customer_id,
    channel,
    initiator_id,
    initiator_type,
    reason,
    status,
    fulfilled_type,
    due_at,
    entry_point,
    final_ivr_selection,
    context_assignee_inbox_id,
    origin
  FROM contact_events
  WHERE contact_id IS NOT NULL AND timestamp IS NOT NULL
),

-- events of a kind, from the first to the last; and which event was the last to name a conversation
placed AS (
  SELECT
    kinds.*,
    ROW_NUMBER() OVER (
      PARTITION BY contact_id, kind ORDER BY recorded_at, event_id COLLATE C
    ) AS place,
    COUNT(*) OVER (PARTITION BY contact_id, kind) AS places,
    COUNT(conversation_id) OVER (
      PARTITION BY contact_id
      ORDER BY recorded_at DESC, event_id COLLATE C DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS conversations_named,
    COUNT(customer_id) OVER (
      PARTITION BY contact_id
      ORDER BY recorded_at DESC, event_id COLLATE C DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS customers_named
  FROM kinds
),

told AS (
  SELECT
    contact_id,
    MAX(CASE WHEN conversations_named = 1 THEN conversation_id END) AS conversation_id,
    MAX(CASE WHEN customers_named = 1 THEN customer_id END) AS customer_id,
    MAX(channel) AS channel,
    MAX(CASE WHEN kind = 'CONTACT/STARTED' AND place = 1 THEN recorded_at END) AS queued_at,
    MAX(CASE WHEN kind = 'CONTACT/STARTED' AND place = 1 THEN initiator_type END) AS started_by,
    MAX(CASE WHEN kind = 'CONTACT/STARTED' AND place = 1 THEN origin END) AS started_origin,
    MAX(CASE WHEN kind = 'CONTACT/STARTED' AND place = 1 THEN due_at END) AS due_at,
    MAX(CASE WHEN kind = 'CONTACT/STARTED' AND place = 1 THEN context_assignee_inbox_id END)
      AS inbox_id,
    MAX(CASE WHEN kind = 'CONTACT/STARTED' AND place = 1 THEN entry_point END) AS entry_point,
    MAX(CASE WHEN kind = 'CONTACT/STARTED' AND place = 1 THEN final_ivr_selection END)
      AS final_ivr_selection,
    MIN(CASE WHEN kind = 'CONTACT/OFFERED' THEN recorded_at END) AS offered_at,
    MIN(CASE WHEN kind = 'CONTACT/OFFER_ACCEPTED' THEN recorded_at END) AS accepted_at,
    MIN(CASE WHEN kind = 'CONTACT/FULFILLED' THEN recorded_at END) AS fulfilled_at,
    MAX(CASE WHEN kind = 'CONTACT/FULFILLED' AND place = 1 THEN fulfilled_type END)
      AS fulfilled_type,
    MIN(CASE WHEN kind = 'CONTACT/ENDED' THEN recorded_at END) AS ended_at,
    MAX(CASE WHEN kind = 'CONTACT/ENDED' AND place = 1 THEN status END) AS status,
    MAX(CASE WHEN kind = 'CONTACT/ENDED' AND place = 1 THEN reason END) AS end_reason,
    MAX(CASE WHEN kind = 'CONTACT/JOINED' AND place = 1 THEN initiator_id END) AS first_agent_id,
    MAX(CASE WHEN kind = 'CONTACT/JOINED' AND place = places THEN initiator_id END)
      AS last_agent_id,
    COUNT(DISTINCT CASE WHEN kind = 'CONTACT/JOINED' THEN initiator_id END) AS agents,
    COUNT(CASE WHEN kind = 'CONTACT/OFFERED' THEN 1 END) AS offers,
    COUNT(CASE WHEN kind = 'CONTACT/OFFER_ACCEPTED' THEN 1 END) AS offers_accepted,
    COUNT(CASE WHEN kind = 'CONTACT/OFFER_REJECTED' THEN 1 END) AS offers_rejected,
    COUNT(CASE WHEN kind = 'CONTACT/OFFER_REJECTED' AND reason = 'DECLINED' THEN 1 END)
      AS offers_declined,
    COUNT(CASE WHEN kind = 'CONTACT/OFFER_REJECTED' AND reason = 'MISSED' THEN 1 END)
      AS offers_missed,
    COUNT(CASE WHEN kind = 'CONTACT/OFFER_REJECTED' AND reason = 'DEVICE ERROR' THEN 1 END)
      AS offers_device_error,
    COUNT(CASE WHEN kind = 'CONTACT/TRANSFERRED' THEN 1 END) AS transfers,
    COUNT(CASE WHEN kind = 'CONTACT/HOLD_STARTED' THEN 1 END) AS holds,
    COUNT(CASE WHEN kind IN ('CONTACT/MESSAGE_RECEIVED', 'CONTACT/MESSAGE_SENT') THEN 1 END)
      AS messages,
    COUNT(
      CASE
        WHEN kind IN ('CONTACT/MESSAGE_RECEIVED', 'CONTACT/MESSAGE_SENT')
          AND initiator_type IN ('CUSTOMER', 'EXTERNAL')
          THEN 1
      END
    ) AS messages_by_customer,
    COUNT(
      CASE
        WHEN kind IN ('CONTACT/MESSAGE_RECEIVED', 'CONTACT/MESSAGE_SENT')
          AND initiator_type = 'AGENT'
          THEN 1
      END
    ) AS messages_by_agent,
    COUNT(
      CASE
        WHEN kind IN ('CONTACT/MESSAGE_RECEIVED', 'CONTACT/MESSAGE_SENT')
          AND initiator_type = 'AUTOMATION'
          THEN 1
      END
    ) AS messages_by_rules,
    COUNT(
      CASE
        WHEN kind IN ('CONTACT/MESSAGE_RECEIVED', 'CONTACT/MESSAGE_SENT')
          AND initiator_type IN ('API', 'APPLICATION')
          THEN 1
      END
    ) AS messages_by_api
  FROM placed
  GROUP BY contact_id
),

hold_events AS (
  SELECT
    contact_id,
    kind,
    reason,
    EPOCH_US(recorded_at) AS at_microsecond,
    -- at one instant an end comes before a beginning: no hold is cut by the one after it
    LEAD(kind) OVER (
      PARTITION BY contact_id ORDER BY recorded_at, kind COLLATE C, event_id COLLATE C
    ) AS next_kind,
    LEAD(EPOCH_US(recorded_at)) OVER (
      PARTITION BY contact_id ORDER BY recorded_at, kind COLLATE C, event_id COLLATE C
    ) AS next_microsecond
  FROM kinds
  WHERE kind IN ('CONTACT/HOLD_ENDED', 'CONTACT/HOLD_STARTED')
),

holds AS (
  SELECT
    contact_id,
    SUM(next_microsecond - at_microsecond) AS all_microseconds,
    SUM(CASE WHEN reason = 'MANUAL' THEN next_microsecond - at_microsecond END)
      AS manual_microseconds,
    SUM(CASE WHEN reason = 'WARM_TRANSFER' THEN next_microsecond - at_microsecond END)
      AS warm_transfer_microseconds,
    SUM(CASE WHEN reason = 'COLD_TRANSFER' THEN next_microsecond - at_microsecond END)
      AS cold_transfer_microseconds,
    SUM(CASE WHEN reason = 'CONFERENCE' THEN next_microsecond - at_microsecond END)
      AS conference_microseconds
  FROM hold_events
  WHERE kind = 'CONTACT/HOLD_STARTED' AND next_kind = 'CONTACT/HOLD_ENDED'
  GROUP BY contact_id
),

-- one row an agent, or one without an agent where nobody worked on it or it was open
sessions AS (
  SELECT
    contact_session_id,
    MAX(direction COLLATE C) AS direction,
    MAX(inbox_id COLLATE C) AS inbox_id,
    MAX(CASE WHEN contact_session_ended_at IS NOT NULL THEN status END COLLATE C) AS status,
    MAX(CASE WHEN within_sla THEN 1 WHEN NOT within_sla THEN 0 END) AS within_sla,
    COUNT(contact_session_ended_at) AS ended_sessions,
    SUM(CAST(FLOOR(work_session_handle_time_seconds * 1000000 + 0.5) AS BIGINT))
      AS handle_microseconds,
    SUM(CAST(FLOOR(work_session_after_contact_time_seconds * 1000000 + 0.5) AS BIGINT))
      AS after_contact_microseconds
  FROM work_session_events
  GROUP BY contact_session_id
),

found AS (
  SELECT
    told.*,
    told.started_origin IS NOT NULL AS is_start_seen,
    CASE
      WHEN told.started_by IN ('CUSTOMER', 'INTERNAL', 'EXTERNAL') THEN 'inbound'
      WHEN told.started_by IN ('AGENT', 'APPLICATION', 'SYSTEM') THEN 'outbound'
      WHEN sessions.direction = 'INBOUND' THEN 'inbound'
      WHEN sessions.direction = 'OUTBOUND' THEN 'outbound'
    END AS direction,
    COALESCE(told.inbox_id, sessions.inbox_id) AS queue_inbox_id,
    CASE
      WHEN told.ended_at IS NULL THEN 'OPEN'
      ELSE COALESCE(told.status, sessions.status)
    END AS final_status,
    COALESCE(told.started_origin = 'events', FALSE)
    OR told.due_at IS NOT NULL
    OR COALESCE(sessions.ended_sessions, 0) > 0 AS is_target_known,
    CASE
      WHEN told.fulfilled_at IS NULL THEN NULL
      WHEN told.due_at IS NOT NULL THEN told.fulfilled_at <= told.due_at
      WHEN told.started_origin = 'events' THEN NULL
      ELSE sessions.within_sla = 1
    END AS is_within_target,
    EPOCH_US(told.queued_at) AS queued_microsecond,
    EPOCH_US(told.fulfilled_at) AS fulfilled_microsecond,
    COALESCE(holds.all_microseconds, 0) AS hold_microseconds,
    COALESCE(holds.manual_microseconds, 0) AS hold_manual_microseconds,
    COALESCE(holds.warm_transfer_microseconds, 0) AS hold_warm_transfer_microseconds,
    COALESCE(holds.cold_transfer_microseconds, 0) AS hold_cold_transfer_microseconds,
    COALESCE(holds.conference_microseconds, 0) AS hold_conference_microseconds,
    CASE
      WHEN told.ended_at IS NOT NULL AND sessions.ended_sessions > 0
        THEN COALESCE(sessions.handle_microseconds, 0)
    END AS handle_microseconds,
    CASE
      WHEN told.ended_at IS NOT NULL AND sessions.ended_sessions > 0
        THEN COALESCE(sessions.after_contact_microseconds, 0)
    END AS after_contact_microseconds
  FROM told
  LEFT JOIN holds ON holds.contact_id = told.contact_id
  LEFT JOIN sessions ON sessions.contact_session_id = told.contact_id
),

primary_hours AS (
  SELECT MIN(business_hours_id COLLATE C) AS business_hours_id
  FROM business_hour_spans
  WHERE is_primary
),

open_spans AS (
  SELECT
    spans.span_number,
    EPOCH_US(spans.opens_at) AS opens_microsecond,
    EPOCH_US(spans.closes_at) AS closes_microsecond,
    spans.open_microseconds_before
  FROM business_hour_spans AS spans
  INNER JOIN primary_hours ON primary_hours.business_hours_id = spans.business_hours_id
),

instants AS (
  SELECT queued_microsecond AS at_microsecond
  FROM found
  WHERE queued_microsecond IS NOT NULL AND fulfilled_microsecond IS NOT NULL
  UNION
  SELECT fulfilled_microsecond AS at_microsecond
  FROM found
  WHERE queued_microsecond IS NOT NULL AND fulfilled_microsecond IS NOT NULL
),

marks AS (
  SELECT opens_microsecond AS at_microsecond, 0 AS is_instant, span_number
  FROM open_spans
  UNION ALL
  SELECT at_microsecond, 1 AS is_instant, CAST(NULL AS BIGINT) AS span_number
  FROM instants
),

located AS (
  SELECT
    at_microsecond,
    is_instant,
    -- none is null; BigQuery has no other order for a running maximum
    MAX(span_number) OVER (
      ORDER BY at_microsecond NULLS FIRST, is_instant NULLS FIRST
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS span_number
  FROM marks
),

business_clock AS (
  SELECT
    located.at_microsecond,
    COALESCE(
      open_spans.open_microseconds_before
      + LEAST(located.at_microsecond, open_spans.closes_microsecond)
      - open_spans.opens_microsecond,
      0
    ) AS clock_microsecond
  FROM located
  CROSS JOIN primary_hours
  LEFT JOIN open_spans ON open_spans.span_number = located.span_number
  WHERE located.is_instant = 1 AND primary_hours.business_hours_id IS NOT NULL
)

SELECT
  found.contact_id,
  COALESCE(conversation.resolved_conversation_id, found.conversation_id) AS conversation_id,
  COALESCE(customer.resolved_customer_id, found.customer_id) AS customer_id,
  found.channel,
  found.direction,
  found.queue_inbox_id AS inbox_id,
  found.entry_point,
  found.final_ivr_selection,
  found.is_start_seen,
  found.queued_at,
  CASE WHEN found.is_start_seen THEN found.offered_at END AS first_offered_at,
  CASE WHEN found.is_start_seen THEN found.accepted_at END AS first_accepted_at,
  found.fulfilled_at,
  found.fulfilled_type,
  found.ended_at,
  found.final_status AS status,
  found.end_reason,
  found.final_status = 'ABANDONED' AS is_abandoned,
  found.due_at,
  CAST(EPOCH_US(found.due_at) - found.queued_microsecond AS DECIMAL(18, 0))
  * CAST('0.000001' AS DECIMAL(7, 6)) AS target_seconds,
  found.is_target_known,
  found.is_within_target,
  CAST(EPOCH_US(found.accepted_at) - found.queued_microsecond AS DECIMAL(18, 0))
  * CAST('0.000001' AS DECIMAL(7, 6)) AS queued_to_accepted_seconds,
  CAST(found.fulfilled_microsecond - found.queued_microsecond AS DECIMAL(18, 0))
  * CAST('0.000001' AS DECIMAL(7, 6)) AS queued_to_fulfilled_seconds,
  CAST(
    fulfilled_clock.clock_microsecond - queued_clock.clock_microsecond AS DECIMAL(18, 0)
  ) * CAST('0.000001' AS DECIMAL(7, 6)) AS queued_to_fulfilled_business_seconds,
  CAST(EPOCH_US(found.ended_at) - found.queued_microsecond AS DECIMAL(18, 0))
  * CAST('0.000001' AS DECIMAL(7, 6)) AS queued_to_ended_seconds,
  CASE WHEN found.is_start_seen THEN found.first_agent_id END AS first_agent_id,
  found.last_agent_id,
  found.agents,
  found.offers,
  found.offers_accepted,
  found.offers_rejected,
  found.offers_declined,
  found.offers_missed,
  found.offers_device_error,
  found.transfers,
  found.holds,
  CAST(found.hold_microseconds AS DECIMAL(18, 0)) * CAST('0.000001' AS DECIMAL(7, 6))
    AS hold_seconds,
  CAST(found.hold_manual_microseconds AS DECIMAL(18, 0)) * CAST('0.000001' AS DECIMAL(7, 6))
    AS hold_manual_seconds,
  CAST(found.hold_warm_transfer_microseconds AS DECIMAL(18, 0))
  * CAST('0.000001' AS DECIMAL(7, 6)) AS hold_warm_transfer_seconds,
  CAST(found.hold_cold_transfer_microseconds AS DECIMAL(18, 0))
  * CAST('0.000001' AS DECIMAL(7, 6)) AS hold_cold_transfer_seconds,
  CAST(found.hold_conference_microseconds AS DECIMAL(18, 0))
  * CAST('0.000001' AS DECIMAL(7, 6)) AS hold_conference_seconds,
  CAST(found.handle_microseconds AS DECIMAL(18, 0)) * CAST('0.000001' AS DECIMAL(7, 6))
    AS handle_seconds,
  CAST(found.after_contact_microseconds AS DECIMAL(18, 0)) * CAST('0.000001' AS DECIMAL(7, 6))
    AS after_contact_seconds,
  CASE
    WHEN found.channel = 'PHONE_CALL' AND found.handle_microseconds > 0
      THEN CAST(found.handle_microseconds - found.hold_microseconds AS DECIMAL(18, 0))
        * CAST('0.000001' AS DECIMAL(7, 6))
  END AS talk_seconds,
  found.messages,
  found.messages_by_customer,
  found.messages_by_agent,
  found.messages_by_rules,
  found.messages_by_api
FROM found
LEFT JOIN conversation_identities AS conversation
  ON conversation.conversation_id = found.conversation_id
LEFT JOIN customer_identities AS customer ON customer.customer_id = found.customer_id
LEFT JOIN business_clock AS queued_clock
  ON queued_clock.at_microsecond = found.queued_microsecond
LEFT JOIN business_clock AS fulfilled_clock
  ON fulfilled_clock.at_microsecond = found.fulfilled_microsecond
