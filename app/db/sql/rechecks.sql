-- stored_sites --
-- Sites of a dataset as checks read them.
SELECT s.id, s.own_id AS site_key, s.source_row AS "row", ST_X(s.geom) AS longitude, ST_Y(s.geom) AS latitude,
       s.position_text, s.position_crs, s.coord_uncertainty_m, s.declared_country AS country_code, s.cluster,
       array_to_string(s.flags, ' ') AS flags
FROM core.site s
WHERE s.dataset_id = %(dataset)s
ORDER BY s.id;

-- stored_visits --
-- Profiles of a dataset as checks read them.
SELECT v.id, v.site_id, v.source_row AS "row", nullif(v.replicate, '') AS replicate, v.sampled_from, v.sampled_to,
       v.date_precision, v.land_use
FROM core.site s
JOIN core.visit v ON v.site_id = s.id
WHERE s.dataset_id = %(dataset)s
ORDER BY v.id;

-- stored_layers --
-- Layers of a dataset as checks read them.
SELECT l.id, l.visit_id, l.source_row AS "row", l.top_cm, l.bottom_cm, l.kind, array_to_string(l.flags, ' ') AS flags
FROM core.site s
JOIN core.visit v ON v.site_id = s.id
JOIN core.layer l ON l.visit_id = v.id
WHERE s.dataset_id = %(dataset)s
ORDER BY l.id;

-- stored_results --
-- Values of a dataset as checks read them.
SELECT r.layer_id, r.place, p.source_column AS "column", p.property, l.result_values[r.place] AS value,
       coalesce(substr(l.result_qualifiers, r.place::int, 1), '=') AS qualifier,
       l.result_texts[r.place] AS reported_value, p.reported_unit, p.method, p.status,
       coalesce((SELECT string_agg(f, ' ') FROM jsonb_array_elements_text(l.result_flags -> r.place::text) f), '') AS flags
FROM core.site s
JOIN core.visit v ON v.site_id = s.id
JOIN core.layer l ON l.visit_id = v.id
CROSS JOIN LATERAL (
    SELECT l.id AS layer_id, u.procedure_id, u.place FROM unnest(l.procedures) WITH ORDINALITY AS u (procedure_id, place)
) r
JOIN core.procedure p ON p.id = r.procedure_id
WHERE s.dataset_id = %(dataset)s
ORDER BY r.layer_id, r.place;

-- published_peers --
-- Published organic carbon of other datasets in the cells of one degree where a dataset has sites; invented values have
-- invented peers only. Positions are the published ones, so nothing is learnt that is not public.
SELECT ST_X(o.geom) AS longitude, ST_Y(o.geom) AS latitude, (o.top_cm + o.bottom_cm) / 2 AS middle_cm, v.land_use,
       o.value AS soc
FROM core.dataset d
JOIN pub.observation o ON o.dataset_id <> d.id AND o.synthetic = d.synthetic
JOIN core.visit v ON v.id = o.visit_id
WHERE d.id = %(dataset)s AND o.released_to IS NULL AND o.property = 'soc' AND o.qualifier = '=' AND o.layer_kind = 'mineral'
  AND o.location_precision <> 'region'
  AND (floor(ST_X(o.geom)), floor(ST_Y(o.geom))) IN (
      SELECT floor(ST_X(s.geom)), floor(ST_Y(s.geom)) FROM core.site s WHERE s.dataset_id = %(dataset)s
  );

-- own_peers --
-- Exact organic carbon of the mineral layers of a dataset, to be compared with published peers.
SELECT l.id AS layer_id, u.place, ST_X(s.geom) AS longitude, ST_Y(s.geom) AS latitude,
       (l.top_cm + l.bottom_cm) / 2 AS middle_cm, v.land_use, l.result_values[u.place] AS soc
FROM core.site s
JOIN core.visit v ON v.site_id = s.id
JOIN core.layer l ON l.visit_id = v.id AND l.kind = 'mineral'
CROSS JOIN LATERAL unnest(l.procedures) WITH ORDINALITY AS u (procedure_id, place)
JOIN core.procedure p ON p.id = u.procedure_id AND p.property = 'soc'
WHERE s.dataset_id = %(dataset)s AND coalesce(substr(l.result_qualifiers, u.place::int, 1), '=') = '=';

-- flag_values --
-- Put a code on the values of the temporary table `suspect_value` that do not carry it yet.
UPDATE core.layer l
SET result_flags = jsonb_set(coalesce(l.result_flags, '{}'), ARRAY[s.place::text],
                             coalesce(l.result_flags -> s.place::text, '[]') || to_jsonb(CAST(:code AS text)))
FROM suspect_value s
WHERE s.layer_id = l.id AND NOT coalesce((l.result_flags -> s.place::text) @> to_jsonb(CAST(:code AS text)), false);

-- write_site_flags --
-- Flags of sites from the temporary table `site_flags`.
UPDATE core.site s SET flags = f.flags FROM site_flags f WHERE f.id = s.id;

-- write_layer_flags --
-- Flags of layers and of their values from the temporary table `layer_flags`.
UPDATE core.layer l SET flags = f.flags, result_flags = f.result_flags FROM layer_flags f WHERE f.id = l.id;

-- settle_site --
-- Take a dismissed flag from a site, or put a restored one back.
UPDATE core.site SET flags = CASE WHEN :gone THEN array_remove(flags, :code) ELSE array_append(flags, :code) END
WHERE id = CAST(:record AS uuid) AND (:code = ANY (flags)) = :gone;

-- settle_layer --
-- Take a dismissed flag from a layer, or put a restored one back.
UPDATE core.layer SET flags = CASE WHEN :gone THEN array_remove(flags, :code) ELSE array_append(flags, :code) END
WHERE id = CAST(:layer AS bigint) AND (:code = ANY (flags)) = :gone;

-- settle_result --
-- Take a dismissed flag from a value, or put a restored one back.
UPDATE core.layer
SET result_flags = CASE
    WHEN NOT :gone THEN jsonb_set(coalesce(result_flags, '{}'), ARRAY[CAST(:place AS text)],
                                  coalesce(result_flags -> :place, '[]') || to_jsonb(CAST(:code AS text)))
    WHEN result_flags -> :place = jsonb_build_array(CAST(:code AS text)) THEN nullif(result_flags - CAST(:place AS text), '{}')
    ELSE jsonb_set(result_flags, ARRAY[CAST(:place AS text)], (result_flags -> :place) - CAST(:code AS text)) END
WHERE id = CAST(:layer AS bigint) AND coalesce((result_flags -> :place) @> to_jsonb(CAST(:code AS text)), false) = :gone;
