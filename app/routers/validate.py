"""The rules over a file, for anybody: nothing is stored, no account is needed."""

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any

import anyio
import anyio.to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from app.db.session import translated
from app.errors import Busy
from app.identity.roles import Principal
from app.ingest.keeping import Store
from app.ingest.mapping import load_mapping, mapping_to_json
from app.pipelines import validating
from app.routers import deps, incoming
from app.routers.deps import Context, Here
from app.routers.identity import Caller
from app.routers.schemas import Validation
from app.routers.uploaded import MAPPING_NAME, described, mapping_of

router = APIRouter(tags=["uploads"])

COMING_S = 300.0
"""Longest time for a file to come in [s]."""


class Places:
    """How many files are checked at the same time; more are told to come back. Counted by the event loop only."""

    def __init__(self, number: int) -> None:
        self._free = number
        # Threads of its own: those of other requests must not wait for files.
        self.threads = anyio.CapacityLimiter(number)

    def require_free(self) -> None:
        """Busy where no place is free: said before a file is sent for nothing."""
        if not self._free:
            raise Busy("Other files are being checked; try again in a moment.")

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Take a place for the length of the block. Raises Busy."""
        self.require_free()
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


@router.post(
    "/validate",
    summary="Check a file without storing it",
    response_model=Validation,
    responses={
        413: described("The file is over the limit."),
        415: described("The body is no file."),
    },
    openapi_extra=incoming.BODY,
)
async def validate(
    request: Request,
    here: Here,
    caller: Caller,
    filename: Annotated[str | None, Query(max_length=1000, description="Its name; a form brings its own.")] = None,
    mapping: Annotated[
        str | None,
        Query(pattern=MAPPING_NAME, description="How it is read; without one we propose what we understand."),
    ] = None,
    strict: Annotated[bool, Query(description="Whether one refused row refuses the file.")] = False,  # noqa: FBT002 - a query parameter
) -> Response:
    """The report that an upload of this file would get, by the same rules. The file is forgotten with the answer."""
    deps.only(request, "filename", "mapping", "strict")
    name = incoming.named(filename)
    incoming.kind_of(request)
    places: Places = request.app.state.validations
    slots: incoming.Slots = request.app.state.slots
    limit = here.settings.max_validate_mb * 1_000_000
    places.require_free()
    body = await anyio.to_thread.run_sync(_mapping, here, caller, mapping)
    with slots.one(caller.account):
        sink = await anyio.to_thread.run_sync(Store(here.settings.data_dir / "scratch").sink, limit)
        received, told = await incoming.receive(request, sink, whole_s=COMING_S)
    try:
        with places.one():
            answer = await anyio.to_thread.run_sync(
                partial(
                    validating.validate_apart,
                    received.path,
                    name or told or "file",
                    body,
                    max_bytes=limit,
                    timeout_s=here.settings.validate_timeout_s,
                    strict=strict,
                ),
                limiter=places.threads,
            )
    finally:
        await anyio.to_thread.run_sync(sink.drop)
    return JSONResponse(answer)


def _mapping(here: Context, caller: Principal, named: str | None) -> dict[str, Any] | None:
    if named is None:
        return None
    with translated(), here.desk.begin() as connection:
        name, body = mapping_of(connection, caller, named)
    return body or mapping_to_json(load_mapping(str(name)))
