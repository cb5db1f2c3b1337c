/** One region: the figure in a sentence, how sure it is, what stands behind it, and what else there is. */

import type { JSX } from 'preact';
import { type Dataset, type Estimate, getRegion, type Indicator, methodPage, type RegionAnswer } from '../api.ts';
import {
  bounds,
  count,
  depthRange,
  indicatorTitle,
  number,
  percent,
  periodLabel,
  quantity,
  sentence,
  years,
} from '../format.ts';
import { language, t, tCode } from '../i18n/index.ts';
import { catalogue, chosen, depthId, shown, type Shown } from '../state.ts';
import { ErrorBox } from './ErrorBox.tsx';
import { Fact, Panel } from './Panel.tsx';
import { useResource } from './resource.ts';
import { SyntheticBadge } from './SyntheticBanner.tsx';
import { Whisker } from './Whisker.tsx';

const isShown = (estimate: Estimate, { indicator, depth, period }: Shown): boolean =>
  estimate.indicator === indicator.id &&
  depthId(estimate.depth) === depthId(depth) &&
  estimate.period.id === period.id;

/** The record of an estimate's indicator. */
const recordOf = ({ indicator }: Estimate): Indicator | undefined =>
  catalogue.value?.indicators.find(({ id }) => id === indicator);

const titleOf = (estimate: Estimate): string => indicatorTitle(recordOf(estimate) ?? estimate);

function Figure({ estimate }: { estimate: Estimate }): JSX.Element {
  const ramp = recordOf(estimate)?.ramp;
  const { value, interval, unit } = estimate;
  return (
    <div class="figure">
      {value !== null && (
        <p class="headline" aria-hidden="true">
          <strong>{number(value)}</strong> {unit.label}
          {interval && (
            <span class="muted">
              {t('figure.interval', {
                level: percent(interval.level),
                bounds: bounds(interval.lower, interval.upper, value),
              })}
            </span>
          )}
        </p>
      )}
      {ramp && <Whisker estimate={estimate} ramp={ramp} />}
      <p class="sentence">{sentence(estimate, titleOf(estimate))}</p>
    </div>
  );
}

/** Everything that limits what the figure says, each with its reason. */
function Cautions({ estimate }: { estimate: Estimate }): JSX.Element {
  const { refused, value, median, unit, representative, indicative, synthetic, notes = [] } = estimate;
  return (
    <>
      {refused && (
        <p class="caution">
          <strong>{t('region.refused')}.</strong>{' '}
          <Theirs prefix="refused" code={refused.code} text={refused.reason} />
          {refused.code === 'median_only' && median !== null && ` ${t('region.median')}: ${quantity(median, unit.label)}.`}
        </p>
      )}
      {value !== null && !representative && (
        <p class="caution">
          <strong>{t('region.not_representative')}.</strong> {t('region.not_representative.text')}
        </p>
      )}
      {value !== null && indicative && (
        <p class="caution">
          <strong>{t('region.indicative')}.</strong> {t('region.indicative.text')}
        </p>
      )}
      {notes.map(({ code, sentence: text }) => (
        <p key={code} class="caution">
          <Theirs prefix="note" code={code} text={text} />
        </p>
      ))}
      {synthetic !== 'none' && (
        <p class="caution synthetic">
          <SyntheticBadge synthetic={synthetic} /> {t(`synthetic.text.${synthetic}`)}
        </p>
      )}
    </>
  );
}

/** A sentence of the service: in its own English unless we have words for its code. */
function Theirs({ prefix, code, text }: { prefix: string; code: string; text: string }): JSX.Element {
  const ours = language.value === 'en' ? null : tCode(prefix, code);
  return ours ? <span>{ours}</span> : <span lang="en">{text}</span>;
}

function Quality({ quality }: { quality: Estimate['quality'] }): JSX.Element | null {
  const shares = (['A', 'B', 'C'] as const).map((grade) => ({ grade, share: quality[grade] ?? 0 }));
  const bulkDensity = quality.bulk_density_measured ?? null;
  if (shares.every(({ share }) => share === 0)) return null;
  let left = 0;
  return (
    <div class="quality">
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        {shares.map(({ grade, share }) => {
          const x = left;
          left += share * 100;
          return <rect key={grade} class={`grade-${grade}`} x={x} width={share * 100} height="4" />;
        })}
      </svg>
      <ul>
        {shares.map(({ grade, share }) => (
          <li key={grade}>
            <i class={`grade-${grade}`} aria-hidden="true" />
            {grade} {percent(share)}
          </li>
        ))}
      </ul>
      {bulkDensity !== null && (
        <p class="small muted">{t('region.quality.bulk_density', { share: percent(bulkDensity) })}</p>
      )}
    </div>
  );
}

function spread({ median, q1, q3, unit }: Estimate): string | null {
  if (median === null) return null;
  return q1 === null || q3 === null
    ? quantity(median, unit.label)
    : `${quantity(median, unit.label)} (${number(q1)}–${number(q3)})`;
}

function Evidence({ estimate }: { estimate: Estimate }): JSX.Element {
  const { coverage, n_sites: n, n_units: units, n_owners: owners, sd, unit, estimator, basis, quality } = estimate;
  const { sites_in_region: total, cells_occupied: cells, cells_in_region: allCells } = coverage;
  return (
    <>
      <h3>{t('region.evidence')}</h3>
      <dl>
        <Fact name={t('region.sites')}>
          {total === null ? count(n) : t('region.sites.of', { n: count(n), total: count(total) })}
        </Fact>
        <Fact name={t('region.units')}>{units !== null && count(units)}</Fact>
        <Fact name={t('region.owners')}>{owners !== null && count(owners)}</Fact>
        <Fact name={t('region.years')}>{years(coverage.first_year, coverage.last_year)}</Fact>
        <Fact name={t('region.cells')}>
          {cells !== null &&
            (allCells
              ? t('region.cells.of', { n: count(cells), total: count(allCells), share: percent(cells / allCells) })
              : count(cells))}
        </Fact>
        <Fact name={t('region.spread')}>{spread(estimate)}</Fact>
        <Fact name={t('region.sd')}>{sd !== null && quantity(sd, unit.label)}</Fact>
        <Fact name={t('region.estimator')}>
          <Theirs prefix="estimator" code={estimator.id} text={estimator.title} />
        </Fact>
        <Fact name={t('region.basis')}>{tCode('basis', basis) ?? basis}</Fact>
        <Fact name={t('region.quality')}>
          <Quality quality={quality} />
        </Fact>
      </dl>
    </>
  );
}

function Meaning({ estimate }: { estimate: Estimate }): JSX.Element {
  const method = recordOf(estimate)?.method;
  const { interval } = estimate;
  return (
    <>
      {interval && (
        <>
          <h3>{t('region.meaning')}</h3>
          <p>
            <Theirs prefix="meaning" code={estimate.representative ? 'region' : 'sites'} text={interval.meaning} /> (
            {interval.method})
          </p>
        </>
      )}
      {method && (
        <p>
          <a href={methodPage(method)}>{t('region.method')}</a>
        </p>
      )}
    </>
  );
}

function Others({ estimates }: { estimates: Estimate[] }): JSX.Element | null {
  if (estimates.length === 0) return null;
  const show = ({ indicator, depth, period }: Estimate): void => {
    chosen.indicator.value = indicator;
    chosen.depth.value = depthId(depth);
    chosen.period.value = period.id;
  };
  return (
    <table class="others">
      <thead>
        <tr>
          <th scope="col">{t('controls.indicator')}</th>
          <th scope="col">{t('controls.period')}</th>
          <th scope="col" class="numeric">
            {t('region.others.figure')}
          </th>
          <th scope="col" class="numeric">
            {t('table.n')}
          </th>
        </tr>
      </thead>
      <tbody>
        {estimates.map((one) => (
          <tr key={`${one.indicator} ${depthId(one.depth)} ${one.period.id}`}>
            <th scope="row">
              <button type="button" class="link" onClick={() => show(one)}>
                {titleOf(one)} {depthRange(one.depth)}
              </button>
            </th>
            <td>{periodLabel(one.period)}</td>
            <td class="numeric">{one.value === null ? t('table.refused') : quantity(one.value, one.unit.label)}</td>
            <td class="numeric">{count(one.n_sites)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Datasets({ datasets }: { datasets: Dataset[] }): JSX.Element | null {
  if (datasets.length === 0) return null;
  return (
    <>
      <h3>{t('region.datasets')}</h3>
      <ul class="datasets">
        {datasets.map((one) => (
          <li key={one.id}>
            <strong>{one.title}</strong> <SyntheticBadge synthetic={one.synthetic} />
            <p>{one.citation}</p>
            <p class="small">
              {one.licence_url ? <a href={one.licence_url}>{one.licence}</a> : one.licence}
              {one.doi && (
                <>
                  {' · '}
                  <a href={`https://doi.org/${one.doi}`}>doi:{one.doi}</a>
                </>
              )}
              {' · '}
              {t('table.n')}: {count(one.n_sites)}
            </p>
          </li>
        ))}
      </ul>
    </>
  );
}

function Answer({ answer, view }: { answer: RegionAnswer; view: Shown }): JSX.Element {
  const here = answer.estimates.find((one) => isShown(one, view));
  const others = answer.estimates.filter((one) => one !== here);
  const { region } = answer;
  return (
    <>
      <p class="muted small">
        {[region.initiative_region && (tCode('initiative', region.initiative_region) ?? region.initiative_region)]
          .concat(region.area_km2 ? `${count(region.area_km2)} km²` : [])
          .filter(Boolean)
          .join(' · ')}
      </p>
      {here ? (
        <>
          <Figure estimate={here} />
          <Cautions estimate={here} />
          <Evidence estimate={here} />
          <Meaning estimate={here} />
        </>
      ) : (
        <p class="empty">{t('region.empty')}</p>
      )}
      {others.length > 0 && <h3>{here ? t('region.others') : t('region.elsewhere')}</h3>}
      <Others estimates={others} />
      {here && <Datasets datasets={here.datasets} />}
      {here && (
        <p class="small muted">
          {t('region.version', { release: here.release, method: here.method_version })}
        </p>
      )}
    </>
  );
}

export function RegionPanel({ id }: { id: string }): JSX.Element {
  const answer = useResource(`region ${id}`, (signal) => getRegion(id, signal));
  const region = answer.state === 'ready' ? answer.value.region : null;
  const name = region && (region.names[language.value] ?? region.name);
  const title = name ?? (answer.state === 'failed' ? id : '…');
  return (
    <Panel subject={id} title={title}>
      {answer.state === 'loading' && <p class="loading">{t('region.loading')}</p>}
      {answer.state === 'failed' && <ErrorBox error={answer.error} retry={answer.retry} />}
      {answer.state === 'ready' && shown.value && <Answer answer={answer.value} view={shown.value} />}
    </Panel>
  );
}
