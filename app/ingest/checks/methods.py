"""Checks of methods: named, belonging to their property, with the factor that was applied."""

import polars as pl

from app.ingest.checks.finding import carbon, rows_where
from app.ingest.draft import Draft, Finding

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
    return [rows_where("METHOD_MISSING", "results", carbon(draft, "method"), pl.col("method").is_null())]


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
    return [rows_where("METHOD_UNKNOWN", "results", found, pl.lit(value=True), method=pl.col("method").cast(pl.String))]


def correction_missing(draft: Draft) -> list[Finding]:
    """Walkley-Black values with and without the factor 1.3 differ by 30 %."""
    if not draft.mapping.glosis_methods:
        return []
    method = pl.col("method").cast(pl.String)
    bare = method.str.starts_with("OrgC_wc") & ~method.str.contains("; factor ", literal=True)
    return [rows_where("CORRECTION_MISSING", "results", carbon(draft, "method"), bare)]
