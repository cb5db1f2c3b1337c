import { describe, expect, test } from 'vitest';
import { readView, type View, writeView } from '../src/state.ts';

const views: [string, View][] = [
  ['', {}],
  ['?region=country-BRA', { selection: { kind: 'region', id: 'country-BRA' } }],
  ['?site=0b1c', { selection: { kind: 'site', id: '0b1c' } }],
  ['?partner=a1,b2', { selection: { kind: 'partner', ids: ['a1', 'b2'] } }],
  [
    '?indicator=soc_stock&depth=0-30&period=2010/2019&lang=fr&view=table&hide=sites,partners',
    {
      indicator: 'soc_stock',
      depth: '0-30',
      period: '2010/2019',
      language: 'fr',
      table: true,
      hidden: ['sites', 'partners'],
    },
  ],
];

describe.each(views)('the address %s', (search, view) => {
  test('reads as its view', () => {
    expect(readView(search)).toEqual(view);
  });

  test('is what the view writes', () => {
    expect(writeView(view)).toBe(search);
  });
});

test('what an address says wrongly is as good as unsaid', () => {
  expect(readView('?depth=deep&lang=xx&view=globe&hide=sea&partner=,&region=')).toEqual({});
});

test('depths above the mineral surface are read', () => {
  expect(readView('?depth=-5-0')).toEqual({ depth: '-5-0' });
});

test('an id cannot break out of its parameter', () => {
  const view: View = { selection: { kind: 'region', id: 'a&lang=fr#x' } };
  expect(readView(writeView(view))).toEqual(view);
});
