"""The job queue in the same database: enqueued in the transaction that caused the job."""

import json
from typing import Any

from sqlalchemy import Connection, text

from app.db.queries import query

QUEUE = "default"


def enqueue(connection: Connection, task: str, **arguments: Any) -> None:
    """Ask for a task once this transaction commits. The same task waiting with the same arguments is not asked twice."""
    connection.execute(
        query("enqueue_job"),
        {
            "queue": QUEUE,
            "task": task,
            "arguments": json.dumps(arguments),
            # Publications follow each other: two at a time would fight over the same cells and regions.
            "lock": "publication",
            "once": f"{task} {json.dumps(arguments, sort_keys=True)}",
        },
    )


def revive(connection: Connection) -> None:
    """Let jobs wait again whose worker was killed: as long as one counts as being done, no other publication starts.

    The caller has the turn to publish (releases.await_turn), so none of them is truly being done. One that is asked
    for again meanwhile is dropped.
    """
    connection.execute(query("drop_superseded_orphans"))
    connection.execute(query("revive_orphans"))


def waiting(connection: Connection) -> int:
    """Jobs that wait or are being done."""
    return int(
        connection.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')")) or 0
    )
