-- In braces stands what is valid: the present rows, or those of a release (estimates.py).

-- estimates_of_region --
-- Estimates of a region, with the terms of the datasets behind each. A dataset that is not shown in that release is a
-- count without a name.
SELECT e.*,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', d.slug, 'title', d.title, 'licence', d.licence, 'licence_url', d.licence_url, 'citation', d.citation,
            'doi', d.doi, 'licence_class', d.licence_class, 'n_sites', part.n_sites, 'synthetic', d.synthetic,
            'owners', d.owners) ORDER BY part.n_sites DESC, d.slug NULLS LAST), '[]')
        FROM jsonb_to_recordset(e.datasets) AS part (id uuid, n_sites int)
        LEFT JOIN pub.dataset d ON d.id = part.id AND {d}) AS dataset_terms
FROM pub.estimate e
WHERE {e}
  AND e.region_id = ANY (CAST(:regions AS text[]))
  AND (CAST(:indicator AS text) IS NULL OR e.indicator = :indicator)
  AND (CAST(:upper AS int) IS NULL OR e.upper_cm = :upper)
  AND (CAST(:lower AS int) IS NULL OR e.lower_cm = :lower)
  AND (CAST(:period AS text) IS NULL OR e.period = :period)
ORDER BY e.region_id, e.indicator DESC, e.upper_cm, e.lower_cm, (e.period <> 'all'), e.period, e.mass_basis, e.slice;

-- estimates_of_kind --
-- One indicator over one depth and period in all regions of a kind that have an estimate, by name.
SELECT e.*, r.id AS id, r.kind, r.name_en, r.name_fr, r.name_es, r.area_km2, r.initiative_region,
       CASE WHEN :with_shape THEN ST_AsGeoJSON(r.geom, 5) END AS shape,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', d.slug, 'title', d.title, 'licence', d.licence, 'licence_url', d.licence_url, 'citation', d.citation,
            'doi', d.doi, 'licence_class', d.licence_class, 'n_sites', part.n_sites, 'synthetic', d.synthetic,
            'owners', d.owners) ORDER BY part.n_sites DESC, d.slug NULLS LAST), '[]')
        FROM jsonb_to_recordset(e.datasets) AS part (id uuid, n_sites int)
        LEFT JOIN pub.dataset d ON d.id = part.id AND {d}) AS dataset_terms
FROM pub.estimate e
JOIN pub.region r ON r.id = e.region_id AND {r} AND r.kind = :kind
WHERE {e}
  AND e.indicator = :indicator AND e.period = :period AND e.upper_cm = :upper AND e.lower_cm = :lower
  AND e.mass_basis = 'fixed_depth' AND e.slice = 'all'
ORDER BY r.name_en, r.id;

-- release_at --
-- The release that was current at a moment: the last before the first that is younger. Numbers follow each other in the
-- order in which releases were published, their times in the order in which they were begun.
SELECT coalesce((SELECT min(later.number) - 1 FROM pub.release later WHERE later.created_at > :moment),
                (SELECT max(number) FROM pub.release), 0);
