"""What the endpoints of uploads share: finding one that the caller may see, and telling of it."""

from typing import Any
from uuid import UUID

from fastapi import Request
from sqlalchemy import Connection

from app.db import audit, uploads
from app.errors import Conflict, NotFound
from app.identity.roles import Action, Principal
from app.ingest.mapping import available_mappings, mapping_to_json
from app.pipelines import uploading
from app.pipelines.mappings import mapping_named
from app.routers import problems
from app.routers.deps import Context
from app.routers.links import JSON, base, link
from app.routers.schemas import RowCounts, UploadDocument

MAPPING_NAME = r"^[a-z0-9][a-z0-9-]{0,99}(@[1-9][0-9]{0,5})?$"


def described(said: str) -> dict[str, Any]:
    """An answer that is a problem document, as OpenAPI describes it."""
    return {"description": said, "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


CONFLICT: dict[int | str, dict[str, Any]] = {
    409: described("Its state does not allow that; the answer says which it is in."),
}


def mapping_of(
    connection: Connection, caller: Principal, named: str | None
) -> tuple[str | None, dict[str, Any] | None]:
    """Name and body of a mapping; no body for one that comes with the program, which has a version of its own."""
    if named is None:
        return None, None
    name, _, version = named.partition("@")
    if name in available_mappings():
        if version:
            raise NotFound(f"The mapping {name!r} has the version of the service; leave out @{version}.")
        return name, None
    found = mapping_named(connection, name, caller.account, int(version) if version else None)
    return named, mapping_to_json(found)


def require_place(connection: Connection, dataset: UUID, slug: str, *, replaces: bool) -> None:
    """Conflict where the dataset holds observations that the file was not sent to replace."""
    held = uploads.held(connection, dataset)
    if held is not None and not replaces:
        raise Conflict(uploading.holds(slug, held.filename))


def note(connection: Connection, caller: Principal, action: str, upload: UUID, **detail: Any) -> None:
    """Write a deed about an upload into the log."""
    audit.record(connection, caller.account, action, f"upload {upload}", detail)


def known(connection: Connection, caller: Principal, upload_id: str, action: Action) -> Any:
    """The upload, if the caller may do that with it. Who may not know of it is told that there is none."""
    missing = f"There is nothing here named the upload {upload_id[:60]!r}."
    try:
        found = uploads.find(connection, UUID(upload_id))
    except ValueError:
        found = None
    if found is None or (found.dataset_id is None and not caller.administrator):
        raise NotFound(missing)
    networks = uploads.networks(connection, found.dataset_id) if found.dataset_id else frozenset()
    caller.require(
        action, dataset=found.dataset_id, networks=networks, what=f"the upload {upload_id[:60]!r}", public=False
    )
    return found


def require_moved(connection: Connection, upload: UUID, moved: bool, what: str) -> None:  # noqa: FBT001 - the outcome of a statement
    """Conflict that names the state, where the state did not allow the change."""
    if not moved:
        row = uploads.find(connection, upload)
        state = row.state.replace("_", " ") if row else "gone"
        raise Conflict(f"The upload is {state}; it cannot be {what} now.")


def now(request: Request, here: Context, connection: Connection, upload: UUID) -> UploadDocument:
    """The upload as it is after the change."""
    return describe(request, here, uploads.find(connection, upload))


def describe(request: Request, here: Context, row: Any) -> UploadDocument:
    """An upload as it is told to those who may see it."""
    told = row._mapping  # noqa: SLF001 - SQLAlchemy's documented name
    address = f"{base(request, here)}/uploads/{row.id}"
    rows: RowCounts | None = None
    if row.rows_read is not None:
        rows = {
            "read": row.rows_read,
            "stored": row.rows_stored,
            "refused": row.rows_refused,
            "ignored": row.rows_ignored,
        }
    return {
        "id": str(row.id),
        "dataset": row.dataset_slug,
        "filename": row.filename,
        "size_bytes": row.size_bytes,
        "sha256": row.sha256.hex(),
        "mapping": row.mapping,
        "mode": "replace" if row.replaces else "new",
        "strict": row.strict,
        "state": row.state,
        "step": row.step,
        "progress": row.progress,
        "fault": row.fault,
        "rows": rows,
        "rules_version": row.rules_version,
        "proposal": told.get("proposal"),
        "decision": row.decision,
        "release": row.release,
        "created_at": row.created_at.isoformat(),
        "changed_at": row.changed_at.isoformat(),
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
        "links": [
            link(address, "self", JSON, "This upload"),
            link(f"{address}/events", "monitor", "text/event-stream", "Changes as they happen"),
            link(f"{address}/report", "describedby", JSON, "What was found"),
            link(f"{address}/remarks", "alternate", "text/csv", "The file with remarks"),
            *([link(f"{address}/accept", "edit", JSON, "POST here to accept it")] if row.state == "checked" else []),
        ],
    }
