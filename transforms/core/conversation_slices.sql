-- One row is a conversation that models are being built for, and the slice it is built in.
-- Key: conversation_id.
-- Answers: which conversations are built together, where all of them would not fit into memory?
--
-- Slices hold 10,000 conversations each, in order of their ids. Where models are built from what
-- changed, only conversations that changed are here.
SELECT
  conversation_id,
  (ROW_NUMBER() OVER (ORDER BY conversation_id COLLATE C) - 1) // 10000 AS slice
FROM conversation_beginnings
