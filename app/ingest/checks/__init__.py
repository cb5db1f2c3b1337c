"""The checks: one function each, from canonical frames to findings; the tuples at the end list them in order.

A check finds and does nothing else. Whether a finding refuses a row, flags it or is only counted stands in the
catalogue of rules. A check of rows speaks about all rows, so that their author sees every fault at once; a check that
compares rows with each other looks at those that still stand.

Ranges come from the dictionary of properties; the other thresholds stand beside their check with their source.
"""

from app.ingest.checks.chemistry import (
    bulk_density_above_porosity,
    bulk_density_organic,
    bulk_density_suspect,
    carbon_to_nitrogen,
    carbonate_in_acid_soil,
    cec_implausible,
    density_of_fine_earth,
    ec_and_ph,
    inorganic_above_total_carbon,
    ph_order,
    soc_above_organic_matter,
    soc_above_total_carbon,
    soc_rises_with_depth,
    texture_of_organic_soil,
)
from app.ingest.checks.entries import (
    date_after_upload,
    date_in_future,
    date_missing,
    date_too_early,
    date_year_only,
    land_use_unknown,
)
from app.ingest.checks.finding import Check
from app.ingest.checks.layers import (
    depth_above_surface,
    depth_deep,
    depth_impossible,
    depth_inverted,
    depth_zero_thickness,
    layer_duplicate,
    layer_overlap,
    layer_sequence,
)
from app.ingest.checks.methods import (
    carbonate_not_removed,
    correction_missing,
    correction_suspect,
    method_misplaced,
    method_missing,
    method_unknown,
    soc_estimated,
    wet_oxidation_of_much_carbon,
)
from app.ingest.checks.peers import peer_outlier
from app.ingest.checks.places import (
    datum_not_stated,
    position_in_middle,
    position_minutes,
    position_on_lattice,
    position_outlying,
    position_rounded,
)
from app.ingest.checks.positions import (
    position_conflict,
    position_equal,
    position_in_country,
    position_missing,
    position_out_of_range,
    position_outside_declared_area,
    position_shared,
    position_zero,
)
from app.ingest.checks.repetition import profile_contradicted, profile_repeated
from app.ingest.checks.stocks import stock_mismatch
from app.ingest.checks.values import (
    texture_sum,
    unit_suspect,
    value_impossible,
    value_unusual,
    values_all_tens,
    values_identical,
)

__all__ = [
    "CHECKS",
    "ENTRY_CHECKS",
    "LAYER_CHECKS",
    "SITE_CHECKS",
    "STORED_CHECKS",
    "STORED_CODES",
    "VALUE_CHECKS",
    "VISIT_CHECKS",
    "Check",
]

ENTRY_CHECKS: tuple[Check, ...] = (date_in_future, date_after_upload, date_too_early, land_use_unknown)
SITE_CHECKS: tuple[Check, ...] = (
    datum_not_stated,
    position_missing,
    position_out_of_range,
    position_zero,
    position_equal,
    position_outside_declared_area,
    position_conflict,
    position_in_country,
    position_shared,
    position_rounded,
    position_minutes,
    position_in_middle,
    position_on_lattice,
    position_outlying,
)
VISIT_CHECKS: tuple[Check, ...] = (date_missing, date_year_only)
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
    # What refuses a value comes first: the others look at what stands.
    value_impossible,
    soc_above_total_carbon,
    soc_above_organic_matter,
    inorganic_above_total_carbon,
    texture_sum,
    value_unusual,
    bulk_density_suspect,
    bulk_density_above_porosity,
    bulk_density_organic,
    density_of_fine_earth,
    stock_mismatch,
    carbon_to_nitrogen,
    soc_rises_with_depth,
    ph_order,
    carbonate_in_acid_soil,
    ec_and_ph,
    cec_implausible,
    texture_of_organic_soil,
    values_identical,
    values_all_tens,
    unit_suspect,
    method_missing,
    method_unknown,
    method_misplaced,
    correction_missing,
    correction_suspect,
    carbonate_not_removed,
    wet_oxidation_of_much_carbon,
    soc_estimated,
    profile_repeated,
    profile_contradicted,
    peer_outlier,
)
CHECKS: tuple[Check, ...] = (*ENTRY_CHECKS, *SITE_CHECKS, *VISIT_CHECKS, *LAYER_CHECKS, *VALUE_CHECKS)
"""All checks, in the order in which they run."""

STORED_CHECKS: tuple[Check, ...] = (
    date_in_future,
    date_after_upload,
    date_too_early,
    position_zero,
    position_equal,
    position_in_country,
    position_shared,
    position_rounded,
    position_minutes,
    position_in_middle,
    position_on_lattice,
    position_outlying,
    depth_impossible,
    depth_above_surface,
    depth_deep,
    layer_duplicate,
    layer_overlap,
    layer_sequence,
    *VALUE_CHECKS,
)
"""Checks that need no raw text: they run again over what is stored."""

STORED_CODES = frozenset(
    {
        "DATE_IN_FUTURE",
        "DATE_AFTER_UPLOAD",
        "DATE_TOO_EARLY",
        "COORD_ZERO",
        "COORD_EQUAL",
        "COORD_OTHER_COUNTRY",
        "COORD_NO_COUNTRY",
        "COORD_NEAR_BORDER",
        "POSITION_SHARED",
        "COORD_ROUNDED",
        "COORD_MINUTES",
        "COORD_CENTROID",
        "COORD_TOWN",
        "COORD_LATTICE",
        "COORD_OUTLIER",
        "DEPTH_IMPOSSIBLE",
        "DEPTH_ABOVE_SURFACE",
        "DEPTH_DEEP",
        "LAYER_DUPLICATE",
        "LAYER_OVERLAP",
        "LAYER_GAP",
        "LAYER_FIRST_NOT_AT_ZERO",
        "VALUE_IMPOSSIBLE",
        "VALUE_UNUSUAL",
        "SOC_ABOVE_TOTAL_C",
        "SOC_ABOVE_ORGANIC_MATTER",
        "INORGANIC_C_ABOVE_TOTAL_C",
        "TEXTURE_SUM_WRONG",
        "TEXTURE_SUM_OFF",
        "BULK_DENSITY_SUSPECT",
        "BULK_DENSITY_ABOVE_POROSITY",
        "BULK_DENSITY_ORGANIC",
        "DENSITY_OF_FINE_EARTH",
        "CN_RATIO_UNUSUAL",
        "STOCK_MISMATCH",
        "SOC_RISES_WITH_DEPTH",
        "PH_ORDER",
        "CARBONATE_IN_ACID_SOIL",
        "EC_PH_IMPLAUSIBLE",
        "CEC_IMPLAUSIBLE",
        "TEXTURE_OF_ORGANIC_SOIL",
        "VALUES_IDENTICAL",
        "VALUES_ALL_TENS",
        "UNIT_SUSPECT",
        "METHOD_MISSING",
        "METHOD_UNKNOWN",
        "METHOD_MISPLACED",
        "CORRECTION_MISSING",
        "CORRECTION_SUSPECT",
        "CARBONATE_NOT_REMOVED",
        "WET_OXIDATION_HIGH_CARBON",
        "SOC_ESTIMATED",
        "PROFILE_REPEATED",
        "PROFILE_CONTRADICTED",
        "PEER_OUTLIER",
    }
)
"""What those checks find: flags with these codes are theirs to set and to take away."""
