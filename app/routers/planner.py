"""Planning of campaigns: how many sites a change needs to be found, and where they should be."""

import math
import secrets
import threading
from typing import Any, Literal, cast

import numpy as np
import shapely
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, model_validator
from sqlalchemy import Connection

from app.db import estimates, plans
from app.errors import Busy, InvalidParameter, NotFound
from app.geo import sampling
from app.geo.sampling import Area, AreaRefused
from app.pipelines import planning
from app.pipelines.planning import NO_STRATUM, Plan, Stratum
from app.routers import deps, problems
from app.routers.bodies import Body, Line
from app.routers.deps import Reading
from app.soil import design as designs
from app.soil.design import Campaigns
from app.soil.estimate import NOTES, REFUSALS
from app.soil.indicators import INDICATORS

router = APIRouter(tags=["planner"])

N_MAX = 5_000
STRATA_MAX = 50
FEATURES_MAX = 1_000
CLIPPED_MAX = 10_000
"""Most vertices of strata that are cut by a region."""
CROSSINGS_MAX = 4_000_000
"""Most vertices of strata times those of a polygon that cuts them."""
SEED_MAX = 2**53 - 1
"""Largest whole number that every reader of JSON keeps."""
BODY_BYTES = 8_000_000
VALUES_MAX = 400_000
"""Most values of a body: two or three for each vertex of an area."""
FIELDS_MAX = 20
NEEDED_MAX = 1_000_000
"""Sites beyond which a size is not given: no campaign has them."""
RATES = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0)
FORMS = ("json", "gpx", "csv")
METHOD = "docs/methods/sampling_plan.md"
_PLACES = threading.BoundedSemaphore(2)

SIZE_PARAMETERS = {
    "region": "Region whose stored estimate gives sd and mean.",
    "indicator": "With a region: soc_stock (default) or another indicator.",
    "depth": "With a region: depth interval in cm, such as 0-30.",
    "period": "With a region: period of the estimate. Default: all.",
    "sd": "Standard deviation between sites, without a region.",
    "mean": "Mean of the first campaign, in the unit of sd, without a region.",
    "design": "revisit (default): the same sites twice; independent: two samples.",
    "correlation": "Correlation between the two visits of a site, -0.99 to 0.999. Needed for revisits.",
    "years": "Years between the campaigns, 0.5 to 100. Default: 10.",
    "alpha": "Error of the first kind, two-sided, 0.001 to 0.2. Default: 0.05.",
    "power": "Probability of finding the change, 0.5 to 0.99. Default: 0.8.",
    "rate": "Change to be found, in per thousand of the mean per year, above 0 to 1000.",
    "difference": "Change to be found, in the unit of sd, instead of rate.",
    "n": "Sites in each campaign, 2 to 1,000,000: what they find.",
}


@router.get(
    "/planner/sample-size", summary="Sites that a change needs", openapi_extra=deps.described(**SIZE_PARAMETERS)
)
def sample_size(request: Request, connection: Reading) -> dict[str, Any]:
    """Sites in each of two campaigns that find a change, and the smallest change that a number of sites finds.

    The spread comes from a region's published estimate or from the caller.
    """
    deps.only(request, *SIZE_PARAMETERS)
    source = _spread(request, connection)
    campaigns = _campaigns(request, source["sd"], source["mean"])
    wanted = _difference(request, campaigns)
    n = deps.whole(request, "n", 0, least=2)
    if n > NEEDED_MAX:
        raise InvalidParameter("n", f"{n} is more than {NEEDED_MAX:,}.")
    return {
        "source": source,
        "design": campaigns.design,
        "correlation": campaigns.correlation if campaigns.design == "revisit" else None,
        "years": campaigns.years,
        "alpha": campaigns.alpha,
        "power": campaigns.power,
        "sd_tested": campaigns.spread,
        "needed": None if wanted is None else _needed(wanted, campaigns),
        "found": _found(n, campaigns) if n else None,
        "table": [_needed(designs.difference_of(rate, campaigns), campaigns) for rate in RATES],
        "assumptions": _assumptions(campaigns, source),
        "method": METHOD,
    }


class NewPlan(Body):
    """What is to be sampled, and how."""

    region: Line | None = Field(None, description="Id of a published region.")
    polygon: dict[str, Any] | None = Field(None, description="GeoJSON Polygon, MultiPolygon or a Feature of one.")
    strata: dict[str, Any] | None = Field(
        None,
        description="GeoJSON FeatureCollection of polygons with the properties `stratum` and, for all or none, `n`.",
    )
    design: Literal["srs", "stratified", "balanced"] = Field(
        description="srs: simple random; stratified: simple random in strata; balanced: spread by the local pivotal method."
    )
    n: int | None = Field(None, ge=1, le=N_MAX, description="Sites; strata share them in proportion to their areas.")
    reserve: float = Field(0.0, ge=0, le=1, description="Reserve places as a share of the sites of each stratum.")
    seed: int | None = Field(None, ge=0, le=SEED_MAX, description="Made where it is not given.")

    @model_validator(mode="before")
    @classmethod
    def _few(cls, given: Any) -> Any:
        # Each unknown field would be a fault of its own, and a body may hold hundreds of thousands.
        if isinstance(given, dict) and len(given) > FIELDS_MAX:
            raise ValueError(f"there are {len(given)} fields; known are {', '.join(cls.model_fields)}")
        return given


@router.post(
    "/planner/plan",
    summary="Places to sample",
    responses={
        200: {
            "content": {
                "application/geo+json": {"schema": {"type": "object"}},
                "application/gpx+xml": {"schema": {"type": "string"}},
                "text/csv": {"schema": {"type": "string"}},
            },
            "description": "The plan: GeoJSON, waypoints, or a table in our columns to be filled",
        },
        **{int(status): answer for status, answer in problems.BODIED.items()},
    },
    response_class=Response,
    openapi_extra=deps.described(f=f"Form: {', '.join(FORMS)}."),
)
def make_plan(request: Request, connection: Reading, wanted: NewPlan) -> Response:
    """Draw the places of a probability sample, each with its stratum and weight.

    Nothing is stored: the same request with the same seed gives the same plan, under the same id.
    """
    deps.only(request)
    form = request.query_params.get("f", FORMS[0])
    if form not in FORMS:
        raise InvalidParameter("f", f"{form[:40]!r} is not one of {', '.join(FORMS)}.")
    if not _PLACES.acquire(blocking=False):
        raise Busy("Other plans are being made; try again in a moment.")
    try:
        plan, notes = _planned(connection, wanted)
        return _answer(plan, notes, form)
    finally:
        _PLACES.release()


def _answer(plan: Plan, notes: list[str], form: str) -> Response:
    name = {"Content-Disposition": f'attachment; filename="{plan.id}.{form}"', "Cache-Control": "no-store"}
    if form == "gpx":
        return Response(planning.to_gpx(plan), media_type="application/gpx+xml", headers=name)
    if form == "csv":
        return Response(planning.to_csv(plan), media_type="text/csv; charset=utf-8", headers=name)
    body = {
        "type": "FeatureCollection",
        "plan": {
            "id": plan.id,
            "version": planning.VERSION,
            "design": plan.design,
            "recorded_design": plan.recorded,
            "seed": plan.seed,
            "n": sum(s.n for s in plan.strata.values()),
            "weight_unit": "km2",
            "strata": [
                {
                    "stratum": name or None,
                    "area_km2": s.area.km2,
                    "n": s.n,
                    "reserve": s.reserve,
                    "inclusion_weight": s.weight,
                }
                for name, s in plan.strata.items()
            ],
            "notes": notes,
            "method": METHOD,
        },
        "features": planning.to_features(plan),
    }
    return JSONResponse(body, media_type="application/geo+json", headers={"Cache-Control": "no-store"})


def _planned(connection: Connection, wanted: NewPlan) -> tuple[Plan, list[str]]:
    if wanted.region is not None and wanted.polygon is not None:
        raise InvalidParameter("polygon", "Give a region or a polygon, not both.")
    if wanted.region is None and wanted.polygon is None and wanted.strata is None:
        raise InvalidParameter("region", "Give a region, a polygon or strata.")
    if wanted.design == ("stratified" if wanted.strata is None else "srs"):
        raise InvalidParameter("design", "stratified needs strata; srs takes none; balanced may have them.")
    notes: list[str] = []
    whole = _whole(connection, wanted)
    areas: dict[str, Area | None] = {NO_STRATUM: whole}
    numbers: dict[str, int] = {}
    if wanted.strata is not None:
        areas, numbers = _strata(wanted.strata, whole, wanted)
    given = {name: area for name, area in areas.items() if area is not None}
    if whole is not None and wanted.strata is not None:
        share = sum(area.km2 for area in given.values()) / whole.km2
        if share < 1 - 1e-6:
            notes.append(f"The strata cover {100 * share:.4g} % of the area; the plan is for that part.")
    for area in {id(a): a for a in (whole, *given.values()) if a is not None}.values():
        notes += [f"{entry.region}: {entry.detail}." for entry in area.mended]
    sizes = _sizes({name: area.km2 for name, area in given.items()}, numbers, wanted)
    strata = {
        name: Stratum(area=area, n=sizes[name], reserve=planning.reserves(sizes[name], wanted.reserve))
        for name, area in given.items()
    }
    what = "strata" if wanted.strata is not None else "polygon" if wanted.polygon is not None else "region"
    try:
        plan = planning.make(strata, wanted.design, secrets.randbelow(SEED_MAX) if wanted.seed is None else wanted.seed)
    except AreaRefused as fault:
        raise InvalidParameter(what, f"Cannot be sampled: {fault}.") from fault
    if wanted.region is None:
        notes += _off_land(connection, plan, what)
    notes.append("Water, rock and sealed ground are not known: where a place has no soil, take the next reserve.")
    return plan, notes


def _whole(connection: Connection, wanted: NewPlan) -> Area | None:
    if wanted.region is not None:
        found = plans.area(connection, wanted.region)
        if found is None:
            raise NotFound(f"There is no region {wanted.region!r}.")
        shape = shapely.from_wkb(found)
        return Area(shape=shape, km2=sampling.ground_km2(shape))
    if wanted.polygon is None:
        return None
    try:
        return sampling.area_of([sampling.geometry_of(wanted.polygon)], "The polygon")
    except AreaRefused as fault:
        raise InvalidParameter("polygon", f"Cannot be sampled: {fault}.") from fault


def _strata(
    given: dict[str, Any], whole: Area | None, wanted: NewPlan
) -> tuple[dict[str, Area | None], dict[str, int]]:
    """Areas of the strata by name, cut by the whole where there is one, and the numbers of sites given for them."""
    features = given.get("features")
    if given.get("type") != "FeatureCollection" or not isinstance(features, list) or not features:
        raise InvalidParameter("strata", "They must be a GeoJSON FeatureCollection with at least one feature.")
    if len(features) > FEATURES_MAX:
        raise InvalidParameter("strata", f"There are {len(features)} features; at most {FEATURES_MAX} are read.")
    shapes: dict[str, list[Any]] = {}
    numbers: dict[str, int] = {}
    for place, feature in enumerate(features, start=1):
        name, n = _named(feature, place)
        try:
            shapes.setdefault(name, []).append(sampling.geometry_of(feature))
        except AreaRefused as fault:
            raise InvalidParameter("strata", f"Feature {place} cannot be sampled: {fault}.") from fault
        if n is not None and numbers.setdefault(name, n) != n:
            raise InvalidParameter("strata", f"Feature {place}: stratum {name!r} has two different n.")
    if len(shapes) > STRATA_MAX:
        raise InvalidParameter("strata", f"There are {len(shapes)} strata; at most {STRATA_MAX} are taken.")
    every = [shape for pieces in shapes.values() for shape in pieces]
    sampling.require_few_vertices(every)
    if whole is not None:
        _require_cuttable(every, whole, wanted)
    areas: dict[str, Area | None] = {}
    for name, pieces in shapes.items():
        try:
            area = sampling.area_of(pieces, f"Stratum {name}")
            areas[name] = area if whole is None else sampling.within(area, whole)
        except AreaRefused as fault:
            raise InvalidParameter("strata", f"Stratum {name!r} cannot be sampled: {fault}.") from fault
    return areas, numbers


def _named(feature: Any, place: int) -> tuple[str, int | None]:
    said = feature.get("properties") if isinstance(feature, dict) and feature.get("type") == "Feature" else None
    name = said.get("stratum") if isinstance(said, dict) else None
    if not isinstance(name, str) or not 0 < len(name.strip()) <= 100 or not name.isprintable():
        raise InvalidParameter("strata", f"Feature {place} needs a property stratum: a name of 1 to 100 characters.")
    n = cast("dict[str, Any]", said).get("n")
    if n is not None and (type(n) is not int or not designs.FEWEST_OF_STRATUM <= n <= N_MAX):
        raise InvalidParameter("strata", f"Feature {place}: n must be a whole number from 2 to {N_MAX}.")
    return name.strip(), n


def _require_cuttable(every: list[Any], whole: Area, wanted: NewPlan) -> None:
    vertices = int(shapely.get_num_coordinates(np.array(every, dtype=object)).sum())
    own = int(shapely.get_num_coordinates(whole.shape))
    if vertices > CLIPPED_MAX or (wanted.polygon is not None and vertices * own > CROSSINGS_MAX):
        raise InvalidParameter(
            "strata",
            f"With {vertices:,} vertices they are too fine to be cut by the {'region' if wanted.region else 'polygon'}; "
            "give strata alone, cut before.",
        )


def _sizes(areas: dict[str, float], numbers: dict[str, int], wanted: NewPlan) -> dict[str, int]:
    if numbers:
        missing = [name for name in areas if name not in numbers]
        if missing:
            raise InvalidParameter("strata", f"n is given for some strata, but not for {missing[0]!r}.")
        if wanted.n is not None and wanted.n != sum(numbers.values()):
            raise InvalidParameter("n", f"n is {wanted.n}, but the n of the strata add up to {sum(numbers.values())}.")
        if sum(numbers.values()) > N_MAX:
            raise InvalidParameter("strata", f"The n of the strata add up to more than {N_MAX}.")
        return numbers
    if wanted.n is None:
        raise InvalidParameter("n", "Say how many sites there should be.")
    if wanted.strata is None:
        return {NO_STRATUM: wanted.n}
    try:
        return designs.allocate(areas, wanted.n)
    except ValueError as fault:
        raise InvalidParameter("n", f"Too few: {fault}.") from fault


def _off_land(connection: Connection, plan: Plan, what: str) -> list[str]:
    """What the published countries say of the places of a drawn area; refused where all lie in the sea."""
    places = np.array([(point.longitude, point.latitude) for point in plan.points if not point.reserve])
    west, south = places.min(axis=0).tolist()
    east, north = places.max(axis=0).tolist()
    countries = plans.land(connection, (west, south, east, north))
    if countries is None:
        return []
    on_land = np.zeros(len(places), dtype=np.bool_)
    for country in countries:
        on_land |= sampling.inside(shapely.from_wkb(country), places)
    off = int((~on_land).sum())
    if off == len(places):
        raise InvalidParameter(what, "None of the places that were drawn lies in a published country: is this the sea?")
    return [f"{off} of {len(places)} places lie outside the published countries, perhaps in water."] if off else []


def _spread(request: Request, connection: Connection) -> dict[str, Any]:
    """Where standard deviation and mean come from, with their values."""
    query = request.query_params
    if "region" not in query:
        for name in ("indicator", "depth", "period"):
            if name in query:
                raise InvalidParameter(name, "It goes with a region.")
        sd, mean = (_number(request, name, 1e-9, 1e9) for name in ("sd", "mean"))
        if sd is None or mean is None:
            raise InvalidParameter("sd" if sd is None else "mean", "Give a region, or sd and mean.")
        return {"kind": "given", "sd": sd, "mean": mean}
    for name in ("sd", "mean"):
        if name in query:
            raise InvalidParameter(name, "Give a region, or sd and mean, not both.")
    return _published(request, connection)


def _published(request: Request, connection: Connection) -> dict[str, Any]:
    """The spread of a region's published estimate; refused with the reason where it is not shown."""
    query = request.query_params
    region = deps.plain("region", query["region"])
    indicator = query.get("indicator", "soc_stock")
    if indicator not in INDICATORS:
        raise InvalidParameter("indicator", f"{indicator[:40]!r} is not one of {', '.join(INDICATORS)}.")
    record = INDICATORS[indicator]
    upper, lower = deps.depth(query.get("depth"), record.depths[0]) or record.depths[0]
    period = deps.plain("period", query.get("period", "all"))
    if not estimates.regions(connection, [region]):
        raise NotFound(f"There is no region {region[:100]!r}.")
    rows = estimates.of_region(connection, region, indicator=indicator, depth=(upper, lower), period=period)
    row = next((r for r in rows if r.mass_basis == "fixed_depth" and r.slice == "all"), None)
    what = f"{indicator} {upper}-{lower} cm, {period[:40]}"
    if row is None:
        raise InvalidParameter("region", f"{region[:100]} has no estimate of {what}. Give sd and mean.")
    if row.sd is None or row.value is None or not row.sd > 0 or not row.value > 0:
        codes = [row.refused] if row.refused else list(row.notes)
        said = " ".join({**NOTES, **REFUSALS}.get(code, code) for code in codes) or "It has no spread."
        raise InvalidParameter(
            "region", f"The spread of {what} in {region[:100]} is not shown. {said} Give sd and mean."
        )
    return {
        "kind": "region",
        "region": region,
        "indicator": indicator,
        "depth": {"upper": upper, "lower": lower},
        "period": period,
        "unit": record.unit,
        "sd": row.sd,
        "mean": row.value,
        "n_units": row.n_units,
        "representative": row.representative,
        "estimator": row.estimator,
    }


def _campaigns(request: Request, sd: float, mean: float) -> Campaigns:
    kind = request.query_params.get("design", "revisit")
    if kind not in {"revisit", "independent"}:
        raise InvalidParameter("design", f"{kind[:40]!r} is not one of revisit, independent.")
    correlation = _number(request, "correlation", -0.99, 0.999)
    if kind == "revisit" and correlation is None:
        raise InvalidParameter("correlation", "Revisits need the correlation between the two visits of a site.")
    if kind == "independent" and correlation is not None:
        raise InvalidParameter("correlation", "Independent samples have none; it goes with design=revisit.")
    return Campaigns(
        sd=sd,
        mean=mean,
        years=_number(request, "years", 0.5, 100, 10.0) or 10.0,
        design=cast("designs.Revisit", kind),
        correlation=correlation or 0.0,
        alpha=_number(request, "alpha", 0.001, 0.2, 0.05) or 0.05,
        power=_number(request, "power", 0.5, 0.99, 0.8) or 0.8,
    )


def _difference(request: Request, campaigns: Campaigns) -> float | None:
    rate = _number(request, "rate", 1e-3, 1000)
    difference = _number(request, "difference", 1e-9, 1e9)
    if rate is not None and difference is not None:
        raise InvalidParameter("difference", "Give rate or difference, not both.")
    return difference if rate is None else designs.difference_of(rate, campaigns)


def _number(request: Request, name: str, least: float, most: float, default: float | None = None) -> float | None:
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not least <= found <= most:
        raise InvalidParameter(name, f"{text[:40]!r} is not a number from {least:g} to {most:g}.")
    return found


def _needed(difference: float, campaigns: Campaigns) -> dict[str, Any]:
    # The search for the size is exact and not made for sizes without end: tried at the largest first.
    too_many = designs.difference_found(NEEDED_MAX, campaigns) > difference
    return {
        "rate": designs.rate_of(difference, campaigns),
        "difference": difference,
        "n": None if too_many else designs.sites_needed(difference, campaigns),
    }


def _found(n: int, campaigns: Campaigns) -> dict[str, Any]:
    difference = designs.difference_found(n, campaigns)
    return {"n": n, "difference": difference, "rate": designs.rate_of(difference, campaigns)}


def _assumptions(campaigns: Campaigns, source: dict[str, Any]) -> list[str]:
    found = [
        "Both campaigns are simple random samples of the area; stratified and balanced ones need fewer sites as a rule.",
        "Sites are independent and the spread is the same in both campaigns.",
        "Laboratory and methods do not change; a change of them adds an uncertainty that more sites do not reduce.",
        "n is the number of sites in each campaign; a null means more than 1,000,000.",
    ]
    if campaigns.design == "revisit":
        found.append("The same sites are found and sampled again; plan reserves for those that are lost.")
    if not source.get("representative", True):
        found.append("The spread is that of sites that were not drawn at random: the region's may differ.")
    return found
