/** Start-up, as a list of parts. */

import './styles.css';
import { computed, effect, signal } from '@preact/signals';
import type { Feature, Point } from 'geojson';
import { type JSX, render } from 'preact';
import { getCatalogue, getPartners, type Partner, type PartnerCollection } from './api.ts';
import { Controls } from './components/Controls.tsx';
import { ErrorBox } from './components/ErrorBox.tsx';
import { Header } from './components/Header.tsx';
import { Intro } from './components/Intro.tsx';
import { Legend } from './components/Legend.tsx';
import { MapView } from './components/MapView.tsx';
import { PartnerPanel } from './components/PartnerPanel.tsx';
import { RegionPanel } from './components/RegionPanel.tsx';
import { RegionTable } from './components/RegionTable.tsx';
import { SitePanel } from './components/SitePanel.tsx';
import { SyntheticBanner } from './components/SyntheticBanner.tsx';
import { language, preferred, t } from './i18n/index.ts';
import { canDraw, catalogue, chosen, followAddress, hidden, selection, shown, table } from './state.ts';
import { dark, light } from './style/theme.ts';
import type { MapState } from './style/topic.ts';

const failure = signal<unknown>(null);
/** Null while the list is on its way. */
const partners = signal<Feature<Point | null, Partner>[] | null>(null);

/** Partners with a position, as the map takes them. */
const placed = computed<PartnerCollection>(() => ({
  type: 'FeatureCollection',
  features: (partners.value ?? []).flatMap((one) => (one.geometry ? [{ ...one, geometry: one.geometry }] : [])),
}));

const night = matchMedia('(prefers-color-scheme: dark)');
const theme = signal(night.matches ? dark : light);

const mapState = computed<MapState>(() => ({
  shown: shown.value,
  selection: selection.value,
  hidden: hidden.value,
  language: language.value,
  partners: placed.value,
}));

async function load(): Promise<void> {
  failure.value = null;
  try {
    catalogue.value = await getCatalogue();
  } catch (error) {
    failure.value = error;
    return;
  }
  // The map is whole without partners; a fault here must not hide the figures.
  partners.value = await getPartners().catch(() => []);
}

function Chosen(): JSX.Element {
  const what = selection.value;
  if (what?.kind === 'region') return <RegionPanel id={what.id} />;
  if (what?.kind === 'site') return <SitePanel id={what.id} />;
  if (what?.kind === 'partner') {
    const known = partners.value?.map(({ properties }) => properties) ?? null;
    return <PartnerPanel ids={what.ids} partners={known} />;
  }
  return <Intro />;
}

function Stage(): JSX.Element {
  const asTable = table.value || !canDraw.value;
  if (!asTable) return <MapView state={mapState} theme={theme} />;
  return (
    <>
      {!canDraw.value && <p class="notice">{t('map.missing')}</p>}
      {shown.value ? <RegionTable view={shown.value} /> : <p class="loading">{t('app.loading')}</p>}
    </>
  );
}

function App(): JSX.Element {
  const asTable = table.value || !canDraw.value;
  const stage = (
    <div class="stage" key="stage">
      <Stage />
    </div>
  );
  const sheet = (
    <div class="sheet" id="sheet" key="sheet" tabIndex={-1}>
      {failure.value ? <ErrorBox error={failure.value} retry={load} /> : null}
      <Controls />
      <Chosen />
    </div>
  );
  // On a phone the order of the page is the order on the screen: the map comes first, but the table is long.
  return (
    <>
      <Header />
      <SyntheticBanner />
      <main class={`${asTable ? 'as-table' : 'as-map'} ${selection.value ? 'has-panel' : ''}`}>
        {asTable ? [sheet, stage] : [stage, <Legend key="legend" state={mapState.value} theme={theme.value} />, sheet]}
      </main>
    </>
  );
}

followAddress();
effect(() => {
  language.value = chosen.language.value ?? preferred(navigator.languages);
});
effect(() => {
  document.documentElement.lang = language.value;
  document.title = t('app.title');
});
night.addEventListener('change', ({ matches }) => {
  theme.value = matches ? dark : light;
});
const root = document.getElementById('app');
if (root) render(<App />, root);
void load();
