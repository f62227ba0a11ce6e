-- One row is a job of which models have not taken in a file.
-- Key: job_id.
-- Answers: which rows are new to the models?
SELECT DISTINCT file.job_id
FROM load_files AS file
LEFT JOIN built_files AS built
  ON built.job_id = file.job_id
  AND built.file = file.file
  AND built.extracted_at = file.extracted_at
WHERE built.job_id IS NULL
