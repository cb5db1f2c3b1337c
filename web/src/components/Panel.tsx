/** The frame of everything that opens on a choice: takes the focus, closes on Escape, gives the focus back. */

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { select } from '../state.ts';

/** Map and sheet above each other, as styles.css has it for narrow windows. */
const isStacked = (): boolean => matchMedia('(width < 900px)').matches;

interface PanelProps {
  /** What is shown: a change moves the focus to the new title. */
  subject: string;
  title: string;
  children: ComponentChildren;
}

export function Panel({ subject, title, children }: PanelProps): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  const cameFrom = useRef<Element | null>(null);

  useEffect(() => {
    cameFrom.current = document.activeElement;
    const close = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') select(null);
    };
    addEventListener('keydown', close);
    return () => {
      removeEventListener('keydown', close);
      if (cameFrom.current instanceof HTMLElement) cameFrom.current.focus();
    };
  }, []);

  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
  }, [subject]);

  // Once more when the title has arrived: what was still loading above may have pushed the panel down.
  useEffect(() => {
    heading.current?.scrollIntoView({ block: isStacked() ? 'start' : 'nearest' });
  }, [subject, title]);

  return (
    <section class="panel" aria-label={title}>
      <div class="panel-title">
        <h2 ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <button type="button" class="close" aria-label={t('app.close')} onClick={() => select(null)}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M3 3l10 10M13 3L3 13" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" />
          </svg>
        </button>
      </div>
      {children}
    </section>
  );
}

/** A name and its value; leaves nothing behind when there is no value. */
export function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element | null {
  if (children === null || children === undefined || children === false || children === '') return null;
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
