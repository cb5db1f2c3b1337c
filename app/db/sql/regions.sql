-- region_parts --
-- Cut boundaries into small pieces, so that finding the region of a point is an index look-up. What a country belongs to
-- is known from its parents.
INSERT INTO core.region_part (region_id, geom)
SELECT id, (ST_Dump(ST_Subdivide(geom, 128))).geom
FROM core.region
WHERE id = ANY (:ids) AND kind NOT IN ('world', 'initiative');

-- locate_sites --
-- For each position of the temporary table `position`: the country it lies in, or the nearest within a distance, and how
-- far it is from the country that was declared (whose territories with codes of their own count to it). A declared
-- country within that distance wins over the one the position lies in: generalised borders are off by kilometres.
-- Distances are geodesic; the search box is wide enough at any latitude.
WITH inside AS (
    SELECT DISTINCT ON (p.site_key) p.site_key, part.region_id
    FROM position p
    JOIN core.region_part part ON ST_Intersects(part.geom, p.geom)
    JOIN core.region r ON r.id = part.region_id AND r.kind = 'country'
    ORDER BY p.site_key, part.region_id
), declared AS (
    SELECT p.site_key, d.id,
           CASE
               WHEN i.region_id IN (SELECT r.id FROM core.region r WHERE d.id IN (r.id, r.territory_of)) THEN 0
               ELSE (
                   SELECT min(ST_Distance(part.geom::geography, p.geom::geography))
                   FROM core.region_part part
                   JOIN core.region r ON r.id = part.region_id
                   WHERE d.id IN (r.id, r.territory_of)
               )
           END AS distance_m
    FROM position p
    JOIN core.region d ON d.kind = 'country' AND d.iso_a2 = p.country_code
    LEFT JOIN inside i USING (site_key)
)
SELECT p.site_key,
       CASE WHEN d.distance_m > 0 AND d.distance_m <= CAST(:within_m AS float8) THEN d.id
            ELSE coalesce(i.region_id, near.region_id) END AS region_id,
       CASE WHEN d.distance_m > 0 AND d.distance_m <= CAST(:within_m AS float8) THEN d.distance_m
            WHEN i.region_id IS NOT NULL THEN 0
            ELSE near.distance_m END AS distance_m,
       d.id AS declared_id,
       d.distance_m AS declared_distance_m
FROM position p
LEFT JOIN inside i USING (site_key)
LEFT JOIN declared d USING (site_key)
LEFT JOIN LATERAL (
    SELECT part.region_id, ST_Distance(part.geom::geography, p.geom::geography) AS distance_m
    FROM core.region_part part
    JOIN core.region r ON r.id = part.region_id AND r.kind = 'country'
    WHERE i.region_id IS NULL
      AND ST_DWithin(part.geom, p.geom, 0.12 / greatest(cos(radians(ST_Y(p.geom))), 0.05))
      AND ST_DWithin(part.geom::geography, p.geom::geography, CAST(:within_m AS float8))
    ORDER BY 2, 1
    LIMIT 1
) near ON true;

-- region_middles --
-- Where programs and maps put a point when they know only the country, the region or the town.
SELECT r.name_en AS place, m.middle, ST_X(m.geom) AS longitude, ST_Y(m.geom) AS latitude,
       1000 * sqrt(r.area_km2 / pi()) AS radius_m
FROM core.region r
CROSS JOIN LATERAL (VALUES
    ('centre', ST_Centroid(r.geom)),
    ('label point', r.label_point),
    ('bounding box middle', ST_Centroid(ST_Envelope(r.geom)))
) AS m (middle, geom)
WHERE r.kind IN ('country', 'first_level') AND m.geom IS NOT NULL
UNION ALL
SELECT DISTINCT ON (o.place) o.place, 'town', ST_X(o.geom), ST_Y(o.geom), CAST(:town_m AS float8)
FROM core.organisation o
WHERE o.position_precision = 'city' AND o.place IS NOT NULL;

-- country_of_repaired --
-- For positions that lie in no plausible country: which repair (axes swapped, a sign changed) puts them into one.
SELECT DISTINCT ON (p.site_key) p.site_key, repair.name AS repair, r.id AS region_id, r.name_en AS region_name
FROM position p
CROSS JOIN LATERAL (VALUES
    ('longitude and latitude swapped', ST_Y(p.geom), ST_X(p.geom), 1),
    ('the sign of the longitude changed', -ST_X(p.geom), ST_Y(p.geom), 2),
    ('the sign of the latitude changed', ST_X(p.geom), -ST_Y(p.geom), 3)
) AS repair (name, x, y, preference)
JOIN core.region_part part
    ON repair.y BETWEEN -90 AND 90
    AND ST_Intersects(part.geom, ST_SetSRID(ST_MakePoint(repair.x, repair.y), 4326))
JOIN core.region r ON r.id = part.region_id AND r.kind = 'country'
WHERE p.site_key = ANY (:keys)
  AND (p.country_code IS NULL OR p.country_code = r.iso_a2
       OR r.territory_of IN (SELECT id FROM core.region WHERE kind = 'country' AND iso_a2 = p.country_code))
ORDER BY p.site_key, repair.preference;

-- publish_regions --
-- Show regions from this release on. Boundaries are cut at the latitudes where Web Mercator ends.
INSERT INTO pub.region (
    id, kind, code, iso_a2, name_en, name_fr, name_es, parent_id, initiative_region, geom, geom_3857, label_point,
    area_km2, cell_count, source, licence, released_from
)
SELECT id, kind, code, iso_a2, name_en, name_fr, name_es, parent_id, initiative_region, geom,
       ST_Multi(ST_CollectionExtract(
           ST_Transform(ST_Intersection(geom, ST_MakeEnvelope(-180, -85.0511, 180, 85.0511, 4326)), 3857), 3)),
       label_point, area_km2, cell_count, source, licence, :release
FROM core.region
WHERE id = ANY (:ids);

-- countries_of_points --
-- The country that each point lies in.
SELECT DISTINCT ON (p.key) p.key, part.region_id
FROM unnest(CAST(:keys AS text[]), CAST(:points AS text[])) AS p (key, point)
JOIN core.region_part part ON ST_Intersects(part.geom, CAST(p.point AS geometry))
JOIN core.region r ON r.id = part.region_id AND r.kind = 'country'
ORDER BY p.key, part.region_id;

-- assign_sites --
-- The regions that hold each stored site.
INSERT INTO core.site_region (site_id, region_id, distance_m)
SELECT DISTINCT s.id, part.region_id, 0
FROM core.region_part part
JOIN core.site s ON ST_Intersects(part.geom, s.geom)
WHERE part.region_id = ANY (:ids)
ON CONFLICT DO NOTHING;

-- assign_dataset --
-- The regions, countries aside, that hold each site of a dataset.
INSERT INTO core.site_region (site_id, region_id, distance_m)
SELECT DISTINCT s.id, part.region_id, 0
FROM core.site s
JOIN core.region_part part ON ST_Intersects(part.geom, s.geom)
JOIN core.region r ON r.id = part.region_id AND r.kind <> 'country'
WHERE s.dataset_id = :dataset AND EXISTS (SELECT FROM core.region WHERE kind NOT IN ('world', 'initiative', 'country'))
ON CONFLICT DO NOTHING;

-- area_ledger --
-- Each region that has parts: its area, theirs, what no part covers and what parts cover beyond it. Geodesic areas.
WITH divided AS (
    SELECT p.id, p.name_en, p.area_km2, p.geom, count(*) AS n_parts, sum(c.area_km2) AS parts_km2,
           ST_UnaryUnion(ST_Collect(c.geom)) AS parts
    FROM core.region p
    JOIN core.region c ON c.parent_id = p.id
    GROUP BY p.id
), measured AS (
    SELECT id, name_en, area_km2, n_parts, parts_km2,
           ST_Area(ST_CollectionExtract(ST_Difference(geom, parts), 3)::geography) / 1e6 AS undivided_km2,
           ST_Area(ST_CollectionExtract(ST_Difference(parts, geom), 3)::geography) / 1e6 AS outside_km2
    FROM divided
)
SELECT id, name_en, area_km2, n_parts, parts_km2, undivided_km2, outside_km2,
       area_km2 - (parts_km2 - outside_km2 + undivided_km2) AS open_km2
FROM measured
ORDER BY id;
