"""Rules of methods: whether a procedure is named, fits its property, and can be trusted in this soil."""

from app.ingest.rules.rule import flag_rule

METHOD_RULES = (
    flag_rule(
        "METHOD_MISSING",
        "Organic carbon has no method: it is left out of trends.",
        "No method.",
        "Give a GloSIS procedure code.",
        why="Methods differ by up to 30 %; a change of method would look like a change of soil.",
        example="An empty soc_method.",
        source="Common practice of soil data compilations (ISCN, WoSIS, febr, LUCAS).",
    ),
    flag_rule(
        "METHOD_UNKNOWN",
        "The method is no GloSIS procedure code of this property.",
        "Method {method!r} is not known.",
        "Use a GloSIS procedure code.",
        why="Only a known procedure can be compared with another.",
        example="combustion.",
        source="GloSIS procedure codes; common practice of soil data compilations (ISCN, WoSIS, febr, LUCAS).",
    ),
    flag_rule(
        "CORRECTION_MISSING",
        "Wet oxidation without soc_correction: it is not known whether a factor was applied.",
        "Wet oxidation without the factor that was applied.",
        "Give soc_correction (1 if none).",
        why="With and without the factor of 1.3, wet oxidation differs by 30 %.",
        example="OrgC_wc-cro3-walkleyblack without soc_correction.",
        source="Walkley and Black 1934, Soil Sci. 37:29; a frequent error of naive computations.",
    ),
    flag_rule(
        "METHOD_MISPLACED",
        "The method is a GloSIS procedure of another property.",
        "Method {method!r} belongs to {belongs}.",
        "Check whether two method columns were exchanged.",
        why="A procedure that cannot give the property shows that columns were exchanged, or that the value is something else.",
        example="Organic carbon with the method TotC_dc-ht: total carbon.",
        source="GloSIS procedure codes, FAO.",
    ),
    flag_rule(
        "CARBONATE_NOT_REMOVED",
        "Organic carbon by dry combustion in calcareous soil, without removal of the carbonates.",
        "Dry combustion ({method}) with {carbonate} g/kg of calcium carbonate.",
        "Give the procedure with acid pre-treatment (OrgC_acid-dc…), or subtract the inorganic carbon.",
        why="Dry combustion at 900 °C and more burns carbonates too: 100 g/kg calcium carbonate add 12 g/kg to the organic "
        "carbon.",
        example="OrgC_dc-ht 32 g/kg with 150 g/kg calcium carbonate: 18 g/kg of it may be carbonate.",
        source="ISO 10694; Wang et al. 2012, PLoS ONE 7:e44334, doi:10.1371/journal.pone.0044334. From 20 g/kg on [judgement].",
    ),
    flag_rule(
        "WET_OXIDATION_HIGH_CARBON",
        "Wet oxidation with dichromate at more than 80 g/kg organic carbon.",
        "{soc} g/kg by {method}.",
        "Prefer dry combustion for these samples.",
        why="The dichromate is used up and the recovery falls: rich samples are underestimated, by different shares.",
        example="120 g/kg by OrgC_wc-cro3-walkleyblack.",
        source="Walkley and Black 1934, Soil Sci. 37:29; Nelson and Sommers 1996, Methods of Soil Analysis 3:961; the limit "
        "of 8 % is that of common laboratory manuals [judgement].",
    ),
    flag_rule(
        "CORRECTION_SUSPECT",
        "The factor that the laboratory applied to wet oxidation cannot be one: outside 1 to 1.45, or at dry combustion.",
        "Factor {factor} with {method}.",
        "Give the factor for incomplete oxidation alone (1.3 …), not the one from carbon to matter; none at dry combustion.",
        why="1.69 is 1.3 applied twice; 1.72 and 2 turn carbon into organic matter. Either way the value is not organic "
        "carbon.",
        example="soc_correction 1.724 with OrgC_wc-cro3-walkleyblack.",
        source="Walkley and Black 1934 (1.3); Abraham 2013, Rubber Sci. 26:45 (1.13 to 1.39); a frequent error of naive computations; the range is [judgement].",
    ),
    flag_rule(
        "SOC_ESTIMATED",
        "Organic carbon was estimated: from spectra, or from loss on ignition.",
        "Estimated by {method}.",
        "Nothing; the value counts as an estimate and lowers the quality tier.",
        why="A spectral model predicts with an error of its own; loss on ignition depends on clay and temperature. Neither is "
        "a measurement of carbon, and a change between campaigns may be one of the model.",
        example="18 g/kg by OrgC_dc-spec.",
        source="Hoogsteen et al. 2015, Eur. J. Soil Sci. 66:320, doi:10.1111/ejss.12224; WoSIS and ISCN tell estimates from measurements as well.",
    ),
)
