/** One click, one answer: ranks what lies under the pointer and names the one thing to open. */

import type { Selection } from './state.ts';

/** Something under the pointer, reduced to what decides. */
export type Hit = { kind: 'region' | 'site' | 'partner'; id: string };

/** The smaller the thing, the harder it is to hit: a partner beats a site, a site beats the region below. */
const RANK: Record<Hit['kind'], number> = { partner: 0, site: 1, region: 2 };

/** The selection a click means, or null for open sea. Partners under the pointer are listed together. */
export function rank(hits: readonly Hit[]): Selection | null {
  const [first] = hits.toSorted((a, b) => RANK[a.kind] - RANK[b.kind]);
  if (!first) return null;
  if (first.kind !== 'partner') return { kind: first.kind, id: first.id };
  const ids = hits.filter(({ kind }) => kind === 'partner').map(({ id }) => id);
  return { kind: 'partner', ids: [...new Set(ids)].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })) };
}
