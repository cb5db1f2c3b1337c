"""Checks of properties of one layer, or of one profile, against each other.

All of them look at exact values of rows that stand, as arrays with one place for each layer.
"""

import numpy as np

from app.ingest.checks.finding import Exact, each_of, exact, of_kind
from app.ingest.draft import Draft, Finding

CARBON_IN_CARBONATE = 0.12
"""Mass of carbon per mass of calcium carbonate: 12.011 / 100.087."""
CALCAREOUS_G_KG = 20.0
"""Calcium carbonate from which a soil counts as calcareous, where it must show in other values. [judgement]"""
HIGHEST_CARBON_SHARE = 1 / 1.4
"""Of organic matter: Pribyl 2010, Geoderma 156:75, gives factors of 1.4 to 2.5."""
USUAL_CN = (5.0, 40.0)
USUAL_ORGANIC_DENSITY = (0.05, 0.6)
SOLID_DENSITY = 2.65
CARBONATE_PH_H2O = 6.2
"""Lower end of the carbonate buffer: Ulrich 1981, doi:10.1002/jpln.19811440308. Half a unit lower in salt. [pH]"""
ORGANIC_MATERIAL_G_KG = 200.0
"""Organic carbon from which WRB 2022 speaks of organic material. [g/kg]"""

DENSITIES = ("bulk_density_fine_earth", "bulk_density_whole", "bulk_density_fine_per_total", "bulk_density")


def soc_above_total_carbon(draft: Draft) -> list[Finding]:
    """Organic carbon is part of total carbon; 5 % and 0.5 g/kg are left for two analyses of one sample."""
    soc, total = exact(draft, "soc"), exact(draft, "total_c")
    if soc is None or total is None:
        return []
    off = (soc.value > 1.05 * total.value) & (soc.value > total.value + 0.5)
    return [each_of("SOC_ABOVE_TOTAL_C", off, (soc, total), soc=soc.value, total_c=total.value)]


def soc_above_organic_matter(draft: Draft) -> list[Finding]:
    """Organic matter is at most 71 % carbon; 0.5 g/kg are left for rounding."""
    soc, matter = exact(draft, "soc"), exact(draft, "organic_matter")
    if soc is None or matter is None:
        return []
    off = soc.value > matter.value * HIGHEST_CARBON_SHARE + 0.5
    return [
        each_of("SOC_ABOVE_ORGANIC_MATTER", off, (soc, matter), soc=soc.value, organic_matter=matter.value),
    ]


def inorganic_above_total_carbon(draft: Draft) -> list[Finding]:
    """Total less inorganic carbon is the organic carbon, and never below -0.5 g/kg."""
    total = exact(draft, "total_c")
    if total is None:
        return []
    findings = []
    for code, share, slack in (("inorganic_c", 1.0, 1.0), ("caco3", CARBON_IN_CARBONATE, 1.05)):
        part = exact(draft, code)
        if part is not None:
            inorganic = share * part.value
            # Differences of decimal fractions end in crumbs of 1e-15: a difference of 0.5 is still allowed.
            off = inorganic > slack * total.value + 0.5 + 1e-9
            findings.append(
                each_of("INORGANIC_C_ABOVE_TOTAL_C", off, (total, part), total_c=total.value, inorganic_c=inorganic)
            )
    return findings


def carbon_to_nitrogen(draft: Draft) -> list[Finding]:
    """C:N of mineral soil is 5 to 40; outside, mostly a unit is wrong."""
    soc, nitrogen = exact(draft, "soc"), exact(draft, "total_n")
    if soc is None or nitrogen is None:
        return []
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = soc.value / nitrogen.value
    off = np.isfinite(ratio) & ((ratio < USUAL_CN[0]) | (ratio > USUAL_CN[1])) & of_kind(draft, "mineral")
    return [each_of("CN_RATIO_UNUSUAL", off, (soc, nitrogen), ratio=np.round(ratio, 1))]


def soc_rises_with_depth(draft: Draft) -> list[Finding]:
    """Organic carbon more than 50 %, and 0.5 g/kg, above that of the mineral layer before it in the profile."""
    soc = exact(draft, "soc")
    if soc is None:
        return []
    layers = draft.frames["layers"]
    known = ~np.isnan(soc.value) & of_kind(draft, "mineral")
    known &= (layers["visit"].is_not_null() & layers["top_cm"].is_not_null()).to_numpy()
    at = np.flatnonzero(known)
    visit, top = layers["visit"].gather(at).to_numpy(), layers["top_cm"].gather(at).to_numpy()
    # Files are mostly sorted already: then no sort is needed.
    if not ((visit[1:] > visit[:-1]) | ((visit[1:] == visit[:-1]) & (top[1:] >= top[:-1]))).all():
        order = np.lexsort((top, visit))
        at, visit = at[order], visit[order]
    value = soc.value[at]
    rises = (visit[1:] == visit[:-1]) & (value[1:] > 1.5 * value[:-1]) & (value[1:] > value[:-1] + 0.5)
    off = np.zeros(len(soc.value), dtype=np.bool_)
    off[at[1:][rises]] = True
    above = np.full(len(soc.value), np.nan)
    above[at[1:]] = value[:-1]
    return [each_of("SOC_RISES_WITH_DEPTH", off, (soc,), soc=soc.value, above=above)]


def bulk_density_suspect(draft: Draft) -> list[Finding]:
    """Bulk density more than 0.5 g/cm3 off the curve of Hollis et al. 2012 for mineral horizons, at mean texture.

    Hollis, J.M. et al. 2012, Eur. J. Soil Sci. 63:96: 0.69794 + 0.750636 exp(-0.230355 SOC) + 0.0008687 sand
    - 0.0005164 clay, all in %; sand 40 and clay 20 are put in, which is worth 0.02 g/cm3.
    """
    soc = exact(draft, "soc")
    if soc is None:
        return []
    mineral = of_kind(draft, "mineral")
    expected = 0.69794 + 0.750636 * np.exp(-0.230355 * soc.value / 10) + 0.0008687 * 40 - 0.0005164 * 20
    expected = np.round(expected, 2)
    findings = []
    for code in ("bulk_density_fine_earth", "bulk_density_whole", "bulk_density"):
        density = exact(draft, code)
        if density is not None:
            off = mineral & (np.abs(density.value - expected) > 0.5)
            details = {"density": density.value, "soc": soc.value, "expected": expected}
            findings.append(each_of("BULK_DENSITY_SUSPECT", off, (density,), **details))
    return findings


def bulk_density_above_porosity(draft: Draft) -> list[Finding]:
    """What is pore cannot weigh; 0.05 g/cm3 are left for rounding and denser minerals."""
    porosity = exact(draft, "porosity")
    if porosity is None:
        return []
    limit = SOLID_DENSITY * (1 - porosity.value)
    findings = []
    for code in DENSITIES:
        density = exact(draft, code)
        if density is not None:
            off = density.value > limit + 0.05
            details = {"density": density.value, "porosity": porosity.value, "limit": np.round(limit, 2)}
            findings.append(each_of("BULK_DENSITY_ABOVE_POROSITY", off, (density, porosity), **details))
    return findings


def bulk_density_organic(draft: Draft) -> list[Finding]:
    """Litter and peat are light."""
    organic = of_kind(draft, "organic")
    if not organic.any():
        return []
    lower, upper = USUAL_ORGANIC_DENSITY
    findings = []
    for code in DENSITIES:
        density = exact(draft, code)
        if density is not None:
            off = organic & ((density.value < lower) | (density.value > upper))
            findings.append(each_of("BULK_DENSITY_ORGANIC", off, (density,), density=density.value))
    return findings


def density_of_fine_earth(draft: Draft) -> list[Finding]:
    """Fine earth is part of the whole soil, and both are per the same volume."""
    fine, whole = exact(draft, "bulk_density_fine_per_total"), exact(draft, "bulk_density_whole")
    if fine is None or whole is None:
        return []
    off = fine.value > whole.value + 0.02
    return [each_of("DENSITY_OF_FINE_EARTH", off, (fine, whole), fine=fine.value, whole=whole.value)]


def ph_order(draft: Draft) -> list[Finding]:
    """Salt solution gives a lower pH than water."""
    water = exact(draft, "ph_h2o")
    if water is None:
        return []
    findings = []
    for code, words, slack in (
        ("ph_cacl2", "pH in calcium chloride", 0.2),
        ("ph_kcl", "pH in potassium chloride", 0.5),
    ):
        salt = exact(draft, code)
        if salt is not None:
            off = salt.value > water.value + slack + 1e-9
            findings.append(each_of("PH_ORDER", off, (salt, water), extract=words, salt=salt.value, water=water.value))
    return findings


def carbonates(draft: Draft) -> Exact | None:
    """Calcium carbonate, or as much as the inorganic carbon amounts to, in g/kg."""
    given, inorganic = exact(draft, "caco3"), exact(draft, "inorganic_c")
    if inorganic is None:
        return given
    computed = inorganic.value / CARBON_IN_CARBONATE
    if given is None:
        return Exact(computed, inorganic.row)
    missing = np.isnan(given.value)
    return Exact(np.where(missing, computed, given.value), np.where(missing, inorganic.row, given.row))


def carbonate_in_acid_soil(draft: Draft) -> list[Finding]:
    """Calcite keeps the soil solution above pH 6.2 as long as there is any."""
    carbonate = carbonates(draft)
    if carbonate is None:
        return []
    findings = []
    for code, words, limit in (
        ("ph_h2o", "pH in water", CARBONATE_PH_H2O),
        ("ph_cacl2", "pH in calcium chloride", CARBONATE_PH_H2O - 0.5),
        ("ph_kcl", "pH in potassium chloride", CARBONATE_PH_H2O - 0.5),
    ):
        ph = exact(draft, code)
        if ph is not None:
            off = (carbonate.value >= CALCAREOUS_G_KG) & (ph.value < limit)
            details = {"carbonate": np.round(carbonate.value, 1), "ph": ph.value}
            findings.append(each_of("CARBONATE_IN_ACID_SOIL", off, (carbonate, ph), extract=words, **details))
    return findings


def ec_and_ph(draft: Draft) -> list[Finding]:
    """A pH above 9.5 comes from sodium carbonate, which conducts."""
    ec, ph = exact(draft, "ec"), exact(draft, "ph_h2o")
    if ec is None or ph is None:
        return []
    off = (ph.value > 9.5) & (ec.value < 0.1)
    return [each_of("EC_PH_IMPLAUSIBLE", off, (ec, ph), ec=ec.value, ph=ph.value)]


def cec_implausible(draft: Draft) -> list[Finding]:
    """More charge than smectite and humus have: 1.5 per % clay, 0.8 per g/kg organic carbon, and 5 cmol(c)/kg."""
    cec, clay, soc = exact(draft, "cec"), exact(draft, "clay"), exact(draft, "soc")
    if cec is None or clay is None or soc is None:
        return []
    limit = 1.5 * clay.value + 0.8 * soc.value + 5
    off = cec.value > limit
    details = {"cec": cec.value, "clay": clay.value, "soc": soc.value, "limit": np.round(limit, 1)}
    return [each_of("CEC_IMPLAUSIBLE", off, (cec,), **details)]


def texture_of_organic_soil(draft: Draft) -> list[Finding]:
    """Particle sizes describe the mineral part: in organic material they say little."""
    soc = exact(draft, "soc")
    organic = of_kind(draft, "organic")
    rich = np.zeros(len(organic), dtype=np.bool_) if soc is None else soc.value >= ORGANIC_MATERIAL_G_KG
    if not (organic | rich).any():
        return []
    findings = []
    for code in ("sand", "silt", "clay"):
        part = exact(draft, code)
        if part is not None:
            given = ~np.isnan(part.value)
            for mask, what in (
                (organic, "an organic layer"),
                (rich & ~organic, "soil with 200 g/kg organic carbon or more"),
            ):
                findings.append(each_of("TEXTURE_OF_ORGANIC_SOIL", given & mask, (part,), what=what))
    return findings
