-- visits_of_dataset --
-- All profiles of a dataset. Flags are codes with a space between, NULL where there are none.
SELECT v.id AS visit_id, v.rock_depth_cm, nullif(array_to_string(s.flags, ' '), '') AS site_flags
FROM core.site s
JOIN core.visit v ON v.site_id = s.id
WHERE s.dataset_id = %(dataset)s
ORDER BY v.id;

-- layers_of_dataset --
-- All layers of a dataset, in profile and depth order. Flags are codes with a space between, NULL where there are none.
SELECT v.id AS visit_id, l.id AS layer_id, l.top_cm, l.bottom_cm, l.kind,
       nullif(array_to_string(l.flags, ' '), '') AS flags
FROM core.site s
JOIN core.visit v ON v.site_id = s.id
JOIN core.layer l ON l.visit_id = v.id
WHERE s.dataset_id = %(dataset)s
ORDER BY v.id, l.top_cm, l.id;

-- values_of_layers --
-- Exact values of some properties of the layers of a dataset, one row a value, in the order of the file's columns.
SELECT l.id AS layer_id, p.property, a.value, p.status, l.result_uncertainties[a.place] AS uncertainty, p.method,
       translate(l.result_flags ->> a.place::text, '[]",', '') AS flags
FROM core.site s
JOIN core.visit v ON v.site_id = s.id
JOIN core.layer l ON l.visit_id = v.id
CROSS JOIN LATERAL unnest(l.procedures, l.result_values) WITH ORDINALITY AS a (procedure_id, value, place)
JOIN core.procedure p ON p.id = a.procedure_id
WHERE s.dataset_id = %(dataset)s AND p.property = ANY (%(properties)s)
  AND coalesce(substr(l.result_qualifiers, a.place::int, 1), '=') = '='
ORDER BY l.id, a.place;

-- values_of_regions --
-- Derived values of published datasets in regions, one row a profile, with what an estimate needs to know of each.
SELECT sr.region_id, s.dataset_id, s.id AS site_id, coalesce(s.dataset_id || '/' || s.cluster, s.id::text) AS unit,
       -- As published: counting cells by true positions would tell sites of one published point apart.
       ST_X(core.generalised(s.geom, ds.location_precision)) AS longitude,
       ST_Y(core.generalised(s.geom, ds.location_precision)) AS latitude,
       extract(year FROM v.sampled_from)::int AS year, v.sampled_from AS sampled,
       d.quantity, d.upper_cm, d.lower_cm, d.value, d.reason, d.tier, d.bd_source, s.own_id
FROM core.dataset ds
JOIN core.site s ON s.dataset_id = ds.id
JOIN core.site_region sr ON sr.site_id = s.id
JOIN core.visit v ON v.site_id = s.id
JOIN core.derived d ON d.visit_id = v.id AND d.mass_basis = 'fixed_depth'
WHERE ds.state = 'published' AND coalesce(ds.embargo_until, current_date) <= current_date
  AND sr.region_id = ANY (%(regions)s);
