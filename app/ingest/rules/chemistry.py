"""Rules of chemistry and physics: properties of one layer, or of one profile, against each other."""

from app.ingest.rules.rule import flag_rule, value_rule

CHEMISTRY_RULES = (
    value_rule(
        "SOC_ABOVE_ORGANIC_MATTER",
        "Organic carbon exceeds organic matter divided by 1.4; both are refused.",
        "Organic carbon {soc} g/kg exceeds organic matter {organic_matter} g/kg divided by 1.4.",
        "One of the two is wrong, has another unit, or was multiplied with a factor twice.",
        why="Organic matter is 40 to 70 % carbon. More than 1/1.4 = 71 % does not occur, so one of the two numbers is wrong. "
        "A correction of 1.3 that was applied twice shows here: 1.724 / 1.3 is 1.33.",
        example="Organic carbon 25 g/kg with organic matter 30 g/kg: a share of 83 %.",
        source="Pribyl 2010, Geoderma 156:75, doi:10.1016/j.geoderma.2010.02.003 (factors of 1.4 to 2.5); 0.5 g/kg are left "
        "for rounding [judgement].",
    ),
    value_rule(
        "INORGANIC_C_ABOVE_TOTAL_C",
        "Inorganic carbon exceeds total carbon by more than 0.5 g/kg: organic carbon would be negative; both are refused.",
        "Total carbon {total_c} g/kg less inorganic carbon {inorganic_c} g/kg is negative.",
        "One of the two is wrong, or has another unit.",
        why="Organic carbon is often total less inorganic carbon. A difference below -0.5 g/kg is no error of analysis.",
        example="Total carbon 12 g/kg, inorganic carbon 14 g/kg.",
        source="Common practice of soil data compilations (ISCN, WoSIS, febr, LUCAS). From a carbonate equivalent (12 % carbon) another 5 % are left for its "
        "analysis [judgement].",
    ),
    flag_rule(
        "CN_RATIO_UNUSUAL",
        "Organic carbon divided by nitrogen is outside 5 to 40.",
        "C:N is {ratio}; usual is 5 to 40.",
        "Check the units of both: nitrogen is often in % where carbon is in g/kg.",
        why="Humus has a narrow C:N of 8 to 15, litter and peat up to 40. Outside 5 to 40 mostly a unit is wrong.",
        example="Organic carbon 20 g/kg with nitrogen 0.15 g/kg (0.15 %): C:N 133 instead of 13.",
        source="Common practice of soil data compilations (ISCN, WoSIS, febr, LUCAS) [judgement]. Values of organic layers are passed over.",
    ),
    flag_rule(
        "SOC_RISES_WITH_DEPTH",
        "Organic carbon is more than 50 % higher than in the layer above.",
        "{soc} g/kg below {above} g/kg.",
        "Check whether rows were exchanged. A buried horizon or a podzol B is right: nothing to do.",
        why="Carbon enters from above, so it falls with depth. It rises in buried horizons and podzols, and where two rows were "
        "exchanged.",
        example="0-20 cm 8 g/kg, 20-40 cm 21 g/kg.",
        source="Common practice of soil data compilations (ISCN, WoSIS, febr, LUCAS); Jobbágy and Jackson 2000, Ecol. Appl. 10:423. Rises below 0.5 g/kg are "
        "passed over [judgement].",
    ),
    flag_rule(
        "BULK_DENSITY_ABOVE_POROSITY",
        "Bulk density exceeds what the porosity leaves for solids: 2.65 (1 - porosity).",
        "{density} g/cm³ with a porosity of {porosity}; at most {limit} g/cm³ fit.",
        "Check both, and the unit of the porosity.",
        why="Soil solids weigh about 2.65 g/cm³. What is pore cannot weigh.",
        example="Porosity 60 % and bulk density 1.4 g/cm³: 2.65 x 0.4 is 1.06 g/cm³.",
        source="Common practice of soil data compilations (ISCN, WoSIS, febr, LUCAS). 0.05 g/cm³ are left for rounding and for denser minerals [judgement].",
    ),
    flag_rule(
        "STOCK_MISMATCH",
        "A reported stock differs from content, density, stones and thickness of the same row by more than 5 % and 0.5 t/ha.",
        "The stock is given as {stock} t/ha; its parts give {computed} t/ha.",
        "Check the units of the stock and of its parts, and whether the source adjusted the stock.",
        why="A stock is the product of its parts. A factor of 10 or 100 between the two is a unit that was mistaken; a small "
        "difference is often an adjustment, such as one to a common soil mass. Our own stocks never use the reported one.",
        example="20 g/kg organic carbon, 1.3 g/cm³, no stones, 0-10 cm: 26 t/ha; the source says 2.6.",
        source="The product is that of docs/methods/soc_stock.md; 5 % and 0.5 t/ha are [judgement].",
    ),
    flag_rule(
        "BULK_DENSITY_ORGANIC",
        "Bulk density of an organic layer is outside 0.05 to 0.6 g/cm³.",
        "{density} g/cm³ in an organic layer; usual is 0.05 to 0.6 g/cm³.",
        "Check the value, and whether the layer is organic.",
        why="Litter and peat are light. A density of mineral soil in an organic layer mostly belongs to another row.",
        example="An Oa horizon with 1.3 g/cm³.",
        source="Common practice of soil data compilations (ISCN, WoSIS, febr, LUCAS) [judgement].",
    ),
    flag_rule(
        "DENSITY_OF_FINE_EARTH",
        "Fine earth per total volume exceeds the bulk density of the whole soil.",
        "Fine earth {fine} g/cm³ exceeds whole soil {whole} g/cm³.",
        "Check which density includes the coarse fragments.",
        why="The fine earth is part of the whole soil, and both are per the same volume. The two were probably exchanged.",
        example="Fine earth per total volume 1.5 g/cm³, whole soil 1.2 g/cm³.",
        source="By definition; 0.02 g/cm³ are left for rounding [judgement].",
    ),
    flag_rule(
        "PH_ORDER",
        "pH in calcium or potassium chloride lies above pH in water.",
        "{extract} {salt} lies above {water} in water.",
        "Check whether two columns were exchanged.",
        why="Salt drives acidity off the exchanger, so pH in salt solution is lower, mostly by 0.3 to 1. In some "
        "oxide-rich subsoils pH in KCl is a little higher.",
        example="pH 5.2 in water and 6.0 in calcium chloride.",
        source="Minasny et al. 2011, Eur. J. Soil Sci. 62:728, doi:10.1111/j.1365-2389.2011.01386.x; limits of 0.2 (calcium "
        "chloride) and 0.5 (potassium chloride) [judgement].",
    ),
    flag_rule(
        "CARBONATE_IN_ACID_SOIL",
        "Carbonates stand beside a pH at which they dissolve.",
        "{carbonate} g/kg of calcium carbonate at {extract} {ph}.",
        "Check the unit of the carbonates and the pH.",
        why="Calcite keeps the pH of the soil solution above 6.2 as long as there is any. Coarse fragments of "
        "limestone in acid fine earth are the exception.",
        example="CaCO3 80 g/kg at pH 4.9 in water.",
        source="Ulrich 1981, Z. Pflanzenernähr. Bodenk. 144:289, doi:10.1002/jpln.19811440308 (carbonate buffer, pH 8.6 to 6.2); "
        "0.5 lower in salt solution, and from 20 g/kg on [judgement].",
    ),
    flag_rule(
        "EC_PH_IMPLAUSIBLE",
        "A pH above 9.5 stands beside an electrical conductivity below 0.1 dS/m.",
        "pH {ph} with {ec} dS/m.",
        "Check the unit of the conductivity and the pH.",
        why="Only sodium carbonate lifts the pH above 9.5, and it conducts.",
        example="pH 10.1 with an EC of 0.02 dS/m.",
        source="US Salinity Laboratory Staff 1954, Agriculture Handbook 60 (alkali soils); the limits are [judgement].",
    ),
    flag_rule(
        "CEC_IMPLAUSIBLE",
        "Cation exchange capacity exceeds what clay and organic matter can hold.",
        "{cec} cmol(c)/kg with {clay} % clay and {soc} g/kg organic carbon; at most {limit} are likely.",
        "Check the unit: mmol(c)/kg are ten times as many.",
        why="Smectite holds up to 150 cmol(c) per kg clay, humus up to 400 per kg. What exceeds their sum is mostly in another "
        "unit. Volcanic ash may hold more.",
        example="CEC 95 cmol(c)/kg with 12 % clay and 8 g/kg organic carbon.",
        source="[judgement]: 1.5 per % clay + 0.8 per g/kg organic carbon + 5, from the charge of smectite and humus in Brady "
        "and Weil, The Nature and Properties of Soils.",
    ),
    flag_rule(
        "TEXTURE_OF_ORGANIC_SOIL",
        "Sand, silt or clay is given for organic material.",
        "Texture of {what}.",
        "Nothing, if the mineral part was analysed. Texture classes do not apply.",
        why="Particle sizes describe the mineral part only; of peat they describe a few per cent of the mass.",
        example="Clay 35 % in a layer with 310 g/kg organic carbon.",
        source="IUSS Working Group WRB 2022 (organic material: 20 % organic carbon or more).",
    ),
    flag_rule(
        "PEER_OUTLIER",
        "Organic carbon lies far from that of its peers: same cell of one degree, depth class and land use.",
        "{soc} g/kg; {peers} peers have {median} g/kg in the middle (robust z {z}).",
        "Check unit and decimal mark; a person must look.",
        why="A value can be possible and still be wrong for its place. Peers show it where ranges cannot.",
        example="180 g/kg at 0-10 cm among 40 fields of the same land use with 9 to 22 g/kg.",
        source="Common practice of soil data compilations (ISCN, WoSIS, febr, LUCAS): robust z above 5 on the logarithm (Iglewicz and Hoaglin 1993: median and "
        "median absolute deviation); at least 10 peers, and a spread of at least 0.1 [judgement].",
    ),
)
