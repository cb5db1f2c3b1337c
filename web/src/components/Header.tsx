/** Title, the switch between map and table, and the things one needs anywhere: data, link, language. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { address } from '../api.ts';
import { isLanguage, LANGUAGES, language, t } from '../i18n/index.ts';
import { canDraw, chosen, table } from '../state.ts';

function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <clipPath id="mark">
        <rect width="32" height="32" rx="7" />
      </clipPath>
      <g clip-path="url(#mark)">
        <path fill="#7f9a5d" d="M0 0h32v9H0z" />
        <path fill="#3d2a17" d="M0 8c5 3 9-1 15 1s11 2 17-1v9H0z" />
        <path fill="#7d5528" d="M0 16c6 3 10-1 16 1s10 1 16-1v9H0z" />
        <path fill="#c99f5f" d="M0 24c5 2 11-1 17 1s10 0 15-1v8H0z" />
      </g>
    </svg>
  );
}

function ViewSwitch(): JSX.Element {
  const asTable = table.value || !canDraw.value;
  const option = (label: string, isTable: boolean): JSX.Element => (
    <button
      type="button"
      aria-pressed={asTable === isTable}
      disabled={!isTable && !canDraw.value}
      onClick={() => {
        table.value = isTable;
      }}
    >
      {label}
    </button>
  );
  return (
    <div class="switch" role="group" aria-label={t('view.label')}>
      {option(t('view.map'), false)}
      {option(t('view.table'), true)}
    </div>
  );
}

function ShareButton(): JSX.Element {
  const done = useSignal(false);
  const share = async (): Promise<void> => {
    await navigator.clipboard.writeText(location.href);
    done.value = true;
    setTimeout(() => {
      done.value = false;
    }, 2500);
  };
  return (
    <button type="button" class="button quiet" onClick={share}>
      <span aria-live="polite">{done.value ? t('app.shared') : t('app.share')}</span>
    </button>
  );
}

function LanguageSelect(): JSX.Element {
  return (
    <select
      class="quiet"
      aria-label={t('app.language')}
      value={language.value}
      onChange={({ currentTarget: { value } }) => {
        if (isLanguage(value)) chosen.language.value = value;
      }}
    >
      {Object.entries(LANGUAGES).map(([code, name]) => (
        <option key={code} value={code} lang={code}>
          {name}
        </option>
      ))}
    </select>
  );
}

export function Header(): JSX.Element {
  return (
    <header class="header">
      <a class="skip" href="#sheet">
        {t('app.skip')}
      </a>
      <Mark />
      <div class="title">
        <h1>{t('app.title')}</h1>
        <p>{t('app.subtitle')}</p>
      </div>
      <ViewSwitch />
      <div class="tools">
        <a class="button quiet" href={address('/', { f: 'json' })}>
          {t('app.data')}
        </a>
        {window.isSecureContext && <ShareButton />}
        <LanguageSelect />
      </div>
    </header>
  );
}
