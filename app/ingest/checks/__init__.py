"""The checks: one function each, from canonical frames to findings; the tuples at the end list them in order.

A check finds and does nothing else. Whether a finding refuses a row, flags it or is only counted stands in the
catalogue of rules. A check of rows speaks about all rows, so that their author sees every fault at once; a check that
compares rows with each other looks at those that still stand.

Ranges come from the dictionary of properties; the other thresholds stand beside their check with their source.
"""

from app.ingest.checks.chemistry import bulk_density_suspect, soc_above_total_carbon
from app.ingest.checks.entries import date_in_future, date_missing, date_too_early, land_use_unknown
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
from app.ingest.checks.methods import correction_missing, method_missing, method_unknown
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
from app.ingest.checks.values import texture_sum, unit_suspect, value_impossible, value_unusual, values_identical

__all__ = ["CHECKS", "ENTRY_CHECKS", "LAYER_CHECKS", "SITE_CHECKS", "VALUE_CHECKS", "VISIT_CHECKS", "Check"]

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
