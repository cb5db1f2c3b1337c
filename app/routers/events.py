"""Changes of uploads as server-sent events: one look at the database for all listeners, twice a second.

Polling, and not LISTEN: it needs no connection of its own, works behind a pooler, and misses nothing.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import anyio.to_thread
import structlog
from sqlalchemy import Engine

from app.db import uploads
from app.db.session import translated
from app.errors import Busy, ObservatoryError

EVERY_S = 0.5
"""Time between two looks [s]."""
HEARTBEAT_S = 15.0
"""Time after which a comment says that the connection lives [s]."""
LONGEST_S = 900.0
"""After this a stream ends, and the client comes back with its Last-Event-ID and its key [s]."""
LISTENERS_MAX = 200
"""Streams of one process."""
RETRY_MS = 2000
"""How long a client waits before it comes back [ms]."""
RESTING = frozenset({"checked", "in_review", "stored", *uploads.OVER})
"""States in which nothing happens until a person decides: streams end there."""

log = structlog.get_logger()


class Watch:
    """Looks at the uploads that somebody listens to. All of it happens in the event loop, but the looking itself."""

    def __init__(self) -> None:
        self._listeners: dict[UUID, set[asyncio.Queue[Any]]] = {}
        self._seen: dict[UUID, Any] = {}
        self._task: asyncio.Task[None] | None = None

    def require_room(self) -> None:
        """Busy where there are too many listeners."""
        if sum(map(len, self._listeners.values())) >= LISTENERS_MAX:
            raise Busy("Too many listen already; ask for the upload itself from time to time.")

    @contextlib.asynccontextmanager
    async def listening(self, engine: Engine, upload: UUID) -> AsyncIterator["asyncio.Queue[Any]"]:
        """A queue that gets the present state and then each change; a slow listener gets the latest one only."""
        queue: asyncio.Queue[Any] = asyncio.Queue(maxsize=1)
        self._listeners.setdefault(upload, set()).add(queue)
        if upload in self._seen:
            _put(queue, self._seen[upload])
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look(engine))
        try:
            yield queue
        finally:
            self._listeners[upload].discard(queue)
            if not self._listeners[upload]:
                del self._listeners[upload]
                self._seen.pop(upload, None)

    async def _look(self, engine: Engine) -> None:
        while self._listeners:
            try:
                rows = await anyio.to_thread.run_sync(_states, engine, list(self._listeners))
            except ObservatoryError as fault:
                log.warning("no look at uploads", cause=str(fault))
                rows = ()
            for row in rows:
                if row.id in self._listeners and self._seen.get(row.id) != row:
                    self._seen[row.id] = row
                    for queue in self._listeners[row.id]:
                        _put(queue, row)
            await asyncio.sleep(EVERY_S)


def _states(engine: Engine, ids: list[UUID]) -> Any:
    with translated(), engine.begin() as connection:
        return uploads.states(connection, ids)


def _put(queue: "asyncio.Queue[Any]", row: Any) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(row)


def mark(row: Any) -> str:
    """The id of an event: when the upload changed."""
    return f"{row.changed_at.timestamp():.6f}"


async def stream(watch: Watch, engine: Engine, upload: UUID, last: str | None) -> AsyncIterator[str]:
    """Events of an upload, from the state that the client saw last on, until it rests."""
    yield f"retry: {RETRY_MS}\n\n"
    end = time.monotonic() + LONGEST_S
    async with watch.listening(engine, upload) as queue:
        while time.monotonic() < end:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    row = await queue.get()
            except TimeoutError:
                yield ": still here\n\n"
                continue
            if mark(row) != last:
                last = mark(row)
                said = {"id": str(row.id), "state": row.state, "step": row.step, "progress": row.progress}
                yield f"id: {last}\nevent: upload\ndata: {json.dumps(said)}\n\n"
            if row.state in RESTING:
                return
