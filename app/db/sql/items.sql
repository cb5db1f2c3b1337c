-- observations_source --
-- Current observations that the parameters select. Features without a date match any interval, as OGC API asks.
FROM pub.observation o
JOIN pub.dataset d ON d.id = o.dataset_id AND d.released_to IS NULL
JOIN pub.observed_property p ON p.code = o.property
WHERE o.released_to IS NULL
  AND (CAST(:area AS text) IS NULL OR ST_Intersects(o.geom, ST_GeomFromText(:area, 4326)))
  AND (CAST(:first AS date) IS NULL OR o.sampled_to IS NULL OR o.sampled_to >= :first)
  AND (CAST(:last AS date) IS NULL OR o.sampled_from IS NULL OR o.sampled_from <= :last)
  AND (CAST(:property AS text) IS NULL OR o.property = :property)
  AND (CAST(:site AS uuid) IS NULL OR o.site_id = :site)
  AND (CAST(:dataset AS text) IS NULL OR d.slug = :dataset)
  AND (CAST(:id AS uuid) IS NULL OR o.id = :id)
  AND (CAST(:after AS uuid) IS NULL OR o.id > :after);

-- observations_feature --
-- One observation as GeoJSON.
SELECT o.id::text AS key,
    '{"type":"Feature","id":"' || o.id || '","geometry":' || ST_AsGeoJSON(o.geom, 7) || ',"properties":'
    || json_build_object(
        'site', o.site_id, 'profile', o.visit_id, 'dataset', d.slug, 'property', o.property,
        'property_title', p.title, 'value', o.value, 'unit', p.unit, 'ucum', p.ucum, 'qualifier', o.qualifier,
        'uncertainty', o.uncertainty, 'upper_depth_cm', o.top_cm, 'lower_depth_cm', o.bottom_cm,
        'layer_kind', o.layer_kind, 'horizon', o.horizon, 'sampled', o.sampled_from,
        'sampled_precision', o.date_precision, 'method', o.method, 'status', o.status, 'flags', o.flags,
        'licence', d.licence, 'licence_url', d.licence_url, 'licence_class', d.licence_class, 'citation', d.citation,
        'doi', d.doi, 'synthetic', o.synthetic, 'location_precision', o.location_precision,
        'coordinate_uncertainty_m', round(o.coordinate_uncertainty_m),
        'coordinateUncertaintyInMeters', round(o.coordinate_uncertainty_m),
        'dataGeneralizations', pub.data_generalizations(o.location_precision),
        'informationWithheld', pub.information_withheld(o.location_precision, ''),
        'footprintWKT', ST_AsText(pub.grid_cell(o.geom, o.location_precision), 7)
    )::text || '}' AS feature;

-- sites_source --
-- Current sites that the parameters select.
FROM pub.site o
JOIN pub.dataset d ON d.id = o.dataset_id AND d.released_to IS NULL
WHERE o.released_to IS NULL
  AND (CAST(:area AS text) IS NULL OR ST_Intersects(o.geom, ST_GeomFromText(:area, 4326)))
  AND (CAST(:first AS date) IS NULL OR o.last_sampled IS NULL OR o.last_sampled >= :first)
  AND (CAST(:last AS date) IS NULL OR o.first_sampled IS NULL OR o.first_sampled <= :last)
  AND (CAST(:dataset AS text) IS NULL OR d.slug = :dataset)
  AND (CAST(:country AS text) IS NULL OR o.country = :country)
  AND (CAST(:id AS uuid) IS NULL OR o.id = :id)
  AND (CAST(:after AS uuid) IS NULL OR o.id > :after);

-- sites_feature --
-- One site as GeoJSON.
SELECT o.id::text AS key,
    '{"type":"Feature","id":"' || o.id || '","geometry":' || ST_AsGeoJSON(o.geom, 7) || ',"properties":'
    || json_build_object(
        'own_id', o.own_id, 'dataset', d.slug, 'dataset_title', d.title, 'licence', d.licence,
        'licence_url', d.licence_url, 'licence_class', d.licence_class, 'citation', d.citation, 'doi', d.doi,
        'synthetic', o.synthetic, 'location_precision', o.location_precision,
        'coordinate_uncertainty_m', round(o.coordinate_uncertainty_m),
        'coordinateUncertaintyInMeters', round(o.coordinate_uncertainty_m),
        'dataGeneralizations', pub.data_generalizations(o.location_precision),
        'informationWithheld', pub.information_withheld(o.location_precision, o.country),
        'footprintWKT', ST_AsText(pub.grid_cell(o.geom, o.location_precision), 7),
        'country', o.country, 'n_visits', o.n_visits, 'first_sampled', o.first_sampled,
        'last_sampled', o.last_sampled, 'soc_stock_0_30', o.soc_stock, 'soc_stock_0_30_reason', o.soc_stock_reason,
        'soc_content_0_30', o.soc_content
    )::text || '}' AS feature;

-- regions_source --
-- Current regions that the parameters select.
FROM pub.region o
WHERE o.released_to IS NULL
  AND (CAST(:area AS text) IS NULL OR ST_Intersects(o.geom, ST_GeomFromText(:area, 4326)))
  AND (CAST(:kind AS text) IS NULL OR o.kind = :kind)
  AND (CAST(:initiative_region AS text) IS NULL OR o.initiative_region = :initiative_region)
  AND (CAST(:id AS text) IS NULL OR o.id = :id)
  AND (CAST(:after AS text) IS NULL OR o.id > :after);

-- regions_feature --
-- One region as GeoJSON, with its current estimates over all years.
SELECT o.id AS key,
    '{"type":"Feature","id":"' || o.id || '","geometry":' || ST_AsGeoJSON(o.geom, 5) || ',"properties":'
    || json_build_object(
        'name', o.name_en, 'name_fr', o.name_fr, 'name_es', o.name_es, 'kind', o.kind, 'code', o.code,
        'iso_a2', o.iso_a2, 'initiative_region', o.initiative_region, 'parent', o.parent_id,
        'area_km2', round(o.area_km2::numeric, 1), 'source', o.source, 'licence', o.licence,
        'indicators', (
            SELECT coalesce(json_agg(json_build_object(
                'indicator', e.indicator, 'depth', e.upper_cm || '-' || e.lower_cm, 'period', e.period, 'value', e.value,
                'lower', e.lower, 'upper', e.upper, 'n_sites', e.n_sites, 'representative', e.representative,
                'refused', e.refused, 'synthetic', e.synthetic,
                'licences', (SELECT coalesce(json_agg(DISTINCT d.licence), '[]')
                             FROM jsonb_to_recordset(e.datasets) AS part (id uuid)
                             JOIN pub.dataset d ON d.id = part.id AND d.released_to IS NULL)
                ) ORDER BY e.indicator DESC), '[]')
            FROM pub.estimate e WHERE e.region_id = o.id AND e.released_to IS NULL AND e.period = 'all')
    )::text || '}' AS feature;

-- partners_source --
-- Current partners that the parameters select. Features without a position match any box, as OGC API asks.
FROM pub.partner o
WHERE o.released_to IS NULL
  AND (CAST(:area AS text) IS NULL OR o.geom IS NULL OR ST_Intersects(o.geom, ST_GeomFromText(:area, 4326)))
  AND (CAST(:college AS text) IS NULL OR o.college = :college)
  AND (CAST(:country AS text) IS NULL OR o.country_code = :country)
  AND (CAST(:initiative_region AS text) IS NULL OR o.initiative_region = :initiative_region)
  AND (CAST(:id AS uuid) IS NULL OR o.id = :id)
  AND (CAST(:after AS uuid) IS NULL OR o.id > :after);

-- partners_feature --
-- One partner as GeoJSON.
SELECT o.id::text AS key,
    '{"type":"Feature","id":"' || o.id || '","geometry":' || coalesce(ST_AsGeoJSON(o.geom, 7), 'null') || ',"properties":'
    || json_build_object(
        'name', o.name, 'college', o.college, 'group', o.group_name, 'is_funder', o.is_funder, 'tiers', o.tiers,
        'country', o.country_code, 'initiative_region', o.initiative_region, 'place', o.place,
        'location_precision', o.position_precision, 'agreements', o.agreements, 'website', o.website, 'ror', o.ror
    )::text || '}' AS feature;
