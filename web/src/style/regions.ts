/**
 * The choropleth. Four looks, never to be mixed up: a figure from a probability sample (plain colour), a figure from
 * sites that nobody drew at random (the same colour, hatched), a figure that was refused (dotted grey), no figure (land).
 */

import type { ExpressionSpecification, FilterSpecification, LayerSpecification, SourceSpecification } from 'maplibre-gl';
import { type Ramp, tiles } from '../api.ts';
import { depthId, type Shown } from '../state.ts';
import type { LegendEntry, MapState } from './topic.ts';
import type { Theme } from './theme.ts';

export const SOURCE = 'regions';
export const LAYER = 'regions';
/** Answers to the pointer for every region, whatever it shows. */
export const HIT_LAYER = 'region-hover';

/** Deepest tiles that the service cuts; beyond it they are magnified. */
const MAXZOOM = 8;

export function source({ indicator, depth, period, release }: Shown, base: string): SourceSpecification {
  const query = { indicator: indicator.id, depth: depthId(depth), period: period.id, kind: 'country', release };
  return { type: 'vector', tiles: [tiles('regions', query, base)], maxzoom: MAXZOOM, promoteId: { [LAYER]: 'id' } };
}

/** Colour of a value: the ramp's classes, each from its break (included) to the next (excluded). */
export function rampColor(value: ExpressionSpecification, { colors, breaks }: Ramp): ExpressionSpecification {
  const [first = '#888888', ...rest] = colors;
  const steps = breaks.flatMap((from, index) => [from, rest[index] ?? first]);
  return ['step', value, first, ...steps] as ExpressionSpecification;
}

const hasValue: ExpressionSpecification = ['has', 'value'];
/** Sites but no figure. A region without any site is refused too, but there is nothing to withhold. */
const isRefused: ExpressionSpecification = ['!=', ['coalesce', ['get', 'refused'], 'no_sites'], 'no_sites'];
const isSelection = (state: MapState): FilterSpecification => [
  '==',
  ['get', 'id'],
  state.selection?.kind === 'region' ? state.selection.id : '',
];

export function areas(theme: Theme, state: MapState): LayerSpecification[] {
  if (!state.shown) return [];
  const drawn = { source: SOURCE, 'source-layer': LAYER } as const;
  return [
    {
      id: 'region-value',
      type: 'fill',
      ...drawn,
      filter: hasValue,
      paint: {
        'fill-color': rampColor(['get', 'value'], state.shown.indicator.ramp),
        'fill-opacity': ['interpolate', ['linear'], ['zoom'], 4, 1, 8, 0.55],
      },
    },
    {
      id: 'region-not-representative',
      type: 'fill',
      ...drawn,
      filter: ['all', hasValue, ['!=', ['get', 'representative'], true]],
      paint: { 'fill-pattern': `hatch-${theme.name}` },
    },
    {
      id: 'region-refused',
      type: 'fill',
      ...drawn,
      filter: isRefused,
      paint: { 'fill-pattern': `dots-${theme.name}` },
    },
    {
      id: HIT_LAYER,
      type: 'fill',
      ...drawn,
      paint: {
        'fill-color': theme.hover,
        'fill-opacity': ['case', ['boolean', ['feature-state', 'hover'], false], 0.14, 0],
      },
    },
  ];
}

/** Above the boundaries, so that no line crosses it. */
export function outline(theme: Theme, state: MapState): LayerSpecification[] {
  if (!state.shown) return [];
  return [
    {
      id: 'region-selected',
      type: 'line',
      source: SOURCE,
      'source-layer': LAYER,
      filter: isSelection(state),
      layout: { 'line-join': 'round' },
      paint: { 'line-color': theme.selected, 'line-width': ['interpolate', ['linear'], ['zoom'], 1, 1.6, 6, 3] },
    },
  ];
}

export function legend(theme: Theme, { shown }: MapState): LegendEntry[] {
  if (!shown) return [];
  const { colors } = shown.indicator.ramp;
  const middle = colors[Math.floor(colors.length / 2)] ?? theme.land;
  return [
    {
      layers: ['region-not-representative'],
      label: 'legend.not_representative',
      swatch: { kind: 'area', fill: middle, pattern: 'hatch' },
    },
    {
      layers: ['region-refused'],
      label: 'legend.refused',
      swatch: { kind: 'area', fill: theme.refused, pattern: 'dots' },
    },
    { layers: ['land'], label: 'legend.none', swatch: { kind: 'area', fill: theme.land } },
  ];
}
