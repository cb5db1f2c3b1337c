/**
 * Words in the reader's language. A message is text with {holes}; where a number decides the form, the key has one
 * entry per plural category ("sites.one", "sites.other"). Names of countries come from the data, not from here.
 */

import { computed, signal } from '@preact/signals';
import en from './en.json' with { type: 'json' };
import es from './es.json' with { type: 'json' };
import fr from './fr.json' with { type: 'json' };

export type Messages = Record<string, string>;
export type MessageKey = keyof typeof en;

/** Every language on offer, by its own name. */
export const LANGUAGES = { en: 'English', fr: 'Français', es: 'Español' } as const;
export type Language = keyof typeof LANGUAGES;

const CATALOGUES: Record<Language, Messages> = { en, fr, es };

export function isLanguage(text: string | null | undefined): text is Language {
  return text !== null && text !== undefined && Object.hasOwn(LANGUAGES, text);
}

/** The first language of the list that we speak. */
export function preferred(wanted: readonly string[]): Language {
  return wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find(isLanguage) ?? 'en';
}

/** The language in use; main.tsx sets it from the address or the browser. */
export const language = signal<Language>('en');

const plurals = computed(() => new Intl.PluralRules(language.value));

type Values = Record<string, string | number>;

function fill(message: string, values: Values): string {
  return message.replace(/\{(\w+)\}/g, (hole, name: string) => String(values[name] ?? hole));
}

/** The message in the current language; English where a translation is missing. */
export function t(key: MessageKey, values: Values = {}): string {
  return fill(CATALOGUES[language.value][key] ?? en[key], values);
}

/** A message for a code of the service, or null where we have no words for that code. */
export function tCode(prefix: string, code: string): string | null {
  const key = `${prefix}.${code}`;
  return CATALOGUES[language.value][key] ?? (en as Messages)[key] ?? null;
}

type Stem<K> = K extends `${infer S}.other` ? S : never;

/** The form of a message that fits the number, which fills the hole {n} as given in `shown`. */
export function tn(stem: Stem<MessageKey>, n: number, shown: string, values: Values = {}): string {
  const messages = CATALOGUES[language.value];
  const message = messages[`${stem}.${plurals.value.select(n)}`] ?? messages[`${stem}.other`] ?? '';
  return fill(message, { n: shown, ...values });
}
