/** Says that generated samples are on view. It cannot be dismissed: a figure must never lose this mark. */

import type { JSX } from 'preact';
import type { Synthetic } from '../api.ts';
import { t } from '../i18n/index.ts';
import { syntheticOnView } from '../state.ts';

export function SyntheticBanner(): JSX.Element | null {
  if (!syntheticOnView.value) return null;
  return (
    <p class="banner" role="status">
      <strong class="badge synthetic">{t('synthetic.badge')}</strong> {t('synthetic.banner')}
    </p>
  );
}

export function SyntheticBadge({ synthetic }: { synthetic: Synthetic | boolean | null | undefined }): JSX.Element | null {
  if (!synthetic || synthetic === 'none') return null;
  return <span class="badge synthetic">{t(synthetic === 'some' ? 'synthetic.some' : 'synthetic.badge')}</span>;
}
