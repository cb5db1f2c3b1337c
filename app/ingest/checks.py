"""The checks: one function each, from canonical frames to findings; the tuples at the end list them in order.

A check finds and does nothing else. Whether a finding refuses a row, flags it or is only counted stands in the
catalogue of rules. A check of rows speaks about all rows, so that their author sees every fault at once; a check that
compares rows with each other looks at those that still stand.

Ranges come from the dictionary of properties; the other thresholds stand beside their check with their source.
"""

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from app.ingest.columns import FAO_LAND_USE
from app.ingest.draft import Draft, Finding, FrameName
from app.ingest.positions import distance_m, inside, to_wgs84
from app.soil.depth import bottom_above, check_depths, depth_order
from app.soil.properties import PROPERTIES

SAME_PLACE_M = 50.0
"""Positions of one site identifier that are nearer than this are one place. [m]"""
NEAR_COUNTRY_M = 10_000.0
"""How far outside a country's boundary a position may lie: at 1:50 million coasts are off by several kilometres. [m]"""
FIRST_YEAR = 1840
DEEPEST_CM = 1000.0
USUALLY_DEEPEST_CM = 300.0
TEXTURE_SUM = (99.0, 101.0)
TEXTURE_SUM_POSSIBLE = (95.0, 105.0)
FEWEST_FOR_A_PATTERN = 10
"""Values below which a column says nothing about defaults or units."""

Check = Callable[[Draft], list[Finding]]


def _rows(code: str, on: FrameName, frame: pl.DataFrame, condition: pl.Expr, **details: pl.Expr) -> Finding:
    # Lazily, so that only the columns that are spoken of are copied.
    where = frame.lazy().filter(condition).select("i", **details).collect()
    return Finding(code=code, on=on, where=where)


# Rows that say where and when ----------------------------------------------------------------------------------------


def date_in_future(draft: Draft) -> list[Finding]:
    """A sample cannot be taken after the day of the import."""
    entries = draft.frame("entries")
    late = pl.col("sampled_from") > draft.today
    return [_rows("DATE_IN_FUTURE", "entries", entries, late, value=pl.col("date_text"))]


def date_too_early(draft: Draft) -> list[Finding]:
    """No soil was sampled and analysed for carbon in today's sense before the first long-term experiments."""
    entries = draft.frame("entries")
    early = pl.col("sampled_from").dt.year() < FIRST_YEAR
    return [_rows("DATE_TOO_EARLY", "entries", entries, early, value=pl.col("date_text"))]


def land_use_unknown(draft: Draft) -> list[Finding]:
    """Land use that is no FAO code is left out; what it may mean is not guessed."""
    entries = draft.frame("entries")
    strange = pl.col("land_use").is_not_null() & ~pl.col("land_use").is_in(list(FAO_LAND_USE))
    found = _rows("ATTRIBUTE_DROPPED", "entries", entries, strange, value=pl.col("land_use"), field=pl.lit("land_use"))
    draft.frames["entries"] = draft.frames["entries"].with_columns(
        land_use=pl.when(strange).then(None).otherwise("land_use")
    )
    return [found]


# Sites -----------------------------------------------------------------------------------------------------------------


def position_missing(draft: Draft) -> list[Finding]:
    """A site without a position belongs to no region."""
    sites = draft.frame("sites")
    return [_rows("COORD_MISSING", "sites", sites, pl.col("longitude").is_null(), site_key=pl.col("site_key"))]


def position_out_of_range(draft: Draft) -> list[Finding]:
    """Longitude is within 180 degrees, latitude within 90; a projection may answer infinity."""
    sites = draft.frame("sites")
    off = ~(pl.col("longitude").is_between(-180, 180) & pl.col("latitude").is_between(-90, 90))
    return [_site("COORD_OUT_OF_RANGE", sites, off.fill_null(value=False))]


def position_zero(draft: Draft) -> list[Finding]:
    """0, 0 lies in the Gulf of Guinea and is the default of many programs."""
    sites = draft.frame("sites").filter("alive")
    zero = (pl.col("longitude") == 0) & (pl.col("latitude") == 0)
    return [_rows("COORD_ZERO", "sites", sites, zero, site_key=pl.col("site_key"))]


def position_equal(draft: Draft) -> list[Finding]:
    """The same number twice is a slip of copy and paste."""
    sites = draft.frame("sites").filter("alive")
    same = pl.col("longitude_text") == pl.col("latitude_text")
    return [_rows("COORD_EQUAL", "sites", sites, same, site_key=pl.col("site_key"), longitude=pl.col("longitude_text"))]


def position_outside_declared_area(draft: Draft) -> list[Finding]:
    """Outside the area that the mapping declares: with the repair that would put it inside, if any."""
    if draft.mapping.area is None:
        return []
    box = draft.mapping.area
    outside = (
        draft.frame("sites", "longitude", "latitude")
        .filter("alive")
        .filter(~inside("longitude", "latitude", box))
        .with_columns(minus_x=-pl.col("longitude"), minus_y=-pl.col("latitude"))
        .with_columns(
            swapped=inside("latitude", "longitude", box),
            signed=inside("minus_x", "latitude", box)
            | inside("longitude", "minus_y", box)
            | inside("minus_x", "minus_y", box),
            area=pl.lit(draft.mapping.area_name),
        )
    )
    swapped, signed = pl.col("swapped"), pl.col("signed")
    kept = {name: pl.col(name) for name in ("longitude", "latitude", "area")}
    return [
        _rows("COORD_SWAPPED", "sites", outside, swapped, **kept),
        _rows("COORD_SIGN", "sites", outside, signed & ~swapped, **kept),
        _rows("COORD_OUTSIDE_AREA", "sites", outside, ~signed & ~swapped, **kept),
    ]


def position_conflict(draft: Draft) -> list[Finding]:
    """One site identifier, positions more than 50 m apart."""
    entries = draft.frame("entries")
    given = entries.filter(
        pl.col("site").is_not_null() & pl.col("longitude").is_not_null() & pl.col("latitude").is_not_null()
    )
    places = given.select("site", "longitude", "latitude").unique(maintain_order=True)
    x, y = to_wgs84(places["longitude"], places["latitude"], draft.mapping.crs)
    if draft.mapping.western_longitudes:
        x = x.zip_with(x <= 0, -x)
    sites = draft.frames["sites"]
    own = sites.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("site"),
        "site_key",
        pl.col("longitude").alias("own_x"),
        pl.col("latitude").alias("own_y"),
    )
    apart = (
        places.select("site", x.alias("x"), y.alias("y"))
        .join(own, on="site", how="inner")
        .with_columns(distance=distance_m(pl.col("x"), pl.col("y"), pl.col("own_x"), pl.col("own_y")))
        .filter(pl.col("distance") > SAME_PLACE_M)
        .group_by("site", "site_key")
        .agg(pl.col("distance").max().round(0))
        .sort("site")
    )
    return [
        Finding(
            code="COORD_CONFLICT",
            on="sites",
            where=apart.select(pl.col("site").cast(pl.Int64).alias("i"), "site_key", "distance"),
        )
    ]


def position_shared(draft: Draft) -> list[Finding]:
    """Many sites on one point: the middle of a field, a farm or a town."""
    sites = draft.frame("sites").filter("alive", pl.col("cluster").is_null())
    shared = sites.with_columns(sites=pl.len().over("longitude", "latitude"))
    return [_rows("POSITION_SHARED", "sites", shared, pl.col("sites") > 1, sites=pl.col("sites"))]


def position_in_country(draft: Draft) -> list[Finding]:
    """Far outside the declared country, or in no country at all: with the repair that would put it into one, if any."""
    if draft.locate is None:
        return []
    sites = draft.frame("sites").filter("alive")
    found = draft.locate(sites.select("site_key", "longitude", "latitude", "country_code"))
    draft.located = found.filter(pl.col("region_id").is_not_null()).select("site_key", "region_id", "distance_m")
    placed = sites.join(found, on="site_key", how="left", maintain_order="left").with_columns(
        repair=pl.format(" With {} it would lie inside.", "repair").fill_null("")
    )
    elsewhere = pl.col("declared_distance_m").fill_null(0) > NEAR_COUNTRY_M
    nowhere = pl.col("region_id").is_null()
    kept = {name: pl.col(name) for name in ("longitude", "latitude", "repair")}
    km = {"distance": (pl.col("declared_distance_m") / 1000).round(1), "declared": pl.col("declared")}
    near = ~elsewhere & ~nowhere & (pl.col("distance_m") > 0)
    return [
        _rows("COORD_OTHER_COUNTRY", "sites", placed, elsewhere, **kept, **km),
        _rows("COORD_NO_COUNTRY", "sites", placed, nowhere & ~elsewhere, **kept),
        _rows(
            "COORD_NEAR_BORDER",
            "sites",
            placed,
            near,
            distance=(pl.col("distance_m") / 1000).round(1),
            country=pl.col("region"),
        ),
    ]


def _site(code: str, sites: pl.DataFrame, condition: pl.Expr) -> Finding:
    return _rows(
        code,
        "sites",
        sites,
        condition,
        site_key=pl.col("site_key"),
        longitude=pl.col("longitude"),
        latitude=pl.col("latitude"),
    )


def date_missing(draft: Draft) -> list[Finding]:
    """A profile without a date belongs to no period."""
    visits = draft.frame("visits")
    return [_rows("DATE_MISSING", "visits", visits, pl.col("sampled_from").is_null())]


# Layers ----------------------------------------------------------------------------------------------------------------

_DEPTHS = {"top_cm": pl.col("top_cm"), "bottom_cm": pl.col("bottom_cm")}


def depth_inverted(draft: Draft) -> list[Finding]:
    """The bottom of a layer lies below its top (depthLogic of aqp)."""
    layers = draft.frame("layers")
    return [_rows("DEPTH_INVERTED", "layers", layers, pl.col("bottom_cm") < pl.col("top_cm"), **_DEPTHS)]


def depth_zero_thickness(draft: Draft) -> list[Finding]:
    """A layer has a thickness (sameDepth of aqp)."""
    layers = draft.frame("layers")
    return [_rows("DEPTH_ZERO_THICKNESS", "layers", layers, pl.col("bottom_cm") == pl.col("top_cm"), **_DEPTHS)]


def depth_impossible(draft: Draft) -> list[Finding]:
    """Nobody digs deeper than ten metres for soil, and no organic layer is thicker."""
    layers = draft.frame("layers")
    off = (pl.col("bottom_cm") > DEEPEST_CM) | (pl.col("top_cm") < -DEEPEST_CM)
    return [_rows("DEPTH_IMPOSSIBLE", "layers", layers, off, **_DEPTHS)]


def depth_above_surface(draft: Draft) -> list[Finding]:
    """Mineral soil starts at the mineral surface."""
    layers = draft.frame("layers")
    off = (pl.col("kind") == "mineral") & (pl.col("top_cm") < 0) & (pl.col("bottom_cm") > pl.col("top_cm"))
    return [_rows("DEPTH_ABOVE_SURFACE", "layers", layers, off, **_DEPTHS)]


def depth_deep(draft: Draft) -> list[Finding]:
    """Layers below three metres are rare; often the unit is wrong."""
    layers = draft.frame("layers")
    return [_rows("DEPTH_DEEP", "layers", layers, pl.col("bottom_cm") > USUALLY_DEEPEST_CM, **_DEPTHS)]


def layer_duplicate(draft: Draft) -> list[Finding]:
    """The same depths twice in one profile: neither is known to be the right one."""
    layers = _standing(draft)
    again = layers.with_columns(times=pl.len().over("visit", "top_cm", "bottom_cm"))
    return [_rows("LAYER_DUPLICATE", "layers", again, pl.col("times") > 1, times=pl.col("times"), **_DEPTHS)]


def layer_overlap(draft: Draft) -> list[Finding]:
    """Layers that overlap, all of them: which depth is wrong cannot be told."""
    layers = _standing(draft)
    if not layers.height:
        return []
    profile = layers["visit"].to_numpy().astype(np.intp)
    top, bottom = layers["top_cm"].to_numpy(), layers["bottom_cm"].to_numpy()
    order = depth_order(profile, top, bottom)
    above = bottom_above(profile[order], bottom[order])
    group = np.cumsum(np.isnan(above) | (top[order] >= above))
    crowded = np.bincount(group)[group] > 1
    found = layers[np.sort(order[crowded])]
    return [Finding(code="LAYER_OVERLAP", on="layers", where=found.select("i", "top_cm", "bottom_cm"))]


def layer_sequence(draft: Draft) -> list[Finding]:
    """Gaps between layers, and profiles that do not reach up to the surface."""
    layers = _standing(draft)
    if not layers.height:
        return []
    profile = layers["visit"].to_numpy().astype(np.intp)
    top, bottom = layers["top_cm"].to_numpy(), layers["bottom_cm"].to_numpy()
    flags = check_depths(profile, top, bottom)
    order = depth_order(profile, top, bottom)
    above = np.empty(len(top))
    above[order] = bottom_above(profile[order], bottom[order])
    layers = layers.with_columns(
        pl.Series("gap", flags.gap), pl.Series("below", flags.below_surface), pl.Series("above_cm", above)
    )
    return [
        _rows("LAYER_GAP", "layers", layers, pl.col("gap"), above_cm=pl.col("above_cm"), top_cm=pl.col("top_cm")),
        _rows("LAYER_FIRST_NOT_AT_ZERO", "layers", layers, pl.col("below"), top_cm=pl.col("top_cm")),
    ]


def _standing(draft: Draft) -> pl.DataFrame:
    return draft.frame("layers", "visit", "top_cm", "bottom_cm").filter(
        "alive", pl.col("visit").is_not_null(), pl.col("top_cm").is_not_null(), pl.col("bottom_cm").is_not_null()
    )


# Values ----------------------------------------------------------------------------------------------------------------


def value_impossible(draft: Draft) -> list[Finding]:
    """Values outside what can be true."""
    return [_outside("VALUE_IMPOSSIBLE", draft, {code: entry.possible for code, entry in PROPERTIES.items()})]


def value_unusual(draft: Draft) -> list[Finding]:
    """Values that are rare in mineral soil."""
    usual = {code: entry.usual for code, entry in PROPERTIES.items() if entry.usual}
    mineral = (draft.frames["layers"]["kind"] == "mineral").fill_null(value=False).to_numpy()
    of_mineral_soil = mineral[draft.frames["results"]["layer"].to_numpy()]
    return [_outside("VALUE_UNUSUAL", draft, usual, draft.alive("results") & of_mineral_soil)]


def _outside(
    code: str, draft: Draft, ranges: Mapping[str, tuple[float, float]], among: NDArray[np.bool_] | None = None
) -> Finding:
    """Results outside the closed range of their property; those without a value or a range are passed over."""
    results = draft.frames["results"]
    number = results["property"].to_physical().fill_null(len(PROPERTIES)).to_numpy()
    lower = np.array([*(ranges.get(name, (-np.inf, np.inf))[0] for name in PROPERTIES), -np.inf])
    upper = np.array([*(ranges.get(name, (-np.inf, np.inf))[1] for name in PROPERTIES), np.inf])
    value = results["value"].to_numpy()
    off = (value < lower[number]) | (value > upper[number])
    rows = np.flatnonzero(off if among is None else off & among)
    where = pl.DataFrame(
        {"i": rows, "canonical": value[rows], "lower": lower[number[rows]], "upper": upper[number[rows]]}
    ).with_columns(
        results["property"].gather(rows).cast(pl.String).replace_strict(_UNITS, return_dtype=pl.String).alias("unit")
    )
    return Finding(code=code, on="results", where=where)


_UNITS = {code: "" if entry.unit == "1" else entry.unit for code, entry in PROPERTIES.items()}


def soc_above_total_carbon(draft: Draft) -> list[Finding]:
    """Organic carbon is part of total carbon; 5 % and 0.5 g/kg are left for two analyses of one sample."""
    both = _side_by_side(draft, "soc", "total_c")
    off = (pl.col("soc") > 1.05 * pl.col("total_c")) & (pl.col("soc") > pl.col("total_c") + 0.5)
    return [_each("SOC_ABOVE_TOTAL_C", both.filter(off), ("soc", "total_c"), ("soc", "total_c"))]


def texture_sum(draft: Draft) -> list[Finding]:
    """Sand, silt and clay are all of the mineral fine earth."""
    parts = ("sand", "silt", "clay")
    whole = _side_by_side(draft, *parts).with_columns(total=pl.sum_horizontal(parts).round(6))
    total = pl.col("total")
    possible, usual = total.is_between(*TEXTURE_SUM_POSSIBLE), total.is_between(*TEXTURE_SUM)
    return [
        _each("TEXTURE_SUM_WRONG", whole.filter(~possible), parts, ("total",)),
        _each("TEXTURE_SUM_OFF", whole.filter(possible & ~usual), parts, ("total",)),
    ]


def bulk_density_suspect(draft: Draft) -> list[Finding]:
    """Bulk density more than 0.5 g/cm3 off the curve of Hollis et al. 2012 for mineral horizons, at mean texture.

    Hollis, J.M. et al. 2012, Eur. J. Soil Sci. 63:96: 0.69794 + 0.750636 exp(-0.230355 SOC) + 0.0008687 sand
    - 0.0005164 clay, all in %; sand 40 and clay 20 are put in, which is worth 0.02 g/cm3.
    """
    mineral = draft.frames["layers"]["kind"] == "mineral"
    findings = []
    for code in ("bulk_density_fine_earth", "bulk_density_whole", "bulk_density"):
        both = _side_by_side(draft, code, "soc")
        both = both.filter(mineral.gather(both["layer"])).with_columns(density=pl.col(code))
        expected = 0.69794 + 0.750636 * (-0.230355 * pl.col("soc") / 10).exp() + 0.0008687 * 40 - 0.0005164 * 20
        both = both.with_columns(expected=expected.round(2))
        off = both.filter((pl.col("density") - pl.col("expected")).abs() > 0.5)
        findings.append(_each("BULK_DENSITY_SUSPECT", off, (code,), ("density", "soc", "expected")))
    return findings


def _side_by_side(draft: Draft, *codes: str) -> pl.DataFrame:
    """One row for each layer that has an exact value of all properties: layer, the values, and their rows as i_<code>.

    Where two columns give one property, the first counts.
    """
    results = draft.frame("results", "layer", "property", "value", "qualifier").lazy()
    exact = results.filter(pl.col("property").is_in(list(codes)), pl.col("qualifier") == "=", "alive").collect()
    joined: pl.DataFrame | None = None
    for code in codes:
        part = exact.filter(pl.col("property") == code).select(
            "layer", pl.col("value").alias(code), pl.col("i").alias(f"i_{code}")
        )
        if part["layer"].is_duplicated().any():
            part = part.unique("layer", keep="first", maintain_order=True)
        joined = part if joined is None else joined.join(part, on="layer", how="inner", maintain_order="left")
    return joined if joined is not None else pl.DataFrame()


def _each(code: str, frame: pl.DataFrame, properties: tuple[str, ...], details: tuple[str, ...]) -> Finding:
    """A finding about each of several results of the same layer."""
    where = pl.concat([frame.select(pl.col(f"i_{name}").alias("i"), *details) for name in properties])
    return Finding(code=code, on="results", where=where)


def values_identical(draft: Draft) -> list[Finding]:
    """Ten or more values and all the same: a default, perhaps."""
    results = draft.frame("results", "column", "value").filter("alive")
    same = (
        results.group_by("column", maintain_order=True)
        .agg(
            pl.col("i").first(),
            pl.len().alias("count"),
            pl.col("value").min().alias("low"),
            pl.col("value").max().alias("high"),
        )
        .filter((pl.col("low") == pl.col("high")) & (pl.col("count") >= FEWEST_FOR_A_PATTERN))
    )
    return [Finding(code="VALUES_IDENTICAL", on="results", where=same.select("i", "count"))]


def unit_suspect(draft: Draft) -> list[Finding]:
    """Carbon in g/kg whose values look like per cent or like fractions. Nothing is changed: a person must look."""
    soc = _carbon(draft, "value", "reported_unit").filter("alive", pl.col("reported_unit") == "g/kg")
    if soc.height < FEWEST_FOR_A_PATTERN:
        return []
    highest, median = soc.select(pl.col("value").max(), pl.col("value").median().alias("median")).row(0)
    if highest <= 1:
        detail = f"All values lie in 0 to {highest:g} g/kg: probably kg/kg, or % typed as a fraction."
    elif highest < 12 and median < 2.5:
        detail = f"The highest value is {highest:g} g/kg and the median {median:g} g/kg: probably %."
    else:
        return []
    return [Finding(code="UNIT_SUSPECT", on="results", where=soc.head(1).select("i", pl.lit(detail).alias("detail")))]


_METHOD_PREFIXES = {
    "soc": ("OrgC_",),
    "bulk_density_fine_earth": ("BlkDensF_", "BlkDensW_"),
    "bulk_density_whole": ("BlkDensW_", "BlkDensF_"),
    "bulk_density_fine_per_total": ("BlkDensF_", "BlkDensW_"),
    "bulk_density": ("BlkDensF_", "BlkDensW_"),
    "coarse_fragments_volume": ("CrsFrg_",),
    "coarse_fragments_mass": ("CrsFrg_",),
    "coarse_fragments": ("CrsFrg_",),
    "ph_h2o": ("pH",),
    "ph_cacl2": ("pH",),
    "ph_kcl": ("pH",),
    "ph": ("pHH2O", "pHCaCl2", "pHKCl"),
    "ec": ("EC",),
}
"""How GloSIS procedure codes of a property begin."""


def method_missing(draft: Draft) -> list[Finding]:
    """Carbon without a method cannot be compared between campaigns."""
    if not draft.mapping.glosis_methods:
        return []
    return [_rows("METHOD_MISSING", "results", _carbon(draft, "method"), pl.col("method").is_null())]


def method_unknown(draft: Draft) -> list[Finding]:
    """A method that is no procedure code of GloSIS for its property."""
    if not draft.mapping.glosis_methods:
        return []
    results = draft.frame("results", "property", "method")
    pairs = results.select("property", "method").unique(maintain_order=True).drop_nulls()
    strange = [not method.startswith(_METHOD_PREFIXES.get(code, "")) for code, method in pairs.iter_rows()]
    unknown = pairs.filter(pl.Series(strange, dtype=pl.Boolean))
    if not unknown.height:
        return []
    found = results.join(unknown, on=["property", "method"], how="semi", maintain_order="left")
    return [_rows("METHOD_UNKNOWN", "results", found, pl.lit(value=True), method=pl.col("method").cast(pl.String))]


def correction_missing(draft: Draft) -> list[Finding]:
    """Walkley-Black values with and without the factor 1.3 differ by 30 %."""
    if not draft.mapping.glosis_methods:
        return []
    method = pl.col("method").cast(pl.String)
    bare = method.str.starts_with("OrgC_wc") & ~method.str.contains("; factor ", literal=True)
    return [_rows("CORRECTION_MISSING", "results", _carbon(draft, "method"), bare)]


def _carbon(draft: Draft, *columns: str) -> pl.DataFrame:
    """Results of organic carbon, some columns of them."""
    return draft.frame("results", "property", *columns).lazy().filter(pl.col("property") == "soc").collect()


ENTRY_CHECKS: tuple[Check, ...] = (date_in_future, date_too_early, land_use_unknown)
SITE_CHECKS: tuple[Check, ...] = (
    position_missing,
    position_out_of_range,
    position_zero,
    position_equal,
    position_outside_declared_area,
    position_conflict,
    position_in_country,
    position_shared,
)
VISIT_CHECKS: tuple[Check, ...] = (date_missing,)
LAYER_CHECKS: tuple[Check, ...] = (
    depth_inverted,
    depth_zero_thickness,
    depth_impossible,
    depth_above_surface,
    depth_deep,
    layer_duplicate,
    layer_overlap,
    layer_sequence,
)
VALUE_CHECKS: tuple[Check, ...] = (
    value_impossible,
    value_unusual,
    soc_above_total_carbon,
    texture_sum,
    bulk_density_suspect,
    values_identical,
    unit_suspect,
    method_missing,
    method_unknown,
    correction_missing,
)
CHECKS: tuple[Check, ...] = (*ENTRY_CHECKS, *SITE_CHECKS, *VISIT_CHECKS, *LAYER_CHECKS, *VALUE_CHECKS)
"""All checks, in the order in which they run."""
