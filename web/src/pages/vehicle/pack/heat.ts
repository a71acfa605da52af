/** The heat map's colours: symmetric about the median, clipped at the ends of the scale, with text that can be read. */

import tokens from "@/styles/tokens.json";

import type { Palette } from "@/charts/palette";

type Rgb = readonly [number, number, number];

const GAMMA = tokens.chart.heat_gamma;
const STEPS = [1, 1.5, 2, 3, 4, 6];

/** The ends of a symmetric scale: round, and so that hardly anything is clipped. */
export function endOf(values: readonly (number | null)[], least: number): number {
  const reach = Math.max(least, ...values.map((value) => (value === null ? 0 : Math.abs(value)))) / 1.1;
  for (let power = 10 ** Math.floor(Math.log10(reach)); ; power *= 10) {
    const found = STEPS.find((step) => step * power >= reach);
    if (found !== undefined) return found * power;
  }
}

/** Lowest and highest of what is known, a little apart. */
export function rangeOf(values: readonly (number | null)[]): [number, number] {
  const known = values.filter((value): value is number => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return high > low ? [low, high] : [low - 0.5, high + 0.5];
}

export interface Heat {
  ground: string;
  text: string;
}

/** Colour of a part of the way from the middle (0) to an end (−1 or 1). */
export function heat(part: number, palette: Palette): Heat {
  const clipped = Math.min(1, Math.max(-1, part));
  const end = parsed(palette.of(clipped < 0 ? "heat-low" : "heat-high"));
  const ground = mixed(parsed(palette.of("heat-mid")), end, Math.abs(clipped) ** GAMMA);
  return { ground: written(ground), text: readable(ground) };
}

function parsed(colour: string): Rgb {
  const value = parseInt(colour.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

const mixed = (a: Rgb, b: Rgb, part: number): Rgb => [
  a[0] + (b[0] - a[0]) * part,
  a[1] + (b[1] - a[1]) * part,
  a[2] + (b[2] - a[2]) * part,
];
const written = (colour: Rgb): string => `rgb(${colour.map(Math.round).join(" ")})`;

// Black, not ink: of all grounds between, only black or white is always 4.5:1.
const DARK: Rgb = [0, 0, 0];
const WHITE: Rgb = [255, 255, 255];

/** Dark or white, whichever stands out more (WCAG contrast). */
function readable(ground: Rgb): string {
  return contrast(ground, DARK) >= contrast(ground, WHITE) ? written(DARK) : written(WHITE);
}

export function contrast(a: Rgb, b: Rgb): number {
  const [one, other] = [luminance(a), luminance(b)];
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}

function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
