"""Stocks that a source reports, against the contents and densities that it reports beside them."""

import numpy as np
from numpy.typing import NDArray

from app.ingest.checks.finding import Exact, each_of, exact
from app.ingest.draft import Draft, Finding

ALLOWED_SHARE = 0.05
"""Share by which a reported stock may differ from the product of its parts. [judgement]"""
ALLOWED_T_HA = 0.5
"""What rounding of the parts may add up to in a thin layer. [t/ha, judgement]"""


def stock_mismatch(draft: Draft) -> list[Finding]:
    """A reported stock that is not carbon content times mass of fine earth, where all parts of the product are given."""
    stock, soc = exact(draft, "soc_stock_reported"), exact(draft, "soc")
    if stock is None or soc is None:
        return []
    mass = _fine_mass(draft)
    if mass is None:
        return []
    computed = soc.value * mass / 1000.0
    with np.errstate(invalid="ignore"):
        off = np.abs(stock.value - computed) > ALLOWED_T_HA + ALLOWED_SHARE * computed
    return [each_of("STOCK_MISMATCH", off, (stock,), stock=stock.value, computed=np.round(computed, 2))]


def _fine_mass(draft: Draft) -> NDArray[np.float64] | None:
    """Dry mass of fine earth per area of each layer [t/ha], by what the source says most directly; NaN where it cannot."""
    reported = exact(draft, "soil_mass_reported")
    per_total, fine = exact(draft, "bulk_density_fine_per_total"), exact(draft, "bulk_density_fine_earth")
    stones = exact(draft, "coarse_fragments_volume")
    layers = draft.frames["layers"]
    thickness = (layers["bottom_cm"] - layers["top_cm"]).to_numpy()
    ways: list[NDArray[np.float64]] = []
    if reported is not None:
        ways.append(reported.value)
    if per_total is not None:
        ways.append(100.0 * per_total.value * thickness)
    if fine is not None and stones is not None:
        ways.append(100.0 * fine.value * _left_by(stones) * thickness)
    if not ways:
        return None
    mass = ways[0]
    for way in ways[1:]:
        mass = np.where(np.isnan(mass), way, mass)
    return mass


def _left_by(stones: Exact) -> NDArray[np.float64]:
    return 1.0 - stones.value
