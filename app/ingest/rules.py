"""The catalogue of rules: what each code in a report means, how grave it is and what to do about it.

A rule never guesses. What is impossible is refused, what is rare is kept with a flag, what we repaired or left out is
said. `docs/rules.md` lists every rule; a test holds the page and this module together. `RULES_VERSION` changes
whenever a rule is added or decides differently, so that a stored report says which rules it was written by.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

RULES_VERSION = "1"

Severity = Literal["error", "warning", "info"]
Effect = Literal["refuse file", "refuse site", "refuse row", "refuse value", "ignore row", "flag", "note"]

SEVERITIES: Mapping[Effect, tuple[Severity, ...]] = MappingProxyType(
    {
        "refuse file": ("error",),
        "refuse site": ("error",),
        "refuse row": ("error",),
        "refuse value": ("error",),
        "ignore row": ("info",),
        "flag": ("warning",),
        "note": ("info", "warning"),
    }
)
"""Which severities an effect may have: an error always refuses something, a warning or info never does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule: stable code, what it does, the sentence for the catalogue and the message for one finding.

    `message` is a format string; its names are the columns of the finding.
    """

    code: str
    severity: Severity
    effect: Effect
    sentence: str
    message: str
    suggestion: str | None = None


def _file(code: str, sentence: str, suggestion: str) -> Rule:
    # The reader words each of these itself: only it knows what it met.
    return Rule(
        code=code,
        severity="error",
        effect="refuse file",
        sentence=sentence,
        message="{detail}",
        suggestion=suggestion,
    )


def _site(code: str, sentence: str, message: str, suggestion: str) -> Rule:
    return Rule(
        code=code, severity="error", effect="refuse site", sentence=sentence, message=message, suggestion=suggestion
    )


def _row(code: str, sentence: str, message: str, suggestion: str) -> Rule:
    return Rule(
        code=code, severity="error", effect="refuse row", sentence=sentence, message=message, suggestion=suggestion
    )


def _value(code: str, sentence: str, message: str, suggestion: str) -> Rule:
    return Rule(
        code=code, severity="error", effect="refuse value", sentence=sentence, message=message, suggestion=suggestion
    )


def _flag(code: str, sentence: str, message: str, suggestion: str | None = None) -> Rule:
    return Rule(code=code, severity="warning", effect="flag", sentence=sentence, message=message, suggestion=suggestion)


def _note(
    code: str, sentence: str, message: str, suggestion: str | None = None, *, severity: Severity = "info"
) -> Rule:
    return Rule(code=code, severity=severity, effect="note", sentence=sentence, message=message, suggestion=suggestion)


def _ignore(code: str, sentence: str, message: str) -> Rule:
    return Rule(code=code, severity="info", effect="ignore row", sentence=sentence, message=message)


FILE_RULES = (
    _file("FILE_NOT_FOUND", "The file, or a file that the mapping joins to it, is not there.", "Check the path."),
    _file(
        "FILE_TOO_LARGE",
        "The file is larger than the limit; it is refused before it is read.",
        "Split it by site, or ask the operator to raise OBSERVATORY_MAX_UPLOAD_MB.",
    ),
    _file("FILE_EMPTY", "The file, or the sheet, holds nothing.", "Check the export that made it."),
    _file("HEADER_ONLY", "There is a header but no row below it.", "Check the export that made it."),
    _file(
        "FORMAT_UNSUPPORTED",
        "The file is no text table and no XLSX workbook.",
        "Save it as CSV (UTF-8) or as XLSX.",
    ),
    _file(
        "NOT_XLSX",
        "The file is named .xlsx but its content is something else.",
        "Open it in a spreadsheet program and save it as XLSX.",
    ),
    _file("XLSX_BROKEN", "The workbook is damaged or incomplete.", "Open it, repair it and save it again."),
    _file(
        "SHEET_MISSING",
        "The workbook has no sheet of the name that the mapping asks for, or no sheet with the required columns.",
        "Name the sheet, or put the column names into row 1 of a sheet.",
    ),
    _file(
        "SHEET_TOO_LARGE",
        "The sheet spans more cells than the limit, often because of one stray cell far out.",
        "Delete empty rows and columns behind the table.",
    ),
    _file("NUL_BYTES", "The text holds NUL bytes: it is binary, or cut off.", "Export it again as CSV (UTF-8)."),
    _file(
        "ENCODING_UNKNOWN",
        "The bytes are not text in the declared encoding, in UTF-8 or in Windows-1252.",
        "Save it as CSV (UTF-8).",
    ),
    _file("QUOTE_UNCLOSED", "A quoted text is opened and never closed.", "Close the quote, or remove it."),
    _file(
        "QUOTE_STRAY",
        'A quote (") stands inside a text that is not quoted.',
        'Put the whole text in quotes and double the quote inside: "9"" core".',
    ),
    _file(
        "DELIMITER_UNKNOWN",
        "The header holds none of the delimiters comma, semicolon, tab or |.",
        "Save it as CSV with one of these delimiters.",
    ),
    _file(
        "ROWS_RAGGED",
        "Most rows have another number of fields than the header.",
        "Often the decimal comma is also the delimiter: save with semicolons, or with decimal points.",
    ),
    _file("HEADER_DUPLICATE", "A column name occurs twice.", "Rename or remove one of the columns."),
    _file(
        "COLUMNS_MISSING",
        "Required columns are missing.",
        "Add the columns, or choose the mapping that describes this file.",
    ),
    _file(
        "DATASET_MIXED",
        "A column that describes the whole dataset (licence, project, design …) holds several values.",
        "Import one file per dataset.",
    ),
    _file(
        "DATASET_INVALID",
        "A column that describes the whole dataset holds a word that is not allowed.",
        "Use one of the words named.",
    ),
    _file(
        "LICENCE_UNKNOWN",
        "The licence is missing, or is not one whose terms we know.",
        "Use an SPDX identifier such as CC-BY-4.0 or CC0-1.0.",
    ),
)

READING_RULES = (
    _note("BYTE_ORDER_MARK", "The text starts with a byte order mark; it is skipped.", "Byte order mark skipped."),
    _note(
        "ENCODING_ASSUMED",
        "The text is not UTF-8 and was read in another encoding.",
        "Read as {detail}; first text outside ASCII: {value}.",
        "Check that accented letters are right, or save as UTF-8.",
        severity="warning",
    ),
    _note(
        "QUOTE_BACKSLASH",
        "Quotes inside a text are written with a backslash, as R does; they were read as quotes.",
        "{quotes} quotes were written with a backslash.",
    ),
    _note("HEADER_EMPTY", "A column has no name; it is not read.", "Column {position} has no name; it is not read."),
    _note(
        "COLUMN_UNKNOWN",
        "A column is not part of the schema or mapping; it is not read.",
        "Column is not read; it holds {filled} filled cells.",
    ),
    _note(
        "FORMULA_UNCOMPUTED",
        "The sheet has formulas without a stored result; their cells are read as empty.",
        "{cells} formulas have no stored result; their cells are empty.",
        "Open the workbook in a spreadsheet program and save it, so that results are stored.",
        severity="warning",
    ),
    _note(
        "CELL_ERROR",
        "The sheet has cells with an error such as #DIV/0!; they are read as empty.",
        "{cells} cells hold an error; they are empty.",
        "Correct the formulas.",
        severity="warning",
    ),
    _row(
        "ROW_RAGGED",
        "The row has another number of fields than the header.",
        "The row has {found} fields, the header {expected}.",
        "Often a text with the delimiter in it lacks its quotes.",
    ),
    _ignore("ROW_BLANK", "The row is blank.", "Blank row."),
    _note(
        "MISSING_MARKER",
        "The cell holds a marker for a missing value; it is empty, never a number.",
        "Marker for a missing value.",
    ),
    _note("DECIMAL_COMMA", "The numbers of the column have decimal commas.", "Read with decimal commas."),
    _ignore(
        "NOT_REFERENCED", "The row of a joined table belongs to no row of the main table.", "No row refers to this one."
    ),
)

ROW_RULES = (
    _row("ID_MISSING", "Site or profile has no identifier.", "{field} is empty.", "Give every row its identifiers."),
    _row(
        "KEY_REPEATED",
        "The key of a site table stands for several rows, so that no layer can be assigned.",
        "Key {key} occurs {times} times with different content.",
        "Give each observation its own identifier.",
    ),
    _row(
        "ORPHAN",
        "The row refers to a site or observation that the file does not hold.",
        "No row with the key {key} in {table}.",
        "Add it, or correct the identifier.",
    ),
    _ignore("NO_VALUES", "The row holds no value at all, and the mapping says to pass over such rows.", "No value."),
    _ignore("DUPLICATE_ROW", "The row repeats an earlier row in every column.", "Repeats row {first}."),
    _row(
        "DATE_UNREADABLE",
        "The date is none of the forms that the mapping allows.",
        "Date {value!r} cannot be read.",
        "Write YYYY-MM-DD, YYYY-MM or YYYY; 03/04/2015 may be March or April.",
    ),
    _row("DATE_IN_FUTURE", "The date lies in the future.", "Date {value} lies in the future.", "Correct the date."),
    _row("DATE_TOO_EARLY", "The date lies before 1840.", "Date {value} lies before 1840.", "Correct the date."),
    _flag(
        "DATE_MISSING",
        "There is no sampling date: the profile counts for no period and no trend.",
        "No sampling date.",
        "Give at least the year.",
    ),
)

POSITION_RULES = (
    _row(
        "COORD_UNREADABLE",
        "Longitude or latitude is no number.",
        "{value!r} is no coordinate.",
        "Write decimal degrees, west and south negative: -43.2075.",
    ),
    _site("COORD_MISSING", "The site has no position.", "Site {site_key} has no position.", "Add longitude, latitude."),
    _site(
        "COORD_OUT_OF_RANGE",
        "Longitude or latitude lies outside its range.",
        "Longitude {longitude}, latitude {latitude} are no place on Earth.",
        "Check the order of the two, the decimal mark, and the coordinate system.",
    ),
    _site(
        "COORD_ZERO",
        "Longitude and latitude are both 0: a default, not a place.",
        "Longitude and latitude of site {site_key} are both 0.",
        "Add the true position.",
    ),
    _site(
        "COORD_EQUAL",
        "Longitude and latitude are the same number: one was copied over the other.",
        "Longitude and latitude of site {site_key} are both {longitude}.",
        "Correct one of them.",
    ),
    _site(
        "COORD_SWAPPED",
        "The position lies outside the declared area and inside it when longitude and latitude are exchanged.",
        "Longitude {longitude}, latitude {latitude} lie outside {area}; exchanged they lie inside.",
        "Exchange longitude and latitude.",
    ),
    _site(
        "COORD_SIGN",
        "The position lies outside the declared area and inside it with another sign.",
        "Longitude {longitude}, latitude {latitude} lie outside {area}; with another sign they lie inside.",
        "West and south are negative: correct the sign.",
    ),
    _site(
        "COORD_OUTSIDE_AREA",
        "The position lies outside the area that the mapping declares.",
        "Longitude {longitude}, latitude {latitude} lie outside {area}.",
        "Correct the position or the declared area.",
    ),
    _site(
        "COORD_OTHER_COUNTRY",
        "The position lies more than 10 km outside the declared country, more than boundaries at 1:50 million can be off.",
        "Longitude {longitude}, latitude {latitude} lie {distance} km outside {declared}, the declared country.{repair}",
        "Correct the position or the country code.",
    ),
    _site(
        "COORD_NO_COUNTRY",
        "The position lies in no country and more than 10 km from any: in the sea, or misread.",
        "Longitude {longitude}, latitude {latitude} lie in no country nor within 10 km of one.{repair}",
        "Check the order of the two, their signs, and the coordinate system.",
    ),
    _site(
        "COORD_CONFLICT",
        "One site identifier stands for positions more than 50 m apart.",
        "Site {site_key} has positions {distance} m apart.",
        "Give each place its own site identifier.",
    ),
    _flag(
        "COORD_SIGN_RESTORED",
        "The mapping declares that the source lost the minus sign of western longitudes; it was put back.",
        "Longitude {given} was read as {longitude}.",
    ),
    _flag(
        "COORD_NEAR_BORDER",
        "The position lies outside the boundary of its country by up to 10 km, which a generalised coast or river explains.",
        "The position lies {distance} km outside the generalised boundary of {country}, to which it is counted.",
        "Nothing, if the position is right.",
    ),
    _flag(
        "COORD_ROUNDED",
        "The position has two decimals of a degree or fewer; its uncertainty is set from them.",
        "{decimals} decimals of a degree: uncertainty set to {uncertainty} m.",
        "Give four decimals or more.",
    ),
    _flag(
        "POSITION_SHARED",
        "Several sites that are not declared as one cluster have the same position.",
        "{sites} sites share this position.",
        "If it is the middle of a field or town, say so with coord_uncertainty_m.",
    ),
    _note(
        "COUNTRY_UNKNOWN",
        "The country code is not two letters of ISO 3166-1; it is left out.",
        "{value!r} is no ISO 3166-1 alpha-2 code.",
        "Write BR, KE, FR …",
        severity="warning",
    ),
)

DEPTH_RULES = (
    _row("DEPTH_MISSING", "Upper or lower depth is missing.", "Upper or lower depth is missing.", "Give both depths."),
    _row(
        "DEPTH_UNREADABLE",
        "A depth is neither a number nor a form we know.",
        "{value!r} is no depth.",
        "Write numbers in centimetres.",
    ),
    _row(
        "DEPTH_INVERTED",
        "The lower depth lies above the upper depth.",
        "Bottom {bottom_cm} cm lies above top {top_cm} cm.",
        "Exchange top and bottom, or declare heights in the mapping.",
    ),
    _row(
        "DEPTH_ZERO_THICKNESS",
        "Upper and lower depth are the same.",
        "Top and bottom are both {top_cm} cm.",
        "Correct the depths or remove the row.",
    ),
    _row(
        "DEPTH_IMPOSSIBLE",
        "The layer ends below 1000 cm or starts more than 1000 cm above the surface.",
        "{top_cm} to {bottom_cm} cm is no soil layer.",
        "Check the unit of the depths.",
    ),
    _row(
        "DEPTH_ABOVE_SURFACE",
        "A mineral layer starts above the mineral surface.",
        "Mineral layer from {top_cm} cm.",
        "Only organic layers have negative depths; correct the depth or name the horizon (O, L, F, H).",
    ),
    _row(
        "LAYER_DUPLICATE",
        "Profile and depths occur twice with different content.",
        "{times} rows of this profile have the depths {top_cm} to {bottom_cm} cm.",
        "Keep one, or name the replicates.",
    ),
    _row(
        "LAYER_OVERLAP",
        "Layers of one profile overlap.",
        "{top_cm} to {bottom_cm} cm overlaps another layer of the profile.",
        "Correct the depths, or name the replicates.",
    ),
    _flag(
        "LAYER_GAP",
        "Layers of one profile leave a gap.",
        "Gap from {above_cm} to {top_cm} cm above this layer.",
    ),
    _flag(
        "LAYER_FIRST_NOT_AT_ZERO",
        "The first mineral layer of a profile does not start at 0: no stock from the surface.",
        "The first layer starts at {top_cm} cm.",
    ),
    _flag("DEPTH_DEEP", "The layer ends below 300 cm.", "The layer ends at {bottom_cm} cm.", "Check the unit."),
    _flag("DEPTH_OPEN", "A depth such as 80+ has no end; the number is taken.", "{value!r} was read as {number} cm."),
    _flag("DEPTH_WAVY", "A depth such as 10/15 is wavy; the mean is taken.", "{value!r} was read as {number} cm."),
    _flag(
        "DEPTH_FROM_THICKNESS",
        "The lower depth is missing and was computed from upper depth and thickness.",
        "Bottom {bottom_cm} cm computed from thickness.",
    ),
    _note(
        "DEPTH_AS_HEIGHT",
        "The mapping declares that depths which count upwards are heights above the mineral surface.",
        "Heights {top_given} to {bottom_given} were read as depths {top_cm} to {bottom_cm} cm.",
    ),
    _note(
        "DEPTH_SURFACE_SHIFTED",
        "Depth zero was the top of the organic layer; it was moved to the mineral surface.",
        "Depths moved up by {shift} cm.",
    ),
)

VALUE_RULES = (
    _value("NOT_A_NUMBER", "The cell holds text where a number belongs.", "{value!r} is no number.", "Correct it."),
    _value(
        "NUMBER_AMBIGUOUS",
        "The number can be read in two ways, such as 1,234.",
        "{value!r} may have a decimal mark or a thousands separator.",
        "Write decimals with a point and no thousands separators.",
    ),
    _value(
        "NUMBER_NOT_FINITE",
        "NaN and infinity are no measurements.",
        "{value!r} is no measurement.",
        "Leave the cell empty when the value is missing.",
    ),
    _value("UNIT_MISSING", "The value has no unit.", "{value!r} has no unit in {unit_column}.", "Name the unit."),
    _value("UNIT_UNKNOWN", "The unit is not known for this property.", "{detail}", "Use one of the units named."),
    _value(
        "WORD_UNKNOWN",
        "A word that decides what the value means is not one of the words allowed.",
        "{word!r} in {word_column} is not one of: {allowed}.",
        "Use one of the words named.",
    ),
    _value(
        "VALUE_IMPOSSIBLE",
        "The value lies outside what is possible for the property.",
        "{canonical} {unit} is outside {lower} to {upper}.",
        "Check unit and decimal mark.",
    ),
    _flag(
        "VALUE_UNUSUAL",
        "The value is rare in mineral soil; it is kept.",
        "{canonical} {unit} is outside the usual {lower} to {upper}.",
    ),
    _value(
        "SOC_ABOVE_TOTAL_C",
        "Organic carbon exceeds total carbon by more than 5 % and 0.5 g/kg; both are refused.",
        "Organic carbon {soc} g/kg exceeds total carbon {total_c} g/kg.",
        "One of the two is wrong, or has another unit.",
    ),
    _value(
        "TEXTURE_SUM_WRONG",
        "Sand, silt and clay do not add up to 95 to 105 %; all three are refused.",
        "Sand, silt and clay add up to {total} %.",
        "Check the three values and their unit.",
    ),
    _flag(
        "TEXTURE_SUM_OFF",
        "Sand, silt and clay add up to 95 to 99 or to 101 to 105 %.",
        "Sand, silt and clay add up to {total} %.",
    ),
    _flag(
        "BULK_DENSITY_SUSPECT",
        "Bulk density lies more than 0.5 g/cm³ off the density usual for its organic carbon.",
        "{density} g/cm³ with {soc} g/kg of organic carbon; usual is {expected} g/cm³.",
    ),
    _note(
        "VALUE_CENSORED",
        "The value is a detection limit, such as <0.5; limit and sign are kept.",
        "{value!r} is kept as a limit.",
    ),
    _note(
        "VALUES_IDENTICAL",
        "All values of the column are the same: perhaps a default was filled in.",
        "All {count} values are {value}.",
        "Remove the values if they were not observed.",
        severity="warning",
    ),
    _note(
        "UNIT_SUSPECT",
        "The values of the column look as if they had another unit.",
        "{detail}",
        "Check the unit; nothing was changed.",
        severity="warning",
    ),
    _flag(
        "STATUS_ASSUMED",
        "The mapping declares that this value stands for none as well as for not measured.",
        "{value} stands for none as well as for not measured.",
    ),
    _flag(
        "METHOD_MISSING",
        "Organic carbon has no method: it is left out of trends.",
        "No method.",
        "Give a GloSIS procedure code.",
    ),
    _flag(
        "METHOD_UNKNOWN",
        "The method is no GloSIS procedure code of this property.",
        "Method {method!r} is not known.",
        "Use a GloSIS procedure code.",
    ),
    _flag(
        "CORRECTION_MISSING",
        "Wet oxidation without soc_correction: it is not known whether a factor was applied.",
        "Wet oxidation without the factor that was applied.",
        "Give soc_correction (1 if none).",
    ),
)

VISIT_RULES = (
    _note(
        "ATTRIBUTE_DROPPED",
        "A value that describes site or visit cannot be used; it is left out.",
        "{value!r} cannot be used as {field}.",
        severity="warning",
    ),
    _note(
        "VISIT_CONFLICT",
        "Rows of one site or visit say different things; the first is kept.",
        "{field} differs within {key}; {kept!r} is kept.",
        "Make the rows agree.",
        severity="warning",
    ),
)

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.code: rule
        for group in (
            FILE_RULES,
            READING_RULES,
            ROW_RULES,
            POSITION_RULES,
            DEPTH_RULES,
            VALUE_RULES,
            VISIT_RULES,
        )
        for rule in group
    }
)
"""All rules by code, in the order in which a file meets them."""


def rules_table() -> str:
    """The catalogue as rows of a Markdown table."""
    rows = ["| code | severity | effect | rule | what to do |", "| --- | --- | --- | --- | --- |"]
    rows += [
        f"| `{rule.code}` | {rule.severity} | {rule.effect} | {_cell(rule.sentence)} | {_cell(rule.suggestion or '')} |"
        for rule in RULES.values()
    ]
    return "\n".join(rows)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
