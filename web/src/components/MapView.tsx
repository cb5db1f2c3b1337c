/** The place of the map on the page. Loads MapLibre after everything else and gives way to the table without WebGL. */

import { type ReadonlySignal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { bounds, count, quantity } from '../format.ts';
import { language, t } from '../i18n/index.ts';
import type { Hover, MapInput } from '../map.ts';
import { canDraw, select, shown, syntheticOnView } from '../state.ts';
import type { Theme } from '../style/theme.ts';
import type { MapState } from '../style/topic.ts';

/** Fingers do not hover: a tap opens the panel, which says it all. */
const canHover = matchMedia('(hover: hover)').matches;

/** Name and figure beside the pointer. The panel says the same to those who use no pointer. */
function Tooltip({ hover: { row, name, x, y } }: { hover: Hover }): JSX.Element {
  const { value, lower, upper, n_sites: n } = row;
  const unit = shown.value?.indicator.unit.label ?? '';
  return (
    <div
      class={y < 110 ? 'tooltip below' : 'tooltip'}
      aria-hidden="true"
      style={{ left: `clamp(125px, ${Math.round(x)}px, calc(100% - 125px))`, top: `${Math.round(y)}px` }}
    >
      <div>
        <strong>{name}</strong>
        {typeof value === 'number' && (
          <p>
            {quantity(value, unit)}
            {typeof lower === 'number' && typeof upper === 'number' && (
              <span class="muted"> ({bounds(lower, upper, value)})</span>
            )}
          </p>
        )}
        {typeof value !== 'number' && <p class="muted">{row.refused && row.refused !== 'no_sites' ? t('legend.refused') : t('legend.none')}</p>}
        {typeof n === 'number' && n > 0 && (
          <p class="muted small">
            {t('table.n')}: {count(n)}
          </p>
        )}
      </div>
    </div>
  );
}

interface MapViewProps {
  state: ReadonlySignal<MapState>;
  theme: ReadonlySignal<Theme>;
}

export function MapView({ state, theme }: MapViewProps): JSX.Element {
  const element = useRef<HTMLDivElement>(null);
  const hover = useSignal<Hover | null>(null);
  const drawn = useSignal<'not yet' | 'nothing' | 'figures'>('not yet');
  const problem = useSignal<string | null>(null);

  useEffect(() => {
    let dispose: (() => void) | undefined;
    let gone = false;
    const input: MapInput = { state, theme, reducedMotion: matchMedia('(prefers-reduced-motion: reduce)').matches };
    const start = async (): Promise<void> => {
      const { createMap } = await import('../map.ts');
      if (gone || !element.current) return;
      try {
        dispose = createMap(element.current, input, {
          select,
          hover: (at) => {
            hover.value = at;
          },
          idle: ({ figures, synthetic, wide }) => {
            drawn.value = figures === 0 && wide ? 'nothing' : 'figures';
            syntheticOnView.value = synthetic;
          },
          failed: (message) => {
            problem.value = message;
          },
        });
      } catch {
        canDraw.value = false; // no WebGL: the page shows the table instead
      }
    };
    void start();
    return () => {
      gone = true;
      dispose?.();
    };
  }, [language.value]);

  return (
    <div class="map-view">
      <div class="map" ref={element} />
      {drawn.value === 'not yet' && !problem.value && <p class="map-note">{t('map.loading')}</p>}
      {drawn.value === 'nothing' && !problem.value && <p class="map-note">{t('map.no_figures')}</p>}
      {problem.value && (
        <p class="map-note" role="alert" title={problem.value}>
          {t('map.failed')}{' '}
          <button type="button" class="link" onClick={() => location.reload()}>
            {t('app.retry')}
          </button>
        </p>
      )}
      {hover.value && canHover && <Tooltip hover={hover.value} />}
    </div>
  );
}
