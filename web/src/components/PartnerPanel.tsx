/** Partners that were chosen together: one, or all that stand at one place. */

import type { JSX } from 'preact';
import type { Agreement, Partner } from '../api.ts';
import { date } from '../format.ts';
import { t, tCode } from '../i18n/index.ts';
import { Fact, Panel } from './Panel.tsx';

/** Words for a code of the data: ours, or the code made readable. */
const words = (prefix: string, code: string): string => tCode(prefix, code) ?? code.replaceAll('_', ' ');

/** The part of a day that is known. */
function known(day: string | undefined, precision: string | undefined): string | null {
  if (!day || precision === 'unknown') return null;
  return date(day.slice(0, precision === 'year' ? 4 : precision === 'month' ? 7 : 10));
}

function agreement({ kind, starts_on, starts_on_precision, ends_on, note }: Agreement): string {
  const span = [known(starts_on, starts_on_precision), known(ends_on, 'day')].filter((day) => day !== null).join(' – ');
  const remarks = [span, note].filter(Boolean).join('; ');
  return remarks ? `${words('agreement', kind)} (${remarks})` : words('agreement', kind);
}

function placed({ place, country, location_precision: precision }: Partner): string {
  const where = [place, country].filter(Boolean).join(', ');
  const how = precision ? tCode('partner.precision', precision) : null;
  return [where, how].filter(Boolean).join(' – ');
}

function Details({ partner }: { partner: Partner }): JSX.Element {
  const { college, group, tiers, initiative_region: region, agreements, website, ror } = partner;
  return (
    <dl>
      <Fact name={t('partner.college')}>{words('college', college)}</Fact>
      <Fact name={t('partner.group')}>{group && words('group', group)}</Fact>
      <Fact name={t('partner.tiers')}>{tiers?.map((tier) => words('tier', tier)).join(', ')}</Fact>
      <Fact name={t('partner.place')}>{placed(partner)}</Fact>
      <Fact name={t('partner.region')}>{region && words('initiative', region)}</Fact>
      <Fact name={t('partner.agreements')}>{agreements?.map(agreement).join('; ')}</Fact>
      <Fact name={t('partner.website')}>{website && <a href={website}>{website.replace(/^https?:\/\//, '')}</a>}</Fact>
      <Fact name="ROR">{ror && <a href={ror.startsWith('http') ? ror : `https://ror.org/${ror}`}>{ror}</a>}</Fact>
    </dl>
  );
}

interface PartnerPanelProps {
  ids: string[];
  /** Every partner, or null while the list is on its way. */
  partners: Partner[] | null;
}

export function PartnerPanel({ ids, partners }: PartnerPanelProps): JSX.Element {
  const found = (partners ?? []).filter(({ id }) => ids.includes(id));
  const [only, second] = found;
  const title = only && !second ? only.name : t('partner.several');
  return (
    <Panel subject={ids.join(',')} title={title}>
      {partners === null && <p class="loading">{t('partner.loading')}</p>}
      {partners !== null && found.length === 0 && <p class="empty">{t('partner.missing')}</p>}
      {only && !second && <Details partner={only} />}
      {second &&
        found.map((partner) => (
          <article key={partner.id} class="partner">
            <h3>{partner.name}</h3>
            <Details partner={partner} />
          </article>
        ))}
    </Panel>
  );
}
