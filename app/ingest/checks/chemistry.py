"""Checks of properties of one layer against each other."""

import polars as pl

from app.ingest.checks.finding import each_of, side_by_side
from app.ingest.draft import Draft, Finding


def soc_above_total_carbon(draft: Draft) -> list[Finding]:
    """Organic carbon is part of total carbon; 5 % and 0.5 g/kg are left for two analyses of one sample."""
    both = side_by_side(draft, "soc", "total_c")
    off = (pl.col("soc") > 1.05 * pl.col("total_c")) & (pl.col("soc") > pl.col("total_c") + 0.5)
    return [each_of("SOC_ABOVE_TOTAL_C", both.filter(off), ("soc", "total_c"), ("soc", "total_c"))]


def bulk_density_suspect(draft: Draft) -> list[Finding]:
    """Bulk density more than 0.5 g/cm3 off the curve of Hollis et al. 2012 for mineral horizons, at mean texture.

    Hollis, J.M. et al. 2012, Eur. J. Soil Sci. 63:96: 0.69794 + 0.750636 exp(-0.230355 SOC) + 0.0008687 sand
    - 0.0005164 clay, all in %; sand 40 and clay 20 are put in, which is worth 0.02 g/cm3.
    """
    mineral = draft.frames["layers"]["kind"] == "mineral"
    findings = []
    for code in ("bulk_density_fine_earth", "bulk_density_whole", "bulk_density"):
        both = side_by_side(draft, code, "soc")
        both = both.filter(mineral.gather(both["layer"])).with_columns(density=pl.col(code))
        expected = 0.69794 + 0.750636 * (-0.230355 * pl.col("soc") / 10).exp() + 0.0008687 * 40 - 0.0005164 * 20
        both = both.with_columns(expected=expected.round(2))
        off = both.filter((pl.col("density") - pl.col("expected")).abs() > 0.5)
        findings.append(each_of("BULK_DENSITY_SUSPECT", off, (code,), ("density", "soc", "expected")))
    return findings
