/** The choropleth as a table: every country with value, interval and n. Needs no WebGL and no pointer. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { getRegionRows, type RegionRow } from '../api.ts';
import { bounds, count, depthRange, indicatorTitle, number, periodLabel } from '../format.ts';
import { language, t } from '../i18n/index.ts';
import { depthId, select, selection, type Shown, syntheticOnView } from '../state.ts';
import { ErrorBox } from './ErrorBox.tsx';
import { useResource } from './resource.ts';
import { SyntheticBadge } from './SyntheticBanner.tsx';

/** Whether there are sites but no figure, as opposed to no sites at all. */
const isRefused = (code: string | null | undefined): boolean => Boolean(code) && code !== 'no_sites';

type Column = 'name' | 'value' | 'n_sites';

function nameOf({ name, name_fr, name_es }: RegionRow): string {
  return { en: name, fr: name_fr, es: name_es }[language.value] ?? name;
}

/** Rows in the order of a column; rows without a number come last in either direction. */
export function sorted(rows: readonly RegionRow[], column: Column, descending: boolean): RegionRow[] {
  const sign = descending ? -1 : 1;
  const byName = (a: RegionRow, b: RegionRow): number => nameOf(a).localeCompare(nameOf(b), language.value);
  return rows.toSorted((a, b) => {
    if (column === 'name') return sign * byName(a, b);
    const [x, y] = [a[column] ?? null, b[column] ?? null];
    if (x === null || y === null) return Number(x === null) - Number(y === null) || byName(a, b);
    return sign * (x - y) || byName(a, b);
  });
}

function Row({ row }: { row: RegionRow }): JSX.Element {
  const { value, lower, upper, n_sites: n, refused, representative, synthetic } = row;
  const known = value !== null && value !== undefined;
  const open = selection.value?.kind === 'region' && selection.value.id === row.id;
  return (
    <tr class={open ? 'open' : undefined}>
      <th scope="row">
        <button type="button" class="link" aria-pressed={open} onClick={() => select({ kind: 'region', id: row.id })}>
          {nameOf(row)}
        </button>
        <SyntheticBadge synthetic={synthetic} />
      </th>
      <td class="numeric">
        {known && number(value)}
        {known && representative !== true && <abbr title={t('legend.not_representative')}>*</abbr>}
        {!known && (isRefused(refused) ? <span class="muted">{t('table.refused')}</span> : '–')}
      </td>
      <td class="numeric">{known && typeof lower === 'number' && typeof upper === 'number' ? bounds(lower, upper, value) : ''}</td>
      <td class="numeric">{typeof n === 'number' ? count(n) : ''}</td>
    </tr>
  );
}

function Rows({ rows, view }: { rows: RegionRow[]; view: Shown }): JSX.Element {
  const column = useSignal<Column>('value');
  const descending = useSignal(true);
  const everything = useSignal(false);
  const full = rows.filter((row) => typeof row.value === 'number' || isRefused(row.refused));
  const visible = sorted(everything.value ? rows : full, column.value, descending.value);
  useEffect(() => {
    syntheticOnView.value = full.some(({ synthetic }) => synthetic && synthetic !== 'none');
  }, [rows]);
  const subject = `${indicatorTitle(view.indicator)} ${depthRange(view.depth)}`;
  const heading = (key: Column, label: string): JSX.Element => {
    const active = column.value === key;
    return (
      <th scope="col" class={key === 'name' ? '' : 'numeric'} aria-sort={active ? (descending.value ? 'descending' : 'ascending') : 'none'}>
        <button
          type="button"
          class="sort"
          onClick={() => {
            descending.value = active ? !descending.value : key !== 'name';
            column.value = key;
          }}
        >
          {label}
          <span aria-hidden="true">{active ? (descending.value ? ' ↓' : ' ↑') : ''}</span>
        </button>
      </th>
    );
  };
  return (
    <>
      <table class="regions">
        <caption>
          {t('table.caption', { subject, period: periodLabel(view.period) })} <span class="muted">({view.indicator.unit.label})</span>
        </caption>
        <thead>
          <tr>
            {heading('name', t('table.country'))}
            {heading('value', t('table.value'))}
            <th scope="col" class="numeric">
              {t('table.interval')}
            </th>
            {heading('n_sites', t('table.n'))}
          </tr>
        </thead>
        <tbody>
          {visible.map((row) => (
            <Row key={row.id} row={row} />
          ))}
        </tbody>
      </table>
      {visible.length === 0 && <p class="empty">{t('table.empty')}</p>}
      {full.some(({ value, representative }) => typeof value === 'number' && representative !== true) && (
        <p class="small muted">* {t('table.mark')}</p>
      )}
      <label class="check">
        <input
          type="checkbox"
          checked={everything.value}
          onChange={({ currentTarget }) => {
            everything.value = currentTarget.checked;
          }}
        />
        {t('table.all')}
      </label>
    </>
  );
}

export function RegionTable({ view }: { view: Shown }): JSX.Element {
  const query = { indicator: view.indicator.id, depth: depthId(view.depth), period: view.period.id };
  const rows = useResource(`rows ${JSON.stringify(query)}`, (signal) => getRegionRows(query, signal));
  return (
    <div class="table-view">
      {rows.state === 'loading' && <p class="loading">{t('table.loading')}</p>}
      {rows.state === 'failed' && <ErrorBox error={rows.error} retry={rows.retry} />}
      {rows.state === 'ready' && <Rows rows={rows.value} view={view} />}
    </div>
  );
}
