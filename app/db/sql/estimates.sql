-- estimates_of_region --
-- Current estimates of a region, with the terms of the datasets behind each.
SELECT e.*,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', d.slug, 'title', d.title, 'licence', d.licence, 'licence_url', d.licence_url, 'citation', d.citation,
            'doi', d.doi, 'licence_class', d.licence_class, 'n_sites', part.n_sites, 'synthetic', d.synthetic) ORDER BY part.n_sites DESC, d.slug), '[]')
        FROM jsonb_to_recordset(e.datasets) AS part (id uuid, n_sites int)
        JOIN pub.dataset d ON d.id = part.id AND d.released_to IS NULL) AS dataset_terms
FROM pub.estimate e
WHERE e.released_to IS NULL
  AND e.region_id = :region
  AND (CAST(:indicator AS text) IS NULL OR e.indicator = :indicator)
  AND (CAST(:upper AS int) IS NULL OR e.upper_cm = :upper)
  AND (CAST(:lower AS int) IS NULL OR e.lower_cm = :lower)
  AND (CAST(:period AS text) IS NULL OR e.period = :period)
ORDER BY e.indicator DESC, e.upper_cm, e.lower_cm, (e.period <> 'all'), e.period;
