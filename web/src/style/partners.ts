/** Partners of the Initiative: diamonds, with a number where several stand close together. */

import type { LayerSpecification, SourceSpecification } from 'maplibre-gl';
import { FONT } from './basemap.ts';
import type { LegendEntry, MapState } from './topic.ts';
import type { Theme } from './theme.ts';

export const SOURCE = 'partners';
/** Layers whose features can be clicked. */
export const HIT_LAYERS = ['partner', 'partner-group'];

export const source = ({ partners }: MapState): SourceSpecification => ({
  type: 'geojson',
  data: partners,
  cluster: true,
  clusterRadius: 18,
});

export function layers(theme: Theme, state: MapState): LayerSpecification[] {
  if (state.hidden.includes('partners')) return [];
  const placed = { 'icon-allow-overlap': true, 'icon-ignore-placement': false } as const;
  return [
    {
      id: 'partner',
      type: 'symbol',
      source: SOURCE,
      filter: ['!', ['has', 'point_count']],
      layout: { 'icon-image': `diamond-${theme.name}`, 'icon-size': 0.72, ...placed },
    },
    {
      id: 'partner-group',
      type: 'symbol',
      source: SOURCE,
      filter: ['has', 'point_count'],
      layout: {
        'icon-image': `diamond-${theme.name}`,
        'icon-size': 1.25,
        ...placed,
        'text-field': ['get', 'point_count_abbreviated'],
        'text-font': [FONT],
        'text-size': 10.5,
        'text-allow-overlap': true,
      },
      paint: { 'text-color': theme.partnerText },
    },
  ];
}

export const legend = (theme: Theme): LegendEntry[] => [
  {
    layers: ['partner', 'partner-group'],
    label: 'legend.partner',
    swatch: { kind: 'diamond', fill: theme.partner, edge: theme.partnerEdge },
    overlay: 'partners',
  },
];
