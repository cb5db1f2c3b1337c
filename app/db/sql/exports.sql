-- export_layers --
-- All layers of a dataset with their profiles and sites, in the order of sites, dates and depths; one row a layer. With
-- published positions, only sites that are published, without names and words that could tell a generalised place.
SELECT l.id AS layer, CASE WHEN q.own THEN s.own_id ELSE s.id::text END AS site_id,
       CASE WHEN q.own THEN s.name END AS site_name, CASE WHEN q.own THEN s.cluster END AS cluster,
       CASE WHEN q.own THEN v.own_id ELSE v.id::text END AS profile_id, nullif(v.replicate, '') AS replicate,
       v.sampling_kind, ST_X(q.geom) AS longitude, ST_Y(q.geom) AS latitude,
       CASE WHEN q.exact AND s.position_crs = 'EPSG:4326' THEN s.position_text END AS position_text,
       q.uncertainty AS coord_uncertainty_m, CASE WHEN q.own THEN s.declared_country END AS country_code,
       v.sampled_from, v.date_precision, v.campaign,
       CASE WHEN q.own THEN l.own_id END AS layer_id, l.top_cm, l.bottom_cm, l.kind AS layer_kind, l.horizon,
       v.land_use, CASE WHEN q.own THEN v.management END AS management, v.rock_depth_cm AS bedrock_depth_cm,
       v.wrb, v.wrb_version, v.usda, v.stratum, v.inclusion_weight, CASE WHEN q.own THEN v.remarks END AS remarks
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
ORDER BY s.own_id, v.sampled_from, v.own_id, v.replicate, l.top_cm, l.bottom_cm, l.id;

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
