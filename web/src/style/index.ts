/** The whole look of the map as one pure function of what is being looked at. The draw order stands in one list. */

import type { LayerSpecification, StyleSpecification } from 'maplibre-gl';
import latin from '@fontsource/noto-sans/files/noto-sans-latin-400-normal.woff2?url';
import latinExt from '@fontsource/noto-sans/files/noto-sans-latin-ext-400-normal.woff2?url';
import * as basemap from './basemap.ts';
import * as partners from './partners.ts';
import * as regions from './regions.ts';
import * as sites from './sites.ts';
import type { Theme } from './theme.ts';
import type { LegendEntry, MapState } from './topic.ts';

/** Fonts for the labels; without `glyphs` the browser draws them itself and no glyph server is asked. */
const FONTS = [
  { url: latin, 'unicode-range': ['U+0000-00FF', 'U+0131', 'U+0152-0153', 'U+02BB-02BC', 'U+02C6', 'U+2000-206F'] },
  { url: latinExt, 'unicode-range': ['U+0100-0130', 'U+0132-0151', 'U+0154-02BA', 'U+1E00-1E9F', 'U+1EF2-1EFF'] },
];

/** From the bottom to the top. */
const drawOrder = (theme: Theme, state: MapState): LayerSpecification[][] => [
  basemap.ground(theme),
  regions.areas(theme, state),
  basemap.boundaries(theme),
  regions.outline(theme, state),
  sites.layers(theme, state),
  basemap.names(theme, state),
  partners.layers(theme, state),
];

/** The MapLibre style. `base` is the address of the map's own folder; it holds basemap.pmtiles. */
export function build(theme: Theme, state: MapState, base: string): StyleSpecification {
  const { shown } = state;
  return {
    version: 8,
    name: 'Soil Health Observatory',
    'font-faces': { [basemap.FONT]: FONTS.map((font) => ({ ...font, url: new URL(font.url, base).href })) },
    sources: {
      [basemap.SOURCE]: basemap.source(new URL('basemap.pmtiles', base).href),
      ...(shown && { [regions.SOURCE]: regions.source(shown, base), [sites.SOURCE]: sites.source(shown.release, base) }),
      [partners.SOURCE]: partners.source(state),
    },
    layers: drawOrder(theme, state).flat(),
  };
}

/** Every line of the legend below the ramp, in the order it is read. */
export const legend = (theme: Theme, state: MapState): LegendEntry[] => [
  ...regions.legend(theme, state),
  ...sites.legend(theme, state),
  ...partners.legend(theme),
];
