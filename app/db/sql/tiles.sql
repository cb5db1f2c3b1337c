-- observations_tile --
-- Observations of one property. Below zoom 14 at most one per cell of 1/64 of the tile, chosen beforehand.
SELECT ST_AsMVT(tile, 'observations', 4096, 'geom', 'fid')
FROM (
    SELECT o.fid, o.id::text AS id, o.site_id::text AS site, o.property, o.value, p.unit, o.top_cm AS upper,
           o.bottom_cm AS lower, extract(year FROM o.sampled_from)::int AS year, o.synthetic,
           ST_AsMVTGeom(o.geom_3857, ST_TileEnvelope(:z, :x, :y), 4096, 64, true) AS geom
    FROM pub.observation o
    JOIN pub.observed_property p ON p.code = o.property
    WHERE o.released_to IS NULL AND o.property = :property AND o.min_zoom <= :z
      AND o.geom && pub.degrees_of(ST_TileEnvelope(:z, :x, :y, margin => 0.015625))
) tile
WHERE geom IS NOT NULL;

-- sites_tile --
-- Sites with the latest stock. Below zoom 14 at most one per cell of 1/64 of the tile, chosen beforehand.
SELECT ST_AsMVT(tile, 'sites', 4096, 'geom', 'fid')
FROM (
    SELECT s.fid, s.id::text AS id, d.slug AS dataset, s.soc_stock, s.soc_content, s.soc_stock_reason AS reason,
           extract(year FROM s.last_sampled)::int AS last_year, s.synthetic, s.location_precision AS precision,
           ST_AsMVTGeom(s.geom_3857, ST_TileEnvelope(:z, :x, :y), 4096, 64, true) AS geom
    FROM pub.site s
    JOIN pub.dataset d ON d.id = s.dataset_id AND d.released_to IS NULL
    WHERE s.released_to IS NULL AND s.min_zoom <= :z
      AND (CAST(:dataset AS text) IS NULL OR d.slug = :dataset)
      AND s.geom_3857 && ST_TileEnvelope(:z, :x, :y, margin => 0.015625)
) tile
WHERE geom IS NOT NULL;

-- regions_tile --
-- Regions of one kind with one indicator over one depth and period.
SELECT ST_AsMVT(tile, 'regions', 4096, 'geom', 'fid')
FROM (
    SELECT r.fid, r.id, r.name_en AS name, r.kind, e.value, e.lower, e.upper, e.n_sites, e.refused, e.representative,
           e.synthetic = 'all' AS synthetic,
           ST_AsMVTGeom(r.geom_3857, ST_TileEnvelope(:z, :x, :y), 4096, 64, true) AS geom
    FROM pub.region r
    LEFT JOIN pub.estimate e ON e.region_id = r.id AND e.released_to IS NULL AND e.slice = 'all'
        AND e.mass_basis = 'fixed_depth' AND e.indicator = :indicator AND e.upper_cm = :upper_cm
        AND e.lower_cm = :lower_cm AND e.period = :period
    WHERE r.released_to IS NULL AND r.kind = :kind
      AND r.geom_3857 && ST_TileEnvelope(:z, :x, :y, margin => 0.015625)
) tile
WHERE geom IS NOT NULL;

-- partners_tile --
-- Partners with a position.
SELECT ST_AsMVT(tile, 'partners', 4096, 'geom', 'fid')
FROM (
    SELECT o.fid, o.id::text AS id, o.name, o.college, o.country_code AS country, o.position_precision AS precision,
           ST_AsMVTGeom(o.geom_3857, ST_TileEnvelope(:z, :x, :y), 4096, 64, true) AS geom
    FROM pub.partner o
    WHERE o.released_to IS NULL
      AND o.geom_3857 && ST_TileEnvelope(:z, :x, :y, margin => 0.015625)
) tile
WHERE geom IS NOT NULL;
