/**
 * What is being looked at. The address is the state: the query string holds the choice, the hash holds the camera
 * (written by the map). Components read the signals; they change them through the functions below.
 */

import { batch, computed, effect, signal } from '@preact/signals';
import type { Catalogue, Depth, Indicator, Period } from './api.ts';
import { isLanguage, type Language } from './i18n/index.ts';

export type Selection =
  | { kind: 'region'; id: string }
  | { kind: 'site'; id: string }
  | { kind: 'partner'; ids: string[] };

export type Overlay = 'sites' | 'partners';

/** What the query string can say. Absent: the service's first indicator, depth and period; the reader's language. */
export interface View {
  indicator?: string;
  depth?: string;
  period?: string;
  language?: Language;
  selection?: Selection;
  table?: boolean;
  hidden?: Overlay[];
}

export const OVERLAYS: readonly Overlay[] = ['sites', 'partners'];

/** "0-30", the way a depth is written in addresses. [cm] */
export const depthId = ({ upper, lower }: Depth): string => `${upper}-${lower}`;

function readSelection(query: URLSearchParams): Selection | undefined {
  const region = query.get('region');
  if (region) return { kind: 'region', id: region };
  const site = query.get('site');
  if (site) return { kind: 'site', id: site };
  const ids = query.get('partner')?.split(',').filter(Boolean);
  return ids?.length ? { kind: 'partner', ids } : undefined;
}

/** The view a query string asks for; what it does not say, or says wrongly, is absent. */
export function readView(search: string): View {
  const query = new URLSearchParams(search);
  const view: View = {};
  const indicator = query.get('indicator');
  const depth = query.get('depth');
  const period = query.get('period');
  const language = query.get('lang');
  const selection = readSelection(query);
  const hidden = OVERLAYS.filter((overlay) => query.get('hide')?.split(',').includes(overlay));
  if (indicator) view.indicator = indicator;
  if (depth && /^-?\d+(\.\d+)?--?\d+(\.\d+)?$/.test(depth)) view.depth = depth;
  if (period) view.period = period;
  if (isLanguage(language)) view.language = language;
  if (selection) view.selection = selection;
  if (query.get('view') === 'table') view.table = true;
  if (hidden.length) view.hidden = hidden;
  return view;
}

/** The query string of a view, "" for an empty one. Slashes, commas and colons stay readable. */
export function writeView(view: View): string {
  const query = new URLSearchParams();
  const { selection } = view;
  if (selection?.kind === 'partner') query.set('partner', selection.ids.join(','));
  else if (selection) query.set(selection.kind, selection.id);
  if (view.indicator) query.set('indicator', view.indicator);
  if (view.depth) query.set('depth', view.depth);
  if (view.period) query.set('period', view.period);
  if (view.language) query.set('lang', view.language);
  if (view.table) query.set('view', 'table');
  if (view.hidden?.length) query.set('hide', view.hidden.join(','));
  const text = query.toString().replaceAll('%2F', '/').replaceAll('%2C', ',').replaceAll('%3A', ':');
  return text && `?${text}`;
}

/** The choice as signals. `null` means: not said, take the default. */
export const chosen = {
  indicator: signal<string | null>(null),
  depth: signal<string | null>(null),
  period: signal<string | null>(null),
  language: signal<Language | null>(null),
};
export const selection = signal<Selection | null>(null);
export const table = signal(false);
export const hidden = signal<readonly Overlay[]>([]);

/** What the service offers; null until it has answered. */
export const catalogue = signal<Catalogue | null>(null);

/** Whether the browser can draw the map; false sends readers to the table. */
export const canDraw = signal(true);

/** Whether anything on view rests on synthetic samples. */
export const syntheticOnView = signal(false);

export const indicator = computed<Indicator | null>(() => {
  const offered = catalogue.value?.indicators ?? [];
  return offered.find(({ id }) => id === chosen.indicator.value) ?? offered[0] ?? null;
});

export const depth = computed<Depth | null>(() => {
  const offered = indicator.value?.depths ?? [];
  return offered.find((one) => depthId(one) === chosen.depth.value) ?? offered[0] ?? null;
});

/** Asked for where the service has no estimate yet, and so no period. */
const ALL_YEARS: Period = { id: 'all', label: 'all years', start: null, end: null };

export const periods = computed<Period[]>(() => {
  const offered = catalogue.value?.periods ?? [];
  return offered.length > 0 ? offered : [ALL_YEARS];
});

export const period = computed<Period | null>(
  () => catalogue.value && (periods.value.find(({ id }) => id === chosen.period.value) ?? periods.value[0] ?? null),
);

/** What is shown, complete as soon as the catalogue is there. */
export const shown = computed(() => {
  const [what, where, when] = [indicator.value, depth.value, period.value];
  const release = catalogue.value?.release;
  return what && where && when && release !== undefined ? { indicator: what, depth: where, period: when, release } : null;
});

export type Shown = NonNullable<typeof shown.value>;

/** The whole view as it belongs into the address: defaults are written out, so that a link keeps its meaning. */
const view = computed<View>(() => ({
  ...(selection.value && { selection: selection.value }),
  ...pick('indicator', indicator.value?.id ?? chosen.indicator.value),
  ...pick('depth', depth.value ? depthId(depth.value) : chosen.depth.value),
  ...pick('period', period.value?.id ?? chosen.period.value),
  ...pick('language', chosen.language.value),
  ...(table.value && { table: true }),
  ...(hidden.value.length > 0 && { hidden: [...hidden.value] }),
}));

function pick<K extends string, V>(key: K, value: V | null): Partial<Record<K, V>> {
  return value === null ? {} : ({ [key]: value } as Record<K, V>);
}

function apply(from: View): void {
  batch(() => {
    chosen.indicator.value = from.indicator ?? null;
    chosen.depth.value = from.depth ?? null;
    chosen.period.value = from.period ?? null;
    chosen.language.value = from.language ?? null;
    selection.value = from.selection ?? null;
    table.value = from.table ?? false;
    hidden.value = from.hidden ?? [];
  });
}

/** Opens or closes a panel; the browser's back button undoes it. */
export function select(next: Selection | null): void {
  history.pushState(null, '', location.href);
  selection.value = next;
}

export function toggle(overlay: Overlay): void {
  const now = hidden.value;
  hidden.value = now.includes(overlay) ? now.filter((one) => one !== overlay) : [...now, overlay];
}

/** Reads the address, then keeps address and signals in step. Returns a function that stops it. */
export function followAddress(): () => void {
  const read = (): void => apply(readView(location.search));
  read();
  addEventListener('popstate', read);
  const stop = effect(() => {
    const search = writeView(view.value);
    if (search !== location.search) history.replaceState(history.state, '', location.pathname + search + location.hash);
  });
  return () => {
    removeEventListener('popstate', read);
    stop();
  };
}
