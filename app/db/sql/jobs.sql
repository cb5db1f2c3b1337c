-- enqueue_job --
-- Ask for a task, unless the same is waiting already.
SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(
    CAST(:queue AS varchar), CAST(:task AS varchar), 0, CAST(:lock AS text), CAST(:once AS text),
    CAST(:arguments AS jsonb), NULL)::procrastinate_job_to_defer_v1])
WHERE NOT EXISTS (
    SELECT FROM procrastinate_jobs WHERE queueing_lock = CAST(:once AS text) AND status = 'todo'
);

-- waiting_job --
-- The job that waits or is being done under this name.
SELECT id FROM procrastinate_jobs WHERE queueing_lock = CAST(:once AS text) AND status IN ('todo', 'doing')
ORDER BY id DESC LIMIT 1;

-- dead_workers --
-- Workers whose process has ended: each holds a lock on its number for as long as it lives, and this one got it.
SELECT id FROM procrastinate_workers WHERE pg_try_advisory_xact_lock(4000006, CAST(id AS integer));

-- drop_superseded_orphans --
-- Jobs left by a dead worker that wait a second time, or were left twice.
DELETE FROM procrastinate_jobs AS orphan
WHERE orphan.status = 'doing' AND (orphan.worker_id IS NULL OR orphan.worker_id = ANY (:dead)) AND EXISTS (
    SELECT FROM procrastinate_jobs AS same
    WHERE same.queueing_lock = orphan.queueing_lock
      AND (same.status = 'todo' OR (same.status = 'doing' AND same.id > orphan.id))
);

-- give_up_orphans --
-- Jobs left by a dead worker too often: they are what kills it.
UPDATE procrastinate_jobs SET status = 'failed'
WHERE status = 'doing' AND attempts >= :most AND (worker_id IS NULL OR worker_id = ANY (:dead))
RETURNING task_name, args;

-- revive_orphans --
-- Jobs left by a dead worker wait again.
SELECT procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) FROM procrastinate_jobs
WHERE status = 'doing' AND (worker_id IS NULL OR worker_id = ANY (:dead));

-- bury_workers --
-- Forget dead workers.
DELETE FROM procrastinate_workers WHERE id = ANY (:dead);
