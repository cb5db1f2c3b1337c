"""Datasets as files to take away, for those who may, and the empty template for those who come with data."""

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import Field
from sqlalchemy import Connection, Row
from typing_extensions import TypedDict

from app.db import audit, datasets, exports, jobs, uploads
from app.errors import Conflict, Forbidden, NotFound
from app.identity.roles import Principal
from app.ingest.columns import template_csv
from app.ingest.template import template_xlsx
from app.ingest.terms import OPEN_CLASSES
from app.pipelines.exporting import KEPT_FOR, MEDIA, SUFFIX
from app.routers import deps, problems
from app.routers.bodies import Body
from app.routers.deps import Context, Desk, Here
from app.routers.identity import Member
from app.routers.links import JSON, base, link

router = APIRouter(tags=["exports"])

WAITING_MAX = 5
"""Exports that one account may wait for at a time."""
CSV = "text/csv"
PRIVATE = {"Cache-Control": "private, no-store"}
CONFLICT: dict[int | str, dict[str, Any]] = {
    409: problems.RESPONSES[404] | {"description": "Its state does not allow that; the answer says which it is in."},
}


class NewExport(Body):
    """What is wanted of a dataset."""

    format: Literal["glosis", "csv"] = Field(
        "csv", description="csv: a ZIP of a table, its mapping and its terms; glosis: the workbook of FAO."
    )
    positions: Literal["published", "exact"] = Field(
        "published", description="exact: only for those who may read them; it is written down who did."
    )


class ExportDocument(TypedDict):
    """A file that was asked for, and how far it is."""

    id: str
    dataset: str
    format: str
    positions: str
    state: str
    fault: str | None
    created_at: str
    finished_at: str | None
    expires_at: str
    links: list[dict[str, Any]]


@router.post(
    "/datasets/{slug}/export",
    summary="Ask for a dataset as a file",
    status_code=202,
    response_model=ExportDocument,
    responses=CONFLICT,
)
def ask(request: Request, here: Here, connection: Desk, caller: Member, slug: str, wanted: NewExport) -> Response:
    """Ask for a file of a dataset; a job makes it. What is published under an open licence is for every account."""
    deps.only(request)
    dataset = datasets.called(connection, deps.plain("slug", slug))
    if dataset is None:
        raise NotFound(f"There is nothing here named the dataset {slug[:100]!r}.")
    _require(connection, caller, dataset, wanted.positions)
    if exports.waiting(connection, caller.account) >= WAITING_MAX:
        raise Conflict(f"You wait for {WAITING_MAX} exports already; fetch them first.")
    made = exports.add(connection, dataset.id, caller.account, wanted.format, wanted.positions)
    jobs.enqueue(connection, "make_export", lock=None, export=str(made))
    if wanted.positions == "exact":
        audit.record(
            connection, caller.account, "ask for exact positions", f"dataset {dataset.id}", {"export": str(made)}
        )
    found = exports.find(connection, made)
    document = _described(request, here, found)
    address = f"{base(request, here)}/exports/{made}"
    return JSONResponse(document, status_code=202, headers={"Location": address, "Retry-After": "2", **PRIVATE})


@router.get("/exports/{export_id}", summary="How far an export is", response_model=ExportDocument)
def show(request: Request, here: Here, connection: Desk, caller: Member, export_id: str) -> Response:
    """The state of an export, with the link to its file once it is made. Only who asked for it sees it."""
    deps.only(request)
    found = _own(connection, caller, export_id)
    waits = {"Retry-After": "2"} if found.state == "waiting" else {}
    return JSONResponse(_described(request, here, found), headers={**PRIVATE, **waits})


@router.get(
    "/exports/{export_id}/file",
    summary="The file of an export",
    response_class=FileResponse,
    responses={
        200: {
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA.values()},
            "description": "The file",
        },
        **CONFLICT,
    },
)
def fetch(request: Request, here: Here, connection: Desk, caller: Member, export_id: str) -> Response:
    """The file itself, for a day. Whoever lost the right to its positions meanwhile does not get it."""
    deps.only(request)
    found = _own(connection, caller, export_id)
    dataset = datasets.called(connection, found.dataset_slug)
    if dataset is None:
        raise NotFound(f"There is nothing here named the dataset {found.dataset_slug!r}.")
    _require(connection, caller, dataset, found.positions)
    if found.state != "ready":
        raise Conflict(f"The export is {found.state}{': ' + found.fault if found.fault else ''}.")
    if found.positions == "published" and exports.changed_since(connection, dataset.id, found.created_at):
        raise Conflict("The dataset was published anew since, perhaps under other terms; ask for the export again.")
    file = here.settings.data_dir / "exports" / f"{found.id}{SUFFIX[found.kind]}"
    if not file.is_file():
        raise NotFound("The file of this export is no longer kept; ask for it again.")
    if found.positions == "exact":
        audit.record(
            connection,
            caller.account,
            "read exact positions",
            f"dataset {dataset.id}",
            {"export": str(found.id)},
        )
    name = f"{found.dataset_slug}-{found.created_at.date()}{SUFFIX[found.kind]}"
    return FileResponse(file, filename=name, media_type=MEDIA[found.kind], headers=PRIVATE)


@router.get(
    "/template",
    summary="The template to fill in",
    response_class=Response,
    responses={
        200: {
            "content": {
                CSV: {"schema": {"type": "string"}},
                MEDIA["glosis"]: {"schema": {"type": "string", "format": "binary"}},
            },
            "description": "Our columns, one row for each layer, with an example row",
        }
    },
)
def template(
    request: Request,
    kind: Annotated[
        Literal["csv", "xlsx"], Query(alias="format", description="xlsx has lists to choose from.")
    ] = "csv",
) -> Response:
    """Our columns as an empty table with one example row; as a workbook with drop-down lists and definitions."""
    deps.only(request, "format")
    if kind == "csv":
        body, media = template_csv().encode(), f"{CSV}; charset=utf-8"
    else:
        body, media = template_xlsx(), MEDIA["glosis"]
    headers = {"Content-Disposition": f'attachment; filename="observatory-template.{kind}"'}
    return Response(body, media_type=media, headers={**headers, "Cache-Control": "public, max-age=3600"})


def _require(connection: Connection, caller: Principal, dataset: Row[Any], positions: str) -> None:
    """Return if the caller may have the dataset with these positions."""
    networks = uploads.networks(connection, dataset.id)
    what = f"the dataset {dataset.slug!r}"
    embargo = dataset.embargo_until is not None and dataset.embargo_until > dt.datetime.now(dt.UTC).date()
    published = dataset.state == "published" and not embargo and exports.is_released(connection, dataset.id)
    if positions == "exact":
        caller.require("positions.read", dataset=dataset.id, networks=networks, what=what, public=published)
        return
    if caller.may("dataset.read", dataset=dataset.id, networks=networks):
        return
    if not published:
        caller.require("dataset.read", dataset=dataset.id, networks=networks, what=what, public=False)
    if dataset.licence_class not in OPEN_CLASSES:
        raise Forbidden(f"The owners of {what} do not let its records be taken away (licence: {dataset.licence}).")


def _own(connection: Connection, caller: Principal, export_id: str) -> Row[Any]:
    """The export, for who asked for it; nobody else is told that there is one."""
    try:
        found = exports.find(connection, UUID(export_id))
    except ValueError:
        found = None
    old = dt.datetime.now(dt.UTC) - KEPT_FOR
    if found is None or found.account_id is None or found.account_id != caller.account or found.created_at < old:
        raise NotFound(f"There is nothing here named the export {export_id[:60]!r}.")
    return found


def _described(request: Request, here: Context, row: Any) -> ExportDocument:
    address = f"{base(request, here)}/exports/{row.id}"
    file = [link(f"{address}/file", "enclosure", MEDIA[row.kind], "The file")] if row.state == "ready" else []
    return {
        "id": str(row.id),
        "dataset": row.dataset_slug,
        "format": row.kind,
        "positions": row.positions,
        "state": row.state,
        "fault": row.fault,
        "created_at": row.created_at.isoformat(),
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
        "expires_at": (row.created_at + KEPT_FOR).isoformat(),
        "links": [link(address, "self", JSON, "This export"), *file],
    }
