-- enqueue_job --
-- Ask for a task, unless the same is waiting already.
SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(
    CAST(:queue AS varchar), CAST(:task AS varchar), 0, CAST(:lock AS text), CAST(:once AS text),
    CAST(:arguments AS jsonb), NULL)::procrastinate_job_to_defer_v1])
WHERE NOT EXISTS (
    SELECT FROM procrastinate_jobs WHERE queueing_lock = CAST(:once AS text) AND status = 'todo'
);

-- drop_superseded_orphans --
-- Jobs left by a killed worker that wait a second time, or were left twice.
DELETE FROM procrastinate_jobs AS orphan
WHERE orphan.status = 'doing' AND EXISTS (
    SELECT FROM procrastinate_jobs AS same
    WHERE same.queueing_lock = orphan.queueing_lock
      AND (same.status = 'todo' OR (same.status = 'doing' AND same.id > orphan.id))
);

-- revive_orphans --
-- Jobs left by a killed worker wait again.
SELECT procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) FROM procrastinate_jobs WHERE status = 'doing';
