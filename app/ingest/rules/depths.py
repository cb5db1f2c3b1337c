"""Rules of layers: depths of one, and order, gaps and overlaps of several."""

from app.ingest.rules.rule import flag_rule, note_rule, row_rule

DEPTH_RULES = (
    row_rule(
        "DEPTH_MISSING", "Upper or lower depth is missing.", "Upper or lower depth is missing.", "Give both depths."
    ),
    row_rule(
        "DEPTH_UNREADABLE",
        "A depth is neither a number nor a form we know.",
        "{value!r} is no depth.",
        "Write numbers in centimetres.",
    ),
    row_rule(
        "DEPTH_INVERTED",
        "The lower depth lies above the upper depth.",
        "Bottom {bottom_cm} cm lies above top {top_cm} cm.",
        "Exchange top and bottom, or declare heights in the mapping.",
    ),
    row_rule(
        "DEPTH_ZERO_THICKNESS",
        "Upper and lower depth are the same.",
        "Top and bottom are both {top_cm} cm.",
        "Correct the depths or remove the row.",
    ),
    row_rule(
        "DEPTH_IMPOSSIBLE",
        "The layer ends below 1000 cm or starts more than 1000 cm above the surface.",
        "{top_cm} to {bottom_cm} cm is no soil layer.",
        "Check the unit of the depths.",
    ),
    row_rule(
        "DEPTH_ABOVE_SURFACE",
        "A mineral layer starts above the mineral surface.",
        "Mineral layer from {top_cm} cm.",
        "Only organic layers have negative depths; correct the depth or name the horizon (O, L, F, H).",
    ),
    row_rule(
        "LAYER_DUPLICATE",
        "Profile and depths occur twice with different content.",
        "{times} rows of this profile have the depths {top_cm} to {bottom_cm} cm.",
        "Keep one, or name the replicates.",
    ),
    row_rule(
        "LAYER_OVERLAP",
        "Layers of one profile overlap.",
        "{top_cm} to {bottom_cm} cm overlaps another layer of the profile.",
        "Correct the depths, or name the replicates.",
    ),
    flag_rule(
        "LAYER_GAP",
        "Layers of one profile leave a gap.",
        "Gap from {above_cm} to {top_cm} cm above this layer.",
    ),
    flag_rule(
        "LAYER_FIRST_NOT_AT_ZERO",
        "The first mineral layer of a profile does not start at 0: no stock from the surface.",
        "The first layer starts at {top_cm} cm.",
    ),
    flag_rule("DEPTH_DEEP", "The layer ends below 300 cm.", "The layer ends at {bottom_cm} cm.", "Check the unit."),
    flag_rule(
        "DEPTH_OPEN", "A depth such as 80+ has no end; the number is taken.", "{value!r} was read as {number} cm."
    ),
    flag_rule("DEPTH_WAVY", "A depth such as 10/15 is wavy; the mean is taken.", "{value!r} was read as {number} cm."),
    flag_rule(
        "DEPTH_FROM_THICKNESS",
        "The lower depth is missing and was computed from upper depth and thickness.",
        "Bottom {bottom_cm} cm computed from thickness.",
    ),
    note_rule(
        "DEPTH_AS_HEIGHT",
        "The mapping declares that depths which count upwards are heights above the mineral surface.",
        "Heights {top_given} to {bottom_given} were read as depths {top_cm} to {bottom_cm} cm.",
    ),
    note_rule(
        "DEPTH_SURFACE_SHIFTED",
        "Depth zero was the top of the organic layer; it was moved to the mineral surface.",
        "Depths moved up by {shift} cm.",
    ),
)
