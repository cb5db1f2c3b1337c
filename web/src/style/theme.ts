/** Colours of the map by meaning, once for day and once for night. The ramp of an indicator is the service's. */

export interface Theme {
  name: 'light' | 'dark';
  sea: string;
  /** Land without any figure. */
  land: string;
  coast: string;
  border: string;
  selected: string;
  hover: string;
  label: string;
  halo: string;
  /** The two strokes of a hatch line: it must show on the lightest and on the darkest class. */
  hatchLight: string;
  hatchDark: string;
  refused: string;
  refusedDot: string;
  siteEdge: string;
  /** Sites without a figure: paper with a grey edge, to be seen on every class. */
  sitePaper: string;
  siteRing: string;
  partner: string;
  partnerEdge: string;
  partnerText: string;
}

export const light: Theme = {
  name: 'light',
  sea: '#e1eaeb',
  land: '#f3f0e9',
  coast: '#9fb0b1',
  border: 'rgba(74, 62, 48, 0.45)',
  selected: '#1d1a16',
  hover: '#1d1a16',
  label: '#2a251f',
  halo: 'rgba(255, 253, 248, 0.92)',
  hatchLight: 'rgba(255, 255, 255, 0.34)',
  hatchDark: 'rgba(40, 28, 14, 0.16)',
  refused: '#dedbd5',
  refusedDot: '#8f8980',
  siteEdge: 'rgba(29, 26, 22, 0.7)',
  sitePaper: '#fffdf8',
  siteRing: '#5f594f',
  partner: '#0b6470',
  partnerEdge: '#ffffff',
  partnerText: '#ffffff',
};

export const dark: Theme = {
  name: 'dark',
  sea: '#12181b',
  land: '#2a2926',
  coast: '#4b5557',
  border: 'rgba(10, 9, 8, 0.6)',
  selected: '#ffffff',
  hover: '#ffffff',
  label: '#f1ece3',
  halo: 'rgba(20, 18, 16, 0.8)',
  hatchLight: 'rgba(255, 255, 255, 0.22)',
  hatchDark: 'rgba(0, 0, 0, 0.3)',
  refused: '#3d3b38',
  refusedDot: '#8a857d',
  siteEdge: 'rgba(0, 0, 0, 0.75)',
  sitePaper: '#e9e4da',
  siteRing: '#57524a',
  partner: '#6fd0d3',
  partnerEdge: '#10181a',
  partnerText: '#10181a',
};
