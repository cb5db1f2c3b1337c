import { describe, expect, test } from 'vitest';
import type { Observation, RegionRow } from '../src/api.ts';
import { sorted } from '../src/components/RegionTable.tsx';
import { profiles } from '../src/components/SitePanel.tsx';
import { domain } from '../src/components/Whisker.tsx';

const observation = (over: Partial<Observation>): Observation => ({
  property: 'soc',
  property_title: 'Organic carbon',
  value: 20,
  unit: 'g/kg',
  qualifier: '=',
  upper_depth_cm: 0,
  lower_depth_cm: 10,
  sampled: '2010-05-01',
  method: null,
  status: 'measured',
  ...over,
});

describe('profiles of a site', () => {
  test('come with the latest visit first and layers from the surface down', () => {
    const seen = [
      observation({ sampled: '2010-05-01', upper_depth_cm: 10, lower_depth_cm: 30 }),
      observation({ sampled: '2010-05-01' }),
      observation({ sampled: '2018-05-01' }),
      observation({ sampled: null }),
    ];
    expect(profiles(seen).map(({ sampled, layers }) => [sampled, layers.map(({ upper }) => upper)])).toEqual([
      ['2018-05-01', [0]],
      ['2010-05-01', [0, 10]],
      [null, [0]],
    ]);
  });

  test('keep two profiles of one day apart', () => {
    const seen = [observation({ profile: 'a' }), observation({ profile: 'b' })];
    expect(profiles(seen).map(({ key }) => key)).toEqual(['a', 'b']);
  });

  test('lose no value where a property was determined twice', () => {
    const [profile] = profiles([observation({ value: 20 }), observation({ value: 22 })]);
    expect(profile?.layers[0]?.values.get('soc')?.map(({ value }) => value)).toEqual([20, 22]);
  });

  test('name carbon before other properties', () => {
    const seen = ['zinc', 'clay', 'soc'].map((property) => observation({ property, property_title: property }));
    expect(profiles(seen)[0]?.properties.map(({ code }) => code)).toEqual(['soc', 'clay', 'zinc']);
  });
});

describe('the table of countries', () => {
  const rows: RegionRow[] = [
    { id: '1', name: 'Chad' },
    { id: '2', name: 'Åland', value: 40 },
    { id: '3', name: 'Brazil', value: 60 },
    { id: '4', name: 'Benin', refused: 'too_few_sites', n_sites: 2 },
  ];
  const ids = (found: RegionRow[]): string => found.map(({ id }) => id).join('');

  test('puts rows without a value last in both directions', () => {
    expect([ids(sorted(rows, 'value', true)), ids(sorted(rows, 'value', false))]).toEqual(['3241', '2341']);
  });

  test('sorts names as the language does', () => {
    expect(ids(sorted(rows, 'name', false))).toBe('2431');
  });
});

describe('the axis of a whisker', () => {
  test('holds all breaks and an interval beyond them', () => {
    expect(domain([20, 50, 110], 100, 300)).toEqual([0, 300]);
    expect(domain([20, 50, 110], 30, 40)).toEqual([0, 155]);
  });

  test('does not start below zero for amounts that cannot', () => {
    expect(domain([5, 10], 3, 20)[0]).toBe(0);
  });

  test('goes below zero where the interval does', () => {
    expect(domain([5, 10], -2, 20)[0]).toBe(-2);
  });
});
