import { describe, expect, test } from 'vitest';
import en from '../src/i18n/en.json' with { type: 'json' };
import es from '../src/i18n/es.json' with { type: 'json' };
import fr from '../src/i18n/fr.json' with { type: 'json' };
import { language, type Messages, preferred, t, tCode } from '../src/i18n/index.ts';

const keys = (messages: Messages): string[] => Object.keys(messages).filter((key) => key !== '_review').toSorted();
const holes = (message: string | undefined): string[] => (message?.match(/\{\w+\}/g) ?? []).toSorted();

describe.each([
  ['fr', fr],
  ['es', es],
])('%s', (_, messages: Messages) => {
  test('has every message of English and no other', () => {
    expect(keys(messages)).toEqual(keys(en));
  });

  test('fills the same holes as English', () => {
    const wrong = keys(en).filter((key) => holes(messages[key]).join() !== holes((en as Messages)[key]).join());
    expect(wrong).toEqual([]);
  });

  test('says who has to review it', () => {
    expect(messages['_review']).toMatch(/awaits review/);
  });
});

test('a reader gets the first language of theirs that we speak, else English', () => {
  expect([preferred(['pt-BR', 'es-MX', 'fr']), preferred(['de'])]).toEqual(['es', 'en']);
});

test('a hole without a value stays visible', () => {
  language.value = 'en';
  expect(t('site.title')).toBe('Site {id}');
});

test('a code of the service without words of ours is told apart from one with', () => {
  language.value = 'es';
  expect([tCode('refused', 'median_only'), tCode('refused', 'new_rule')]).toEqual([
    'Solo 3 o 4 sitios independientes (unidades de muestreo) tienen un valor: se da su mediana, no una media.',
    null,
  ]);
});
