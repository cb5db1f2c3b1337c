"""The schema in the database: as the models say, explained in every column, and closed to impossible states."""

from pathlib import Path

import psycopg.errors
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from app.db import migrations
from app.db.session import Database
from app.db.tables import metadata

OURS = ("core", "pub")


def test_models_and_migrations_describe_the_same_tables(database: Database):
    engine = database.owner_engine()
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name in OURS,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_check_constraints_of_the_models_are_in_the_database(connection: Connection):
    stored = set(
        connection.scalars(
            text(
                "SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace IN ('core'::regnamespace, 'pub'::regnamespace)"
            )
        )
    )
    declared = {
        str(constraint.name)
        for table in metadata.tables.values()
        for constraint in table.constraints
        if type(constraint).__name__ == "CheckConstraint"
    }
    rendered = {
        f"{t.name}_{c.name}_check" if not str(c.name).endswith("_check") else str(c.name)
        for t in metadata.tables.values()
        for c in t.constraints
        if type(c).__name__ == "CheckConstraint"
    }
    assert len(declared) > 50
    assert rendered == stored


def test_every_table_and_column_is_explained(connection: Connection):
    silent = connection.execute(
        text(
            "SELECT table_schema, table_name, column_name FROM information_schema.columns "
            "WHERE table_schema IN ('core', 'pub') "
            "AND col_description((quote_ident(table_schema) || '.' || quote_ident(table_name))::regclass, ordinal_position) IS NULL"
        )
    ).all()
    assert silent == []


def test_numbers_name_their_unit_in_the_comment():
    units = (
        "[",
        "share",
        "Share",
        "unit",
        "zoom",
        "scaling",
        "factor",
        "Factor",
        "value",
        "Value",
        "median",
        "Median",
        "quartile",
        "level",
        "error",
        "deviation",
        "degrees",
        "limit",
        "probability",
        "Effective",
    )
    for table in metadata.tables.values():
        for column in table.columns:
            if str(column.type) in {"DOUBLE PRECISION", "DOUBLE_PRECISION"}:
                assert any(word in str(column.comment) for word in units), f"{table}.{column.name}: {column.comment}"


def test_migrating_twice_changes_nothing(database: Database):
    engine = database.owner_engine()
    first = migrations.upgrade(engine)
    assert migrations.upgrade(engine) == first
    assert not migrations.pending(engine)
    engine.dispose()


def test_first_migration_is_one_readable_file():
    files = sorted(p.name for p in migrations.FOLDER.glob("versions/*"))
    assert next(f for f in files if f.endswith(".sql")) == "2026-11-23-0000_data_model.sql"
    body = Path(migrations.FOLDER / "versions" / "2026-11-23-0000_data_model.sql").read_text(encoding="utf-8")
    assert body.count("COMMENT ON TABLE") == len(metadata.tables)


# --- Who may read what ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def web(database: Database):
    engine = database.web_engine(pool_size=1, timeout_s=5)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("table", sorted(t.fullname for t in metadata.tables.values() if t.schema == "core"))
def test_public_role_cannot_read_core(web: Engine, table: str):
    schema, name = table.split(".")
    with web.connect() as connection, pytest.raises(DBAPIError) as refusal:
        connection.execute(text(f'SELECT * FROM {schema}."{name}"'))
    assert isinstance(refusal.value.orig, psycopg.errors.InsufficientPrivilege)


@pytest.mark.parametrize("table", sorted(t.fullname for t in metadata.tables.values() if t.schema == "pub"))
def test_public_role_reads_pub_and_cannot_change_it(web: Engine, table: str):
    with web.connect() as connection:
        connection.execute(text(f"SELECT * FROM {table} LIMIT 1"))
        with pytest.raises(DBAPIError) as refusal:
            connection.execute(text(f"DELETE FROM {table}"))
    assert isinstance(refusal.value.orig, psycopg.errors.InsufficientPrivilege)


def test_public_role_cannot_read_the_job_queue(web: Engine):
    with web.connect() as connection, pytest.raises(DBAPIError) as refusal:
        connection.execute(text("SELECT * FROM procrastinate_jobs"))
    assert isinstance(refusal.value.orig, psycopg.errors.InsufficientPrivilege)


def test_a_login_without_own_role_is_switched_before_the_first_query(database: Database):
    from app.db.session import WEB_ROLE, _switched

    engine = database.engine(_switched(database.owner, WEB_ROLE))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT current_user")) == WEB_ROLE
    engine.dispose()


# --- Impossible states ----------------------------------------------------------------------------------------------

DATASET = (
    "INSERT INTO core.dataset (id, slug, title, licence, licence_class, location_precision, surface_convention, "
    "bulk_density_basis, coarse_fragments_basis, sampling_design, state) VALUES "
    "('00000000-0000-4000-8000-000000000001', 'd', 't', 'CC0-1.0', 'open', 'exact', 'mineral', 'unknown', 'unknown', 'legacy', 'draft')"
)
UPLOAD = (
    "INSERT INTO core.upload (id, dataset_id, filename, size_bytes, sha256, mapping, rules_version, state, report) VALUES "
    "('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', 'f', 1, sha256('x'), 'standard', '1', 'stored', '{}')"
)
SITE = (
    "INSERT INTO core.site (id, dataset_id, upload_id, own_id, position_text, position_crs, geom, source_file, source_row) VALUES "
    "('00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002', "
    "'s', '0 0', 'EPSG:4326', ST_SetSRID(ST_MakePoint({lon}, {lat}), 4326), 'f', 2)"
)
VISIT = (
    "INSERT INTO core.visit (id, site_id, own_id, sampling_kind, sampled_from, sampled_to, date_precision, source_file, source_row) VALUES "
    "('00000000-0000-4000-8000-000000000004', '00000000-0000-4000-8000-000000000003', 'p', 'single', {first}, {last}, '{precision}', 'f', 2)"
)
LAYER = (
    "INSERT INTO core.layer (visit_id, top_cm, bottom_cm, kind, source_file, source_row) VALUES "
    "('00000000-0000-4000-8000-000000000004', {top}, {bottom}, '{kind}', 'f', 2)"
)
PROPERTY = (
    "INSERT INTO pub.observed_property (code, title, unit, ucum, definition, possible_min, possible_max) VALUES "
    "('soc', 's', 'g/kg', 'g/kg', 'd', 0, 580) ON CONFLICT DO NOTHING"
)
DERIVED = (
    "INSERT INTO core.derived (visit_id, quantity, upper_cm, lower_cm, mass_basis, value, coverage, reason, method_version) VALUES "
    "('00000000-0000-4000-8000-000000000004', 'soc_stock', 0, 30, 'fixed_depth', {value}, {coverage}, {reason}, '1')"
)
REGION = (
    "WITH r AS (INSERT INTO core.region (id, kind, code, name_en, geom, area_km2, cell_count, source, licence) VALUES "
    "('custom-x', 'custom', 'x', 'X', ST_Multi(ST_MakeEnvelope(9, 49, 11, 51, 4326)), 1, 1, 's', 'l') RETURNING id) "
    "INSERT INTO core.site_region (site_id, region_id, distance_m) "
    "SELECT '00000000-0000-4000-8000-000000000003', id, 0 FROM r"
)
SOUND = [
    DATASET,
    UPLOAD,
    SITE.format(lon=10, lat=50),
    VISIT.format(first="'2020-01-01'", last="'2020-01-01'", precision="day"),
    LAYER.format(top=0, bottom=10, kind="mineral"),
    PROPERTY,
]


@pytest.fixture
def profile(connection: Connection) -> Connection:
    for statement in SOUND:
        connection.execute(text(statement))
    return connection


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        (SITE.format(lon=181, lat=0), "site_position_on_earth_check"),
        (SITE.format(lon=0, lat=-91), "site_position_on_earth_check"),
        (VISIT.format(first="NULL", last="NULL", precision="day"), "visit_date_has_precision_check"),
        (VISIT.format(first="'2020-02-01'", last="'2020-01-01'", precision="day"), "visit_dates_are_ordered_check"),
        (VISIT.format(first="'1500-01-01'", last="'1500-01-01'", precision="day"), "visit_date_is_plausible_check"),
        (LAYER.format(top=10, bottom=10, kind="mineral"), "layer_bottom_below_top_check"),
        (LAYER.format(top=10, bottom=5, kind="mineral"), "layer_bottom_below_top_check"),
        (LAYER.format(top=-5, bottom=0, kind="mineral"), "layer_above_surface_is_organic_check"),
        (DERIVED.format(value="NULL", coverage=0, reason="NULL"), "derived_value_or_reason_check"),
        (DERIVED.format(value=50, coverage=1, reason="'soc_missing'"), "derived_value_or_reason_check"),
        (DERIVED.format(value="'NaN'", coverage=1, reason="NULL"), "derived_value_is_a_number_check"),
        (DERIVED.format(value=-1, coverage=1, reason="NULL"), "derived_value_is_a_number_check"),
        (DERIVED.format(value=50, coverage=1.2, reason="NULL"), "derived_coverage_is_a_share_check"),
        (
            "UPDATE core.upload SET rows_read = 3, rows_stored = 1, rows_refused = 1, rows_ignored = 0",
            "upload_ledger_closes_check",
        ),
        ("UPDATE core.dataset SET slug = 'Not safe'", "dataset_slug_is_url_safe_check"),
        ("UPDATE core.dataset SET licence_class = 'mine'", "dataset_licence_class_known_check"),
        ("INSERT INTO pub.release VALUES (0, now(), 'publish', 's', sha256('x'))", "release_number_is_positive_check"),
    ],
)
def test_impossible_state_is_refused_by_name(profile: Connection, statement: str, constraint: str):
    # A second row under another id, so that only the rule under test can refuse it.
    fresh = statement.replace(
        "'00000000-0000-4000-8000-00000000000"
        + {"SITE": "3", "VISIT": "4"}.get(
            statement.split("(", maxsplit=1)[0].rsplit(".", maxsplit=1)[-1].strip().upper(), "x"
        )
        + "'",
        "gen_random_uuid()",
        1,
    )
    with pytest.raises(DBAPIError) as refusal:
        profile.execute(text(fresh))
    assert constraint in str(refusal.value.orig)


RESULTS = (
    "UPDATE core.layer SET procedures = '{procedures}', result_values = '{values}', result_texts = '{texts}', "
    "result_qualifiers = {qualifiers}, result_uncertainties = {uncertainties}"
)


@pytest.mark.parametrize(
    ("given", "constraint"),
    [
        ({"values": "{NaN}"}, "layer_values_are_numbers_check"),
        ({"values": "{Infinity}"}, "layer_values_are_numbers_check"),
        ({"values": "{-Infinity}"}, "layer_values_are_numbers_check"),
        ({"values": "{NULL}"}, "layer_results_are_said_check"),
        ({"texts": "{NULL}"}, "layer_results_are_said_check"),
        ({"values": "{1,2}"}, "layer_results_are_whole_check"),
        ({"texts": "{}"}, "layer_results_are_whole_check"),
        ({"qualifiers": "'=='"}, "layer_results_are_whole_check"),
        ({"qualifiers": "'?'"}, "layer_qualifiers_known_check"),
        ({"uncertainties": "'{1,2}'"}, "layer_results_are_whole_check"),
        ({"uncertainties": "'{0}'"}, "layer_uncertainties_are_positive_check"),
    ],
)
def test_results_of_a_layer_are_whole_and_are_numbers(profile: Connection, given: dict[str, str], constraint: str):
    sound = {"procedures": "{1}", "values": "{20}", "texts": "{20.0}", "qualifiers": "NULL", "uncertainties": "NULL"}
    profile.execute(text(RESULTS.format_map(sound)))
    with pytest.raises(DBAPIError, match=constraint):
        profile.execute(text(RESULTS.format_map({**sound, **given})))


BULK_LINKS = [
    (table.fullname, column.name, column.info["target"])
    for table in metadata.tables.values()
    for column in table.columns
    if "target" in column.info
]


def test_tables_of_millions_refer_to_each_other():
    assert {name for name, _, _ in BULK_LINKS} == {
        "core.site",
        "core.visit",
        "core.site_region",
        "core.layer",
        "core.derived",
    }


@pytest.mark.parametrize(("table", "column", "target"), BULK_LINKS)
def test_bulk_link_refuses_what_is_not_there(profile: Connection, table: str, column: str, target: str):
    profile.execute(text(DERIVED.format(value=50, coverage=1, reason="NULL")))
    profile.execute(text(REGION))
    assert profile.scalar(text(f"SELECT count(*) FROM {table}")) == 1
    with pytest.raises(DBAPIError, match=f"refers to .* in {target}, which is not there") as refusal:
        profile.execute(text(f"UPDATE {table} SET {column} = gen_random_uuid()"))
    assert isinstance(refusal.value.orig, psycopg.errors.ForeignKeyViolation)


@pytest.mark.parametrize(("table", "column", "target"), BULK_LINKS)
def test_bulk_link_goes_with_what_it_refers_to(profile: Connection, table: str, column: str, target: str):
    profile.execute(text(DERIVED.format(value=50, coverage=1, reason="NULL")))
    profile.execute(text(REGION))
    with pytest.raises(DBAPIError, match="never changes"), profile.begin_nested():
        profile.execute(text(f"UPDATE {target} SET id = gen_random_uuid()"))
    # An upload holds its dataset fast; here it is the sites that are asked about.
    profile.execute(text("UPDATE core.upload SET dataset_id = NULL"))
    profile.execute(text(f"DELETE FROM {target} WHERE id IN (SELECT {column} FROM {table})"))
    assert profile.scalar(text(f"SELECT count(*) FROM {table}")) == 0


def test_values_read_as_one_row_each(profile: Connection):
    procedure = profile.scalar(
        text(
            "INSERT INTO core.procedure (upload_id, property, reported_unit, method, status, source_column) VALUES "
            "('00000000-0000-4000-8000-000000000002', 'soc', '%', 'OrgC_dc', 'measured', 'c') RETURNING id"
        )
    )
    profile.execute(
        text(
            "UPDATE core.layer SET procedures = ARRAY[CAST(:p AS int)], result_values = '{20}', result_texts = '{<2.0}', "
            "result_qualifiers = '<', result_uncertainties = '{0.5}', result_flags = '{\"1\": [\"VALUE_UNUSUAL\"]}'"
        ),
        {"p": procedure},
    )
    row = profile.execute(text("SELECT * FROM core.result")).one()
    assert (row.property, row.value, row.qualifier, row.uncertainty) == ("soc", 20.0, "<", 0.5)
    assert (row.reported_value, row.reported_unit, row.method) == ("<2.0", "%", "OrgC_dc")
    assert (row.status, row.flags, row.source_column, row.laboratory) == ("measured", ["VALUE_UNUSUAL"], "c", None)
    assert row.id.version == 8
    assert row.id == profile.execute(text("SELECT id FROM core.result")).scalar()


def test_audit_log_is_append_only(database: Database):
    engine = database.owner_engine()
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO core.audit (action, target) VALUES ('test', 'nothing')"))
        with pytest.raises(DBAPIError, match="append-only"):
            connection.execute(text("UPDATE core.audit SET action = 'changed'"))
        connection.rollback()
    engine.dispose()


# --- Positions ------------------------------------------------------------------------------------------------------


def test_published_positions_can_be_restored_from_a_dump(connection: Connection):
    """A restore empties the search path, so functions behind generated columns must name their schemas."""
    connection.execute(text("SET LOCAL search_path = ''"))
    key = connection.scalar(text("SELECT pub.morton_key(public.ST_SetSRID(public.ST_MakePoint(1, 2), 4326))"))
    connection.execute(text("SET LOCAL search_path = public"))
    assert key == connection.scalar(text("SELECT pub.morton_key(ST_SetSRID(ST_MakePoint(1, 2), 4326))"))


def test_morton_key_numbers_the_tile_of_each_zoom(connection: Connection):
    import morecantile

    matrices = morecantile.tms.get("WebMercatorQuad")
    for lon, lat in ((-43.2, -22.9), (179.99, 85.0), (-179.99, -85.0), (0.0, 0.0), (2.35, 48.86)):
        key = connection.scalar(
            text("SELECT pub.morton_key(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))"), {"lon": lon, "lat": lat}
        )
        for zoom in (0, 1, 7, 14):
            cell = key >> 2 * (24 - zoom)
            x = sum(((cell >> 2 * bit) & 1) << bit for bit in range(24))
            y = sum(((cell >> (2 * bit + 1)) & 1) << bit for bit in range(24))
            tile = matrices.tile(lon, lat, zoom)
            assert (x, y) == (tile.x, tile.y)
