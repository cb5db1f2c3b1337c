/** What every topic of the map gives: its layers, from bottom to top, and its lines of the legend. */

import type { LayerSpecification } from 'maplibre-gl';
import type { PartnerCollection } from '../api.ts';
import type { Language, MessageKey } from '../i18n/index.ts';
import type { Overlay, Selection, Shown } from '../state.ts';
import type { Theme } from './theme.ts';

/** All that the style depends on. `shown` is null until the service has named its indicators. */
export interface MapState {
  shown: Shown | null;
  selection: Selection | null;
  hidden: readonly Overlay[];
  language: Language;
  partners: PartnerCollection;
}

export type Swatch =
  | { kind: 'area'; fill: string; pattern?: 'hatch' | 'dots' }
  | { kind: 'circle'; fill: string; edge: string }
  | { kind: 'ramp-circles'; fills: string[]; edge: string }
  | { kind: 'diamond'; fill: string; edge: string };

export interface LegendEntry {
  /** The layers this line explains; it goes when they go. */
  layers: string[];
  label: MessageKey;
  swatch: Swatch;
  overlay?: Overlay;
}

export interface Topic {
  layers: (theme: Theme, state: MapState) => LayerSpecification[];
  legend: (theme: Theme, state: MapState) => LegendEntry[];
}
