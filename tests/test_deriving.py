"""What a derived figure carries: the rules raised on its site, its layers and its values, its basis and its version."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl
import pytest
from sqlalchemy import Connection, Engine, text

from app.db import session
from app.db.session import Database
from app.ingest.mapping import load_mapping
from app.ingest.read import read
from app.pipelines import deriving, importing
from app.pipelines.profiles import Profiles
from app.soil import carbon
from tests.builders import Site, store
from tests.conftest import SAMPLES


@pytest.fixture(scope="module")
def engine(another: Callable[[str], Database]) -> Iterator[Engine]:
    with session.disposing(another("deriving").worker_engine()) as here:
        yield here


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as here:
        yield here
        here.rollback()


def two_profiles(connection: Connection, **site: Any) -> UUID:
    """Two sites with layers of 20 cm: 0-20, 20-40 and 40-60."""
    return store(
        connection,
        "flagged",
        [
            Site(key=key, lon=37.0, lat=0.5, region="country-KEN", soc=(20.0, 10.0, 5.0), thickness=20.0, **site)
            for key in ("here", "there")
        ],
    )


def flag(connection: Connection, layer: str, top: float, key: str = "here") -> None:
    connection.execute(
        text(
            f"UPDATE core.layer l SET {layer} FROM core.visit v JOIN core.site s ON s.id = v.site_id "
            "WHERE v.id = l.visit_id AND s.own_id = :key AND l.top_cm = :top"
        ),
        {"key": key, "top": top},
    )


def flag_value(connection: Connection, property_code: str, top: float, codes: str) -> None:
    """Flag one value of a layer, wherever it stands among the values."""
    connection.execute(
        text(
            "UPDATE core.layer l SET result_flags = coalesce(l.result_flags, '{}') || jsonb_build_object(a.place::text, CAST(:codes AS jsonb)) "
            "FROM core.visit v JOIN core.site s ON s.id = v.site_id, core.layer own "
            "CROSS JOIN LATERAL unnest(own.procedures) WITH ORDINALITY AS a (id, place) JOIN core.procedure p ON p.id = a.id "
            "WHERE own.id = l.id AND v.id = l.visit_id AND s.own_id = 'here' AND l.top_cm = :top AND p.property = :property"
        ),
        {"codes": codes, "top": top, "property": property_code},
    )


def derived(connection: Connection, dataset: UUID) -> dict[tuple[str, str], Any]:
    deriving.derive(connection, dataset)
    rows = connection.execute(
        text(
            "SELECT s.own_id, d.quantity, d.flags, d.tier, d.value, d.mass_basis, d.interpolation, d.n_layers, d.method_version "
            "FROM core.derived d JOIN core.visit v ON v.id = d.visit_id JOIN core.site s ON s.id = v.site_id"
        )
    )
    return {(row.own_id, row.quantity): row for row in rows}


def test_rules_raised_on_site_layers_and_values_ride_along_and_leave_value_and_tier_alone(connection: Connection):
    dataset = two_profiles(connection)
    before = derived(connection, dataset)
    assert before["here", "soc_stock"].flags == []
    flag(connection, "flags = '{GAP,SWAPPED}'", 0)
    flag(connection, "flags = '{GAP}'", 20)
    flag_value(connection, "soc", 20, '["UNUSUAL", "ROUNDED"]')
    connection.execute(text("UPDATE core.site SET flags = '{COARSE_POSITION}' WHERE own_id = 'here'"))
    after = derived(connection, dataset)
    assert after["here", "soc_stock"].flags == ["GAP", "ROUNDED", "SWAPPED", "UNUSUAL", "COARSE_POSITION"]
    assert after["there", "soc_stock"].flags == []
    for key in before:
        assert (after[key].value, after[key].tier) == (before[key].value, before[key].tier)
    assert after["here", "soc_stock"].tier == "A"


def test_rules_of_layers_below_the_interval_stay_there(connection: Connection):
    dataset = two_profiles(connection)
    flag(connection, "flags = '{DEEP}'", 40)
    flag_value(connection, "soc", 40, '["DEEP_TOO"]')
    assert derived(connection, dataset)["here", "soc_stock"].flags == []


def test_rules_of_values_a_figure_does_not_use_are_not_its_own(connection: Connection):
    dataset = two_profiles(connection)
    flag_value(connection, "bulk_density_fine_earth", 0, '["HEAVY"]')
    flag_value(connection, "coarse_fragments_volume", 0, '["STONY"]')
    flag_value(connection, "soc", 0, '["RICH"]')
    found = derived(connection, dataset)
    assert found["here", "soc_stock"].flags == ["HEAVY", "RICH", "STONY"]
    assert found["here", "soc_content"].flags == ["RICH"]


def test_marks_of_the_computation_come_before_the_rules(connection: Connection):
    dataset = two_profiles(connection)
    connection.execute(text("UPDATE core.layer SET kind = 'organic', flags = '{LITTER}' WHERE top_cm = 40"))
    flag(connection, "top_cm = 0.5, flags = '{LATE_START}'", 0)
    found = derived(connection, dataset)["here", "soc_stock"].flags
    assert found == ["stretched", "organic_layer_excluded", "LATE_START"]


def test_a_refused_figure_carries_them_too(connection: Connection):
    dataset = two_profiles(connection, density=None)
    flag(connection, "flags = '{GAP}'", 0)
    found = derived(connection, dataset)["here", "soc_stock"]
    assert (found.value, found.tier, found.flags) == (None, None, ["GAP"])


def test_basis_curve_version_and_number_of_layers_are_those_of_the_computation(connection: Connection):
    found = derived(connection, two_profiles(connection))
    stated = {(row.mass_basis, row.interpolation, row.method_version, row.n_layers) for row in found.values()}
    # Of three layers of 20 cm, two lie in 0-30 cm.
    assert stated == {("fixed_depth", "none", carbon.METHOD_VERSION, 2)}


def raised(of_layers: list[str | None], of_values: list[tuple[int, str, str | None]]) -> Any:
    """Rules on the layers of one profile, from the flags of the layers and those of values (layer, property, flags)."""
    text_columns = {"property": pl.String, "flags": pl.String}
    found = Profiles(
        visits=pl.Series(["v"]),
        rock=np.array([np.nan]),
        site_flags=pl.Series([[]], dtype=pl.List(pl.String)),
        layers=pl.DataFrame({"flags": of_layers}, schema={"flags": pl.String}),
        values=pl.DataFrame(of_values, schema={"layer": pl.Int64, **text_columns}, orient="row"),
    )
    return deriving._rule_ids(found, ("soc",))


def test_layers_share_the_sets_of_rules_they_have_in_common():
    found = raised(["W", "Y X", None, "X"], [(3, "soc", "Y X"), (3, "clay", "Z"), (2, "soc", None), (1, "soc", None)])
    assert found.tolist() == [("W",), ("X", "Y"), (), ("X", "Y")]
    assert found[1] is found[3]
    assert found.shape == (4,)


def test_a_layer_can_carry_more_rules_than_a_number_has_bits():
    codes = [f"RULE_{number:03}" for number in range(150)]
    found = raised([codes[70], codes[0], None], [(0, "soc", " ".join(codes)), (1, "soc", codes[149]), (2, "soc", None)])
    assert found.tolist() == [tuple(codes), (codes[0], codes[149]), ()]


def test_no_layer_flagged_and_no_layers_at_all_are_no_rules():
    assert raised([None], []).tolist() == [()]
    empty = raised([], [])
    assert empty.shape == (0,)
    assert empty.dtype == np.dtype(object)


def test_profiles_of_an_import_and_of_what_it_stored_are_the_same(connection: Connection):
    """Stocks come from the frames that were stored, or later from the database: both must be the same arrays."""
    found = read(SAMPLES / "synthetic_soil.csv", load_mapping(), today=dt.date(2026, 1, 1))
    short = dataclasses.replace(load_mapping(), dataset=dataclasses.replace(found.dataset, slug="both"))
    stored = importing.import_file(
        connection, SAMPLES / "synthetic_soil.csv", short, max_bytes=10**8, today=dt.date(2026, 1, 1)
    )
    assert stored.dataset is not None
    query = text(
        "SELECT d.* FROM core.derived d JOIN core.visit v ON v.id = d.visit_id JOIN core.site s ON s.id = v.site_id "
        "WHERE s.dataset_id = :d ORDER BY d.visit_id, d.quantity, d.upper_cm, d.lower_cm"
    )
    of_frames = connection.execute(query, {"d": stored.dataset}).all()
    deriving.derive(connection, stored.dataset)
    of_database = connection.execute(query, {"d": stored.dataset}).all()
    assert len(of_frames) > 1000
    assert of_frames == of_database
