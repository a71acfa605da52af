// Colours of cells that lie above or below their median.
import { chart, type Palette } from "@/styles/tokens";

function channels(colour: string): [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** A colour of the diverging scale for −1 to 1; what lies beyond has the colour of the end. */
export function shade(part: number, palette: Palette): string {
  const weight = Math.min(Math.abs(part), 1) ** chart.heat_gamma;
  const end = channels(palette[part < 0 ? "heat-low" : "heat-high"]);
  const mixed = channels(palette["heat-mid"]).map((mid, at) =>
    Math.round(mid + ((end[at] ?? mid) - mid) * weight),
  );
  return `rgb(${mixed.join(" ")})`;
}

/** The cell that a subject names, such as "cell 82". */
export function cellOf(subject: string): number | null {
  const found = /^cell (\d+)$/.exec(subject);
  return found ? Number(found[1]) : null;
}
