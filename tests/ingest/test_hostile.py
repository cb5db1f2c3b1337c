"""Whatever stands in the cells: an import ends with a report that closes, or with a refusal that says why."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import RefusedFile
from app.ingest.columns import SCHEMA
from app.ingest.mapping import load_mapping
from app.ingest.read import read
from app.soil.properties import PROPERTIES
from tests.ingest.builders import ROW, TODAY, mapped, mapping_of, written

HOSTILE = (
    "", " ", "0", "-0", "1", "-1", "10", "20", "20+", "10/15", "0-23", "1e308", "-1e308", "1e-320", "NaN", "inf", "<", "<0", ">60",
    "1,5", "1,234", "1.234,5", "NA", "*", "-9999", "-99", "n.d.", "tr", "S1", "S|2", "P\\1", "A\nB", 'say "hi"', "=1+1", "é", "\u202e",
    "2019", "2019-02-30", "9999-12-31", "0001-01-01", "1840-01-01", "03/04/2015", "BR", "NAM", "%", "g/kg", "t/ha", "organic_top", "Oi",
    "fine_earth", "whole", "volume", "OrgC_wc", "pHKCl", "single", "90", "180", "-180.0000001", "36.74062", "CC0-1.0", "{site_id}", "x" * 300,
)  # fmt: skip
COLUMNS = tuple(
    column.name for column in SCHEMA if column.name not in {"licence", "project", "design", "contact_orcid"}
)

cells = st.dictionaries(st.sampled_from(COLUMNS), st.sampled_from(HOSTILE), max_size=8)
patient = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@patient
@given(rows=st.lists(cells, min_size=1, max_size=8), delimiter=st.sampled_from(",;\t"))
def test_hostile_cells_never_break_an_import(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], delimiter: str
):
    path = written(tmp_path_factory.mktemp("t"), [{**ROW, **changes} for changes in rows], delimiter=delimiter)
    try:
        found = read(path, load_mapping(), today=TODAY)
    except RefusedFile:
        return
    assert found.layers.filter(~(pl.col("bottom_cm") > pl.col("top_cm"))).is_empty()
    assert found.layers.filter((pl.col("top_cm") < 0) & (pl.col("kind") == "mineral")).is_empty()
    assert found.layers.select("visit_key").join(found.visits, on="visit_key", how="anti").is_empty()
    assert found.visits.select("site_key").join(found.sites, on="site_key", how="anti").is_empty()
    assert found.sites.filter(
        ~pl.col("longitude").is_between(-180, 180) | ~pl.col("latitude").is_between(-90, 90)
    ).is_empty()
    assert found.visits.filter(
        pl.struct("site_key", "profile_id", "replicate", "sampled_from").is_duplicated()
    ).is_empty()
    assert found.results.filter(pl.struct("layer_key", "property", "column").is_duplicated()).is_empty()
    for code, value in found.results.select("property", "value").iter_rows():
        low, high = PROPERTIES[code].possible
        assert low <= value <= high
    assert len(found.report.issues) <= sum(found.report.counts.values())


@patient
@given(rows=st.lists(st.lists(st.sampled_from(HOSTILE), min_size=6, max_size=6), min_size=1, max_size=8))
def test_hostile_cells_never_break_a_mapping(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]):
    text = (
        '[position]\ncrs = "EPSG:32723"\narea = [170, -90, -170, 90]\nlongitude_sign = "west"\n'
        '[depths]\nunit = "m"\nupward_depths_are_heights = true\n[rows]\nignore_without_values = true\n'
    )
    quoted = ['"' + '","'.join(cell.replace('"', '""') for cell in line) + '"' for line in rows]
    folder: Path = tmp_path_factory.mktemp("t")
    try:
        found = mapped(folder, mapping_of(text), "id,x,y,top,bottom,c\n" + "\n".join(quoted) + "\n")
    except RefusedFile:
        return
    assert found.report.rows_read == found.report.rows_stored + found.report.rows_refused + found.report.rows_ignored
