"""Wide tables and sheets made for people: every cell becomes a row that still knows its own address."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import xlsxwriter

from app.errors import RefusedFile
from app.ingest.mapping import load_mapping
from app.ingest.read import Ingested, read
from tests.conftest import SHARED
from tests.ingest.builders import TODAY, issue, mapped, mapping_of, refused, values

FIELDS = (
    'site_id = { column = "id" }\nlongitude = { column = "x" }\nlatitude = { column = "y" }\n'
    'top_cm = { column = "top" }\nbottom_cm = { column = "bottom" }'
)
DEPTHS = mapping_of(
    "[rows]\nignore_without_values = true",
    tables='name = "layers"\nrole = "layers"\n[tables.wide]\npattern = "^(?<value>soc|bd)_(?<top>\\\\d+)_(?<bottom>\\\\d+)$"',
    values='column = "soc"\nproperty = "soc"\nunit = "%"\n[[values]]\ncolumn = "bd"\nproperty = "bulk_density"\nunit = "g/cm3"',
)


def test_profile_in_one_row_becomes_one_layer_for_each_depth(tmp_path: Path):
    lines = "id,x,y,soc_0_10,soc_10_30,bd_0_10,bd_10_30\nA,36.7,-1.2,2,1,1.1,1.3\nB,36.8,-1.3,3,2,1.0,1.2\n"
    found = mapped(tmp_path, DEPTHS, lines)
    assert found.layers.select("top_cm", "bottom_cm", "row").rows() == [
        (0, 10, 2), (10, 30, 2), (0, 10, 3), (10, 30, 3),
    ]  # fmt: skip
    assert values(found, "soc") == [20, 10, 30, 20]
    assert values(found, "bulk_density") == [1.1, 1.3, 1.0, 1.2]
    soc = found.results.filter(pl.col("property") == "soc")
    assert soc["column"].to_list() == ["soc_0_10", "soc_10_30", "soc_0_10", "soc_10_30"]
    assert found.visits.height == 2
    assert issue(found, "TABLE_WIDE").message == "4 columns of 2 rows became 4 rows."


def test_refused_cell_of_a_wide_table_is_named_by_its_own_column_and_row(tmp_path: Path):
    lines = "id,x,y,soc_0_10,soc_10_30,bd_0_10\nA,36.7,-1.2,2,1,1\nB,36.8,-1.3,3,many,1\n"
    bad = issue(mapped(tmp_path, DEPTHS, lines), "NOT_A_NUMBER")
    assert (bad.row, bad.column, bad.value) == (3, "soc_10_30", "many")


def test_empty_cells_of_a_wide_table_are_no_layers_and_the_ledger_closes(tmp_path: Path):
    lines = "id,x,y,soc_0_10,soc_10_30,bd_0_10\nA,36.7,-1.2,2,,\nB,36.8,-1.3,,,\n"
    (ledger,) = mapped(tmp_path, DEPTHS, lines).report.ledger
    assert (ledger.rows_read, ledger.stored, dict(ledger.ignored)) == (4, 1, {"NO_VALUES": 3})


def test_depth_without_a_column_for_one_property_has_none(tmp_path: Path):
    found = mapped(tmp_path, DEPTHS, "id,x,y,soc_0_10,soc_10_30,bd_0_10\nA,36.7,-1.2,2,1,1.1\n")
    assert values(found, "bulk_density") == [1.1]
    assert found.layers.height == 2


def test_table_without_a_column_of_the_pattern_is_refused(tmp_path: Path):
    with pytest.raises(RefusedFile, match=r"No column of small\.csv has a name of the form") as caught:
        mapped(tmp_path, DEPTHS, "id,x,y,carbon\nA,36.7,-1.2,2\n")
    assert caught.value.code == "COLUMNS_MISSING"


def test_two_columns_for_the_same_cell_are_refused(tmp_path: Path):
    mapping = mapping_of(
        tables='name = "layers"\nrole = "layers"\n[tables.wide]\npattern = "^soc_?(?<top>\\\\d+)_(?<bottom>\\\\d+)$"\nvalue = "c"'
    )
    with pytest.raises(RefusedFile, match=r"takes 'soc_0_10' and 'soc0_10' of small\.csv for the same"):
        mapped(tmp_path, mapping, "id,x,y,soc_0_10,soc0_10\nA,36.7,-1.2,2,1\n")


def test_column_that_a_mapping_lists_must_be_there(tmp_path: Path):
    mapping = mapping_of(
        tables='name = "layers"\nrole = "layers"\n[tables.wide]\n'
        'columns = [{ column = "P1", value = "c", id = "1" }, { column = "P2", value = "c", id = "2" }]'
    )
    with pytest.raises(RefusedFile, match=r"turns into rows are missing from small\.csv: P2") as caught:
        mapped(tmp_path, mapping, "x,y,top,bottom,P1\n36.7,-1.2,0,10,2\n")
    assert caught.value.column == "P2"


def test_parts_of_a_text_become_columns(tmp_path: Path):
    mapping = mapping_of(
        tables='name = "layers"\nrole = "layers"\n'
        'extract = [{ column = "sample", pattern = "^(?<id>\\\\w+)-(?<top>\\\\d+)/(?<bottom>\\\\d+)$" }]'
    )
    found = mapped(tmp_path, mapping, "sample,x,y,c\nA-0/10,36.7,-1.2,9\nA-10/30,36.7,-1.2,7\nB 0/10,36.7,-1.3,5\n")
    assert found.layers.select("top_cm", "bottom_cm").rows() == [(0, 10), (10, 30)]
    assert found.sites["site_key"].to_list() == ["A"]
    assert refused(found) == {"ID_MISSING": 1}


def book(path: Path, cells: dict[str, list[list[object]]]) -> Path:
    with xlsxwriter.Workbook(path) as workbook:
        for name, rows in cells.items():
            sheet = workbook.add_worksheet(name)
            for i, row in enumerate(rows):
                sheet.write_row(i, 0, row)
    return path


def two_tables(tmp_path: Path) -> Ingested:
    """Contents at the left, weights at the right of one sheet, a title above and a note below."""
    path = book(
        tmp_path / "two.xlsx",
        {
            "Data": [
                ["Carbon of our trial"],
                ["Year", "P1", "P2", "", "Year", "P1"],
                [1950, 1.0, 2.0, "", 1950, 2.5],
                [1960, 1.1, "ns", "", 1970, 2.6],
                [],
                ["ns = not sampled"],
            ]
        },
    )
    columns = '{ column = "P1", value = "c", id = "1" }'
    mapping = mapping_of(
        '[rows]\nignore_without_values = true\n[[values]]\ncolumn = "w.c"\nproperty = "soil_mass_reported"\nunit = "kt/ha"',
        tables='name = "layers"\nrole = "layers"\nsheet = "Data"\nheader_row = 2\nrows = [3, 4]\n'
        'names = ["year", "P1", "P2"]\nmissing = ["ns"]\n[tables.wide]\n'
        f'columns = [{columns}, {{ column = "P2", value = "c", id = "2" }}]\n'
        '[[tables]]\nname = "w"\nrole = "lookup"\nsheet = "Data"\nheader_row = 2\nrows = [3, 4]\n'
        'names = ["", "", "", "", "year", "P1"]\nkey = ["year", "id"]\njoined_to = "layers"\n'
        f"[tables.wide]\ncolumns = [{columns}]",
        fields='site_id = { column = "id" }\nlongitude = { constant = "36.71234" }\nlatitude = { constant = "-1.21234" }\n'
        'sampling_date = { column = "year" }\ndepth_range = { constant = "0-20" }',
        values='column = "c"\nproperty = "soc"\nunit = "%"',
    )
    return read(path, mapping, today=TODAY)


def test_two_tables_side_by_side_are_joined_and_each_value_names_its_cell(tmp_path: Path):
    found = two_tables(tmp_path)
    rows = found.results.select("property", "value", "column").rows()
    assert sorted(rows) == [
        ("soc", 10.0, "P1"),
        ("soc", 11.0, "P1"),
        ("soc", 20.0, "P2"),
        ("soil_mass_reported", 2500.0, "w: P1, row 3"),
    ]


def test_rows_outside_two_tables_of_one_sheet_are_counted_once(tmp_path: Path):
    main, weights = two_tables(tmp_path).report.ledger
    assert (main.rows_read, main.stored, dict(main.ignored)) == (
        7, 3, {"NO_VALUES": 1, "ROW_BLANK": 1, "ROW_OUTSIDE": 2},
    )  # fmt: skip
    assert (weights.rows_read, weights.stored, dict(weights.ignored)) == (2, 1, {"NOT_REFERENCED": 1})


def test_joined_row_without_its_key_is_refused_by_its_row(tmp_path: Path):
    (tmp_path / "more.csv").write_text("id,lab\nA,one\n,two\n", encoding="utf-8")
    mapping = mapping_of(
        tables='name = "layers"\nrole = "layers"\nfile = "small.csv"\n'
        '[[tables]]\nname = "more"\nrole = "lookup"\nfile = "more.csv"\nkey = ["id"]\njoined_to = "layers"',
        values='column = "c"\nproperty = "soc"\nunit = "g/kg"\nlaboratory = { column = "more.lab" }',
    )
    found = mapped(tmp_path, mapping, "id,x,y,top,bottom,c\nA,36.71234,-1.21234,0,10,5\n")
    assert found.results["laboratory"].to_list() == ["one"]
    bad = issue(found, "KEY_MISSING")
    assert (bad.file, bad.row) == ("more.csv", 3)
    assert dict(found.report.ledger[1].refused) == {"KEY_MISSING": 1}


PARTS = mapping_of(
    values='column = "c"\nproperty = "soc"\nunit = "g/kg"\n[[values]]\ncolumn = "bd"\n'
    'property = "bulk_density_fine_earth"\nunit = "g/cm3"\n[[values]]\ncolumn = "cf"\n'
    'property = "coarse_fragments_volume"\nunit = "%"\n[[values]]\ncolumn = "stock"\n'
    'property = "soc_stock_reported"\nunit = "g C/m2"',
)


def test_reported_stock_that_does_not_follow_from_its_parts_is_flagged_and_kept(tmp_path: Path):
    head = "id,x,y,top,bottom,c,bd,cf,stock\n"
    # 20 g/kg x 1.3 g/cm3 x 0.9 x 10 cm is 23.4 t/ha, 2340 g/m2; without density there is nothing to compare.
    rows = ("A,36.71,-1.21,0,10,20,1.3,10,2340", "B,36.72,-1.22,0,10,20,1.3,10,234", "C,36.73,-1.23,0,10,20,,10,234")
    found = mapped(tmp_path, PARTS, head + "\n".join(rows) + "\n")
    stocks = found.results.filter(pl.col("property") == "soc_stock_reported")
    assert stocks["value"].to_list() == pytest.approx([23.4, 2.34, 2.34])
    assert [("STOCK_MISMATCH" in flags) for flags in stocks["flags"]] == [False, True, False]
    assert issue(found, "STOCK_MISMATCH").message == "The stock is given as 2.34 t/ha; its parts give 23.4 t/ha."


@pytest.mark.parametrize(
    ("form", "text", "day"),
    [
        ("mm/dd/yyyy", "03/14/2019", "2019-03-14"),
        ("dd/mm/yy", "14-03-19", "2019-03-14"),
        ("dd/mm/yy", "14.03.85", "1985-03-14"),
        ("yyyymmdd", "20190314", "2019-03-14"),
        ("excel", "43538", "2019-03-14"),
        ("excel", "43538.5", "2019-03-14"),
    ],
)
def test_date_is_read_in_the_form_that_is_declared(tmp_path: Path, form: str, text: str, day: str):
    mapping = mapping_of(f'[dates]\nforms = ["{form}"]', fields=FIELDS + '\nsampling_date = { column = "d" }')
    found = mapped(tmp_path, mapping, f"id,x,y,top,bottom,c,d\nA,36.71234,-1.21234,0,10,5,{text}\n")
    assert found.visits.select("sampled_from", "date_precision").rows() == [(dt.date.fromisoformat(day), "day")]


def test_depths_follow_from_middle_and_thickness(tmp_path: Path):
    fields = FIELDS.replace("top_cm", "middle_cm").replace("bottom_cm", "thickness_cm")
    found = mapped(
        tmp_path, mapping_of(fields=fields), "id,x,y,top,bottom,c\nA,36.71,-1.21,5,10,5\nA,36.71,-1.21,20,20,4\n"
    )
    assert found.layers.select("top_cm", "bottom_cm").rows() == [(0, 10), (10, 30)]


# The two sheets of Rothamsted that were made for people ----------------------------------------------------------------

ROTHAMSTED = (SHARED or Path()) / "data" / "rothamsted-long-term"
needs_data = pytest.mark.skipif(SHARED is None, reason="the public data sets are not here")


def numbers(path: Path, columns: list[int], rows: list[int]) -> list[float]:
    """Numbers of a block of cells, row by row; what is no number is left out."""
    raw = pd.read_excel(path, sheet_name="Data", header=None, engine="calamine")
    block = raw.iloc[[row - 1 for row in rows], columns].to_numpy().ravel()
    return [cell for cell in block if isinstance(cell, int | float) and not np.isnan(cell)]


@needs_data
def test_hoosfield_gives_a_reported_stock_for_each_plot_and_year():
    found = read(ROTHAMSTED / "hoosfield" / "01-HBSOC1852-data.csv", load_mapping("rothamsted-hoosfield"), today=TODAY)
    (ledger,) = found.report.ledger
    assert (ledger.rows_read, ledger.stored, dict(ledger.ignored)) == (50, 24, {"ROW_BLANK": 8, "ROW_OUTSIDE": 18})
    raw = numbers(ROTHAMSTED / "hoosfield" / "01-HBSOC1852-data.xlsx", [2, 3, 4], [*range(6, 14)])
    assert values(found, "soc_stock_reported") == raw
    assert set(found.results["property"]) == {"soc_stock_reported"}
    assert found.layers.select("top_cm", "bottom_cm").unique().rows() == [(0, 23)]
    assert dict(found.results["status"].value_counts().rows()) == {"assumed": 3, "measured": 21}
    assert (found.sites.height, found.sites["cluster"].unique().to_list()) == (3, ["Hoosfield spring barley"])
    assert found.sites["coord_uncertainty_m"].unique().to_list() == [200]


@needs_data
def test_hoosfield_workbook_gives_what_its_csv_gives():
    mapping = load_mapping("rothamsted-hoosfield")
    one, other = (
        read(ROTHAMSTED / "hoosfield" / f"01-HBSOC1852-data.{ending}", mapping, today=TODAY)
        for ending in ("csv", "xlsx")
    )
    assert one.results.drop("reported_value").equals(other.results.drop("reported_value"))
    assert one.visits.drop("file", "sheet").equals(other.visits.drop("file", "sheet"))


@needs_data
def test_broadbalk_contents_weights_and_stocks_are_those_of_the_sheet():
    path = ROTHAMSTED / "broadbalk" / "02-BKSOC1843-data.xlsx"
    found = read(path, load_mapping("rothamsted-broadbalk"), today=TODAY)
    contents, weights, stocks = found.report.ledger
    assert (contents.rows_read, contents.stored) == (141, 82)
    assert dict(contents.ignored) == {"NO_VALUES": 20, "ROW_BLANK": 7, "ROW_OUTSIDE": 32}
    assert (weights.rows_read, weights.stored) == (60, 60)
    assert (stocks.rows_read, stocks.stored, dict(stocks.refused)) == (102, 96, {"KEY_MISSING": 6})

    plots = [1, 2, 3, 4, 5, 7]
    soc = numbers(path, plots, [*range(13, 30)])
    assert values(found, "soc") == pytest.approx([10 * value for value in soc])
    assert len(soc) == 78
    # Row 38 lacks its year.
    stock = numbers(path, plots, [row for row in range(35, 52) if row != 38])
    assert sorted(values(found, "soc_stock_reported")) == pytest.approx(sorted(stock))


@needs_data
def test_broadbalk_stock_follows_from_its_content_and_soil_weight():
    path = ROTHAMSTED / "broadbalk" / "02-BKSOC1843-data.xlsx"
    found = read(path, load_mapping("rothamsted-broadbalk"), today=TODAY)
    layers = found.layers.join(found.visits, on="visit_key").select("layer_key", "profile_id", "sampled_from")
    wide = found.results.pivot("property", index="layer_key", values="value").join(layers, on="layer_key")  # noqa: PD010  (polars)
    plot_3 = wide.filter(profile_id="3", sampled_from=dt.date(1865, 1, 1)).row(0, named=True)
    assert (plot_3["soc"], plot_3["soil_mass_reported"]) == pytest.approx((9.4, 2880))
    assert plot_3["soc_stock_reported"] == pytest.approx(27.072)
    inorganic = wide.filter(pl.col("profile_id").is_in(["3", "5", "8"])).drop_nulls()
    np.testing.assert_allclose(
        inorganic["soc"] * inorganic["soil_mass_reported"] / 1000, inorganic["soc_stock_reported"], rtol=1e-6
    )
    assert inorganic.height == 23


@needs_data
def test_year_with_a_note_of_broadbalk_is_the_year_and_the_note():
    path = ROTHAMSTED / "broadbalk" / "02-BKSOC1843-data.xlsx"
    visits = read(path, load_mapping("rothamsted-broadbalk"), today=TODAY).visits
    year = visits.filter(pl.col("sampled_from") == dt.date(1987, 1, 1))
    assert year["remarks"].unique().to_list() == ["Mean of sections 1 and 9 only."]
    assert sorted(visits["sampled_from"].dt.year().unique()) == [
        1843, 1865, 1881, 1884, 1893, 1914, 1936, 1944, 1966, 1967, 1987, 1992, 1997, 2000, 2005, 2010, 2015,
    ]  # fmt: skip
