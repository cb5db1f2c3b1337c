"""The template as a workbook: our columns with lists to choose from, limits of numbers, and what each column means.

All of it is made from the column schema and the dictionary of properties, so that it cannot tell other words than the
reader takes.
"""

import io
from typing import Any

import xlsxwriter

from app.ingest.columns import FAO_LAND_USE, SCHEMA, Column
from app.ingest.mapping import LICENCE_CLASSES, load_mapping, outcomes
from app.soil.properties import PROPERTIES
from app.soil.units import factor, known_units

ROWS = 5_000
"""Rows below the header that have lists and limits."""
LISTS = "Lists"
_METHODS = {
    "soc_method": (
        "OrgC_dc-ht-analyser",
        "OrgC_acid-dc-ht-analyser",
        "OrgC_dc",
        "OrgC_wc-cro3-walkleyblack",
        "OrgC_wc-cro3-nrcs6a1c",
        "OrgC_wc",
        "OrgC_dc-spec",
    ),
    "bulk_density_method": ("BlkDensF_fe-co-od", "BlkDensW_we-co-od", "BlkDensW_we-unkn"),
    "coarse_fragments_method": ("CrsFrg_lab", "CrsFrg_fld"),
    "psd_method": (
        "SaSiCl_2-50-2000u-disp-pipette",
        "SaSiCl_2-20-2000u-disp-pipette",
        "SaSiCl_2-64-2000u-disp-pipette",
    ),
    "ph_method": ("pHH2O_ratio1-2.5", "pHH2O_ratio1-5", "pHCaCl2_ratio1-5", "pHKCl_ratio1-2.5"),
    "ec_method": ("EC_ratio1-2", "EC_ratio1-5", "ECe_sat"),
}
"""Procedures that are asked for most often; any other GloSIS code may be typed."""
_FREE = frozenset(_METHODS)
"""Lists that help but do not bind: other words are taken too."""
_LIMITS = {
    "longitude": (-180.0, 180.0),
    "latitude": (-90.0, 90.0),
    "coord_uncertainty_m": (0.0, 1e6),
    "top_cm": (-1000.0, 1500.0),
    "bottom_cm": (-1000.0, 1500.0),
    "bedrock_depth_cm": (0.0, 10_000.0),
    "inclusion_weight": (0.0, 1e12),
}


def choices() -> dict[str, tuple[str, ...]]:
    """The words that each column with a list takes."""
    mapping = load_mapping()
    by_value = {value.column: value for value in mapping.values}
    words = {column: tuple(by_value[value].property[0].words) for column, value in _CHOSEN.items()}
    return {
        "sampling_kind": ("single", "composite"),
        "surface_convention": ("mineral", "organic_top"),
        "soc_unit": known_units("soc"),
        **words,
        **_METHODS,
        "land_use": tuple(sorted(FAO_LAND_USE)),
        "licence": tuple(LICENCE_CLASSES),
        "design": ("srs", "stratified", "grid", "purposive", "legacy"),
    }


_CHOSEN = {"bulk_density_type": "bulk_density_g_cm3", "coarse_fragments_basis": "coarse_fragments_pct"}
"""Columns that say which property another column holds."""


def limits() -> dict[str, tuple[float, float]]:
    """Least and greatest number of each column of numbers, in the unit of the column."""
    units = {value.column: value for value in load_mapping().values}
    found = dict(_LIMITS)
    for column in SCHEMA:
        value = units.get(column.name)
        unit = value.unit[0].constant if value else None
        if value is None or unit is None:
            continue
        ranges = [
            (PROPERTIES[code].possible[0] / factor(code, unit), PROPERTIES[code].possible[1] / factor(code, unit))
            for code in outcomes(value.property)
        ]
        found[column.name] = (min(low for low, _ in ranges), max(high for _, high in ranges))
    return found


def template_xlsx() -> bytes:
    """The workbook: a sheet to fill in, the dictionary of its columns, and the lists to choose from."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("layers")
        _dictionary(book)
        places = _lists(book)
        bold = book.add_format({"bold": True, "bottom": 1})
        required = book.add_format({"bold": True, "bottom": 1, "bg_color": "#F4E7D3"})
        text = book.add_format({"num_format": "@"})
        bounds = limits()
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(SCHEMA):
            # Dates and identifiers are kept as they are typed: a spreadsheet makes a day of 2019-03 and a number of 007.
            sheet.set_column(place, place, max(10, len(column.name) + 2), None if _is_number(column) else text)
            sheet.write_string(0, place, column.name, required if column.need == "required" else bold)
            sheet.write_comment(0, place, f"{column.meaning}\n{column.form}; {column.need}", {"x_scale": 2})
            _example(sheet, place, column)
            _validate(sheet, place, column, places.get(column.name), bounds.get(column.name))
    return stream.getvalue()


def _is_number(column: Column) -> bool:
    return column.form.startswith(("number", "decimal degrees"))


def _example(sheet: Any, place: int, column: Column) -> None:
    if not column.example:
        return
    if _is_number(column):
        sheet.write_number(1, place, float(column.example))
    else:
        sheet.write_string(1, place, column.example)


def _validate(sheet: Any, place: int, column: Column, words: str | None, bounds: tuple[float, float] | None) -> None:
    if words is not None:
        free = column.name in _FREE
        options: dict[str, Any] = {
            "validate": "list",
            "source": words,
            "error_type": "information" if free else "stop",
            "error_title": column.name,
            "error_message": "Choose from the list" + (", or type a GloSIS procedure code." if free else "."),
        }
    elif bounds is not None:
        options = {
            "validate": "decimal",
            "criteria": "between",
            "minimum": bounds[0],
            "maximum": bounds[1],
            # A limit such as <0.5 is a text, and welcome.
            "error_type": "warning",
            "error_title": column.name,
            "error_message": f"Usually a number from {bounds[0]:g} to {bounds[1]:g}; a limit is written <0.5.",
        }
    else:
        return
    sheet.data_validation(1, place, ROWS, place, options)


def _dictionary(book: Any) -> None:
    sheet = book.add_worksheet("dictionary")
    bold = book.add_format({"bold": True})
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, 2, 24)
    sheet.set_column(3, 3, 90)
    bounds, words = limits(), choices()
    for place, name in enumerate(("column", "form", "needed", "meaning", "words or range", "definitions")):
        sheet.write_string(0, place, name, bold)
    for row, column in enumerate(SCHEMA, start=1):
        allowed = ", ".join(words.get(column.name, ()))
        if column.name in bounds:
            allowed = f"{bounds[column.name][0]:g} to {bounds[column.name][1]:g}"
        defined = " ".join(f"{PROPERTIES[code].title}: {PROPERTIES[code].definition}" for code in column.properties)
        for place, cell in enumerate((column.name, column.form, column.need, column.meaning, allowed, defined)):
            sheet.write_string(row, place, cell)


def _lists(book: Any) -> dict[str, str]:
    """A sheet with a column for each list; where each stands. Long lists do not fit into the validation itself."""
    sheet = book.add_worksheet(LISTS)
    places = {}
    for place, (name, words) in enumerate(choices().items()):
        sheet.write_string(0, place, name)
        for row, word in enumerate(words, start=1):
            sheet.write_string(row, place, word)
        letter = xlsxwriter.utility.xl_col_to_name(place)
        places[name] = f"={LISTS}!${letter}$2:${letter}${len(words) + 1}"
    return places
