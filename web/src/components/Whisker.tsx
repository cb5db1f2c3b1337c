/** A value with its interval, drawn on the scale of the map's colours. */

import type { JSX } from 'preact';
import type { Estimate, Ramp } from '../api.ts';
import { bounds, plain, quantity } from '../format.ts';
import { t } from '../i18n/index.ts';

const WIDTH = 340;
const PAD = 10;

/** The range of the axis: all breaks, the interval, and a little more on both sides. */
export function domain(breaks: readonly number[], lower: number, upper: number): [number, number] {
  const [first = lower, last = upper] = [breaks[0], breaks.at(-1)];
  const step = breaks.length > 1 ? (last - first) / (breaks.length - 1) : Math.abs(upper - lower) || 1;
  const from = Math.min(first - step, lower);
  return [first >= 0 && lower >= 0 ? Math.max(0, from) : from, Math.max(last + step, upper)];
}

export function Whisker({ estimate, ramp }: { estimate: Estimate; ramp: Ramp }): JSX.Element | null {
  const { value, interval, unit } = estimate;
  if (value === null || interval === null) return null;
  const [from, to] = domain(ramp.breaks, Math.min(interval.lower, value), Math.max(interval.upper, value));
  const x = (at: number): number => PAD + ((at - from) / (to - from)) * (WIDTH - 2 * PAD);
  const edges = [from, ...ramp.breaks, to];
  const label = t('figure.chart', {
    figure: quantity(value, unit.label),
    bounds: bounds(interval.lower, interval.upper, value),
  });
  return (
    <svg class="whisker" viewBox={`0 0 ${WIDTH} 58`} role="img" aria-label={label}>
      {ramp.colors.map((color, index) => {
        const [start = from, end = to] = [edges[index], edges[index + 1]];
        return <rect key={color} x={x(start)} y="28" width={Math.max(0, x(end) - x(start) + 0.3)} height="10" fill={color} />;
      })}
      <g class="ticks">
        {ramp.breaks.map((at) => (
          <text key={at} x={x(at)} y="53" text-anchor="middle">
            {plain(at)}
          </text>
        ))}
      </g>
      <g class="interval">
        <path d={`M${x(interval.lower)} 14H${x(interval.upper)}M${x(interval.lower)} 9v10M${x(interval.upper)} 9v10`} />
        <path class="drop" d={`M${x(value)} 14V38`} />
        <circle cx={x(value)} cy="14" r="4.5" />
      </g>
    </svg>
  );
}
