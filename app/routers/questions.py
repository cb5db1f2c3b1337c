"""Questions to several figures at once: one region over the periods, all regions of a kind, two or more regions.

All answers come from figures that were published: nothing here looks at sites.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection, Row

from app.db import estimates
from app.errors import InvalidParameter
from app.routers import asked, deps, figures
from app.routers.asked import State
from app.routers.deps import Here, Reading
from app.routers.figures import CITATIONS, COLUMNS, FORMS
from app.routers.links import GEOJSON, OTHER_FORMS, base, with_query
from app.routers.schemas import Comparisons, Note, Rankings, Series
from app.soil import comparison
from app.soil.comparison import Difference, Rank, Side
from app.soil.indicators import Indicator

router = APIRouter(tags=["indicators"])

RANKING_FORMS = ("json", "csv", "geojson", *CITATIONS)
COMPARED_MAX = 20
ALPHA = 0.05

NOT_A_TREND: Note = {
    "code": "not_a_trend",
    "sentence": (
        "Each period is the state of the sites sampled in it, and these are not the same sites from one period to the "
        "next. The figures are not to be joined to a trend: a change is known from sites that were sampled again."
    ),
}
CONSERVATIVE: Note = {
    "code": "bands_are_cautious",
    "sentence": (
        "Regions whose 95 % intervals overlap, directly or through others, share a band and have no order among them. "
        "Two of one band may still differ: compare tests their difference."
    ),
}
DESCRIPTIONS_APART: Note = {
    "code": "descriptions_are_not_ranked",
    "sentence": (
        "Samples that were not drawn by a probability design describe their sites and not their region. They are listed "
        "by name and have no rank."
    ),
}
RANK_COLUMNS = ("list", "band", "rank_best", "rank_worst", *COLUMNS)
COMPARED_COLUMNS = (
    "region",
    "with",
    "indicator",
    "unit",
    "upper_cm",
    "lower_cm",
    "period",
    "difference",
    "se",
    "df",
    "interval_lower",
    "interval_upper",
    "interval_level",
    "t",
    "p",
    "p_adjusted",
    "verdict",
    "refused",
    "release",
)


# --- One region over the periods ------------------------------------------------------------------------------------


@router.get(
    "/regions/{region_id}/series",
    summary="An indicator of a region, period by period",
    response_model=Series,
    responses=OTHER_FORMS,
    openapi_extra=asked.described("indicator", "depth", "as_of", required=("indicator",), forms=FORMS),
)
def region_series(request: Request, here: Here, connection: Reading, region_id: str) -> Response:
    """Figures of the periods in order, and that of all years beside them. They are states and no trend."""
    deps.only(request, "indicator", "depth", "as_of")
    form = asked.form(request, FORMS)
    record = asked.one_indicator(request)
    depth = asked.one_depth(request, record)
    state = asked.state(request, connection)
    region = asked.region(connection, region_id, state.past)
    if state.version.unchanged:
        return Response(status_code=304, headers=dict(state.version.headers))
    rows = [
        row
        for row in estimates.of_region(connection, region_id, release=state.past, indicator=record.id, depth=depth)
        if figures.is_plain(row)
    ]
    address = f"{base(request, here)}/regions/{quote(region_id)}/series"
    title = f"{_titled(record, depth)} by period, {region.name_en}"
    if form == "csv":
        return figures.table(COLUMNS, [figures.record_of(row, region, state) for row in rows], "series", state)
    if form in CITATIONS:
        return _citation(request, connection, state, address, title, rows, form)
    body = {
        "region": figures.region_document(region),
        **figures.choice(record, depth),
        "release": state.release,
        "series": [figures.estimate_document(row) for row in rows if row.period != "all"],
        "all_years": next((figures.estimate_document(row) for row in rows if row.period == "all"), None),
        "notes": [NOT_A_TREND],
        "links": figures.links(address, request, state, FORMS, title),
    }
    return JSONResponse(body, headers=dict(state.version.headers))


# --- All regions of a kind ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """A region in a ranking."""

    list: Literal["ranked", "described", "refused"]
    row: Row[Any]
    rank: Rank | None = None


@router.get(
    "/rankings",
    summary="Regions in the order of an indicator, as far as there is one",
    response_model=Rankings,
    responses={200: {**OTHER_FORMS[200], "content": {**OTHER_FORMS[200]["content"], GEOJSON: {}}}},
    openapi_extra=asked.described(
        "indicator", "depth", "period", "kind", "synthetic", "as_of", required=("indicator",), forms=RANKING_FORMS
    ),
)
def get_rankings(request: Request, here: Here, connection: Reading) -> Response:
    """Regions by value, the highest first, in bands of those that cannot be told apart.

    Only figures that stand for their region are ranked; descriptions of convenience samples and refusals are listed
    apart. Measured and generated data are never in one answer.
    """
    deps.only(request, "indicator", "depth", "period", "kind", "synthetic", "as_of")
    query = request.query_params
    form = asked.form(request, RANKING_FORMS)
    record = asked.one_indicator(request)
    depth = asked.one_depth(request, record)
    kind = asked.kind(query.get("kind"))
    synthetic = query.get("synthetic", "none")
    if synthetic not in {"none", "all"}:
        raise InvalidParameter("synthetic", f"{synthetic!r} is not one of none, all.")
    state = asked.state(request, connection)
    period = asked.period(query.get("period"), here, connection, state.past) or "all"
    if state.version.unchanged:
        return Response(status_code=304, headers=dict(state.version.headers))
    found = estimates.of_kind(
        connection,
        kind,
        release=state.past,
        indicator=record.id,
        depth=depth,
        period=period,
        with_shape=form == "geojson",
    )
    entries = _entries([row for row in found if row.synthetic == synthetic])
    address = f"{base(request, here)}/rankings"
    title = f"{_titled(record, depth)}, ranking by {kind}, {figures.period_document(period)['label']}"
    if form == "csv":
        return figures.table(RANK_COLUMNS, [_ranked_record(e, state) for e in entries], "ranking", state)
    if form in CITATIONS:
        return _citation(request, connection, state, address, title, [e.row for e in entries], form)
    head = {
        **figures.choice(record, depth),
        "period": figures.period_document(period),
        "kind": kind,
        "synthetic": synthetic,
        "release": state.release,
    }
    links = figures.links(address, request, state, RANKING_FORMS, title)
    if form == "geojson":
        body = {
            "type": "FeatureCollection",
            **head,
            "features": [_feature(e) for e in entries if e.row.shape],
            "links": links,
        }
        return JSONResponse(body, media_type=GEOJSON, headers=dict(state.version.headers))
    body = {
        **head,
        "bands": _bands(entries),
        "described": [_entry(e) for e in entries if e.list == "described"],
        "refused": [_entry(e) for e in entries if e.list == "refused"],
        "left_out": {"measured" if synthetic == "all" else "generated": len(found) - len(entries)},
        "notes": [CONSERVATIVE, DESCRIPTIONS_APART],
        "links": links,
    }
    return JSONResponse(body, headers=dict(state.version.headers))


def _entries(rows: Sequence[Row[Any]]) -> list[_Entry]:
    """Ranked ones by value, then described and refused ones by name."""
    ranked = [row for row in rows if row.value is not None and row.representative and row.lower is not None]
    ranks = comparison.ranks([row.lower for row in ranked], [row.upper for row in ranked])
    order = sorted(range(len(ranked)), key=lambda i: (ranks[i].band, -ranked[i].value, ranked[i].id))
    rest = [row for row in rows if row.value is None or not row.representative or row.lower is None]
    return [
        *(_Entry(list="ranked", row=ranked[i], rank=ranks[i]) for i in order),
        *(_Entry(list="described", row=row) for row in rest if row.value is not None),
        *(_Entry(list="refused", row=row) for row in rest if row.value is None),
    ]


def _bands(entries: Sequence[_Entry]) -> list[dict[str, Any]]:
    bands: dict[int, list[_Entry]] = {}
    for entry in entries:
        if entry.rank is not None:
            bands.setdefault(entry.rank.band, []).append(entry)
    return [
        {
            "band": number,
            "lower": min(e.row.lower for e in members),
            "upper": max(e.row.upper for e in members),
            "regions": [_entry(e) for e in members],
        }
        for number, members in bands.items()
    ]


def _entry(entry: _Entry) -> dict[str, Any]:
    rank = entry.rank
    return {
        "region": figures.region_document(entry.row),
        "rank": None if rank is None else {"best": rank.best, "worst": rank.worst},
        "estimate": figures.estimate_document(entry.row),
    }


def _ranked_record(entry: _Entry, state: State) -> dict[str, Any]:
    rank = entry.rank
    return {
        "list": entry.list,
        "band": None if rank is None else rank.band,
        "rank_best": None if rank is None else rank.best,
        "rank_worst": None if rank is None else rank.worst,
        **figures.record_of(entry.row, _Named(entry.row.region_id, entry.row.name_en), state),
    }


@dataclass(frozen=True)
class _Named:
    """A region's id and name."""

    id: str
    name_en: str


def _feature(entry: _Entry) -> dict[str, Any]:
    rank = entry.rank
    return {
        "type": "Feature",
        "id": entry.row.region_id,
        "geometry": json.loads(entry.row.shape),
        "properties": {
            "region": figures.region_document(entry.row),
            "list": entry.list,
            "band": None if rank is None else rank.band,
            "rank": None if rank is None else {"best": rank.best, "worst": rank.worst},
            "estimate": figures.estimate_document(entry.row),
        },
    }


# --- Two or more regions --------------------------------------------------------------------------------------------


@router.get(
    "/regions/{region_id}/compare",
    summary="How a region differs from others",
    response_model=Comparisons,
    responses=OTHER_FORMS,
    openapi_extra=asked.described(
        "with", "indicator", "depth", "period", "as_of", required=("with", "indicator"), forms=FORMS
    ),
)
def compare_regions(request: Request, here: Here, connection: Reading, region_id: str) -> Response:
    """The region less each of the others, with interval and Welch's test where the figures allow one, or the reason.

    With several others, p values are adjusted by Holm's method and the verdict goes by them.
    """
    deps.only(request, "with", "indicator", "depth", "period", "as_of")
    query = request.query_params
    form = asked.form(request, FORMS)
    record = asked.one_indicator(request)
    depth = asked.one_depth(request, record)
    others = _others(query.get("with"), region_id)
    state = asked.state(request, connection)
    period = asked.period(query.get("period"), here, connection, state.past) or "all"
    region = asked.region(connection, region_id, state.past)
    known = estimates.regions(connection, others, state.past)
    missing = [name for name in others if name not in known]
    if missing:
        raise InvalidParameter("with", f"There is no region {missing[0][:80]!r}; see /collections/regions/items.")
    if state.version.unchanged:
        return Response(status_code=304, headers=dict(state.version.headers))
    rows = {
        row.region_id: row
        for row in estimates.of_regions(
            connection, [region_id, *others], release=state.past, indicator=record.id, depth=depth, period=period
        )
        if figures.is_plain(row)
    }
    address = f"{base(request, here)}/regions/{quote(region_id)}/compare"
    compared = [(other, _difference(rows.get(region_id), rows.get(other))) for other in others]
    adjusted = _adjusted([found for _, found in compared])
    title = f"{_titled(record, depth)}, {region.name_en} compared with {', '.join(known[o].name_en for o in others)}, "
    title += str(figures.period_document(period)["label"])
    documents = [_comparison(o, found, p) for (o, found), p in zip(compared, adjusted, strict=True)]
    if form == "csv":
        chosen = {"region": region_id, "indicator": record.id, "unit": record.unit, "upper_cm": depth[0]}
        chosen |= {"lower_cm": depth[1], "period": period, "release": state.release}
        return figures.table(COMPARED_COLUMNS, [_flat(d, chosen) for d in documents], "comparison", state)
    if form in CITATIONS:
        return _citation(request, connection, state, address, title, list(rows.values()), form)
    body = {
        "region": figures.region_document(region),
        "with": [figures.region_document(known[other]) for other in others],
        **figures.choice(record, depth),
        "period": figures.period_document(period),
        "release": state.release,
        "estimates": {name: figures.estimate_document(rows[name]) for name in [region_id, *others] if name in rows},
        "comparisons": documents,
        "links": figures.links(address, request, state, FORMS, title),
    }
    return JSONResponse(body, headers=dict(state.version.headers))


def _others(text: str | None, region_id: str) -> list[str]:
    names = deps.plain("with", text or "").split(",")
    if not text or not all(names):
        raise InvalidParameter("with", "Name the other regions by their ids, separated by commas.")
    if len(names) > COMPARED_MAX:
        raise InvalidParameter("with", f"At most {COMPARED_MAX} regions can be compared with, got {len(names)}.")
    if len(set(names)) < len(names):
        raise InvalidParameter("with", "A region is named twice.")
    if region_id in names:
        raise InvalidParameter("with", f"{region_id!r} cannot be compared with itself.")
    return names


def _difference(first: Row[Any] | None, second: Row[Any] | None) -> Difference:
    if first is None or second is None:
        return Difference(refused="no_estimate")
    return comparison.difference(_side(first), _side(second))


def _side(row: Row[Any]) -> Side:
    return Side(
        value=row.value,
        se=row.se,
        df=row.df,
        refused=row.refused is not None,
        representative=row.representative,
        synthetic=row.synthetic == "all",
        method_version=row.method_version,
        datasets=frozenset(part["id"] for part in row.datasets),
    )


def _adjusted(found: Sequence[Difference]) -> list[float | None]:
    """Holm's p values of those that were tested."""
    tested = [i for i, one in enumerate(found) if one.p is not None]
    values = comparison.holm([p for p in (one.p for one in found) if p is not None])
    adjusted: list[float | None] = [None] * len(found)
    for at, p in zip(tested, values, strict=True):
        adjusted[at] = p
    return adjusted


def _comparison(other: str, found: Difference, adjusted: float | None) -> dict[str, Any]:
    tested = adjusted is not None
    return {
        "with": other,
        "difference": found.value,
        "se": found.se,
        "interval": None
        if not tested
        else {
            "lower": found.lower,
            "upper": found.upper,
            "level": found.level,
            "df": found.df,
            "method": "Student t with Satterthwaite's degrees of freedom",
            "meaning": "For this pair alone, not adjusted for the other pairs.",
        },
        "test": None
        if not tested
        else {
            "method": "Welch's t test, two-sided",
            "t": found.t,
            "df": found.df,
            "p": found.p,
            "p_adjusted": adjusted,
            "adjustment": "Holm",
        },
        "verdict": None if adjusted is None else "different" if adjusted < ALPHA else "no_difference_shown",
        "refused": None
        if found.refused is None
        else {"code": found.refused, "reason": comparison.REFUSALS[found.refused]},
    }


def _flat(document: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    interval, test = document["interval"] or {}, document["test"] or {}
    return {
        **chosen,
        "with": document["with"],
        "difference": document["difference"],
        "se": document["se"],
        "df": test.get("df"),
        "interval_lower": interval.get("lower"),
        "interval_upper": interval.get("upper"),
        "interval_level": interval.get("level"),
        "t": test.get("t"),
        "p": test.get("p"),
        "p_adjusted": test.get("p_adjusted"),
        "verdict": document["verdict"],
        "refused": (document["refused"] or {}).get("code"),
    }


def _titled(record: Indicator, depth: tuple[int, int]) -> str:
    return f"{record.title['en']} {depth[0]}–{depth[1]} cm"


def _citation(
    request: Request,
    connection: Connection,
    state: State,
    address: str,
    title: str,
    rows: Sequence[Row[Any]],
    form: str,
) -> Response:
    lasting = with_query(address, request, f=None, as_of=str(state.release))
    return figures.citation(form, figures.cited(connection, state, lasting, title, rows), state)
