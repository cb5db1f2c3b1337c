/** Sampling sites: circles in the colours of the choropleth, rings where the figure cannot be computed. */

import type { ExpressionSpecification, LayerSpecification, SourceSpecification } from 'maplibre-gl';
import { tiles } from '../api.ts';
import { depthId, type Shown } from '../state.ts';
import { rampColor } from './regions.ts';
import type { LegendEntry, MapState } from './topic.ts';
import type { Theme } from './theme.ts';

export const SOURCE = 'sites';
const LAYER = 'sites';
/** Layers whose features can be clicked. */
export const HIT_LAYERS = ['site-value', 'site-without-value'];

/** Which tile property carries an indicator at a site. Tiles hold the topsoil only. */
const TILE_PROPERTY: Partial<Record<string, string>> = { soc_stock: 'soc_stock', soc_content: 'soc_content' };
const TILE_DEPTH = '0-30';

/** Deepest tiles that the service cuts. */
const MAXZOOM = 14;

export const source = (release: number, base: string): SourceSpecification => ({
  type: 'vector',
  tiles: [tiles('sites', { release }, base)],
  maxzoom: MAXZOOM,
});

/** The tile property that carries what is shown, or null where sites can only be placed. */
export function property({ indicator, depth }: Shown): string | null {
  return depthId(depth) === TILE_DEPTH ? (TILE_PROPERTY[indicator.id] ?? null) : null;
}

/** Radius by zoom level [px]; sites without a figure stay smaller while there are many on view. */
const radius = (share: number): ExpressionSpecification => {
  const stops = [0, 0.9, 3, 1.8, 6, 4, 10, 7].map((value, index) => (index % 2 ? value * share : value));
  return ['interpolate', ['exponential', 1.3], ['zoom'], ...stops, 14, 9] as ExpressionSpecification;
};

export function layers(theme: Theme, state: MapState): LayerSpecification[] {
  if (!state.shown || state.hidden.includes('sites')) return [];
  const carried = property(state.shown);
  const drawn = { source: SOURCE, 'source-layer': LAYER } as const;
  const ring: LayerSpecification = {
    id: 'site-without-value',
    type: 'circle',
    ...drawn,
    ...(carried && { filter: ['!', ['has', carried]] }),
    paint: {
      'circle-radius': radius(0.72),
      'circle-color': theme.sitePaper,
      'circle-opacity': ['interpolate', ['linear'], ['zoom'], 2, 0.45, 6, 0.85],
      'circle-stroke-color': theme.siteRing,
      'circle-stroke-width': ['interpolate', ['linear'], ['zoom'], 1, 0.3, 6, 1.4],
    },
  };
  if (!carried) return [ring];
  return [
    ring,
    {
      id: 'site-value',
      type: 'circle',
      ...drawn,
      filter: ['has', carried],
      paint: {
        'circle-radius': radius(1),
        'circle-color': rampColor(['get', carried], state.shown.indicator.ramp),
        'circle-stroke-color': theme.siteEdge,
        'circle-stroke-width': ['interpolate', ['linear'], ['zoom'], 1, 0.3, 5, 0.9],
      },
    },
  ];
}

export function legend(theme: Theme, state: MapState): LegendEntry[] {
  if (!state.shown) return [];
  const { colors } = state.shown.indicator.ramp;
  const ring = { kind: 'circle', fill: theme.sitePaper, edge: theme.siteRing } as const;
  if (!property(state.shown)) {
    return [{ layers: ['site-without-value'], label: 'legend.site_place', swatch: ring, overlay: 'sites' }];
  }
  const fills = [1, 3, 5].map((index) => colors[index] ?? theme.land);
  return [
    {
      layers: ['site-value'],
      label: 'legend.site',
      swatch: { kind: 'ramp-circles', fills, edge: theme.siteEdge },
      overlay: 'sites',
    },
    { layers: ['site-without-value'], label: 'legend.site_without', swatch: ring, overlay: 'sites' },
  ];
}
