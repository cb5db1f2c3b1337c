-- await_turn --
-- Publications wait for each other: this transaction has the turn until it ends.
SELECT pg_advisory_xact_lock(4000005);

-- new_release --
-- The next release. The lock makes publications wait for each other; the hash chains each release to the one before.
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(4000005)),
before AS (SELECT max(number) AS number FROM pub.release, turn)
INSERT INTO pub.release (number, kind, summary, content_hash)
SELECT coalesce(before.number, 0) + 1, :kind, :summary,
       sha256(convert_to(concat_ws(E'\n',
           (SELECT encode(content_hash, 'hex') FROM pub.release r WHERE r.number = before.number), CAST(:summary AS text),
           CAST(:content AS text)), 'UTF8'))
FROM before
RETURNING number;

-- close_dataset --
-- End the published rows of a dataset with this release. One statement, so that a dataset is never half there.
WITH sites AS (
    UPDATE pub.site SET released_to = :release WHERE dataset_id = :dataset AND released_to IS NULL
), observations AS (
    UPDATE pub.observation SET released_to = :release WHERE dataset_id = :dataset AND released_to IS NULL
)
UPDATE pub.dataset SET released_to = :release WHERE id = :dataset AND released_to IS NULL;

-- publish_sites --
-- Sites of a dataset as they may be shown: the position generalised, and own ids only where it is exact.
INSERT INTO pub.site (
    id, dataset_id, own_id, geom, coordinate_uncertainty_m, location_precision, country, n_visits, first_sampled,
    last_sampled, soc_stock, soc_stock_reason, soc_content, synthetic, released_from
)
SELECT s.id, s.dataset_id, CASE WHEN d.location_precision = 'exact' THEN s.own_id END,
       core.generalised(s.geom, d.location_precision),
       core.published_uncertainty(s.geom, d.location_precision, s.coord_uncertainty_m), d.location_precision,
       (SELECT sr.region_id FROM core.site_region sr JOIN core.region r ON r.id = sr.region_id AND r.kind = 'country'
        WHERE sr.site_id = s.id ORDER BY sr.distance_m LIMIT 1),
       span.n_visits, span.first_sampled, span.last_sampled, stock.value, stock.reason, content.value, d.synthetic, :release
FROM core.dataset d
JOIN core.site s ON s.dataset_id = d.id
CROSS JOIN LATERAL (
    SELECT count(*) AS n_visits, min(v.sampled_from) AS first_sampled, max(v.sampled_to) AS last_sampled
    FROM core.visit v WHERE v.site_id = s.id
) span
LEFT JOIN LATERAL (
    -- The latest profile that has a stock; where none has, the reason of the latest.
    SELECT x.value, x.reason FROM core.visit v JOIN core.derived x ON x.visit_id = v.id
    WHERE v.site_id = s.id AND x.quantity = 'soc_stock' AND x.upper_cm = 0 AND x.lower_cm = 30
    ORDER BY (x.value IS NULL), v.sampled_from DESC NULLS LAST, v.id LIMIT 1
) stock ON true
LEFT JOIN LATERAL (
    SELECT x.value FROM core.visit v JOIN core.derived x ON x.visit_id = v.id
    WHERE v.site_id = s.id AND x.quantity = 'soc_content' AND x.upper_cm = 0 AND x.lower_cm = 30
    ORDER BY (x.value IS NULL), v.sampled_from DESC NULLS LAST, v.id LIMIT 1
) content ON true
WHERE d.id = :dataset
  AND coalesce(d.embargo_until, current_date) <= current_date
  AND d.licence_class <> 'aggregate_only'
  AND d.location_precision <> 'region';

-- publish_observations --
-- Results of a dataset at the positions that its sites were published with.
INSERT INTO pub.observation (
    id, site_id, visit_id, dataset_id, geom, coordinate_uncertainty_m, location_precision, property, value, qualifier,
    uncertainty, status, method, top_cm, bottom_cm, layer_kind, horizon, sampled_from, sampled_to, date_precision, flags,
    synthetic, released_from
)
SELECT r.id, p.id, v.id, p.dataset_id, p.geom, p.coordinate_uncertainty_m, p.location_precision, r.property, r.value,
       r.qualifier, r.uncertainty, r.status, r.method, l.top_cm, l.bottom_cm, l.kind, l.horizon, v.sampled_from,
       v.sampled_to, v.date_precision, s.flags || l.flags || r.flags, p.synthetic, :release
FROM pub.site p
JOIN core.site s ON s.id = p.id
JOIN core.visit v ON v.site_id = s.id
JOIN core.layer l ON l.visit_id = v.id
JOIN core.result r ON r.layer_id = l.id
WHERE p.dataset_id = :dataset AND p.released_to IS NULL;

-- publish_dataset --
-- The terms of a dataset, with the counts of what is shown.
INSERT INTO pub.dataset (
    id, slug, title, description, licence, licence_url, licence_class, citation, doi, source_url, owners, sampling_design,
    location_precision, synthetic, n_sites, n_observations, released_from
)
SELECT d.id, d.slug, d.title, d.description, d.licence, d.licence_url, d.licence_class, d.citation, d.doi, d.source_url,
       (SELECT coalesce(array_agg(o.name ORDER BY o.name), '{}') FROM core.dataset_owner o WHERE o.dataset_id = d.id),
       d.sampling_design, d.location_precision, d.synthetic,
       (SELECT count(*) FROM pub.site s WHERE s.dataset_id = d.id AND s.released_to IS NULL),
       (SELECT count(*) FROM pub.observation o WHERE o.dataset_id = d.id AND o.released_to IS NULL), :release
FROM core.dataset d
WHERE d.id = :dataset;

-- choose_site_zooms --
-- The smallest zoom at which each site is drawn: a tile shows one site per cell of 1/64 of its side, the one whose id
-- hashes lowest. Cells nest, so a site never vanishes on zooming in, neighbouring tiles agree, and the order of loading
-- does not matter. Only sites in coarse cells that this release touched are chosen anew. From zoom 14 on all are drawn.
WITH touched AS (
    SELECT DISTINCT morton >> 36 AS cell FROM pub.site
    WHERE released_from = :release OR released_to = :release
), candidate AS (
    SELECT s.fid, s.morton, hashtextextended(s.id::text, 0) AS luck
    FROM pub.site s JOIN touched t ON s.morton >> 36 = t.cell
    WHERE s.released_to IS NULL
), chosen AS (
    SELECT fid, min(zoom) AS zoom
    FROM (
        SELECT DISTINCT ON (z.zoom, c.morton >> (2 * (18 - z.zoom))) c.fid, z.zoom
        FROM candidate c CROSS JOIN generate_series(0, 13) AS z (zoom)
        ORDER BY z.zoom, c.morton >> (2 * (18 - z.zoom)), c.luck, c.fid
    ) winner
    GROUP BY fid
)
UPDATE pub.site s SET min_zoom = coalesce(chosen.zoom, 14)
FROM candidate c LEFT JOIN chosen ON chosen.fid = c.fid
WHERE s.fid = c.fid AND s.min_zoom <> coalesce(chosen.zoom, 14);

-- choose_observation_zooms --
-- The same for observations, property by property; of one site the topmost layer of the latest profile comes first.
WITH touched AS (
    SELECT DISTINCT property, morton >> 36 AS cell FROM pub.observation
    WHERE released_from = :release OR released_to = :release
), candidate AS (
    SELECT o.fid, o.property, o.morton, o.top_cm, o.sampled_from, hashtextextended(o.site_id::text, 0) AS luck
    FROM pub.observation o JOIN touched t ON o.property = t.property AND o.morton >> 36 = t.cell
    WHERE o.released_to IS NULL
), top AS (
    -- Only the first of each site can win a cell, and it wins or loses like its site.
    SELECT DISTINCT ON (property, luck, morton) fid, property, morton, luck
    FROM candidate
    ORDER BY property, luck, morton, top_cm, sampled_from DESC NULLS LAST, fid
), chosen AS (
    SELECT fid, min(zoom) AS zoom
    FROM (
        SELECT DISTINCT ON (c.property, z.zoom, c.morton >> (2 * (18 - z.zoom))) c.fid, z.zoom
        FROM top c CROSS JOIN generate_series(0, 13) AS z (zoom)
        ORDER BY c.property, z.zoom, c.morton >> (2 * (18 - z.zoom)), c.luck, c.fid
    ) winner
    GROUP BY fid
)
UPDATE pub.observation o SET min_zoom = coalesce(chosen.zoom, 14)
FROM candidate c LEFT JOIN chosen ON chosen.fid = c.fid
WHERE o.fid = c.fid AND o.min_zoom <> coalesce(chosen.zoom, 14);

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
