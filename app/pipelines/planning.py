"""From an area and a design to a list of places to sample, and to the files that go to the field and come back.

A plan is a function of its area, design, numbers, seed and this module's VERSION, and its id a hash of them: asked again,
the same plan comes out, and no plan needs to be stored.
"""

import csv
import hashlib
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from xml.sax.saxutils import escape

import numpy as np
import shapely

from app.geo import sampling
from app.geo.sampling import Area, AreaRefused
from app.ingest.columns import SCHEMA
from app.soil.design import local_pivotal

Design = Literal["srs", "stratified", "balanced"]

VERSION = "1"
"""Of the drawing: raised whenever the same seed would give other places."""
TRIED_MIN = 500
"""Positions drawn in each stratum at least; strata that overlap are found by them."""
CANDIDATES = 10
CANDIDATES_OF_MANY = 4
MANY = 2_000
"""Balanced samples are drawn from 10 times as many random positions, above this number from 4 times as many."""
NO_STRATUM = ""
"""Name of the only stratum of a plan without strata."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stratum:
    """A part of the area with the number of sites and of reserves to be drawn in it."""

    area: Area
    n: int
    reserve: int

    @property
    def weight(self) -> float:
        """Inverse of the inclusion density: ground that each site stands for [km²]."""
        return self.area.km2 / self.n


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A place to sample. order : of use within its stratum; reserves come after the sites they may replace."""

    site_id: str
    longitude: float
    latitude: float
    stratum: str
    order: int
    reserve: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Places with the design that chose them. recorded : the word for the design in our column `design`."""

    id: str
    design: Design
    recorded: Literal["srs", "stratified", "grid"]
    seed: int
    strata: Mapping[str, Stratum]
    points: tuple[Point, ...]


def make(strata: Mapping[str, Stratum], design: Design, seed: int) -> Plan:
    """Draw the places of a plan.

    strata : by name; one named NO_STRATUM for a plan without strata. Each has a random stream of its own.
    Raises AreaRefused for areas that cannot be sampled and strata that overlap.
    """
    identity = hashlib.sha256(json.dumps(_identity(strata, design, seed)).encode()).hexdigest()
    many = sum(s.n + s.reserve for s in strata.values()) > MANY
    tried, chosen = {}, {}
    for (name, stratum), stream in zip(strata.items(), np.random.SeedSequence(seed).spawn(len(strata)), strict=True):
        generator = np.random.Generator(np.random.PCG64(stream))
        wanted = stratum.n + stratum.reserve
        size = wanted if design != "balanced" else wanted * (CANDIDATES_OF_MANY if many else CANDIDATES)
        try:
            places = sampling.draw(stratum.area, max(size, TRIED_MIN), generator)
        except AreaRefused as fault:
            raise AreaRefused(f"{name}: {fault}" if name else str(fault)) from fault
        tried[name] = places
        chosen[name] = _balanced(places, stratum, generator) if design == "balanced" else places[:wanted]
    _require_apart(strata, tried)
    points: list[Point] = []
    numbers = {False: 0, True: 0}
    for name, stratum in strata.items():
        for order, (longitude, latitude) in enumerate(chosen[name].tolist(), start=1):
            reserve = order > stratum.n
            numbers[reserve] += 1
            points.append(
                Point(
                    site_id=f"P{identity[:8]}-{'R' if reserve else ''}{numbers[reserve]:04d}",
                    longitude=longitude,
                    latitude=latitude,
                    stratum=name,
                    order=order,
                    reserve=reserve,
                )
            )
    points.sort(key=lambda point: point.reserve)
    return Plan(
        id=f"plan-{identity[:16]}",
        design=design,
        recorded=recorded(design, stratified=NO_STRATUM not in strata),
        seed=seed,
        strata=strata,
        points=tuple(points),
    )


def recorded(design: Design, *, stratified: bool) -> Literal["srs", "stratified", "grid"]:
    """The word for a design in our column `design`, which decides the estimator.

    A balanced sample without strata is recorded as a grid: like one it is spread evenly, and its interval is taken as
    that of a simple random sample, which as a rule is too wide.
    """
    if stratified:
        return "stratified"
    return "grid" if design == "balanced" else "srs"


def to_csv(plan: Plan) -> str:
    """The plan as a table in our columns, to be filled with what was found: one row for the first layer of each site."""
    names = [column.name for column in SCHEMA]
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", lineterminator="\r\n")
    writer.writeheader()
    for point in plan.points:
        writer.writerow(
            {
                "site_id": point.site_id,
                "profile_id": f"{point.site_id}-1",
                "longitude": f"{point.longitude:.{sampling.DECIMALS}f}",
                "latitude": f"{point.latitude:.{sampling.DECIMALS}f}",
                "design": plan.recorded,
                "stratum": point.stratum,
                "inclusion_weight": repr(plan.strata[point.stratum].weight),
                "remarks": _said(plan, point),
            }
        )
    return out.getvalue()


def to_gpx(plan: Plan) -> str:
    """The plan as waypoints for receivers (GPX 1.1)."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<gpx version="1.1" creator="Soil Health Observatory" xmlns="http://www.topografix.com/GPX/1/1">',
        f"<metadata><name>{plan.id}</name></metadata>",
    ]
    for point in plan.points:
        said = _said(plan, point) + (f", stratum {point.stratum}" if point.stratum else "")
        place = f'lat="{point.latitude:.{sampling.DECIMALS}f}" lon="{point.longitude:.{sampling.DECIMALS}f}"'
        lines.append(
            f"<wpt {place}><name>{point.site_id}</name><desc>{escape(said)}</desc>"
            f"<type>{'reserve' if point.reserve else 'site'}</type></wpt>"
        )
    return "\n".join([*lines, "</gpx>", ""])


def to_features(plan: Plan) -> list[dict[str, Any]]:
    """The plan as GeoJSON features."""
    return [
        {
            "type": "Feature",
            "id": point.site_id,
            "geometry": {"type": "Point", "coordinates": [point.longitude, point.latitude]},
            "properties": {
                "site_id": point.site_id,
                "design": plan.recorded,
                "stratum": point.stratum or None,
                "order": point.order,
                "reserve": point.reserve,
                "inclusion_weight": plan.strata[point.stratum].weight,
                "inclusion_density_per_km2": 1.0 / plan.strata[point.stratum].weight,
            },
        }
        for point in plan.points
    ]


def _said(plan: Plan, point: Point) -> str:
    return f"{plan.id}, {'reserve, ' if point.reserve else ''}order {point.order}"


def _identity(strata: Mapping[str, Stratum], design: Design, seed: int) -> list[Any]:
    shapes = [
        (name, s.n, s.reserve, hashlib.sha256(shapely.to_wkb(s.area.shape)).hexdigest()) for name, s in strata.items()
    ]
    return [VERSION, design, seed, shapes]


def _balanced(places: sampling.Floats, stratum: Stratum, generator: np.random.Generator) -> sampling.Floats:
    """Sites spread over all candidates, and reserves spread over those that are left."""
    sites = local_pivotal(sampling.geocentric(places), stratum.n, generator)
    left = np.delete(places, sites, axis=0)
    reserve = local_pivotal(sampling.geocentric(left), stratum.reserve, generator)
    return np.concatenate((places[sites], left[reserve]))


def _require_apart(strata: Mapping[str, Stratum], tried: Mapping[str, sampling.Floats]) -> None:
    for name, places in tried.items():
        for other, stratum in strata.items():
            if other != name and sampling.inside(stratum.area.shape, places).any():
                raise AreaRefused(f"strata {name!r} and {other!r} overlap; each place must lie in one stratum")


def reserves(n: int, share: float) -> int:
    """Reserve places for n sites: a share of them, rounded up."""
    return math.ceil(round(n * share, 9))
