/** What stands at one x of a chart: for the heading, for ears, and for steps by the keyboard. */

import { number } from "@/format";
import type { Frame } from "./layout";
import type { ChartSpec, Column, Interval, Panel, Series, Tone } from "./spec";

export interface Reading {
  id: string;
  name: string;
  text: string;
  tone: Tone;
  value: number;
  panel: number;
}

/** The index whose x is nearest; -1 when there is none. */
export function nearest(x: readonly number[], at: number): number {
  if (x.length === 0) return -1;
  let low = 0;
  let high = x.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((x[middle] ?? 0) <= at) low = middle;
    else high = middle;
  }
  return Math.abs((x[low] ?? 0) - at) <= Math.abs((x[high] ?? 0) - at) ? low : high;
}

function stepIndex(x: readonly number[], at: number): number {
  const i = nearest(x, at);
  return (x[i] ?? 0) > at ? i - 1 : i;
}

function valueAt(series: Series, at: number): number | null {
  if (series.kind !== "line" && series.kind !== "range") return null;
  const column: Column = series.kind === "line" ? series.y : series.mean;
  const i = series.kind === "line" && series.step ? stepIndex(series.x, at) : nearest(series.x, at);
  return column[i] ?? null;
}

/** The value of each line at an x; lines without one there are left out. */
export function readingsAt(spec: ChartSpec, at: number): Reading[] {
  return spec.panels.flatMap((panel, i) =>
    panel.series.flatMap((series) => {
      const value = valueAt(series, at);
      if (value === null) return [];
      return [
        {
          id: series.id,
          name: series.name,
          text: valueText(value, panel),
          tone: series.tone,
          value,
          panel: i,
        },
      ];
    }),
  );
}

/** A value with its unit. */
export function valueText(value: number, panel: Panel): string {
  const text = number(value, panel.digits ?? 2);
  return panel.unit ? `${text} ${panel.unit}` : text;
}

/** Every x that the keyboard stops at, in order. */
export function stopsOf(spec: ChartSpec): readonly number[] {
  let stops: readonly number[] = [];
  for (const panel of spec.panels) {
    for (const series of panel.series) {
      if ((series.kind === "line" || series.kind === "range") && series.x.length > stops.length)
        stops = series.x;
    }
  }
  return stops;
}

/** The stop nearest to an x. */
export function snapped(stops: readonly number[], at: number): number | null {
  return stops[nearest(stops, at)] ?? null;
}

/** The point nearest to a place in pixels, no further than `reach`. */
export function pointAt(
  frame: Frame,
  px: number,
  py: number,
  reach = 14,
): { series: string; index: number } | null {
  let best: { series: string; index: number } | null = null;
  let least = reach * reach;
  for (const panel of frame.panels) {
    for (const series of panel.panel.series) {
      if (series.kind !== "points") continue;
      series.x.forEach((x, index) => {
        const y = series.y[index] ?? null;
        if (y === null) return;
        const away = (frame.x(x) - px) ** 2 + (panel.y(y) - py) ** 2;
        if (away < least) {
          least = away;
          best = { series: series.id, index };
        }
      });
    }
  }
  return best;
}

/** One sentence about a chart, for those who do not see it. */
export function summaryOf(spec: ChartSpec, xText: (value: number) => string, domain: Interval): string {
  const parts = spec.panels.flatMap((panel) =>
    panel.series.flatMap((series) => {
      if (series.kind !== "line" && series.kind !== "range") return [];
      const values = (series.kind === "line" ? series.y : series.mean).filter((v): v is number => v !== null);
      const last = values[values.length - 1];
      if (last === undefined) return [];
      const [low, high] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [last, last]);
      return [
        `${series.name} from ${valueText(low, panel)} to ${valueText(high, panel)}, last ${valueText(last, panel)}`,
      ];
    }),
  );
  const range = `${xText(domain[0])} to ${xText(domain[1])}`;
  return parts.length > 0 ? `${spec.name}, ${range}: ${parts.join("; ")}.` : `${spec.name}, ${range}.`;
}
