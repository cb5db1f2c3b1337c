import { createExpression, featureFilter, validateStyleMin } from '@maplibre/maplibre-gl-style-spec';
import { describe, expect, test } from 'vitest';
import { build, legend } from '../src/style/index.ts';
import { areas, rampColor } from '../src/style/regions.ts';
import { dark, light } from '../src/style/theme.ts';
import type { MapState } from '../src/style/topic.ts';
import { mapState, shown } from './fixtures.ts';

const BASE = 'https://example.org/map/';

const states: [string, MapState][] = [
  ['before the catalogue is there', { ...mapState, shown: null }],
  ['with a region open', mapState],
  ['with sites and partners hidden', { ...mapState, hidden: ['sites', 'partners'] }],
  ['for a depth that site tiles do not carry', { ...mapState, shown: { ...shown, depth: { upper: 0, lower: 100 } } }],
];

describe.each([light, dark])('the $name style', (theme) => {
  test.each(states)('is valid %s', (_, state) => {
    expect(validateStyleMin(build(theme, state, BASE))).toEqual([]);
  });

  test.each(states)('asks nobody but its own origin %s', (_, state) => {
    const urls = JSON.stringify(build(theme, state, BASE)).match(/https?:\/\/[^"/]+/g) ?? [];
    expect(new Set(urls)).toEqual(new Set(['https://example.org']));
  });

  test.each(states)('has every layer that its legend explains %s', (_, state) => {
    const layers = new Set(build(theme, state, BASE).layers.map(({ id }) => id));
    const explained = legend(theme, state)
      .filter(({ overlay }) => !overlay || !state.hidden.includes(overlay))
      .flatMap((entry) => entry.layers);
    expect(explained.filter((id) => !layers.has(id))).toEqual([]);
  });
});

test('regions are drawn above land, names above regions, partners above all', () => {
  const order = build(light, mapState, BASE).layers.map(({ id }) => id);
  const wanted = ['land', 'region-value', 'border', 'region-selected', 'site-value', 'country-names', 'partner-group'];
  expect(order.filter((id) => wanted.includes(id))).toEqual(wanted);
});

test('the ramp changes colour at each break, which belongs to the upper class', () => {
  const { ramp } = shown.indicator;
  const parsed = createExpression(rampColor(['get', 'value'], ramp), 'fill-color', { type: 'color' } as never);
  if (parsed.result !== 'success') throw new Error('the expression is not valid');
  const colorAt = (value: number): string =>
    String(parsed.value.evaluate({ zoom: 0 }, { type: 3, properties: { value } } as never));
  const rgba = (hex: string): string => {
    const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
    return `rgba(${r},${g},${b},1)`;
  };
  const classes = [-1, ...ramp.breaks].map(colorAt);
  expect(classes).toEqual(ramp.colors.map(rgba));
  expect(colorAt(49.999)).toBe(colorAt(20));
});

describe('a region has one look', () => {
  const looks = (properties: Record<string, unknown>): string[] =>
    areas(light, mapState)
      .filter(({ id }) => id !== 'region-hover')
      .filter((layer) => {
        const { filter } = featureFilter('filter' in layer ? (layer.filter as never) : undefined, 'filter');
        return filter({ zoom: 2 } as never, { type: 3, properties } as never);
      })
      .map(({ id }) => id);

  test('plain with a figure from a probability sample', () => {
    expect(looks({ value: 50, representative: true })).toEqual(['region-value']);
  });

  test('hatched where the sites were not drawn by a design, or nobody says so', () => {
    expect(looks({ value: 50, representative: false })).toEqual(['region-value', 'region-not-representative']);
    expect(looks({ value: 50 })).toEqual(['region-value', 'region-not-representative']);
  });

  test('dotted where a figure was refused', () => {
    expect(looks({ refused: 'too_few_sites', n_sites: 2 })).toEqual(['region-refused']);
  });

  test('bare land where there is no estimate or no site', () => {
    expect(looks({})).toEqual([]);
    expect(looks({ refused: 'no_sites', n_sites: 0 })).toEqual([]);
  });

  test('zero is a value, not an absence', () => {
    expect(looks({ value: 0, representative: true })).toEqual(['region-value']);
  });
});
