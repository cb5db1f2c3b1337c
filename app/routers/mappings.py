"""Mappings: how the files of a source are read. Packaged ones for everybody; saved ones for their owner, or shared."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import Field
from sqlalchemy import Row

from app.db import audit, mappings
from app.errors import Conflict, InvalidParameter, MappingInvalid, NotFound
from app.ingest.mapping import (
    MappingFile,
    available_mappings,
    load_mapping,
    mapping_from_json,
    mapping_to_json,
    mapping_to_toml,
)
from app.routers import deps
from app.routers.bodies import Body, Line, Slug
from app.routers.deps import Desk, Here
from app.routers.identity import Caller, Member
from app.routers.links import JSON, base, link, with_query

router = APIRouter(tags=["mappings"])

PAGE_DEFAULT, PAGE_MAX = 100, 1_000
TOML = "application/toml"


class NewMapping(Body):
    """A mapping to save, or a new version of one."""

    name: Slug = Field(description="Short name; the one of a mapping of yours makes its next version.")
    title: Line = Field(description="What it reads, in a few words.")
    body: dict[str, Any] = Field(
        description="The mapping as `GET /mappings/{name}` shows one; its own name and title may be left out."
    )
    shared: bool = Field(default=False, description="Whether every account may use it.")


@router.get("/mappings", summary="Mappings that you may use")
def list_mappings(request: Request, here: Here, caller: Caller, connection: Desk) -> dict[str, Any]:
    """The packaged mappings, and a page of those that are shared or your own, by name."""
    deps.only(request, "limit", "cursor")
    limit = deps.whole(request, "limit", PAGE_DEFAULT, least=1, most=PAGE_MAX)
    after = deps.plain("cursor", request.query_params.get("cursor"))
    rows = mappings.listed(connection, caller.account, limit=limit + 1, after=after)
    root = base(request, here)
    links = [link(f"{root}/mappings", "self", JSON, "This document")]
    if len(rows) > limit:
        links.append(
            link(with_query(f"{root}/mappings", request, cursor=rows[limit - 1].name), "next", JSON, "Next page")
        )
    return {
        "packaged": [
            {"name": name, "title": load_mapping(name).title, "source": "packaged"} for name in available_mappings()
        ],
        "saved": [_shown(row) for row in rows[:limit]],
        "links": links,
    }


@router.get("/mappings/{name}", summary="One mapping, as JSON or TOML")
def get_mapping(request: Request, caller: Caller, connection: Desk, name: str) -> Response:
    """A mapping with its body; `version` asks for an earlier one, `f=toml` for the file that the command line reads."""
    deps.only(request, "version")
    form = request.query_params.get("f", "json")
    if form not in {"json", "toml"}:
        raise InvalidParameter("f", f"{form!r} is not one of: json, toml.")
    name = deps.plain("name", name) or ""
    version = deps.whole(request, "version", 0, least=1) if "version" in request.query_params else None
    if version is not None and version >= 2**31:
        raise NotFound(f"There is no version {version} of the mapping {name!r}.")
    if name in available_mappings():
        if version is not None:
            raise InvalidParameter("version", "A packaged mapping has the version of the service and no other.")
        mapping = load_mapping(name)
        shown: dict[str, Any] = {"name": name, "title": mapping.title, "source": "packaged"}
    else:
        row = mappings.get(connection, name, caller.account, version)
        shown = {**_shown(row), "versions": mappings.versions(connection, name, caller.account)}
        mapping = mapping_from_json(row.body)
    if form == "toml":
        return PlainTextResponse(mapping_to_toml(mapping), media_type=TOML)
    return JSONResponse({**shown, "body": mapping_to_json(mapping)})


@router.post("/mappings", status_code=201, summary="Save a mapping, or a new version of one")
def save_mapping(
    request: Request, here: Here, caller: Member, connection: Desk, response: Response, body: NewMapping
) -> dict[str, Any]:
    """A saved version never changes: uploads name the one they were read with."""
    deps.only(request)
    caller.require("mapping.write", what="mappings")
    if body.name in available_mappings():
        raise Conflict(f"{body.name!r} is a packaged mapping; choose another name.")
    mapping = _understood(body)
    version = mappings.save(
        connection,
        name=body.name,
        title=body.title,
        body=mapping_to_json(mapping),
        shared=body.shared,
        account=caller.require_account(),
    )
    detail = {"version": version, "shared": body.shared}
    audit.record(connection, caller.account, "save mapping", f"mapping {body.name}", detail)
    response.headers["Location"] = f"{base(request, here)}/mappings/{body.name}?version={version}"
    return _shown(mappings.get(connection, body.name, caller.account, version))


def _understood(body: NewMapping) -> MappingFile:
    """The mapping, or InvalidParameter that names the place of the mistake."""
    for key, said in (("name", body.name), ("title", body.title)):
        if body.body.get(key, said) != said:
            raise InvalidParameter(f"body.{key}", f"It differs from {key}, {said!r}; leave it out.")
    try:
        return mapping_from_json({**body.body, "name": body.name, "title": body.title})
    except MappingInvalid as fault:
        raise InvalidParameter(f"body.{fault.column}" if fault.column else "body", fault.message) from fault


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "name": row.name,
        "title": row.title,
        "source": "saved",
        "version": row.version,
        "shared": row.shared,
        "own": row.own,
        "saved_by": row.account_name,
        "saved_at": row.created_at.isoformat(),
    }
