-- await_turn --
-- Publications wait for each other: this transaction has the turn until it ends.
SELECT pg_advisory_xact_lock(4000005);

-- new_release --
-- The next release. The lock makes publications wait for each other; the hash chains each release to the one before, and
-- takes up the rows when the release is sealed.
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(4000005)),
before AS (SELECT max(number) AS number FROM pub.release, turn)
INSERT INTO pub.release (number, kind, summary, dataset_id, content_hash)
SELECT coalesce(before.number, 0) + 1, :kind, :summary, :dataset,
       sha256(convert_to(concat_ws(E'\n',
           (SELECT encode(content_hash, 'hex') FROM pub.release r WHERE r.number = before.number), CAST(:summary AS text),
           CAST(:content AS text)), 'UTF8'))
FROM before
RETURNING number;

-- say_changes --
-- Say in a release what it changed.
UPDATE pub.release SET changes = changes || CAST(:changes AS jsonb) WHERE number = :release;

-- shown_dataset --
-- The published terms of a dataset, and those that it had last where it is not published any more.
SELECT p.*, r.created_at AS released_at FROM pub.dataset p JOIN pub.release r ON r.number = p.released_from
WHERE p.id = :dataset
ORDER BY p.released_to DESC NULLS FIRST LIMIT 1;

-- history_of_dataset --
-- Releases that are about a dataset, the newest first.
SELECT r.number, r.created_at, r.kind, r.summary, r.changes, encode(r.content_hash, 'hex') AS content_hash
FROM pub.release r WHERE r.dataset_id = :dataset ORDER BY r.number DESC;

-- make_staged --
-- Where the rows are kept that a release begins, and those that it ends.
CREATE TEMPORARY TABLE staged ON COMMIT DROP AS
SELECT NULL::bigint AS place, NULL::bigint AS replaces, {names} FROM {table} WITH NO DATA;

-- stage --
-- Find what is published of a dataset and is no longer, or no longer like this, and what is missing. Rows that begin are
-- numbered in the order of random ids: row numbers go into tiles, and the order of the file could tell where in a cell a
-- site lies. In braces stand the query of the rows as they should be, its columns, and the columns as they are now.
INSERT INTO staged (place, replaces, {names})
SELECT row_number() OVER (ORDER BY w.id), c.fid, {all_columns}
FROM ({wanted}) w
FULL JOIN (SELECT * FROM {table} WHERE dataset_id = :dataset AND released_to IS NULL) c ON c.id = w.id
WHERE w.id IS NULL OR c.id IS NULL OR ROW({columns}) IS DISTINCT FROM ROW({now});

-- count_staged --
-- How many rows a release adds, changes and removes.
SELECT count(*) FILTER (WHERE replaces IS NULL) AS added,
       count(*) FILTER (WHERE replaces IS NOT NULL AND id IS NOT NULL) AS changed,
       count(*) FILTER (WHERE id IS NULL) AS removed
FROM staged;

-- end_staged --
-- End the rows that are no longer, or no longer like this.
UPDATE {table} o SET released_to = :release FROM staged s WHERE o.fid = s.replaces;

-- begin_staged --
-- Begin the rows that are not published like this yet, each with the zoom that was chosen for it. They come as they were
-- staged, or scattered by a join: either order tells nothing.
INSERT INTO {table} ({names}, min_zoom, released_from)
SELECT {staged}, coalesce(z.zoom, 14), :release
FROM staged s LEFT JOIN zoom z ON z.point = -s.place
WHERE s.id IS NOT NULL;

-- sites_as_published --
-- Sites of a dataset as they may be shown: positions generalised to the centre of a fixed cell, and whatever could say
-- more than the cell withheld: own ids, days, and the country where the cell touches several.
WITH dataset AS MATERIALIZED (
    SELECT d.id, d.location_precision, d.synthetic FROM core.dataset d
    WHERE d.id = :dataset AND coalesce(d.embargo_until, current_date) <= current_date
      AND d.licence_class <> 'aggregate_only'
), place AS MATERIALIZED (
    SELECT s.id, s.own_id, s.geom, s.coord_uncertainty_m, d.location_precision, d.synthetic,
           d.location_precision = 'exact' AS exact, home.region_id AS country,
           pub.grid_cell(s.geom, d.location_precision) AS cell
    FROM dataset d JOIN core.site s ON s.dataset_id = d.id
    LEFT JOIN LATERAL (
        SELECT sr.region_id FROM core.site_region sr JOIN core.region r ON r.id = sr.region_id AND r.kind = 'country'
        WHERE sr.site_id = s.id ORDER BY sr.distance_m, sr.region_id LIMIT 1
    ) home ON true
), touched AS MATERIALIZED (
    SELECT c.cell, array_agg(DISTINCT part.region_id) AS countries
    FROM (SELECT DISTINCT cell FROM place WHERE cell IS NOT NULL) c
    JOIN core.region_part part ON ST_Intersects(part.geom, c.cell)
    JOIN core.region r ON r.id = part.region_id AND r.kind = 'country'
    GROUP BY c.cell
), label AS MATERIALIZED (
    -- Where a site of which only the country may be said is drawn, and how far from there it may be.
    SELECT r.id, at.geom,
           ceil((max(ST_Distance(at.geom::geography, corner.geom::geography)) + 10000) / 1000) * 1000 AS reach
    FROM core.region r
    CROSS JOIN LATERAL (SELECT coalesce(r.label_point, ST_PointOnSurface(r.geom)) AS geom) at
    CROSS JOIN LATERAL ST_DumpPoints(ST_Segmentize(r.geom, 1)) corner
    WHERE r.id IN (SELECT country FROM place WHERE location_precision = 'region')
    GROUP BY r.id, at.geom
)
SELECT p.id, CAST(:dataset AS uuid) AS dataset_id, CASE WHEN p.exact THEN p.own_id END AS own_id,
       coalesce(label.geom, core.generalised(p.geom, p.location_precision)) AS geom,
       coalesce(label.reach + core.uncertainty_class(p.coord_uncertainty_m),
                core.published_uncertainty(p.geom, p.location_precision, p.coord_uncertainty_m)) AS coordinate_uncertainty_m,
       p.location_precision,
       CASE WHEN p.cell IS NULL OR touched.countries IS NULL OR touched.countries = ARRAY[p.country] THEN p.country END AS country,
       span.n_visits,
       CASE WHEN p.exact THEN span.first_sampled ELSE date_trunc('year', span.first_sampled)::date END AS first_sampled,
       CASE WHEN p.exact THEN span.last_sampled
            ELSE (date_trunc('year', span.last_sampled) + interval '1 year - 1 day')::date END AS last_sampled,
       stock.value AS soc_stock, stock.reason AS soc_stock_reason, content.value AS soc_content, p.synthetic
FROM place p
LEFT JOIN touched ON touched.cell = p.cell
LEFT JOIN label ON label.id = p.country AND p.location_precision = 'region'
CROSS JOIN LATERAL (
    SELECT count(*)::int AS n_visits, min(v.sampled_from) AS first_sampled, max(v.sampled_to) AS last_sampled
    FROM core.visit v WHERE v.site_id = p.id
) span
LEFT JOIN LATERAL (
    -- The latest profile that has a stock; where none has, the reason of the latest.
    SELECT x.value, x.reason FROM core.visit v JOIN core.derived x ON x.visit_id = v.id
    WHERE v.site_id = p.id AND x.quantity = 'soc_stock' AND x.upper_cm = 0 AND x.lower_cm = 30
    ORDER BY (x.value IS NULL), v.sampled_from DESC NULLS LAST, v.id LIMIT 1
) stock ON true
LEFT JOIN LATERAL (
    SELECT x.value FROM core.visit v JOIN core.derived x ON x.visit_id = v.id
    WHERE v.site_id = p.id AND x.quantity = 'soc_content' AND x.upper_cm = 0 AND x.lower_cm = 30
    ORDER BY (x.value IS NULL), v.sampled_from DESC NULLS LAST, v.id LIMIT 1
) content ON true
WHERE p.location_precision <> 'region' OR label.id IS NOT NULL

-- observations_as_published --
-- Results of a dataset at the positions that its sites are published with. What is said of a position is withheld with it.
SELECT r.id, p.id AS site_id, v.id AS visit_id, p.dataset_id, p.geom, p.coordinate_uncertainty_m, p.location_precision,
       p.geom_3857, p.morton, r.property, r.value, r.qualifier, r.uncertainty, r.status, r.method, l.top_cm, l.bottom_cm, l.kind AS layer_kind,
       l.horizon,
       CASE WHEN p.location_precision = 'exact' THEN v.sampled_from
            ELSE date_trunc('year', v.sampled_from)::date END AS sampled_from,
       CASE WHEN p.location_precision = 'exact' THEN v.sampled_to
            ELSE (date_trunc('year', v.sampled_to) + interval '1 year - 1 day')::date END AS sampled_to,
       CASE WHEN p.location_precision = 'exact' OR v.sampled_from IS NULL THEN v.date_precision
            ELSE 'year' END AS date_precision,
       -- What was found by comparing places tells of the place as much as a flag of the position does.
       CASE WHEN p.location_precision = 'exact' THEN s.flags || l.flags || r.flags
            ELSE ARRAY(SELECT code FROM unnest(l.flags || r.flags) AS code
                       WHERE code NOT IN ('POSSIBLE_DUPLICATE', 'PEER_OUTLIER') AND code NOT LIKE 'COORD%') END AS flags,
       p.synthetic
FROM pub.site p
JOIN core.site s ON s.id = p.id
JOIN core.visit v ON v.site_id = s.id
JOIN core.layer l ON l.visit_id = v.id
JOIN core.result r ON r.layer_id = l.id
WHERE p.dataset_id = :dataset AND p.released_to IS NULL

-- close_dataset --
-- End all published rows of a dataset with this release. One statement, so that a dataset is never half there.
WITH sites AS (
    UPDATE pub.site SET released_to = :release WHERE dataset_id = :dataset AND released_to IS NULL RETURNING 1
), observations AS (
    UPDATE pub.observation SET released_to = :release WHERE dataset_id = :dataset AND released_to IS NULL RETURNING 1
), terms AS (
    UPDATE pub.dataset SET released_to = :release WHERE id = :dataset AND released_to IS NULL
)
SELECT (SELECT count(*) FROM sites) AS n_sites, (SELECT count(*) FROM observations) AS n_observations;

-- dataset_as_published --
-- The terms of a dataset, with the counts of what is shown. Nothing before the end of its embargo.
SELECT d.id, d.slug, d.title, d.description, d.licence, d.licence_url, d.licence_class, d.citation, d.doi, d.source_url,
       (SELECT coalesce(array_agg(o.name ORDER BY o.name), '{}') FROM core.dataset_owner o WHERE o.dataset_id = d.id) AS owners,
       d.sampling_design, d.location_precision, d.synthetic,
       (SELECT count(*)::int FROM pub.site s WHERE s.dataset_id = d.id AND s.released_to IS NULL) AS n_sites,
       (SELECT count(*)::int FROM pub.observation o WHERE o.dataset_id = d.id AND o.released_to IS NULL) AS n_observations
FROM core.dataset d
WHERE d.id = :dataset AND coalesce(d.embargo_until, current_date) <= current_date

-- close_terms --
-- End the published terms of a dataset where they are no longer like this.
UPDATE pub.dataset o SET released_to = :release
FROM (
    SELECT c.row, w.id IS NOT NULL AS goes_on
    FROM pub.dataset c LEFT JOIN ({wanted}) w ON w.id = c.id
    WHERE c.id = :dataset AND c.released_to IS NULL
      AND (w.id IS NULL OR ROW({columns}) IS DISTINCT FROM ROW({now}))
) ended
WHERE o.row = ended.row
RETURNING ended.goes_on;

-- add_terms --
-- Begin the terms that are not published like this yet.
INSERT INTO pub.dataset ({names}, released_from)
SELECT {columns}, :release FROM ({wanted}) w
WHERE NOT EXISTS (SELECT FROM pub.dataset c WHERE c.id = w.id AND c.released_to IS NULL);

-- site_cells_staged --
-- Coarse cells of sites that begin or end. A coarse cell is what a tile of zoom 0 shows one site of.
SELECT DISTINCT CAST(NULL AS text) AS property, morton >> 36 AS cell FROM staged WHERE id IS NOT NULL
UNION
SELECT DISTINCT NULL, o.morton >> 36 FROM staged s JOIN pub.site o ON o.fid = s.replaces

-- site_cells_released --
-- Coarse cells of sites that releases began or ended.
SELECT DISTINCT CAST(NULL AS text) AS property, morton >> 36 AS cell FROM pub.site
WHERE released_from = %(release)s OR released_to BETWEEN %(since)s AND %(release)s

-- observation_cells_staged --
-- The same for observations, property by property.
SELECT DISTINCT property, morton >> 36 AS cell FROM staged WHERE id IS NOT NULL
UNION
SELECT DISTINCT o.property, o.morton >> 36 FROM staged s JOIN pub.observation o ON o.fid = s.replaces

-- observation_cells_released --
-- The same for observations, property by property.
SELECT DISTINCT property, morton >> 36 AS cell FROM pub.observation
WHERE released_from = %(release)s OR released_to BETWEEN %(since)s AND %(release)s

-- sites_of_cells --
-- The published sites of some coarse cells, and what decides which of them low zooms show.
SELECT o.fid AS point, NULL AS property, o.morton, hashtextextended(o.id::text, 0) AS luck, o.min_zoom, true AS may_win
FROM ({cells}) t
CROSS JOIN LATERAL (
    SELECT * FROM pub.site s
    WHERE s.released_to IS NULL AND s.morton BETWEEN t.cell << 36 AND ((t.cell + 1) << 36) - 1
    OFFSET 0
) o

-- staged_sites --
-- The same of sites that are about to begin, numbered downwards from -1.
SELECT -place, NULL, morton, hashtextextended(id::text, 0), 14, true FROM staged WHERE id IS NOT NULL

-- observations_of_cells --
-- The same for observations, property by property; of one site only the topmost layer of the latest profile may be shown
-- at low zooms, and wins or loses like its site. Others matter where they were shown so far.
SELECT point, property, morton, luck, min_zoom, may_win
FROM (
    SELECT point, property, morton, min_zoom, hashtextextended(site_id::text, 0) AS luck,
           row_number() OVER (PARTITION BY property, site_id ORDER BY top_cm, sampled_from DESC NULLS LAST, id) = 1 AS may_win
    FROM (
        SELECT o.fid AS point, o.property, o.morton, o.min_zoom, o.site_id, o.top_cm, o.sampled_from, o.id
        FROM ({cells}) t
        CROSS JOIN LATERAL (
            SELECT * FROM pub.observation s
            WHERE s.released_to IS NULL AND s.property = t.property
              AND s.morton BETWEEN t.cell << 36 AND ((t.cell + 1) << 36) - 1
            OFFSET 0
        ) o
        {staged}
    ) everything
) ranked
WHERE may_win OR min_zoom < 14

-- staged_observations --
-- Observations that are about to begin, numbered downwards from -1.
SELECT -place, property, morton, 14, site_id, top_cm, sampled_from, id FROM staged WHERE id IS NOT NULL

-- keep_zooms --
-- Give points that are published already the zoom that was chosen for them.
UPDATE {table} o SET min_zoom = z.zoom FROM zoom z WHERE o.fid = z.point;

-- publish_partners --
-- All partner organisations with their tiers and agreements.
INSERT INTO pub.partner (
    id, name, college, group_name, is_funder, tiers, country_code, initiative_region, place, geom, position_precision,
    agreements, website, ror, released_from
)
SELECT o.id, o.name, o.college, o.group_name, o.is_funder,
       (SELECT coalesce(array_agg(DISTINCT m.tier ORDER BY m.tier DESC), '{}') FROM core.membership m WHERE m.organisation_id = o.id),
       o.country_code, o.initiative_region, o.place, o.geom, o.position_precision,
       (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
            'kind', a.kind, 'starts_on', a.starts_on, 'starts_on_precision', a.starts_on_precision, 'ends_on', a.ends_on,
            'note', a.note)) ORDER BY a.starts_on, a.kind), '[]') FROM core.agreement a WHERE a.organisation_id = o.id),
       o.website, o.ror, :release
FROM core.organisation o
WHERE EXISTS (SELECT FROM core.membership m WHERE m.organisation_id = o.id);

-- regions_of_dataset --
-- Regions in which a dataset has sites.
SELECT DISTINCT sr.region_id
FROM core.site s JOIN core.site_region sr ON sr.site_id = s.id
WHERE s.dataset_id = :dataset;

-- due_datasets --
-- Datasets whose embargo is over and that are not shown yet.
SELECT d.id FROM core.dataset d
WHERE d.state = 'published' AND d.embargo_until <= current_date
  AND NOT EXISTS (SELECT FROM pub.dataset p WHERE p.id = d.id AND p.released_to IS NULL)
ORDER BY d.slug;

-- unsettled_release --
-- The release that took a dataset's rows down and left the rest to a job: choosing points and computing figures anew.
SELECT r.number FROM pub.release r
WHERE r.dataset_id = :dataset AND r.changes @> '{"settled": false}'
  AND NOT EXISTS (SELECT FROM pub.release later WHERE later.dataset_id = :dataset AND later.number > r.number)
ORDER BY r.number DESC LIMIT 1;

-- regions_sharing --
-- Regions that share a site with some regions: where one figure could be worked out from others.
SELECT DISTINCT other.region_id
FROM core.site_region mine JOIN core.site_region other ON other.site_id = mine.site_id
WHERE mine.region_id = ANY (:regions);

-- sites_of_regions --
-- Sites of published datasets per region, with or without values: what coverage is counted against.
SELECT sr.region_id, s.dataset_id, count(*) AS n_sites
FROM core.dataset d JOIN core.site s ON s.dataset_id = d.id JOIN core.site_region sr ON sr.site_id = s.id
WHERE d.state = 'published' AND coalesce(d.embargo_until, current_date) <= current_date
  AND sr.region_id = ANY (:regions)
GROUP BY 1, 2;

-- dataset_terms --
-- Terms of published datasets that estimates need to know.
SELECT d.id, d.slug, d.sampling_design, d.licence_class, d.synthetic,
       (SELECT coalesce(array_agg(o.name ORDER BY o.name), '{}') FROM core.dataset_owner o WHERE o.dataset_id = d.id) AS owners
FROM core.dataset d
WHERE d.state = 'published';
