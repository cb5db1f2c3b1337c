/** The only module that touches MapLibre: draws a state into an element and tells what the pointer meets. */

import 'maplibre-gl/dist/maplibre-gl.css';
import { effect, type ReadonlySignal, signal } from '@preact/signals';
import {
  addProtocol,
  AttributionControl,
  type FilterSpecification,
  GeoJSONSource,
  Map as GLMap,
  type MapGeoJSONFeature,
  type MapMouseEvent,
  NavigationControl,
  type Point,
  type PointLike,
  setWorkerUrl,
} from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import { Protocol } from 'pmtiles';
import { here, type RegionRow } from './api.ts';
import { type Hit, rank } from './clicks.ts';
import { language, t } from './i18n/index.ts';
import type { Selection } from './state.ts';
import * as basemap from './style/basemap.ts';
import { build } from './style/index.ts';
import * as partners from './style/partners.ts';
import { picture, PIXEL_RATIO } from './style/patterns.ts';
import * as regions from './style/regions.ts';
import * as sites from './style/sites.ts';
import { dark, light, type Theme } from './style/theme.ts';
import type { MapState } from './style/topic.ts';

setWorkerUrl(workerUrl);
addProtocol('pmtiles', new Protocol().tile);

/** Half the width of the square that counts as "under the pointer" for small things. [CSS px] */
const REACH = 8;

/** Most partners of a group that are listed at once; a larger group is opened by zooming in. */
const LISTED = 12;

/** Below this zoom level sites are texture: a click means the country. */
const SITE_ZOOM = 4.5;

/** Below this zoom level continents are on view: no figure then means none at all. */
const WIDE = 2.5;

/** The part of the world that the first view shows, without the empty far south. [degree] */
const HOME: [[number, number], [number, number]] = [
  [-135, -52],
  [165, 74],
];

/** A region under the pointer and where the pointer is, in CSS pixels of the map's element. */
export interface Hover {
  row: RegionRow;
  /** In the reader's language where the map has it. */
  name: string;
  x: number;
  y: number;
}

export interface MapInput {
  state: ReadonlySignal<MapState>;
  theme: ReadonlySignal<Theme>;
  reducedMotion: boolean;
}

export interface MapOutput {
  select: (selection: Selection | null) => void;
  hover: (hover: Hover | null) => void;
  /** Called each time the picture is complete: regions with a figure on view, whether any of it is
   * synthetic, and whether continents are on view. */
  idle: (view: { figures: number; synthetic: boolean; wide: boolean }) => void;
  /** Called when something could not be loaded. */
  failed: (message: string) => void;
}

function locale(): Record<string, string> {
  return {
    'Map.Title': t('map.title'),
    'NavigationControl.ZoomIn': t('map.zoom_in'),
    'NavigationControl.ZoomOut': t('map.zoom_out'),
    'AttributionControl.ToggleAttribution': t('map.attribution'),
  };
}

const around = ({ x, y }: { x: number; y: number }): [PointLike, PointLike] => [
  [x - REACH, y - REACH],
  [x + REACH, y + REACH],
];

const idOf = ({ properties }: { properties: Record<string, unknown> | null }): string => String(properties?.['id']);

/** Draws the map and keeps it in step with the state. Throws where the browser has no WebGL. Returns what ends it. */
export function createMap(element: HTMLElement, input: MapInput, output: MapOutput): () => void {
  const base = here();
  const map = new GLMap({
    container: element,
    style: build(input.theme.peek(), input.state.peek(), base),
    bounds: HOME,
    hash: 'map',
    minZoom: 0.4,
    maxZoom: 14,
    maxPitch: 0,
    dragRotate: false,
    pitchWithRotate: false,
    attributionControl: false,
    fadeDuration: input.reducedMotion ? 0 : 200,
    locale: locale(),
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), 'top-right');
  map.addControl(new AttributionControl({ compact: false, customAttribution: t('map.source') }), 'bottom-right');
  map.setMissingStyleImageResolver((name) => {
    const [kind = '', shade] = name.split('-');
    const drawn = picture(kind, shade === 'dark' ? dark : light);
    if (drawn) map.addImage(name, drawn, { pixelRatio: PIXEL_RATIO });
  });

  const present = (ids: string[]): string[] => ids.filter((id) => map.getLayer(id));
  const under = (where: PointLike | [PointLike, PointLike], ids: string[]): MapGeoJSONFeature[] => {
    const layers = present(ids);
    return layers.length ? map.queryRenderedFeatures(where, { layers }) : [];
  };

  // The first style is on its way already; there is nothing to compare a second one with until it has arrived.
  const ready = signal(false);
  map.once('style.load', () => {
    ready.value = true;
  });
  const follow = effect(() => {
    const style = build(input.theme.value, input.state.value, base);
    delete element.dataset['idle'];
    if (ready.value) map.setStyle(style, { diff: true });
  });

  map.on('idle', () => {
    const drawn = under([[0, 0], [element.clientWidth, element.clientHeight]], ['region-value', 'region-refused']);
    const markedSites = present(sites.HIT_LAYERS);
    const synthetic =
      drawn.some(({ properties }) => ![undefined, false, 'none'].includes(properties['synthetic'])) ||
      (markedSites.length > 0 &&
        map.queryRenderedFeatures({ layers: markedSites, filter: ['==', ['get', 'synthetic'], true] }).length > 0);
    const figures = new Set(drawn.filter(({ properties }) => 'value' in properties).map(idOf)).size;
    element.dataset['figures'] = String(figures);
    element.dataset['idle'] = '';
    output.idle({ figures, synthetic, wide: map.getZoom() < WIDE });
  });
  map.on('movestart', () => delete element.dataset['idle']);
  map.on('error', ({ error }) => {
    // A tile that is no longer wanted is given up: nothing is missing.
    if (!(error instanceof DOMException && error.name === 'AbortError')) output.failed(error.message);
  });

  const sitesAt = (point: Point): MapGeoJSONFeature[] =>
    map.getZoom() < SITE_ZOOM ? [] : under(around(point), sites.HIT_LAYERS);

  /** The partners of a group, or null where zooming in will take it apart. */
  async function membersOf(group: MapGeoJSONFeature): Promise<string[] | null> {
    const source = map.getSource(partners.SOURCE);
    const { cluster_id: cluster, point_count: size } = group.properties as { cluster_id: number; point_count: number };
    const deepest = map.getZoom() >= map.getMaxZoom() - 1;
    if (!(source instanceof GeoJSONSource) || (size > LISTED && !deepest)) return null;
    return (await source.getClusterLeaves(cluster, size, 0)).map(idOf);
  }

  map.on('click', async (event: MapMouseEvent) => {
    const hits: Hit[] = [];
    for (const feature of under(around(event.point), partners.HIT_LAYERS)) {
      if (!feature.properties['cluster']) hits.push({ kind: 'partner', id: idOf(feature) });
      else {
        // oxlint-disable-next-line no-await-in-loop
        const members = await membersOf(feature);
        if (members === null) return void map.easeTo({ center: event.lngLat, zoom: map.getZoom() + 2 });
        hits.push(...members.map((id) => ({ kind: 'partner', id }) as const));
      }
    }
    hits.push(...sitesAt(event.point).map((site) => ({ kind: 'site', id: idOf(site) }) as const));
    hits.push(...under(event.point, [regions.HIT_LAYER]).map((area) => ({ kind: 'region', id: idOf(area) }) as const));
    output.select(rank(hits));
  });

  /** Tiles of regions carry the English name; the labels of the basemap know the others. */
  const nameOf = ({ id, name }: RegionRow): string => {
    const filter: FilterSpecification = ['==', ['get', 'code'], id.replace(/^country-/, '')];
    const [label] = map.querySourceFeatures(basemap.SOURCE, { sourceLayer: basemap.LAYER, filter });
    return (label?.properties[`name_${language.peek()}`] as string | undefined) ?? name;
  };

  let lit: string | null = null;
  const lightUp = (id: string | null): void => {
    if (id === lit || !map.getSource(regions.SOURCE)) return;
    const target = { source: regions.SOURCE, sourceLayer: regions.LAYER };
    if (lit !== null) map.setFeatureState({ ...target, id: lit }, { hover: false });
    if (id !== null) map.setFeatureState({ ...target, id }, { hover: true });
    lit = id;
  };
  map.on('mousemove', ({ point }) => {
    const [area] = under(point, [regions.HIT_LAYER]);
    const small = under(around(point), partners.HIT_LAYERS).length + sitesAt(point).length > 0;
    map.getCanvas().style.cursor = area || small ? 'pointer' : '';
    lightUp(area ? idOf(area) : null);
    if (!area || small) return output.hover(null);
    const row = area.properties as RegionRow;
    output.hover({ row, name: nameOf(row), x: point.x, y: point.y });
  });
  map.on('mouseout', () => {
    lightUp(null);
    output.hover(null);
  });

  return () => {
    follow();
    map.remove();
  };
}
