/** What to show: indicator, depth and period, as the service offers them. */

import type { JSX } from 'preact';
import { depthRange, indicatorTitle, periodLabel } from '../format.ts';
import { t } from '../i18n/index.ts';
import { catalogue, chosen, depth, depthId, indicator, period, periods } from '../state.ts';

interface Choice {
  label: string;
  value: string;
  options: { id: string; label: string }[];
  choose: (id: string) => void;
}

function Choose({ label, value, options, choose }: Choice): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={({ currentTarget }) => choose(currentTarget.value)}>
        {options.map((option) => (
          <option key={option.id} value={option.id}>
            {option.label}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Controls(): JSX.Element | null {
  const offered = catalogue.value;
  if (!offered || !indicator.value || !depth.value || !period.value) return null;
  return (
    <section class="controls" aria-label={t('controls.title')}>
      <Choose
        label={t('controls.indicator')}
        value={indicator.value.id}
        options={offered.indicators.map((one) => ({ id: one.id, label: indicatorTitle(one) }))}
        choose={(id) => {
          chosen.indicator.value = id;
        }}
      />
      <Choose
        label={t('controls.depth')}
        value={depthId(depth.value)}
        options={indicator.value.depths.map((one) => ({ id: depthId(one), label: depthRange(one) }))}
        choose={(id) => {
          chosen.depth.value = id;
        }}
      />
      <Choose
        label={t('controls.period')}
        value={period.value.id}
        options={periods.value.map((one) => ({ id: one.id, label: periodLabel(one) }))}
        choose={(id) => {
          chosen.period.value = id;
        }}
      />
    </section>
  );
}
