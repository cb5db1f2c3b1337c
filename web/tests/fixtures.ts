/** Small records in the service's shapes. */

import type { Catalogue, Estimate } from '../src/api.ts';
import type { Shown } from '../src/state.ts';
import type { MapState } from '../src/style/topic.ts';

export const catalogue: Catalogue = {
  release: 3,
  indicators: [
    {
      id: 'soc_stock',
      title: 'SOC stock',
      titles: { en: 'SOC stock', fr: 'Stock de carbone organique du sol' },
      description: 'Mass of organic carbon per area.',
      unit: { label: 't C/ha', ucum: 't/har' },
      depths: [{ upper: 0, lower: 30 }],
      ramp: { colors: ['#eeddcc', '#ccaa77', '#995522', '#442200'], breaks: [20, 50, 110] },
      method: 'docs/methods/soc_stock.md',
    },
  ],
  periods: [{ id: 'all', label: 'all years', start: null, end: null }],
};

const [indicator] = catalogue.indicators;
const [period] = catalogue.periods;
if (!indicator || !period) throw new Error('the fixture is empty');

export const shown: Shown = { indicator, depth: { upper: 0, lower: 30 }, period, release: 3 };

export const mapState: MapState = {
  shown,
  selection: { kind: 'region', id: 'country-BRA' },
  hidden: [],
  language: 'en',
  partners: { type: 'FeatureCollection', features: [] },
};

export const estimate: Estimate = {
  indicator: 'soc_stock',
  title: 'SOC stock',
  unit: { label: 't C/ha', ucum: 't/har' },
  depth: { upper: 0, lower: 30 },
  period,
  value: 61.2,
  sd: 21.4,
  se: 3.1,
  median: 58,
  q1: 44,
  q3: 75,
  interval: { lower: 55.04, upper: 67.36, level: 0.95, df: 47, method: 'Student t', meaning: 'The mean of these sites.' },
  representative: false,
  indicative: false,
  n_sites: 48,
  n_units: 48,
  n_owners: 2,
  estimator: { id: 'sample_description', title: 'Description of the sampled sites' },
  basis: 'fixed_depth',
  coverage: {
    sites_in_region: 61,
    sites_with_value: 48,
    cells_occupied: 46,
    cells_in_region: 500,
    first_year: 1998,
    last_year: 2019,
  },
  quality: { A: 0.2, B: 0.5, C: 0.3, bulk_density_measured: 0.4 },
  refused: null,
  synthetic: 'none',
  release: 3,
  method_version: '1',
  datasets: [],
};
