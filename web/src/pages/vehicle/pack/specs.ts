/** The pack's charts as data: all cells ranked, one cell against the others, the spread over days, the scrubber. */

import { withGaps } from "@/charts/gaps";
import type { ChartSpec, Column, Event } from "@/charts";
import type { Palette } from "@/charts/palette";
import { clock, number, signed } from "@/format";
import type { Telemetry } from "../data";
import { eventsOf } from "../overview/live";
import type { CellSeries, SpreadTrend } from "./data";
import { endOf, heat } from "./heat";
import type { CellFrame } from "./layers";

/** Cells from the lowest to the highest, as [cell, deviation]. */
export function rankedCells({ deviation_mv: values }: CellFrame): [cell: number, mv: number][] {
  const known = values.flatMap((mv, i): [number, number][] => (mv === null ? [] : [[i + 1, mv]]));
  return known.sort((a, b) => a[1] - b[1]);
}

export function rankedSpec(frame: CellFrame, chosen: number | null, palette: Palette): ChartSpec {
  const ranked = rankedCells(frame);
  const x = ranked.map((_, i) => i + 1);
  const y = ranked.map(([, mv]) => mv);
  const end = endOf(y, 10);
  const last = ranked.length;
  const place = ranked.findIndex(([cell]) => cell === chosen);
  const mv = y[place];
  return {
    name: `All ${number(last)} cells, ranked`,
    x: {
      kind: "value",
      label: "Rank from the lowest",
      min: 0,
      max: last + 1,
      whole: true,
      ticks: [1, Math.round(last / 4), Math.round(last / 2), Math.round((3 * last) / 4), last],
      format: (value) => (value === 1 ? "lowest" : value === last ? "highest" : number(value)),
      read: (value) => `number ${number(value)} from the lowest`,
    },
    panels: [
      {
        id: "ranked",
        unit: "mV",
        digits: 1,
        y: { zero: true },
        series: [
          {
            kind: "segments",
            id: "stems",
            name: "stems",
            legend: false,
            tone: "cohort",
            x1: x,
            y1: y.map(() => 0),
            x2: x,
            y2: y,
          },
          {
            kind: "points",
            id: "cells",
            name: "ΔV",
            legend: false,
            tone: "cohort",
            mark: "disc",
            size: 8,
            x,
            y,
            ids: ranked.map(([cell]) => `cell ${cell}`),
            colours: y.map((value) => heat(value / end, palette).ground),
            outlined: true,
          },
          ...(mv === undefined
            ? []
            : [
                {
                  kind: "points" as const,
                  id: "chosen",
                  name: `cell ${chosen}`,
                  legend: false,
                  tone: mv < 0 ? ("never" as const) : ("estimated" as const),
                  mark: "disc" as const,
                  size: 10,
                  x: [place + 1],
                  y: [mv],
                  ids: [`cell ${chosen}`],
                  labels: [`cell ${chosen}, ${signed(mv, 0)} mV`],
                },
              ]),
        ],
      },
    ],
  };
}

/** Cells that stand out most, in words: "cell 82 sits 12σ low". */
export function standing({ z }: CellFrame): string {
  const out = z
    .flatMap((value, i): [number, number][] =>
      value !== null && Math.abs(value) >= 5 ? [[i + 1, value]] : [],
    )
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
    .slice(0, 3);
  if (out.length === 0) return "none stands out by 5σ";
  return out
    .map(([cell, value]) => `cell ${cell} sits ${number(Math.abs(value), 0)}σ ${value < 0 ? "low" : "high"}`)
    .join(", ");
}

/** What a frame says of a cell, to be written where the frame was taken. */
export interface Moment {
  at: number;
  mv: number | null;
}

export function cellSpec(series: CellSeries, { at, mv }: Moment): ChartSpec {
  const { cell } = series;
  const all = [series.voltage_v, series.median_v, series.p10_v, series.p90_v];
  const span = (series.time_ms.at(-1) ?? 0) - (series.time_ms[0] ?? 0);
  const { x, columns } = withGaps(series.time_ms, all, span);
  const [volts = [], median = [], p10 = [], p90 = []] = columns;
  const label = mv === null ? clock(at, true) : `${signed(mv, 0)} mV at ${clock(at, true)}`;
  const events: Event[] = [{ x: at, tone: "accent", solid: true, label }];
  return {
    name: `Cell ${cell} against median`,
    x: { kind: "time", label: "Time" },
    events,
    panels: [
      {
        id: "cell",
        unit: "V",
        digits: 3,
        hatch: true,
        series: [
          { kind: "band", id: "band", name: "p10–p90 of the cells", tone: "cohort", x, low: p10, high: p90 },
          {
            kind: "line",
            id: "median",
            name: "median",
            legend: false,
            tone: "measured",
            x,
            y: median,
            end: "median",
          },
          {
            kind: "line",
            id: "cell",
            name: `cell ${cell}`,
            legend: false,
            tone: "never",
            x,
            y: volts,
            end: `cell ${cell}`,
          },
        ],
      },
    ],
  };
}

export function spreadSpec({ day_ms: x, spread_mean_mv: mean, spread_max_mv: max }: SpreadTrend): ChartSpec {
  const last = mean.findLast((value) => value !== null);
  return {
    name: "Spread of the cells",
    x: { kind: "time", label: "Day" },
    panels: [
      {
        id: "spread",
        unit: "mV",
        digits: 0,
        y: { min: 0 },
        series: [
          {
            kind: "points",
            id: "max",
            name: "highest of a day",
            tone: "cohort",
            mark: "ring",
            size: 5,
            x,
            y: max,
          },
          {
            kind: "points",
            id: "mean",
            name: "mean of a day",
            tone: "measured",
            mark: "disc",
            size: 5,
            x,
            y: mean,
          },
          {
            kind: "line",
            id: "line",
            name: "mean",
            legend: false,
            tone: "measured",
            width: 0.6,
            x,
            y: mean,
            ...(last !== null && last !== undefined && { end: `${number(last)} mV` }),
          },
        ],
      },
    ],
  };
}

/** The pack current, to find a moment by; over many days the spread of each day. */
export function scrubSpec(telemetry: Telemetry, view: readonly [number, number]): ChartSpec {
  const series = telemetry.signals[0];
  const all: Column[] = [series?.mean ?? [], series?.min ?? [], series?.max ?? []];
  const { x, columns } = withGaps(telemetry.time_ms, all, view[1] - view[0]);
  const [mean = [], min = [], max = []] = columns;
  return {
    name: "Pack current",
    x: { kind: "time", label: "Time", min: view[0], max: view[1] },
    events: eventsOf(telemetry).filter((event) => event.tone !== "ink"),
    panels: [
      {
        id: "current",
        unit: "A",
        digits: 0,
        hatch: true,
        y: { zero: true, count: 4 },
        series: [
          {
            kind: "range",
            id: "current",
            name: "Pack current",
            legend: false,
            tone: "measured",
            x,
            min,
            max,
            mean,
          },
        ],
      },
    ],
  };
}
