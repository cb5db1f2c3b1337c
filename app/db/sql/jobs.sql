-- enqueue_job --
-- Ask for a task, unless the same is waiting already.
SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(
    CAST(:queue AS varchar), CAST(:task AS varchar), 0, CAST(:lock AS text), CAST(:once AS text),
    CAST(:arguments AS jsonb), NULL)::procrastinate_job_to_defer_v1])
WHERE NOT EXISTS (
    SELECT FROM procrastinate_jobs WHERE queueing_lock = CAST(:once AS text) AND status = 'todo'
);
