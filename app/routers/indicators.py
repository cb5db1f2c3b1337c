"""The catalogue of indicators, and their values in a region with everything needed to judge them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy import Connection, Row

from app.db import estimates
from app.errors import InvalidParameter, NotFound
from app.routers import asked, deps, figures
from app.routers.asked import State
from app.routers.deps import Here, Reading
from app.routers.figures import CITATIONS, COLUMNS, FORMS
from app.routers.links import OTHER_FORMS, base, link, with_query
from app.routers.schemas import Catalogue, RegionIndicators
from app.soil.indicators import INDICATORS

router = APIRouter(tags=["indicators"])

METHODS = Path(__file__).parents[2] / "docs" / "methods"


@router.get("/indicators", summary="Indicators and periods", response_model=Catalogue)
def list_indicators(request: Request, here: Here, connection: Reading) -> Response:
    """What can be asked: each indicator with unit, depths, colour ramp and method, and the periods that have estimates."""
    deps.only(request)
    version = deps.version(request, connection)
    if version.unchanged:
        return Response(status_code=304, headers=dict(version.headers))
    body = {
        "release": version.release,
        "indicators": [
            {
                "id": record.id,
                "title": record.title["en"],
                "titles": dict(record.title),
                "description": record.description,
                "unit": {"label": record.unit, "ucum": record.ucum},
                "depths": [{"upper": upper, "lower": lower} for upper, lower in record.depths],
                "ramp": {"colors": list(record.colors), "breaks": list(record.breaks)},
                "method": f"docs/methods/{record.method}.md",
                "references": list(record.references),
            }
            for record in INDICATORS.values()
        ],
        "periods": [figures.period_document(period) for period in asked.periods(here, connection, None)],
    }
    return JSONResponse(body, headers=dict(version.headers))


@router.get(
    "/regions/{region_id}/indicators",
    summary="Indicators of a region",
    response_model=RegionIndicators,
    responses=OTHER_FORMS,
    openapi_extra=asked.described("indicator", "depth", "period", "as_of", forms=FORMS),
)
def region_indicators(request: Request, here: Here, connection: Reading, region_id: str) -> Response:
    """Every estimate of a region, or those of one indicator, depth and period, as they are or as they were.

    The forms bibtex, csl and datacite cite one figure: name indicator, depth and period until one is left.
    """
    deps.only(request, "indicator", "depth", "period", "as_of")
    form = asked.form(request, FORMS)
    record = asked.indicator(request)
    depth = asked.depth(request.query_params.get("depth"), record)
    state = asked.state(request, connection)
    period = asked.period(request.query_params.get("period"), here, connection, state.past)
    region = asked.region(connection, region_id, state.past)
    if state.version.unchanged:
        return Response(status_code=304, headers=dict(state.version.headers))
    rows = estimates.of_region(
        connection,
        region_id,
        release=state.past,
        indicator=None if record is None else record.id,
        depth=depth,
        period=period,
    )
    address = f"{base(request, here)}/regions/{quote(region_id)}/indicators"
    if form == "csv":
        return figures.table(COLUMNS, [figures.record_of(row, region, state) for row in rows], "indicators", state)
    if form in CITATIONS:
        return _cited_figure(request, connection, state, address, region, rows, form)
    body = {
        "region": figures.region_document(region),
        "release": state.release,
        "estimates": [figures.estimate_document(row) for row in rows],
        "links": [
            *figures.links(address, request, state, FORMS[:2], "Indicators of the region"),
            link(
                f"{base(request, here)}/collections/regions/items/{quote(region_id)}",
                "related",
                "application/geo+json",
                "The region",
            ),
        ],
    }
    return JSONResponse(body, headers=dict(state.version.headers))


def _cited_figure(
    request: Request,
    connection: Connection,
    state: State,
    address: str,
    region: Row[Any],
    rows: Sequence[Row[Any]],
    form: str,
) -> Response:
    if not rows:
        raise NotFound(f"There is no such figure of {region.name_en} to cite.")
    if len(rows) > 1:
        free = [name for name in ("indicator", "depth", "period") if name not in request.query_params]
        name = free[0] if free else "period"
        raise InvalidParameter(
            name, f"A citation is of one figure, and {len(rows)} are meant; name {' and '.join(free)}."
        )
    row = rows[0]
    years = figures.period_document(row.period)["label"]
    title = f"{INDICATORS[row.indicator].title['en']} {row.upper_cm}–{row.lower_cm} cm, {region.name_en}, {years}"
    lasting = with_query(address, request, f=None, as_of=str(state.release))
    return figures.citation(form, figures.cited(connection, state, lasting, title, rows), state)


@router.get("/docs/methods/{page}", summary="How an indicator is computed", response_class=PlainTextResponse)
def method(request: Request, page: str) -> Response:
    """A method page, as Markdown."""
    deps.only(request)
    known = {f"{record.method}.md" for record in INDICATORS.values()} | {
        "regional_estimate.md",
        "comparison.md",
        "sampling_plan.md",
    }
    if page not in known:
        raise NotFound(f"There is no method page {page!r}. Pages: {', '.join(sorted(known))}.")
    return PlainTextResponse((METHODS / page).read_text(encoding="utf-8"))
