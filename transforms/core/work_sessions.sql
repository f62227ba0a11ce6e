-- One row is a work session: an agent's part of a contact, or a contact without anybody's part.
-- Key: contact_session_id, agent_id.
-- Answers: who worked on this contact, for how long, and within the service level? Which contacts
-- are open, and which ended without an agent?
--
-- A contact that is open, and one that nobody worked on, has one row without an agent: its agent_id
-- is '', so that the key holds values. Work sessions keep the ids that conversations and customers
-- had; here they have those of today. Durations come as texts of a report and are exact here; after
-- the end of a contact they may still grow until the agent's next one.
SELECT
  session.contact_session_id,
  session.agent_id,
  session.id AS work_session_id,
  COALESCE(conversation.resolved_conversation_id, session.conversation_id) AS conversation_id,
  COALESCE(customer.resolved_customer_id, session.customer_id) AS customer_id,
  session.channel,
  session.direction,
  session.inbox_id,
  session.accepted_inbox_id,
  session.contact_session_created_at AS created_at,
  session.contact_session_routed_at AS routed_at,
  session.agent_accepted_at AS accepted_at,
  session.sla_fulfilled_at AS fulfilled_at,
  session.contact_session_ended_at AS ended_at,
  session.contact_session_ended_at IS NULL AS is_open,
  session.status,
  session.within_sla,
  CAST(session.work_session_handle_time_seconds AS DECIMAL(18, 6)) AS handle_seconds,
  CAST(session.work_session_after_contact_time_seconds AS DECIMAL(18, 6)) AS after_contact_seconds,
  CAST(session.work_session_unknown_time_seconds AS DECIMAL(18, 6)) AS unknown_seconds
FROM work_session_events AS session
LEFT JOIN conversation_identities AS conversation
  ON conversation.conversation_id = session.conversation_id
LEFT JOIN customer_identities AS customer ON customer.customer_id = session.customer_id
