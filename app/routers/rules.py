"""The rules: what each code means, and what reviewers may do with them: run them again, dismiss or restore a flag."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import Field
from sqlalchemy import Connection, Row

from app.db import audit, datasets, jobs, rechecks
from app.errors import Conflict, InvalidParameter, NotFound
from app.identity.roles import Action, Principal
from app.ingest.rules import HISTORY, RULES, RULES_VERSION, pages
from app.routers import deps
from app.routers.bodies import Body, Paragraph
from app.routers.deps import Desk
from app.routers.identity import Member

router = APIRouter(tags=["rules"])

RUNS_SHOWN = 20

Code = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,63}$", description="Code of the rule, such as PH_ORDER.")]


class FlagDecision(Body):
    """A flag that is to be dismissed, or restored."""

    site: UUID | None = Field(None, description="Id of the site that carries the flag; or name an observation.")
    observation: UUID | None = Field(None, description="Id of the observation: its value, layer or site has the flag.")
    code: Code
    decision: Literal["dismiss", "restore"]
    note: Paragraph = Field(description="Why, for those who come after.")


@router.get("/rules", summary="All rules and the versions of the catalogue")
def list_rules(request: Request) -> dict[str, Any]:
    """Each rule with its severity, what follows from it, and what to do."""
    deps.only(request)
    return {
        "version": RULES_VERSION,
        "rules": [pages.record(rule) for rule in RULES.values()],
        "history": [
            {"version": v.number, "date": v.date, "summary": v.summary, "added": list(v.added)} for v in HISTORY
        ],
    }


@router.get("/rules/{code}", summary="One rule")
def get_rule(request: Request, code: str) -> dict[str, Any]:
    """What a code in a report means."""
    deps.only(request)
    return pages.record(RULES[_known(code)])


@router.get("/docs/rules/{code}", summary="What a rule means", response_class=PlainTextResponse)
def rule_page(request: Request, code: str) -> Response:
    """The page of a rule, as Markdown."""
    deps.only(request)
    return PlainTextResponse(pages.page(RULES[_known(code.removesuffix(".md"))]))


@router.post("/datasets/{slug}/recheck", summary="Check stored data by today's rules", status_code=202)
def ask_recheck(request: Request, caller: Member, connection: Desk, slug: str) -> dict[str, Any]:
    """Check what a dataset holds again: flags change, values never. What changed is told by the list of runs."""
    deps.only(request)
    row = _dataset(connection, caller, slug, "rules.rerun")
    if datasets.stored_upload(connection, row.id) is None:
        raise Conflict(f"The dataset {slug!r} holds no observations yet.")
    jobs.enqueue(connection, "recheck_dataset", dataset=str(row.id))
    audit.record(connection, caller.account, "recheck dataset", f"dataset {row.slug}", {"rules_version": RULES_VERSION})
    return {"dataset": row.slug, "rules_version": RULES_VERSION, "state": "waiting"}


@router.get("/datasets/{slug}/recheck", summary="When stored data were checked again")
def list_runs(request: Request, caller: Member, connection: Desk, slug: str) -> dict[str, Any]:
    """The latest runs: findings per rule, flags that were new or gone, and records that would be refused today."""
    deps.only(request)
    row = _dataset(connection, caller, slug, "upload.read")
    runs = rechecks.runs(connection, row.id, RUNS_SHOWN)
    return {
        "dataset": row.slug,
        "runs": [{"at": run.at.isoformat(), "rules_version": run.rules_version, **run.counts} for run in runs],
    }


@router.post("/flags", summary="Dismiss or restore a flag", status_code=202)
def decide_flag(request: Request, caller: Member, connection: Desk, body: FlagDecision) -> dict[str, Any]:
    """A flag that a reviewer dismissed is not shown any more, also after the rules ran again. The value stays as it is."""
    deps.only(request)
    if (body.site is None) == (body.observation is None):
        raise InvalidParameter("site", "Name a site or an observation, not both.")
    dismissed = body.decision == "dismiss"
    found = rechecks.record_flags(connection, observation=body.observation, site=body.site)
    thing = f"the {'site' if body.observation is None else 'observation'} {body.site or body.observation}"
    if not found:
        raise _missing(thing)
    row = _dataset(connection, caller, datasets.by_id(connection, found[0].dataset_id).slug, "upload.review", thing)
    place = next((one for one in found if _has(connection, one, body.code, present=dismissed)), None)
    if place is None:
        raise Conflict(f"There is no flag {body.code} on {thing} that could be {body.decision}ed.".replace("eed", "ed"))
    rechecks.decide(
        connection,
        dataset=row.id,
        kind=place.kind,
        record=place.record,
        code=body.code,
        dismissed=dismissed,
        note=body.note,
        account=caller.account,
    )
    what = {"dataset": str(row.id), "kind": place.kind, "record": place.record, "code": body.code}
    jobs.enqueue(connection, "settle_flag", **what)
    audit.record(connection, caller.account, f"{body.decision} flag", f"dataset {row.slug}", what)
    return {"dataset": row.slug, "on": place.kind, "code": body.code, "decision": body.decision, "state": "waiting"}


def _has(connection: Connection, place: Row[Any], code: str, *, present: bool) -> bool:
    """Whether the flag stands there now, or was dismissed there."""
    gone = rechecks.is_dismissed(connection, place.kind, place.record, code)
    return (code in place.flags and not gone) if present else gone


def _known(code: str) -> str:
    if code not in RULES:
        raise NotFound(f"There is no rule {code[:64]!r}. All rules: /rules.")
    return code


def _missing(what: str) -> NotFound:
    return NotFound(f"There is nothing here named {what}.")


def _dataset(connection: Connection, caller: Principal, slug: str, action: Action, what: str | None = None) -> Row[Any]:
    """The dataset, for who may do this to it; NotFound for who may not see it."""
    row = datasets.called(connection, deps.plain("slug", slug))
    thing = what or f"the dataset {slug[:100]!r}"
    if row is None:
        raise _missing(thing)
    caller.require(action, dataset=row.id, networks=row.networks, what=thing, public=row.state == "published")
    return row
