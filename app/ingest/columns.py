"""Our column schema, one row for each layer, and the check of a header against a mapping.

Missing columns are all named at once. A column that is not known is never used by guess: it is reported, with the name
it may have been meant to be.
"""

import difflib
from dataclasses import dataclass
from typing import Literal

from app.ingest.mapping import LAYER_FIELDS, Field, MappingFile, Source, TableSource
from app.ingest.readers import Table, refuse
from app.ingest.report import Notebook
from app.ingest.wide import ORIGIN
from app.soil.properties import PROPERTIES

Need = Literal["required", "for a stock", "for a trend", "optional"]

FAO_LAND_USE = frozenset(
    {"A", "AA", "AP", "AT", "M", "MF", "MP", "H", "HE", "HI", "F", "FN", "FP", "P", "PN", "PD", "S", "SR", "SI", "ST"}
    | {"SC", "SX", "Y", "U"}
)
"""Land use codes of the FAO Guidelines for soil description (2006)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column of the schema: what it holds, in which unit or form, and who needs it."""

    name: str
    form: str
    need: Need
    meaning: str
    example: str
    properties: tuple[str, ...] = ()


def _text(name: str, need: Need, meaning: str, example: str) -> Column:
    return Column(name=name, form="text", need=need, meaning=meaning, example=example)


def _measured(name: str, need: Need, example: str, *codes: str) -> Column:
    entries = [PROPERTIES[code] for code in codes]
    unit = "%" if name.endswith("_pct") else entries[0].unit
    meaning = entries[0].title if len(entries) == 1 else ", or ".join(entry.title.lower() for entry in entries)
    return Column(
        name=name,
        form=f"number [{unit}]",
        need=need,
        meaning=f"{meaning[0].upper()}{meaning[1:]}.",
        example=example,
        properties=codes,
    )


SCHEMA: tuple[Column, ...] = (
    _text("site_id", "required", "Your identifier of the place, the same in all campaigns.", "KE-012"),
    _text("site_name", "optional", "Name of the place.", "Kabete lower field"),
    _text("cluster", "optional", "Farm, trial or transect: sites with the same word are one sampling unit.", "Kabete"),
    _text("profile_id", "required", "Your identifier of the profile or core, unique within its site.", "KE-012-1"),
    _text("replicate", "optional", "Number or name where one site and date has several profiles.", "1"),
    _text("sampling_kind", "optional", "`single` pit or core, or `composite` of several.", "single"),
    Column(
        name="longitude",
        form="decimal degrees, WGS 84",
        need="required",
        meaning="West is negative; four decimals or more wanted.",
        example="36.74062",
    ),
    Column(
        name="latitude",
        form="decimal degrees, WGS 84",
        need="required",
        meaning="South is negative; four decimals or more wanted.",
        example="-1.24955",
    ),
    Column(
        name="coord_uncertainty_m",
        form="number [m]",
        need="optional",
        meaning="Radius around the position within which the site lies.",
        example="10",
    ),
    Column(
        name="country_code",
        form="ISO 3166-1 alpha-2",
        need="optional",
        meaning="Country; the position is checked against it.",
        example="KE",
    ),
    Column(
        name="sampling_date",
        form="YYYY-MM-DD, YYYY-MM or YYYY",
        need="required",
        meaning="When it was sampled; the cell may be empty, and the profile then counts for no period.",
        example="2019-03-14",
    ),
    _text("campaign", "optional", "Name of the campaign.", "2019 survey"),
    Column(
        name="surface_convention",
        form="`mineral` or `organic_top`",
        need="optional",
        meaning="Where depth zero is: at the mineral surface (taken when empty) or at the top of the organic layer.",
        example="mineral",
    ),
    _text("layer_id", "optional", "Your identifier of the layer or sample.", "KE-012-1-a"),
    Column(
        name="top_cm",
        form="number [cm]",
        need="required",
        meaning="Upper limit of the layer, down positive.",
        example="0",
    ),
    Column(
        name="bottom_cm",
        form="number [cm]",
        need="required",
        meaning="Lower limit of the layer, down positive.",
        example="20",
    ),
    _text("horizon", "optional", "Horizon designation (FAO 2006).", "Ap"),
    Column(
        name="soc",
        form="number",
        need="required",
        meaning=f"{PROPERTIES['soc'].title}, in the unit of `soc_unit`.",
        example="18.4",
        properties=("soc",),
    ),
    _text("soc_unit", "required", "Unit of `soc`: `g/kg`, `%`, `mg/kg` …; it is never guessed.", "g/kg"),
    _text("soc_method", "for a trend", "GloSIS procedure code.", "OrgC_dc-ht-analyser"),
    _text(
        "soc_correction", "optional", "Wet oxidation: the factor that the laboratory already applied, 1 if none.", ""
    ),
    Column(
        name="soc_uncertainty",
        form="number, in the unit of `soc_unit`",
        need="optional",
        meaning="Standard uncertainty of `soc`.",
        example="",
    ),
    _measured("total_c_g_kg", "optional", "", "total_c"),
    _measured("inorganic_c_g_kg", "optional", "", "inorganic_c"),
    _measured("caco3_g_kg", "optional", "", "caco3"),
    _measured("organic_matter_g_kg", "optional", "", "organic_matter"),
    _measured("n_total_g_kg", "optional", "1.6", "total_n"),
    _measured(
        "bulk_density_g_cm3",
        "for a stock",
        "1.21",
        "bulk_density_fine_earth",
        "bulk_density_whole",
        "bulk_density_fine_per_total",
        "bulk_density",
    ),
    _text(
        "bulk_density_type",
        "for a stock",
        "What the bulk density is of: `fine_earth`, `whole` or `fine_per_total`.",
        "fine_earth",
    ),
    _text("bulk_density_method", "for a stock", "GloSIS procedure code.", "BlkDensF_fe-co-od"),
    _measured(
        "coarse_fragments_pct",
        "for a stock",
        "2",
        "coarse_fragments_volume",
        "coarse_fragments_mass",
        "coarse_fragments",
    ),
    _text("coarse_fragments_basis", "for a stock", "`volume` or `mass`. Write 0 % where there are none.", "volume"),
    _text("coarse_fragments_method", "optional", "GloSIS procedure code.", "CrsFrg_lab"),
    _measured("porosity_pct", "optional", "", "porosity"),
    _measured("clay_pct", "optional", "34", "clay"),
    _measured("silt_pct", "optional", "28", "silt"),
    _measured("sand_pct", "optional", "38", "sand"),
    _text("psd_limits", "optional", "Limits of the particle sizes [µm].", "2-50-2000"),
    _text("psd_method", "optional", "GloSIS procedure code.", "SaSiCl_2-50-2000u-disp-pipette"),
    _measured("ph", "optional", "6.1", "ph_h2o", "ph_cacl2", "ph_kcl", "ph"),
    _text("ph_method", "optional", "GloSIS procedure code; it names the extractant.", "pHH2O_ratio1-2.5"),
    _measured("ec_ds_m", "optional", "", "ec"),
    _text("ec_method", "optional", "GloSIS procedure code.", ""),
    _measured("cec_cmol_kg", "optional", "", "cec"),
    _measured("soc_stock_t_ha", "optional", "", "soc_stock_reported"),
    _measured("soil_mass_t_ha", "optional", "", "soil_mass_reported"),
    _text("land_use", "for a trend", "FAO land use code: AA, AP, AT, M, HE, HI, FN, FP, PN, S, U …", "AA"),
    _text("management", "for a trend", "Management in words.", "maize, no tillage since 2012"),
    Column(
        name="bedrock_depth_cm",
        form="number [cm]",
        need="optional",
        meaning="Depth of hard rock, where it was reached.",
        example="",
    ),
    _text("wrb", "optional", "WRB reference soil group.", "Nitisols"),
    _text("wrb_version", "optional", "Edition of the WRB.", "2022"),
    _text("usda", "optional", "Soil Taxonomy order.", ""),
    _text("lab", "optional", "Laboratory.", "KALRO Kabete"),
    _text("project", "optional", "Title of the dataset; the same in all rows.", "Kabete soil carbon survey"),
    _text("licence", "required", "SPDX identifier of the licence; the same in all rows.", "CC-BY-4.0"),
    _text("contact_orcid", "optional", "ORCID iD of the contact; the same in all rows.", ""),
    Column(
        name="design",
        form="`srs`, `stratified`, `grid`, `purposive` or `legacy`",
        need="for a trend",
        meaning="How sites were chosen; the same in all rows. Empty means `legacy`.",
        example="stratified",
    ),
    _text("stratum", "for a trend", "Stratum of the sampling design.", "cropland"),
    Column(
        name="inclusion_weight",
        form="number > 0",
        need="for a trend",
        meaning="Inverse of the inclusion probability.",
        example="1",
    ),
    _text("remarks", "optional", "Anything else.", ""),
)
"""All columns of the standard mapping, in the order of the template."""


def template_csv() -> str:
    """The schema as an empty table with one example row, ready to be filled in a spreadsheet program."""
    names = ",".join(column.name for column in SCHEMA)
    example = ",".join(f'"{column.example}"' if "," in column.example else column.example for column in SCHEMA)
    return f"{names}\r\n{example}\r\n"


def schema_table() -> str:
    """The schema as rows of a Markdown table."""
    rows = ["| column | form | needed | meaning |", "| --- | --- | --- | --- |"]
    rows += [f"| `{column.name}` | {column.form} | {column.need} | {column.meaning} |" for column in SCHEMA]
    return "\n".join(rows)


def columns_read(mapping: MappingFile, table: TableSource) -> tuple[str, ...]:
    """Columns of one table that the mapping reads, in the order in which it names them."""
    names: dict[str, None] = dict.fromkeys(table.key)
    for name, field in mapping.fields.items():
        owner = mapping.main if name in LAYER_FIELDS else mapping.sites
        _collect(names, field, mapping, owner, table)
    for value in mapping.values:
        for column in (value.column, *([value.uncertainty] if value.uncertainty else [])):
            _collect(names, (Source(column=column),), mapping, mapping.main, table)
        for field in (value.property, value.unit, value.method, value.laboratory, value.status):
            _collect(names, field, mapping, mapping.main, table)
    if table is mapping.main:
        names |= dict.fromkeys(mapping.dataset_columns.values())
    for other in mapping.tables:
        if other.joined_to == table.name or (other.role == "sites" and table.role == "layers"):
            names |= dict.fromkeys(other.key)
    if table.wide is not None or mapping.prepare == "glosis":
        # Beside a column of values that is made of others stands where each cell was read.
        names |= dict.fromkeys([ORIGIN + name for name in names])
    return tuple(names)


def _collect(
    names: dict[str, None], field: Field, mapping: MappingFile, owner: TableSource, table: TableSource
) -> None:
    others = {other.name for other in mapping.tables if other.role == "lookup"}
    for source in field:
        for column in source.columns:
            prefix, _, rest = column.partition(".")
            place, name = (prefix, rest) if prefix in others else (owner.name, column)
            if place == table.name:
                names[name] = None


def required_columns(mapping: MappingFile, table: TableSource) -> tuple[str, ...]:
    """Columns that must be there: those the mapping lists, or else all it reads."""
    if table.required is not None:
        return table.required
    return tuple(name for name in columns_read(mapping, table) if not name.startswith(ORIGIN))


def check_header(mapping: MappingFile, source: TableSource, table: Table, notebook: Notebook) -> None:
    """Refuse a table without its required columns, all named at once; report columns that are not read."""
    present = table.frame.columns
    known = columns_read(mapping, source)
    missing = [name for name in required_columns(mapping, source) if name not in present]
    strangers = [name for name in present if name not in known and not name.startswith(ORIGIN)]
    if missing:
        raise refuse(
            "COLUMNS_MISSING",
            _missing(table, missing, strangers),
            file=table.file,
            row=1,
            column=", ".join(missing),
        )
    absent = [name for name in known if name not in present]
    for name in strangers:
        near = difflib.get_close_matches(name.casefold(), absent, n=1)
        filled = len(table.frame[name]) - table.frame[name].null_count()
        notebook.count("COLUMN_UNKNOWN")
        notebook.example(
            "COLUMN_UNKNOWN",
            {"filled": filled},
            file=table.file,
            sheet=table.sheet,
            row=1,
            column=name,
            suggestion=f"Did you mean {near[0]}?" if near else None,
        )


def _missing(table: Table, missing: list[str], strangers: list[str]) -> str:
    where = f"sheet {table.sheet!r} of {table.file}" if table.sheet else table.file
    message = f"Required columns are missing from {where}: {', '.join(missing)}."
    hints = []
    for name in missing:
        folded = {stranger.casefold(): stranger for stranger in strangers}
        near = difflib.get_close_matches(name, folded, n=1)
        if near:
            hints.append(f"{folded[near[0]]!r} for {name}")
    if hints:
        return f"{message} Perhaps meant: {', '.join(hints)}."
    unnamed = sum(1 for note in table.notes if note.code == "HEADER_EMPTY")
    if unnamed or len(strangers) < table.width / 2:
        first = strangers[0] if strangers else ""
        return f"{message} Row 1 reads {first[:60]!r} and has unnamed columns: column names must stand in row 1."
    return message
