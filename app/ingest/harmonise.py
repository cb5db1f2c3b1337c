"""Text becomes canonical frames: identifiers, dates, positions, depths and values, each in its one form and unit.

Only this module makes a canonical frame. It reads what the mapping declares and nothing else: no unit, order of
coordinates or convention is guessed, and what the mapping repairs is said for every row or site that it touches.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import polars as pl

from app.ingest.dates import parse_dates
from app.ingest.depths import kind_of, parse_depths, split_range
from app.ingest.draft import Draft, Finding, FrameName, Place
from app.ingest.fields import resolve
from app.ingest.mapping import SITE_FIELDS, VISIT_FIELDS, MappingFile
from app.ingest.numbers import ANY_NUMBER_MARKERS, TEXT_MARKERS, decimals, parse_numbers
from app.ingest.positions import to_wgs84
from app.ingest.readers import Table
from app.ingest.report import Notebook
from app.ingest.values import RESULTS_SCHEMA, Cells, read_values

_SITE_TEXTS = ("site_name", "country_code", "cluster")
_VISIT_TEXTS = (
    "sampling_kind",
    "campaign",
    "land_use",
    "management",
    "stratum",
    "wrb",
    "wrb_version",
    "usda",
)
_VISIT_NUMBERS = {"rock_depth_cm": 0.0, "inclusion_weight": 0.0}
_COLUMNS_AT_ONCE = 4


def clean(table: Table, columns: Sequence[str], missing: Sequence[str], notebook: Notebook) -> pl.DataFrame:
    """The columns that are read, without outer blanks; empty cells and declared markers are null."""
    present = [name for name in columns if name in table.frame.columns]
    cleaned: list[pl.Series] = []
    # Some columns at a time: a whole table would stand in memory three times.
    for first in range(0, len(present), _COLUMNS_AT_ONCE):
        some = present[first : first + _COLUMNS_AT_ONCE]
        stripped = table.frame.select(pl.col(some).str.strip_chars())
        if missing:
            markers = stripped.select(pl.col(some).is_in(list(missing)).fill_null(value=False))
            for name in some:
                if markers[name].any():
                    _note_markers(notebook, table, name, markers[name], table.frame[name])
        filled = [pl.when(~pl.col(name).is_in(["", *missing])).then(pl.col(name)) for name in some]
        cleaned += stripped.select(filled).get_columns()
    return pl.DataFrame(cleaned)


def _note_markers(notebook: Notebook, table: Table, column: str, marker: pl.Series, cells: pl.Series) -> None:
    at = marker.arg_true()
    first = int(at[0])
    notebook.count("MISSING_MARKER", len(at))
    notebook.example(
        "MISSING_MARKER",
        {"cells": len(at)},
        file=table.file,
        sheet=table.sheet,
        row=int(table.rows[first]),
        column=column,
        value=str(cells[first]).strip(),
    )


# Where and when --------------------------------------------------------------------------------------------------------


def read_entries(mapping: MappingFile, frame: pl.DataFrame, rows: pl.Series) -> tuple[pl.DataFrame, list[Finding]]:
    """Rows that say where and when, parsed; and findings about them.

    Columns: row, site_key, profile_id, replicate, the texts of site and visit, longitude and latitude (as given, null
    where missing or unreadable), their texts, coord_decimals, coord_uncertainty_m, rock_depth_cm, inclusion_weight,
    sampled_from, sampled_to, date_precision.
    """
    texts: dict[str, pl.Series] = {}
    findings: list[Finding] = []
    for name in (*SITE_FIELDS, *VISIT_FIELDS):
        text, strange = resolve(mapping.fields.get(name, ()), frame)
        texts[name] = _without_markers(name, text)
        if strange.null_count() < len(strange):
            findings.append(_dropped(name, strange))
    entries = pl.DataFrame({"row": rows, "site_key": texts["site_id"]})
    entries = entries.with_columns(
        (texts["profile_id"] if "profile_id" in mapping.fields else texts["site_id"]).alias("profile_id"),
        texts["replicate"].alias("replicate"),
        *(texts[name].alias(name) for name in (*_SITE_TEXTS, *_VISIT_TEXTS, "remarks")),
    )
    findings += [
        _found("ID_MISSING", "entries", entries, pl.col(column).is_null(), field=pl.lit(label))
        for column, label in (("site_key", "The site identifier"), ("profile_id", "The profile identifier"))
    ]
    dates = parse_dates(texts["sampling_date"], mapping.date_forms)
    entries = entries.with_columns(*dates.drop("unreadable").get_columns(), texts["sampling_date"].alias("date_text"))
    findings.append(
        _found("DATE_UNREADABLE", "entries", dates, pl.col("unreadable"), value=entries["date_text"]),
    )
    decimal = mapping.sites.decimal
    for name in ("longitude", "latitude"):
        numbers = parse_numbers(texts[name], decimal=decimal, markers=TEXT_MARKERS, number_markers=ANY_NUMBER_MARKERS)
        entries = entries.with_columns(
            numbers.value.alias(name),
            texts[name].set(numbers.missing, None).alias(f"{name}_text"),
        )
        refused = numbers.refused.is_not_null() | (numbers.qualifier != "=")
        findings.append(_found_at("COORD_UNREADABLE", "entries", refused, texts[name], name))
    entries = entries.with_columns(
        pl.max_horizontal(decimals(texts["longitude"]), decimals(texts["latitude"])).alias("coord_decimals")
    )
    for name, above in (("coord_uncertainty_m", 0.0), *_VISIT_NUMBERS.items()):
        entries, finding = _attribute(entries, texts[name], name, above, mapping)
        findings.append(finding)
    entries, more = _words(entries)
    return entries, [*findings, *more]


def _without_markers(name: str, text: pl.Series) -> pl.Series:
    if text.null_count() == len(text) or name in {"longitude", "latitude", "sampling_date"}:
        return text
    markers = TEXT_MARKERS - {"na"} if name == "country_code" else TEXT_MARKERS  # NA is Namibia
    words = text.unique().drop_nulls()
    if not words.str.to_lowercase().is_in(list(markers)).any():
        return text
    return text.set(text.str.to_lowercase().is_in(list(markers)).fill_null(value=False), None)


def _dropped(name: str, strange: pl.Series) -> Finding:
    return Finding(
        code="ATTRIBUTE_DROPPED",
        on="entries",
        where=pl.DataFrame({"value": strange})
        .select(pl.int_range(pl.len(), dtype=pl.Int64).alias("i"), "value", pl.lit(name).alias("field"))
        .filter(pl.col("value").is_not_null()),
    )


def _found(
    code: str, on: FrameName, frame: pl.DataFrame, condition: pl.Expr, **details: pl.Expr | pl.Series
) -> Finding:
    where = (
        frame.with_columns(condition.alias("here"), **details)
        .select(pl.int_range(pl.len(), dtype=pl.Int64).alias("i"), "here", *details)
        .filter("here")
        .drop("here")
    )
    return Finding(code=code, on=on, where=where)


def _found_at(code: str, on: FrameName, mask: pl.Series, value: pl.Series, column: str) -> Finding:
    where = (
        pl.DataFrame({"here": mask, "value": value})
        .select(pl.int_range(pl.len(), dtype=pl.Int64).alias("i"), "here", "value", pl.lit(column).alias("column"))
        .filter("here")
        .drop("here")
    )
    return Finding(code=code, on=on, where=where)


def _attribute(
    entries: pl.DataFrame, text: pl.Series, name: str, above: float, mapping: MappingFile
) -> tuple[pl.DataFrame, Finding]:
    """A number that describes site or visit; it is dropped, not its row, when it cannot be used."""
    numbers = parse_numbers(text, decimal=mapping.sites.decimal)
    low = numbers.value < above if name == "rock_depth_cm" else numbers.value <= above
    low = low.fill_null(value=False)
    bad = numbers.refused.is_not_null() | low
    where = (
        pl.DataFrame({"bad": bad, "value": text})
        .select(pl.int_range(pl.len(), dtype=pl.Int64).alias("i"), "bad", "value", pl.lit(name).alias("field"))
        .filter("bad")
        .drop("bad")
    )
    kept = numbers.value.set(low, None)
    return entries.with_columns(kept.alias(name)), Finding(code="ATTRIBUTE_DROPPED", on="entries", where=where)


def _words(entries: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Country codes and kinds of sampling that are none are left out and said."""
    country = pl.col("country_code")
    strange = country.is_not_null() & ~country.str.contains(r"^[A-Za-z]{2}$")
    kind = pl.col("sampling_kind")
    odd = kind.is_not_null() & ~kind.is_in(["single", "composite", "unknown"])
    findings = [
        _found("COUNTRY_UNKNOWN", "entries", entries, strange, value=country),
        _found("ATTRIBUTE_DROPPED", "entries", entries, odd, value=kind, field=pl.lit("sampling_kind")),
    ]
    cleaned = entries.with_columns(
        country_code=pl.when(strange).then(None).otherwise(country.str.to_uppercase()),
        sampling_kind=pl.when(odd).then(None).otherwise(kind),
    )
    return cleaned, findings


def group_sites(draft: Draft) -> list[Finding]:
    """Add the frame of sites, made of the rows that stand, and tell each row its site.

    A site takes the first position and the first of each attribute that its rows give.
    """
    position = ("longitude", "latitude", "longitude_text", "latitude_text", "coord_decimals")
    others = (*_SITE_TEXTS, "coord_uncertainty_m")
    entries = draft.frame("entries", "row", "site_key", *position, *others)
    located = pl.col("longitude").is_not_null() & pl.col("latitude").is_not_null()
    sites = (
        entries.filter("alive")
        .with_columns(pl.when(located).then(pl.col(name)) for name in position)
        .group_by("site_key", maintain_order=True)
        .agg(pl.col("row").first(), *(pl.col(name).drop_nulls().first() for name in (*position, *others)))
    )
    keys = sites.select("site_key", pl.int_range(pl.len(), dtype=pl.UInt32).alias("site"))
    index = entries.select(site_key=pl.when("alive").then("site_key")).join(
        keys, on="site_key", how="left", maintain_order="left"
    )
    draft.frames["entries"] = draft.frames["entries"].with_columns(index["site"])
    sites, findings = _locate(draft.mapping, sites)
    draft.add("sites", sites, draft.places["entries"])
    return [*findings, *_conflicts(draft, "site", _SITE_TEXTS)]


def _locate(mapping: MappingFile, sites: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Positions in WGS 84, and the declared repair of lost signs."""
    text = pl.concat_str("longitude_text", "latitude_text", separator=" ")
    longitude, latitude = to_wgs84(sites["longitude"], sites["latitude"], mapping.crs)
    sites = sites.with_columns(
        text.alias("position_text"),
        pl.lit(mapping.crs).alias("position_crs"),
        longitude.alias("longitude"),
        latitude.alias("latitude"),
    )
    findings = []
    if mapping.western_longitudes:
        lost = pl.col("longitude") > 0
        findings.append(
            _found(
                "COORD_SIGN_RESTORED",
                "sites",
                sites.with_columns(given=pl.col("longitude"), longitude=-pl.col("longitude")),
                pl.col("given") > 0,
                given=pl.col("given"),
                longitude=pl.col("longitude"),
            )
        )
        sites = sites.with_columns(longitude=pl.when(lost).then(-pl.col("longitude")).otherwise("longitude"))
    return sites, findings


def group_visits(draft: Draft) -> list[Finding]:
    """Add the frame of visits, made of the rows that stand, and tell each row its visit."""
    entries = draft.frame("entries")
    parts = ("site_key", "sampled_from", "profile_id", "replicate")
    entries = entries.with_columns(leader=pl.when("alive").then(pl.col("i").first().over("alive", *parts)))
    filled = [name for name in (*_VISIT_TEXTS, *_VISIT_NUMBERS) if entries[name].null_count() < entries.height]
    empty = [name for name in (*_VISIT_TEXTS, *_VISIT_NUMBERS) if name not in filled]
    visits = (
        entries.filter("alive")
        .group_by("leader", maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in (*parts, "sampled_to", "date_precision", "row", "site")),
            *(pl.col(name).drop_nulls().first() for name in filled),
            *_joined(entries, "remarks"),
        )
        .with_columns(
            *(pl.lit(None, entries[name].dtype).alias(name) for name in empty),
            visit_key=pl.concat_str(
                [pl.col(name).cast(pl.String).fill_null("").str.replace_all(r"([\\|])", r"\$1") for name in parts],
                separator="|",
            ),
        )
        .with_columns(pl.col("sampling_kind").fill_null("unknown"))
    )
    keys = visits.select("leader", pl.int_range(pl.len(), dtype=pl.UInt32).alias("visit"))
    index = entries.select("leader").join(keys, on="leader", how="left", maintain_order="left")
    draft.frames["entries"] = draft.frames["entries"].with_columns(index["visit"])
    draft.add("visits", visits, draft.places["entries"])
    return _conflicts(draft, "visit", (*_VISIT_TEXTS, *_VISIT_NUMBERS))


def _joined(entries: pl.DataFrame, name: str) -> list[pl.Expr]:
    """Different texts of the rows of one visit, joined; nothing costs nothing."""
    if entries[name].null_count() == entries.height:
        return [pl.col(name).first()]
    texts = pl.col(name).drop_nulls().unique(maintain_order=True)
    return [pl.when(texts.len() > 0).then(texts.str.join("; ")).alias(name)]


def _conflicts(draft: Draft, group: Literal["site", "visit"], names: Sequence[str]) -> list[Finding]:
    """Rows that say something else than the site or visit they belong to."""
    owners = draft.frames["sites" if group == "site" else "visits"]
    entries = draft.frames["entries"]
    if owners.height == entries.height:
        return []
    belongs = entries[group].is_not_null()
    index = entries[group].fill_null(0)
    findings = []
    for name in names:
        if owners[name].null_count() == owners.height:
            continue
        differs = (entries[name] != owners[name].gather(index)).fill_null(value=False) & belongs
        if differs.any():
            rows = differs.arg_true()
            owner = owners[index.gather(rows)]
            where = pl.DataFrame(
                {"i": rows.cast(pl.Int64), "kept": owner[name].cast(pl.String), "key": owner[f"{group}_key"]}
            ).with_columns(field=pl.lit(name))
            findings.append(Finding(code="VISIT_CONFLICT", on="entries", where=where))
    return findings


# Layers ----------------------------------------------------------------------------------------------------------------


def read_layers(mapping: MappingFile, frame: pl.DataFrame, rows: pl.Series) -> tuple[pl.DataFrame, list[Finding]]:
    """Rows of layers with their depths [cm], as deep as they say: conventions of the surface are applied later.

    Columns: row, own_id, horizon, top_cm, bottom_cm (null where missing or unreadable), kind, surface_convention.
    """
    fields = mapping.fields
    texts = {
        name: _without_markers(name, resolve(fields.get(name, ()), frame)[0])
        for name in ("layer_id", "horizon", "kind", "surface_convention", "thickness_cm", "middle_cm")
    }
    findings: list[Finding] = []
    if "depth_range" in fields:
        whole, _ = resolve(fields["depth_range"], frame)
        upper, lower, strange = split_range(whole)
        findings.append(_found_at("DEPTH_UNREADABLE", "layers", strange, whole, "depth_range"))
    else:
        upper, lower = (resolve(fields.get(name, ()), frame)[0] for name in ("top_cm", "bottom_cm"))
    layers = pl.DataFrame(
        {"row": rows, "own_id": texts["layer_id"], "horizon": texts["horizon"], "kind": texts["kind"]}
    ).with_columns(texts["surface_convention"].alias("surface_convention"))
    unreadable = pl.Series([False]).new_from_index(0, frame.height)
    for name, text in (("top_cm", upper), ("bottom_cm", lower)):
        depths = parse_depths(text, mapping.depth_unit, mapping.main.decimal)
        layers = layers.with_columns(depths.value.alias(name))
        unreadable |= depths.unreadable
        findings.append(_found_at("DEPTH_UNREADABLE", "layers", depths.unreadable, text, name))
        for code, mask in (("DEPTH_OPEN", depths.open), ("DEPTH_WAVY", depths.wavy)):
            read = mask & depths.value.is_not_null()
            found = _found_at(code, "layers", read, text, name)
            numbers = depths.value.gather(found.where["i"].cast(pl.UInt32))
            findings.append(Finding(code=code, on="layers", where=found.where.with_columns(numbers.alias("number"))))
    layers, more = _from_thickness(mapping, layers, texts["thickness_cm"], texts["middle_cm"])
    findings += more
    missing = (layers["top_cm"].is_null() | layers["bottom_cm"].is_null()) & ~unreadable
    if "depth_range" in fields:
        missing &= ~strange
    findings.append(_found("DEPTH_MISSING", "layers", layers.with_columns(missing.alias("gone")), pl.col("gone")))
    if mapping.upward_depths_are_heights:
        layers, more = _heights(layers)
        findings += more
    strange = texts["surface_convention"].is_not_null() & ~texts["surface_convention"].is_in(["mineral", "organic_top"])
    said = _found_at("ATTRIBUTE_DROPPED", "layers", strange, texts["surface_convention"], "surface_convention")
    findings.append(
        Finding(code=said.code, on="layers", where=said.where.with_columns(field=pl.lit("surface_convention")))
    )
    layers = layers.with_columns(
        kind=pl.when(pl.col("kind").is_in(["organic", "mineral"]))
        .then("kind")
        .otherwise(kind_of("horizon", "bottom_cm"))
    )
    return layers, findings


def _from_thickness(
    mapping: MappingFile, layers: pl.DataFrame, text: pl.Series, middle: pl.Series
) -> tuple[pl.DataFrame, list[Finding]]:
    if "thickness_cm" not in mapping.fields:
        return layers, []
    thickness = parse_depths(text, mapping.depth_unit, mapping.main.decimal).value
    if "middle_cm" in mapping.fields:
        top = parse_depths(middle, mapping.depth_unit, mapping.main.decimal).value - thickness / 2
        layers = layers.with_columns(pl.coalesce("top_cm", pl.Series("middle", top)).alias("top_cm"))
    computed = pl.col("bottom_cm").is_null() & pl.col("top_cm").is_not_null() & (pl.col("thickness") > 0)
    layers = layers.with_columns(thickness.alias("thickness")).with_columns(
        computed.fill_null(value=False).alias("here")
    )
    layers = layers.with_columns(
        bottom_cm=pl.when("here").then(pl.col("top_cm") + pl.col("thickness")).otherwise("bottom_cm")
    )
    finding = _found("DEPTH_FROM_THICKNESS", "layers", layers, pl.col("here"), bottom_cm=pl.col("bottom_cm"))
    return layers.drop("here", "thickness"), [finding]


def _heights(layers: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Tops above bottoms are heights above the mineral surface: depth is minus height."""
    upward = (pl.col("top_cm") > pl.col("bottom_cm")).fill_null(value=False)
    turned = layers.with_columns(
        upward=upward,
        top_given=pl.col("top_cm"),
        bottom_given=pl.col("bottom_cm"),
        top_cm=_turned("top_cm", upward),
        bottom_cm=_turned("bottom_cm", upward),
    )
    finding = _found(
        "DEPTH_AS_HEIGHT",
        "layers",
        turned,
        pl.col("upward"),
        **{name: pl.col(name) for name in ("top_given", "bottom_given", "top_cm", "bottom_cm")},
    )
    return turned.drop("upward", "top_given", "bottom_given"), [finding]


def _turned(name: str, upward: pl.Expr) -> pl.Expr:
    """Minus the height, and zero without a sign."""
    return pl.when(upward & (pl.col(name) != 0)).then(-pl.col(name)).otherwise(name)


def move_to_mineral_surface(draft: Draft) -> list[Finding]:
    """Move depths whose zero is the top of the organic layer, profile by profile, to the mineral surface.

    The thickness of the organic layers that lie on top of a profile, without a gap, is how far it moves up.
    """
    layers = draft.frame("layers")
    default = draft.mapping.dataset.surface_convention if draft.mapping.dataset else "mineral"
    on_top = pl.col("surface_convention").fill_null(default) == "organic_top"
    if not layers.select(on_top.any()).item():
        return []
    moving = layers.filter(on_top & pl.col("alive") & pl.col("visit").is_not_null() & (pl.col("top_cm") >= 0)).sort(
        "visit", "top_cm"
    )
    shift = (
        moving.with_columns(
            stacked=(pl.col("kind") == "organic")
            & (pl.col("top_cm") == pl.col("bottom_cm").shift(fill_value=0.0).over("visit"))
        )
        .with_columns(stacked=pl.col("stacked").cast(pl.Int8).cum_min().over("visit") == 1)
        .group_by("visit")
        .agg(shift=pl.col("bottom_cm").filter("stacked").max())
        .drop_nulls()
    )
    moved = layers.join(shift, on="visit", how="left", maintain_order="left").with_columns(
        shift=pl.when(on_top & pl.col("alive")).then("shift")
    )
    draft.frames["layers"] = draft.frames["layers"].with_columns(
        top_cm=moved["top_cm"] - moved["shift"].fill_null(0.0),
        bottom_cm=moved["bottom_cm"] - moved["shift"].fill_null(0.0),
    )
    return [_found("DEPTH_SURFACE_SHIFTED", "layers", moved, pl.col("shift").is_not_null(), shift=pl.col("shift"))]


# Results ---------------------------------------------------------------------------------------------------------------


def read_results(
    mapping: MappingFile, frame: pl.DataFrame, table: Table, notebook: Notebook
) -> tuple[pl.DataFrame, list[Finding], dict[str, int]]:
    """All value columns as one frame of results, findings about them, and the number of missing cells per column."""
    cells: list[Cells] = []
    missing: dict[str, int] = {}
    given = [value for value in mapping.values if value.column in frame.columns]
    # Two columns at a time: most of the work is outside the interpreter, and more would take memory.
    with ThreadPoolExecutor(max_workers=2) as beside:
        read = list(beside.map(lambda value: read_values(value, frame, mapping.main.decimal), given))
    for value, found in zip(given, read, strict=True):
        missing[value.column] = int(found.numbers.missing.sum())
        if found.numbers.marker.any():
            _note_markers(notebook, table, value.column, found.numbers.marker, frame[value.column])
        if found.numbers.decimal_comma:
            notebook.count("DECIMAL_COMMA")
            notebook.example("DECIMAL_COMMA", {}, file=table.file, sheet=table.sheet, row=1, column=value.column)
        cells.append(found)
    findings, offset = [], 0
    for part in cells:
        findings += [
            Finding(code=item.code, on=item.on, where=item.where.with_columns(pl.col("i") + offset), column=item.column)
            for item in part.findings
        ]
        offset += part.results.height
    frames = [part.results for part in cells]
    results = pl.concat(frames) if frames else pl.DataFrame(schema=RESULTS_SCHEMA)
    return results, findings, missing


def place_of(table: Table) -> Place:
    """Where a table's rows come from."""
    return Place(file=table.file, sheet=table.sheet)
