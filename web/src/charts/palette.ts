/** The colours in which charts are drawn: those of the theme that is shown. */

import { useTheme } from "@/app/theme";
import { bandOpacity, chart, palettes, type Role, type Theme } from "@/styles/tokens";
import type { Dash, Tone } from "./spec";

export interface Palette {
  of: (role: Role) => string;
  /** How much of a band is ink. */
  band: (tone: Tone) => number;
  font: string;
}

/** Colour of text in a tone: marks may be lighter than text must be. */
export function textTone(tone: Tone): Role {
  if (tone === "never") return "never-strong";
  if (tone === "cohort") return "ink-3";
  return tone === "measured" ? "ink" : tone;
}

export const DASHES: Record<Dash, number[] | "solid"> = {
  solid: "solid",
  never: chart.dash.never_vs_measured,
  forecast: chart.dash.forecast,
  limit: chart.dash.limit,
  reference: chart.dash.reference,
  event: chart.dash.event,
};

/** Widths of lines by what they tell. */
export const WIDTHS: Partial<Record<Tone, number>> = chart.line;

const FONT = '"Inter Variable", inter, system-ui, sans-serif';

/** The colours of a theme. */
export function paletteOf(theme: Theme): Palette {
  const colours = palettes[theme];
  const bands: Partial<Record<Tone, number>> = bandOpacity[theme];
  return { of: (role) => colours[role], band: (tone) => bands[tone] ?? 0.2, font: FONT };
}

const both: Record<Theme, Palette> = { light: paletteOf("light"), dark: paletteOf("dark") };

/** The colours of the theme that is shown; new ones when it changes. */
export function usePalette(): Palette {
  return both[useTheme()];
}
