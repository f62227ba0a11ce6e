-- One row is a stretch of time in which an agent was in a team, both called by the same names.
-- Key: team_id, agent_id, valid_from.
-- Answers: who was in which team on this day, and what were they called then? Who is in it now?
--
-- Lists of teams and agents tell it, from the first one that was read. What that one shows may have
-- been so at any time before: is_beginning_seen is then false. For dates before it, take these rows
-- as if they had always been so, or leave those dates out. A name is the last one that a list
-- showed by then, or the first one of all.
--
--   lists          1st       2nd       3rd       4th
--   in the team    yes       yes       yes       no
--   agent's name   Ann       Ann       Anna
--   rows           [======= Ann =======|= Anna ==)
WITH

lists AS (
  SELECT valid_from FROM team_history
  UNION ALL
  SELECT valid_from FROM team_agent_history
),

-- the first version of a name also stands for the time before it
agent_names AS (
  SELECT
    agent_id,
    name,
    LAG(valid_from) OVER (PARTITION BY agent_id ORDER BY valid_from) AS previous_from,
    valid_from,
    LEAD(valid_from) OVER (PARTITION BY agent_id ORDER BY valid_from) AS next_from
  FROM agent_history
),

team_names AS (
  SELECT
    team_id,
    name,
    LAG(valid_from) OVER (PARTITION BY team_id ORDER BY valid_from) AS previous_from,
    valid_from,
    LEAD(valid_from) OVER (PARTITION BY team_id ORDER BY valid_from) AS next_from
  FROM team_history
),

of_agents AS (
  SELECT
    member.team_id,
    member.agent_id,
    member.valid_from AS member_from,
    member.valid_to AS member_to,
    CASE
      WHEN agent.previous_from IS NULL OR agent.valid_from < member.valid_from
        THEN member.valid_from
      ELSE agent.valid_from
    END AS from_at,
    agent.next_from AS until_at,
    agent.name AS agent_name
  FROM team_agent_history AS member
  LEFT JOIN agent_names AS agent
    ON agent.agent_id = member.agent_id
    AND (agent.next_from IS NULL OR agent.next_from > member.valid_from)
    AND (
      agent.previous_from IS NULL
      OR member.valid_to IS NULL
      OR agent.valid_from < member.valid_to
    )
),

named AS (
  SELECT
    piece.team_id,
    piece.agent_id,
    piece.member_from,
    piece.member_to,
    CASE
      WHEN team.previous_from IS NULL OR team.valid_from < piece.from_at
        THEN piece.from_at
      ELSE team.valid_from
    END AS from_at,
    piece.agent_name,
    team.name AS team_name
  FROM of_agents AS piece
  LEFT JOIN team_names AS team
    ON team.team_id = piece.team_id
    AND (team.next_from IS NULL OR team.next_from > piece.from_at)
    AND (
      team.previous_from IS NULL
      OR (
        (piece.until_at IS NULL OR team.valid_from < piece.until_at)
        AND (piece.member_to IS NULL OR team.valid_from < piece.member_to)
      )
    )
),

compared AS (
  SELECT
    named.*,
    LAG(from_at) OVER (
      PARTITION BY team_id, agent_id, member_from ORDER BY from_at
    ) AS previous_at,
    LAG(agent_name) OVER (
      PARTITION BY team_id, agent_id, member_from ORDER BY from_at
    ) AS previous_agent_name,
    LAG(team_name) OVER (
      PARTITION BY team_id, agent_id, member_from ORDER BY from_at
    ) AS previous_team_name
  FROM named
),

begun AS (
  SELECT *
  FROM compared
  WHERE previous_at IS NULL
    OR COALESCE(agent_name, '') <> COALESCE(previous_agent_name, '')
    OR COALESCE(team_name, '') <> COALESCE(previous_team_name, '')
),

lasting AS (
  SELECT
    begun.*,
    COALESCE(
      LEAD(from_at) OVER (PARTITION BY team_id, agent_id, member_from ORDER BY from_at),
      member_to
    ) AS until_at
  FROM begun
)

SELECT
  lasting.team_id,
  lasting.agent_id,
  lasting.team_name,
  lasting.agent_name,
  lasting.from_at AS valid_from,
  lasting.until_at AS valid_to,
  lasting.until_at IS NULL AS is_current,
  lasting.from_at > first_list.valid_from AS is_beginning_seen
FROM lasting
CROSS JOIN (SELECT MIN(valid_from) AS valid_from FROM lists) AS first_list
