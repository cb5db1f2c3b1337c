"""Proposals: what is understood of files in many styles and languages; nothing is understood wrongly, and what only
the owner knows is asked."""

import csv
import dataclasses
import datetime as dt
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from pyproj import Transformer

from app.errors import MappingInvalid, RefusedFile
from app.ingest.mapping import Dataset, mapping_to_toml, parse_mapping
from app.ingest.propose import Proposal, propose
from app.ingest.propose.headings import split
from app.ingest.propose.words import AMBIGUOUS_WORDS, FIELD_WORDS, PROPERTY_WORDS
from app.ingest.read import read
from tests.conftest import SAMPLES, SHARED
from tests.ingest.builders import TODAY

BOUNDARIES = SAMPLES / "countries.geojson"


@dataclass(frozen=True, kw_only=True)
class Style:
    """A table as somebody writes it: heading, a role for each column (None: unknown is right), questions to expect."""

    name: str
    roles: Mapping[str, str | None]
    rows: Sequence[Sequence[Any]]
    asked: frozenset[str]
    above: Sequence[Sequence[Any]] = ()
    units: Sequence[str] | None = None
    delimiter: str = ","
    book: bool = False
    answers: Mapping[str, str] = field(default_factory=dict)


def soil(n: int = 24, *, comma: bool = False, share: float = 1.0) -> list[dict[str, Any]]:
    """Layers of a few profiles with plausible values; `share` scales carbon."""
    chance = random.Random(1)

    def shown(value: float, digits: int) -> str:
        text = f"{value:.{digits}f}"
        return text.replace(".", ",") if comma else text

    rows = []
    for i in range(n):
        site, layer = divmod(i, 3)
        clay = 20 + chance.random() * 30
        silt = 20 + chance.random() * 20
        rows.append(
            {
                "site": f"P{site:02d}", "sample": f"L{i:03d}", "top": [0, 10, 30][layer], "bottom": [10, 30, 60][layer],
                "horizon": ["Ap", "Bw", "C"][layer], "soc": shown((25 - 7 * layer + chance.random()) * share, 2),
                "n": shown(2.1 - 0.5 * layer + chance.random() / 5, 2), "bd": shown(1.1 + 0.12 * layer + chance.random() / 50, 3),
                "cf": shown(chance.random() * 20, 1), "clay": shown(clay, 1), "silt": shown(silt, 1),
                "sand": shown(100 - float(f"{clay:.1f}") - float(f"{silt:.1f}"), 1), "ph": shown(5.5 + chance.random(), 2),
                "date": dt.date(2019, 3, 1) + dt.timedelta(days=site), "lon": 36.7 + site / 97, "lat": -1.25 - site / 89,
            }
        )  # fmt: skip
    return rows


def table(keys: Sequence[str], rows: Sequence[Mapping[str, Any]], **made: Any) -> list[list[Any]]:
    """Cells of some quantities; `made` gives a function of the row for others."""
    return [[made[key](row) if key in made else row[key] for key in keys] for row in rows]


def degrees(value: float, comma: str = ".") -> str:
    return f"{value:.5f}".replace(".", comma)


POINT = {"lon": lambda row: degrees(row["lon"]), "lat": lambda row: degrees(row["lat"])}
COMMA = {"lon": lambda row: degrees(row["lon"], ","), "lat": lambda row: degrees(row["lat"], ",")}
UTM37 = Transformer.from_crs("EPSG:4326", "EPSG:32737", always_xy=True)
SIRGAS = Transformer.from_crs("EPSG:4326", "EPSG:31983", always_xy=True)
LAMBERT93 = Transformer.from_crs("EPSG:4326", "EPSG:2154", always_xy=True)
GRID = Transformer.from_crs("EPSG:4326", "EPSG:27700", always_xy=True)


def moved(system: Transformer, lon: float, lat: float) -> dict[str, Any]:
    """Eastings and northings of positions around a place."""
    return {
        "lon": lambda row: f"{system.transform(lon + row['lon'] - 36.7, lat + row['lat'] + 1.25)[0]:.1f}",
        "lat": lambda row: f"{system.transform(lon + row['lon'] - 36.7, lat + row['lat'] + 1.25)[1]:.1f}",
    }


ENGLISH = Style(
    name="English long",
    roles={
        "Site ID": "site_id", "Sample No.": "layer_id", "Longitude": "longitude", "Latitude": "latitude",
        "Sampling date": "sampling_date", "Top (cm)": "top_cm", "Bottom (cm)": "bottom_cm", "Horizon": "horizon",
        "SOC (g/kg)": "soc", "Total N (g/kg)": "total_n", "Bulk density (g/cm3)": "bulk_density",
        "Coarse fragments (%)": "coarse_fragments", "Clay (%)": "clay", "Silt (%)": "silt", "Sand (%)": "sand",
        "pH (H2O)": "ph_h2o", "Weather": None,
    },
    rows=table(
        ["site", "sample", "lon", "lat", "date", "top", "bottom", "horizon", "soc", "n", "bd", "cf", "clay", "silt",
         "sand", "ph", "sky"],
        soil(), sky=lambda _: "fine", date=lambda row: row["date"].isoformat(), **POINT,
    ),
    asked=frozenset({"property:Bulk density (g/cm3)", "property:Coarse fragments (%)", "method", "licence"}),
    answers={
        "property:Bulk density (g/cm3)": "bulk_density_whole", "property:Coarse fragments (%)": "coarse_fragments_volume",
        "method": "OrgC_dc-ht-analyser", "licence": "CC-BY-4.0",
    },
)  # fmt: skip
FRENCH = Style(
    name="French, semicolons and decimal commas",
    delimiter=";",
    roles={
        "Parcelle": "site_id", "N° échantillon": None, "Longitude": "longitude", "Latitude": "latitude",
        "Date prélèvement": "sampling_date", "Profondeur": "depth_range", "Carbone organique (g/kg)": "soc",
        "Azote total (g/kg)": "total_n", "Densité apparente": "bulk_density", "Éléments grossiers (%)": "coarse_fragments",
        "Argile": "clay", "Limon": "silt", "Sable": "sand", "pH eau": "ph_h2o", "Remarques": "remarks",
    },
    rows=table(
        ["site", "sample", "lon", "lat", "date", "depth", "soc", "n", "bd", "cf", "clay", "silt", "sand", "ph", "r"],
        soil(comma=True), depth=lambda row: f"{row['top']}-{row['bottom']}", r=lambda _: "sec",
        date=lambda row: row["date"].strftime("%d/%m/%Y"), **COMMA,
    ),
    asked=frozenset(
        {"date_order", "property:Densité apparente", "property:Éléments grossiers (%)", "method", "licence"}
    ),
    answers={
        "date_order": "dd/mm/yyyy", "property:Densité apparente": "bulk_density",
        "property:Éléments grossiers (%)": "coarse_fragments_mass", "method": "not stated", "licence": "etalab-2.0",
    },
)  # fmt: skip
SPANISH = Style(
    name="Spanish, UTM, percent in names",
    roles={
        "Punto de muestreo": "site_id", "Este": "longitude", "Norte": "latitude", "Fecha": "sampling_date",
        "Profundidad desde": "top_cm", "Profundidad hasta": "bottom_cm", "% Carbono orgánico": "soc",
        "Nitrógeno total": "total_n", "Densidad aparente (Mg/m³)": "bulk_density", "Arcilla": "clay", "Limo": "silt",
        "Arena": "sand", "pH agua": "ph_h2o", "Observaciones": "remarks",
    },
    rows=table(
        ["site", "lon", "lat", "date", "top", "bottom", "soc", "n", "bd", "clay", "silt", "sand", "ph", "r"],
        soil(share=0.1), r=lambda _: "seco", date=lambda row: row["date"].strftime("%d-%m-%Y"), **moved(UTM37, 36.7, -1.25),
    ),
    asked=frozenset({
        "crs", "date_order", "property:Densidad aparente (Mg/m³)", "unit:Nitrógeno total", "method", "licence",
    }),
    answers={
        "crs": "EPSG:32737", "date_order": "dd/mm/yyyy", "property:Densidad aparente (Mg/m³)": "bulk_density",
        "unit:Nitrógeno total": "g/kg", "method": "OrgC_wc-cro3-walkleyblack", "licence": "CC-BY-4.0",
    },
)  # fmt: skip
PORTUGUESE = Style(
    name="Portuguese, tabs, SIRGAS 2000",
    delimiter="\t",
    roles={
        "Ponto": "site_id", "Coordenada X": "longitude", "Coordenada Y": "latitude", "Data da coleta": "sampling_date",
        "Camada (cm)": "depth_range", "Carbono orgânico (dag/kg)": "soc", "Densidade do solo (kg/dm3)": "bulk_density",
        "Argila (g/kg)": "clay", "Silte (g/kg)": "silt", "Areia (g/kg)": "sand", "CTC (cmolc/kg)": "cec",
        "Uso do solo": "management",
    },
    rows=table(
        ["site", "lon", "lat", "date", "depth", "soc", "bd", "clay", "silt", "sand", "ctc", "use"],
        soil(share=0.1), depth=lambda row: f"{row['top']} a {row['bottom']}", ctc=lambda _: "8.4", use=lambda _: "pasto",
        clay=lambda row: f"{float(row['clay']) * 10:.0f}", silt=lambda row: f"{float(row['silt']) * 10:.0f}",
        sand=lambda row: f"{float(row['sand']) * 10:.0f}", date=lambda row: row["date"].strftime("%d/%m/%Y").replace("03/", "13/", 0),
        **moved(SIRGAS, -47.1, -22.9),
    ),
    asked=frozenset({"crs", "date_order", "property:Densidade do solo (kg/dm3)", "method", "licence"}),
    answers={
        "crs": "EPSG:31983", "date_order": "dd/mm/yyyy", "property:Densidade do solo (kg/dm3)": "bulk_density_whole",
        "method": "OrgC_wc-cro3-walkleyblack", "licence": "CC-BY-4.0",
    },
)  # fmt: skip
GERMAN = Style(
    name="German workbook with title rows",
    book=True,
    above=[["Bodenuntersuchung 2019"], ["Landwirtschaftlicher Betrieb Nord"], []],
    roles={
        "Standort": "site_id", "Proben-Nr.": "layer_id", "Länge": "longitude", "Breite": "latitude",
        "Probenahmedatum": "sampling_date", "Tiefe von": "top_cm", "Tiefe bis": "bottom_cm", "Horizont": "horizon",
        "Corg [%]": "soc", "Gesamtstickstoff [%]": "total_n", "TRD [g/cm³]": "bulk_density",
        "Skelettgehalt [Vol-%]": "coarse_fragments_volume", "Ton [%]": "clay", "Schluff [%]": "silt", "Sand [%]": "sand",
        "pH (CaCl2)": "ph_cacl2", "Bemerkung": "remarks",
    },
    rows=table(
        ["site", "sample", "lon", "lat", "date", "top", "bottom", "horizon", "soc", "n", "bd", "cf", "clay", "silt",
         "sand", "ph", "r"],
        soil(share=0.1), r=lambda _: "nass", n=lambda row: float(row["n"]) / 10, soc=lambda row: float(row["soc"]), **POINT,
    ),
    asked=frozenset({"property:TRD [g/cm³]", "method", "licence"}),
    answers={
        "property:TRD [g/cm³]": "bulk_density_fine_earth",         "method": "OrgC_dc-ht-analyser", "licence": "CC0-1.0",
    },
)  # fmt: skip
WIDE = Style(
    name="Wide: a row for each profile",
    roles={
        "plot": "site_id", "lon": "longitude", "lat": "latitude", "year": "sampling_date", "soc_0_10": "soc",
        "soc_10_30": "soc", "bd_0_10": "bulk_density", "bd_10_30": "bulk_density", "treatment": "management",
    },
    rows=[[f"P{i}", degrees(36.7 + i / 97), degrees(-1.2 - i / 89), 2018, 2.1 + i / 20, 1.1 + i / 40, 1.1, 1.3, "manure"]
          for i in range(12)],
    asked=frozenset({"unit:soc", "property:bd", "method", "licence"}),
    answers={"unit:soc": "%", "property:bd": "bulk_density", "method": "OrgC_dc-ht-analyser", "licence": "CC-BY-4.0"},
)  # fmt: skip
WIDE_UNITS = Style(
    name="Wide with units and words between",
    roles={
        "Profile": "site_id", "Lat": "latitude", "Long": "longitude", "OC 0-10 cm (%)": "soc", "OC 10-20 cm (%)": "soc",
        "OC 20-40 cm (%)": "soc", "Clay 0-10 cm (%)": "clay", "Clay 10-20 cm (%)": "clay", "Surveyor": None,
    },
    rows=[[f"A{i}", degrees(47 + i / 90), degrees(2 + i / 70), 2 - i / 30, 1.5 - i / 30, 1 - i / 40, 22 + i, 25 + i, "JM"]
          for i in range(12)],
    asked=frozenset({"method", "licence"}),
    answers={"method": "not stated", "licence": "CC-BY-4.0"},
)  # fmt: skip
UNITS_ROW = Style(
    name="Row of units below the heading",
    units=["", "deg", "deg", "cm", "cm", "%", "g/cm3", "%", "%", "%"],
    roles={
        "Site": "site_id", "Lon": "longitude", "Lat": "latitude", "Upper": "top_cm", "Lower": "bottom_cm", "OC": "soc",
        "BD": "bulk_density", "Clay": "clay", "Silt": "silt", "Sand": "sand",
    },
    rows=table(["site", "lon", "lat", "top", "bottom", "soc", "bd", "clay", "silt", "sand"], soil(share=0.1), **POINT),
    asked=frozenset({"property:BD", "method", "licence"}),
    answers={"property:BD": "bulk_density_whole", "method": "not stated", "licence": "CC-BY-4.0"},
)  # fmt: skip
SUFFIXES = Style(
    name="Database export, units as suffixes, metres",
    roles={
        "pedon_id": "site_id", "x_coord": "longitude", "y_coord": "latitude", "depth_from_m": "top_cm",
        "depth_to_m": "bottom_cm", "oc_pct": "soc", "caco3_g_kg": "caco3", "bd_g_cm3": "bulk_density",
        "clay_pct": "clay", "ec_ds_m": "ec", "created_by": None,
    },
    rows=table(
        ["site", "lon", "lat", "t", "b", "soc", "k", "bd", "clay", "ec", "who"], soil(share=0.1),
        t=lambda row: row["top"] / 100, b=lambda row: row["bottom"] / 100, k=lambda _: 12.5, ec=lambda _: 0.3,
        who=lambda _: "admin", **POINT,
    ),
    asked=frozenset({"property:bd_g_cm3", "method", "licence"}),
    answers={"property:bd_g_cm3": "bulk_density", "method": "not stated", "licence": "CC-BY-4.0"},
)  # fmt: skip
LAMBERT = Style(
    name="French grid and midpoints with thickness",
    roles={
        "Profil": "site_id", "X Lambert93": "longitude", "Y Lambert93": "latitude", "Pays": "country_code",
        "Année": "sampling_date", "Profondeur moyenne (cm)": "middle_cm", "Épaisseur (cm)": "thickness_cm",
        "C (g/kg)": "undecided", "MO (%)": "undecided",
    },
    rows=table(
        ["site", "lon", "lat", "c", "y", "m", "e", "soc", "mo"], soil(), c=lambda _: "France", y=lambda _: 2011,
        m=lambda row: (row["top"] + row["bottom"]) / 2, e=lambda row: row["bottom"] - row["top"], mo=lambda _: 3.1,
        **moved(LAMBERT93, 2.3, 47.2),
    ),
    asked=frozenset({"crs", "property:C (g/kg)", "property:MO (%)", "method", "licence"}),
    answers={
        "crs": "EPSG:2154", "property:C (g/kg)": "soc", "property:MO (%)": "leave out", "method": "OrgC_dc-ht-analyser",
        "licence": "etalab-2.0",
    },
)  # fmt: skip
BRITISH = Style(
    name="British grid, stocks only, years",
    roles={
        "Plot No": "site_id", "Easting": "longitude", "Northing": "latitude", "Country": "country_code",
        "Sampling year": "sampling_date", "Depth (cm)": "depth_range", "SOC stock (t C/ha)": "soc_stock_reported",
        "Yield": None,
    },
    rows=table(
        ["site", "lon", "lat", "c", "y", "d", "s", "t"], soil(), c=lambda _: "GB", y=lambda _: 1998, t=lambda _: 6.1,
        d=lambda row: f"{row['top']} - {row['bottom']} cm", s=lambda row: 30 + row["top"], **moved(GRID, -0.37, 51.8),
    ),
    asked=frozenset({"crs", "licence"}),
    answers={"crs": "EPSG:27700", "licence": "OGL-UK-3.0"},
)  # fmt: skip
HEIGHTS = Style(
    name="Heights of organic layers and serial dates",
    roles={
        "Profile ID": "site_id", "Latitude": "latitude", "Longitude": "longitude", "Date sampled": "sampling_date",
        "Upper depth (cm)": "top_cm", "Lower depth (cm)": "bottom_cm", "Horizon": "horizon",
        "Organic carbon (%)": "soc", "LOI": None,
    },
    rows=[
        [f"S{i}", degrees(56 + i / 90), degrees(-130 - i / 80), 43537 + i, top, bottom, name, value, "x"]
        for i in range(8)
        for top, bottom, name, value in ((8, 3, "Of", 44.1), (3, 0, "Oh", 39.2), (0, 20, "Bs", 3.1))
    ],
    asked=frozenset({"heights", "method", "licence"}),
    answers={"heights": "heights", "method": "OrgC_dc-ht-analyser", "licence": "CC0-1.0"},
)  # fmt: skip
BARE = Style(
    name="A bare list of values",
    roles={"no": None, "place": None, "C": "undecided", "depth": None, "pH": "ph"},
    rows=[[i, f"field {i}", f"{12 + i / 3:.2f}", 20, 6.1 + i / 30] for i in range(16)],
    asked=frozenset({"position", "site", "depth", "property:C", "unit:C", "method", "licence"}),
    answers={
        "position": "36.71 -1.25 500", "site": "column:place", "depth": "0-20", "property:C": "soc", "unit:C": "g/kg",
        "method": "not stated", "licence": "CC-BY-4.0",
    },
)  # fmt: skip
UNIT_COLUMN = Style(
    name="Unit and method in columns of their own, month first",
    roles={
        "location": "site_name", "core": "site_id", "decimalLongitude": "longitude", "decimalLatitude": "latitude",
        "date": "sampling_date", "upper_depth": "top_cm", "lower_depth": "bottom_cm", "orgc": "soc", "unit": "unit",
        "method": "method", "lab": "laboratory",
    },
    rows=table(
        ["sample2", "site", "lon", "lat", "date", "top", "bottom", "soc", "unit", "method", "lab"], soil(),
        sample2=lambda _: "Embu", unit=lambda _: "g/kg", method=lambda _: "OrgC_dc-ht-analyser", lab=lambda _: "KALRO",
        date=lambda row: (row["date"] + dt.timedelta(days=14)).strftime("%m/%d/%Y"), **POINT,
    ),
    asked=frozenset({"licence"}),
    answers={"licence": "CC-BY-4.0"},
)  # fmt: skip

STYLES = (
    ENGLISH, FRENCH, SPANISH, PORTUGUESE, GERMAN, WIDE, WIDE_UNITS, UNITS_ROW, SUFFIXES, LAMBERT, BRITISH, HEIGHTS, BARE,
    UNIT_COLUMN,
)  # fmt: skip
each_style = pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)


def written(folder: Path, style: Style) -> Path:
    lines = [*style.above, list(style.roles), *([style.units] if style.units else []), *style.rows]
    if style.book:
        path = folder / "table.xlsx"
        with xlsxwriter.Workbook(path) as workbook:
            workbook.add_worksheet("Info").write(0, 0, "Lies mich")
            sheet = workbook.add_worksheet("Daten")
            day = workbook.add_format({"num_format": "yyyy-mm-dd"})
            for i, row in enumerate(lines):
                for j, cell in enumerate(row):
                    if isinstance(cell, dt.date):
                        sheet.write_datetime(i, j, dt.datetime.combine(cell, dt.time()), day)
                    else:
                        sheet.write(i, j, cell)
        return path
    path = folder / "table.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=style.delimiter).writerows(lines)
    return path


@pytest.fixture(scope="module")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Style], Proposal]:
    """The proposal for a style, made once."""
    made: dict[str, Proposal] = {}

    def of(style: Style) -> Proposal:
        if style.name not in made:
            made[style.name] = propose(written(tmp_path_factory.mktemp("style"), style), boundaries=BOUNDARIES)
        return made[style.name]

    return of


@each_style
def test_nothing_is_understood_wrongly(proposed: Callable[[Style], Proposal], style: Style):
    found = {guess.column: guess.role for guess in proposed(style).columns}
    wrong = {name: role for name, role in found.items() if role not in {style.roles[name] or "unknown", "unknown"}}
    assert wrong == {}


@each_style
def test_every_column_that_is_meant_is_understood(proposed: Callable[[Style], Proposal], style: Style):
    found = {guess.column: guess.role for guess in proposed(style).columns}
    assert found == {name: role or "unknown" for name, role in style.roles.items()}


@each_style
def test_what_only_the_owner_knows_is_asked_and_nothing_else(proposed: Callable[[Style], Proposal], style: Style):
    assert {question.id for question in proposed(style).questions} == style.asked


@each_style
def test_answers_make_a_mapping_that_reads_the_whole_file(
    tmp_path: Path, proposed: Callable[[Style], Proposal], style: Style
):
    proposal = proposed(style)
    mapping = proposal.answer(style.answers)
    assert parse_mapping(mapping_to_toml(mapping)) == mapping
    ingested = read(written(tmp_path, style), mapping, today=TODAY)
    ledger = ingested.report.ledger[0]
    assert sum(ledger.refused.values()) == 0, dict(ingested.report.counts)
    assert ledger.stored == len(style.rows) * {"wide": 2, "long": 1}[proposal.layout] or ledger.stored == 36
    assert ingested.results.height > 0


@each_style
def test_without_all_answers_there_is_no_mapping(proposed: Callable[[Style], Proposal], style: Style):
    proposal = proposed(style)
    for name in style.answers:
        with pytest.raises(MappingInvalid, match=r"1 question is open") as caught:
            proposal.answer({key: choice for key, choice in style.answers.items() if key != name})
        assert (caught.value.code, caught.value.column) == ("MAPPING_INCOMPLETE", name)


@each_style
def test_proposal_is_json_with_a_reason_for_each_column(proposed: Callable[[Style], Proposal], style: Style):
    said = json.loads(json.dumps(proposed(style).to_json(), allow_nan=False))
    assert all(0 <= column["confidence"] <= 1 and column["reason"] for column in said["columns"])
    assert said["complete"] is False


def test_share_of_columns_that_are_understood(proposed: Callable[[Style], Proposal]):
    """The figures in docs/import.md."""
    right = wrong = unknown = 0
    for style in STYLES:
        for guess in proposed(style).columns:
            meant = style.roles[guess.column]
            right += guess.role == meant
            unknown += guess.role == "unknown" and meant is not None
            wrong += guess.role not in {"unknown", meant}
    assert (right, unknown, wrong) == (147, 0, 0)


@pytest.mark.parametrize("style", [SPANISH, PORTUGUESE, LAMBERT, BRITISH], ids=lambda style: style.name)
def test_true_system_is_among_those_that_are_offered(proposed: Callable[[Style], Proposal], style: Style):
    (question,) = [question for question in proposed(style).questions if question.id == "crs"]
    assert all(option.reason for option in question.options)
    if "c" in {name.casefold()[:1] for name, role in style.roles.items() if role == "country_code"} or style is LAMBERT:
        codes = [option.value for option in question.options]
        assert style.answers["crs"] in codes
        assert codes.index(style.answers["crs"]) < 3


@pytest.mark.parametrize(
    ("style", "country"),
    [(SPANISH, "KE"), (PORTUGUESE, "BR"), (LAMBERT, "FR"), (BRITISH, "GB")],
    ids=lambda item: str(item)[:12],
)
def test_declared_country_ranks_the_true_system_first(tmp_path: Path, style: Style, country: str):
    proposal = propose(written(tmp_path, style), country=country, boundaries=BOUNDARIES)
    (question,) = [question for question in proposal.questions if question.id == "crs"]
    assert style.answers["crs"] in [option.value for option in question.options][:6]
    assert "of the positions lie in" in question.options[0].reason


def test_wrong_answers_are_refused_by_their_question(proposed: Callable[[Style], Proposal]):
    proposal = proposed(ENGLISH)
    for answers, name in (({"licence": "mine"}, "licence"), ({"colour": "red"}, "colour")):
        with pytest.raises(MappingInvalid) as caught:
            proposal.answer({**ENGLISH.answers, **answers})
        assert (caught.value.code, caught.value.column) == ("ANSWER_INVALID", name)


def test_carbon_whose_values_fit_percent_and_grams_is_asked_for_its_unit(tmp_path: Path):
    path = tmp_path / "c.csv"
    path.write_text("site,lon,lat,top,bottom,SOC\n" + "A,36.71234,-1.21234,0,20,2.4\n" * 12, encoding="utf-8")
    (question,) = [question for question in propose(path).questions if question.id == "unit:SOC"]
    assert {option.value for option in question.options} >= {"g/kg", "%", "leave out"}


def test_stock_under_a_heading_like_a_content_is_not_taken_for_it(tmp_path: Path):
    path = tmp_path / "stock.csv"
    lines = "".join(f"A{i},36.7{i}234,-1.21234,0,20,{9000 + 700 * i}\n" for i in range(10, 30))
    path.write_text("site,lon,lat,top,bottom,TOTAL_C\n" + lines, encoding="utf-8")
    (guess,) = [guess for guess in propose(path).columns if guess.column == "TOTAL_C"]
    assert (guess.role, "cannot be that" in guess.reason) == ("unknown", True)


def test_dates_that_show_their_order_are_not_asked(tmp_path: Path):
    path = tmp_path / "d.csv"
    path.write_text(
        "site,lon,lat,depth,date,SOC (%)\nA,36.71,-1.21,0-20,28/02/2019,2\nB,36.72,-1.2,0-20,01/03/2019,2\n"
    )
    proposal = propose(path)
    assert "date_order" not in {question.id for question in proposal.questions}
    mapping = proposal.answer({"method": "not stated", "licence": "CC0-1.0"})
    assert mapping.date_forms == ("dd/mm/yyyy",)


@pytest.mark.parametrize(
    ("heading", "words", "unit"),
    [
        ("SOC (g kg-1)", "soc", "g/kg"), ("SOC [g·kg⁻¹]", "soc", "g/kg"), ("argila_pct", "argila", "%"), ("% C", "c", "%"),
        ("Clay%", "clay", "%"), ("pH (H2O)", "ph h2o", None), ("BulkDensity", "bulk density", None),
        ("Bulk density, Mg m-3", "bulk density", "Mg/m3"), ("EC (dS/m)", "ec", "dS/m"), ("Teneur en C (‰)", "teneur en c", "‰"),
        ("SOC stock [Mg C ha-1]", "soc stock", "Mg/ha"), ("", "", None), ("CaCO₃", "caco3", None), ("GPS lat (WGS84)", "gps lat", None),
    ],
)  # fmt: skip
def test_heading_is_cut_into_words_and_unit(heading: str, words: str, unit: str | None):
    assert split(heading) == (words, unit)


def test_no_heading_stands_for_two_things():
    tables = [set(PROPERTY_WORDS), set(AMBIGUOUS_WORDS), set(FIELD_WORDS)]
    assert tables[0] & tables[1] == tables[0] & tables[2] == tables[1] & tables[2] == set()
    assert all(phrase == " ".join(phrase.split()) == phrase.casefold() for table in tables for phrase in table)


def test_file_that_is_no_table_is_refused(tmp_path: Path):
    path = tmp_path / "x.pdf"
    path.write_bytes(b"%PDF-1.7")
    with pytest.raises(RefusedFile):
        propose(path)


def test_soil_without_carbon_is_told_what_cannot_be_computed(tmp_path: Path):
    path = tmp_path / "som.csv"
    path.write_text("site,lon,lat,depth (cm),SOM (%)\nA,36.71234,-1.21234,0-20,3.1\nB,36.72345,-1.22345,0-20,2.2\n")
    proposal = propose(path)
    assert [guess.role for guess in proposal.columns][-1] == "organic_matter"
    (note,) = [note for note in proposal.notes if "carbon" in note]
    assert "no carbon content, stock or trend" in note
    assert "never converted" in note


def test_answer_on_where_zero_is_holds_whatever_the_terms_of_the_dataset_say(tmp_path: Path):
    path = tmp_path / "litter.csv"
    rows = "A,36.71234,-1.21234,2019-05-01,O,0,4,300\nA,36.71234,-1.21234,2019-05-01,Ah,4,14,40\n"
    path.write_text("Site,Longitude,Latitude,Date,Horizon,Top (cm),Bottom (cm),SOC (g/kg)\n" + rows, encoding="utf-8")
    mapping = propose(path).under_terms().answer({"surface": "organic_top", "method": "not stated"})
    terms = Dataset(slug="registered", title="Registered", licence="CC0-1.0", licence_class="open")
    found = read(path, dataclasses.replace(mapping, dataset=terms), today=TODAY)
    assert found.layers.select("top_cm", "bottom_cm").rows() == [(-4, 0), (0, 10)]


def test_degrees_with_minutes_are_named_and_how_to_write_them(tmp_path: Path):
    path = tmp_path / "dms.csv"
    rows = "".join(f'S{i},"12°{20 + i}\'15.1""S","76°30\'{i}2.5""W",0,20,{i}.5\n' for i in range(1, 6))
    path.write_text("Site,Latitude,Longitude,Top (cm),Bottom (cm),SOC (g/kg)\n" + rows, encoding="utf-8")
    proposal = propose(path)
    assert all("degrees, minutes and seconds" in guess.reason for guess in proposal.columns[1:3])
    (question,) = [question for question in proposal.questions if question.id == "position"]
    assert "'Latitude' and 'Longitude' are degrees, minutes and seconds" in question.text
    assert "Only if all samples lie at one place" in question.text


def test_sheets_that_are_not_read_are_named(tmp_path: Path):
    book = xlsxwriter.Workbook(tmp_path / "depths.xlsx")
    for depth in ("0-10", "10-20", "20-30"):
        sheet = book.add_worksheet(f"{depth} cm")
        sheet.write_row(0, 0, ["Plot", "Latitude", "Longitude", "SOC (g/kg)"])
        sheet.write_row(1, 0, ["A1", 51.8137, -0.3825, 21])
        sheet.write_row(2, 0, ["A2", 51.8274, -0.3938, 22])
    book.close()
    note = propose(tmp_path / "depths.xlsx").notes[0]
    assert "Only the sheet '0-10 cm' is read" in note
    assert "'10-20 cm', '20-30 cm'" in note


def test_files_that_no_source_joins_are_refused_by_their_names(tmp_path: Path):
    for name in ("layers.csv", "sites.csv"):
        (tmp_path / name).write_text("a,b\n1,2\n")
    with pytest.raises(RefusedFile, match=r"layers\.csv, sites\.csv") as caught:
        propose(tmp_path)
    assert caught.value.code == "ARCHIVE_REFUSED"


needs_data = pytest.mark.skipif(SHARED is None, reason="the public data sets are not here")
DATA = (SHARED or Path()) / "data"


@needs_data
def test_folder_of_a_known_source_is_recognised():
    proposal = propose(DATA / "febr-brazil")
    assert (proposal.known, proposal.file) == ("febr", "febr-camada.txt")


@needs_data
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("febr-brazil/febr-camada.txt", "febr"),
        ("npctr-pedon-soc/McNicoletal-2024-NPCTR-Pedon-SOC-Database.xlsx", "npctr"),
        ("rothamsted-long-term/highfield/soil_data.csv", "rothamsted-highfield"),
        ("rothamsted-long-term/highfield/01-HLA-SOC4814.xlsx", "rothamsted-highfield"),
        ("rothamsted-long-term/woburn/soil_data.csv", "rothamsted-woburn"),
        ("rothamsted-long-term/broadbalk/02-BKSOC1843-data.xlsx", "rothamsted-broadbalk"),
        ("rothamsted-long-term/hoosfield/01-HBSOC1852-data.csv", "rothamsted-hoosfield"),
        ("rothamsted-long-term/hoosfield/01-HBSOC1852-data.xlsx", "rothamsted-hoosfield"),
    ],
)
def test_files_of_known_sources_are_known(path: str, name: str):
    proposal = propose(DATA / path)
    assert proposal.known == name
    assert proposal.answer({}).name == name


@needs_data
def test_columns_of_the_edition_of_2018_are_understood_or_unknown():
    path = DATA / "npctr-pedon-soc" / "McNicoletal-2018-NPCTR-Pedon-SOC-Database.xlsx"
    found = {guess.column: guess.role for guess in propose(path, boundaries=BOUNDARIES).columns}
    understood = {name: role for name, role in found.items() if role != "unknown"}
    assert understood == {
        "LAT": "latitude", "LON": "longitude", "HORIZON": "horizon", "BULK DENSITY": "bulk_density", "CF": "coarse_fragments",
    }  # fmt: skip


@pytest.mark.parametrize(
    "heading",
    ["_" * 50_000, "( " * 20_000, "soc" + " _" * 20_000 + "0_10", "a\u0301" * 20_000, "{" * 300, "soc_0_10" * 999],
)
def test_hostile_heading_is_unknown_and_takes_no_time(tmp_path: Path, heading: str):
    path = tmp_path / "h.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(
            [["site", "lon", "lat", heading], *[["A", 36.71234, -1.21234, i] for i in range(5)]]
        )
    (guess,) = [guess for guess in propose(path).columns if guess.position == 4]
    assert guess.role == "unknown"


def test_thousands_of_columns_are_not_all_looked_at(tmp_path: Path):
    path = tmp_path / "many.csv"
    path.write_text(",".join(f"c{i}" for i in range(3_000)) + "\n" + ",".join("1" for _ in range(3_000)) + "\n")
    proposal = propose(path)
    assert len(proposal.columns) == 500
    assert proposal.notes[0] == "Only the first 500 columns are looked at; 2500 more are not read."


def test_points_of_a_geographic_file_bring_their_system(tmp_path: Path):
    path = tmp_path / "points.geojson"
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [36.7 + i / 90, -1.2]},
            "properties": {"plot": f"A{i}", "depth": "0-20", "OC (%)": 1.5 + i / 10},
        }
        for i in range(6)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    proposal = propose(path)
    roles = {guess.column: guess.role for guess in proposal.columns}
    assert roles["geometry_x"] == "longitude"
    mapping = proposal.answer({"method": "not stated", "licence": "CC0-1.0"})
    assert read(path, mapping, today=TODAY).sites.height == 6


def test_tonnes_are_no_clay(tmp_path: Path):
    path = tmp_path / "yield.csv"
    path.write_text("site,lon,lat,depth,OC (%),ton\n" + "A,36.71,-1.21,0-20,2,5.5\n" * 3)
    assert {guess.column: guess.role for guess in propose(path).columns}["ton"] == "unknown"
