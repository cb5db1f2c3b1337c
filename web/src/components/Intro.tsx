/** What the sheet says while nothing is chosen. */

import type { JSX } from 'preact';
import { t } from '../i18n/index.ts';

export function Intro(): JSX.Element {
  return (
    <section class="intro" aria-label={t('intro.title')}>
      <h2>{t('intro.title')}</h2>
      <p>{t('intro.text')}</p>
      <p>{t('intro.zoom')}</p>
      <p>{t('intro.objective')}</p>
      <p class="small muted">{t('map.boundaries')}</p>
    </section>
  );
}
