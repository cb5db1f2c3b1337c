-- work_tables --
-- Where pairs, their values and the layers to be marked are kept for one transaction.
CREATE TEMPORARY TABLE IF NOT EXISTS nearby (
    mine uuid, other uuid, other_dataset uuid, my_profile text, other_profile text, distance_m float8, dated bool
) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS nearby_value (
    visit_id uuid, top_cm float8, bottom_cm float8, property text, value float8
) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS suspect (layer_id bigint) ON COMMIT DROP;
TRUNCATE nearby, nearby_value, suspect;

-- nearby_profiles --
-- Pairs of profiles: one of the dataset, one of another within 50 m, of the same date or one of unknown date. The search box
-- is wide enough at any latitude and found by the index of positions; distances are geodesic.
INSERT INTO nearby (mine, other, other_dataset, my_profile, other_profile, distance_m, dated)
WITH own AS MATERIALIZED (
    SELECT s.id, s.geom,
           ST_Expand(s.geom, 50 / (111000 * greatest(cos(radians(ST_Y(s.geom))), 0.01)), 50 / 110000.0) AS box
    FROM core.site s WHERE s.dataset_id = CAST(:dataset AS uuid)
), close AS MATERIALIZED (
    SELECT own.id AS mine, s.id AS other, s.dataset_id, ST_Distance(own.geom::geography, s.geom::geography) AS distance_m
    FROM own JOIN core.site s ON s.geom && own.box AND s.dataset_id <> CAST(:dataset AS uuid)
)
SELECT v.id AS mine, w.id AS other, close.dataset_id AS other_dataset, v.own_id AS my_profile, w.own_id AS other_profile,
       close.distance_m, v.sampled_from IS NOT NULL AND w.sampled_from IS NOT NULL AS dated
FROM close
JOIN core.visit v ON v.site_id = close.mine
JOIN core.visit w ON w.site_id = close.other
WHERE close.distance_m < 50
  AND (v.sampled_from IS NULL OR w.sampled_from IS NULL
       OR (v.sampled_from <= w.sampled_to AND w.sampled_from <= v.sampled_to));

-- nearby_values --
-- The exact values of all those profiles, one row each: assumed ones and zeros agree without being the same.
INSERT INTO nearby_value (visit_id, top_cm, bottom_cm, property, value)
SELECT l.visit_id, l.top_cm, l.bottom_cm, p.property, r.value
FROM core.layer l
CROSS JOIN LATERAL unnest(l.procedures, l.result_values) WITH ORDINALITY AS r (procedure_id, value, place)
JOIN core.procedure p ON p.id = r.procedure_id
WHERE l.visit_id IN (SELECT mine FROM nearby UNION SELECT other FROM nearby)
  AND coalesce(substr(l.result_qualifiers, r.place::int, 1), '=') = '=' AND p.status <> 'assumed' AND r.value <> 0;

-- agreeing_profiles --
-- Pairs whose values agree at the same depths: at least nine of ten that both have, two of them, or one where both are dated.
-- Values that were rounded or converted on the way agree within 0.5 %.
INSERT INTO core.duplicate_candidate (
    first_id, second_id, first_dataset_id, second_dataset_id, first_profile, second_profile, distance_m, shared_values, state
)
SELECT least(n.mine, n.other), greatest(n.mine, n.other),
       CASE WHEN n.mine < n.other THEN CAST(:dataset AS uuid) ELSE n.other_dataset END,
       CASE WHEN n.mine < n.other THEN n.other_dataset ELSE CAST(:dataset AS uuid) END,
       CASE WHEN n.mine < n.other THEN n.my_profile ELSE n.other_profile END,
       CASE WHEN n.mine < n.other THEN n.other_profile ELSE n.my_profile END,
       n.distance_m, shared.agreeing, 'open'
FROM nearby n
JOIN (
    SELECT pair.mine, pair.other,
           count(*) FILTER (WHERE abs(a.value - b.value) <= 0.005 * greatest(abs(a.value), abs(b.value))) AS agreeing,
           count(*) AS compared
    FROM nearby pair
    JOIN nearby_value a ON a.visit_id = pair.mine
    JOIN nearby_value b ON b.visit_id = pair.other
        AND b.top_cm = a.top_cm AND b.bottom_cm = a.bottom_cm AND b.property = a.property
    GROUP BY pair.mine, pair.other
) shared ON shared.mine = n.mine AND shared.other = n.other
WHERE shared.agreeing >= 0.9 * shared.compared AND (shared.agreeing >= 2 OR (shared.agreeing = 1 AND n.dated))
ON CONFLICT (first_id, second_id) DO NOTHING;

-- possible_duplicates --
-- Layers of a dataset's profiles that a reviewer has not yet told apart from one of another dataset, where both datasets
-- publish exact positions now: elsewhere the flag would tell that something lies within 50 m.
INSERT INTO suspect (layer_id)
SELECT DISTINCT l.id
FROM core.duplicate_candidate c
JOIN core.dataset a ON a.id = c.first_dataset_id
JOIN core.dataset b ON b.id = c.second_dataset_id
JOIN core.layer l ON l.visit_id = CASE WHEN a.id = CAST(:dataset AS uuid) THEN c.first_id ELSE c.second_id END
WHERE CAST(:dataset AS uuid) IN (a.id, b.id)
  AND c.state <> 'different'
  AND a.state = 'published' AND b.state = 'published'
  AND a.location_precision = 'exact' AND b.location_precision = 'exact'
  AND a.licence_class NOT IN ('aggregate_only', 'display_generalised_only')
  AND b.licence_class NOT IN ('aggregate_only', 'display_generalised_only')
  AND coalesce(a.embargo_until, current_date) <= current_date
  AND coalesce(b.embargo_until, current_date) <= current_date;

-- mark_possible_duplicates --
-- Set the code on the layers of the temporary table `suspect` and take it from the dataset's others; returns how many changed.
WITH changed AS (
    UPDATE core.layer l
    SET flags = CASE WHEN marked THEN array_append(l.flags, 'POSSIBLE_DUPLICATE')
                     ELSE array_remove(l.flags, 'POSSIBLE_DUPLICATE') END
    FROM (
        SELECT l.id, EXISTS (SELECT FROM suspect WHERE suspect.layer_id = l.id) AND d.id IS NULL AS marked, l.flags
        FROM core.site s
        JOIN core.visit v ON v.site_id = s.id
        JOIN core.layer l ON l.visit_id = v.id
        LEFT JOIN core.flag_decision d ON d.kind = 'layer' AND d.record = l.id::text AND d.code = 'POSSIBLE_DUPLICATE' AND d.dismissed
        WHERE s.dataset_id = CAST(:dataset AS uuid)
    ) now
    WHERE now.id = l.id AND now.marked <> ('POSSIBLE_DUPLICATE' = ANY (now.flags))
    RETURNING 1
)
SELECT count(*) FROM changed;

-- partners_of_candidates --
-- Datasets that share candidates with one.
SELECT DISTINCT CASE WHEN first_dataset_id = CAST(:dataset AS uuid) THEN second_dataset_id ELSE first_dataset_id END
FROM core.duplicate_candidate
WHERE CAST(:dataset AS uuid) IN (first_dataset_id, second_dataset_id);
