"""What is exported and imported again is the same dataset: every site, profile, layer and value."""

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from sqlalchemy import Connection, Engine, text

from app.db import datasets, session
from app.db.session import Database
from app.errors import Conflict, RefusedFile
from app.ingest import archives
from app.ingest.columns import SCHEMA
from app.ingest.mapping import load_mapping, parse_mapping
from app.ingest.propose import propose
from app.ingest.read import read
from app.pipelines import exporting, importing, publishing

TODAY = dt.date(2026, 1, 1)
LIMIT = 100_000_000
COLUMNS = [column.name for column in SCHEMA]


def row(**cells: Any) -> dict[str, Any]:
    usual = {
        "site_id": "A", "profile_id": "1", "longitude": "36.74062", "latitude": "-1.24955", "sampling_date": "2019-03-14",
        "top_cm": "0", "bottom_cm": "20", "soc": "18.4", "soc_unit": "g/kg", "licence": "CC-BY-4.0", "project": "Kabete",
    }  # fmt: skip
    return usual | cells


ROWS = [
    row(soc="1.84", soc_unit="%", soc_uncertainty="0.11", soc_method="OrgC_wc-cro3-walkleyblack", clay_pct="33.333333333333336",
        bulk_density_g_cm3="1.21", bulk_density_type="fine_earth", coarse_fragments_pct="7", coarse_fragments_basis="volume",
        horizon="Ap", layer_id="L-1", lab="KALRO", land_use="AA", management="=HYPERLINK(1)", remarks="+31 20; 'quoted', \"x\""),
    row(top_cm="20", bottom_cm="45.5", soc="<0.5", ph="6.10", ph_method="pHH2O_ratio1-2.5", layer_id="'=L2"),
    row(top_cm="-3", bottom_cm="0", soc="312.5", horizon="Oi", remarks=""),
    row(replicate="2", soc="17.123456789012345", sampling_kind="composite"),
    row(sampling_date="2021-06", soc="19.1", cec_cmol_kg="12.5"),
    row(site_id="B", profile_id="@p", longitude="36.812", latitude="-1.312", sampling_date="2018", soc="2.1", soc_unit="%", country_code="KE",
        site_name="-field", cluster="farm 1", stratum="crop", inclusion_weight="1.5", wrb="Nitisols", bedrock_depth_cm="120"),
    row(site_id="C", longitude="36.9", latitude="-1.4", sampling_date="", soc=">400", n_total_g_kg="1,5"),
    row(site_id="D", longitude="36.951234", latitude="-1.451234", soc="", organic_matter_g_kg="30"),
]  # fmt: skip


@pytest.fixture(scope="module")
def engine(another: Callable[[str], Database]) -> Iterator[Engine]:
    with session.disposing(another("exporting").worker_engine()) as here:
        yield here


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as here:
        yield here
        here.rollback()


def stored(connection: Connection, folder: Path) -> UUID:
    path = folder / "given.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(ROWS)
    found = importing.import_file(
        connection, path, load_mapping(), max_bytes=LIMIT, today=TODAY, slug="kabete", title="Kabete"
    )
    assert found.dataset is not None
    assert found.report is not None
    assert found.report.rows_stored == len(ROWS)
    return found.dataset


def content(connection: Connection, dataset: UUID, *, without: tuple[str, ...] = ()) -> list[tuple[Any, ...]]:
    """All that is stored of a dataset, value by value."""
    wanted = [
        "s.own_id", "s.name", "s.cluster", "ST_X(s.geom)", "ST_Y(s.geom)", "s.coord_uncertainty_m", "s.declared_country",
        "v.own_id", "v.replicate", "v.sampling_kind", "v.sampled_from", "v.sampled_to", "v.date_precision", "v.campaign",
        "v.land_use", "v.management", "v.rock_depth_cm", "v.stratum", "v.inclusion_weight", "v.wrb", "v.wrb_version", "v.usda",
        "v.remarks", "l.own_id", "l.top_cm", "l.bottom_cm", "l.kind", "l.horizon", "r.property", "r.value", "r.qualifier",
        "r.uncertainty", "r.status", "r.method", "r.laboratory", "r.reported_value", "r.reported_unit",
    ]  # fmt: skip
    statement = f"""
        SELECT {", ".join(name for name in wanted if name not in without)}
        FROM core.site s JOIN core.visit v ON v.site_id = s.id JOIN core.layer l ON l.visit_id = v.id
        LEFT JOIN core.result r ON r.layer_id = l.id WHERE s.dataset_id = :dataset
        ORDER BY s.own_id, v.sampled_from, v.own_id, v.replicate, l.top_cm, l.own_id, r.property, r.value
    """
    return [tuple(found) for found in connection.execute(text(statement), {"dataset": dataset})]


@pytest.mark.parametrize("kind", ["glosis", "csv"])
def test_exported_and_imported_again_is_the_same(connection: Connection, tmp_path: Path, kind: exporting.Kind):
    dataset = stored(connection, tmp_path)
    target = tmp_path / f"out{exporting.SUFFIX[kind]}"
    assert exporting.write(connection, dataset, kind, "exact", target) == len(ROWS)
    if kind == "glosis":
        mapping, path = load_mapping("glosis"), target
    else:
        with zipfile.ZipFile(target) as archive:
            mapping = parse_mapping(archive.read("mapping.toml").decode())
            archive.extractall(tmp_path / "out")
        path = tmp_path / "out"
    found = importing.import_file(connection, path, mapping, max_bytes=LIMIT, today=TODAY, slug="again", title="Again")
    assert found.dataset is not None
    assert found.report is not None
    assert found.report.rows_refused == 0
    # One text was not what is stored: a decimal comma is written as the number that it was read as.
    texts = ("r.reported_value",)
    assert content(connection, found.dataset, without=texts) == content(connection, dataset, without=texts)
    before, after = content(connection, dataset), content(connection, found.dataset)
    assert [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]][1:] == []
    terms = [exporting.terms_of(connection, which) for which in (dataset, found.dataset)]
    assert terms[0].licence == terms[1].licence


@pytest.mark.parametrize(("kind", "name"), [("glosis", "glosis"), ("csv", "exchange")])
def test_export_is_recognised_and_not_taken_for_our_template(
    connection: Connection, tmp_path: Path, kind: exporting.Kind, name: str
):
    """Our template has most of its columns; read as that, its other values would be lost."""
    target = tmp_path / f"out{exporting.SUFFIX[kind]}"
    exporting.write(connection, stored(connection, tmp_path), kind, "exact", target)
    if kind == "csv":
        with zipfile.ZipFile(target) as archive:
            archive.extract("data.csv", tmp_path)
        target = tmp_path / "data.csv"
    assert propose(target).known == name
    assert propose(tmp_path / "given.csv").known == "standard"


def test_archive_of_an_export_is_read_as_it_is(connection: Connection, tmp_path: Path):
    dataset = stored(connection, tmp_path)
    target = tmp_path / "out.zip"
    exporting.write(connection, dataset, "csv", "exact", target)
    with zipfile.ZipFile(target) as archive:
        assert set(archive.namelist()) == {"data.csv", "mapping.toml", "README.txt", "dictionary.csv"}
        mapping = parse_mapping(archive.read("mapping.toml").decode())
        readme = archive.read("README.txt").decode()
        dictionary = archive.read("dictionary.csv").decode()
    for known in (mapping, load_mapping("exchange")):
        with archives.opened(target, "out.zip", known, max_bytes=LIMIT, folder=tmp_path / "private") as path:
            assert read(path, known, today=TODAY).layers.height == len(ROWS)
    assert "Licence: CC-BY-4.0" in readme
    assert "soc,Soil organic carbon,g/kg" in dictionary


def test_table_of_an_export_is_read_by_the_packaged_mapping_and_by_our_own_columns(
    connection: Connection, tmp_path: Path
):
    dataset = stored(connection, tmp_path)
    exporting.write(connection, dataset, "csv", "exact", tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extract("data.csv", tmp_path)
    for name in ("exchange", "standard"):
        found = read(tmp_path / "data.csv", load_mapping(name), today=TODAY)
        assert found.report.rows_refused == 0
        soc = found.results.filter(property="soc").sort("layer_key")["value"].to_list()
        assert sorted(soc) == sorted([18.400000000000002, 0.5, 312.5, 17.123456789012345, 19.1, 21.0, 400.0])
        assert found.dataset.licence == "CC-BY-4.0"


@pytest.mark.parametrize("kind", ["glosis", "csv"])
def test_no_cell_begins_a_formula(connection: Connection, tmp_path: Path, kind: exporting.Kind):
    dataset = stored(connection, tmp_path)
    target = tmp_path / f"out{exporting.SUFFIX[kind]}"
    exporting.write(connection, dataset, kind, "exact", target)
    if kind == "glosis":
        book = openpyxl.load_workbook(target)
        cells = [cell.value for sheet in book.worksheets for line in sheet.iter_rows() for cell in line]
        assert all(cell.data_type != "f" for sheet in book.worksheets for line in sheet.iter_rows() for cell in line)
    else:
        with zipfile.ZipFile(target) as archive:
            cells = [cell for line in csv.reader(io.StringIO(archive.read("data.csv").decode())) for cell in line]
    words = [cell for cell in cells if isinstance(cell, str)]
    assert "'=HYPERLINK(1)" in words
    risky = [word for word in words if word[:1] in {"=", "+", "-", "@"}]
    assert all(float(word) < 0 for word in risky)


def test_workbook_says_what_glosis_knows_in_its_own_sheets(connection: Connection, tmp_path: Path):
    dataset = stored(connection, tmp_path)
    exporting.write(connection, dataset, "glosis", "exact", tmp_path / "out.xlsx")
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == [
        "Plot Data", "Profile Data", "Element Data", "Specimen Data", "Procedures", "Metadata", "Observatory", "About", "Dictionary",
    ]  # fmt: skip
    specimens = list(book["Specimen Data"].iter_rows(values_only=True))
    soc = specimens[0].index("OrgC (g/kg)")
    values = [line[soc] for line in specimens[1:]]
    assert sum(value is None for value in values) == 3  # two limits and one that is not there
    # A number cell has 16 digits; the sheet Observatory has all of them.
    assert {18.4, 312.5, 19.1, 21, 17.12345678901234} <= set(values)
    codes = [line[1] for line in specimens[1:]]
    assert len(set(codes)) == len(codes)
    plots = list(book["Plot Data"].iter_rows(values_only=True))
    assert plots[0][0] == "Location"
    assert plots[1][:4] == ("project_name", "site_code", "plot_code", "profile_code")
    about = dict(book["About"].iter_rows(values_only=True))
    assert about["Licence"] == "CC-BY-4.0"
    assert "@" not in str(
        [cell for line in book["Metadata"].iter_rows(values_only=True) for cell in line if cell and "p" not in cell]
    )


def test_workbook_without_our_sheet_is_read_from_the_glosis_sheets(connection: Connection, tmp_path: Path):
    dataset = stored(connection, tmp_path)
    exporting.write(connection, dataset, "glosis", "exact", tmp_path / "out.xlsx")
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    del book["Observatory"]
    book.save(tmp_path / "plain.xlsx")
    found = read(tmp_path / "plain.xlsx", load_mapping("glosis"), today=TODAY)
    soc = found.results.filter(property="soc")["value"].sort().to_list()
    assert soc == pytest.approx([17.123456789012345, 18.4, 19.1, 21.0, 312.5], rel=1e-14)


def test_workbook_that_was_changed_in_one_sheet_only_is_refused(connection: Connection, tmp_path: Path):
    dataset = stored(connection, tmp_path)
    exporting.write(connection, dataset, "glosis", "exact", tmp_path / "out.xlsx")
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    sheet = book["Specimen Data"]
    header = [cell.value for cell in sheet[1]]
    line = next(number for number in range(2, 20) if sheet.cell(number, header.index("OrgC (g/kg)") + 1).value)
    sheet.cell(line, header.index("OrgC (g/kg)") + 1).value = 99
    book.save(tmp_path / "changed.xlsx")
    with pytest.raises(RefusedFile, match=f"'OrgC .*' in row {line} of 'Specimen Data' is 99") as caught:
        read(tmp_path / "changed.xlsx", load_mapping("glosis"), today=TODAY)
    assert caught.value.code == "GLOSIS_SHEETS_DIFFER"


def test_published_positions_are_generalised_and_nameless(connection: Connection, tmp_path: Path):
    dataset = stored(connection, tmp_path)
    with pytest.raises(Conflict, match="No layer of kabete is published"):
        exporting.write(connection, dataset, "csv", "published", tmp_path / "none.zip")
    datasets.change(connection, dataset, {"location_precision": "10km"})
    publishing.publish_dataset(connection, dataset)
    terms = exporting.terms_of(connection, dataset)
    frame = exporting.exchange_frame(connection, dataset, terms, exact=False)
    assert frame.height == len(ROWS)
    assert set(frame["longitude"]).isdisjoint({"36.74062", "36.812", "36.812000", "36.951234"})
    assert frame["coord_uncertainty_m"].null_count() == 0
    assert set(frame["site_id"]).isdisjoint({"A", "B", "C", "D"})
    for name in ("site_name", "cluster", "layer_id", "management", "remarks", "country_code"):
        assert frame[name].null_count() == frame.height
    assert not list(tmp_path.glob(".*.part"))
