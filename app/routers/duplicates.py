"""Profiles of two datasets that may be one: listed for reviewers, who decide; nothing is merged.

A candidate tells that two places lie within 50 m. It is shown to those who may read the positions of both datasets.
"""

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import Connection, Row

from app.db import audit, datasets, duplicates, jobs
from app.errors import InvalidParameter, NotFound
from app.identity.roles import Principal
from app.routers import deps
from app.routers.bodies import Body, Paragraph
from app.routers.deps import Desk
from app.routers.identity import Member

router = APIRouter(prefix="/duplicates", tags=["rules"])

PAGE_DEFAULT, PAGE_MAX = 100, 1_000
STATES = ("open", "same", "different")


class DuplicateDecision(Body):
    """What a reviewer found out about two profiles."""

    decision: Literal["open", "same", "different"]
    note: Paragraph | None = Field(None, description="Why, for those who come after.")


@router.get("", summary="Profiles that may be duplicates")
def list_duplicates(request: Request, caller: Member, connection: Desk) -> dict[str, Any]:
    """Candidates of a dataset, the nearest first. `state` is open, same, different or all."""
    deps.only(request, "dataset", "state", "limit", "offset")
    query = request.query_params
    slug = query.get("dataset")
    if slug is None:
        raise InvalidParameter("dataset", "Name the dataset.")
    state = query.get("state", "open")
    if state not in (*STATES, "all"):
        raise InvalidParameter("state", f"{state[:40]!r} is not one of: {', '.join(STATES)}, all.")
    limit = deps.whole(request, "limit", PAGE_DEFAULT, least=1, most=PAGE_MAX)
    offset = deps.whole(request, "offset", 0, least=0, most=deps.OFFSET_MAX)
    row = datasets.called(connection, deps.plain("dataset", slug))
    what = f"the dataset {slug[:100]!r}"
    if row is None:
        raise NotFound(f"There is nothing here named {what}.")
    caller.require(
        "duplicates.decide", dataset=row.id, networks=row.networks, what=what, public=row.state == "published"
    )
    partners = [other for other in duplicates.partners(connection, row.id) if _sees(connection, caller, other)]
    mine = partners if _reads(caller, row) else []
    total, rows = duplicates.of_dataset(
        connection, row.id, partners=mine, state=None if state == "all" else state, limit=limit, offset=offset
    )
    return {
        "dataset": row.slug,
        "numberMatched": total,
        "numberReturned": len(rows),
        "candidates": [_document(one) for one in rows],
    }


@router.post("/{candidate}", summary="Decide about two profiles", status_code=202)
def decide(
    request: Request, caller: Member, connection: Desk, candidate: str, body: DuplicateDecision
) -> dict[str, Any]:
    """Say whether two profiles are the same. Nothing is merged; profiles that are different lose their flag."""
    deps.only(request)
    found = duplicates.one(connection, deps.uuid("candidate", candidate))
    sides = [] if found is None else [found.first_dataset_id, found.second_dataset_id]
    if found is None or not all(_sees(connection, caller, side) for side in sides):
        raise NotFound("There is no such candidate.")
    rows = [_row(connection, side) for side in sides]
    if not any(caller.may("duplicates.decide", dataset=row.id, networks=row.networks) for row in rows):
        caller.require("duplicates.decide", dataset=rows[0].id, networks=rows[0].networks, what="these two profiles")
    duplicates.decide(connection, found.id, state=body.decision, note=body.note, account=caller.account)
    for side in sides:
        jobs.enqueue(connection, "settle_duplicates", dataset=str(side))
    detail = {"decision": body.decision, "datasets": [found.first_slug, found.second_slug]}
    audit.record(connection, caller.account, "decide duplicate", f"duplicate {found.id}", detail)
    decided = duplicates.one(connection, found.id)
    assert decided is not None  # noqa: S101 - it was just written
    return _document(decided)


def _row(connection: Connection, dataset: UUID) -> Row[Any]:
    row = datasets.called(connection, datasets.by_id(connection, dataset).slug)
    assert row is not None  # noqa: S101 - candidates go with their datasets
    return row


def _reads(caller: Principal, row: Row[Any]) -> bool:
    """Whether the positions of a dataset are the caller's to read; those published exactly are everybody's."""
    return duplicates.positions_are_public(row) or caller.may("positions.read", dataset=row.id, networks=row.networks)


def _sees(connection: Connection, caller: Principal, dataset: UUID) -> bool:
    return _reads(caller, _row(connection, dataset))


def _document(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "profiles": [
            {"dataset": row.first_slug, "profile": row.first_profile},
            {"dataset": row.second_slug, "profile": row.second_profile},
        ],
        "distance_m": round(row.distance_m, 1),
        "shared_values": row.shared_values,
        "state": row.state,
        "note": row.note,
        "found_at": row.found_at.isoformat(),
        "decided_at": row.decided_at.isoformat() if row.decided_at else None,
    }
