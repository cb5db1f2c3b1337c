"""Rules of vague positions: what legacy collections hold instead of the place where somebody dug."""

from app.ingest.rules.rule import flag_rule, note_rule

PLACE_RULES = (
    flag_rule(
        "COORD_MINUTES",
        "The position is a whole number of minutes, or of five minutes, of arc; its uncertainty is set from them.",
        "{longitude}, {latitude} are whole multiples of {minutes}': uncertainty set to {uncertainty} m.",
        "Give the position with seconds, or say how sure it is with coord_uncertainty_m.",
        why="Old maps were read to the minute. Converted to decimals, 36°45' becomes 36.7500 and looks exact to ten metres.",
        example="Longitude 36.7500 and latitude -1.2833 are 36°45' E and 1°17' S: the true place lies within 1.9 km.",
        source="[judgement]; the reading of 1/60 and 1/12 degree follows Chapman and Wieczorek 2020, Georeferencing "
        "Best Practices, doi:10.15468/doc-gg7h-s853 (uncertainty from coordinate precision).",
    ),
    flag_rule(
        "COORD_CENTROID",
        "The position is the middle of a country or region, within 1 km; its uncertainty is set to the radius of the area.",
        "The position lies {distance} m from the {middle} of {place}: uncertainty set to {uncertainty} m.",
        "Give the true position, or leave the row out of maps with coord_uncertainty_m.",
        why="A program that finds only the country's name puts the point into the middle of the country.",
        example="Longitude -53.098, latitude -10.788 is the middle of Brazil, in the forest of Mato Grosso.",
        source="Common practice of soil data compilations (ISCN, WoSIS, febr, LUCAS); the same test in Zizka et al. 2019, Methods Ecol. Evol. 10:744, "
        "doi:10.1111/2041-210X.13152 (cc_cen, 1 km).",
    ),
    flag_rule(
        "COORD_TOWN",
        "The position is that of a town, within 1 km; its uncertainty is set to 5 km.",
        "The position lies {distance} m from the middle of {place}: uncertainty set to {uncertainty} m.",
        "Give the true position, or say how sure it is with coord_uncertainty_m.",
        why="Where a label names only the nearest town, the point is put into its middle.",
        example="Longitude 2.352, latitude 48.857 is the middle of Paris, not a field.",
        source="Common practice of soil data compilations (ISCN, WoSIS, febr, LUCAS); Zizka et al. 2019, doi:10.1111/2041-210X.13152 (cc_cap). The towns are "
        "the seats of partner organisations in the database: there is no gazetteer, so most towns are not found.",
    ),
    flag_rule(
        "COORD_LATTICE",
        "All positions of the file lie on a coarse lattice, as the middles of raster or map cells do; their uncertainty is "
        "set to its width.",
        "All {sites} positions lie on a lattice of {step}°: uncertainty set to {uncertainty} m.",
        "Give the positions of the profiles, not those of the cells.",
        why="Values extracted from a map, or counted to map sheets, carry the position of the cell and not of a pit.",
        example="Longitudes 10.25, 10.75, 11.25 … and latitudes 50.25, 50.75 … are the middles of half-degree cells.",
        source="[judgement]; the same idea in Zizka et al. 2019, doi:10.1111/2041-210X.13152 (cd_round).",
    ),
    flag_rule(
        "COORD_OUTLIER",
        "The site lies far from all others of its dataset.",
        "{distance} km from the middle of the dataset, whose sites lie within {usual} km.",
        "Check sign, order and digits of the position.",
        why="A digit or a sign that went wrong moves one site far away from the others, and perhaps into a country where it is "
        "not seen as wrong.",
        example="Thirty sites lie in one valley of Kenya, the thirty-first 900 km north of them in Ethiopia.",
        source="[judgement]: ten robust standard deviations (median absolute deviation) and 100 km; only where at least 20 "
        "sites stand and at most 5 % of them are found.",
    ),
    note_rule(
        "DATUM_NOT_STATED",
        "The mapping names no coordinate reference system: positions were read as WGS 84.",
        "No coordinate reference system is named; read as WGS 84.",
        'Name it in the mapping: position.crs = "EPSG:4326", or the EPSG code of the national datum or grid.',
        severity="warning",
        why="National datums differ from WGS 84 by up to several hundred metres; projected coordinates mean nothing without "
        "their EPSG code.",
        example="Positions on Córrego Alegre, read as WGS 84, lie about 60 m off in Brazil.",
        source="Common practice of soil data compilations (ISCN, WoSIS, febr, LUCAS).",
    ),
)
