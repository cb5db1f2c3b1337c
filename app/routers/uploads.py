"""The flow of a file: sent, checked, accepted or corrected, reviewed, stored and published, withdrawn."""

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from sqlalchemy import Connection

from app.db import jobs, uploads
from app.db.session import translated
from app.db.tables import UploadState
from app.errors import Conflict, InvalidParameter, NotFound
from app.identity.roles import Principal
from app.ingest.keeping import Received, Store
from app.ingest.rules import RULES_VERSION
from app.pipelines import remarking, uploading
from app.routers import deps, events, incoming
from app.routers.datasets import readable
from app.routers.deps import Context, Desk, Here
from app.routers.identity import Member
from app.routers.links import JSON, base, link, with_query
from app.routers.schemas import UploadDocument, UploadList, UploadReport
from app.routers.uploaded import CONFLICT, MAPPING_NAME, describe, described, known, mapping_of, note, require_place

router = APIRouter(prefix="/uploads", tags=["uploads"])

IDEMPOTENCY_KEY = r"^[\x21-\x7e]{1,255}$"
ISSUES_DEFAULT = 100
ISSUES_MAX = 5_000
PAGE_MAX = 100

EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Server-sent events"},
    204: {"description": "Nothing will happen until a person decides; do not come back."},
}
REMARKS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in (
                "text/csv",
                "application/zip",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            )
        },
        "description": "The file with remarks",
    },
    202: {"model": UploadDocument, "description": "It is being made; ask again after Retry-After seconds."},
    **CONFLICT,
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a request to send a file asks for, once it is known to be allowed."""

    dataset: UUID
    slug: str
    mapping: str | None
    mapping_body: dict[str, Any] | None
    replaces: bool
    strict: bool
    key: str | None


@router.post(
    "",
    summary="Send a file",
    status_code=201,
    response_model=UploadDocument,
    responses={
        200: {"model": UploadDocument, "description": "The same was sent before; here it is."},
        413: described("The file is over the limit."),
        415: described("The body is no file."),
        **CONFLICT,
    },
    openapi_extra=incoming.BODY,
)
async def send(
    request: Request,
    here: Here,
    caller: Member,
    dataset: Annotated[str, Query(max_length=100, description="Short name of the dataset it belongs to.")],
    filename: Annotated[str | None, Query(max_length=1000, description="Its name; a form brings its own.")] = None,
    mapping: Annotated[
        str | None,
        Query(pattern=MAPPING_NAME, description="How it is read; without one we propose what we understand."),
    ] = None,
    mode: Annotated[
        Literal["new", "replace"], Query(description="replace: puts it in the place of what the dataset holds.")
    ] = "new",
    strict: Annotated[bool, Query(description="Refuse the file if any row of it is refused.")] = False,  # noqa: FBT002 - a query parameter
    idempotency_key: Annotated[str | None, Header(pattern=IDEMPOTENCY_KEY, description="Makes a retry safe.")] = None,
) -> Response:
    """Send one file of samples, or a ZIP of the files that its mapping names. It is written to disk as it comes."""
    deps.only(request, "dataset", "filename", "mapping", "mode", "strict")
    name = incoming.named(filename)
    incoming.kind_of(request)
    asked = await anyio.to_thread.run_sync(
        partial(
            _admit,
            here,
            caller,
            slug=dataset,
            mapping=mapping,
            replaces=mode == "replace",
            strict=strict,
            key=idempotency_key,
        )
    )
    files = Store(here.settings.uploads_dir)
    slots: incoming.Slots = request.app.state.slots
    with slots.one(caller.account):
        sink = await anyio.to_thread.run_sync(files.sink, here.settings.max_upload_mb * 1_000_000)
        received, told = await incoming.receive(request, sink)
        try:
            row, fresh = await anyio.to_thread.run_sync(
                _register, here, caller, asked, name or told or "upload", files, received
            )
        finally:
            await anyio.to_thread.run_sync(sink.drop)
    document = describe(request, here, row)
    return JSONResponse(
        document, status_code=201 if fresh else 200, headers={"Location": f"{base(request, here)}/uploads/{row.id}"}
    )


def _admit(
    here: Context,
    caller: Principal,
    *,
    slug: str,
    mapping: str | None,
    replaces: bool,
    strict: bool,
    key: str | None,
) -> Asked:
    """Whether the caller may send this, asked before a byte of it is read."""
    deps.plain("dataset", slug)
    with translated(), here.desk.begin() as connection:
        target = uploads.target(connection, slug)
        if target is None:
            raise NotFound(f"There is nothing here named the dataset {slug!r}.")
        caller.require(
            "upload.write",
            dataset=target.id,
            networks=uploads.networks(connection, target.id),
            what=f"the dataset {slug!r}",
            public=False,
        )
        name, body = mapping_of(connection, caller, mapping)
        return Asked(
            dataset=target.id,
            slug=target.slug,
            mapping=name,
            mapping_body=body,
            replaces=replaces,
            strict=strict,
            key=key,
        )


def _register(
    here: Context, caller: Principal, asked: Asked, name: str, files: Store, received: Received
) -> tuple[Any, bool]:
    """Write down what came in and ask for it to be checked; or find that it is here already."""
    account = caller.require_account()
    digest = _digest(asked, name, received)
    with translated(), here.desk.begin() as connection:
        if asked.key:
            uploads.lock(connection, f"key {account} {asked.key}")
            known = uploads.recall(connection, account, asked.key)
            if known is not None and known.request_sha256 != digest:
                raise Conflict("This Idempotency-Key was sent before, with another file or other parameters.")
            if known is not None:
                return uploads.find(connection, known.upload_id), False
        uploads.lock(connection, f"file {asked.dataset} {received.sha256.hex()}")
        found = uploads.same(
            connection,
            dataset_id=asked.dataset,
            sha256=received.sha256,
            mapping=asked.mapping,
            mapping_body=asked.mapping_body,
            rules_version=RULES_VERSION,
            replaces=asked.replaces,
            strict=asked.strict,
        )
        fresh = found is None
        if found is None:
            require_place(connection, asked.dataset, asked.slug, replaces=asked.replaces)
            files.keep(received)
            found = uploads.add(
                connection,
                {
                    "dataset_id": asked.dataset,
                    "filename": name,
                    "size_bytes": received.size,
                    "sha256": received.sha256,
                    "mapping": asked.mapping,
                    "mapping_body": asked.mapping_body,
                    "replaces": asked.replaces,
                    "strict": asked.strict,
                    "account_id": account,
                },
            )
            uploading.enqueue_check(connection, found)
            note(connection, caller, "send upload", found, dataset=asked.slug, size_bytes=received.size)
        if asked.key:
            uploads.remember(connection, account, asked.key, digest, found)
        return uploads.find(connection, found), fresh


def _digest(asked: Asked, name: str, received: Received) -> bytes:
    said = [
        str(asked.dataset),
        name,
        asked.mapping,
        asked.mapping_body,
        asked.replaces,
        asked.strict,
        received.sha256.hex(),
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).digest()


@router.get("", summary="Uploads, newest first")
def history(
    request: Request,
    here: Here,
    caller: Member,
    connection: Desk,
    dataset: Annotated[
        str | None, Query(max_length=100, description="Short name of a dataset; without it all that you may read.")
    ] = None,
    state: Annotated[
        UploadState | None,
        Query(description="Only uploads in this state: in_review are those that wait for a reviewer."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 20,
    cursor: Annotated[
        str | None, Query(max_length=200, description="Where to go on; from the link named next.")
    ] = None,
) -> UploadList:
    """What was sent and what became of it: the history of a dataset, or what waits for a reviewer."""
    deps.only(request, "dataset", "state", "limit", "cursor")
    among = readable(connection, caller) if dataset is None else {_readable_dataset(connection, caller, dataset)}
    rows = uploads.listing(connection, among, limit=limit + 1, state=state, before=_cursor(cursor))
    links = []
    if len(rows) > limit:
        last = rows[limit - 1]
        onward = with_query(
            f"{base(request, here)}/uploads", request, cursor=f"{last.created_at.timestamp():.6f}_{last.id}"
        )
        links.append(link(onward, "next", JSON, "Next page"))
    return {"uploads": [describe(request, here, row) for row in rows[:limit]], "links": links}


def _readable_dataset(connection: Connection, caller: Principal, slug: str) -> UUID:
    target = uploads.target(connection, deps.plain("dataset", slug))
    if target is None:
        raise NotFound(f"There is nothing here named the dataset {slug!r}.")
    caller.require(
        "upload.read",
        dataset=target.id,
        networks=uploads.networks(connection, target.id),
        what=f"the dataset {slug!r}",
        public=False,
    )
    return UUID(str(target.id))


def _cursor(text: str | None) -> tuple[dt.datetime, UUID] | None:
    if text is None:
        return None
    moment, _, upload = text.partition("_")
    try:
        return dt.datetime.fromtimestamp(float(moment), dt.UTC), UUID(upload)
    except (ValueError, OverflowError, OSError):
        raise InvalidParameter("cursor", "Not a cursor of ours; take it from a link named next.") from None


@router.get("/{upload_id}", summary="One upload: its state and progress")
def get(request: Request, here: Here, caller: Member, connection: Desk, upload_id: str) -> UploadDocument:
    """The state of an upload, what is being done, the counts of its rows, and what we understood of its columns."""
    deps.only(request)
    return describe(request, here, known(connection, caller, upload_id, "upload.read"))


@router.get(
    "/{upload_id}/events",
    summary="Changes of an upload as they happen",
    response_class=StreamingResponse,
    responses=EVENTS,
)
def listen(
    request: Request,
    here: Here,
    caller: Member,
    connection: Desk,
    upload_id: str,
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
) -> Response:
    """Server-sent events from the present state on, until nothing happens without a person."""
    deps.only(request)
    row = known(connection, caller, upload_id, "upload.read")
    if row.state in events.RESTING and last_event_id == events.mark(row):
        return Response(status_code=HTTPStatus.NO_CONTENT)
    watch: events.Watch = request.app.state.watch
    watch.require_room()
    return StreamingResponse(
        events.stream(watch, here.desk, row.id, last_event_id),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.get("/{upload_id}/report", summary="What was found in a file", responses=CONFLICT)
def report(
    request: Request,
    here: Here,
    caller: Member,
    connection: Desk,
    upload_id: str,
    limit: Annotated[int, Query(ge=0, le=ISSUES_MAX, description="Issues per page.")] = ISSUES_DEFAULT,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    code: Annotated[str | None, Query(max_length=60, description="Only issues of this rule.")] = None,
    severity: Annotated[Literal["error", "warning", "info"] | None, Query(description="Only such issues.")] = None,
) -> UploadReport:
    """Ledger, counts per rule, and issues with their place: up to 50 examples for each rule and table."""
    deps.only(request, "limit", "offset", "code", "severity")
    deps.plain("code", code)
    row = known(connection, caller, upload_id, "upload.read")
    if row.report is None:
        raise Conflict(f"There is no report yet: the upload is {row.state}.")
    chosen = [
        issue
        for issue in row.report["issues"]
        if code in {None, issue["code"]} and severity in {None, issue["severity"]}
    ]
    links = [link(f"{base(request, here)}/uploads/{row.id}/remarks", "alternate", "text/csv", "The file with remarks")]
    if offset + limit < len(chosen) and limit:
        links.append(
            link(
                f"{base(request, here)}/uploads/{row.id}/report?limit={limit}&offset={offset + limit}"
                f"{f'&code={code}' if code else ''}{f'&severity={severity}' if severity else ''}",
                "next",
                JSON,
                "Next page",
            )
        )
    found: Any = {
        **row.report,
        "issues": chosen[offset : offset + limit],
        "issues_matched": len(chosen),
        "upload": str(row.id),
        "state": row.state,
        "fault": row.fault,
        "links": links,
    }
    told: UploadReport = found
    return told


@router.get("/{upload_id}/remarks", summary="The file back, with remarks", response_model=None, responses=REMARKS)
def remarks(request: Request, here: Here, caller: Member, connection: Desk, upload_id: str) -> Response:
    """The file as it was sent, with a column that says for each row what the rules found. Made when first asked for."""
    deps.only(request)
    row = known(connection, caller, upload_id, "upload.read")
    if row.mapping is None or row.rows_read is None:
        raise Conflict(
            f"There are no remarks: the upload is {row.state}, and its rows were not read with a chosen mapping."
        )
    folder = here.settings.data_dir / "remarks"
    file = remarking.made(folder, row)
    if file is not None and file.suffix == remarking.FAULT:
        file.unlink(missing_ok=True)
        raise Conflict("The file with remarks could not be made. Operators find the reason in the log.")
    if file is not None:
        name = f"{row.filename.rpartition('.')[0] or row.filename}-remarks{file.suffix}"
        return FileResponse(file, filename=name, headers={"Cache-Control": "private, no-store"})
    if not Store(here.settings.uploads_dir).path(row.sha256).is_file():
        raise Conflict("The file that was sent is no longer kept.")
    if jobs.pending(connection, "write_remarks", upload=str(row.id)) is None:
        jobs.enqueue(connection, "write_remarks", lock=f"remarks {row.id}", upload=str(row.id))
    return JSONResponse(describe(request, here, row), status_code=202, headers={"Retry-After": "2"})
