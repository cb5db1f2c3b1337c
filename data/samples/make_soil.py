"""Make the synthetic demonstration set: soil layers of revisited sites whose true stocks and trends are known.

    python data/samples/make_soil.py

writes `synthetic_soil.csv` (one row per layer, the columns of our upload schema) and `synthetic_truth.csv` (what the generator
knows about each country) beside this script. Every number comes from the seed, the tables in this file and
`countries.geojson`: a second run writes the same bytes. Nothing in it was measured. `docs/samples.md` gives the equations.
"""

import argparse
import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]

HERE = Path(__file__).parent

SEED = 20150401

POPULATION = 2000
"""Points that form each country's finite population; its sites are a simple random sample of them."""

STANDARD_LAYERS = (0, 10, 20, 30, 50)
WIDE_LAYERS = (0, 15, 30, 60)
"""Layer limits. [cm]"""


@dataclass(frozen=True)
class Country:
    """How one country was sampled, and what is true there."""

    code: str
    sites: int
    moisture: str
    """dry, moist, wet or montane: with the latitude it makes the IPCC climate zone."""
    rate: float
    """True change of the mean stock 0-30 cm, per year, relative to the first campaign. [‰/yr]"""
    campaigns: tuple[int, ...]
    layers: tuple[int, ...] = STANDARD_LAYERS
    density: str = "fine_earth"
    """Basis of the reported bulk density."""


COUNTRIES = (
    Country("ARG", 26, "moist", -2.5, (2007, 2014, 2022), WIDE_LAYERS),
    Country("AUS", 30, "dry", 0.5, (2005, 2012, 2018, 2024), WIDE_LAYERS),
    Country("BFA", 3, "dry", 1.0, (2010, 2020)),
    Country("BRA", 40, "wet", -3.0, (2006, 2012, 2018, 2023)),
    Country("CAN", 30, "moist", 1.5, (2005, 2013, 2021), STANDARD_LAYERS, "fine_per_total"),
    Country("CHL", 18, "moist", 3.0, (2008, 2019), STANDARD_LAYERS, "whole"),
    Country("CHN", 34, "moist", 6.0, (2004, 2011, 2018, 2024)),
    Country("CIV", 16, "moist", -4.5, (2009, 2018)),
    Country("COL", 20, "wet", -1.0, (2008, 2015, 2022)),
    Country("CRI", 5, "wet", 4.0, (2009, 2019)),
    Country("DEU", 24, "moist", -1.5, (2006, 2012, 2018, 2024), STANDARD_LAYERS, "fine_per_total"),
    Country("ESP", 20, "dry", 5.0, (2007, 2014, 2021)),
    Country("EST", 6, "moist", 0.0, (2010, 2021)),
    Country("ETH", 20, "montane", 7.0, (2009, 2016, 2023)),
    Country("FIN", 18, "moist", -2.0, (2006, 2014, 2022)),
    Country("FRA", 28, "moist", 2.0, (2005, 2011, 2017, 2023)),
    Country("GBR", 22, "moist", -0.5, (2004, 2013, 2022), STANDARD_LAYERS, "whole"),
    Country("GHA", 18, "moist", -6.0, (2008, 2017)),
    Country("HUN", 14, "moist", 4.0, (2007, 2013, 2019)),
    Country("IDN", 24, "wet", -5.0, (2009, 2015, 2021)),
    Country("IND", 32, "dry", 4.0, (2006, 2012, 2018, 2024)),
    Country("IRL", 14, "moist", 1.0, (2008, 2018), WIDE_LAYERS),
    Country("IRN", 18, "dry", -3.5, (2010, 2021), STANDARD_LAYERS, "whole"),
    Country("ITA", 18, "moist", 0.5, (2008, 2015, 2022)),
    Country("JPN", 20, "moist", 2.5, (2005, 2012, 2019)),
    Country("KEN", 22, "montane", 8.0, (2008, 2014, 2021)),
    Country("KHM", 7, "moist", -4.0, (2011, 2020)),
    Country("LBN", 4, "dry", 2.0, (2012, 2022)),
    Country("MAR", 18, "dry", 3.5, (2008, 2015, 2022)),
    Country("MDG", 16, "moist", -5.5, (2010, 2020)),
    Country("MEX", 22, "dry", 1.0, (2007, 2014, 2021)),
    Country("NZL", 18, "moist", -1.0, (2006, 2014, 2023), WIDE_LAYERS),
    Country("PHL", 16, "wet", 3.0, (2009, 2017)),
    Country("POL", 20, "moist", 1.5, (2005, 2012, 2020), STANDARD_LAYERS, "whole"),
    Country("RWA", 4, "montane", 6.0, (2011, 2021)),
    Country("SEN", 16, "dry", 7.5, (2009, 2019)),
    Country("SWE", 20, "moist", 0.0, (2006, 2014, 2022)),
    Country("TUN", 8, "dry", 4.5, (2010, 2020)),
    Country("TUR", 20, "dry", 2.0, (2008, 2016, 2024)),
    Country("TZA", 20, "moist", -2.0, (2007, 2018), STANDARD_LAYERS, "whole"),
    Country("UKR", 20, "dry", -4.0, (2006, 2013, 2020)),
    Country("URY", 14, "moist", 3.5, (2009, 2019)),
    Country("USA", 32, "moist", 2.5, (2004, 2011, 2018, 2024), WIDE_LAYERS),
    Country("VNM", 18, "wet", 5.5, (2010, 2021)),
    Country("ZAF", 22, "dry", -1.5, (2006, 2013, 2022), WIDE_LAYERS),
)

MONTH_ONLY = ("UKR", 2006)
"""One campaign whose dates were kept to the month."""

SECOND_LABORATORY = ("JPN", 2019)
"""One campaign analysed by another laboratory."""

BELTS = ((23.5, "tropical"), (40.0, "warm temperate"), (58.0, "cool temperate"), (66.5, "boreal"), (90.0, "polar"))
"""Climate belts by their poleward limit of absolute latitude. [°]"""

# Reference stocks 0-30 cm [t C/ha] of high-activity-clay, low-activity-clay and sandy mineral soils: IPCC 2019 Refinement to
# the 2006 Guidelines, Volume 4, Table 2.3. Where the table has no low-activity clay the high-activity value stands.
REFERENCE_STOCK = {
    ("polar", "dry"): (59.0, 59.0, 27.0),
    ("polar", "moist"): (59.0, 59.0, 27.0),
    ("boreal", "dry"): (63.0, 63.0, 10.0),
    ("boreal", "moist"): (63.0, 63.0, 10.0),
    ("cool temperate", "dry"): (43.0, 33.0, 13.0),
    ("cool temperate", "moist"): (81.0, 76.0, 51.0),
    ("warm temperate", "dry"): (24.0, 19.0, 10.0),
    ("warm temperate", "moist"): (64.0, 55.0, 36.0),
    ("tropical", "dry"): (21.0, 19.0, 9.0),
    ("tropical", "moist"): (40.0, 38.0, 27.0),
    ("tropical", "wet"): (60.0, 52.0, 46.0),
    ("tropical", "montane"): (51.0, 44.0, 52.0),
}

LAND_USES = ("AA", "HE", "HI", "FN", "FP", "U")
"""FAO 2006: annual crops, extensive grazing, intensive grazing, natural forest, plantation forest, not used."""

LAND_USE_SHARE = {
    ("polar", "dry"): (0.00, 0.20, 0.00, 0.00, 0.00, 0.80),
    ("polar", "moist"): (0.00, 0.20, 0.00, 0.00, 0.00, 0.80),
    ("boreal", "dry"): (0.10, 0.10, 0.00, 0.65, 0.10, 0.05),
    ("boreal", "moist"): (0.10, 0.05, 0.05, 0.60, 0.15, 0.05),
    ("cool temperate", "dry"): (0.50, 0.25, 0.10, 0.10, 0.05, 0.00),
    ("cool temperate", "moist"): (0.35, 0.10, 0.20, 0.25, 0.10, 0.00),
    ("warm temperate", "dry"): (0.35, 0.40, 0.05, 0.10, 0.05, 0.05),
    ("warm temperate", "moist"): (0.35, 0.15, 0.15, 0.25, 0.10, 0.00),
    ("tropical", "dry"): (0.30, 0.50, 0.05, 0.15, 0.00, 0.00),
    ("tropical", "moist"): (0.35, 0.25, 0.05, 0.30, 0.05, 0.00),
    ("tropical", "wet"): (0.20, 0.15, 0.05, 0.50, 0.10, 0.00),
    ("tropical", "montane"): (0.40, 0.20, 0.10, 0.25, 0.05, 0.00),
}

# Stock change factors: cultivated land F_LU of IPCC 2019 Table 5.5, improved grassland F_MG of Table 6.2, others 1.
CROPLAND_FACTOR = {
    ("polar", "dry"): 1.0,
    ("polar", "moist"): 1.0,
    ("boreal", "dry"): 0.77,
    ("boreal", "moist"): 0.70,
    ("cool temperate", "dry"): 0.77,
    ("cool temperate", "moist"): 0.70,
    ("warm temperate", "dry"): 0.76,
    ("warm temperate", "moist"): 0.69,
    ("tropical", "dry"): 0.92,
    ("tropical", "moist"): 0.83,
    ("tropical", "wet"): 0.83,
    ("tropical", "montane"): 0.86,
}
IMPROVED_GRASSLAND_FACTOR = 1.14

SPREAD = {"dry": 0.40, "moist": 0.32, "wet": 0.30, "montane": 0.35}
LAND_USE_SPREAD = {"AA": -0.06, "HE": 0.0, "HI": -0.03, "FN": 0.04, "FP": 0.0, "U": 0.08}
"""Standard deviation of log stock: by moisture, plus by land use."""

ACIDITY = {"dry": 7.6, "moist": 5.9, "wet": 5.0, "montane": 5.7}
"""Mean pH in water."""

CARBON_TO_NITROGEN = {"AA": 11.0, "HE": 12.0, "HI": 11.5, "FN": 15.0, "FP": 17.0, "U": 15.0}

DEPTH_FLOOR = 0.12
"""Share of the surface density of carbon that never declines with depth."""

RATE_SPREAD = 1.5
"""Standard deviation of the sites' own rates around the country's. [‰/yr]"""

REVISIT_NOISE = 0.05
"""A few metres between visits: relative standard deviation, shared by the layers of a visit."""
CARBON_NOISE = 0.03
DENSITY_NOISE = 0.04
FRAGMENT_NOISE = 0.08
"""Laboratory and core: relative standard deviations, independent per layer."""

LOST_VISIT = 0.04
SHORT_CORE = 0.025
MISSING_DENSITY = 0.03
SHALLOW_ROCK = 0.04
"""Chances: of a later visit not made, a core ended early, a bulk density lost, rock above 30 cm."""

SEASON_DAYS = 60


@dataclass(frozen=True)
class Population:
    """All points of one country; arrays of one value per point."""

    longitude: Floats
    latitude: Floats
    land_use: NDArray[np.str_]
    clay: Floats
    sand: Floats
    fragments: Floats
    """Volume share of coarse fragments at the surface."""
    rock: Floats
    """Depth of rock, infinite where there is none above 60 cm. [cm]"""
    decline: Floats
    """Rate of the exponential decline of carbon with depth. [1/cm]"""
    acidity: Floats
    """pH in water at the surface."""
    density_shift: Floats
    """Site's departure from the bulk density that its carbon suggests. [g/cm³]"""
    stock: Floats
    """True stock of 0-30 cm, or to the rock, at the first campaign. [t C/ha]"""
    rate: Floats
    """True rate of the site. [‰/yr]"""

    def take(self, count: int) -> "Population":
        """The first points; they are a simple random sample because the order is random."""
        return Population(**{field.name: getattr(self, field.name)[:count] for field in fields(self)})


@dataclass(frozen=True)
class Row:
    """One layer as submitted: the columns of our upload schema, all text."""

    site_id: str
    profile_id: str
    longitude: str
    latitude: str
    country_code: str
    sampling_date: str
    top_cm: str
    bottom_cm: str
    soc: str
    soc_unit: str
    soc_method: str
    bulk_density_g_cm3: str
    bulk_density_type: str
    bulk_density_method: str
    coarse_fragments_pct: str
    coarse_fragments_basis: str
    clay_pct: str
    silt_pct: str
    sand_pct: str
    psd_limits: str
    ph: str
    ph_method: str
    n_total_g_kg: str
    land_use: str
    bedrock_depth_cm: str
    lab: str
    project: str
    licence: str
    design: str
    remarks: str


@dataclass(frozen=True)
class Truth:
    """What the generator knows about one country."""

    country: str
    country_code: str
    n_sites: int
    campaigns: str
    reference_date: str
    true_mean_stock_0_30_t_ha: str
    true_sd_stock_0_30_t_ha: str
    true_rate_permille_per_year: str
    sample_mean_stock_0_30_t_ha: str
    moisture: str
    layers_cm: str
    bulk_density_type: str
    population: int
    seed: int


def belt_of(latitude: float) -> str:
    """Climate belt of a latitude."""
    return next(name for limit, name in BELTS if abs(latitude) <= limit)


def zone_of(latitude: float, moisture: str) -> tuple[str, str]:
    """IPCC climate zone: the belt by latitude, the moisture by country; wet and montane exist in the tropics only."""
    belt = belt_of(latitude)
    return belt, moisture if belt == "tropical" or moisture == "dry" else "moist"


def carbon_above(depth: Floats, decline: Floats) -> Floats:
    """Carbon between the surface and a depth per unit of its density at the surface, in cm.

    The density declines exponentially to a floor.
    """
    return DEPTH_FLOOR * depth + (1 - DEPTH_FLOOR) * (1 - np.exp(-decline * depth)) / decline


def expected_density(carbon: Floats, clay: Floats, sand: Floats) -> Floats:
    """Bulk density of fine earth that a mineral horizon's carbon and texture suggest, in g/cm³.

    Hollis et al. 2012, Eur. J. Soil Sci. 63:96, other mineral horizons; carbon in g/kg, texture in %.
    """
    shape = 0.750636 * np.exp(-0.230355 * 0.1 * carbon)
    return np.asarray(0.69794 + shape + 0.0008687 * sand - 0.0005164 * clay)


def solve_carbon(mass: Floats, clay: Floats, sand: Floats, shift: Floats) -> Floats:
    """Carbon content that gives a mass of carbon per volume of fine earth, by bisection.

    mass : carbon per volume of fine earth. [mg/cm³]      Returns the content. [g/kg]
    """
    low, high = np.zeros_like(mass), np.full_like(mass, 500.0)
    for _ in range(60):
        middle = (low + high) / 2
        below = middle * (expected_density(middle, clay, sand) + shift) < mass
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def draw_points(rng: np.random.Generator, land: BaseGeometry, count: int) -> tuple[Floats, Floats]:
    """Points uniform over the land's area on the sphere, with five decimals of a degree."""
    west, south, east, north = land.bounds
    low, high = math.sin(math.radians(south)), math.sin(math.radians(north))
    shapely.prepare(land)
    found = np.empty((0, 2))
    while len(found) < count:
        longitude = np.round(rng.uniform(west, east, 20_000), 5)
        latitude = np.round(np.degrees(np.arcsin(rng.uniform(low, high, 20_000))), 5)
        inside = shapely.contains_xy(land, longitude, latitude)
        found = np.concatenate([found, np.column_stack([longitude, latitude])[inside]])
    return found[:count, 0], found[:count, 1]


def draw_land_use(rng: np.random.Generator, zones: list[tuple[str, str]]) -> NDArray[np.str_]:
    """FAO land use of each point, by the shares of its zone."""
    chance = rng.random(len(zones))
    shares = np.cumsum([LAND_USE_SHARE[zone] for zone in zones], axis=1)
    index = np.minimum((chance[:, None] > shares).sum(axis=1), len(LAND_USES) - 1)
    land_use: NDArray[np.str_] = np.array(LAND_USES)[index]
    return land_use


def draw_texture(rng: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    """Clay and sand in per cent, whole numbers: log-normal clay, and a beta share of the rest as sand."""
    clay = np.round(np.clip(20 * np.exp(0.6 * rng.standard_normal(count)), 3, 65))
    sand = np.round((100 - clay) * rng.beta(2.2, 1.8, count))
    return clay, sand


def draw_reference(rng: np.random.Generator, zones: list[tuple[str, str]], clay: Floats, sand: Floats) -> Floats:
    """IPCC reference stock of each point, in t C/ha.

    Sandy is IPCC's sand > 70 % and clay < 8 %; of the other tropical soils 60 % are low-activity clay.
    """
    low_activity = rng.random(len(zones)) < 0.6
    sandy = (sand > 70) & (clay < 8)
    tropical = np.array([belt == "tropical" for belt, _ in zones])
    column = np.where(sandy, 2, np.where(tropical & low_activity, 1, 0))
    return np.array([REFERENCE_STOCK[zone][index] for zone, index in zip(zones, column, strict=True)])


def draw_stock(
    rng: np.random.Generator, zones: list[tuple[str, str]], land_use: NDArray[np.str_], reference: Floats
) -> Floats:
    """True stock of 0-30 cm in t C/ha: reference times land-use factor, log-normal spread cut at two sigma."""
    factor = np.ones(len(zones))
    sigma = np.empty(len(zones))
    for index, (zone, use) in enumerate(zip(zones, land_use, strict=True)):
        if use == "AA":
            factor[index] = CROPLAND_FACTOR[zone]
        elif use == "HI":
            factor[index] = IMPROVED_GRASSLAND_FACTOR
        sigma[index] = SPREAD[zone[1]] + LAND_USE_SPREAD[use]
    epsilon = np.clip(rng.standard_normal(len(zones)), -2, 2)
    return reference * factor * np.exp(sigma * epsilon - sigma**2 / 2)


def draw_population(rng: np.random.Generator, country: Country, land: BaseGeometry) -> Population:
    """All points of a country with what is true of them."""
    longitude, latitude = draw_points(rng, land, POPULATION)
    zones = [zone_of(value, country.moisture) for value in latitude]
    land_use = draw_land_use(rng, zones)
    clay, sand = draw_texture(rng, POPULATION)
    stock = draw_stock(rng, zones, land_use, draw_reference(rng, zones, clay, sand))
    fragments = np.where(rng.random(POPULATION) < 0.45, 0.0, np.minimum(rng.beta(1.2, 6.0, POPULATION), 0.35))
    rock = np.where(
        rng.random(POPULATION) < SHALLOW_ROCK, rng.choice(np.array([14.0, 18.0, 24.0, 26.0, 28.0]), POPULATION), np.inf
    )
    decline = np.clip(0.045 + 0.008 * rng.standard_normal(POPULATION), 0.025, 0.07)
    stock = stock * carbon_above(np.minimum(rock, 30.0), decline) / carbon_above(np.full(POPULATION, 30.0), decline)
    own_rate = RATE_SPREAD * rng.standard_normal(POPULATION)
    return Population(
        longitude=longitude,
        latitude=latitude,
        land_use=land_use,
        clay=clay,
        sand=sand,
        fragments=fragments,
        rock=rock,
        decline=decline,
        acidity=np.clip(ACIDITY[country.moisture] + 0.5 * rng.standard_normal(POPULATION), 4.0, 8.6),
        density_shift=0.06 * rng.standard_normal(POPULATION),
        stock=stock,
        # Weighted by stock the sites' own rates cancel, so that the country's mean changes at exactly its rate.
        rate=country.rate + own_rate - np.average(own_rate, weights=stock),
    )


def season_start(latitude: float, year: int) -> date:
    """First day of a campaign: after the growing season of the hemisphere."""
    return date(year, 9, 1) if latitude >= 0 else date(year, 3, 1)


def number(value: float, decimals: int) -> str:
    """Decimal text as a laboratory writes it."""
    return f"{value:.{decimals}f}"


def carbon_text(value: float) -> str:
    """Carbon content with one decimal, two below 10 g/kg."""
    return number(value, 1 if value >= 10 else 2)


@dataclass(frozen=True)
class Layers:
    """True state of the layers of one site at the first campaign; arrays of one value per layer."""

    top: Floats
    bottom: Floats
    carbon: Floats
    """[g/kg]"""
    density: Floats
    """Fine-earth bulk density. [g/cm³]"""
    fragments: Floats
    clay: Floats
    sand: Floats


def true_layers(points: Population, index: int, limits: tuple[int, ...]) -> Layers:
    """Layers of one site: carbon declines with depth so that its stock to 30 cm or rock is the site's true stock."""
    depth = np.array(limits, dtype=np.float64)
    rock = float(points.rock[index])
    depth = np.append(depth[depth < rock], rock) if rock < depth[-1] else depth
    top, bottom = depth[:-1], depth[1:]
    order = np.arange(len(top))
    clay = np.minimum(points.clay[index] + 2 * order, 75.0)
    sand = np.round(points.sand[index] * (100 - clay) / (100 - points.clay[index]))
    fragments = points.fragments[index] * (1 + 0.15 * order)
    decline = np.full(len(depth), points.decline[index])
    cumulative = carbon_above(depth, decline)
    counted = float(carbon_above(np.array([min(30.0, rock)]), decline[:1])[0])
    layer_stock = points.stock[index] * np.diff(cumulative) / counted
    mass = layer_stock / (0.1 * (bottom - top) * (1 - fragments))
    shift = np.full(len(top), points.density_shift[index])
    carbon = solve_carbon(mass, clay, sand, shift)
    return Layers(top, bottom, carbon, mass / carbon, fragments, clay, sand)


@dataclass(frozen=True)
class Visit:
    """One visit of one site."""

    country: Country
    alpha_2: str
    number: int
    """Running number of the site in its country, from 1."""
    year: int
    sampled: date
    years: float
    """Time since the reference date. [yr]"""


def density_columns(basis: str, density: float, fragments: float) -> tuple[str, str, str, str, str]:
    """Bulk density, its type and method, coarse fragments in per cent and their basis, in the country's own convention."""
    if basis == "whole":
        whole = density * (1 - fragments) + 2.65 * fragments
        return number(whole, 2), basis, "BlkDensW_we-co-od", number(100 * 2.65 * fragments / whole, 1), "mass"
    reported = density * (1 - fragments) if basis == "fine_per_total" else density
    return number(reported, 2), basis, "BlkDensF_fe-co-od", number(100 * fragments, 1), "volume"


def visit_rows(rng: np.random.Generator, visit: Visit, points: Population, index: int, layers: Layers) -> Iterator[Row]:
    """Rows of one visit: the true state at its date, seen through core and laboratory."""
    country = visit.country
    count = len(layers.top)
    growth = 1 + points.rate[index] / 1000 * visit.years
    here = 1 + REVISIT_NOISE * rng.standard_normal()
    carbon = layers.carbon * growth * here * (1 + CARBON_NOISE * rng.standard_normal(count))
    density = layers.density * (1 + DENSITY_NOISE * rng.standard_normal(count))
    fragments = layers.fragments * (1 + FRAGMENT_NOISE * rng.standard_normal(count))
    ratio = CARBON_TO_NITROGEN[str(points.land_use[index])] * (1 - 0.04 * np.arange(count))
    nitrogen = carbon / (ratio * (1 + 0.05 * rng.standard_normal(count)))
    acidity = points.acidity[index] + 0.1 * np.arange(count) + 0.1 * rng.standard_normal(count)
    ends = 15 if country.layers == WIDE_LAYERS else 20
    kept = layers.top < ends if rng.random() < SHORT_CORE else layers.top >= 0
    lost = int(rng.integers(count)) if rng.random() < MISSING_DENSITY else -1
    month_only = (country.code, visit.year) == MONTH_ONLY
    site = f"SYN-{country.code}-{visit.number:03d}"
    for layer in range(count):
        if not kept[layer]:
            continue
        bulk, basis, method, stones, stones_basis = density_columns(
            country.density, float(density[layer]), float(fragments[layer])
        )
        if layer == lost:
            bulk, basis, method = "", "", ""
        clay, sand = int(layers.clay[layer]), int(layers.sand[layer])
        yield Row(
            site_id=site,
            profile_id=f"{site}-{visit.year}",
            longitude=number(float(points.longitude[index]), 5),
            latitude=number(float(points.latitude[index]), 5),
            country_code=visit.alpha_2,
            sampling_date=visit.sampled.isoformat()[: 7 if month_only else 10],
            top_cm=number(float(layers.top[layer]), 0),
            bottom_cm=number(float(layers.bottom[layer]), 0),
            soc=carbon_text(float(carbon[layer])),
            soc_unit="g/kg",
            # Carbonates are removed first where the soils are alkaline.
            soc_method="OrgC_acid-dc-ht" if country.moisture == "dry" else "OrgC_dc-ht",
            bulk_density_g_cm3=bulk,
            bulk_density_type=basis,
            bulk_density_method=method,
            coarse_fragments_pct=stones,
            coarse_fragments_basis=stones_basis,
            clay_pct=str(clay),
            silt_pct=str(100 - clay - sand),
            sand_pct=str(sand),
            psd_limits="2-50-2000",
            ph=number(float(acidity[layer]), 1),
            ph_method="pHH2O_ratio1-5",
            n_total_g_kg=number(max(float(nitrogen[layer]), 0.05), 2),
            land_use=str(points.land_use[index]),
            bedrock_depth_cm=number(float(points.rock[index]), 0) if math.isfinite(points.rock[index]) else "",
            lab="Synthetic laboratory 2"
            if (country.code, visit.year) == SECOND_LABORATORY
            else "Synthetic laboratory 1",
            project="Synthetic demonstration set",
            licence="CC0-1.0",
            design="srs",
            remarks="synthetic: not measured",
        )


def country_rows(
    country: Country, alpha_2: str, numeric: int, land: BaseGeometry, middle: float
) -> tuple[list[Row], Truth]:
    """All rows of one country and its truth; the country has a random stream of its own."""
    rng = np.random.default_rng([SEED, numeric])
    population = draw_population(rng, country, land)
    sites = population.take(country.sites)
    reference = season_start(middle, country.campaigns[0]) + timedelta(days=SEASON_DAYS // 2)
    rows: list[Row] = []
    for index in range(country.sites):
        layers = true_layers(sites, index, country.layers)
        for year in country.campaigns:
            sampled = season_start(middle, year) + timedelta(days=int(rng.integers(SEASON_DAYS)))
            made = rng.random() >= LOST_VISIT
            visit = Visit(country, alpha_2, index + 1, year, sampled, (sampled - reference).days / 365.25)
            visited = list(visit_rows(rng, visit, sites, index, layers))
            if made or year == country.campaigns[0]:
                rows += visited
    truth = Truth(
        country=country.code,
        country_code=alpha_2,
        n_sites=country.sites,
        campaigns=";".join(map(str, country.campaigns)),
        reference_date=reference.isoformat(),
        true_mean_stock_0_30_t_ha=number(float(population.stock.mean()), 3),
        true_sd_stock_0_30_t_ha=number(float(population.stock.std()), 3),
        true_rate_permille_per_year=number(country.rate, 1),
        sample_mean_stock_0_30_t_ha=number(float(sites.stock.mean()), 3),
        moisture=country.moisture,
        layers_cm=";".join(map(str, country.layers)),
        bulk_density_type=country.density,
        population=POPULATION,
        seed=SEED,
    )
    return rows, truth


def csv_text(kind: type[Row] | type[Truth], records: list[Row] | list[Truth]) -> str:
    """CSV of records, one column per field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [field.name for field in fields(kind)]
    writer.writerow(names)
    writer.writerows([getattr(record, name) for name in names] for record in records)
    return text.getvalue()


def build(countries: Path = HERE / "countries.geojson") -> dict[str, str]:
    """Text of both files by name."""
    found = {
        feature["properties"]["code"]: feature
        for feature in json.loads(countries.read_text(encoding="utf-8"))["features"]
    }
    rows: list[Row] = []
    truths: list[Truth] = []
    for country in COUNTRIES:
        properties = found[country.code]["properties"]
        land = shapely.geometry.shape(found[country.code]["geometry"])
        more, truth = country_rows(
            country, properties["iso_a2"], int(properties["iso_n3"]), land, properties["label_lat"]
        )
        rows += more
        truths.append(truth)
    return {"synthetic_soil.csv": csv_text(Row, rows), "synthetic_truth.csv": csv_text(Truth, truths)}


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description="Make the synthetic demonstration set.")
    parser.add_argument("--output", type=Path, default=HERE, help="folder to write to (default: beside this script)")
    folder = parser.parse_args().output
    for name, text in build().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        print(f"{folder / name}: {len(text.encode()):,} bytes, {text.count(chr(10)) - 1:,} rows")


if __name__ == "__main__":
    main()
