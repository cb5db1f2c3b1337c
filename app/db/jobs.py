"""The job queue in the same database: enqueued in the transaction that caused the job.

Whether the worker of a job still lives is told by a lock that its process holds on a connection of its own: the server
lets go of it when the process ends, however it ends, and never before. A heartbeat would stop while a large file is
being parsed.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

from app.db.queries import query

QUEUE = "default"
PUBLICATION = "publication"
"""Jobs that publish follow each other: two at a time would fight over the same cells and regions."""
SIGN_OF_LIFE = 4000006
"""First half of the lock that a worker holds on its number."""
REVIVALS_MAX = 20
"""How often a job may lose its worker before it is given up."""


def enqueue(
    connection: Connection, task: str, *, lock: str | None = PUBLICATION, once: str | None = None, **arguments: Any
) -> int | None:
    """Ask for a task once this transaction commits; returns its number, None where it waits already.

    lock : jobs of the same lock are done one after the other.
    once : of those that wait under this name there is one only; without it, under the task with its arguments.
    """
    made = connection.scalar(
        query("enqueue_job"),
        {
            "queue": QUEUE,
            "task": task,
            "arguments": json.dumps(arguments),
            "lock": lock,
            "once": once or _once(task, arguments),
        },
    )
    return None if made is None else int(made[0])


def _once(task: str, arguments: dict[str, Any]) -> str:
    return f"{task} {json.dumps(arguments, sort_keys=True)}"


def pending(connection: Connection, task: str, **arguments: Any) -> int | None:
    """The number of this very job, where it waits or is being done."""
    found = connection.scalar(query("waiting_job"), {"once": _once(task, arguments)})
    return None if found is None else int(found)


def revive(connection: Connection) -> Sequence[tuple[str, dict[str, Any]]]:
    """Let jobs wait again whose worker was killed: as long as one counts as being done, no other of its lock starts.

    One that is asked for again meanwhile is dropped. Returns task and arguments of those that were given up.
    """
    dead = {"dead": [int(number) for number in connection.scalars(query("dead_workers"))]}
    connection.execute(query("drop_superseded_orphans"), dead)
    given_up = connection.execute(query("give_up_orphans"), {**dead, "most": REVIVALS_MAX}).all()
    connection.execute(query("revive_orphans"), dead)
    connection.execute(query("bury_workers"), dead)
    return [(row.task_name, dict(row.args)) for row in given_up]


def waiting(connection: Connection) -> int:
    """Jobs that wait or are being done."""
    return int(
        connection.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')")) or 0
    )


def state(connection: Connection, number: int) -> str | None:
    """State of a job; None where it was done, and forgotten as all that are."""
    found = connection.scalar(
        text("SELECT status::text FROM procrastinate_jobs WHERE id = :number"), {"number": number}
    )
    return None if found is None else str(found)
