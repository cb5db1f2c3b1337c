-- The data model: what is true (core), what is published (pub), and who may read which.
--
-- core holds exact positions and everything unpublished. pub is a projection that the publishing job writes: released
-- rows only, positions generalised to each dataset's precision, disclosure-controlled estimates. The role that serves
-- the public can read pub and nothing else, so a fault in the service cannot leak what its role cannot select.
--
-- app/db/tables.py describes the same tables for the service; a test compares the two.

CREATE EXTENSION IF NOT EXISTS postgis;

CREATE SCHEMA core;
COMMENT ON SCHEMA core IS 'The truth: exact positions and everything unpublished.';
CREATE SCHEMA pub;
COMMENT ON SCHEMA pub IS 'The published projection: all that the public role can read.';

-- Roles belong to the whole server, so another database on it may have made them already.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'observatory_web') THEN
        CREATE ROLE observatory_web LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'observatory_worker') THEN
        CREATE ROLE observatory_worker LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'observatory_desk') THEN
        CREATE ROLE observatory_desk LOGIN;
    END IF;
EXCEPTION WHEN duplicate_object THEN
    NULL; -- made by another migration at the same moment
END
$$;
-- An owner who is no superuser becomes the public role by SET ROLE, for which it must be a member.
DO $$
BEGIN
    EXECUTE format('GRANT observatory_web, observatory_desk, observatory_worker TO %I', current_user);
EXCEPTION WHEN insufficient_privilege OR invalid_grant_operation THEN
    NULL; -- the service says at its start what is missing
END
$$;

-- Positions --------------------------------------------------------------------------------------------------------

CREATE FUNCTION pub.web_mercator(place geometry) RETURNS geometry(POINT, 3857)
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN public.ST_Transform(
        public.ST_SetSRID(
            public.ST_MakePoint(
                public.ST_X(place),
                greatest(least(public.ST_Y(place), 85.0511287798066), -85.0511287798066)
            ), 4326
        ), 3857
    );
COMMENT ON FUNCTION pub.web_mercator IS 'Position in Web Mercator; latitudes beyond its square are put on its edge.';

CREATE FUNCTION pub.degrees_of(box geometry) RETURNS geometry(POLYGON, 4326)
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    -- Worked out without ST_Transform, which wraps what lies beyond 180 degrees to the other side.
    RETURN public.ST_MakeEnvelope(
        public.ST_XMin(box) / 20037508.342789244 * 180,
        CASE WHEN public.ST_YMin(box) <= -20037508 THEN -90
             ELSE degrees(2 * atan(exp(public.ST_YMin(box) / 6378137)) - pi() / 2) END,
        public.ST_XMax(box) / 20037508.342789244 * 180,
        CASE WHEN public.ST_YMax(box) >= 20037508 THEN 90
             ELSE degrees(2 * atan(exp(public.ST_YMax(box) / 6378137)) - pi() / 2) END,
        4326
    );
COMMENT ON FUNCTION pub.degrees_of IS
    'A box of Web Mercator in degrees. Boxes at the edge of its square reach to the pole, whose points are drawn on the edge.';

CREATE FUNCTION pub.spread_bits(x bigint) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    x := (x | (x << 16)) & 281470681808895;      -- 0x0000ffff0000ffff
    x := (x | (x << 8)) & 71777214294589695;     -- 0x00ff00ff00ff00ff
    x := (x | (x << 4)) & 1085102592571150095;   -- 0x0f0f0f0f0f0f0f0f
    x := (x | (x << 2)) & 3689348814741910323;   -- 0x3333333333333333
    RETURN (x | (x << 1)) & 6148914691236517205; -- 0x5555555555555555
END
$$;
COMMENT ON FUNCTION pub.spread_bits IS 'The lower 32 bits with a zero between each two: half of a Morton key.';

CREATE FUNCTION pub.morton_key(place geometry) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    side CONSTANT double precision := 40075016.68557849; -- of the Web Mercator square [m]
    cells CONSTANT bigint := 16777216;                   -- 2^24 columns and rows
    mercator public.geometry := pub.web_mercator(place);
    x bigint := floor((public.ST_X(mercator) / side + 0.5) * cells);
    y bigint := floor((0.5 - public.ST_Y(mercator) / side) * cells);
BEGIN
    RETURN pub.spread_bits(greatest(0, least(x, cells - 1))) | (pub.spread_bits(greatest(0, least(y, cells - 1))) << 1);
END
$$;
COMMENT ON FUNCTION pub.morton_key IS
    'Morton key of 24 levels: shifted right by 2(24 - z) it numbers the tile of zoom z that holds the position.';

CREATE FUNCTION pub.grid_cell(place geometry, precision_word text) RETURNS geometry(POLYGON, 4326)
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    -- Cells of 100 m along a side of the wanted one. All sizes are cut from one numbering, so that cells nest exactly.
    side CONSTANT bigint := CASE precision_word WHEN '100m' THEN 1 WHEN '1km' THEN 10 WHEN '10km' THEN 100 END;
    bands CONSTANT bigint := 200000; -- of 0.0009 degree, pole to pole
    band bigint;
    columns bigint;
    col bigint;
BEGIN
    IF side IS NULL THEN
        RETURN NULL;
    END IF;
    band := greatest(0, least(floor((public.ST_Y(place) + 90) / 180 * bands)::bigint, bands - 1));
    -- As many columns as keep a cell of 10 km about as wide as it is high at its own latitude; the finer ones divide it.
    columns := 100 * greatest(1, round(4000 * cos(radians((band / 100 + 0.5) * 0.09 - 90))))::bigint;
    col := greatest(0, least(floor((public.ST_X(place) + 180) / 360 * columns)::bigint, columns - 1));
    band := band / side * side;
    col := col / side * side;
    RETURN public.ST_MakeEnvelope(
        col * 360.0::float8 / columns - 180, band * 180.0::float8 / bands - 90,
        (col + side) * 360.0::float8 / columns - 180, (band + side) * 180.0::float8 / bands - 90, 4326
    );
END
$$;
COMMENT ON FUNCTION pub.grid_cell IS
    'The fixed cell of about 100 m, 1 km or 10 km that holds a position: bands of latitude, cut into columns by the cosine of the latitude. Cells nest and do not cross 180 degrees. NULL for other words.';

CREATE FUNCTION pub.cell_reach(cell geometry) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ceil(greatest(
        public.ST_Distance(
            public.ST_Centroid(cell)::public.geography,
            public.ST_SetSRID(public.ST_MakePoint(public.ST_XMin(cell), public.ST_YMin(cell)), 4326)::public.geography
        ),
        public.ST_Distance(
            public.ST_Centroid(cell)::public.geography,
            public.ST_SetSRID(public.ST_MakePoint(public.ST_XMin(cell), public.ST_YMax(cell)), 4326)::public.geography
        )
    ));
COMMENT ON FUNCTION pub.cell_reach IS 'Distance from the centre of a cell to its farthest corner, rounded up [m].';

CREATE FUNCTION core.generalised(place geometry, precision_word text) RETURNS geometry(POINT, 4326)
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE
        WHEN precision_word = 'exact' THEN place
        -- Rounded to a centimetre, so that the same cell always gives the same bytes.
        ELSE public.ST_SnapToGrid(public.ST_Centroid(pub.grid_cell(place, precision_word)), 1e-7)
    END;
COMMENT ON FUNCTION core.generalised IS
    'Position as it may be published: the centre of a fixed grid cell, never a random point (Chapman 2020, doi:10.15468/doc-5jp4-5g10). NULL for region: that needs the region.';

CREATE FUNCTION core.uncertainty_class(given double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN given IS NULL THEN 0
        WHEN given <= 10 THEN 10
        WHEN given <= 3 * 10 ^ floor(log(given)) AND given > 10 ^ floor(log(given)) THEN 3 * 10 ^ floor(log(given))
        ELSE 10 ^ ceil(log(given))
    END;
COMMENT ON FUNCTION core.uncertainty_class IS
    'The uncertainty of a position, rounded up to 10, 30, 100, 300, … m: a number such as 37 would tell whose record it is. 0 where unknown.';

CREATE FUNCTION core.published_uncertainty(place geometry, precision_word text, given double precision)
    RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN precision_word = 'exact' THEN given
        -- Of the cell and a class only: a function of the true position could be solved for it.
        ELSE pub.cell_reach(pub.grid_cell(place, precision_word)) + core.uncertainty_class(given)
    END;
COMMENT ON FUNCTION core.published_uncertainty IS
    'Radius around the published position that holds the true one [m]: to the farthest corner of the cell, and the class of the uncertainty as given. NULL for region.';

CREATE FUNCTION pub.data_generalizations(precision_word text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE precision_word
        WHEN 'exact' THEN NULL
        WHEN 'region' THEN 'Position replaced by the label point of the country; dates by their years.'
        ELSE 'Position replaced by the centre of the fixed grid cell of about '
            || CASE precision_word WHEN '100m' THEN '100 m' WHEN '1km' THEN '1 km' ELSE '10 km' END
            || ' that holds it; dates by their years.'
    END;
COMMENT ON FUNCTION pub.data_generalizations IS 'Darwin Core dataGeneralizations of a precision; NULL where nothing was generalised.';

CREATE FUNCTION pub.information_withheld(precision_word text, country text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN precision_word <> 'exact' THEN
        'Exact position, own ids, days of sampling and marks of the position'
            || CASE WHEN country IS NULL THEN ', and the country, because the cell touches several' ELSE '' END
            || ': ask the owner.'
    END;
COMMENT ON FUNCTION pub.information_withheld IS 'Darwin Core informationWithheld of a record; NULL where nothing is.';

-- Tables -----------------------------------------------------------------------------------------------------------

-- core.derived: Stocks and contents of a profile over a depth interval, or why they cannot be computed.
CREATE TABLE core.derived (
    visit_id UUID NOT NULL,
    quantity TEXT NOT NULL,
    upper_cm DOUBLE PRECISION NOT NULL,
    lower_cm DOUBLE PRECISION NOT NULL,
    mass_basis TEXT NOT NULL,
    value DOUBLE PRECISION,
    u_random DOUBLE PRECISION,
    u_systematic DOUBLE PRECISION,
    coverage DOUBLE PRECISION NOT NULL,
    n_layers INTEGER,
    interpolation TEXT,
    reason TEXT,
    depth_status TEXT,
    soc_source TEXT,
    bd_source TEXT,
    cf_source TEXT,
    tier TEXT,
    flags TEXT[] DEFAULT '{}' NOT NULL,
    method_version TEXT NOT NULL,
    CONSTRAINT derived_mass_basis_known_check CHECK (mass_basis IN ('fixed_depth', 'esm_mineral', 'esm_total')),
    CONSTRAINT derived_tier_known_check CHECK (tier IN ('A', 'B', 'C')),
    CONSTRAINT derived_value_or_reason_check CHECK ((value IS NULL) <> (reason IS NULL)),
    CONSTRAINT derived_value_is_a_number_check CHECK (value >= 0 AND value < 'Infinity'::float8),
    CONSTRAINT derived_uncertainty_is_not_negative_check CHECK (u_random >= 0 AND u_systematic >= 0),
    CONSTRAINT derived_uncertainty_has_value_check CHECK (value IS NOT NULL OR (u_random IS NULL AND u_systematic IS NULL)),
    CONSTRAINT derived_coverage_is_a_share_check CHECK (coverage BETWEEN 0 AND 1),
    CONSTRAINT derived_layers_are_counted_check CHECK (n_layers >= 0),
    CONSTRAINT derived_interpolation_known_check CHECK (interpolation IN ('none', 'linear', 'hyman')),
    CONSTRAINT derived_interval_is_ordered_check CHECK (lower_cm > upper_cm),
    CONSTRAINT derived_visit_id_quantity_upper_cm_lower_cm_mass_basis_key UNIQUE (visit_id, quantity, upper_cm, lower_cm, mass_basis)
);
COMMENT ON TABLE core.derived IS 'Stocks and contents of a profile over a depth interval, or why they cannot be computed.';
COMMENT ON COLUMN core.derived.visit_id IS 'The profile.';
COMMENT ON COLUMN core.derived.quantity IS 'What was derived: soc_stock [t C/ha], soc_content [g/kg].';
COMMENT ON COLUMN core.derived.upper_cm IS 'Upper limit of the interval [cm].';
COMMENT ON COLUMN core.derived.lower_cm IS 'Lower limit of the interval [cm].';
COMMENT ON COLUMN core.derived.mass_basis IS 'fixed_depth, esm_mineral or esm_total.';
COMMENT ON COLUMN core.derived.value IS 'Value in the quantity''s unit; empty where it cannot be computed.';
COMMENT ON COLUMN core.derived.u_random IS 'Standard uncertainty that averages out over samples, same unit.';
COMMENT ON COLUMN core.derived.u_systematic IS 'Standard uncertainty shared by the samples, same unit.';
COMMENT ON COLUMN core.derived.coverage IS 'Share of the interval that the layers cover.';
COMMENT ON COLUMN core.derived.n_layers IS 'Mineral layers inside the interval.';
COMMENT ON COLUMN core.derived.interpolation IS 'Curve between the layers: none, linear or hyman.';
COMMENT ON COLUMN core.derived.reason IS 'Code of the reason why there is no value.';
COMMENT ON COLUMN core.derived.depth_status IS 'complete, stretched, limited_by_rock or incomplete.';
COMMENT ON COLUMN core.derived.soc_source IS 'Where the carbon content comes from.';
COMMENT ON COLUMN core.derived.bd_source IS 'Where the bulk density comes from.';
COMMENT ON COLUMN core.derived.cf_source IS 'Where the coarse fragments come from.';
COMMENT ON COLUMN core.derived.tier IS 'A: all measured; B: one input estimated; C: two or more.';
COMMENT ON COLUMN core.derived.flags IS 'Flags carried with the value.';
COMMENT ON COLUMN core.derived.method_version IS 'Version of the computation.';

-- core.layer: Depth intervals of a profile (horizons or fixed layers) with their values; the view core.result has a row a value.
CREATE TABLE core.layer (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    visit_id UUID NOT NULL,
    own_id TEXT,
    top_cm DOUBLE PRECISION NOT NULL,
    bottom_cm DOUBLE PRECISION NOT NULL,
    kind TEXT NOT NULL,
    horizon TEXT,
    flags TEXT[] DEFAULT '{}' NOT NULL,
    procedures INTEGER[] DEFAULT '{}' NOT NULL,
    result_values DOUBLE PRECISION[] DEFAULT '{}' NOT NULL,
    result_texts TEXT[] DEFAULT '{}' NOT NULL,
    result_qualifiers TEXT,
    result_uncertainties DOUBLE PRECISION[],
    result_flags JSONB,
    source_sheet TEXT,
    source_file TEXT NOT NULL,
    source_row INTEGER NOT NULL,
    CONSTRAINT layer_pkey PRIMARY KEY (id),
    CONSTRAINT layer_kind_known_check CHECK (kind IN ('mineral', 'organic')),
    CONSTRAINT layer_bottom_below_top_check CHECK (bottom_cm > top_cm),
    CONSTRAINT layer_depth_is_plausible_check CHECK (top_cm >= -1000 AND bottom_cm <= 1500),
    CONSTRAINT layer_above_surface_is_organic_check CHECK (top_cm >= 0 OR kind = 'organic'),
    CONSTRAINT layer_results_are_whole_check CHECK (cardinality(result_values) = cardinality(procedures) AND cardinality(result_texts) = cardinality(procedures) AND coalesce(length(result_qualifiers), cardinality(procedures)) = cardinality(procedures) AND coalesce(cardinality(result_uncertainties), cardinality(procedures)) = cardinality(procedures)),
    CONSTRAINT layer_results_are_said_check CHECK (array_position(procedures, NULL) IS NULL AND array_position(result_values, NULL) IS NULL AND array_position(result_texts, NULL) IS NULL),
    CONSTRAINT layer_values_are_numbers_check CHECK ('Infinity'::float8 > ALL (result_values) AND '-Infinity'::float8 < ALL (result_values)),
    CONSTRAINT layer_uncertainties_are_positive_check CHECK (0 < ALL (result_uncertainties)),
    CONSTRAINT layer_qualifiers_known_check CHECK (result_qualifiers ~ '^[=<>]+$')
);
CREATE INDEX layer_visit_id_idx ON core.layer (visit_id);
COMMENT ON TABLE core.layer IS 'Depth intervals of a profile (horizons or fixed layers) with their values; the view core.result has a row a value.';
COMMENT ON COLUMN core.layer.id IS 'Number of the layer; it leaves this schema nowhere.';
COMMENT ON COLUMN core.layer.visit_id IS 'The profile.';
COMMENT ON COLUMN core.layer.own_id IS 'The contributor''s id of the layer or sample.';
COMMENT ON COLUMN core.layer.top_cm IS 'Upper limit [cm]; zero at the mineral surface, down positive.';
COMMENT ON COLUMN core.layer.bottom_cm IS 'Lower limit [cm]; zero at the mineral surface, down positive.';
COMMENT ON COLUMN core.layer.kind IS 'Mineral soil, or organic surface layer (a separate pool).';
COMMENT ON COLUMN core.layer.horizon IS 'Horizon designation as given.';
COMMENT ON COLUMN core.layer.flags IS 'Codes of rules that found the layer suspect.';
COMMENT ON COLUMN core.layer.procedures IS 'How each value was obtained: core.procedure, one of each at most.';
COMMENT ON COLUMN core.layer.result_values IS 'Values, each in the canonical unit of its property, in the order of procedures.';
COMMENT ON COLUMN core.layer.result_texts IS 'The same values as given, letter by letter.';
COMMENT ON COLUMN core.layer.result_qualifiers IS 'A letter a value, = exact, < or > a limit of detection or of the scale; empty: all are exact.';
COMMENT ON COLUMN core.layer.result_uncertainties IS 'Standard uncertainty of each value, in its canonical unit; empty: not given.';
COMMENT ON COLUMN core.layer.result_flags IS 'Codes of rules that found a value suspect, by its place counted from 1; empty: none.';
COMMENT ON COLUMN core.layer.source_sheet IS 'Sheet of the workbook.';
COMMENT ON COLUMN core.layer.source_file IS 'File it was read from.';
COMMENT ON COLUMN core.layer.source_row IS 'Row as a spreadsheet shows it.';

-- core.organisation: Partner organisations of the 4 per 1000 Initiative, and owners of data.
CREATE TABLE core.organisation (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    name TEXT NOT NULL,
    name_fr TEXT,
    name_es TEXT,
    college TEXT NOT NULL,
    group_name TEXT,
    is_funder BOOLEAN DEFAULT false NOT NULL,
    country_code TEXT,
    initiative_region TEXT,
    place TEXT,
    geom geometry(POINT,4326),
    position_precision TEXT,
    website TEXT,
    ror TEXT,
    source TEXT NOT NULL,
    CONSTRAINT organisation_pkey PRIMARY KEY (id),
    CONSTRAINT organisation_college_known_check CHECK (college IN ('governments', 'international_organisations', 'ngos', 'producer_organisations', 'research_education', 'funding_bodies', 'companies')),
    CONSTRAINT organisation_initiative_region_known_check CHECK (initiative_region IN ('Africa', 'Asia and Pacific', 'Europe', 'Latin America and Caribbean', 'North America')),
    CONSTRAINT organisation_position_precision_known_check CHECK (position_precision IN ('address', 'city', 'country')),
    CONSTRAINT organisation_position_has_precision_check CHECK ((geom IS NULL) = (position_precision IS NULL)),
    CONSTRAINT organisation_country_is_alpha_3_check CHECK (country_code ~ '^[A-Z]{3}$'),
    CONSTRAINT organisation_name_key UNIQUE (name)
);
COMMENT ON TABLE core.organisation IS 'Partner organisations of the 4 per 1000 Initiative, and owners of data.';
COMMENT ON COLUMN core.organisation.id IS 'Random public identifier.';
COMMENT ON COLUMN core.organisation.name IS 'Name as the Initiative or the organisation writes it.';
COMMENT ON COLUMN core.organisation.name_fr IS 'Name in French.';
COMMENT ON COLUMN core.organisation.name_es IS 'Name in Spanish.';
COMMENT ON COLUMN core.organisation.college IS 'Stakeholder college of the 4 per 1000 Initiative.';
COMMENT ON COLUMN core.organisation.group_name IS 'Group within the college.';
COMMENT ON COLUMN core.organisation.is_funder IS 'Funding body; funders belong to another college as well.';
COMMENT ON COLUMN core.organisation.country_code IS 'ISO 3166-1 alpha-3 code of the seat.';
COMMENT ON COLUMN core.organisation.initiative_region IS 'World region as the Initiative counts it.';
COMMENT ON COLUMN core.organisation.place IS 'Town of the seat.';
COMMENT ON COLUMN core.organisation.geom IS 'Position in WGS 84, as precise as position_precision says.';
COMMENT ON COLUMN core.organisation.position_precision IS 'What the position is the middle of: address, city or country.';
COMMENT ON COLUMN core.organisation.website IS 'Home page.';
COMMENT ON COLUMN core.organisation.ror IS 'Identifier in the Research Organization Registry.';
COMMENT ON COLUMN core.organisation.source IS 'Where these facts were taken from.';

-- core.raster: Registered raster maps.
CREATE TABLE core.raster (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    slug TEXT NOT NULL,
    title TEXT NOT NULL,
    path TEXT NOT NULL,
    quantity TEXT NOT NULL,
    unit TEXT NOT NULL,
    scale DOUBLE PRECISION NOT NULL,
    upper_cm DOUBLE PRECISION,
    lower_cm DOUBLE PRECISION,
    crs TEXT NOT NULL,
    extent geometry(MULTIPOLYGON,4326) NOT NULL,
    licence TEXT NOT NULL,
    citation TEXT,
    sha256 BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT raster_pkey PRIMARY KEY (id),
    CONSTRAINT raster_interval_is_ordered_check CHECK (lower_cm > upper_cm),
    CONSTRAINT raster_scale_is_positive_check CHECK (scale > 0),
    CONSTRAINT raster_hash_is_sha256_check CHECK (length(sha256) = 32),
    CONSTRAINT raster_slug_key UNIQUE (slug)
);
CREATE INDEX raster_extent_idx ON core.raster USING gist (extent);
COMMENT ON TABLE core.raster IS 'Registered raster maps.';
COMMENT ON COLUMN core.raster.id IS 'Random public identifier.';
COMMENT ON COLUMN core.raster.slug IS 'Short stable name used in URLs.';
COMMENT ON COLUMN core.raster.title IS 'Title to cite.';
COMMENT ON COLUMN core.raster.path IS 'File below the data folder.';
COMMENT ON COLUMN core.raster.quantity IS 'What the cells hold.';
COMMENT ON COLUMN core.raster.unit IS 'Unit after scaling, UCUM.';
COMMENT ON COLUMN core.raster.scale IS 'Factor from stored numbers to the unit.';
COMMENT ON COLUMN core.raster.upper_cm IS 'Upper limit of the depth interval [cm].';
COMMENT ON COLUMN core.raster.lower_cm IS 'Lower limit of the depth interval [cm].';
COMMENT ON COLUMN core.raster.crs IS 'Coordinate reference system of the file.';
COMMENT ON COLUMN core.raster.extent IS 'Outline in WGS 84.';
COMMENT ON COLUMN core.raster.licence IS 'SPDX identifier or name of the licence.';
COMMENT ON COLUMN core.raster.citation IS 'How to cite it.';
COMMENT ON COLUMN core.raster.sha256 IS 'SHA-256 of the file.';
COMMENT ON COLUMN core.raster.created_at IS 'When it was registered.';

-- core.region: Areas that are reported on, from the world to a drawn polygon.
CREATE TABLE core.region (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    iso_a2 TEXT,
    name_en TEXT NOT NULL,
    name_fr TEXT,
    name_es TEXT,
    parent_id TEXT,
    territory_of TEXT,
    initiative_region TEXT,
    geom geometry(MULTIPOLYGON,4326) NOT NULL,
    label_point geometry(POINT,4326),
    area_km2 DOUBLE PRECISION NOT NULL,
    land_km2 DOUBLE PRECISION,
    sealed_km2 DOUBLE PRECISION,
    water_km2 DOUBLE PRECISION,
    covered_km2 DOUBLE PRECISION,
    cell_count INTEGER NOT NULL,
    source TEXT NOT NULL,
    licence TEXT NOT NULL,
    CONSTRAINT region_pkey PRIMARY KEY (id),
    CONSTRAINT region_kind_known_check CHECK (kind IN ('world', 'initiative', 'country', 'first_level', 'network', 'twin', 'custom', 'cell')),
    CONSTRAINT region_initiative_region_known_check CHECK (initiative_region IN ('Africa', 'Asia and Pacific', 'Europe', 'Latin America and Caribbean', 'North America')),
    CONSTRAINT region_id_is_url_safe_check CHECK (id ~ '^[A-Za-z0-9._-]+$'),
    CONSTRAINT region_boundary_is_valid_check CHECK (ST_IsValid(geom)),
    CONSTRAINT region_area_is_positive_check CHECK (area_km2 > 0),
    CONSTRAINT region_parts_fit_area_check CHECK (coalesce(sealed_km2, 0) + coalesce(water_km2, 0) <= area_km2 * 1.001),
    CONSTRAINT region_not_its_own_parent_check CHECK (parent_id <> id),
    CONSTRAINT region_kind_code_key UNIQUE (kind, code),
    CONSTRAINT region_parent_id_fkey FOREIGN KEY(parent_id) REFERENCES core.region (id),
    CONSTRAINT region_territory_of_fkey FOREIGN KEY(territory_of) REFERENCES core.region (id)
);
CREATE INDEX region_geom_idx ON core.region USING gist (geom);
COMMENT ON TABLE core.region IS 'Areas that are reported on, from the world to a drawn polygon.';
COMMENT ON COLUMN core.region.id IS 'Stable public identifier: kind and code, such as country-BRA.';
COMMENT ON COLUMN core.region.kind IS 'What the region is.';
COMMENT ON COLUMN core.region.code IS 'Code within the kind: ISO 3166-1 alpha-3, ISO 3166-2, or our own.';
COMMENT ON COLUMN core.region.iso_a2 IS 'ISO 3166-1 alpha-2 code of a country.';
COMMENT ON COLUMN core.region.name_en IS 'Name in English.';
COMMENT ON COLUMN core.region.name_fr IS 'Name in French.';
COMMENT ON COLUMN core.region.name_es IS 'Name in Spanish.';
COMMENT ON COLUMN core.region.parent_id IS 'Region that contains this one in the hierarchy of areas.';
COMMENT ON COLUMN core.region.territory_of IS 'Country that a territory with a code of its own belongs to.';
COMMENT ON COLUMN core.region.initiative_region IS 'World region as the Initiative counts it.';
COMMENT ON COLUMN core.region.geom IS 'Boundary, cut at the antimeridian.';
COMMENT ON COLUMN core.region.label_point IS 'Where a map writes the name.';
COMMENT ON COLUMN core.region.area_km2 IS 'Geodesic area of the boundary on WGS 84 [km²].';
COMMENT ON COLUMN core.region.land_km2 IS 'Area of land [km²].';
COMMENT ON COLUMN core.region.sealed_km2 IS 'Area of sealed surfaces [km²].';
COMMENT ON COLUMN core.region.water_km2 IS 'Area of inland water [km²].';
COMMENT ON COLUMN core.region.covered_km2 IS 'Area that estimates of the region speak for [km²].';
COMMENT ON COLUMN core.region.cell_count IS 'H3 cells of resolution 5 whose centre lies inside.';
COMMENT ON COLUMN core.region.source IS 'Where the boundary comes from.';
COMMENT ON COLUMN core.region.licence IS 'Licence of the boundary.';

-- core.secret: What hashes are salted with, so that nobody can work out what was hashed. Only the worker reads it.
CREATE TABLE core.secret (
    name TEXT NOT NULL,
    value BYTEA NOT NULL,
    CONSTRAINT secret_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE core.secret IS 'What hashes are salted with, so that nobody can work out what was hashed. Only the worker reads it.';
COMMENT ON COLUMN core.secret.name IS 'What it is for.';
COMMENT ON COLUMN core.secret.value IS 'Random bytes, made with the database and never shown.';

-- core.site_region: Regions of each site, found at import.
CREATE TABLE core.site_region (
    site_id UUID NOT NULL,
    region_id TEXT NOT NULL,
    distance_m DOUBLE PRECISION NOT NULL,
    CONSTRAINT site_region_pkey PRIMARY KEY (site_id, region_id),
    CONSTRAINT site_region_distance_is_not_negative_check CHECK (distance_m >= 0)
);
CREATE INDEX site_region_region_id_idx ON core.site_region (region_id);
COMMENT ON TABLE core.site_region IS 'Regions of each site, found at import.';
COMMENT ON COLUMN core.site_region.site_id IS 'The site.';
COMMENT ON COLUMN core.site_region.region_id IS 'A region it is in.';
COMMENT ON COLUMN core.site_region.distance_m IS '0 inside; otherwise how far outside the generalised boundary the position lies [m].';

-- core.visit: One profile: a site observed at one time.
CREATE TABLE core.visit (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    site_id UUID NOT NULL,
    own_id TEXT NOT NULL,
    replicate TEXT DEFAULT '' NOT NULL,
    sampling_kind TEXT NOT NULL,
    sampled_from DATE,
    sampled_to DATE,
    date_precision TEXT NOT NULL,
    campaign TEXT,
    stratum TEXT,
    inclusion_weight DOUBLE PRECISION,
    land_use TEXT,
    management TEXT,
    rock_depth_cm DOUBLE PRECISION,
    wrb TEXT,
    wrb_version TEXT,
    usda TEXT,
    remarks TEXT,
    source_sheet TEXT,
    source_file TEXT NOT NULL,
    source_row INTEGER NOT NULL,
    CONSTRAINT visit_pkey PRIMARY KEY (id),
    CONSTRAINT visit_sampling_kind_known_check CHECK (sampling_kind IN ('single', 'composite', 'unknown')),
    CONSTRAINT visit_date_precision_known_check CHECK (date_precision IN ('day', 'month', 'year', 'unknown')),
    CONSTRAINT visit_date_has_precision_check CHECK ((sampled_from IS NULL) = (date_precision = 'unknown')),
    CONSTRAINT visit_dates_are_whole_check CHECK ((sampled_from IS NULL) = (sampled_to IS NULL)),
    CONSTRAINT visit_dates_are_ordered_check CHECK (sampled_to >= sampled_from),
    CONSTRAINT visit_date_is_plausible_check CHECK (sampled_from >= DATE '1840-01-01'),
    CONSTRAINT visit_weight_is_positive_check CHECK (inclusion_weight > 0),
    CONSTRAINT visit_rock_is_below_surface_check CHECK (rock_depth_cm >= 0),
    CONSTRAINT visit_site_id_own_id_replicate_sampled_from_key UNIQUE NULLS NOT DISTINCT (site_id, own_id, replicate, sampled_from)
);
COMMENT ON TABLE core.visit IS 'One profile: a site observed at one time.';
COMMENT ON COLUMN core.visit.id IS 'Random public identifier.';
COMMENT ON COLUMN core.visit.site_id IS 'The site.';
COMMENT ON COLUMN core.visit.own_id IS 'The contributor''s id of the profile.';
COMMENT ON COLUMN core.visit.replicate IS 'Replicate of the same site and date; empty text where there is one only.';
COMMENT ON COLUMN core.visit.sampling_kind IS 'single core or pit, or a composite of several.';
COMMENT ON COLUMN core.visit.sampled_from IS 'First day on which it may have been sampled.';
COMMENT ON COLUMN core.visit.sampled_to IS 'Last day on which it may have been sampled.';
COMMENT ON COLUMN core.visit.date_precision IS 'How precisely the date is known.';
COMMENT ON COLUMN core.visit.campaign IS 'Name of the campaign.';
COMMENT ON COLUMN core.visit.stratum IS 'Stratum of the sampling design.';
COMMENT ON COLUMN core.visit.inclusion_weight IS 'Inverse of the inclusion probability.';
COMMENT ON COLUMN core.visit.land_use IS 'Land use at that time, FAO code.';
COMMENT ON COLUMN core.visit.management IS 'Management at that time, in words.';
COMMENT ON COLUMN core.visit.rock_depth_cm IS 'Depth of the lithic contact below the mineral surface [cm].';
COMMENT ON COLUMN core.visit.wrb IS 'WRB reference soil group.';
COMMENT ON COLUMN core.visit.wrb_version IS 'Edition of the WRB.';
COMMENT ON COLUMN core.visit.usda IS 'Soil Taxonomy order.';
COMMENT ON COLUMN core.visit.remarks IS 'Remarks as given.';
COMMENT ON COLUMN core.visit.source_sheet IS 'Sheet of the workbook.';
COMMENT ON COLUMN core.visit.source_file IS 'File it was read from.';
COMMENT ON COLUMN core.visit.source_row IS 'Row as a spreadsheet shows it.';

-- pub.objective: Strategic objectives of the Initiative.
CREATE TABLE pub.objective (
    code TEXT NOT NULL,
    title TEXT NOT NULL,
    facility TEXT NOT NULL,
    facility_title TEXT NOT NULL,
    facility_type TEXT NOT NULL,
    CONSTRAINT objective_pkey PRIMARY KEY (code),
    CONSTRAINT objective_facility_type_known_check CHECK (facility_type IN ('core', 'global'))
);
COMMENT ON TABLE pub.objective IS 'Strategic objectives of the Initiative.';
COMMENT ON COLUMN pub.objective.code IS 'Code of the strategic plan, such as E2.';
COMMENT ON COLUMN pub.objective.title IS 'Title in the strategic plan.';
COMMENT ON COLUMN pub.objective.facility IS 'Code of the facility that carries it.';
COMMENT ON COLUMN pub.objective.facility_title IS 'Title of that facility.';
COMMENT ON COLUMN pub.objective.facility_type IS 'core or global facility.';

-- pub.observation: Published observations: one per layer and property.
CREATE TABLE pub.observation (
    fid BIGINT GENERATED ALWAYS AS IDENTITY,
    id UUID NOT NULL,
    site_id UUID NOT NULL,
    visit_id UUID NOT NULL,
    dataset_id UUID NOT NULL,
    geom geometry(POINT,4326) NOT NULL,
    geom_3857 geometry(POINT,3857) NOT NULL,
    morton BIGINT NOT NULL,
    min_zoom SMALLINT DEFAULT 0 NOT NULL,
    coordinate_uncertainty_m DOUBLE PRECISION,
    location_precision TEXT NOT NULL,
    property TEXT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    qualifier TEXT NOT NULL,
    uncertainty DOUBLE PRECISION,
    status TEXT NOT NULL,
    method TEXT,
    top_cm DOUBLE PRECISION NOT NULL,
    bottom_cm DOUBLE PRECISION NOT NULL,
    layer_kind TEXT NOT NULL,
    horizon TEXT,
    sampled_from DATE,
    sampled_to DATE,
    date_precision TEXT NOT NULL,
    flags TEXT[] DEFAULT '{}' NOT NULL,
    synthetic BOOLEAN DEFAULT false NOT NULL,
    released_from INTEGER NOT NULL,
    released_to INTEGER,
    CONSTRAINT observation_pkey PRIMARY KEY (fid),
    CONSTRAINT observation_releases_are_ordered_check CHECK (released_to > released_from),
    CONSTRAINT observation_location_precision_known_check CHECK (location_precision IN ('exact', '100m', '1km', '10km', 'region'))
);
CREATE INDEX observation_current_geom_idx ON pub.observation USING gist (geom) WHERE released_to IS NULL;
CREATE UNIQUE INDEX observation_current_idx ON pub.observation (id) WHERE released_to IS NULL;
CREATE INDEX observation_current_morton_idx ON pub.observation (property, morton) WHERE released_to IS NULL;
CREATE INDEX observation_current_property_idx ON pub.observation (property, id) WHERE released_to IS NULL;
CREATE INDEX observation_current_site_idx ON pub.observation (site_id) WHERE released_to IS NULL;
CREATE INDEX observation_dataset_id_idx ON pub.observation USING brin (dataset_id);
CREATE INDEX observation_released_from_idx ON pub.observation USING brin (released_from);
CREATE INDEX observation_released_to_idx ON pub.observation USING brin (released_to);
COMMENT ON TABLE pub.observation IS 'Published observations: one per layer and property.';
COMMENT ON COLUMN pub.observation.fid IS 'Number for tiles.';
COMMENT ON COLUMN pub.observation.id IS 'The observation: one result.';
COMMENT ON COLUMN pub.observation.site_id IS 'The site.';
COMMENT ON COLUMN pub.observation.visit_id IS 'The profile.';
COMMENT ON COLUMN pub.observation.dataset_id IS 'The dataset.';
COMMENT ON COLUMN pub.observation.geom IS 'Published position in WGS 84, generalised to the dataset''s precision.';
COMMENT ON COLUMN pub.observation.geom_3857 IS 'The same in Web Mercator, for tiles: pub.web_mercator.';
COMMENT ON COLUMN pub.observation.morton IS 'Morton key of it, 24 levels: cells of a tile are ranges of it; pub.morton_key.';
COMMENT ON COLUMN pub.observation.min_zoom IS 'Smallest zoom of tiles that show the point.';
COMMENT ON COLUMN pub.observation.coordinate_uncertainty_m IS 'Radius within which the true position lies [m].';
COMMENT ON COLUMN pub.observation.location_precision IS 'Precision of the published position.';
COMMENT ON COLUMN pub.observation.property IS 'Code of the observed property.';
COMMENT ON COLUMN pub.observation.value IS 'Value in the canonical unit.';
COMMENT ON COLUMN pub.observation.qualifier IS '= exact; < or > a limit.';
COMMENT ON COLUMN pub.observation.uncertainty IS 'Standard uncertainty, canonical unit.';
COMMENT ON COLUMN pub.observation.status IS 'measured, estimated, assumed or unknown.';
COMMENT ON COLUMN pub.observation.method IS 'Procedure.';
COMMENT ON COLUMN pub.observation.top_cm IS 'Upper limit of the layer [cm].';
COMMENT ON COLUMN pub.observation.bottom_cm IS 'Lower limit of the layer [cm].';
COMMENT ON COLUMN pub.observation.layer_kind IS 'mineral or organic.';
COMMENT ON COLUMN pub.observation.horizon IS 'Horizon designation.';
COMMENT ON COLUMN pub.observation.sampled_from IS 'First day on which it may have been sampled.';
COMMENT ON COLUMN pub.observation.sampled_to IS 'Last day on which it may have been sampled.';
COMMENT ON COLUMN pub.observation.date_precision IS 'How precisely the date is known.';
COMMENT ON COLUMN pub.observation.flags IS 'Codes of rules that found value, layer or site suspect.';
COMMENT ON COLUMN pub.observation.synthetic IS 'Made by a generator, not measured.';
COMMENT ON COLUMN pub.observation.released_from IS 'First release in which the row is valid.';
COMMENT ON COLUMN pub.observation.released_to IS 'First release in which it no longer is; empty: still valid.';

-- pub.observed_property: Observed properties, one canonical unit each; written from the dictionary in app/soil/properties.py.
CREATE TABLE pub.observed_property (
    code TEXT NOT NULL,
    title TEXT NOT NULL,
    unit TEXT NOT NULL,
    ucum TEXT NOT NULL,
    definition TEXT NOT NULL,
    glosis TEXT,
    possible_min DOUBLE PRECISION NOT NULL,
    possible_max DOUBLE PRECISION NOT NULL,
    CONSTRAINT observed_property_pkey PRIMARY KEY (code),
    CONSTRAINT observed_property_range_is_ordered_check CHECK (possible_min < possible_max)
);
COMMENT ON TABLE pub.observed_property IS 'Observed properties, one canonical unit each; written from the dictionary in app/soil/properties.py.';
COMMENT ON COLUMN pub.observed_property.code IS 'Code used everywhere in the service.';
COMMENT ON COLUMN pub.observed_property.title IS 'Name in English.';
COMMENT ON COLUMN pub.observed_property.unit IS 'Canonical unit as people write it.';
COMMENT ON COLUMN pub.observed_property.ucum IS 'Canonical unit as a UCUM code.';
COMMENT ON COLUMN pub.observed_property.definition IS 'What is measured, of what.';
COMMENT ON COLUMN pub.observed_property.glosis IS 'GloSIS identifier.';
COMMENT ON COLUMN pub.observed_property.possible_min IS 'Smallest possible value, in the canonical unit.';
COMMENT ON COLUMN pub.observed_property.possible_max IS 'Largest possible value, in the canonical unit.';

-- pub.practice: Land management practices that the Initiative names.
CREATE TABLE pub.practice (
    code TEXT NOT NULL,
    title_en TEXT NOT NULL,
    title_fr TEXT,
    title_es TEXT,
    CONSTRAINT practice_pkey PRIMARY KEY (code)
);
COMMENT ON TABLE pub.practice IS 'Land management practices that the Initiative names.';
COMMENT ON COLUMN pub.practice.code IS 'Short stable name.';
COMMENT ON COLUMN pub.practice.title_en IS 'Name in English.';
COMMENT ON COLUMN pub.practice.title_fr IS 'Name in French.';
COMMENT ON COLUMN pub.practice.title_es IS 'Name in Spanish.';

-- pub.release: Versions of the published data: every publication, withdrawal or recomputation makes one.
CREATE TABLE pub.release (
    number INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    kind TEXT NOT NULL,
    summary TEXT NOT NULL,
    content_hash BYTEA NOT NULL,
    dataset_id UUID,
    changes JSONB DEFAULT '{}' NOT NULL,
    CONSTRAINT release_pkey PRIMARY KEY (number),
    CONSTRAINT release_kind_known_check CHECK (kind IN ('publish', 'supersede', 'terms', 'embargo', 'withdraw', 'restore', 'settle', 'refresh', 'reference')),
    CONSTRAINT release_number_is_positive_check CHECK (number > 0),
    CONSTRAINT release_hash_is_sha256_check CHECK (length(content_hash) = 32)
);
COMMENT ON TABLE pub.release IS 'Versions of the published data: every publication, withdrawal or recomputation makes one.';
COMMENT ON COLUMN pub.release.number IS 'Running number; the version of the data.';
COMMENT ON COLUMN pub.release.created_at IS 'When it was published.';
COMMENT ON COLUMN pub.release.kind IS 'What made it: publish, supersede, terms, embargo, withdraw, restore, settle, refresh or reference.';
COMMENT ON COLUMN pub.release.summary IS 'What changed, in a sentence.';
COMMENT ON COLUMN pub.release.content_hash IS 'SHA-256 over the rows that changed and the hash of the release before.';
COMMENT ON COLUMN pub.release.dataset_id IS 'The dataset that it is about; empty: several, or none.';
COMMENT ON COLUMN pub.release.changes IS 'Rows added, changed and removed, by kind of row; why a dataset was withdrawn.';

-- pub.site: Published sites.
CREATE TABLE pub.site (
    fid BIGINT GENERATED ALWAYS AS IDENTITY,
    id UUID NOT NULL,
    dataset_id UUID NOT NULL,
    own_id TEXT,
    geom geometry(POINT,4326) NOT NULL,
    geom_3857 geometry(POINT,3857) NOT NULL,
    morton BIGINT NOT NULL,
    min_zoom SMALLINT DEFAULT 0 NOT NULL,
    coordinate_uncertainty_m DOUBLE PRECISION,
    location_precision TEXT NOT NULL,
    country TEXT,
    n_visits INTEGER NOT NULL,
    first_sampled DATE,
    last_sampled DATE,
    soc_stock DOUBLE PRECISION,
    soc_stock_reason TEXT,
    soc_content DOUBLE PRECISION,
    synthetic BOOLEAN DEFAULT false NOT NULL,
    released_from INTEGER NOT NULL,
    released_to INTEGER,
    CONSTRAINT site_pkey PRIMARY KEY (fid),
    CONSTRAINT site_releases_are_ordered_check CHECK (released_to > released_from),
    CONSTRAINT site_location_precision_known_check CHECK (location_precision IN ('exact', '100m', '1km', '10km', 'region'))
);
CREATE INDEX site_current_geom_3857_idx ON pub.site USING gist (geom_3857) WHERE released_to IS NULL;
CREATE INDEX site_current_geom_idx ON pub.site USING gist (geom) WHERE released_to IS NULL;
CREATE UNIQUE INDEX site_current_idx ON pub.site (id) WHERE released_to IS NULL;
CREATE INDEX site_current_morton_idx ON pub.site (morton) WHERE released_to IS NULL;
CREATE INDEX site_dataset_id_idx ON pub.site USING brin (dataset_id);
CREATE INDEX site_released_from_idx ON pub.site USING brin (released_from);
CREATE INDEX site_released_to_idx ON pub.site USING brin (released_to);
COMMENT ON TABLE pub.site IS 'Published sites.';
COMMENT ON COLUMN pub.site.fid IS 'Number for tiles.';
COMMENT ON COLUMN pub.site.id IS 'The site.';
COMMENT ON COLUMN pub.site.dataset_id IS 'The dataset.';
COMMENT ON COLUMN pub.site.own_id IS 'The contributor''s id; empty where positions are generalised.';
COMMENT ON COLUMN pub.site.geom IS 'Published position in WGS 84, generalised to the dataset''s precision.';
COMMENT ON COLUMN pub.site.geom_3857 IS 'The same in Web Mercator, for tiles: pub.web_mercator.';
COMMENT ON COLUMN pub.site.morton IS 'Morton key of it, 24 levels: cells of a tile are ranges of it; pub.morton_key.';
COMMENT ON COLUMN pub.site.min_zoom IS 'Smallest zoom of tiles that show the point.';
COMMENT ON COLUMN pub.site.coordinate_uncertainty_m IS 'Radius within which the true position lies [m].';
COMMENT ON COLUMN pub.site.location_precision IS 'Precision of the published position.';
COMMENT ON COLUMN pub.site.country IS 'Region id of the country.';
COMMENT ON COLUMN pub.site.n_visits IS 'Profiles.';
COMMENT ON COLUMN pub.site.first_sampled IS 'Earliest sampling date.';
COMMENT ON COLUMN pub.site.last_sampled IS 'Latest sampling date.';
COMMENT ON COLUMN pub.site.soc_stock IS 'SOC stock 0–30 cm of the latest profile [t C/ha].';
COMMENT ON COLUMN pub.site.soc_stock_reason IS 'Why there is no stock.';
COMMENT ON COLUMN pub.site.soc_content IS 'SOC content 0–30 cm of the latest profile [g/kg].';
COMMENT ON COLUMN pub.site.synthetic IS 'Made by a generator, not measured.';
COMMENT ON COLUMN pub.site.released_from IS 'First release in which the row is valid.';
COMMENT ON COLUMN pub.site.released_to IS 'First release in which it no longer is; empty: still valid.';

-- core.account: People and programs that contribute or review.
CREATE TABLE core.account (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    orcid TEXT,
    issuer TEXT,
    subject TEXT,
    organisation_id UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT account_pkey PRIMARY KEY (id),
    CONSTRAINT account_issuer_with_subject_check CHECK ((issuer IS NULL) = (subject IS NULL)),
    CONSTRAINT account_orcid_form_check CHECK (orcid ~ '^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$'),
    CONSTRAINT account_issuer_subject_key UNIQUE (issuer, subject),
    CONSTRAINT account_email_key UNIQUE (email),
    CONSTRAINT account_organisation_id_fkey FOREIGN KEY(organisation_id) REFERENCES core.organisation (id)
);
COMMENT ON TABLE core.account IS 'People and programs that contribute or review.';
COMMENT ON COLUMN core.account.id IS 'Random public identifier.';
COMMENT ON COLUMN core.account.name IS 'Name shown to others.';
COMMENT ON COLUMN core.account.email IS 'Address for messages about own data.';
COMMENT ON COLUMN core.account.orcid IS 'ORCID iD.';
COMMENT ON COLUMN core.account.issuer IS 'OpenID Connect issuer that vouches for the person.';
COMMENT ON COLUMN core.account.subject IS 'The person''s identifier at that issuer.';
COMMENT ON COLUMN core.account.organisation_id IS 'Organisation that the person works for.';
COMMENT ON COLUMN core.account.created_at IS 'When the account was made.';
COMMENT ON COLUMN core.account.closed_at IS 'When it was closed; its history stays.';

-- core.agreement: Dated agreements between the Initiative and a partner.
CREATE TABLE core.agreement (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    organisation_id UUID NOT NULL,
    kind TEXT NOT NULL,
    starts_on DATE,
    starts_on_precision TEXT,
    ends_on DATE,
    note TEXT,
    CONSTRAINT agreement_pkey PRIMARY KEY (id),
    CONSTRAINT agreement_starts_on_precision_known_check CHECK (starts_on_precision IN ('day', 'month', 'year')),
    CONSTRAINT agreement_start_has_precision_check CHECK ((starts_on IS NULL) = (starts_on_precision IS NULL)),
    CONSTRAINT agreement_ends_after_start_check CHECK (ends_on >= starts_on),
    CONSTRAINT agreement_organisation_id_fkey FOREIGN KEY(organisation_id) REFERENCES core.organisation (id) ON DELETE CASCADE
);
COMMENT ON TABLE core.agreement IS 'Dated agreements between the Initiative and a partner.';
COMMENT ON COLUMN core.agreement.id IS 'Random public identifier.';
COMMENT ON COLUMN core.agreement.organisation_id IS 'The partner that agreed.';
COMMENT ON COLUMN core.agreement.kind IS 'Kind of agreement, in the words of the source.';
COMMENT ON COLUMN core.agreement.starts_on IS 'First day, as precise as starts_on_precision says.';
COMMENT ON COLUMN core.agreement.starts_on_precision IS 'day, month or year.';
COMMENT ON COLUMN core.agreement.ends_on IS 'Last day.';
COMMENT ON COLUMN core.agreement.note IS 'What the source adds, such as renewals.';

-- core.disclosed: What the last published figure of a region rests on: a next one may not betray the difference.
CREATE TABLE core.disclosed (
    region_id TEXT NOT NULL,
    indicator TEXT NOT NULL,
    upper_cm INTEGER NOT NULL,
    lower_cm INTEGER NOT NULL,
    period TEXT NOT NULL,
    slice TEXT NOT NULL,
    contributions JSONB NOT NULL,
    CONSTRAINT disclosed_region_id_indicator_upper_cm_lower_cm_period__462d UNIQUE (region_id, indicator, upper_cm, lower_cm, period, slice),
    CONSTRAINT disclosed_region_id_fkey FOREIGN KEY(region_id) REFERENCES core.region (id) ON DELETE CASCADE
);
COMMENT ON TABLE core.disclosed IS 'What the last published figure of a region rests on: a next one may not betray the difference.';
COMMENT ON COLUMN core.disclosed.region_id IS 'The region.';
COMMENT ON COLUMN core.disclosed.indicator IS 'Id of the indicator.';
COMMENT ON COLUMN core.disclosed.upper_cm IS 'Upper limit of the depth interval [cm].';
COMMENT ON COLUMN core.disclosed.lower_cm IS 'Lower limit of the depth interval [cm].';
COMMENT ON COLUMN core.disclosed.period IS 'Period of the figure.';
COMMENT ON COLUMN core.disclosed.slice IS 'Subset of the sites.';
COMMENT ON COLUMN core.disclosed.contributions IS 'Sites of data that are not open, by dataset and own id, with a hash of what each gave.';

-- core.membership: When an organisation belonged to the Forum of Partners or the Consortium of Members.
CREATE TABLE core.membership (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    organisation_id UUID NOT NULL,
    tier TEXT NOT NULL,
    starts_on DATE,
    ends_on DATE,
    CONSTRAINT membership_pkey PRIMARY KEY (id),
    CONSTRAINT membership_tier_known_check CHECK (tier IN ('forum', 'consortium')),
    CONSTRAINT membership_ends_after_start_check CHECK (ends_on >= starts_on),
    CONSTRAINT membership_organisation_id_tier_starts_on_key UNIQUE NULLS NOT DISTINCT (organisation_id, tier, starts_on),
    CONSTRAINT membership_organisation_id_fkey FOREIGN KEY(organisation_id) REFERENCES core.organisation (id) ON DELETE CASCADE
);
COMMENT ON TABLE core.membership IS 'When an organisation belonged to the Forum of Partners or the Consortium of Members.';
COMMENT ON COLUMN core.membership.id IS 'Random public identifier.';
COMMENT ON COLUMN core.membership.organisation_id IS 'The partner.';
COMMENT ON COLUMN core.membership.tier IS 'forum: partner without vote; consortium: non-profit member with a vote.';
COMMENT ON COLUMN core.membership.starts_on IS 'First day, where known.';
COMMENT ON COLUMN core.membership.ends_on IS 'Last day; empty while it lasts.';

-- core.network: Regional networks (strategic objective D2): countries and organisations that work together.
CREATE TABLE core.network (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    code TEXT NOT NULL,
    name_en TEXT NOT NULL,
    name_fr TEXT,
    name_es TEXT,
    coordinator_id UUID,
    region_id TEXT,
    languages TEXT[] DEFAULT '{}' NOT NULL,
    CONSTRAINT network_pkey PRIMARY KEY (id),
    CONSTRAINT network_code_key UNIQUE (code),
    CONSTRAINT network_coordinator_id_fkey FOREIGN KEY(coordinator_id) REFERENCES core.organisation (id),
    CONSTRAINT network_region_id_fkey FOREIGN KEY(region_id) REFERENCES core.region (id)
);
COMMENT ON TABLE core.network IS 'Regional networks (strategic objective D2): countries and organisations that work together.';
COMMENT ON COLUMN core.network.id IS 'Random public identifier.';
COMMENT ON COLUMN core.network.code IS 'Short stable name used in URLs.';
COMMENT ON COLUMN core.network.name_en IS 'Name in English.';
COMMENT ON COLUMN core.network.name_fr IS 'Name in French.';
COMMENT ON COLUMN core.network.name_es IS 'Name in Spanish.';
COMMENT ON COLUMN core.network.coordinator_id IS 'Organisation that coordinates.';
COMMENT ON COLUMN core.network.region_id IS 'Area that the network covers.';
COMMENT ON COLUMN core.network.languages IS 'Working languages, ISO 639-1.';

-- core.raster_zonal: Means of maps over regions.
CREATE TABLE core.raster_zonal (
    raster_id UUID NOT NULL,
    region_id TEXT NOT NULL,
    mean DOUBLE PRECISION,
    se_independent DOUBLE PRECISION,
    se_correlated DOUBLE PRECISION,
    covered DOUBLE PRECISION NOT NULL,
    method_version TEXT NOT NULL,
    CONSTRAINT raster_zonal_covered_is_a_share_check CHECK (covered BETWEEN 0 AND 1),
    CONSTRAINT raster_zonal_raster_id_region_id_key UNIQUE (raster_id, region_id),
    CONSTRAINT raster_zonal_raster_id_fkey FOREIGN KEY(raster_id) REFERENCES core.raster (id) ON DELETE CASCADE,
    CONSTRAINT raster_zonal_region_id_fkey FOREIGN KEY(region_id) REFERENCES core.region (id) ON DELETE CASCADE
);
COMMENT ON TABLE core.raster_zonal IS 'Means of maps over regions.';
COMMENT ON COLUMN core.raster_zonal.raster_id IS 'The map.';
COMMENT ON COLUMN core.raster_zonal.region_id IS 'The region.';
COMMENT ON COLUMN core.raster_zonal.mean IS 'Area-weighted mean, in the map''s unit; empty where no cell has a value.';
COMMENT ON COLUMN core.raster_zonal.se_independent IS 'Standard error if errors of cells were independent.';
COMMENT ON COLUMN core.raster_zonal.se_correlated IS 'Standard error if errors of cells were perfectly correlated.';
COMMENT ON COLUMN core.raster_zonal.covered IS 'Share of the region''s area with valid cells.';
COMMENT ON COLUMN core.raster_zonal.method_version IS 'Version of the computation.';

-- core.region_part: Boundaries cut into small pieces, so that finding the region of a point is an index look-up.
CREATE TABLE core.region_part (
    part BIGINT GENERATED ALWAYS AS IDENTITY,
    region_id TEXT NOT NULL,
    geom geometry(POLYGON,4326) NOT NULL,
    CONSTRAINT region_part_pkey PRIMARY KEY (part),
    CONSTRAINT region_part_region_id_fkey FOREIGN KEY(region_id) REFERENCES core.region (id) ON DELETE CASCADE
);
CREATE INDEX region_part_geom_idx ON core.region_part USING gist (geom);
CREATE INDEX region_part_region_id_idx ON core.region_part (region_id);
COMMENT ON TABLE core.region_part IS 'Boundaries cut into small pieces, so that finding the region of a point is an index look-up.';
COMMENT ON COLUMN core.region_part.part IS 'Number of the piece.';
COMMENT ON COLUMN core.region_part.region_id IS 'The region that this is a piece of.';
COMMENT ON COLUMN core.region_part.geom IS 'Piece of at most 128 vertices.';

-- core.twin_pair: Twin regions (strategic objective F1): two regions that compare and share what they learn.
CREATE TABLE core.twin_pair (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    first_id TEXT NOT NULL,
    second_id TEXT NOT NULL,
    starts_on DATE,
    ends_on DATE,
    CONSTRAINT twin_pair_pkey PRIMARY KEY (id),
    CONSTRAINT twin_pair_ordered_check CHECK (first_id < second_id),
    CONSTRAINT twin_pair_first_id_second_id_key UNIQUE (first_id, second_id),
    CONSTRAINT twin_pair_first_id_fkey FOREIGN KEY(first_id) REFERENCES core.region (id),
    CONSTRAINT twin_pair_second_id_fkey FOREIGN KEY(second_id) REFERENCES core.region (id)
);
COMMENT ON TABLE core.twin_pair IS 'Twin regions (strategic objective F1): two regions that compare and share what they learn.';
COMMENT ON COLUMN core.twin_pair.id IS 'Random public identifier.';
COMMENT ON COLUMN core.twin_pair.first_id IS 'One region.';
COMMENT ON COLUMN core.twin_pair.second_id IS 'The region it compares itself with.';
COMMENT ON COLUMN core.twin_pair.starts_on IS 'First day, where known.';
COMMENT ON COLUMN core.twin_pair.ends_on IS 'Last day; empty while it lasts.';

-- pub.dataset: Published datasets and their terms.
CREATE TABLE pub.dataset (
    row BIGINT GENERATED ALWAYS AS IDENTITY,
    id UUID NOT NULL,
    slug TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    licence TEXT NOT NULL,
    licence_url TEXT,
    licence_class TEXT NOT NULL,
    citation TEXT,
    doi TEXT,
    source_url TEXT,
    owners TEXT[] DEFAULT '{}' NOT NULL,
    sampling_design TEXT NOT NULL,
    location_precision TEXT NOT NULL,
    synthetic BOOLEAN DEFAULT false NOT NULL,
    n_sites INTEGER NOT NULL,
    n_observations INTEGER NOT NULL,
    released_from INTEGER NOT NULL,
    released_to INTEGER,
    CONSTRAINT dataset_pkey PRIMARY KEY (row),
    CONSTRAINT dataset_releases_are_ordered_check CHECK (released_to > released_from),
    CONSTRAINT dataset_released_from_fkey FOREIGN KEY(released_from) REFERENCES pub.release (number),
    CONSTRAINT dataset_released_to_fkey FOREIGN KEY(released_to) REFERENCES pub.release (number)
);
CREATE UNIQUE INDEX dataset_current_idx ON pub.dataset (id) WHERE released_to IS NULL;
CREATE INDEX dataset_history_idx ON pub.dataset (id, released_from);
COMMENT ON TABLE pub.dataset IS 'Published datasets and their terms.';
COMMENT ON COLUMN pub.dataset.row IS 'Number of the row.';
COMMENT ON COLUMN pub.dataset.id IS 'The dataset.';
COMMENT ON COLUMN pub.dataset.slug IS 'Short stable name used in URLs.';
COMMENT ON COLUMN pub.dataset.title IS 'Title to cite.';
COMMENT ON COLUMN pub.dataset.description IS 'What it holds and how it was made.';
COMMENT ON COLUMN pub.dataset.licence IS 'SPDX identifier or name of the licence.';
COMMENT ON COLUMN pub.dataset.licence_url IS 'Where the licence can be read.';
COMMENT ON COLUMN pub.dataset.licence_class IS 'What the licence lets us publish.';
COMMENT ON COLUMN pub.dataset.citation IS 'How to cite it.';
COMMENT ON COLUMN pub.dataset.doi IS 'Digital object identifier.';
COMMENT ON COLUMN pub.dataset.source_url IS 'Where it was published before.';
COMMENT ON COLUMN pub.dataset.owners IS 'Owners as named in the citation.';
COMMENT ON COLUMN pub.dataset.sampling_design IS 'How sites were chosen.';
COMMENT ON COLUMN pub.dataset.location_precision IS 'How precisely positions are published.';
COMMENT ON COLUMN pub.dataset.synthetic IS 'Made by a generator, not measured.';
COMMENT ON COLUMN pub.dataset.n_sites IS 'Published sites.';
COMMENT ON COLUMN pub.dataset.n_observations IS 'Published observations.';
COMMENT ON COLUMN pub.dataset.released_from IS 'First release in which the row is valid.';
COMMENT ON COLUMN pub.dataset.released_to IS 'First release in which it no longer is; empty: still valid.';

-- pub.estimate: Indicators of regions, disclosure-controlled: the only statistics that the public role can read.
CREATE TABLE pub.estimate (
    row BIGINT GENERATED ALWAYS AS IDENTITY,
    indicator TEXT NOT NULL,
    region_id TEXT NOT NULL,
    upper_cm INTEGER NOT NULL,
    lower_cm INTEGER NOT NULL,
    mass_basis TEXT NOT NULL,
    period TEXT NOT NULL,
    slice TEXT DEFAULT 'all' NOT NULL,
    value DOUBLE PRECISION,
    sd DOUBLE PRECISION,
    se DOUBLE PRECISION,
    lower DOUBLE PRECISION,
    upper DOUBLE PRECISION,
    level DOUBLE PRECISION,
    df DOUBLE PRECISION,
    median DOUBLE PRECISION,
    q1 DOUBLE PRECISION,
    q3 DOUBLE PRECISION,
    n_sites INTEGER NOT NULL,
    n_units INTEGER NOT NULL,
    n_effective DOUBLE PRECISION,
    n_owners INTEGER NOT NULL,
    estimator TEXT NOT NULL,
    representative BOOLEAN NOT NULL,
    indicative BOOLEAN NOT NULL,
    refused TEXT,
    notes TEXT[] DEFAULT '{}' NOT NULL,
    coverage JSONB NOT NULL,
    quality JSONB NOT NULL,
    synthetic TEXT NOT NULL,
    datasets JSONB NOT NULL,
    method_version TEXT NOT NULL,
    computed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    released_from INTEGER NOT NULL,
    released_to INTEGER,
    CONSTRAINT estimate_pkey PRIMARY KEY (row),
    CONSTRAINT estimate_releases_are_ordered_check CHECK (released_to > released_from),
    CONSTRAINT estimate_mass_basis_known_check CHECK (mass_basis IN ('fixed_depth', 'esm_mineral', 'esm_total')),
    CONSTRAINT estimate_synthetic_known_check CHECK (synthetic IN ('none', 'all')),
    CONSTRAINT estimate_value_or_reason_check CHECK (value IS NOT NULL OR median IS NOT NULL OR refused IS NOT NULL),
    CONSTRAINT estimate_refused_has_no_value_check CHECK (refused IS NULL OR value IS NULL),
    CONSTRAINT estimate_interval_is_whole_check CHECK (num_nulls(lower, upper, level) IN (0, 3)),
    CONSTRAINT estimate_interval_holds_value_check CHECK (value BETWEEN lower AND upper),
    CONSTRAINT estimate_error_is_not_negative_check CHECK (se >= 0),
    CONSTRAINT estimate_units_within_sites_check CHECK (n_units <= n_sites),
    CONSTRAINT estimate_period_form_check CHECK (period ~ '^(all|\d{4}/\d{4})$'),
    CONSTRAINT estimate_released_from_fkey FOREIGN KEY(released_from) REFERENCES pub.release (number),
    CONSTRAINT estimate_released_to_fkey FOREIGN KEY(released_to) REFERENCES pub.release (number)
);
CREATE UNIQUE INDEX estimate_current_idx ON pub.estimate (region_id, indicator, upper_cm, lower_cm, mass_basis, period, slice) WHERE released_to IS NULL;
CREATE INDEX estimate_current_map_idx ON pub.estimate (indicator, period, upper_cm, lower_cm) WHERE released_to IS NULL;
CREATE INDEX estimate_map_history_idx ON pub.estimate (indicator, period, upper_cm, lower_cm, released_from);
CREATE INDEX estimate_region_history_idx ON pub.estimate (region_id, indicator, released_from);
COMMENT ON TABLE pub.estimate IS 'Indicators of regions, disclosure-controlled: the only statistics that the public role can read.';
COMMENT ON COLUMN pub.estimate.row IS 'Number of the row.';
COMMENT ON COLUMN pub.estimate.indicator IS 'Id of the indicator.';
COMMENT ON COLUMN pub.estimate.region_id IS 'The region.';
COMMENT ON COLUMN pub.estimate.upper_cm IS 'Upper limit of the depth interval [cm].';
COMMENT ON COLUMN pub.estimate.lower_cm IS 'Lower limit of the depth interval [cm].';
COMMENT ON COLUMN pub.estimate.mass_basis IS 'fixed_depth, esm_mineral or esm_total.';
COMMENT ON COLUMN pub.estimate.period IS 'all, or first and last year such as 2010/2019.';
COMMENT ON COLUMN pub.estimate.slice IS 'Subset of the sites, such as a land use; all where none.';
COMMENT ON COLUMN pub.estimate.value IS 'Estimated mean, in the indicator''s unit.';
COMMENT ON COLUMN pub.estimate.sd IS 'Standard deviation between sampling units.';
COMMENT ON COLUMN pub.estimate.se IS 'Standard error of the mean.';
COMMENT ON COLUMN pub.estimate.lower IS 'Lower limit of the interval.';
COMMENT ON COLUMN pub.estimate.upper IS 'Upper limit of the interval.';
COMMENT ON COLUMN pub.estimate.level IS 'Confidence level of the interval.';
COMMENT ON COLUMN pub.estimate.df IS 'Degrees of freedom of the interval.';
COMMENT ON COLUMN pub.estimate.median IS 'Median.';
COMMENT ON COLUMN pub.estimate.q1 IS 'Lower quartile.';
COMMENT ON COLUMN pub.estimate.q3 IS 'Upper quartile.';
COMMENT ON COLUMN pub.estimate.n_sites IS 'Sites with a value.';
COMMENT ON COLUMN pub.estimate.n_units IS 'Sampling units: clusters, or sites outside any cluster.';
COMMENT ON COLUMN pub.estimate.n_effective IS 'Effective number of independent units, where weights differ.';
COMMENT ON COLUMN pub.estimate.n_owners IS 'Owners of the data.';
COMMENT ON COLUMN pub.estimate.estimator IS 'Id of the estimator.';
COMMENT ON COLUMN pub.estimate.representative IS 'Whether the sampling design supports inference for the region.';
COMMENT ON COLUMN pub.estimate.indicative IS 'Few units: read with care.';
COMMENT ON COLUMN pub.estimate.refused IS 'Code of the reason why there is no value.';
COMMENT ON COLUMN pub.estimate.notes IS 'Codes of what a reader should know about the value.';
COMMENT ON COLUMN pub.estimate.coverage IS 'Sites, cells and years that the estimate rests on.';
COMMENT ON COLUMN pub.estimate.quality IS 'Shares of quality tiers and of measured inputs.';
COMMENT ON COLUMN pub.estimate.synthetic IS 'Whether generated data are in it: none or all. They never share a number with measured ones.';
COMMENT ON COLUMN pub.estimate.datasets IS 'Datasets with number of sites; terms are in pub.dataset.';
COMMENT ON COLUMN pub.estimate.method_version IS 'Version of the computation.';
COMMENT ON COLUMN pub.estimate.computed_at IS 'When it was computed.';
COMMENT ON COLUMN pub.estimate.released_from IS 'First release in which the row is valid.';
COMMENT ON COLUMN pub.estimate.released_to IS 'First release in which it no longer is; empty: still valid.';

-- pub.partner: Published partner organisations.
CREATE TABLE pub.partner (
    fid BIGINT GENERATED ALWAYS AS IDENTITY,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    college TEXT NOT NULL,
    group_name TEXT,
    is_funder BOOLEAN DEFAULT false NOT NULL,
    tiers TEXT[] DEFAULT '{}' NOT NULL,
    country_code TEXT,
    initiative_region TEXT,
    place TEXT,
    geom geometry(POINT,4326),
    geom_3857 geometry(POINT,3857) GENERATED ALWAYS AS (pub.web_mercator(geom)) STORED,
    position_precision TEXT,
    agreements JSONB NOT NULL,
    website TEXT,
    ror TEXT,
    released_from INTEGER NOT NULL,
    released_to INTEGER,
    CONSTRAINT partner_pkey PRIMARY KEY (fid),
    CONSTRAINT partner_releases_are_ordered_check CHECK (released_to > released_from),
    CONSTRAINT partner_released_from_fkey FOREIGN KEY(released_from) REFERENCES pub.release (number),
    CONSTRAINT partner_released_to_fkey FOREIGN KEY(released_to) REFERENCES pub.release (number)
);
CREATE INDEX partner_current_geom_3857_idx ON pub.partner USING gist (geom_3857) WHERE released_to IS NULL;
CREATE INDEX partner_current_geom_idx ON pub.partner USING gist (geom) WHERE released_to IS NULL;
CREATE UNIQUE INDEX partner_current_idx ON pub.partner (id) WHERE released_to IS NULL;
COMMENT ON TABLE pub.partner IS 'Published partner organisations.';
COMMENT ON COLUMN pub.partner.fid IS 'Number for tiles.';
COMMENT ON COLUMN pub.partner.id IS 'The organisation.';
COMMENT ON COLUMN pub.partner.name IS 'Name.';
COMMENT ON COLUMN pub.partner.college IS 'Stakeholder college.';
COMMENT ON COLUMN pub.partner.group_name IS 'Group within the college.';
COMMENT ON COLUMN pub.partner.is_funder IS 'Funding body.';
COMMENT ON COLUMN pub.partner.tiers IS 'forum, consortium.';
COMMENT ON COLUMN pub.partner.country_code IS 'ISO 3166-1 alpha-3.';
COMMENT ON COLUMN pub.partner.initiative_region IS 'World region as the Initiative counts it.';
COMMENT ON COLUMN pub.partner.place IS 'Town of the seat.';
COMMENT ON COLUMN pub.partner.geom IS 'Position, as precise as position_precision says.';
COMMENT ON COLUMN pub.partner.geom_3857 IS 'The same in Web Mercator, for tiles.';
COMMENT ON COLUMN pub.partner.position_precision IS 'address, city or country.';
COMMENT ON COLUMN pub.partner.agreements IS 'Dated agreements.';
COMMENT ON COLUMN pub.partner.website IS 'Home page.';
COMMENT ON COLUMN pub.partner.ror IS 'Identifier in the Research Organization Registry.';
COMMENT ON COLUMN pub.partner.released_from IS 'First release in which the row is valid.';
COMMENT ON COLUMN pub.partner.released_to IS 'First release in which it no longer is; empty: still valid.';

-- pub.region: Published regions.
CREATE TABLE pub.region (
    fid BIGINT GENERATED ALWAYS AS IDENTITY,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    iso_a2 TEXT,
    name_en TEXT NOT NULL,
    name_fr TEXT,
    name_es TEXT,
    parent_id TEXT,
    initiative_region TEXT,
    geom geometry(MULTIPOLYGON,4326) NOT NULL,
    geom_3857 geometry(MULTIPOLYGON,3857) NOT NULL,
    label_point geometry(POINT,4326),
    area_km2 DOUBLE PRECISION NOT NULL,
    cell_count INTEGER NOT NULL,
    source TEXT NOT NULL,
    licence TEXT NOT NULL,
    released_from INTEGER NOT NULL,
    released_to INTEGER,
    CONSTRAINT region_pkey PRIMARY KEY (fid),
    CONSTRAINT region_releases_are_ordered_check CHECK (released_to > released_from),
    CONSTRAINT region_released_from_fkey FOREIGN KEY(released_from) REFERENCES pub.release (number),
    CONSTRAINT region_released_to_fkey FOREIGN KEY(released_to) REFERENCES pub.release (number)
);
CREATE INDEX region_current_geom_3857_idx ON pub.region USING gist (geom_3857) WHERE released_to IS NULL;
CREATE INDEX region_current_geom_idx ON pub.region USING gist (geom) WHERE released_to IS NULL;
CREATE UNIQUE INDEX region_current_idx ON pub.region (id) WHERE released_to IS NULL;
CREATE INDEX region_history_idx ON pub.region (id, released_from);
COMMENT ON TABLE pub.region IS 'Published regions.';
COMMENT ON COLUMN pub.region.fid IS 'Number for tiles.';
COMMENT ON COLUMN pub.region.id IS 'The region.';
COMMENT ON COLUMN pub.region.kind IS 'What the region is.';
COMMENT ON COLUMN pub.region.code IS 'Code within the kind.';
COMMENT ON COLUMN pub.region.iso_a2 IS 'ISO 3166-1 alpha-2 code of a country.';
COMMENT ON COLUMN pub.region.name_en IS 'Name in English.';
COMMENT ON COLUMN pub.region.name_fr IS 'Name in French.';
COMMENT ON COLUMN pub.region.name_es IS 'Name in Spanish.';
COMMENT ON COLUMN pub.region.parent_id IS 'Region that contains this one.';
COMMENT ON COLUMN pub.region.initiative_region IS 'World region as the Initiative counts it.';
COMMENT ON COLUMN pub.region.geom IS 'Boundary in WGS 84.';
COMMENT ON COLUMN pub.region.geom_3857 IS 'The same in Web Mercator, cut at its limits of latitude.';
COMMENT ON COLUMN pub.region.label_point IS 'Where a map writes the name.';
COMMENT ON COLUMN pub.region.area_km2 IS 'Geodesic area [km²].';
COMMENT ON COLUMN pub.region.cell_count IS 'H3 cells of resolution 5 whose centre lies inside.';
COMMENT ON COLUMN pub.region.source IS 'Where the boundary comes from.';
COMMENT ON COLUMN pub.region.licence IS 'Licence of the boundary.';
COMMENT ON COLUMN pub.region.released_from IS 'First release in which the row is valid.';
COMMENT ON COLUMN pub.region.released_to IS 'First release in which it no longer is; empty: still valid.';

-- core.api_key: Keys for programs.
CREATE TABLE core.api_key (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    account_id UUID NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    hash BYTEA NOT NULL,
    scopes TEXT[] DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    last_used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT api_key_pkey PRIMARY KEY (id),
    CONSTRAINT api_key_hash_is_sha256_check CHECK (length(hash) = 32),
    CONSTRAINT api_key_expires_after_creation_check CHECK (expires_at > created_at),
    CONSTRAINT api_key_account_id_fkey FOREIGN KEY(account_id) REFERENCES core.account (id) ON DELETE CASCADE,
    CONSTRAINT api_key_hash_key UNIQUE (hash)
);
CREATE INDEX api_key_account_id_idx ON core.api_key (account_id);
COMMENT ON TABLE core.api_key IS 'Keys for programs.';
COMMENT ON COLUMN core.api_key.id IS 'Random public identifier.';
COMMENT ON COLUMN core.api_key.account_id IS 'Whose key it is.';
COMMENT ON COLUMN core.api_key.name IS 'What its owner calls it.';
COMMENT ON COLUMN core.api_key.prefix IS 'First characters of the key, by which its owner tells keys apart.';
COMMENT ON COLUMN core.api_key.hash IS 'SHA-256 of the key; the key itself is never stored.';
COMMENT ON COLUMN core.api_key.scopes IS 'What the key may be used for; empty: nothing.';
COMMENT ON COLUMN core.api_key.created_at IS 'When it was made.';
COMMENT ON COLUMN core.api_key.expires_at IS 'When it ends by itself.';
COMMENT ON COLUMN core.api_key.revoked_at IS 'When it was withdrawn.';
COMMENT ON COLUMN core.api_key.last_used_at IS 'When it was last used, to the hour.';

-- core.audit: Append-only log of who did what, reads of exact positions included.
CREATE TABLE core.audit (
    entry BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    account_id UUID,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    request_id TEXT,
    detail JSONB DEFAULT '{}' NOT NULL,
    CONSTRAINT audit_pkey PRIMARY KEY (entry),
    CONSTRAINT audit_account_id_fkey FOREIGN KEY(account_id) REFERENCES core.account (id)
);
CREATE INDEX audit_account_id_entry_idx ON core.audit (account_id, entry);
CREATE INDEX audit_action_entry_idx ON core.audit (action, entry);
CREATE INDEX audit_target_entry_idx ON core.audit (target, entry);
COMMENT ON TABLE core.audit IS 'Append-only log of who did what, reads of exact positions included.';
COMMENT ON COLUMN core.audit.entry IS 'Running number.';
COMMENT ON COLUMN core.audit.at IS 'When it happened.';
COMMENT ON COLUMN core.audit.account_id IS 'Who did it; empty: an operator at the command line.';
COMMENT ON COLUMN core.audit.action IS 'What was done, as verb and noun.';
COMMENT ON COLUMN core.audit.target IS 'Kind and id of what it was done to.';
COMMENT ON COLUMN core.audit.request_id IS 'Id of the request that asked for it; the log lines carry the same.';
COMMENT ON COLUMN core.audit.detail IS 'Particulars; never a value or a position.';

-- core.dataset: Sets of observations with one owner's terms.
CREATE TABLE core.dataset (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    slug TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    licence TEXT NOT NULL,
    licence_url TEXT,
    licence_class TEXT NOT NULL,
    citation TEXT,
    doi TEXT,
    source_url TEXT,
    embargo_until DATE,
    location_precision TEXT NOT NULL,
    synthetic BOOLEAN DEFAULT false NOT NULL,
    surface_convention TEXT NOT NULL,
    bulk_density_basis TEXT NOT NULL,
    coarse_fragments_basis TEXT NOT NULL,
    sampling_design TEXT NOT NULL,
    consent TEXT,
    state TEXT NOT NULL,
    withdrawn_because TEXT,
    created_by UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT dataset_pkey PRIMARY KEY (id),
    CONSTRAINT dataset_licence_class_known_check CHECK (licence_class IN ('open', 'attribution', 'non_commercial', 'aggregate_only', 'display_generalised_only')),
    CONSTRAINT dataset_location_precision_known_check CHECK (location_precision IN ('exact', '100m', '1km', '10km', 'region')),
    CONSTRAINT dataset_surface_convention_known_check CHECK (surface_convention IN ('mineral', 'organic_top')),
    CONSTRAINT dataset_bulk_density_basis_known_check CHECK (bulk_density_basis IN ('fine_earth', 'whole', 'fine_per_total', 'unknown')),
    CONSTRAINT dataset_coarse_fragments_basis_known_check CHECK (coarse_fragments_basis IN ('volume', 'mass', 'unknown')),
    CONSTRAINT dataset_sampling_design_known_check CHECK (sampling_design IN ('srs', 'stratified', 'grid', 'purposive', 'legacy')),
    CONSTRAINT dataset_state_known_check CHECK (state IN ('draft', 'published', 'withdrawn')),
    CONSTRAINT dataset_slug_is_url_safe_check CHECK (slug ~ '^[a-z0-9][a-z0-9-]*$'),
    CONSTRAINT dataset_doi_is_bare_check CHECK (doi ~ '^10[.]'),
    CONSTRAINT dataset_generalised_licence_has_cells_check CHECK (licence_class <> 'display_generalised_only' OR location_precision <> 'exact'),
    CONSTRAINT dataset_slug_key UNIQUE (slug),
    CONSTRAINT dataset_created_by_fkey FOREIGN KEY(created_by) REFERENCES core.account (id)
);
COMMENT ON TABLE core.dataset IS 'Sets of observations with one owner''s terms.';
COMMENT ON COLUMN core.dataset.id IS 'Random public identifier.';
COMMENT ON COLUMN core.dataset.slug IS 'Short stable name used in URLs.';
COMMENT ON COLUMN core.dataset.title IS 'Title to cite.';
COMMENT ON COLUMN core.dataset.description IS 'What it holds and how it was made.';
COMMENT ON COLUMN core.dataset.licence IS 'SPDX identifier or name of the licence.';
COMMENT ON COLUMN core.dataset.licence_url IS 'Where the licence can be read.';
COMMENT ON COLUMN core.dataset.licence_class IS 'What the licence lets us publish.';
COMMENT ON COLUMN core.dataset.citation IS 'How to cite it, as its owners ask.';
COMMENT ON COLUMN core.dataset.doi IS 'Digital object identifier, without https://doi.org/.';
COMMENT ON COLUMN core.dataset.source_url IS 'Where it was published before.';
COMMENT ON COLUMN core.dataset.embargo_until IS 'Not published before this day.';
COMMENT ON COLUMN core.dataset.location_precision IS 'How precisely positions may be published.';
COMMENT ON COLUMN core.dataset.synthetic IS 'Made by a generator, not measured; said wherever it is used.';
COMMENT ON COLUMN core.dataset.surface_convention IS 'Where depth zero is: mineral surface, or top of the organic layer.';
COMMENT ON COLUMN core.dataset.bulk_density_basis IS 'What bulk density means where a row does not say: fine_earth, whole, … or unknown.';
COMMENT ON COLUMN core.dataset.coarse_fragments_basis IS 'What a share of coarse fragments means where a row does not say.';
COMMENT ON COLUMN core.dataset.sampling_design IS 'How sites were chosen: decides what may be inferred for a region.';
COMMENT ON COLUMN core.dataset.consent IS 'Consent of land owners for the published precision.';
COMMENT ON COLUMN core.dataset.state IS 'draft -> published -> withdrawn; a withdrawn dataset may be published again.';
COMMENT ON COLUMN core.dataset.withdrawn_because IS 'Why it was withdrawn, in words for everybody.';
COMMENT ON COLUMN core.dataset.created_by IS 'Who registered it; empty: an operator at the command line.';
COMMENT ON COLUMN core.dataset.created_at IS 'When the dataset was registered.';

-- core.mapping: Saved descriptions of how to read a source's files.
CREATE TABLE core.mapping (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    name TEXT NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    title TEXT NOT NULL,
    body JSONB NOT NULL,
    shared BOOLEAN DEFAULT false NOT NULL,
    account_id UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT mapping_pkey PRIMARY KEY (id),
    CONSTRAINT mapping_name_is_url_safe_check CHECK (name ~ '^[a-z0-9][a-z0-9-]*$'),
    CONSTRAINT mapping_version_is_positive_check CHECK (version > 0),
    CONSTRAINT mapping_name_version_key UNIQUE (name, version),
    CONSTRAINT mapping_account_id_fkey FOREIGN KEY(account_id) REFERENCES core.account (id)
);
COMMENT ON TABLE core.mapping IS 'Saved descriptions of how to read a source''s files.';
COMMENT ON COLUMN core.mapping.id IS 'Random public identifier.';
COMMENT ON COLUMN core.mapping.name IS 'Short stable name.';
COMMENT ON COLUMN core.mapping.version IS 'Running number of the version; a saved one never changes.';
COMMENT ON COLUMN core.mapping.title IS 'What it reads, in a few words.';
COMMENT ON COLUMN core.mapping.body IS 'How columns, units, depths and positions of a source are read.';
COMMENT ON COLUMN core.mapping.shared IS 'Whether other accounts may use it.';
COMMENT ON COLUMN core.mapping.account_id IS 'Who saved it; empty: an operator at the command line.';
COMMENT ON COLUMN core.mapping.created_at IS 'When it was saved.';

-- core.network_member: Who belongs to a network, and when.
CREATE TABLE core.network_member (
    network_id UUID NOT NULL,
    organisation_id UUID NOT NULL,
    starts_on DATE,
    ends_on DATE,
    CONSTRAINT network_member_ends_after_start_check CHECK (ends_on >= starts_on),
    CONSTRAINT network_member_network_id_organisation_id_starts_on_key UNIQUE NULLS NOT DISTINCT (network_id, organisation_id, starts_on),
    CONSTRAINT network_member_network_id_fkey FOREIGN KEY(network_id) REFERENCES core.network (id) ON DELETE CASCADE,
    CONSTRAINT network_member_organisation_id_fkey FOREIGN KEY(organisation_id) REFERENCES core.organisation (id) ON DELETE CASCADE
);
COMMENT ON TABLE core.network_member IS 'Who belongs to a network, and when.';
COMMENT ON COLUMN core.network_member.network_id IS 'The network.';
COMMENT ON COLUMN core.network_member.organisation_id IS 'The member.';
COMMENT ON COLUMN core.network_member.starts_on IS 'First day, where known.';
COMMENT ON COLUMN core.network_member.ends_on IS 'Last day; empty while it lasts.';

-- core.network_practice: Practices that a network works on.
CREATE TABLE core.network_practice (
    network_id UUID NOT NULL,
    practice_code TEXT NOT NULL,
    CONSTRAINT network_practice_network_id_practice_code_key UNIQUE (network_id, practice_code),
    CONSTRAINT network_practice_network_id_fkey FOREIGN KEY(network_id) REFERENCES core.network (id) ON DELETE CASCADE,
    CONSTRAINT network_practice_practice_code_fkey FOREIGN KEY(practice_code) REFERENCES pub.practice (code)
);
COMMENT ON TABLE core.network_practice IS 'Practices that a network works on.';
COMMENT ON COLUMN core.network_practice.network_id IS 'The network.';
COMMENT ON COLUMN core.network_practice.practice_code IS 'A practice it works on.';

-- core.dataset_network: Networks that a dataset belongs to.
CREATE TABLE core.dataset_network (
    dataset_id UUID NOT NULL,
    network_id UUID NOT NULL,
    CONSTRAINT dataset_network_dataset_id_network_id_key UNIQUE (dataset_id, network_id),
    CONSTRAINT dataset_network_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES core.dataset (id) ON DELETE CASCADE,
    CONSTRAINT dataset_network_network_id_fkey FOREIGN KEY(network_id) REFERENCES core.network (id) ON DELETE CASCADE
);
COMMENT ON TABLE core.dataset_network IS 'Networks that a dataset belongs to.';
COMMENT ON COLUMN core.dataset_network.dataset_id IS 'The dataset.';
COMMENT ON COLUMN core.dataset_network.network_id IS 'The network that reviews it.';

-- core.dataset_objective: Strategic objectives that a dataset serves.
CREATE TABLE core.dataset_objective (
    dataset_id UUID NOT NULL,
    objective_code TEXT NOT NULL,
    CONSTRAINT dataset_objective_dataset_id_objective_code_key UNIQUE (dataset_id, objective_code),
    CONSTRAINT dataset_objective_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES core.dataset (id) ON DELETE CASCADE,
    CONSTRAINT dataset_objective_objective_code_fkey FOREIGN KEY(objective_code) REFERENCES pub.objective (code)
);
COMMENT ON TABLE core.dataset_objective IS 'Strategic objectives that a dataset serves.';
COMMENT ON COLUMN core.dataset_objective.dataset_id IS 'The dataset.';
COMMENT ON COLUMN core.dataset_objective.objective_code IS 'The objective it serves.';

-- core.dataset_owner: Who owns a dataset; disclosure control counts owners.
CREATE TABLE core.dataset_owner (
    dataset_id UUID NOT NULL,
    name TEXT NOT NULL,
    organisation_id UUID,
    account_id UUID,
    CONSTRAINT dataset_owner_dataset_id_name_key UNIQUE (dataset_id, name),
    CONSTRAINT dataset_owner_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES core.dataset (id) ON DELETE CASCADE,
    CONSTRAINT dataset_owner_organisation_id_fkey FOREIGN KEY(organisation_id) REFERENCES core.organisation (id),
    CONSTRAINT dataset_owner_account_id_fkey FOREIGN KEY(account_id) REFERENCES core.account (id)
);
COMMENT ON TABLE core.dataset_owner IS 'Who owns a dataset; disclosure control counts owners.';
COMMENT ON COLUMN core.dataset_owner.dataset_id IS 'The dataset.';
COMMENT ON COLUMN core.dataset_owner.name IS 'Owner as named in the citation.';
COMMENT ON COLUMN core.dataset_owner.organisation_id IS 'The owner''s record here.';
COMMENT ON COLUMN core.dataset_owner.account_id IS 'The owner''s account here.';

-- core.duplicate_candidate: Profiles of two datasets that may be one: for a person to decide, nothing is merged.
CREATE TABLE core.duplicate_candidate (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    first_id UUID NOT NULL,
    second_id UUID NOT NULL,
    first_dataset_id UUID NOT NULL,
    second_dataset_id UUID NOT NULL,
    first_profile TEXT NOT NULL,
    second_profile TEXT NOT NULL,
    distance_m DOUBLE PRECISION NOT NULL,
    shared_values INTEGER NOT NULL,
    state TEXT NOT NULL,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE,
    note TEXT,
    found_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT duplicate_candidate_pkey PRIMARY KEY (id),
    CONSTRAINT duplicate_candidate_state_known_check CHECK (state IN ('open', 'same', 'different')),
    CONSTRAINT duplicate_candidate_ordered_check CHECK (first_id < second_id),
    CONSTRAINT duplicate_candidate_distance_is_not_negative_check CHECK (distance_m >= 0),
    CONSTRAINT duplicate_candidate_first_id_second_id_key UNIQUE (first_id, second_id),
    CONSTRAINT duplicate_candidate_first_id_fkey FOREIGN KEY(first_id) REFERENCES core.visit (id) ON DELETE CASCADE,
    CONSTRAINT duplicate_candidate_second_id_fkey FOREIGN KEY(second_id) REFERENCES core.visit (id) ON DELETE CASCADE,
    CONSTRAINT duplicate_candidate_first_dataset_id_fkey FOREIGN KEY(first_dataset_id) REFERENCES core.dataset (id) ON DELETE CASCADE,
    CONSTRAINT duplicate_candidate_second_dataset_id_fkey FOREIGN KEY(second_dataset_id) REFERENCES core.dataset (id) ON DELETE CASCADE,
    CONSTRAINT duplicate_candidate_decided_by_fkey FOREIGN KEY(decided_by) REFERENCES core.account (id)
);
CREATE INDEX duplicate_candidate_first_dataset_id_idx ON core.duplicate_candidate (first_dataset_id);
CREATE INDEX duplicate_candidate_second_dataset_id_idx ON core.duplicate_candidate (second_dataset_id);
CREATE INDEX duplicate_candidate_second_id_idx ON core.duplicate_candidate (second_id);
COMMENT ON TABLE core.duplicate_candidate IS 'Profiles of two datasets that may be one: for a person to decide, nothing is merged.';
COMMENT ON COLUMN core.duplicate_candidate.id IS 'Random public identifier.';
COMMENT ON COLUMN core.duplicate_candidate.first_id IS 'One profile.';
COMMENT ON COLUMN core.duplicate_candidate.second_id IS 'The profile that may be the same.';
COMMENT ON COLUMN core.duplicate_candidate.first_dataset_id IS 'Dataset of the one profile.';
COMMENT ON COLUMN core.duplicate_candidate.second_dataset_id IS 'Dataset of the other.';
COMMENT ON COLUMN core.duplicate_candidate.first_profile IS 'The contributor''s id of the one profile.';
COMMENT ON COLUMN core.duplicate_candidate.second_profile IS 'The contributor''s id of the other.';
COMMENT ON COLUMN core.duplicate_candidate.distance_m IS 'Distance between their positions [m].';
COMMENT ON COLUMN core.duplicate_candidate.shared_values IS 'Values that both have at the same depth and that agree.';
COMMENT ON COLUMN core.duplicate_candidate.state IS 'open; same or different once a person has decided.';
COMMENT ON COLUMN core.duplicate_candidate.decided_by IS 'Who decided.';
COMMENT ON COLUMN core.duplicate_candidate.decided_at IS 'When.';
COMMENT ON COLUMN core.duplicate_candidate.note IS 'Why, in words of who decided.';
COMMENT ON COLUMN core.duplicate_candidate.found_at IS 'When it was found.';

-- core.export: Files made from stored datasets on request.
CREATE TABLE core.export (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    dataset_id UUID NOT NULL,
    account_id UUID,
    kind TEXT NOT NULL,
    positions TEXT NOT NULL,
    state TEXT NOT NULL,
    path TEXT,
    fault TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT export_pkey PRIMARY KEY (id),
    CONSTRAINT export_positions_known_check CHECK (positions IN ('exact', 'published')),
    CONSTRAINT export_state_known_check CHECK (state IN ('waiting', 'ready', 'failed')),
    CONSTRAINT export_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES core.dataset (id) ON DELETE CASCADE,
    CONSTRAINT export_account_id_fkey FOREIGN KEY(account_id) REFERENCES core.account (id)
);
CREATE INDEX export_dataset_id_idx ON core.export (dataset_id);
COMMENT ON TABLE core.export IS 'Files made from stored datasets on request.';
COMMENT ON COLUMN core.export.id IS 'Random public identifier.';
COMMENT ON COLUMN core.export.dataset_id IS 'The dataset.';
COMMENT ON COLUMN core.export.account_id IS 'Who asked; empty: an operator at the command line.';
COMMENT ON COLUMN core.export.kind IS 'Format: glosis, csv.';
COMMENT ON COLUMN core.export.positions IS 'exact: for owners and reviewers; published: as everybody sees them.';
COMMENT ON COLUMN core.export.state IS 'waiting -> ready | failed.';
COMMENT ON COLUMN core.export.path IS 'File below the data folder.';
COMMENT ON COLUMN core.export.fault IS 'Why it failed, in words for whoever asked.';
COMMENT ON COLUMN core.export.created_at IS 'When it was asked for.';
COMMENT ON COLUMN core.export.finished_at IS 'When it was made.';

-- core.flag_decision: Flags that a reviewer dismissed or restored: flags change, values never.
CREATE TABLE core.flag_decision (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    dataset_id UUID NOT NULL,
    kind TEXT NOT NULL,
    record TEXT NOT NULL,
    code TEXT NOT NULL,
    dismissed BOOLEAN NOT NULL,
    note TEXT NOT NULL,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT flag_decision_pkey PRIMARY KEY (id),
    CONSTRAINT flag_decision_kind_known_check CHECK (kind IN ('site', 'layer', 'result')),
    CONSTRAINT flag_decision_code_is_a_word_check CHECK (code ~ '^[A-Z][A-Z0-9_]+$'),
    CONSTRAINT flag_decision_kind_record_code_key UNIQUE (kind, record, code),
    CONSTRAINT flag_decision_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES core.dataset (id) ON DELETE CASCADE,
    CONSTRAINT flag_decision_decided_by_fkey FOREIGN KEY(decided_by) REFERENCES core.account (id)
);
CREATE INDEX flag_decision_dataset_id_idx ON core.flag_decision (dataset_id);
COMMENT ON TABLE core.flag_decision IS 'Flags that a reviewer dismissed or restored: flags change, values never.';
COMMENT ON COLUMN core.flag_decision.id IS 'Random public identifier.';
COMMENT ON COLUMN core.flag_decision.dataset_id IS 'The dataset that the record belongs to.';
COMMENT ON COLUMN core.flag_decision.kind IS 'site, layer or result.';
COMMENT ON COLUMN core.flag_decision.record IS 'Id of the site; number of the layer; number of the layer, slash, place of the value.';
COMMENT ON COLUMN core.flag_decision.code IS 'Code of the rule.';
COMMENT ON COLUMN core.flag_decision.dismissed IS 'True: the flag is not shown, also after the rules ran again; false: restored.';
COMMENT ON COLUMN core.flag_decision.note IS 'Why, in words of who decided.';
COMMENT ON COLUMN core.flag_decision.decided_by IS 'Who decided; empty: an operator at the command line.';
COMMENT ON COLUMN core.flag_decision.decided_at IS 'When.';

-- core.grant: Who may do what, where.
CREATE TABLE core."grant" (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    account_id UUID NOT NULL,
    role TEXT NOT NULL,
    dataset_id UUID,
    network_id UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    granted_by UUID,
    CONSTRAINT grant_pkey PRIMARY KEY (id),
    CONSTRAINT grant_role_known_check CHECK (role IN ('reader', 'contributor', 'reviewer', 'coordinator', 'administrator')),
    CONSTRAINT grant_one_scope_check CHECK (dataset_id IS NULL OR network_id IS NULL),
    CONSTRAINT grant_administrator_everywhere_check CHECK (role <> 'administrator' OR (dataset_id IS NULL AND network_id IS NULL)),
    CONSTRAINT grant_coordinator_of_network_check CHECK (role <> 'coordinator' OR network_id IS NOT NULL),
    CONSTRAINT grant_account_id_role_dataset_id_network_id_key UNIQUE NULLS NOT DISTINCT (account_id, role, dataset_id, network_id),
    CONSTRAINT grant_account_id_fkey FOREIGN KEY(account_id) REFERENCES core.account (id) ON DELETE CASCADE,
    CONSTRAINT grant_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES core.dataset (id),
    CONSTRAINT grant_network_id_fkey FOREIGN KEY(network_id) REFERENCES core.network (id),
    CONSTRAINT grant_granted_by_fkey FOREIGN KEY(granted_by) REFERENCES core.account (id)
);
COMMENT ON TABLE core."grant" IS 'Who may do what, where.';
COMMENT ON COLUMN core."grant".id IS 'Random public identifier.';
COMMENT ON COLUMN core."grant".account_id IS 'Who may.';
COMMENT ON COLUMN core."grant".role IS 'reader, contributor, reviewer, coordinator (of a network) or administrator.';
COMMENT ON COLUMN core."grant".dataset_id IS 'The dataset it is about; empty: not bound to one.';
COMMENT ON COLUMN core."grant".network_id IS 'The network it is about; empty: not bound to one.';
COMMENT ON COLUMN core."grant".created_at IS 'Since when.';
COMMENT ON COLUMN core."grant".granted_by IS 'Who gave it; empty: an operator at the command line.';

-- core.rule_run: Rules applied again to stored data: flags change, values never.
CREATE TABLE core.rule_run (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    dataset_id UUID NOT NULL,
    rules_version TEXT NOT NULL,
    counts JSONB NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT rule_run_pkey PRIMARY KEY (id),
    CONSTRAINT rule_run_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES core.dataset (id) ON DELETE CASCADE
);
CREATE INDEX rule_run_dataset_id_idx ON core.rule_run (dataset_id);
COMMENT ON TABLE core.rule_run IS 'Rules applied again to stored data: flags change, values never.';
COMMENT ON COLUMN core.rule_run.id IS 'Random public identifier.';
COMMENT ON COLUMN core.rule_run.dataset_id IS 'The dataset whose stored data were checked again.';
COMMENT ON COLUMN core.rule_run.rules_version IS 'Version of the rules.';
COMMENT ON COLUMN core.rule_run.counts IS 'Findings per rule code, and how many are new or gone.';
COMMENT ON COLUMN core.rule_run.at IS 'When.';

-- core.upload: Files that came in, and what became of each row.
CREATE TABLE core.upload (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    dataset_id UUID,
    filename TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    sha256 BYTEA NOT NULL,
    mapping TEXT,
    mapping_body JSONB,
    proposal JSONB,
    replaces BOOLEAN DEFAULT false NOT NULL,
    strict BOOLEAN DEFAULT false NOT NULL,
    rules_version TEXT,
    state TEXT NOT NULL,
    step TEXT,
    progress DOUBLE PRECISION,
    fault TEXT,
    report JSONB,
    rows_read INTEGER,
    rows_stored INTEGER,
    rows_refused INTEGER,
    rows_ignored INTEGER,
    account_id UUID,
    decided_by UUID,
    decision TEXT,
    release INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT upload_pkey PRIMARY KEY (id),
    CONSTRAINT upload_state_known_check CHECK (state IN ('received', 'checking', 'checked', 'accepted', 'in_review', 'storing', 'stored', 'refused', 'rejected', 'cancelled', 'failed', 'superseded', 'withdrawn')),
    CONSTRAINT upload_hash_is_sha256_check CHECK (length(sha256) = 32),
    CONSTRAINT upload_progress_is_a_share_check CHECK (progress BETWEEN 0 AND 1),
    CONSTRAINT upload_ledger_closes_check CHECK (rows_read = rows_stored + rows_refused + rows_ignored),
    CONSTRAINT upload_ledger_is_whole_check CHECK (num_nulls(rows_read, rows_stored, rows_refused, rows_ignored) IN (0, 4)),
    CONSTRAINT upload_checked_has_report_check CHECK (report IS NOT NULL OR state NOT IN ('checked', 'accepted', 'in_review', 'storing', 'stored')),
    CONSTRAINT upload_dataset_id_fkey FOREIGN KEY(dataset_id) REFERENCES core.dataset (id),
    CONSTRAINT upload_account_id_fkey FOREIGN KEY(account_id) REFERENCES core.account (id),
    CONSTRAINT upload_decided_by_fkey FOREIGN KEY(decided_by) REFERENCES core.account (id),
    CONSTRAINT upload_release_fkey FOREIGN KEY(release) REFERENCES pub.release (number)
);
CREATE INDEX upload_account_id_idx ON core.upload (account_id);
CREATE INDEX upload_dataset_id_idx ON core.upload (dataset_id);
COMMENT ON TABLE core.upload IS 'Files that came in, and what became of each row.';
COMMENT ON COLUMN core.upload.id IS 'Random public identifier.';
COMMENT ON COLUMN core.upload.dataset_id IS 'The dataset that the file belongs to.';
COMMENT ON COLUMN core.upload.filename IS 'Name as given, without folders.';
COMMENT ON COLUMN core.upload.size_bytes IS 'Size of the file [byte].';
COMMENT ON COLUMN core.upload.sha256 IS 'SHA-256 of the bytes; the file is kept under it.';
COMMENT ON COLUMN core.upload.mapping IS 'Name of the mapping it was read with; empty: none was chosen yet.';
COMMENT ON COLUMN core.upload.mapping_body IS 'The mapping itself as it was confirmed; empty: as packaged.';
COMMENT ON COLUMN core.upload.proposal IS 'What we understood of the columns, and how sure we are of each.';
COMMENT ON COLUMN core.upload.replaces IS 'Whether it may take the place of what the dataset holds.';
COMMENT ON COLUMN core.upload.strict IS 'Whether a single refused row refuses the whole file.';
COMMENT ON COLUMN core.upload.rules_version IS 'Version of the checks that were applied; empty: not checked yet.';
COMMENT ON COLUMN core.upload.state IS 'received -> checking -> checked -> accepted [-> in_review] -> storing -> stored -> superseded | withdrawn; refused by the rules, rejected by a reviewer, cancelled by its owner, failed by a fault of ours.';
COMMENT ON COLUMN core.upload.step IS 'What is being done, in a few words.';
COMMENT ON COLUMN core.upload.progress IS 'Share of the work that is done.';
COMMENT ON COLUMN core.upload.fault IS 'Why it was refused as a whole, rejected or failed, in words for its owner.';
COMMENT ON COLUMN core.upload.report IS 'Issues and ledger: every row read is stored, refused or ignored.';
COMMENT ON COLUMN core.upload.rows_read IS 'Rows found in all tables of the upload.';
COMMENT ON COLUMN core.upload.rows_stored IS 'Rows stored.';
COMMENT ON COLUMN core.upload.rows_refused IS 'Rows refused, each with a rule code in the report.';
COMMENT ON COLUMN core.upload.rows_ignored IS 'Rows left out without fault: repeated, or without any value.';
COMMENT ON COLUMN core.upload.account_id IS 'Who sent it; empty: an operator at the command line.';
COMMENT ON COLUMN core.upload.decided_by IS 'Who accepted or rejected it in review.';
COMMENT ON COLUMN core.upload.decision IS 'What the reviewer wrote.';
COMMENT ON COLUMN core.upload.release IS 'Release in which it was published.';
COMMENT ON COLUMN core.upload.created_at IS 'When it arrived.';
COMMENT ON COLUMN core.upload.changed_at IS 'When its state or progress last changed.';
COMMENT ON COLUMN core.upload.finished_at IS 'When its processing ended.';

-- core.idempotency_key: Requests that may be repeated without being done twice.
CREATE TABLE core.idempotency_key (
    account_id UUID NOT NULL,
    key TEXT NOT NULL,
    request_sha256 BYTEA NOT NULL,
    upload_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT idempotency_key_hash_is_sha256_check CHECK (length(request_sha256) = 32),
    CONSTRAINT idempotency_key_account_id_key_key UNIQUE (account_id, key),
    CONSTRAINT idempotency_key_account_id_fkey FOREIGN KEY(account_id) REFERENCES core.account (id) ON DELETE CASCADE,
    CONSTRAINT idempotency_key_upload_id_fkey FOREIGN KEY(upload_id) REFERENCES core.upload (id) ON DELETE CASCADE
);
COMMENT ON TABLE core.idempotency_key IS 'Requests that may be repeated without being done twice.';
COMMENT ON COLUMN core.idempotency_key.account_id IS 'Who sent it.';
COMMENT ON COLUMN core.idempotency_key.key IS 'Idempotency-Key of the request.';
COMMENT ON COLUMN core.idempotency_key.request_sha256 IS 'SHA-256 of what was asked: the same key may not ask for something else.';
COMMENT ON COLUMN core.idempotency_key.upload_id IS 'The upload that the first request made.';
COMMENT ON COLUMN core.idempotency_key.created_at IS 'When it was first sent.';

-- core.procedure: How values of an upload were obtained and given: what they share is written once.
CREATE TABLE core.procedure (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    upload_id UUID NOT NULL,
    property TEXT NOT NULL,
    reported_unit TEXT NOT NULL,
    method TEXT,
    laboratory TEXT,
    status TEXT NOT NULL,
    source_column TEXT NOT NULL,
    CONSTRAINT procedure_pkey PRIMARY KEY (id),
    CONSTRAINT procedure_status_known_check CHECK (status IN ('measured', 'estimated', 'assumed', 'unknown')),
    CONSTRAINT procedure_described_once_key UNIQUE NULLS NOT DISTINCT (upload_id, property, reported_unit, method, laboratory, status, source_column),
    CONSTRAINT procedure_upload_id_fkey FOREIGN KEY(upload_id) REFERENCES core.upload (id) ON DELETE CASCADE,
    CONSTRAINT procedure_property_fkey FOREIGN KEY(property) REFERENCES pub.observed_property (code)
);
COMMENT ON TABLE core.procedure IS 'How values of an upload were obtained and given: what they share is written once.';
COMMENT ON COLUMN core.procedure.id IS 'Number of the procedure.';
COMMENT ON COLUMN core.procedure.upload_id IS 'The upload whose values it describes.';
COMMENT ON COLUMN core.procedure.property IS 'What was observed.';
COMMENT ON COLUMN core.procedure.reported_unit IS 'Unit as given or declared in the mapping.';
COMMENT ON COLUMN core.procedure.method IS 'Procedure, GloSIS code where one fits.';
COMMENT ON COLUMN core.procedure.laboratory IS 'Laboratory.';
COMMENT ON COLUMN core.procedure.status IS 'measured, estimated (a model or table), assumed (a default), or not said.';
COMMENT ON COLUMN core.procedure.source_column IS 'Column the values were read from.';

-- core.site: Places where soil was observed.
CREATE TABLE core.site (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    dataset_id UUID NOT NULL,
    upload_id UUID NOT NULL,
    own_id TEXT NOT NULL,
    name TEXT,
    cluster TEXT,
    position_text TEXT NOT NULL,
    position_crs TEXT NOT NULL,
    geom geometry(POINT,4326) NOT NULL,
    coord_uncertainty_m DOUBLE PRECISION,
    declared_country TEXT,
    flags TEXT[] DEFAULT '{}' NOT NULL,
    source_sheet TEXT,
    source_file TEXT NOT NULL,
    source_row INTEGER NOT NULL,
    CONSTRAINT site_pkey PRIMARY KEY (id),
    CONSTRAINT site_position_on_earth_check CHECK (ST_X(geom) BETWEEN -180 AND 180 AND ST_Y(geom) BETWEEN -90 AND 90),
    CONSTRAINT site_uncertainty_is_positive_check CHECK (coord_uncertainty_m > 0),
    CONSTRAINT site_dataset_id_own_id_key UNIQUE (dataset_id, own_id)
);
CREATE INDEX site_geom_idx ON core.site USING gist (geom);
CREATE INDEX site_upload_id_idx ON core.site (upload_id);
COMMENT ON TABLE core.site IS 'Places where soil was observed.';
COMMENT ON COLUMN core.site.id IS 'Random public identifier.';
COMMENT ON COLUMN core.site.dataset_id IS 'The dataset.';
COMMENT ON COLUMN core.site.upload_id IS 'The upload that brought it.';
COMMENT ON COLUMN core.site.own_id IS 'The contributor''s id, unique in the dataset and stable across campaigns.';
COMMENT ON COLUMN core.site.name IS 'The contributor''s name for it.';
COMMENT ON COLUMN core.site.cluster IS 'Sites with the same word are one sampling unit (a farm, a field trial).';
COMMENT ON COLUMN core.site.position_text IS 'Position as given.';
COMMENT ON COLUMN core.site.position_crs IS 'Coordinate reference system as given or declared.';
COMMENT ON COLUMN core.site.geom IS 'Exact position in WGS 84. Never leaves this schema.';
COMMENT ON COLUMN core.site.coord_uncertainty_m IS 'Radius around the position within which the site lies [m].';
COMMENT ON COLUMN core.site.declared_country IS 'Country as given, ISO 3166-1 alpha-2.';
COMMENT ON COLUMN core.site.flags IS 'Codes of rules that found the position or site suspect.';
COMMENT ON COLUMN core.site.source_sheet IS 'Sheet of the workbook.';
COMMENT ON COLUMN core.site.source_file IS 'File it was read from.';
COMMENT ON COLUMN core.site.source_row IS 'Row as a spreadsheet shows it.';

-- core.site_practice: Practices applied at a site, and when.
CREATE TABLE core.site_practice (
    site_id UUID NOT NULL,
    practice_code TEXT NOT NULL,
    starts_on DATE,
    ends_on DATE,
    CONSTRAINT site_practice_ends_after_start_check CHECK (ends_on >= starts_on),
    CONSTRAINT site_practice_site_id_practice_code_starts_on_key UNIQUE NULLS NOT DISTINCT (site_id, practice_code, starts_on),
    CONSTRAINT site_practice_site_id_fkey FOREIGN KEY(site_id) REFERENCES core.site (id) ON DELETE CASCADE,
    CONSTRAINT site_practice_practice_code_fkey FOREIGN KEY(practice_code) REFERENCES pub.practice (code)
);
COMMENT ON TABLE core.site_practice IS 'Practices applied at a site, and when.';
COMMENT ON COLUMN core.site_practice.site_id IS 'The site.';
COMMENT ON COLUMN core.site_practice.practice_code IS 'A practice applied there.';
COMMENT ON COLUMN core.site_practice.starts_on IS 'Since when, where known.';
COMMENT ON COLUMN core.site_practice.ends_on IS 'Until when; empty while it lasts.';

-- Who did what stays written ---------------------------------------------------------------------------------------

CREATE FUNCTION core.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON core.audit
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Releases ---------------------------------------------------------------------------------------------------------

CREATE FUNCTION core.seal_release(release_number integer) RETURNS void
    LANGUAGE sql
AS $$
    -- Rows by id, in buckets, so that no list of hashes grows beyond memory. Row numbers and zooms are no content.
    WITH row_digest (kind, id, digest) AS (
        SELECT 'site', id::text, sha256(convert_to(ROW(
            id, dataset_id, own_id, geom, coordinate_uncertainty_m, location_precision, country, n_visits, first_sampled,
            last_sampled, soc_stock, soc_stock_reason, soc_content, synthetic, released_to)::text, 'UTF8'))
        FROM pub.site WHERE released_from = release_number OR released_to = release_number
        UNION ALL
        SELECT 'observation', id::text, sha256(convert_to(ROW(
            id, site_id, visit_id, dataset_id, geom, coordinate_uncertainty_m, location_precision, property, value, qualifier,
            uncertainty, status, method, top_cm, bottom_cm, layer_kind, horizon, sampled_from, sampled_to, date_precision,
            flags, synthetic, released_to)::text, 'UTF8'))
        FROM pub.observation WHERE released_from = release_number OR released_to = release_number
        UNION ALL
        SELECT 'dataset', d.id::text, sha256(convert_to((to_jsonb(d) - 'row')::text, 'UTF8'))
        FROM pub.dataset d WHERE released_from = release_number OR released_to = release_number
        UNION ALL
        SELECT 'partner', p.id::text, sha256(convert_to((to_jsonb(p) - 'fid')::text, 'UTF8'))
        FROM pub.partner p WHERE released_from = release_number OR released_to = release_number
        UNION ALL
        SELECT 'region', r.id, sha256(convert_to(ROW(r.id, r.kind, r.code, r.name_en, r.geom, r.released_to)::text, 'UTF8'))
        FROM pub.region r WHERE released_from = release_number OR released_to = release_number
        UNION ALL
        SELECT 'estimate', concat_ws('/', e.region_id, e.indicator, e.upper_cm, e.lower_cm, e.mass_basis, e.period, e.slice),
               sha256(convert_to((to_jsonb(e) - 'row' - 'computed_at')::text, 'UTF8'))
        FROM pub.estimate e WHERE released_from = release_number OR released_to = release_number
    ), bucket AS (
        SELECT kind, left(id, 3) AS part, sha256(string_agg(digest, '' ORDER BY id, digest)) AS digest
        FROM row_digest GROUP BY 1, 2
    )
    UPDATE pub.release SET content_hash = sha256(
        content_hash || convert_to(changes::text, 'UTF8')
        || coalesce((SELECT sha256(string_agg(digest, '' ORDER BY kind, part)) FROM bucket), '')
    )
    WHERE number = release_number;
$$;
COMMENT ON FUNCTION core.seal_release IS
    'Make the hash of a release one over the rows that it began and ended: whoever has them can compute it again.';

CREATE FUNCTION core.take_down(dataset uuid, kind text, summary text, changes jsonb, with_figures boolean) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    next_number integer;
    n_sites integer;
    n_observations integer;
BEGIN
    IF NOT EXISTS (SELECT FROM pub.dataset d WHERE d.id = dataset AND d.released_to IS NULL) THEN
        RETURN 0;
    END IF;
    -- Publications take turns. Who cannot have it now leaves the change to the job, which waits for it.
    IF NOT pg_try_advisory_xact_lock(4000005) THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(max(r.number), 0) + 1 INTO next_number FROM pub.release r;
    INSERT INTO pub.release (number, kind, summary, dataset_id, content_hash)
    SELECT next_number, kind, summary, dataset, sha256(convert_to(concat_ws(E'\n',
        (SELECT encode(r.content_hash, 'hex') FROM pub.release r WHERE r.number = next_number - 1), summary, dataset), 'UTF8'));
    UPDATE pub.site s SET released_to = next_number WHERE s.dataset_id = dataset AND s.released_to IS NULL;
    GET DIAGNOSTICS n_sites = ROW_COUNT;
    UPDATE pub.observation o SET released_to = next_number WHERE o.dataset_id = dataset AND o.released_to IS NULL;
    GET DIAGNOSTICS n_observations = ROW_COUNT;
    UPDATE pub.dataset d SET released_to = next_number WHERE d.id = dataset AND d.released_to IS NULL;
    IF with_figures THEN
        UPDATE pub.estimate e SET released_to = next_number
        WHERE e.released_to IS NULL AND e.datasets @> jsonb_build_array(jsonb_build_object('id', dataset));
    END IF;
    UPDATE pub.release r SET changes = take_down.changes || jsonb_build_object(
        'settled', false,
        'sites', jsonb_build_object('added', 0, 'changed', 0, 'removed', n_sites),
        'observations', jsonb_build_object('added', 0, 'changed', 0, 'removed', n_observations))
    WHERE r.number = next_number;
    PERFORM core.seal_release(next_number);
    RETURN next_number;
END
$$;
COMMENT ON FUNCTION core.take_down IS
    'End what is published of a dataset, as a release, on behalf of a role that can read no position. The number of the release; 0 where nothing was published; NULL where another publication has the turn.';
REVOKE EXECUTE ON FUNCTION core.take_down FROM PUBLIC;

-- What the planner would remember of exact positions: a function of PostGIS shows statistics to every role.
ALTER TABLE core.site ALTER COLUMN geom SET STATISTICS 0;
DO $$
DECLARE
    shown regprocedure;
BEGIN
    -- Others read the root of an index on behalf of the owner. On a server where PostGIS is somebody else's this has no
    -- effect; docs/operations.md says what its superuser should do.
    FOR shown IN
        SELECT p.oid::regprocedure FROM pg_proc p
        JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
        JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'postgis'
        WHERE lower(p.proname) IN ('st_estimatedextent', '_postgis_index_extent', '_postgis_stats',
                                   '_postgis_selectivity', '_postgis_join_selectivity')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', shown);
    END LOOP;
END
$$;

-- Values, one a row ---------------------------------------------------------------------------------------------------

-- Made once; a copy of the database keeps it, so ids stay what they are.
INSERT INTO core.secret (name, value)
VALUES ('result ids', sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

CREATE FUNCTION core.result_id(salt bytea, visit uuid, layer bigint, place bigint) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    -- Half of the hash, with the bytes that say version and variant of a UUID put in.
    RETURN encode(set_byte(set_byte(substr(
        sha256(salt || uuid_send(visit) || int8send((layer << 16) | place)), 1, 16), 6, 130), 8, 160), 'hex')::uuid;
COMMENT ON FUNCTION core.result_id IS
    'Public id of a value: a salted hash (UUID version 8) of the random id of its profile and its place there, so that it stays the same without being stored. Without the salt, which never leaves this schema, nobody can try which layer of the file it is.';

CREATE VIEW core.result AS
SELECT core.result_id((SELECT s.value FROM core.secret s WHERE s.name = 'result ids'), l.visit_id, l.id, r.place) AS id, l.id AS layer_id, l.visit_id, p.property, r.value,
       coalesce(substr(l.result_qualifiers, r.place::int, 1), '=') AS qualifier,
       l.result_uncertainties[r.place] AS uncertainty, p.status, r.reported_value, p.reported_unit, p.method,
       p.laboratory,
       CASE WHEN l.result_flags IS NULL THEN '{}'::text[] ELSE
           ARRAY(SELECT jsonb_array_elements_text(l.result_flags -> r.place::text)) END AS flags,
       p.source_column, r.place, p.id AS procedure_id
FROM core.layer l
CROSS JOIN LATERAL unnest(l.procedures, l.result_values, l.result_texts) WITH ORDINALITY
    AS r (procedure_id, value, reported_value, place)
JOIN core.procedure p ON p.id = r.procedure_id;
COMMENT ON VIEW core.result IS
    'One row for each value of each layer, with how it was reported; read from core.layer and core.procedure.';
COMMENT ON COLUMN core.result.id IS 'Public id of the value.';
COMMENT ON COLUMN core.result.layer_id IS 'The layer.';
COMMENT ON COLUMN core.result.visit_id IS 'The profile.';
COMMENT ON COLUMN core.result.property IS 'What was observed.';
COMMENT ON COLUMN core.result.value IS 'Value in the canonical unit of the property.';
COMMENT ON COLUMN core.result.qualifier IS '= exact; < or > a limit of detection or of the scale.';
COMMENT ON COLUMN core.result.uncertainty IS 'Standard uncertainty, in the canonical unit.';
COMMENT ON COLUMN core.result.status IS 'measured, estimated (a model or table), assumed (a default), or not said.';
COMMENT ON COLUMN core.result.reported_value IS 'Value as given.';
COMMENT ON COLUMN core.result.reported_unit IS 'Unit as given or declared in the mapping.';
COMMENT ON COLUMN core.result.method IS 'Procedure, GloSIS code where one fits.';
COMMENT ON COLUMN core.result.laboratory IS 'Laboratory.';
COMMENT ON COLUMN core.result.flags IS 'Codes of rules that found the value suspect.';
COMMENT ON COLUMN core.result.source_column IS 'Column it was read from.';
COMMENT ON COLUMN core.result.place IS 'Place of the value in the arrays of its layer, counted from 1.';
COMMENT ON COLUMN core.result.procedure_id IS 'How it was obtained.';

-- Flags of records, for those who review them without reading values or positions -------------------------------------------

CREATE FUNCTION core.record_flags(observation uuid, site uuid) RETURNS TABLE (dataset_id uuid, kind text, record text, flags text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
    SELECT s.dataset_id, 'site', s.id::text, s.flags FROM core.site s WHERE s.id = record_flags.site
    UNION ALL
    SELECT found.dataset_id, part.kind, part.record, part.flags
    FROM pub.observation o
    JOIN core.result r ON r.visit_id = o.visit_id AND r.id = o.id
    JOIN core.layer l ON l.id = r.layer_id
    JOIN core.site found ON found.id = o.site_id
    CROSS JOIN LATERAL (VALUES
        ('result', l.id || '/' || r.place, r.flags), ('layer', l.id::text, l.flags), ('site', found.id::text, found.flags)
    ) AS part (kind, record, flags)
    WHERE o.id = record_flags.observation AND o.released_to IS NULL;
END;
COMMENT ON FUNCTION core.record_flags IS
    'Dataset and flags of a site, or of a published value with its layer and site. Neither a value nor a position.';
REVOKE EXECUTE ON FUNCTION core.record_flags FROM PUBLIC;

-- References of tables that take millions of rows at once ----------------------------------------------------------------

CREATE FUNCTION core.check_links() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
DECLARE
    strange text;
    missing bigint;
    others bigint;
    held bigint;
BEGIN
    -- Rows that this transaction made itself nobody else can delete; the others are held until it ends.
    EXECUTE format('SELECT count(*) FILTER (WHERE t.id IS NULL), count(t.id) FROM (SELECT DISTINCT %1$I FROM added) a '
                   'LEFT JOIN %2$s t ON t.id = a.%1$I WHERE t.id IS NULL OR t.xmin <> (pg_current_xact_id()::xid)',
                   TG_ARGV[0], TG_ARGV[1]) INTO missing, others;
    IF others > 0 THEN
        EXECUTE format('SELECT count(*) FROM (SELECT 1 FROM %2$s t WHERE t.id IN (SELECT %1$I FROM added) '
                       'AND t.xmin <> (pg_current_xact_id()::xid) FOR KEY SHARE) held', TG_ARGV[0], TG_ARGV[1]) INTO held;
    END IF;
    -- Fewer are held than were there where somebody deleted one in between.
    IF missing > 0 OR held < others THEN
        EXECUTE format('SELECT a.%1$I::text FROM added a WHERE NOT EXISTS (SELECT FROM %2$s t WHERE t.id = a.%1$I) LIMIT 1',
                       TG_ARGV[0], TG_ARGV[1]) INTO strange;
        RAISE foreign_key_violation USING
            MESSAGE = format('%s.%s refers to %s in %s, which is not there', TG_TABLE_NAME, TG_ARGV[0], strange, TG_ARGV[1]);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION core.check_links IS
    'After INSERT or UPDATE, once a statement: what the column (first argument) names is in the table (second). A foreign key asks once a row, which takes longer than writing it.';

CREATE FUNCTION core.delete_linked() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
BEGIN
    EXECUTE format('DELETE FROM %s WHERE %I IN (SELECT id FROM gone)', TG_ARGV[0], TG_ARGV[1]);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION core.delete_linked IS
    'After DELETE, once a statement: rows of the table (first argument) whose column (second) names what is gone go as well.';

CREATE FUNCTION core.check_releases() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
DECLARE
    strange integer;
BEGIN
    SELECT a.number INTO strange
    FROM (SELECT released_from AS number FROM added UNION SELECT released_to FROM added) a
    WHERE a.number IS NOT NULL AND NOT EXISTS (SELECT FROM pub.release r WHERE r.number = a.number)
    LIMIT 1;
    IF strange IS NOT NULL THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('%s.%s refers to release %s, which is not there', TG_TABLE_SCHEMA, TG_TABLE_NAME, strange);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION core.check_releases IS
    'After INSERT or UPDATE, once a statement: the releases in which rows are valid are there. None is ever deleted.';

CREATE FUNCTION core.keep_id() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
BEGIN
    RAISE foreign_key_violation USING MESSAGE = format('The id of a row of %s never changes', TG_TABLE_NAME);
END
$$;
COMMENT ON FUNCTION core.keep_id IS 'Before UPDATE of an id that other tables refer to.';

CREATE TRIGGER site_dataset_id_added AFTER INSERT ON core.site REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_links('dataset_id', 'core.dataset');
CREATE TRIGGER site_dataset_id_changed AFTER UPDATE ON core.site REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_links('dataset_id', 'core.dataset');
CREATE TRIGGER site_dataset_id_gone AFTER DELETE ON core.dataset REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION core.delete_linked('core.site', 'dataset_id');
CREATE TRIGGER site_upload_id_added AFTER INSERT ON core.site REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_links('upload_id', 'core.upload');
CREATE TRIGGER site_upload_id_changed AFTER UPDATE ON core.site REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_links('upload_id', 'core.upload');
CREATE TRIGGER site_upload_id_gone AFTER DELETE ON core.upload REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION core.delete_linked('core.site', 'upload_id');
CREATE TRIGGER visit_site_id_added AFTER INSERT ON core.visit REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_links('site_id', 'core.site');
CREATE TRIGGER visit_site_id_changed AFTER UPDATE ON core.visit REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_links('site_id', 'core.site');
CREATE TRIGGER visit_site_id_gone AFTER DELETE ON core.site REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION core.delete_linked('core.visit', 'site_id');
CREATE TRIGGER site_region_site_id_added AFTER INSERT ON core.site_region REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_links('site_id', 'core.site');
CREATE TRIGGER site_region_site_id_changed AFTER UPDATE ON core.site_region REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_links('site_id', 'core.site');
CREATE TRIGGER site_region_site_id_gone AFTER DELETE ON core.site REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION core.delete_linked('core.site_region', 'site_id');
CREATE TRIGGER layer_visit_id_added AFTER INSERT ON core.layer REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_links('visit_id', 'core.visit');
CREATE TRIGGER layer_visit_id_changed AFTER UPDATE ON core.layer REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_links('visit_id', 'core.visit');
CREATE TRIGGER layer_visit_id_gone AFTER DELETE ON core.visit REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION core.delete_linked('core.layer', 'visit_id');
CREATE TRIGGER derived_visit_id_added AFTER INSERT ON core.derived REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_links('visit_id', 'core.visit');
CREATE TRIGGER derived_visit_id_changed AFTER UPDATE ON core.derived REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_links('visit_id', 'core.visit');
CREATE TRIGGER derived_visit_id_gone AFTER DELETE ON core.visit REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION core.delete_linked('core.derived', 'visit_id');
CREATE TRIGGER site_region_region_id_added AFTER INSERT ON core.site_region REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_links('region_id', 'core.region');
CREATE TRIGGER site_region_region_id_changed AFTER UPDATE ON core.site_region REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_links('region_id', 'core.region');
CREATE TRIGGER site_region_region_id_gone AFTER DELETE ON core.region REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION core.delete_linked('core.site_region', 'region_id');
CREATE TRIGGER site_releases_added AFTER INSERT ON pub.site REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_releases();
CREATE TRIGGER site_releases_changed AFTER UPDATE ON pub.site REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_releases();
CREATE TRIGGER observation_releases_added AFTER INSERT ON pub.observation REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_releases();
CREATE TRIGGER observation_releases_changed AFTER UPDATE ON pub.observation REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION core.check_releases();
CREATE TRIGGER release_is_kept BEFORE DELETE OR TRUNCATE ON pub.release
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER release_number_is_kept BEFORE UPDATE OF number ON pub.release
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER dataset_id_kept BEFORE UPDATE OF id ON core.dataset
    FOR EACH ROW WHEN (NEW.id IS DISTINCT FROM OLD.id) EXECUTE FUNCTION core.keep_id();
CREATE TRIGGER upload_id_kept BEFORE UPDATE OF id ON core.upload
    FOR EACH ROW WHEN (NEW.id IS DISTINCT FROM OLD.id) EXECUTE FUNCTION core.keep_id();
CREATE TRIGGER region_id_kept BEFORE UPDATE OF id ON core.region
    FOR EACH ROW WHEN (NEW.id IS DISTINCT FROM OLD.id) EXECUTE FUNCTION core.keep_id();
CREATE TRIGGER site_id_kept BEFORE UPDATE OF id ON core.site
    FOR EACH ROW WHEN (NEW.id IS DISTINCT FROM OLD.id) EXECUTE FUNCTION core.keep_id();
CREATE TRIGGER visit_id_kept BEFORE UPDATE OF id ON core.visit
    FOR EACH ROW WHEN (NEW.id IS DISTINCT FROM OLD.id) EXECUTE FUNCTION core.keep_id();

-- Most statistics of arrays would take longer to make than any plan gains from them.
ALTER TABLE core.layer ALTER COLUMN procedures SET STATISTICS 0;
ALTER TABLE core.layer ALTER COLUMN result_values SET STATISTICS 0;
ALTER TABLE core.layer ALTER COLUMN result_texts SET STATISTICS 0;

-- Plans for data that just came ------------------------------------------------------------------------------------

-- A sample of 9000 rows a table is enough until autovacuum takes a larger one.
CREATE FUNCTION core.refresh_statistics() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET default_statistics_target = 30
AS $$
BEGIN
    ANALYZE core.site, core.site_region, core.visit, core.layer, core.derived, pub.site, pub.observation;
END
$$;
COMMENT ON FUNCTION core.refresh_statistics IS
    'Tell the planner how large the tables are now. An import is queried in the transaction that wrote it, long before autovacuum looks; only an owner may analyse, hence on behalf of one.';
REVOKE EXECUTE ON FUNCTION core.refresh_statistics FROM PUBLIC;

-- Who may read and write what --------------------------------------------------------------------------------------

REVOKE ALL ON SCHEMA core FROM PUBLIC;
REVOKE ALL ON SCHEMA pub FROM PUBLIC;

GRANT USAGE ON SCHEMA pub TO observatory_web;
GRANT SELECT ON ALL TABLES IN SCHEMA pub TO observatory_web;
ALTER DEFAULT PRIVILEGES IN SCHEMA pub GRANT SELECT ON TABLES TO observatory_web;

GRANT USAGE ON SCHEMA core, pub TO observatory_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA core, pub TO observatory_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA core, pub GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO observatory_worker;
REVOKE UPDATE, DELETE ON core.audit FROM observatory_worker;
REVOKE INSERT, UPDATE, DELETE ON core.secret FROM observatory_worker;
GRANT EXECUTE ON FUNCTION core.refresh_statistics TO observatory_worker;
GRANT USAGE ON SEQUENCE core.procedure_id_seq TO observatory_worker;

-- Requests of people with an account: they keep accounts, terms and uploads, and never meet an observation or position.
GRANT USAGE ON SCHEMA core, pub TO observatory_desk;
GRANT SELECT ON ALL TABLES IN SCHEMA pub TO observatory_desk;
ALTER DEFAULT PRIVILEGES IN SCHEMA pub GRANT SELECT ON TABLES TO observatory_desk;
GRANT SELECT ON core.organisation, core.network, core.network_member TO observatory_desk;
GRANT SELECT, INSERT, UPDATE ON core.account, core.api_key, core.dataset, core.upload TO observatory_desk;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    core."grant", core.dataset_owner, core.dataset_network, core.dataset_objective, core.mapping, core.idempotency_key,
    core.export TO observatory_desk;
GRANT SELECT, INSERT ON core.audit TO observatory_desk;
GRANT SELECT, UPDATE ON core.duplicate_candidate TO observatory_desk;
GRANT SELECT, INSERT, UPDATE ON core.flag_decision TO observatory_desk;
GRANT SELECT ON core.rule_run TO observatory_desk;
GRANT EXECUTE ON FUNCTION core.record_flags TO observatory_desk;
GRANT INSERT, UPDATE ON core.network, core.network_member TO observatory_desk;
GRANT DELETE ON core.network_member TO observatory_desk;
GRANT EXECUTE ON FUNCTION core.take_down TO observatory_desk;
-- Finding the country of a position that a file brings, without storing it.
GRANT SELECT ON core.region, core.region_part TO observatory_desk;
