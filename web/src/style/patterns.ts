/** Small pictures the style needs, drawn here instead of fetched. Names end in the theme: "hatch-dark". */

import type { Theme } from './theme.ts';

/** Pixels per CSS pixel of the pictures below. */
export const PIXEL_RATIO = 2;

/** CSS pixels between two hatch lines, measured along an edge of the tile; the legend draws the same. */
export const HATCH_STEP = 6;

/** CSS pixels between two dots. */
export const DOT_STEP = 6;

type Draw = (pen: CanvasRenderingContext2D, size: number, theme: Theme) => void;

function line(pen: CanvasRenderingContext2D, size: number, shift: number): void {
  pen.beginPath();
  // Three parallels, so that the tile meets its neighbours without a gap in the corners.
  for (const offset of [-size, 0, size]) {
    pen.moveTo(offset + shift - size, size * 2);
    pen.lineTo(offset + shift + size * 2, -size);
  }
  pen.stroke();
}

const hatch: Draw = (pen, size, theme) => {
  pen.lineWidth = 1.4;
  pen.strokeStyle = theme.hatchLight;
  line(pen, size, 0);
  pen.strokeStyle = theme.hatchDark;
  line(pen, size, 2);
};

const dots: Draw = (pen, size, theme) => {
  pen.fillStyle = theme.refused;
  pen.fillRect(0, 0, size, size);
  pen.fillStyle = theme.refusedDot;
  pen.beginPath();
  pen.arc(size / 2, size / 2, size * 0.13, 0, 2 * Math.PI);
  pen.fill();
};

const diamond: Draw = (pen, size, theme) => {
  const [middle, reach] = [size / 2, size / 2 - 3];
  pen.beginPath();
  pen.moveTo(middle, middle - reach);
  pen.lineTo(middle + reach, middle);
  pen.lineTo(middle, middle + reach);
  pen.lineTo(middle - reach, middle);
  pen.closePath();
  pen.lineJoin = 'round';
  pen.lineWidth = 4;
  pen.strokeStyle = theme.partnerEdge;
  pen.stroke();
  pen.fillStyle = theme.partner;
  pen.fill();
};

const PICTURES: Record<string, { size: number; draw: Draw }> = {
  hatch: { size: HATCH_STEP, draw: hatch },
  dots: { size: DOT_STEP, draw: dots },
  diamond: { size: 20, draw: diamond },
};

/** The picture of that name as pixels, or null if there is none. */
export function picture(name: string, theme: Theme): ImageData | null {
  const known = PICTURES[name];
  const size = (known?.size ?? 0) * PIXEL_RATIO;
  const pen = Object.assign(document.createElement('canvas'), { width: size, height: size }).getContext('2d');
  if (!known || !pen) return null;
  known.draw(pen, size, theme);
  return pen.getImageData(0, 0, size, size);
}
