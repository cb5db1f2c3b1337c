"""The public sets go the whole way over HTTP, each with its mapping, and every row is accounted for."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.db.session import Database
from app.ingest.mapping import available_mappings, load_mapping
from tests.conftest import SHARED
from tests.uploads import Desk, desk_on, zipped

pytestmark = pytest.mark.skipif(SHARED is None, reason="the public datasets are not here")

DATA = (SHARED or Path()) / "data"
ROTHAMSTED = DATA / "rothamsted-long-term"


@pytest.fixture(scope="module")
def desk(another: Callable[[str], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk_on(another("public_uploads"), tmp_path_factory.mktemp("public"), rate_limits=False) as here:
        yield here


def body(paths: list[Path]) -> tuple[str, bytes]:
    """A single file as it is, several as one ZIP."""
    if len(paths) == 1:
        return paths[0].name, paths[0].read_bytes()
    return "source.zip", zipped({path.name: path.read_bytes() for path in paths})


def files_of(mapping: str, folder: Path) -> list[Path]:
    return [folder / name for name in dict.fromkeys(table.file for table in load_mapping(mapping).tables) if name]


@pytest.mark.parametrize(
    ("mapping", "place"),
    [
        ("febr", "febr-brazil"),
        ("npctr", "npctr-pedon-soc/McNicoletal-2024-NPCTR-Pedon-SOC-Database.xlsx"),
        ("rothamsted-highfield", "rothamsted-long-term/highfield/soil_data.csv"),
        ("rothamsted-woburn", "rothamsted-long-term/woburn/soil_data.csv"),
        ("rothamsted-broadbalk", "rothamsted-long-term/broadbalk"),
        ("rothamsted-hoosfield", "rothamsted-long-term/hoosfield"),
    ],
)
def test_public_set_is_stored_over_http_and_its_ledger_closes(desk: Desk, mapping: str, place: str):
    assert mapping in available_mappings()
    path = DATA / place
    name, content = body(files_of(mapping, path) if path.is_dir() else [path])
    terms = load_mapping(mapping).dataset
    assert terms is not None
    dataset = desk.dataset(
        mapping,
        title=terms.title,
        licence=terms.licence,
        licence_class=terms.licence_class,
        surface_convention=terms.surface_convention,
        bulk_density_basis=terms.bulk_density_basis,
        coarse_fragments_basis=terms.coarse_fragments_basis,
        sampling_design=terms.sampling_design,
    )
    upload = desk.stored(mapping, content, filename=name, mapping=mapping)
    told = desk.get(f"/uploads/{upload}").json()
    report: Any = desk.get(f"/uploads/{upload}/report").json()
    rows = told["rows"]
    assert rows["read"] == rows["stored"] + rows["refused"] + rows["ignored"]
    assert rows == report["rows"]
    for table in report["tables"]:
        lost = sum(table["refused"].values()) + sum(table["ignored"].values())
        assert table["rows_read"] == table["stored"] + lost, table["file"]
    for column in report["values"]:
        lost = sum(column["refused"].values()) + sum(column["ignored"].values())
        assert column["values_read"] == column["stored"] + column["missing"] + lost, column["column"]

    # The same numbers, counted in the database.
    layers = desk.run(
        "SELECT count(*) FROM core.site s JOIN core.visit v ON v.site_id = s.id JOIN core.layer l ON l.visit_id = v.id "
        "WHERE s.dataset_id = :d",
        d=dataset,
    ).scalar()
    sites, others = desk.run(
        "SELECT count(*), count(*) FILTER (WHERE upload_id <> :u) FROM core.site WHERE dataset_id = :d",
        u=upload,
        d=dataset,
    ).one()
    results = dict(
        desk.run(
            "SELECT r.source_column, count(*) FROM core.site s JOIN core.visit v ON v.site_id = s.id "
            "JOIN core.layer l ON l.visit_id = v.id JOIN core.result r ON r.layer_id = l.id WHERE s.upload_id = :u GROUP BY 1",
            u=upload,
        ).all()
    )
    main = max(report["tables"], key=lambda table: table["rows_read"])
    assert others == 0
    assert sites > 0
    told_results = {c["column"]: c["stored"] for c in report["values"] if c["stored"]}
    if load_mapping(mapping).main.wide is None:
        assert layers == main["stored"]
        assert results == told_results
    else:
        # Values know the column of the file, the ledger the column that was made of several.
        assert sum(results.values()) == sum(told_results.values()) > 0
    kept = desk.run(
        "SELECT rows_read, rows_stored, rows_refused, rows_ignored FROM core.upload WHERE id = :u", u=upload
    )
    assert tuple(kept.one()) == (rows["read"], rows["stored"], rows["refused"], rows["ignored"])
    assert desk.run("SELECT count(*) FROM pub.site WHERE released_from = :r", r=told["release"]).scalar() == sites
