import { expect, test } from 'vitest';
import { rank } from '../src/clicks.ts';

test('a partner beats a site, a site beats the region below', () => {
  const region = { kind: 'region', id: 'country-FRA' } as const;
  const site = { kind: 'site', id: 's1' } as const;
  const partner = { kind: 'partner', id: 'p1' } as const;
  expect(rank([region, site, partner])).toEqual({ kind: 'partner', ids: ['p1'] });
  expect(rank([region, site])).toEqual(site);
  expect(rank([region])).toEqual(region);
});

test('partners at one place are listed together, each once and in a stable order', () => {
  const hits = ['10', '9', '10'].map((id) => ({ kind: 'partner', id }) as const);
  expect(rank(hits)).toEqual({ kind: 'partner', ids: ['9', '10'] });
});

test('open sea opens nothing', () => {
  expect(rank([])).toBeNull();
});
