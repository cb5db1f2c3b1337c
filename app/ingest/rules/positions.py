"""Rules of positions: impossible ones, misread ones, vague ones."""

from app.ingest.rules.rule import flag_rule, note_rule, row_rule, site_rule

POSITION_RULES = (
    row_rule(
        "COORD_UNREADABLE",
        "Longitude or latitude is no number.",
        "{value!r} is no coordinate.",
        "Write decimal degrees, west and south negative: -43.2075.",
    ),
    row_rule(
        "GEOMETRY_NOT_POINT",
        "The geometry of the feature is not one point.",
        "The geometry is no point but {found}.",
        "Give each site one point; the centre of a polygon is not where the sample was taken.",
    ),
    row_rule(
        "GEOMETRY_EMPTY",
        "The feature has no geometry, or an empty one.",
        "The geometry is empty: {found}.",
        "Add the point.",
    ),
    row_rule(
        "GEOMETRY_NOT_FINITE",
        "A coordinate of the geometry is no finite number.",
        "The coordinates {found} are no place.",
        "Correct the point.",
    ),
    site_rule(
        "COORD_MISSING", "The site has no position.", "Site {site_key} has no position.", "Add longitude, latitude."
    ),
    site_rule(
        "COORD_OUT_OF_RANGE",
        "Longitude or latitude lies outside its range.",
        "Longitude {longitude}, latitude {latitude} are no place on Earth.",
        "Check the order of the two, the decimal mark, and the coordinate system.",
    ),
    site_rule(
        "COORD_ZERO",
        "Longitude and latitude are both 0: a default, not a place.",
        "Longitude and latitude of site {site_key} are both 0.",
        "Add the true position.",
    ),
    site_rule(
        "COORD_EQUAL",
        "Longitude and latitude are the same number: one was copied over the other.",
        "Longitude and latitude of site {site_key} are both {longitude}.",
        "Correct one of them.",
    ),
    site_rule(
        "COORD_SWAPPED",
        "The position lies outside the declared area and inside it when longitude and latitude are exchanged.",
        "Longitude {longitude}, latitude {latitude} lie outside {area}; exchanged they lie inside.",
        "Exchange longitude and latitude.",
    ),
    site_rule(
        "COORD_SIGN",
        "The position lies outside the declared area and inside it with another sign.",
        "Longitude {longitude}, latitude {latitude} lie outside {area}; with another sign they lie inside.",
        "West and south are negative: correct the sign.",
    ),
    site_rule(
        "COORD_OUTSIDE_AREA",
        "The position lies outside the area that the mapping declares.",
        "Longitude {longitude}, latitude {latitude} lie outside {area}.",
        "Correct the position or the declared area.",
    ),
    site_rule(
        "COORD_OTHER_COUNTRY",
        "The position lies more than 10 km outside the declared country, more than boundaries at 1:50 million can be off.",
        "Longitude {longitude}, latitude {latitude} lie {distance} km outside {declared}, the declared country.{repair}",
        "Correct the position or the country code.",
    ),
    site_rule(
        "COORD_NO_COUNTRY",
        "The position lies in no country and more than 10 km from any: in the sea, or misread.",
        "Longitude {longitude}, latitude {latitude} lie in no country nor within 10 km of one.{repair}",
        "Check the order of the two, their signs, and the coordinate system.",
    ),
    site_rule(
        "COORD_CONFLICT",
        "One site identifier stands for positions more than 50 m apart.",
        "Site {site_key} has positions {distance} m apart.",
        "Give each place its own site identifier.",
    ),
    flag_rule(
        "COORD_SIGN_RESTORED",
        "The mapping declares that the source lost the minus sign of western longitudes; it was put back.",
        "Longitude {given} was read as {longitude}.",
    ),
    flag_rule(
        "COORD_NEAR_BORDER",
        "The position lies outside the boundary of its country by up to 10 km, which a generalised coast or river explains.",
        "The position lies {distance} km outside the generalised boundary of {country}, to which it is counted.",
        "Nothing, if the position is right.",
    ),
    flag_rule(
        "COORD_ROUNDED",
        "The position has two decimals of a degree or fewer; its uncertainty is set from them.",
        "{decimals} decimals of a degree: uncertainty set to {uncertainty} m.",
        "Give four decimals or more.",
    ),
    flag_rule(
        "POSITION_SHARED",
        "Several sites that are not declared as one cluster have the same position.",
        "{sites} sites share this position.",
        "If it is the middle of a field or town, say so with coord_uncertainty_m.",
    ),
    note_rule(
        "COUNTRY_UNKNOWN",
        "The country code is not two letters of ISO 3166-1; it is left out.",
        "{value!r} is no ISO 3166-1 alpha-2 code.",
        "Write BR, KE, FR …",
        severity="warning",
    ),
)
