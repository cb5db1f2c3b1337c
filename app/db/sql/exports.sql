-- export_layers --
-- All layers of a dataset with their profiles and sites, in the order of sites, dates and depths; one row a layer. With
-- published positions, only sites that are published, without names and words that could tell a generalised place.
SELECT l.id AS layer, CASE WHEN q.own THEN s.own_id ELSE s.id::text END AS site_id,
       CASE WHEN q.own THEN s.name END AS site_name, CASE WHEN q.own THEN s.cluster END AS cluster,
       CASE WHEN q.own THEN v.own_id ELSE v.id::text END AS profile_id, nullif(v.replicate, '') AS replicate,
       v.sampling_kind, ST_X(q.geom) AS longitude, ST_Y(q.geom) AS latitude,
       CASE WHEN q.exact AND s.position_crs = 'EPSG:4326' THEN s.position_text END AS position_text,
       q.uncertainty AS coord_uncertainty_m, CASE WHEN q.own THEN s.declared_country END AS country_code,
       -- Of a generalised place the year, and nothing that a map or a field book could look up.
       CASE WHEN q.own THEN v.sampled_from ELSE date_trunc('year', v.sampled_from)::date END AS sampled_from,
       CASE WHEN q.own OR v.sampled_from IS NULL THEN v.date_precision ELSE 'year' END AS date_precision,
       CASE WHEN q.own THEN v.campaign END AS campaign,
       CASE WHEN q.own THEN l.own_id END AS layer_id, l.top_cm, l.bottom_cm, l.kind AS layer_kind, l.horizon,
       CASE WHEN q.own THEN v.land_use END AS land_use, CASE WHEN q.own THEN v.management END AS management,
       v.rock_depth_cm AS bedrock_depth_cm, CASE WHEN q.own THEN v.wrb END AS wrb,
       CASE WHEN q.own THEN v.wrb_version END AS wrb_version, CASE WHEN q.own THEN v.usda END AS usda,
       CASE WHEN q.own THEN v.stratum END AS stratum, CASE WHEN q.own THEN v.inclusion_weight END AS inclusion_weight, CASE WHEN q.own THEN v.remarks END AS remarks
FROM core.site s
LEFT JOIN pub.site p ON p.id = s.id AND p.released_to IS NULL
CROSS JOIN LATERAL (
    SELECT %(exact)s AS exact, %(exact)s OR p.location_precision = 'exact' AS own,
           CASE WHEN %(exact)s THEN s.geom ELSE p.geom END AS geom,
           CASE WHEN %(exact)s THEN s.coord_uncertainty_m ELSE p.coordinate_uncertainty_m END AS uncertainty
) q
JOIN core.visit v ON v.site_id = s.id
JOIN core.layer l ON l.visit_id = v.id
WHERE s.dataset_id = %(dataset)s AND (%(exact)s OR p.id IS NOT NULL)
ORDER BY CASE WHEN q.own THEN s.own_id ELSE s.id::text END, sampled_from, CASE WHEN q.own THEN v.own_id ELSE v.id::text END,
         v.replicate, l.top_cm, l.bottom_cm, l.id;

-- export_results --
-- All values of a dataset, by layer and place.
SELECT r.layer_id AS layer, r.property, r.value, r.qualifier, r.uncertainty, r.status, r.reported_value, r.reported_unit,
       r.method, r.laboratory, r.place
FROM core.site s
JOIN core.visit v ON v.site_id = s.id
JOIN core.result r ON r.visit_id = v.id
LEFT JOIN pub.site p ON p.id = s.id AND p.released_to IS NULL
WHERE s.dataset_id = %(dataset)s AND (%(exact)s OR p.id IS NOT NULL)
ORDER BY r.layer_id, r.place;
