/** What the heat map shows of each cell: voltage, deviation from the median, or temperature. */

import type { Schemas } from "@/api/client";
import type { Palette } from "@/charts/palette";
import {
  number,
  signed,
  temperatureIn,
  temperatureStepIn,
  temperatureUnitText,
  type TemperatureUnit,
} from "@/format";
import { endOf, heat, rangeOf, type Heat } from "./heat";

export type CellFrame = Schemas["CellFrame"];
export type LayerName = "v" | "dv" | "t";

export interface Layer {
  title: string;
  unit: string;
  text: (cell: number) => string;
  heat: (cell: number) => Heat | null;
  /** Marks of the scale, from its lower to its upper end. */
  scale: { part: number; text: string }[];
  /** Whether the scale has its middle at the median. */
  diverging: boolean;
}

/** The least that both ends of the scale stand for, so that noise does not look like a fault. */
const LEAST_MV = 10;

export function layerOf(
  name: LayerName,
  frame: CellFrame,
  palette: Palette,
  temperature: TemperatureUnit,
): Layer {
  if (name === "dv") return deviation(frame, palette);
  return name === "v" ? voltage(frame, palette) : warmth(frame, palette, temperature);
}

function deviation({ deviation_mv: values }: CellFrame, palette: Palette): Layer {
  const end = endOf(values, LEAST_MV);
  const at = (cell: number): number | null => values[cell - 1] ?? null;
  return {
    title: "Cells against the pack median",
    unit: "mV",
    text: (cell) => number(at(cell), end < 20 ? 1 : 0),
    heat: (cell) => shaded(at(cell), (value) => heat(value / end, palette)),
    scale: [-1, -0.5, 0, 0.5, 1].map((part) => ({ part, text: signed(part * end, end < 20 ? 1 : 0) })),
    diverging: true,
  };
}

function voltage({ voltage_v: values }: CellFrame, palette: Palette): Layer {
  return oneHue("Cell voltages", "V", values, 3, palette);
}

function warmth({ temp_c: values }: CellFrame, palette: Palette, unit: TemperatureUnit): Layer {
  const turned = values.map((value) => (value === null ? null : temperatureIn(value, unit)));
  const least = temperatureStepIn(1, unit);
  return oneHue("Temperatures at the cells", temperatureUnitText(unit), turned, 1, palette, least);
}

function oneHue(
  title: string,
  unit: string,
  values: CellFrame["temp_c"],
  digits: number,
  palette: Palette,
  least = 0,
): Layer {
  const [low, top] = rangeOf(values);
  const high = Math.max(top, low + least);
  const at = (cell: number): number | null => values[cell - 1] ?? null;
  return {
    title,
    unit,
    text: (cell) => number(at(cell), digits),
    heat: (cell) => shaded(at(cell), (value) => heat((value - low) / (high - low), palette)),
    scale: [0, 0.5, 1].map((part) => ({ part, text: number(low + part * (high - low), digits) })),
    diverging: false,
  };
}

const shaded = (value: number | null, how: (value: number) => Heat): Heat | null =>
  value === null ? null : how(value);

/** Which module a cell is in, and its place there; all counted from 1. */
export function placeOf(cell: number, perModule: number): { module: number; place: number } {
  return { module: Math.ceil(cell / perModule), place: ((cell - 1) % perModule) + 1 };
}

/** A cell as it is said: "cell 82, module 11, minus 62 millivolts, rank 96 of 96". */
export function saidOf(frame: CellFrame, cell: number): string {
  const { module } = placeOf(cell, frame.cells_per_module);
  const mv = frame.deviation_mv[cell - 1] ?? null;
  const rank = frame.rank[cell - 1] ?? null;
  const value = mv === null ? "no value" : `${mv < 0 ? "minus " : ""}${Math.abs(Math.round(mv))} millivolts`;
  return `cell ${cell}, module ${module}, ${value}${rank === null ? "" : `, rank ${rank} of ${frame.voltage_v.length}`}`;
}

/** The same to be read, with how far it stands out. */
export function toldOf(frame: CellFrame, cell: number): string {
  const { module, place } = placeOf(cell, frame.cells_per_module);
  const [volts, rank, z] = [
    frame.voltage_v[cell - 1] ?? null,
    frame.rank[cell - 1] ?? null,
    frame.z[cell - 1] ?? null,
  ];
  const parts = [`cell ${cell} (M${module}, ${place})`];
  if (volts !== null) parts.push(`${number(volts, 3)} V`);
  if (rank !== null) parts.push(`rank ${rank} of ${frame.voltage_v.length}`);
  if (z !== null) parts.push(`z ${signed(z, 1)}`);
  return parts.join(" · ");
}
