"""Checks of methods: named, belonging to their property, fit for the soil, with the factor that was applied."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from app.ingest.checks.chemistry import CALCAREOUS_G_KG, carbonates
from app.ingest.checks.finding import carbon, exact, rows_of, rows_where, take
from app.ingest.draft import Draft, Finding
from app.soil.properties import PROPERTIES

HIGH_CARBON_G_KG = 80.0
"""Organic carbon above which dichromate is used up: 8 %, as laboratory manuals have it. [judgement]"""
FACTORS = (1.0, 1.45)
"""Factors for incomplete wet oxidation. Walkley and Black 1934 give 1.3, Abraham 2013 up to 1.39. [judgement]"""

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

_FAMILIES = {
    "OrgC_": ("organic carbon", ("soc",)),
    "TotC_": ("total carbon", ("total_c",)),
    "InOrgC_": ("inorganic carbon", ("inorganic_c",)),
    "CaCO3_": ("carbonates", ("caco3", "inorganic_c")),
    "TotalN_": ("nitrogen", ("total_n",)),
    "BlkDens": ("bulk density", tuple(code for code in PROPERTIES if code.startswith("bulk_density"))),
    "CrsFrg_": ("coarse fragments", tuple(code for code in PROPERTIES if code.startswith("coarse_fragments"))),
    "SaSiCl_": ("texture", ("sand", "silt", "clay")),
    "pHH2O": ("pH in water", ("ph_h2o", "ph")),
    "pHCaCl2": ("pH in calcium chloride", ("ph_cacl2", "ph")),
    "pHKCl": ("pH in potassium chloride", ("ph_kcl", "ph")),
    "ECe_": ("electrical conductivity", ("ec",)),
    "EC_": ("electrical conductivity", ("ec",)),
}
"""Families of GloSIS procedure codes: what they are called, and which properties they may stand at."""

_DRY = re.compile(r"^OrgC_dc(?:-ht|-mt)?(?:-analyser)?(?:;.*)?$")
"""Dry combustion hot enough to burn carbonates, without acid before it."""
_FACTOR = re.compile(r"; factor ([\d.,]+) applied")


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Each pair of property and method that occurs, and which of them each result has (-1: no method)."""

    pairs: tuple[tuple[str, str], ...]
    number: NDArray[np.int32]

    def rows(self, wanted: Callable[[str, str], bool]) -> NDArray[np.int64]:
        """Results whose property and method are wanted."""
        chosen = np.array([*(wanted(*pair) for pair in self.pairs), False])
        return np.flatnonzero(chosen[self.number])

    def method(self, rows: NDArray[Any]) -> pl.Series:
        """The methods of some results."""
        return pl.Series([self.pairs[number][1] for number in self.number[rows].tolist()], dtype=pl.String)


def _pairs(draft: Draft) -> _Pairs:
    """Judged pair by pair: a million results have a handful of methods."""
    kept = draft.memo.get("methods")
    if isinstance(kept, _Pairs) and len(kept.number) == draft.frames["results"].height:
        return kept
    results = draft.frames["results"]
    number = np.full(results.height, -1, dtype=np.int32)
    pairs: list[tuple[str, str]] = []
    physical = results["method"].to_physical()
    for rows in rows_of(draft, "property").values():
        methods = take(physical, rows)
        words = methods.unique().drop_nulls().sort()
        for word in words:
            these = (
                rows
                if len(words) == 1 and not methods.null_count()
                else rows[(methods == word).fill_null(value=False).to_numpy()]
            )
            number[these] = len(pairs)
            pairs.append((str(results["property"][int(these[0])]), str(results["method"][int(these[0])])))
    found = _Pairs(tuple(pairs), number)
    draft.memo["methods"] = found
    return found


def _with_method(code: str, pairs: _Pairs, rows: NDArray[np.int64]) -> Finding:
    return Finding(code=code, on="results", where=pl.DataFrame({"i": rows, "method": pairs.method(rows)}))


def method_missing(draft: Draft) -> list[Finding]:
    """Carbon without a method cannot be compared between campaigns."""
    if not draft.mapping.glosis_methods:
        return []
    return [rows_where("METHOD_MISSING", "results", carbon(draft, "method"), pl.col("method").is_null())]


def method_unknown(draft: Draft) -> list[Finding]:
    """A method that is no procedure code of GloSIS: neither for its property nor for another."""
    if not draft.mapping.glosis_methods:
        return []
    pairs = _pairs(draft)

    def unknown(code: str, method: str) -> bool:
        return not method.startswith(_METHOD_PREFIXES.get(code, "")) and _family(method) is None

    return [_with_method("METHOD_UNKNOWN", pairs, pairs.rows(unknown))]


def method_misplaced(draft: Draft) -> list[Finding]:
    """A procedure code of GloSIS that stands at another property than its own."""
    pairs = _pairs(draft)

    def misplaced(code: str, method: str) -> bool:
        family = _family(method)
        return family is not None and code not in family[1]

    rows = pairs.rows(misplaced)
    methods = pairs.method(rows)
    belongs = pl.Series([(_family(method) or ("", ()))[0] for method in methods], dtype=pl.String)
    where = pl.DataFrame({"i": rows, "method": methods, "belongs": belongs})
    return [Finding(code="METHOD_MISPLACED", on="results", where=where)]


def _family(method: str) -> tuple[str, tuple[str, ...]] | None:
    return next((family for prefix, family in _FAMILIES.items() if method.startswith(prefix)), None)


def correction_missing(draft: Draft) -> list[Finding]:
    """Walkley-Black values with and without the factor 1.3 differ by 30 %."""
    if not draft.mapping.glosis_methods:
        return []
    pairs = _pairs(draft)
    bare = pairs.rows(lambda code, method: code == "soc" and method.startswith("OrgC_wc") and "; factor " not in method)
    return [Finding(code="CORRECTION_MISSING", on="results", where=pl.DataFrame({"i": bare}))]


def correction_suspect(draft: Draft) -> list[Finding]:
    """A factor that cannot be one for incomplete oxidation, or one at dry combustion."""
    pairs = _pairs(draft)
    factors = {pair: _factor(pair[1]) for pair in pairs.pairs}

    def suspect(code: str, method: str) -> bool:
        factor = factors[code, method]
        if code != "soc" or factor is None:
            return False
        dry = method.startswith(("OrgC_dc", "OrgC_acid-dc"))
        return factor != 1 if dry else not FACTORS[0] <= factor <= FACTORS[1]

    rows = pairs.rows(suspect)
    methods = pairs.method(rows)
    plain = methods.str.replace(r"; factor .*$", "")
    factor = pl.Series([_factor(method) for method in methods], dtype=pl.Float64)
    where = pl.DataFrame({"i": rows, "method": plain, "factor": factor})
    return [Finding(code="CORRECTION_SUSPECT", on="results", where=where)]


def _factor(method: str) -> float | None:
    found = _FACTOR.search(method)
    try:
        return float(found[1].replace(",", ".")) if found else None
    except ValueError:
        return None


def carbonate_not_removed(draft: Draft) -> list[Finding]:
    """Dry combustion burns the carbonates of a calcareous soil, unless acid removed them."""
    carbonate, soc = carbonates(draft), exact(draft, "soc")
    if carbonate is None or soc is None:
        return []
    pairs = _pairs(draft)
    dry = pairs.rows(lambda code, method: code == "soc" and _DRY.match(method) is not None)
    burnt = np.zeros(len(pairs.number) + 1, dtype=np.bool_)
    burnt[dry] = True
    off = burnt[soc.row] & (carbonate.value >= CALCAREOUS_G_KG)
    at = soc.row[off]
    where = pl.DataFrame({"i": at, "carbonate": np.round(carbonate.value[off], 1), "method": pairs.method(at)})
    return [Finding(code="CARBONATE_NOT_REMOVED", on="results", where=where)]


def wet_oxidation_of_much_carbon(draft: Draft) -> list[Finding]:
    """Above 8 % organic carbon, dichromate is used up before the carbon is."""
    pairs = _pairs(draft)
    rows = pairs.rows(lambda code, method: code == "soc" and method.startswith("OrgC_wc"))
    soc = draft.frames["results"]["value"].gather(rows).to_numpy()
    high = rows[soc > HIGH_CARBON_G_KG]
    where = pl.DataFrame({"i": high, "soc": soc[soc > HIGH_CARBON_G_KG], "method": pairs.method(high)})
    return [Finding(code="WET_OXIDATION_HIGH_CARBON", on="results", where=where)]


def soc_estimated(draft: Draft) -> list[Finding]:
    """Spectra and loss on ignition give estimates of carbon."""
    pairs = _pairs(draft)
    rows = pairs.rows(lambda code, method: code == "soc" and re.match(r"OrgC_[\w-]*-(spec|loi)\b", method) is not None)
    return [_with_method("SOC_ESTIMATED", pairs, rows)]
