/** Numbers, units, depths, intervals and dates as the reader writes them. The only user of Intl's formatters. */

import type { Depth, Estimate, Indicator } from './api.ts';
import { language, t, tCode, tn } from './i18n/index.ts';

const NBSP = '\u00a0';
/** Forbids a line break after the dash before it. */
const JOIN = '\u2060';
const formatters = new Map<string, Intl.NumberFormat>();

/** Our English is British; the other languages need no country. */
const locale = (): string => (language.value === 'en' ? 'en-GB' : language.value);

function formatter(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${language.value}${JSON.stringify(options)}`;
  const known = formatters.get(key);
  if (known) return known;
  const made = new Intl.NumberFormat(locale(), options);
  formatters.set(key, made);
  return made;
}

/** Decimals that give three significant figures between 1 and 1000. */
export function decimalsFor(value: number): number {
  const size = Math.abs(value);
  return size >= 100 ? 0 : size >= 10 ? 1 : 2;
}

/** A measured number; its decimals follow its own size unless another number gives the precision. */
export function number(value: number, decimals = decimalsFor(value)): string {
  return formatter({ minimumFractionDigits: decimals, maximumFractionDigits: decimals }).format(value);
}

/** A number as short as it is exact: class breaks, depths. */
export const plain = (value: number): string => formatter({ maximumFractionDigits: 6 }).format(value);

export const count = (value: number): string => formatter({ maximumFractionDigits: 0 }).format(value);

/** A share in whole percent; below one, the first digit that is not zero, so that little never reads as nothing. */
export const percent = (share: number): string =>
  formatter({
    style: 'percent',
    ...(share > 0 && share < 0.01 ? { maximumSignificantDigits: 1 } : { maximumFractionDigits: 0 }),
  }).format(share);

/** "61.2 t C/ha", kept on one line. */
export const quantity = (value: number, unit: string): string =>
  `${number(value)}${unit === '1' || unit === '' ? '' : NBSP + unit.replaceAll(' ', NBSP)}`;

/** "0–30 cm", kept on one line. */
export const depthRange = ({ upper, lower }: Depth): string => `${plain(upper)}–${JOIN}${plain(lower)}${NBSP}cm`;

export const sites = (n: number): string => tn('sites', n, count(n));

/** A date, or the part of one that is known: "2010", "2010-05" and "2010-05-01" keep their precision. */
export function date(iso: string): string {
  const known = /^(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?/.exec(iso);
  if (!known) return iso;
  const [, year, month, day] = known;
  const options: Intl.DateTimeFormatOptions = {
    year: 'numeric',
    timeZone: 'UTC',
    ...(month && { month: 'short' }),
    ...(day && { day: 'numeric' }),
  };
  const instant = new Date(Date.UTC(Number(year), Number(month ?? 1) - 1, Number(day ?? 1)));
  return new Intl.DateTimeFormat(locale(), options).format(instant);
}

/** "1998–2019", one year alone, or null when no year is known. */
export function years(first: number | null, last: number | null): string | null {
  const known = [first, last].filter((year) => year !== null);
  return known.length === 0 ? null : [...new Set(known)].join('–');
}

/** Name of an indicator in the reader's language, as its record gives it. */
export const indicatorTitle = ({ title, titles }: { title: string; titles?: Indicator['titles'] }): string =>
  titles?.[language.value] ?? title;

/** Name of a period: only "all years" needs words. */
export const periodLabel = ({ id, label }: { id: string; label: string }): string => tCode('period', id) ?? label;

/** "55.0 to 67.4" with the decimals of the value between them. */
export const bounds = (lower: number, upper: number, value: number): string =>
  t('interval.bounds', { lower: number(lower, decimalsFor(value)), upper: number(upper, decimalsFor(value)) });

/** The estimate of an indicator of that title in one sentence, for eyes and screen readers alike. */
export function sentence(estimate: Estimate, title: string): string {
  const { value, interval, unit, depth, n_sites: n } = estimate;
  const subject = `${title} ${depthRange(depth)}`;
  if (value === null) return t('figure.none', { subject, sites: sites(n) });
  const figure = quantity(value, unit.label);
  if (interval === null) return t('figure.bare', { subject, figure, sites: sites(n) });
  return t('figure.full', {
    subject,
    figure,
    level: percent(interval.level),
    bounds: bounds(interval.lower, interval.upper, value),
    sites: sites(n),
  });
}
