/** One sampling site: its stock or why there is none, and the layers that were analysed. */

import type { JSX } from 'preact';
import { getObservations, getSite, type Observation, type Site } from '../api.ts';
import { count, date, number, plain, quantity } from '../format.ts';
import { t, tCode } from '../i18n/index.ts';
import { ErrorBox } from './ErrorBox.tsx';
import { Fact, Panel } from './Panel.tsx';
import { useResource } from './resource.ts';
import { SyntheticBadge } from './SyntheticBanner.tsx';

/** A layer of a profile with its values by property. */
interface Layer {
  upper: number;
  lower: number;
  /** More than one where a property was determined twice. */
  values: Map<string, Observation[]>;
}

/** One visit: what was sampled on one date, layers from the surface down. */
export interface Profile {
  key: string;
  sampled: string | null;
  properties: { code: string; title: string; unit: string }[];
  layers: Layer[];
}

/** Properties in the order a soil scientist looks for them; others follow by name. */
const FIRST = ['soc', 'total_c', 'bulk_density', 'coarse_fragments', 'clay', 'silt', 'sand', 'ph', 'total_n'];

function place(code: string): number {
  const index = FIRST.findIndex((prefix) => code.startsWith(prefix));
  return index < 0 ? FIRST.length : index;
}

function layersOf(seen: readonly Observation[]): Layer[] {
  return [...Map.groupBy(seen, (one) => `${one.upper_depth_cm} ${one.lower_depth_cm}`).values()]
    .flatMap((layer) => {
      const [one] = layer;
      if (!one) return [];
      const values = Map.groupBy(layer, ({ property }) => property);
      return [{ upper: one.upper_depth_cm, lower: one.lower_depth_cm, values }];
    })
    .toSorted((a, b) => a.upper - b.upper || a.lower - b.lower);
}

function propertiesOf(seen: readonly Observation[]): Profile['properties'] {
  return [...Map.groupBy(seen, ({ property }) => property)]
    .map(([code, [one]]) => ({ code, title: one?.property_title ?? code, unit: one?.unit ?? '' }))
    .toSorted((a, b) => place(a.code) - place(b.code) || a.title.localeCompare(b.title));
}

/** Observations of a site as profiles, the latest visit first. */
export function profiles(observations: readonly Observation[]): Profile[] {
  return [...Map.groupBy(observations, ({ profile, sampled }) => profile ?? sampled ?? '')]
    .map(([key, seen]) => ({
      key,
      sampled: seen[0]?.sampled ?? null,
      properties: propertiesOf(seen),
      layers: layersOf(seen),
    }))
    .toSorted((a, b) => (b.sampled ?? '').localeCompare(a.sampled ?? ''));
}

/** A value as it was determined: below or above a limit where the laboratory says so. */
const reading = ({ qualifier, value }: Observation): string => (qualifier === '=' ? '' : qualifier) + number(value);

function ProfileTable({ profile }: { profile: Profile }): JSX.Element {
  const caption = profile.sampled ? t('site.sampled_on', { date: date(profile.sampled) }) : t('site.undated');
  return (
    // A wide table scrolls in its own box, which the keyboard must be able to reach.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div class="scroll" role="region" aria-label={caption} tabIndex={0}>
      <table class="profile">
        <caption>{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{t('site.depth')}</th>
            {profile.properties.map(({ code, title, unit }) => (
              <th key={code} scope="col" class="numeric">
                {title}
                {unit !== '1' && <span class="muted"> ({unit})</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {profile.layers.map(({ upper, lower, values }) => (
            <tr key={`${upper} ${lower}`}>
              <th scope="row">
                {plain(upper)}–{plain(lower)}
              </th>
              {profile.properties.map(({ code }) => {
                const found = values.get(code) ?? [];
                const method = found.map((one) => one.method).filter(Boolean).join(', ');
                return (
                  <td key={code} class="numeric" {...(method && { title: method })}>
                    {found.map(reading).join(' / ') || '–'}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function position({ location_precision: precision, coordinate_uncertainty_m: metres }: Site): string | null {
  const words = precision && (tCode('precision', precision) ?? precision.replaceAll('_', ' '));
  if (metres === null) return words || null;
  const distance = metres >= 1000 ? `${plain(Math.round(metres / 100) / 10)}\u00a0km` : `${count(metres)}\u00a0m`;
  return [words, t('site.uncertainty', { distance })].filter(Boolean).join(', ');
}

function Stock({ site }: { site: Site }): JSX.Element {
  const { soc_stock_0_30: stock, soc_stock_0_30_reason: reason, soc_content_0_30: content } = site;
  return (
    <div class="figure">
      {stock === null ? (
        <p class="caution">
          <strong>{t('site.no_stock')}.</strong> {reason && (tCode('reason', reason) ?? reason.replaceAll('_', ' '))}
        </p>
      ) : (
        <p class="headline">
          <span class="visually-hidden">{t('site.stock')}: </span>
          <strong>{number(stock)}</strong> t C/ha <span class="muted">{t('site.stock')}</span>
        </p>
      )}
      {content !== null && (
        <p>
          {t('site.content')}: {quantity(content, 'g/kg')}
        </p>
      )}
    </div>
  );
}

function About({ site }: { site: Site }): JSX.Element {
  const sampled = [...new Set([site.first_sampled, site.last_sampled].filter((day) => day !== null))].map(date);
  return (
    <dl>
      <Fact name={t('site.sampled')}>{sampled.join(' – ')}</Fact>
      <Fact name={t('site.visits')}>{count(site.n_visits)}</Fact>
      <Fact name={t('site.precision')}>{position(site)}</Fact>
      <Fact name={t('site.dataset')}>
        {site.dataset_title}
        <span class="citation">{site.citation}</span>
      </Fact>
      <Fact name={t('site.licence')}>
        {site.licence_url ? <a href={site.licence_url}>{site.licence}</a> : site.licence}
      </Fact>
      <Fact name="DOI">{site.doi && <a href={`https://doi.org/${site.doi}`}>{site.doi}</a>}</Fact>
    </dl>
  );
}

function Profiles({ observations }: { observations: Observation[] }): JSX.Element {
  return (
    <>
      <h3>{t('site.profile')}</h3>
      {observations.length === 0 && <p class="empty">{t('site.empty')}</p>}
      {profiles(observations).map((profile) => (
        <ProfileTable key={profile.key} profile={profile} />
      ))}
    </>
  );
}

export function SitePanel({ id }: { id: string }): JSX.Element {
  const got = useResource(`site ${id}`, (signal) => Promise.all([getSite(id, signal), getObservations(id, signal)]));
  // Generalised records lose the number their owner knows them by.
  const ownId = got.state === 'ready' ? got.value[0].own_id : null;
  return (
    <Panel subject={id} title={ownId ? t('site.title', { id: ownId }) : t('site.untitled')}>
      {got.state === 'loading' && <p class="loading">{t('site.loading')}</p>}
      {got.state === 'failed' && <ErrorBox error={got.error} retry={got.retry} />}
      {got.state === 'ready' && (
        <>
          {got.value[0].synthetic && (
            <p class="caution synthetic">
              <SyntheticBadge synthetic /> {t('synthetic.site')}
            </p>
          )}
          <Stock site={got.value[0]} />
          <Profiles observations={got.value[1]} />
          <About site={got.value[0]} />
        </>
      )}
    </Panel>
  );
}
