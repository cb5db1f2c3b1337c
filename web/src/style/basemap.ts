/** Sea, land, boundaries and country names, from our own tiles. */

import type { FilterSpecification, LayerSpecification, SourceSpecification } from 'maplibre-gl';
import type { MapState } from './topic.ts';
import type { Theme } from './theme.ts';

export const SOURCE = 'basemap';
/** The one layer inside the tiles; `kind` tells its parts apart (scripts/build_basemap.py). */
export const LAYER = 'basemap';

export const FONT = 'Noto Sans';

export const source = (url: string): SourceSpecification => ({ type: 'vector', url: `pmtiles://${url}` });

const part = (kind: string): FilterSpecification => ['==', ['get', 'kind'], kind];

/** Below everything else. */
export const ground = (theme: Theme): LayerSpecification[] => [
  { id: 'sea', type: 'background', paint: { 'background-color': theme.sea } },
  {
    id: 'land',
    type: 'fill',
    source: SOURCE,
    'source-layer': LAYER,
    filter: part('land'),
    paint: { 'fill-color': theme.land },
  },
];

/** Above the choropleth. Lines without a recognised country on one side are dashed. */
export const boundaries = (theme: Theme): LayerSpecification[] => [
  {
    id: 'coast',
    type: 'line',
    source: SOURCE,
    'source-layer': LAYER,
    filter: part('coast'),
    layout: { 'line-join': 'round' },
    paint: { 'line-color': theme.coast, 'line-width': ['interpolate', ['linear'], ['zoom'], 1, 0.4, 6, 1] },
  },
  {
    id: 'border',
    type: 'line',
    source: SOURCE,
    'source-layer': LAYER,
    filter: part('border'),
    layout: { 'line-join': 'round' },
    paint: { 'line-color': theme.border, 'line-width': ['interpolate', ['linear'], ['zoom'], 1, 0.5, 6, 1.4] },
  },
  {
    id: 'border-disputed',
    type: 'line',
    source: SOURCE,
    'source-layer': LAYER,
    filter: part('disputed'),
    paint: {
      'line-color': theme.border,
      'line-width': ['interpolate', ['linear'], ['zoom'], 1, 0.5, 6, 1.4],
      'line-dasharray': [3, 2],
    },
  },
];

/** Country names, one point each; the largest countries come first and the others as there is room. */
export const names = (theme: Theme, state: MapState): LayerSpecification[] => [
  {
    id: 'country-names',
    type: 'symbol',
    source: SOURCE,
    'source-layer': LAYER,
    filter: [
      'all',
      part('label') as never,
      ['<', ['get', 'rank'], ['step', ['zoom'], 14, 2, 45, 3, 110, 4, 190, 5, 1000]],
    ],
    layout: {
      'text-field': ['get', `name_${state.language}`],
      'text-font': [FONT],
      'text-size': [
        'interpolate',
        ['linear'],
        ['zoom'],
        1,
        ['case', ['<', ['get', 'rank'], 8], 11, 10],
        5,
        ['case', ['<', ['get', 'rank'], 60], 15, 12.5],
      ],
      'text-max-width': 7,
      'text-padding': 4,
      'text-variable-anchor': ['center', 'top', 'bottom'],
      'text-radial-offset': 0.8,
      'text-letter-spacing': 0.02,
      'symbol-sort-key': ['get', 'rank'],
    },
    paint: { 'text-color': theme.label, 'text-halo-color': theme.halo, 'text-halo-width': 1.5, 'text-halo-blur': 0.2 },
  },
];
