"""Datasets and their terms: registered, changed, withdrawn and restored by who may; told to everybody once published.

What everybody reads comes from what is published, never from the record itself. docs/terms.md explains the words.
"""

import datetime as dt
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, StringConstraints
from sqlalchemy import Connection, Row, text

from app.db import accounts, audit, datasets, jobs, releases
from app.errors import Conflict, InvalidParameter, NotFound
from app.identity.roles import Principal
from app.ingest import terms as rules
from app.ingest.mapping import LICENCE_CLASSES
from app.ingest.terms import Terms
from app.routers import citing, deps
from app.routers.bodies import Body, Line, Paragraph, Slug
from app.routers.citing import Cited
from app.routers.deps import Desk, Here
from app.routers.identity import Caller, Member
from app.routers.links import JSON, base, link, with_query

router = APIRouter(prefix="/datasets", tags=["datasets"])

PAGE_DEFAULT, PAGE_MAX = 100, 1_000
HISTORY_MAX = 500
TAKING_DOWN_S = 600
"""How long ending the rows of a large dataset may take [s]: everything else a request asks is over much sooner."""

Doi = Annotated[
    str, StringConstraints(pattern=r"^10\.[0-9]{4,9}/[!-~]{1,200}$"), Field(description="Without https://doi.org/.")
]
Address = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,2000}$")]
LicenceClass = Literal["open", "attribution", "non_commercial", "aggregate_only", "display_generalised_only"]
Precision = Literal["exact", "100m", "1km", "10km", "region"]
Owners = Annotated[list[Line], Field(min_length=1, max_length=100, description="Owners as named in the citation.")]
COLUMNS = (
    "slug",
    "title",
    "description",
    "licence",
    "licence_url",
    "licence_class",
    "citation",
    "doi",
    "source_url",
    "embargo_until",
    "location_precision",
    "surface_convention",
    "bulk_density_basis",
    "coarse_fragments_basis",
    "sampling_design",
    "consent",
)
PUBLIC = (
    "title",
    "description",
    "licence",
    "licence_url",
    "licence_class",
    "citation",
    "doi",
    "source_url",
    "owners",
    "sampling_design",
    "location_precision",
    "synthetic",
)
FIXED_BY_DATA = ("surface_convention", "bulk_density_basis", "coarse_fragments_basis")
"""What stored values were computed with: it changes with a new upload only."""


class NewDataset(Body):
    """A dataset to register, with its terms."""

    slug: Slug
    title: Line
    owners: Owners
    licence: Line = Field(description="SPDX identifier, such as CC-BY-4.0, or the name of your own licence.")
    licence_class: LicenceClass | None = Field(None, description="Needed for a licence of your own.")
    licence_url: Address | None = None
    description: Paragraph | None = None
    citation: Paragraph | None = Field(None, description="How you ask to be cited.")
    doi: Doi | None = None
    source_url: Address | None = Field(None, description="Where it was published before.")
    embargo_until: dt.date | None = Field(None, description="Nothing is published before this day.")
    consent: Paragraph | None = Field(None, description="Who agreed to positions of exact or 100m, and how.")
    location_precision: Precision = Field("1km", description="How precisely positions are published.")
    sampling_design: Literal["srs", "stratified", "grid", "purposive", "legacy"] = "legacy"
    surface_convention: Literal["mineral", "organic_top"] = "mineral"
    bulk_density_basis: Literal["fine_earth", "whole", "fine_per_total", "unknown"] = "unknown"
    coarse_fragments_basis: Literal["volume", "mass", "unknown"] = "unknown"
    networks: list[Slug] = Field(default=[], max_length=20, description="Codes of the networks that review it.")


class ChangedTerms(Body):
    """Terms to change; what is left out stays as it is, null empties what may be empty."""

    title: Line | None = None
    owners: Owners | None = None
    licence: Line | None = None
    licence_class: LicenceClass | None = None
    licence_url: Address | None = None
    description: Paragraph | None = None
    citation: Paragraph | None = None
    doi: Doi | None = None
    source_url: Address | None = None
    embargo_until: dt.date | None = None
    consent: Paragraph | None = None
    location_precision: Precision | None = None
    sampling_design: Literal["srs", "stratified", "grid", "purposive", "legacy"] | None = None


NEVER_EMPTY = frozenset({"title", "owners", "licence", "licence_class", "location_precision", "sampling_design"})


class Withdrawal(Body):
    """Why a dataset is withdrawn."""

    reason: Paragraph = Field(description="Told to everybody beside the title, which stays readable.")


# --- Reading --------------------------------------------------------------------------------------------------------


@router.get("", summary="Datasets that you may see")
def list_datasets(request: Request, here: Here, caller: Caller, connection: Desk) -> dict[str, Any]:
    """Published datasets for everybody, unpublished ones for who may read them; by short name."""
    deps.only(request, "limit", "cursor")
    limit = deps.whole(request, "limit", PAGE_DEFAULT, least=1, most=PAGE_MAX)
    after = deps.plain("cursor", request.query_params.get("cursor"))
    rows = datasets.listed(connection, limit=limit + 1, after=after, seen=readable(connection, caller))
    root = base(request, here)
    links = [link(f"{root}/datasets", "self", JSON, "Datasets")]
    if len(rows) > limit:
        onward = with_query(f"{root}/datasets", request, cursor=rows[limit - 1].slug)
        links.append(link(onward, "next", JSON, "Next page"))
    return {"datasets": [_document(connection, caller, row, root) for row in rows[:limit]], "links": links}


def readable(connection: Connection, caller: Principal) -> set[UUID] | None:
    """Datasets that the caller may read before they are published; None: all."""
    if caller.administrator and caller.may("dataset.read"):
        return None
    networks = {grant.network for grant in caller.grants if grant.network is not None}
    own = {grant.dataset for grant in caller.grants if grant.dataset is not None}
    reach = {found for found in networks if caller.may("dataset.read", networks=[found])}
    return {one for one in own if caller.may("dataset.read", dataset=one)} | datasets.in_networks(connection, reach)


@router.get("/{slug}", summary="A dataset: its terms and its state")
def get_dataset(request: Request, here: Here, caller: Caller, connection: Desk, slug: str) -> dict[str, Any]:
    """The published terms. Those who may read the dataset see the record behind them, with uploads and who may see it.

    A withdrawn dataset keeps this page: what it was, when and why it went.
    """
    deps.only(request)
    row = _seen(connection, caller, slug)
    return _document(connection, caller, row, base(request, here))


@router.get("/{slug}/history", summary="Releases and uploads of a dataset")
def get_history(request: Request, here: Here, caller: Caller, connection: Desk, slug: str) -> dict[str, Any]:
    """What was published when and what each release changed; for those who may read the uploads, these as well."""
    deps.only(request)
    row = _seen(connection, caller, slug)
    body: dict[str, Any] = {
        "slug": row.slug,
        "releases": [
            {
                "number": one.number,
                "at": one.created_at.isoformat(),
                "kind": one.kind,
                "summary": one.summary,
                "changes": {k: v for k, v in one.changes.items() if k != "settled"},
                "content_hash": one.content_hash,
            }
            for one in releases.history(connection, row.id)
        ],
        "links": [link(f"{base(request, here)}/datasets/{row.slug}", "up", JSON, row.title)],
    }
    if _may(caller, "upload.read", row):
        body["uploads"] = [
            {
                **{k: v for k, v in one._asdict().items() if k not in {"created_at", "finished_at"}},
                "id": str(one.id),
                "received_at": one.created_at.isoformat(),
                "finished_at": one.finished_at.isoformat() if one.finished_at else None,
            }
            for one in datasets.uploads_of(connection, row.id, limit=HISTORY_MAX)
        ]
    return body


@router.get(
    "/{slug}/citation",
    summary="How to cite a dataset",
    response_class=Response,
    responses={
        200: {"content": {media.partition(";")[0]: {} for media in citing.MEDIA.values()}, "description": "Citation"}
    },
)
def get_citation(
    request: Request,
    here: Here,
    caller: Caller,
    connection: Desk,
    slug: str,
    wanted: Annotated[str, Query(alias="format", description="bibtex, csl, datacite or text.")] = "text",
) -> Response:
    """A citation made from the published terms; from the registered ones where nothing is published yet."""
    deps.only(request, "format")
    if wanted not in citing.MEDIA:
        raise InvalidParameter("format", f"{wanted[:40]!r} is not one of {', '.join(citing.MEDIA)}.")
    row = _seen(connection, caller, slug)
    cited = _cited(row, releases.shown(connection, row.id), f"{base(request, here)}/datasets/{row.slug}")
    if wanted in {"text", "bibtex"}:
        made = citing.text(cited) if wanted == "text" else citing.bibtex(cited)
        return Response(made, media_type=citing.MEDIA[wanted])
    document = citing.csl(cited) if wanted == "csl" else citing.datacite(cited)
    return JSONResponse(document, media_type=citing.MEDIA[wanted])


def _cited(row: Row[Any], shown: Row[Any] | None, address: str) -> Cited:
    said: Any = row if shown is None else shown
    return Cited(
        slug=row.slug,
        title=said.title,
        owners=tuple(said.owners),
        issued=(row.created_at if shown is None else shown.released_at).date(),
        licence=said.licence,
        licence_url=said.licence_url,
        doi=said.doi,
        address=address,
        release=None if shown is None else shown.released_from,
        asked=said.citation,
        description=said.description,
        withdrawn=row.state == "withdrawn",
    )


# --- Registering and changing ---------------------------------------------------------------------------------------


@router.post("", status_code=201, summary="Register a dataset with its terms")
def register(request: Request, here: Here, caller: Member, connection: Desk, body: NewDataset) -> JSONResponse:
    """A draft that only you and the reviewers of its networks can see, until an upload to it is published."""
    deps.only(request)
    networks = [_network(connection, code) for code in dict.fromkeys(body.networks)]
    caller.require("dataset.create", networks=networks, what="datasets")
    own = caller.require_account()
    record = {name: getattr(body, name) for name in COLUMNS}
    record["licence_class"] = rules.class_of(body.licence, body.licence_class)
    record["licence_url"] = body.licence_url or _spdx(body.licence)
    found = _terms(record)
    rules.require_consistent(found, body.slug)
    rules.require_consent(found, body.slug)
    made = datasets.add(connection, {**record, "created_by": own}, list(dict.fromkeys(body.owners)), networks)
    if made is None:
        raise Conflict(f"The name {body.slug!r} is taken; choose another slug.")
    # Given with the dataset itself: whoever registers it keeps it.
    accounts.give(connection, own, "contributor", dataset_id=made, granted_by=own)
    audit.record(connection, own, "register dataset", f"dataset {made}", {"slug": body.slug, "terms": _said(record)})
    row = datasets.called(connection, body.slug)
    assert row is not None  # noqa: S101 - made above, in this transaction
    root = base(request, here)
    return JSONResponse(
        _document(connection, caller, row, root, own=True),
        status_code=HTTPStatus.CREATED,
        headers={"Location": f"{root}/datasets/{body.slug}"},
    )


@router.patch("/{slug}", summary="Change the terms of a dataset")
def change(
    request: Request, here: Here, caller: Member, connection: Desk, slug: str, body: ChangedTerms
) -> dict[str, Any]:
    """What shows less takes effect at once, as a release of its own; what shows more needs a word of consent with it."""
    deps.only(request)
    row = _held(connection, caller, slug, "dataset.edit")
    given = {name: getattr(body, name) for name in body.model_fields_set}
    for name in sorted(NEVER_EMPTY & given.keys()):
        if given[name] is None:
            raise InvalidParameter(name, "It may be changed, not emptied.")
    after = _after(row, given)
    before_terms, after_terms = _terms(row._asdict()), _terms(after)
    rules.require_consistent(after_terms, slug)
    shows_more = rules.shows_more(before_terms, after_terms)
    if shows_more:
        if row.state != "draft":
            _require(caller, "dataset.publish", row)
        if not given.get("consent"):
            raise InvalidParameter(
                "consent", "CONSENT_MISSING: this shows more to everybody; say in the same request who agreed to it."
            )
    if shows_more or "consent" in given:
        rules.require_consent(after_terms, slug)
    owners = list(dict.fromkeys(given["owners"])) if "owners" in given else None
    changed = {name: after[name] for name in COLUMNS if name in after and after[name] != getattr(row, name)}
    if changed:
        datasets.change(connection, row.id, changed)
    if owners is not None and sorted(owners) != sorted(row.owners):
        datasets.set_owners(connection, row.id, owners)
        changed["owners"] = owners
    detail = {
        "before": _said({name: getattr(row, name) for name in changed}),
        "after": _said(changed),
        "shows_more": shows_more,
    }
    if changed:
        audit.record(connection, caller.account, "change terms", f"dataset {row.id}", detail)
    effect = _effect(connection, row, after, changed)
    now = datasets.called(connection, slug)
    assert now is not None  # noqa: S101 - held above
    return {**_document(connection, caller, now, base(request, here)), "effect": effect}


def _after(row: Row[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a dataset's record with what was given in place."""
    after = {name: given.get(name, getattr(row, name)) for name in COLUMNS}
    if "licence" in given and given["licence"] != row.licence:
        after["licence_class"] = rules.class_of(after["licence"], given.get("licence_class"))
        after["licence_url"] = given.get("licence_url") or _spdx(after["licence"])
    return after


def _effect(
    connection: Connection, row: Row[Any], after: Mapping[str, Any], changed: Mapping[str, Any]
) -> dict[str, Any]:
    """Bring a change of terms before everybody: at once what shows less, by the job whatever it takes."""
    if row.state != "published" or not changed:
        return {"release": None, "pending": False}
    number: int | None = 0
    before_terms, after_terms = _terms(row._asdict()), _terms(after)
    if rules.shows_less(before_terms, after_terms):
        hidden = after_terms.embargo_until is not None
        number = _take_down(
            connection,
            row,
            kind="embargo" if hidden else "terms",
            summary=f"Took down, because its terms became narrower, {row.slug}: {row.title}.",
            # True positions are behind figures under any precision; a licence that closes decides on them as well.
            with_figures=hidden or after_terms.licence_class not in rules.OPEN_CLASSES,
        )
    jobs.enqueue(connection, "publish_dataset", dataset=str(row.id), left=[])
    return {"release": number or None, "pending": True}


@router.post("/{slug}/withdraw", summary="Withdraw a dataset from publication")
def withdraw(
    request: Request, here: Here, caller: Member, connection: Desk, slug: str, body: Withdrawal
) -> dict[str, Any]:
    """Take a dataset out of everything that is published, at once. It stays stored, and its page says that it went."""
    deps.only(request)
    row = _held(connection, caller, slug, "dataset.withdraw")
    if row.state != "published":
        raise Conflict(f"The dataset {slug!r} is not published: its state is {row.state}.")
    datasets.set_state(connection, row.id, "withdrawn", body.reason)
    audit.record(connection, caller.account, "withdraw dataset", f"dataset {row.id}", {"reason": body.reason})
    number = _take_down(
        connection,
        row,
        kind="withdraw",
        summary=f"Withdrew {row.slug}: {row.title}.",
        with_figures=True,
        reason=body.reason,
    )
    jobs.enqueue(connection, "publish_dataset", dataset=str(row.id), left=[])
    return _with_effect(connection, caller, slug, base(request, here), number)


@router.post("/{slug}/restore", status_code=202, summary="Publish a withdrawn dataset again")
def restore(request: Request, here: Here, caller: Member, connection: Desk, slug: str) -> dict[str, Any]:
    """Publish what is stored of a withdrawn dataset, as a new release."""
    deps.only(request)
    row = _held(connection, caller, slug, "dataset.publish")
    if row.state != "withdrawn":
        raise Conflict(f"The dataset {slug!r} is not withdrawn: its state is {row.state}.")
    datasets.set_state(connection, row.id, "published")
    audit.record(connection, caller.account, "restore dataset", f"dataset {row.id}")
    jobs.enqueue(connection, "publish_dataset", dataset=str(row.id), left=[])
    return _with_effect(connection, caller, slug, base(request, here), 0)


def _with_effect(connection: Connection, caller: Principal, slug: str, root: str, number: int | None) -> dict[str, Any]:
    row = datasets.called(connection, slug)
    assert row is not None  # noqa: S101 - held before
    return {**_document(connection, caller, row, root), "effect": {"release": number or None, "pending": True}}


def _take_down(
    connection: Connection, row: Row[Any], *, kind: str, summary: str, with_figures: bool, reason: str | None = None
) -> int | None:
    connection.execute(text(f"SET LOCAL statement_timeout = '{TAKING_DOWN_S}s'"))
    return releases.take_down(
        connection,
        row.id,
        kind=kind,
        summary=summary,
        changes={} if reason is None else {"reason": reason},
        with_figures=with_figures,
    )


# --- What is said, and to whom --------------------------------------------------------------------------------------


def _may(caller: Principal, action: Any, row: Row[Any]) -> bool:
    return caller.may(action, dataset=row.id, networks=row.networks)


def _require(caller: Principal, action: Any, row: Row[Any], *, public: bool = False) -> None:
    caller.require(action, dataset=row.id, networks=row.networks, what=f"the dataset {row.slug!r}", public=public)


def _missing(slug: str) -> NotFound:
    return NotFound(f"There is nothing here named the dataset {slug[:100]!r}.")


def _seen(connection: Connection, caller: Principal, slug: str) -> Row[Any]:
    """The dataset, NotFound where it is not for the caller to see: as long as nothing of it was ever published."""
    row = datasets.called(connection, deps.plain("slug", slug))
    if row is None:
        raise _missing(slug)
    if not _may(caller, "dataset.read", row) and not _told(row, releases.shown(connection, row.id)):
        raise _missing(slug)
    return row


def _told(row: Row[Any], shown: Row[Any] | None) -> bool:
    """Whether everybody may know of a dataset: it is published, or was and its page tells that it went."""
    return shown is not None and (
        shown.released_to is None or row.state == "withdrawn" or not _ahead(row.embargo_until)
    )


def _held(connection: Connection, caller: Principal, slug: str, action: Any) -> Row[Any]:
    """The dataset, held against changes by others, for who may do this to it."""
    row = datasets.called(connection, deps.plain("slug", slug))
    if row is None:
        raise _missing(slug)
    _require(caller, action, row, public=_told(row, releases.shown(connection, row.id)))
    # Only who may change it may also keep others waiting for it.
    held = datasets.called(connection, slug, lock=True)
    assert held is not None  # noqa: S101 - datasets are never deleted
    return held


def _network(connection: Connection, code: str) -> UUID:
    found = accounts.network_called(connection, code)
    if found is None:
        raise InvalidParameter("networks", f"There is no network {code!r}.")
    return UUID(str(found.id))


def _spdx(licence: str) -> str | None:
    return f"https://spdx.org/licenses/{licence}.html" if licence in LICENCE_CLASSES else None


def _ahead(day: dt.date | None) -> bool:
    """Whether a day is still to come, in UTC as the database counts."""
    return day is not None and day > dt.datetime.now(dt.UTC).date()


def _terms(record: Mapping[str, Any]) -> Terms:
    return Terms(
        licence=record["licence"],
        licence_class=record["licence_class"],
        location_precision=record["location_precision"],
        embargo_until=record["embargo_until"] if _ahead(record["embargo_until"]) else None,
        consent=record["consent"],
    )


def _said(record: Mapping[str, Any]) -> dict[str, Any]:
    """Terms as JSON."""
    return {name: value.isoformat() if isinstance(value, dt.date) else value for name, value in record.items()}


def _document(
    connection: Connection, caller: Principal, row: Row[Any], root: str, *, own: bool = False
) -> dict[str, Any]:
    """A dataset as the caller may see it."""
    shown = releases.shown(connection, row.id)
    address = f"{root}/datasets/{row.slug}"
    reads = own or _may(caller, "dataset.read", row)
    body: dict[str, Any] = {"id": str(row.id), "slug": row.slug, **_state(connection, row, shown, reads=reads)}
    said: Any = shown if shown is not None else row
    body |= {name: list(said.owners) if name == "owners" else getattr(said, name) for name in PUBLIC}
    if shown is not None and shown.released_to is None:
        body |= {"n_sites": shown.n_sites, "n_observations": shown.n_observations, "release": shown.released_from}
    body["networks"] = list(row.network_codes)
    if reads:
        body["registered"] = {
            **_said({name: getattr(row, name) for name in COLUMNS if name != "slug"}),
            "owners": list(row.owners),
            "synthetic": row.synthetic,
            "created_at": row.created_at.isoformat(),
        }
        body["releases"] = [one.number for one in releases.history(connection, row.id)]
    if own or _may(caller, "dataset.edit", row):
        body["who_may_see"] = {
            "everybody": shown is not None and shown.released_to is None,
            "accounts": [
                {"account": str(grant.account_id), "name": grant.account_name, "role": grant.role}
                for grant in accounts.grants(connection, dataset_id=row.id)
            ],
            "networks": list(row.network_codes),
        }
    body["links"] = [
        link(address, "self", JSON, said.title),
        link(f"{address}/history", "version-history", JSON, "Releases"),
        link(f"{address}/citation?format=text", "cite-as", "text/plain", "How to cite it"),
    ]
    if said.doi:
        body["links"].append(link(f"https://doi.org/{said.doi}", "related", "text/html", "DOI"))
    return body


def _state(connection: Connection, row: Row[Any], shown: Row[Any] | None, *, reads: bool) -> dict[str, Any]:
    """draft, embargoed, published, or withdrawn with when and why; waiting between a change and its release."""
    if row.state == "withdrawn":
        gone = next((one for one in releases.history(connection, row.id) if one.kind == "withdraw"), None)
        return {
            "state": "withdrawn",
            "withdrawn": {
                "at": gone.created_at.isoformat() if gone else None,
                "release": gone.number if gone else None,
                "reason": row.withdrawn_because,
            },
        }
    if shown is not None and shown.released_to is None:
        return {"state": "published"}
    if reads and _ahead(row.embargo_until):
        return {"state": "embargoed"}
    return {"state": "waiting" if row.state == "published" else row.state}
