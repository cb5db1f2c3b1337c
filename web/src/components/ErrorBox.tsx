/** What went wrong, in the reader's words where we have them and in the service's own where we do not. */

import type { JSX } from 'preact';
import { ApiError } from '../api.ts';
import { t } from '../i18n/index.ts';

function explain(error: unknown): { text: string; details: string[] } {
  if (!(error instanceof ApiError)) return { text: error instanceof Error ? error.message : String(error), details: [] };
  const { status, detail, errors = [] } = error.problem;
  if (status === 0) return { text: t('error.unreachable'), details: [] };
  const details = errors.map((one) => [one.parameter, one.detail].filter(Boolean).join(': '));
  const text = status === 404 ? t('error.missing') : status >= 500 ? t('error.server') : t('error.title');
  return { text, details: [...(detail ? [detail] : []), ...details] };
}

export function ErrorBox({ error, retry }: { error: unknown; retry?: () => void }): JSX.Element {
  const { text, details } = explain(error);
  return (
    <div class="error" role="alert">
      <p>{text}</p>
      {details.map((one) => (
        <p key={one} class="small" lang="en">
          {one}
        </p>
      ))}
      {retry && (
        <button type="button" class="button" onClick={retry}>
          {t('app.retry')}
        </button>
      )}
    </div>
  );
}
