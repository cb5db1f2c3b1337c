"""Networks: regional groups that review the datasets of their members."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy import Connection, Row

from app.db import audit, datasets, networks
from app.errors import Conflict, InvalidParameter, NotFound
from app.identity.roles import Principal
from app.routers import deps
from app.routers.bodies import Body, Line, Slug
from app.routers.deps import Desk, Here
from app.routers.identity import Caller, Member
from app.routers.links import JSON, base, link

router = APIRouter(prefix="/networks", tags=["networks"])

Languages = Annotated[
    list[Annotated[str, Field(pattern="^[a-z]{2}$")]], Field(max_length=20, description="Working languages, ISO 639-1.")
]


class NewNetwork(Body):
    """A network to make."""

    code: Slug
    name_en: Line
    name_fr: Line | None = None
    name_es: Line | None = None
    languages: Languages = Field(default=[])


class ChangedNetwork(Body):
    """What to change of a network; what is left out stays."""

    name_en: Line | None = None
    name_fr: Line | None = None
    name_es: Line | None = None
    languages: Languages | None = None


@router.get("", summary="Networks")
def list_networks(request: Request, here: Here, connection: Desk) -> dict[str, Any]:
    """All networks."""
    deps.only(request)
    root = base(request, here)
    return {
        "networks": [_named(row) for row in networks.everything(connection)],
        "links": [link(f"{root}/networks", "self", JSON, "Networks")],
    }


@router.post("", status_code=201, summary="Make a network, for administrators")
def make_network(request: Request, here: Here, caller: Member, connection: Desk, body: NewNetwork) -> JSONResponse:
    """A network without anybody in it. Give somebody the role of its coordinator next."""
    caller.require("network.manage", what="networks")
    deps.only(request)
    if not networks.add(connection, body.model_dump()):
        raise Conflict(f"The code {body.code!r} is taken.")
    row = _known(connection, body.code)
    audit.record(connection, caller.account, "create network", f"network {row.id}", {"code": body.code})
    return JSONResponse(
        _named(row), status_code=HTTPStatus.CREATED, headers={"Location": f"{base(request, here)}/networks/{body.code}"}
    )


@router.get("/{code}", summary="A network: its members and datasets")
def get_network(request: Request, caller: Caller, connection: Desk, code: str) -> dict[str, Any]:
    """Published datasets for everybody, all of them for who may read them by the network."""
    deps.only(request)
    return _document(connection, caller, _known(connection, code))


@router.patch("/{code}", summary="Change a network, for its coordinators")
def change_network(
    request: Request, caller: Member, connection: Desk, code: str, body: ChangedNetwork
) -> dict[str, Any]:
    """Names and languages."""
    deps.only(request)
    row = _managed(connection, caller, code)
    values = body.model_dump(exclude_unset=True)
    for name in ("name_en", "languages"):
        if name in values and values[name] is None:
            raise InvalidParameter(name, "It may be changed, not emptied.")
    if values:
        networks.change(connection, row.id, values)
        audit.record(connection, caller.account, "change network", f"network {row.id}", values)
    return _document(connection, caller, _known(connection, code))


@router.put("/{code}/members/{organisation_id}", status_code=204, summary="Take an organisation in, for coordinators")
def add_member(request: Request, caller: Member, connection: Desk, code: str, organisation_id: str) -> Response:
    """Let an organisation of /collections/partners belong to the network."""
    deps.only(request)
    row = _managed(connection, caller, code)
    wanted = deps.uuid("organisation_id", organisation_id)
    if not networks.take_in(connection, row.id, wanted):
        raise NotFound("There is no such organisation; see /collections/partners/items.")
    audit.record(connection, caller.account, "add member", f"network {row.id}", {"organisation": str(wanted)})
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.delete("/{code}/members/{organisation_id}", status_code=204, summary="Let an organisation go, for coordinators")
def remove_member(request: Request, caller: Member, connection: Desk, code: str, organisation_id: str) -> Response:
    """End the membership of an organisation."""
    deps.only(request)
    row = _managed(connection, caller, code)
    wanted = deps.uuid("organisation_id", organisation_id)
    if not networks.let_go(connection, row.id, wanted):
        raise NotFound("This organisation does not belong to the network.")
    audit.record(connection, caller.account, "remove member", f"network {row.id}", {"organisation": str(wanted)})
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.put("/{code}/datasets/{slug}", status_code=204, summary="Bring a dataset into a network, for its owner")
def join(request: Request, caller: Member, connection: Desk, code: str, slug: str) -> Response:
    """From then on the network's reviewers read it and decide on its uploads."""
    deps.only(request)
    row = _known(connection, code)
    found = _dataset(connection, caller, slug)
    caller.require("dataset.edit", dataset=found.id, networks=found.networks, what=f"the dataset {slug!r}")
    if datasets.join_network(connection, found.id, row.id):
        audit.record(connection, caller.account, "join network", f"dataset {found.id}", {"network": code})
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.delete("/{code}/datasets/{slug}", status_code=204, summary="Take a dataset out of a network, for coordinators")
def leave(request: Request, caller: Member, connection: Desk, code: str, slug: str) -> Response:
    """An owner cannot do it alone: it would be a way past the reviewers."""
    deps.only(request)
    row = _managed(connection, caller, code)
    found = _dataset(connection, caller, slug)
    if not datasets.leave_network(connection, found.id, row.id):
        raise NotFound(f"The dataset {slug[:100]!r} does not belong to the network.")
    audit.record(connection, caller.account, "leave network", f"dataset {found.id}", {"network": code})
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _known(connection: Connection, code: str) -> Row[Any]:
    row = networks.called(connection, deps.plain("code", code))
    if row is None:
        raise NotFound(f"There is no network {code[:100]!r}.")
    return row


def _managed(connection: Connection, caller: Principal, code: str) -> Row[Any]:
    row = _known(connection, code)
    caller.require("network.manage", networks=[row.id], what=f"the network {code!r}")
    return row


def _dataset(connection: Connection, caller: Principal, slug: str) -> Row[Any]:
    row = datasets.called(connection, deps.plain("slug", slug))
    if row is None or not caller.may("dataset.read", dataset=row.id, networks=row.networks):
        raise NotFound(f"There is nothing here named the dataset {slug[:100]!r}.")
    return row


def _named(row: Row[Any]) -> dict[str, Any]:
    return {
        "code": row.code,
        "names": {"en": row.name_en, "fr": row.name_fr, "es": row.name_es},
        "languages": list(row.languages),
    }


def _document(connection: Connection, caller: Principal, row: Row[Any]) -> dict[str, Any]:
    inside = caller.may("dataset.read", networks=[row.id])
    return {
        **_named(row),
        "members": [
            {"id": str(one.id), "name": one.name, "country": one.country_code}
            for one in networks.members(connection, row.id)
        ],
        "datasets": [
            {"slug": one.slug, "title": one.title, **({"state": one.state} if inside else {})}
            for one in networks.datasets(connection, row.id, published_only=not inside)
        ],
    }
