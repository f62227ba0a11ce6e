-- One row is a file whose rows the models have taken in.
-- Key: job_id, file.
-- Answers: what did the models see when they were last built?
SELECT
  job_id,
  file,
  extracted_at
FROM load_files
