import { beforeEach, describe, expect, test } from 'vitest';
import { date, depthRange, number, percent, quantity, sentence, sites, years } from '../src/format.ts';
import { language } from '../src/i18n/index.ts';
import { estimate } from './fixtures.ts';

/** Text without the marks that keep a unit with its number and a range on one line. */
const plainSpaces = (text: string): string => text.replaceAll(/[\u00a0\u202f]/g, ' ').replaceAll('\u2060', '');

beforeEach(() => {
  language.value = 'en';
});

describe('an estimate in one sentence', () => {
  test('names value, unit, interval and number of sites', () => {
    expect(plainSpaces(sentence(estimate, 'SOC stock'))).toBe(
      'Mean SOC stock 0–30 cm: 61.2 t C/ha, 95% interval 55.0 to 67.4, from 48 sites.',
    );
  });

  test('writes numbers as the language does', () => {
    language.value = 'fr';
    expect(plainSpaces(sentence(estimate, 'Stock'))).toBe(
      'Stock 0–30 cm, moyenne : 61,2 t C/ha, intervalle à 95 % de 55,0 à 67,4, d’après 48 sites.',
    );
  });

  test('says that there is no interval instead of leaving it out', () => {
    expect(plainSpaces(sentence({ ...estimate, interval: null }, 'SOC stock'))).toBe(
      'Mean SOC stock 0–30 cm: 61.2 t C/ha, without an interval, from 48 sites.',
    );
  });

  test('gives the number of sites where the figure is refused', () => {
    expect(plainSpaces(sentence({ ...estimate, value: null, interval: null, n_sites: 1 }, 'SOC stock'))).toBe(
      'No mean SOC stock 0–30 cm: 1 site with a value.',
    );
  });
});

test('a number keeps three significant figures', () => {
  expect([number(0.456), number(6.12), number(61.23), number(612.3)]).toEqual(['0.46', '6.12', '61.2', '612']);
});

test('a unit of one is not written', () => {
  expect(quantity(6.4, '1')).toBe('6.40');
});

test('unit and number stay on one line', () => {
  expect(quantity(61.2, 't C/ha')).toBe('61.2\u00a0t\u00a0C/ha');
});

test('a depth above the mineral surface keeps its sign', () => {
  expect(plainSpaces(depthRange({ upper: -5, lower: 30 }))).toBe('-5–30 cm');
});

test('a share is a percentage, and little is not nothing', () => {
  expect([percent(0.404), percent(0.0028), percent(0)]).toEqual(['40%', '0.3%', '0%']);
});

test('a date says no more than is known', () => {
  expect([date('2010'), date('2010-05'), date('2010-05-01')]).toEqual(['2010', 'May 2010', '1 May 2010']);
});

test('text that is no date is shown as it is', () => {
  expect(date('spring')).toBe('spring');
});

test('years that are equal are written once, unknown ones not at all', () => {
  expect([years(1998, 2019), years(2010, 2010), years(null, 2010), years(null, null)]).toEqual([
    '1998–2019',
    '2010',
    '2010',
    null,
  ]);
});

test('zero is singular in French and plural in English', () => {
  expect(sites(0)).toBe('0 sites');
  language.value = 'fr';
  expect(sites(0)).toBe('0 site');
});
