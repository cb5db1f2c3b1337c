"""The catalogue of indicators, and their values in a region with everything needed to judge them."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy import Row

from app.db import estimates
from app.errors import InvalidParameter, NotFound
from app.routers import deps
from app.routers.deps import Here, Reading
from app.routers.links import JSON, base, link
from app.routers.schemas import Catalogue, Estimate, Period, RegionIndicators
from app.soil.estimate import ESTIMATORS, MEANING_DESCRIPTIVE, MEANING_REPRESENTATIVE, NOTES, REFUSALS
from app.soil.indicators import INDICATORS

router = APIRouter(tags=["indicators"])

METHODS = Path(__file__).parents[2] / "docs" / "methods"


@router.get("/indicators", summary="Indicators and periods", response_model=Catalogue)
def list_indicators(request: Request, connection: Reading) -> Response:
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
        "periods": [_period(period) for period in estimates.periods(connection)],
    }
    return JSONResponse(body, headers=dict(version.headers))


@router.get("/regions/{region_id}/indicators", summary="Indicators of a region", response_model=RegionIndicators)
def region_indicators(request: Request, here: Here, connection: Reading, region_id: str) -> Response:
    """Every estimate of a region, or those of one indicator, depth (such as 0-30) and period (all, 2010/2019)."""
    deps.only(request, "indicator", "depth", "period")
    query = request.query_params
    indicator, period = query.get("indicator"), query.get("period")
    if indicator is not None and indicator not in INDICATORS:
        raise InvalidParameter("indicator", f"{indicator!r} is not one of {', '.join(INDICATORS)}.")
    known = estimates.periods(connection)
    if period is not None and period not in known:
        raise InvalidParameter("period", f"{period!r} is not one of {', '.join(known) or 'none yet'}.")
    if "\x00" in region_id:
        raise NotFound("There is no such region.")
    region = estimates.region(connection, region_id)
    if region is None:
        raise NotFound(f"There is no region {region_id!r}; see /collections/regions/items.")
    version = deps.version(request, connection)
    if version.unchanged:
        return Response(status_code=304, headers=dict(version.headers))
    rows = estimates.of_region(
        connection, region_id, indicator=indicator, depth=deps.depth(query.get("depth")), period=period
    )
    root = base(request, here)
    body = {
        "region": {
            "id": region.id,
            "name": region.name_en,
            "names": {"en": region.name_en, "fr": region.name_fr, "es": region.name_es},
            "kind": region.kind,
            "initiative_region": region.initiative_region,
            "area_km2": round(region.area_km2, 1),
        },
        "release": version.release,
        "estimates": [estimate_document(row) for row in rows],
        "links": [
            link(f"{root}/regions/{region_id}/indicators", "self", JSON, "Indicators of the region"),
            link(f"{root}/collections/regions/items/{region_id}", "related", "application/geo+json", "The region"),
        ],
    }
    return JSONResponse(body, headers=dict(version.headers))


def estimate_document(row: Row[Any]) -> dict[str, Any]:
    """One estimate as the API, the map and the documentation spell it."""
    record = INDICATORS[row.indicator]
    document: Estimate = {
        "indicator": row.indicator,
        "title": record.title["en"],
        "unit": {"label": record.unit, "ucum": record.ucum},
        "depth": {"upper": row.upper_cm, "lower": row.lower_cm, "unit": "cm"},
        "period": _period(row.period),
        "value": row.value,
        "sd": row.sd,
        "se": row.se,
        "median": row.median,
        "q1": row.q1,
        "q3": row.q3,
        "interval": None
        if row.lower is None
        else {
            "lower": row.lower,
            "upper": row.upper,
            "level": row.level,
            "df": row.df,
            "method": "Student t",
            "meaning": MEANING_REPRESENTATIVE if row.representative else MEANING_DESCRIPTIVE,
        },
        "representative": row.representative,
        "indicative": row.indicative,
        "n_sites": row.n_sites,
        "n_units": row.n_units,
        "n_owners": row.n_owners,
        "estimator": {"id": row.estimator, "title": ESTIMATORS[row.estimator]},
        "notes": [{"code": code, "sentence": NOTES[code]} for code in row.notes],
        "basis": row.mass_basis,
        "coverage": row.coverage,
        "quality": row.quality,
        "refused": None if row.refused is None else {"code": row.refused, "reason": REFUSALS[row.refused]},
        "synthetic": row.synthetic,
        "release": row.released_from,
        "method_version": row.method_version,
        "datasets": row.dataset_terms,
    }
    return dict(document)


def _period(period: str) -> Period:
    if period == "all":
        return {"id": "all", "label": "all years", "start": None, "end": None}
    first, last = period.split("/")
    return {"id": period, "label": f"{first}–{last}", "start": f"{first}-01-01", "end": f"{last}-12-31"}


@router.get("/docs/methods/{page}", summary="How an indicator is computed", response_class=PlainTextResponse)
def method(request: Request, page: str) -> Response:
    """A method page, as Markdown."""
    deps.only(request)
    known = {f"{record.method}.md" for record in INDICATORS.values()} | {"regional_estimate.md"}
    if page not in known:
        raise NotFound(f"There is no method page {page!r}. Pages: {', '.join(sorted(known))}.")
    return PlainTextResponse((METHODS / page).read_text(encoding="utf-8"))
