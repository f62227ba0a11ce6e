-- One row is an id, of a customer or a conversation, that was merged away or merged into.
-- Key: entity, id.
-- Answers: which id stands for this one today? How many merges lie between them? Which ids were
-- merged in a circle, so that the evidence contradicts itself?
--
-- Each id has one merge of its own, that of its latest evidence; evidence without a time is as old
-- as its extraction. Merges are followed to the id that has none.
--
--   a -> b -> c          a, b and c resolve to c
--   a -> b -> c -> b     b and c are in a cycle. All that came later contradicts its earliest
--                        merge, so whom that merge took away survives.
--
-- A walk takes one merge a step. It remembers the merge it took at steps 1, 2, 4, 8 ...; one that
-- meets the remembered merge again has gone round a cycle, once, since it remembered it. So each
-- walk ends by itself, after steps in proportion to its length.
WITH RECURSIVE

evidence AS (
  SELECT
    'customer' AS entity,
    source_customer_id AS source_id,
    destination_customer_id AS destination_id,
    COALESCE(merged_at, _extracted_at) AS merged_at,
    _extracted_at AS extracted_at
  FROM customer_merges
  WHERE source_customer_id <> destination_customer_id
  UNION ALL
  SELECT
    'conversation' AS entity,
    source_conversation_id AS source_id,
    destination_conversation_id AS destination_id,
    COALESCE(merged_at, _extracted_at) AS merged_at,
    _extracted_at AS extracted_at
  FROM conversation_merges
  WHERE source_conversation_id <> destination_conversation_id
),

ranked AS (
  SELECT
    evidence.*,
    ROW_NUMBER() OVER (
      PARTITION BY entity, source_id
      ORDER BY merged_at DESC, extracted_at DESC, destination_id COLLATE C DESC
    ) AS evidence_rank
  FROM evidence
),

-- from here on a merge, and the id it took away, is a number: the lower, the earlier
numbered AS (
  SELECT
    entity,
    source_id,
    destination_id,
    ROW_NUMBER() OVER (
      ORDER BY merged_at, extracted_at, source_id COLLATE C, entity COLLATE C
    ) AS merge_number
  FROM ranked
  WHERE evidence_rank = 1
),

merges AS (
  SELECT
    merge.merge_number,
    merge.entity,
    merge.source_id,
    merge.destination_id,
    following.merge_number AS next_number
  FROM numbered AS merge
  LEFT JOIN numbered AS following
    ON following.entity = merge.entity AND following.source_id = merge.destination_id
),

walks AS (
  SELECT
    merge_number AS first_number,
    merge_number AS last_number,
    next_number,
    1 AS steps,
    merge_number AS remembered_number,
    1 AS remembered_step,
    merge_number AS earliest_number,
    FALSE AS is_round
  FROM merges
  UNION ALL
  SELECT
    walk.first_number,
    step.merge_number AS last_number,
    step.next_number,
    walk.steps + 1 AS steps,
    CASE
      WHEN walk.steps + 1 = 2 * walk.remembered_step THEN step.merge_number
      ELSE walk.remembered_number
    END AS remembered_number,
    CASE
      WHEN walk.steps + 1 = 2 * walk.remembered_step THEN walk.steps + 1
      ELSE walk.remembered_step
    END AS remembered_step,
    CASE
      WHEN step.merge_number = walk.remembered_number THEN walk.earliest_number
      WHEN walk.steps + 1 = 2 * walk.remembered_step THEN step.merge_number
      WHEN step.merge_number < walk.earliest_number THEN step.merge_number
      ELSE walk.earliest_number
    END AS earliest_number,
    step.merge_number = walk.remembered_number AS is_round
  FROM walks AS walk
  INNER JOIN merges AS step ON step.merge_number = walk.next_number
  WHERE NOT walk.is_round
),

outcomes AS (
  SELECT
    first_number,
    MAX(CASE WHEN next_number IS NULL THEN last_number END) AS final_number,
    MAX(CASE WHEN next_number IS NULL THEN steps END) AS steps_to_end,
    MAX(CASE WHEN is_round THEN earliest_number END) AS survivor_number,
    MAX(CASE WHEN next_number = first_number THEN 1 ELSE 0 END) AS returns
  FROM walks
  GROUP BY first_number
),

-- ids that resolve into a cycle: the steps to the one that survives it
arrivals AS (
  SELECT
    outcomes.first_number,
    MIN(walks.steps) AS steps_to_survivor
  FROM outcomes
  INNER JOIN walks
    ON walks.first_number = outcomes.first_number
    AND walks.next_number = outcomes.survivor_number
  WHERE outcomes.first_number <> outcomes.survivor_number
  GROUP BY outcomes.first_number
),

resolved AS (
  SELECT
    merge.entity,
    merge.source_id AS id,
    COALESCE(survivor.source_id, final.destination_id) AS resolved_id,
    COALESCE(arrivals.steps_to_survivor, outcomes.steps_to_end, 0) AS merges,
    outcomes.returns = 1 AS is_in_cycle
  FROM outcomes
  INNER JOIN merges AS merge ON merge.merge_number = outcomes.first_number
  LEFT JOIN merges AS final ON final.merge_number = outcomes.final_number
  LEFT JOIN merges AS survivor ON survivor.merge_number = outcomes.survivor_number
  LEFT JOIN arrivals ON arrivals.first_number = outcomes.first_number
),

ids AS (
  SELECT entity, source_id AS id
  FROM evidence
  UNION
  SELECT entity, destination_id AS id
  FROM evidence
)

SELECT
  ids.entity,
  ids.id,
  COALESCE(resolved.resolved_id, ids.id) AS resolved_id,
  COALESCE(resolved.merges, 0) AS merges,
  COALESCE(resolved.is_in_cycle, FALSE) AS is_in_cycle
FROM ids
LEFT JOIN resolved ON resolved.entity = ids.entity AND resolved.id = ids.id
