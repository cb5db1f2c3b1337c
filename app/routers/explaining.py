"""Where a figure comes from: method, inputs, what was counted and left out, thresholds, versions and datasets.

It is told from what is stored with the figure: nothing is computed here.
"""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Row

from app.db import estimates
from app.errors import NotFound
from app.routers import asked, deps, figures
from app.routers.deps import Here, Reading
from app.routers.links import JSON, base, link
from app.routers.schemas import Explanation
from app.soil import estimate as rules
from app.soil.carbon import REASONS
from app.soil.indicators import Indicator

router = APIRouter(tags=["indicators"])

FORMS = ("json",)
COUNTED = ("sites_in_region", "sites_with_value", "cells_occupied", "cells_in_region", "first_year", "last_year")
THRESHOLDS = (
    ("median", "n_units", rules.MEDIAN_N, "Fewer independent units give no figure."),
    ("mean", "n_units", rules.INDICATIVE_N, "Fewer independent units give the median only."),
    ("full", "n_units", rules.FULL_N, "Fewer independent units make a figure indicative."),
    ("interval", "n_units", rules.APPROXIMATE_N, "With fewer independent units the interval is approximate."),
)
"""Thresholds of small numbers: id, what is counted, the least number, and what it means to be below."""
OWNERS = {
    "fewest_owners": rules.FEWEST_OWNERS,
    "largest_share": rules.LARGEST_SHARE,
    "applies_to": "data that are not open",
    "meaning": "Fewer owners, or one who holds a larger share, withhold a figure.",
}


@router.get(
    "/regions/{region_id}/explain",
    summary="Where a figure comes from",
    response_model=Explanation,
    openapi_extra=asked.described("indicator", "depth", "period", "as_of", required=("indicator",), forms=FORMS),
)
def explain_figure(request: Request, here: Here, connection: Reading, region_id: str) -> Response:
    """Method, inputs, counts by reason of exclusion, thresholds, versions and datasets of one figure."""
    deps.only(request, "indicator", "depth", "period", "as_of")
    asked.form(request, FORMS)
    record = asked.one_indicator(request)
    depth = asked.one_depth(request, record)
    state = asked.state(request, connection)
    period = asked.period(request.query_params.get("period"), here, connection, state.past) or "all"
    region = asked.region(connection, region_id, state.past)
    if state.version.unchanged:
        return Response(status_code=304, headers=dict(state.version.headers))
    chosen: dict[str, Any] = {"indicator": record.id, "depth": depth, "period": period}
    rows = estimates.of_region(connection, region_id, release=state.past, **chosen)
    row = next((row for row in rows if figures.is_plain(row)), None)
    if row is None:
        years = figures.period_document(period)["label"]
        raise NotFound(f"There is no figure of {record.id} {depth[0]}-{depth[1]} cm for {region.name_en}, {years}.")
    root = base(request, here)
    versions = estimates.versions(connection, region_id, until=state.release, **chosen)
    title = f"Where {record.title['en']} {depth[0]}–{depth[1]} cm of {region.name_en} comes from"
    body = {
        "region": figures.region_document(region),
        "release": state.release,
        "estimate": figures.estimate_document(row),
        "method": _method(record, row, root),
        "counts": _counts(row),
        "thresholds": [
            {"id": name, "counted": counted, "least": least, "meaning": meaning, "met": getattr(row, counted) >= least}
            for name, counted, least, meaning in THRESHOLDS
        ],
        "owners": OWNERS,
        "versions": [_version(one, state.release) for one in versions],
        "links": [
            *figures.links(f"{root}/regions/{quote(region_id)}/explain", request, state, FORMS, title),
            *(
                link(f"{root}/datasets/{part['id']}", "related", JSON, str(part["title"]))
                for part in row.dataset_terms
                if part["id"] is not None
            ),
        ],
    }
    return JSONResponse(body, headers=dict(state.version.headers))


def _method(record: Indicator, row: Row[Any], root: str) -> dict[str, Any]:
    return {
        "version": row.method_version,
        "of_profiles": {"page": f"{root}/docs/methods/{record.method}.md", "inputs": list(record.inputs)},
        "of_regions": {"page": f"{root}/docs/methods/regional_estimate.md", "estimator": row.estimator},
        "description": record.description,
        "references": list(record.references),
    }


def _counts(row: Row[Any]) -> dict[str, Any]:
    """What was counted, and profiles that gave nothing, the most frequent reason first."""
    without = row.coverage.get("profiles_without_value") or {}
    return {
        **{name: row.coverage.get(name) for name in COUNTED},
        "units": row.n_units,
        "owners": row.n_owners,
        "profiles_without_value": [
            {"code": code, "reason": REASONS.get(code, code), "n": n}
            for code, n in sorted(without.items(), key=lambda item: (-item[1], item[0]))
        ],
        "profiles_of_tier_c": row.coverage.get("profiles_left_out_tier_c"),
    }


def _version(row: Row[Any], release: int) -> dict[str, Any]:
    """One state of the figure. That it ended later is not said: it was not known in this release."""
    return {
        "from_release": row.released_from,
        "until_release": row.released_to if row.released_to is not None and row.released_to <= release else None,
        "value": row.value,
        "n_sites": row.n_sites,
        "refused": row.refused,
        "method_version": row.method_version,
    }
