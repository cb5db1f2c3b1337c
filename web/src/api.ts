/** The service's answers, typed, and one way to ask for them. Shapes follow the API; nothing is reshaped here. */

import type { Feature, FeatureCollection, Point } from 'geojson';

export interface Unit {
  label: string;
  ucum: string;
}

export interface Depth {
  upper: number;
  lower: number;
}

export interface Ramp {
  /** One colour more than there are breaks. */
  colors: string[];
  breaks: number[];
}

export interface Indicator {
  id: string;
  title: string;
  /** By language. */
  titles?: Partial<Record<string, string>>;
  description: string;
  unit: Unit;
  depths: Depth[];
  ramp: Ramp;
  /** Page that explains it, such as docs/methods/soc_stock.md. */
  method: string;
}

export interface Period {
  id: string;
  label: string;
  start: string | null;
  end: string | null;
}

export interface Catalogue {
  release: number;
  indicators: Indicator[];
  periods: Period[];
}

export interface Interval {
  lower: number;
  upper: number;
  level: number;
  df: number | null;
  method: string;
  meaning: string;
}

export interface Dataset {
  id: string;
  title: string;
  licence: string;
  licence_url: string | null;
  citation: string;
  doi: string | null;
  n_sites: number;
  synthetic: boolean;
}

export type Synthetic = 'none' | 'some' | 'all';

export interface Estimate {
  indicator: string;
  title: string;
  unit: Unit;
  depth: Depth;
  period: Period;
  value: number | null;
  sd: number | null;
  se: number | null;
  median: number | null;
  q1: number | null;
  q3: number | null;
  interval: Interval | null;
  representative: boolean;
  indicative: boolean;
  n_sites: number;
  n_units: number | null;
  n_owners: number | null;
  estimator: { id: string; title: string };
  /** What a reader should know about the figure. */
  notes?: { code: string; sentence: string }[];
  basis: string;
  coverage: {
    sites_in_region: number | null;
    sites_with_value: number | null;
    cells_occupied: number | null;
    cells_in_region: number | null;
    first_year: number | null;
    last_year: number | null;
  };
  quality: { A?: number | null; B?: number | null; C?: number | null; bulk_density_measured?: number | null };
  refused: { code: string; reason: string } | null;
  synthetic: Synthetic;
  release: number;
  method_version: string;
  datasets: Dataset[];
}

export interface RegionAnswer {
  region: {
    id: string;
    name: string;
    names: Partial<Record<string, string>>;
    kind: string;
    initiative_region: string | null;
    area_km2: number | null;
  };
  release: number;
  estimates: Estimate[];
}

/** The part of an estimate that lists and tiles carry. Absent means null. */
export interface Summary {
  value?: number | null;
  lower?: number | null;
  upper?: number | null;
  n_sites?: number | null;
  refused?: string | null;
  representative?: boolean | null;
  /** Tiles say true where all of it is synthetic. */
  synthetic?: Synthetic | boolean | null;
}

/** One region with what the choropleth and the table show of it. */
export interface RegionRow extends Summary {
  id: string;
  name: string;
  name_fr?: string;
  name_es?: string;
}

interface RegionProperties {
  name: string;
  name_fr?: string;
  name_es?: string;
  /** Estimates over all years. */
  indicators?: (Summary & { indicator: string; depth: string; period: string })[];
}

export interface Site {
  own_id: string | null;
  dataset: string;
  dataset_title: string;
  licence: string;
  licence_url: string | null;
  citation: string;
  doi: string | null;
  synthetic: boolean;
  location_precision: string | null;
  coordinate_uncertainty_m: number | null;
  country: string | null;
  n_visits: number;
  first_sampled: string | null;
  last_sampled: string | null;
  soc_stock_0_30: number | null;
  soc_stock_0_30_reason: string | null;
  soc_content_0_30: number | null;
}

export interface Observation {
  /** The visit it was sampled on. */
  profile?: string;
  property: string;
  property_title: string;
  value: number;
  unit: string;
  qualifier: string;
  upper_depth_cm: number;
  lower_depth_cm: number;
  sampled: string | null;
  method: string | null;
  status: string;
}

export interface Agreement {
  kind: string;
  starts_on?: string;
  starts_on_precision?: string;
  ends_on?: string;
  note?: string;
}

export interface Partner {
  id: string;
  name: string;
  college: string;
  group: string | null;
  tiers: string[] | null;
  country: string | null;
  initiative_region: string | null;
  place: string | null;
  location_precision: string | null;
  agreements: Agreement[] | null;
  website: string | null;
  ror: string | null;
}

export type PartnerCollection = FeatureCollection<Point, Partner>;

interface Page<P> {
  features: Feature<Point | null, P>[];
  links?: { rel: string; href: string }[];
}

/** A problem document (RFC 9457). */
export interface Problem {
  type?: string;
  title: string;
  status: number;
  detail?: string;
  errors?: { parameter?: string; detail: string }[];
}

/** The service refused or failed; `problem` is its own account of it. Status 0: the service was not reached. */
export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.name = 'ApiError';
    this.problem = problem;
  }
}

/** A template of vector tiles; the holes {z}, {y} and {x} stay open. */
export function tiles(collection: string, query: Query, base: string): string {
  const url = address(`/collections/${collection}/tiles/WebMercatorQuad/{z}/{y}/{x}`, query, base);
  return url.replaceAll('%7B', '{').replaceAll('%7D', '}');
}

/** The readable form of a method's page, built into the map's own folder. */
export function methodPage(method: string): string {
  const name = method.split('/').at(-1)?.replace(/\.md$/, '') ?? '';
  return `${import.meta.env.BASE_URL}methods/${encodeURIComponent(name)}.html`;
}

type Query = Record<string, string | number | boolean | undefined>;

/** Address of the map's own folder. */
export const here = (): string => new URL(import.meta.env.BASE_URL, location.origin).href;

/** Address of a path of the service, which lies one level above the map. */
export function address(path: string, query: Query = {}, base = here()): string {
  const url = new URL(`..${path}`, base);
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(key, String(value));
  }
  return url.href;
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback = { title: response.statusText || 'Error', status: response.status };
  if (!response.headers.get('content-type')?.includes('json')) return fallback;
  return { ...fallback, ...((await response.json()) as Partial<Problem>) };
}

async function get<T>(url: string, signal?: AbortSignal): Promise<T> {
  const request: RequestInit = { headers: { accept: 'application/json' }, ...(signal ? { signal } : {}) };
  let response: Response;
  try {
    response = await fetch(url, request);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError({ title: 'unreachable', status: 0 });
  }
  if (!response.ok) throw new ApiError(await problemOf(response));
  return (await response.json()) as T;
}

/** Every feature of a collection's answer: follows `next` until there is none. */
async function all<P>(url: string, signal?: AbortSignal): Promise<Page<P>['features']> {
  const features: Page<P>['features'] = [];
  let next: string | undefined = url;
  while (next) {
    // Pages are chained by design: each one names the following.
    // oxlint-disable-next-line no-await-in-loop
    const page: Page<P> = await get(next, signal);
    features.push(...page.features);
    const link = page.links?.find(({ rel }) => rel === 'next')?.href;
    next = link && page.features.length > 0 ? sameOrigin(link) : undefined;
  }
  return features;
}

/** A link of the service on the address the page came from: a proxy may have given the service another name. */
function sameOrigin(href: string): string {
  const url = new URL(href, location.href);
  return new URL(url.pathname + url.search, location.origin).href;
}

export const getCatalogue = (signal?: AbortSignal): Promise<Catalogue> => get(address('/indicators'), signal);

export const getRegion = (id: string, signal?: AbortSignal): Promise<RegionAnswer> =>
  get(address(`/regions/${encodeURIComponent(id)}/indicators`), signal);

interface Choice {
  indicator: string;
  depth: string;
  period: string;
}

/** Requests that run at once. */
const AT_ONCE = 6;

/** Applies an asynchronous function to every item, a few at a time, and keeps the order. */
async function mapSome<A, B>(items: readonly A[], act: (item: A) => Promise<B>): Promise<B[]> {
  const results: B[] = [];
  for (let start = 0; start < items.length; start += AT_ONCE) {
    // oxlint-disable-next-line no-await-in-loop
    results.push(...(await Promise.all(items.slice(start, start + AT_ONCE).map(act))));
  }
  return results;
}

/** The summary of a region's estimate for one period. */
async function summaryOf(id: string, { indicator, depth, period }: Choice, signal?: AbortSignal): Promise<Summary> {
  const url = address(`/regions/${encodeURIComponent(id)}/indicators`, { indicator, depth, period });
  const [one] = (await get<RegionAnswer>(url, signal)).estimates;
  if (!one) return {};
  const { value, interval, n_sites, refused, representative, synthetic } = one;
  const bounds = interval && { lower: interval.lower, upper: interval.upper };
  return { value, ...bounds, n_sites, refused: refused?.code ?? null, representative, synthetic };
}

/** Every country with its figure. The list carries all years; another period is asked for where there is anything. */
export async function getRegionRows(choice: Choice, signal?: AbortSignal): Promise<RegionRow[]> {
  const url = address('/collections/regions/items', { kind: 'country', limit: 1000 });
  const features = await all<RegionProperties>(url, signal);
  return mapSome(features, async ({ id, properties: { indicators = [], name, name_fr, name_es } }) => {
    const listed = indicators.filter(({ indicator, depth }) => indicator === choice.indicator && depth === choice.depth);
    const found = listed.find(({ period }) => period === choice.period);
    const summary = found ?? (listed.length > 0 ? await summaryOf(String(id), choice, signal) : {});
    return { ...summary, id: String(id), name, ...(name_fr && { name_fr }), ...(name_es && { name_es }) };
  });
}

export async function getSite(id: string, signal?: AbortSignal): Promise<Site> {
  const feature = await get<Feature<Point, Site>>(address(`/collections/sites/items/${encodeURIComponent(id)}`), signal);
  return feature.properties;
}

export async function getObservations(site: string, signal?: AbortSignal): Promise<Observation[]> {
  const url = address('/collections/observations/items', { site, limit: 1000 });
  return (await all<Observation>(url, signal)).map(({ properties }) => properties);
}

/** Every partner, placed or not; the feature's id joins its properties, where the map can read it. */
export async function getPartners(signal?: AbortSignal): Promise<Feature<Point | null, Partner>[]> {
  const features = await all<Partner>(address('/collections/partners/items', { limit: 1000 }), signal);
  return features.map((one) => ({ ...one, properties: { ...one.properties, id: String(one.id) } }));
}
