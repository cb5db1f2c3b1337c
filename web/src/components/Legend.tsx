/** Explains the map from the same records that draw it: ramp and breaks of the indicator, entries of the layers. */

import type { JSX } from 'preact';
import type { Ramp } from '../api.ts';
import { depthRange, indicatorTitle, periodLabel, plain } from '../format.ts';
import { t } from '../i18n/index.ts';
import { hidden, toggle } from '../state.ts';
import { legend } from '../style/index.ts';
import { DOT_STEP, HATCH_STEP } from '../style/patterns.ts';
import type { Theme } from '../style/theme.ts';
import type { LegendEntry, MapState, Swatch as SwatchKind } from '../style/topic.ts';

function RampBar({ ramp: { colors, breaks } }: { ramp: Ramp }): JSX.Element {
  return (
    <div class="ramp">
      <svg viewBox={`0 0 ${colors.length} 1`} preserveAspectRatio="none" aria-hidden="true">
        {colors.map((color, index) => (
          <rect key={color} x={index} width="1.01" height="1" fill={color} />
        ))}
      </svg>
      <ol>
        {breaks.map((value, index) => (
          <li key={value} style={{ insetInlineStart: `${((index + 1) / colors.length) * 100}%` }}>
            {plain(value)}
          </li>
        ))}
      </ol>
    </div>
  );
}

function Pattern({ kind, theme }: { kind: 'hatch' | 'dots'; theme: Theme }): JSX.Element {
  const step = kind === 'hatch' ? HATCH_STEP : DOT_STEP;
  return (
    <pattern id={`swatch-${kind}`} width={step} height={step} patternUnits="userSpaceOnUse">
      {kind === 'dots' && <circle cx={step / 2} cy={step / 2} r={step * 0.13} fill={theme.refusedDot} />}
      {kind === 'hatch' && (
        <g stroke-width="0.9">
          <path d={`M-1 ${step + 1}L${step + 1} -1`} stroke={theme.hatchLight} />
          <path d={`M0 ${step + 1}L${step + 2} -1`} stroke={theme.hatchDark} />
        </g>
      )}
    </pattern>
  );
}

function Swatch({ swatch, theme }: { swatch: SwatchKind; theme: Theme }): JSX.Element {
  const [width, height] = [28, 18];
  const frame = { class: 'swatch', viewBox: `0 0 ${width} ${height}`, 'aria-hidden': true } as const;
  if (swatch.kind === 'area') {
    return (
      <svg {...frame}>
        <rect x="0.5" y="0.5" width={width - 1} height={height - 1} rx="3" fill={swatch.fill} stroke={theme.coast} />
        {swatch.pattern && <Pattern kind={swatch.pattern} theme={theme} />}
        {swatch.pattern && (
          <rect x="1" y="1" width={width - 2} height={height - 2} rx="2.5" fill={`url(#swatch-${swatch.pattern})`} />
        )}
      </svg>
    );
  }
  if (swatch.kind === 'diamond') {
    return (
      <svg {...frame}>
        <path d="M14 2l7 7-7 7-7-7z" fill={swatch.fill} stroke={swatch.edge} />
      </svg>
    );
  }
  if (swatch.kind === 'circle') {
    return (
      <svg {...frame}>
        <circle cx="14" cy="9" r="4.5" fill={swatch.fill} stroke={swatch.edge} stroke-width="1.4" />
      </svg>
    );
  }
  return (
    <svg {...frame}>
      {swatch.fills.map((fill, index) => (
        <circle key={fill} cx={5.5 + index * 8.5} cy="9" r="4" fill={fill} stroke={swatch.edge} stroke-width="0.8" />
      ))}
    </svg>
  );
}

function Entry({ entry, theme }: { entry: LegendEntry; theme: Theme }): JSX.Element {
  return (
    <li>
      <Swatch swatch={entry.swatch} theme={theme} />
      <span>{t(entry.label)}</span>
    </li>
  );
}

function OverlaySwitches(): JSX.Element {
  return (
    <div class="overlays">
      {(['sites', 'partners'] as const).map((overlay) => (
        <label key={overlay}>
          <input type="checkbox" checked={!hidden.value.includes(overlay)} onChange={() => toggle(overlay)} />
          {t(`legend.show.${overlay}`)}
        </label>
      ))}
    </div>
  );
}

export function Legend({ state, theme }: { state: MapState; theme: Theme }): JSX.Element | null {
  if (!state.shown) return null;
  const { indicator, depth, period } = state.shown;
  const entries = legend(theme, state).filter(({ overlay }) => !overlay || !state.hidden.includes(overlay));
  return (
    <section class="legend" aria-label={t('legend.title')}>
      <div>
        <h2>
          {indicatorTitle(indicator)}, {depthRange(depth)}
          <span class="unit">{indicator.unit.label}</span>
        </h2>
        <p class="small muted">
          {t('legend.statistic')} · {periodLabel(period)}
        </p>
        <RampBar ramp={indicator.ramp} />
        <OverlaySwitches />
      </div>
      <ul class="keys">
        {entries.map((entry) => (
          <Entry key={entry.label} entry={entry} theme={theme} />
        ))}
      </ul>
    </section>
  );
}
