/** How far data reach. */

import type { ChartSpec, Column, Interval, Panel, Series } from "./spec";

/** The x values of a series, in order. */
export function xsOf(series: Series): readonly number[] {
  if (series.kind === "bars") return series.from;
  return series.kind === "segments" ? series.x1 : series.x;
}

/** Every column of y values of a series. */
export function columnsOf(series: Series): readonly Column[] {
  switch (series.kind) {
    case "line":
    case "points":
    case "bars":
      return [series.y];
    case "range":
      return [series.min, series.max];
    case "band":
      return [series.low, series.high];
    case "segments":
      return [series.y1, series.y2];
  }
}

class Reach {
  low = Infinity;
  high = -Infinity;

  take(value: number | null | undefined): void {
    if (value === null || value === undefined || !Number.isFinite(value)) return;
    if (value < this.low) this.low = value;
    if (value > this.high) this.high = value;
  }

  get interval(): Interval | null {
    return this.high >= this.low ? [this.low, this.high] : null;
  }
}

/** From the lowest to the highest y value of a panel, its limits too; null when there is none. */
export function yExtent(panel: Panel): Interval | null {
  const reach = new Reach();
  for (const series of panel.series) {
    for (const column of columnsOf(series)) for (const value of column) reach.take(value);
    if (series.kind === "bars") reach.take(0);
  }
  for (const limit of panel.limits ?? []) reach.take(limit.y);
  if (panel.goal) [panel.goal.low, panel.goal.high].forEach((v) => reach.take(v));
  if (panel.y?.zero) reach.take(0);
  return reach.interval;
}

/** From the first to the last x value of a chart. */
export function xExtent(spec: ChartSpec): Interval {
  const reach = new Reach();
  for (const panel of spec.panels) {
    for (const series of panel.series) {
      for (const x of xsOf(series)) reach.take(x);
      if (series.kind === "bars") for (const x of series.to) reach.take(x);
      if (series.kind === "segments") for (const x of series.x2) reach.take(x);
    }
  }
  const [low, high] = reach.interval ?? [0, 1];
  return [spec.x.min ?? low, spec.x.max ?? high];
}

/** Whether anything at all can be drawn. */
export function hasData(spec: ChartSpec): boolean {
  return spec.panels.some((panel) =>
    panel.series.some((series) => columnsOf(series).some((column) => column.some((v) => v !== null))),
  );
}

/** Stretches of `seen` without values that last longer than `least`, as [from, to] of x. */
export function gapsOf(x: readonly number[], y: Column, least: number, seen: Interval): Interval[] {
  const gaps: Interval[] = [];
  let before: number | null = null;
  const first = x.find((_, i) => !isNull(y[i]));
  if (first !== undefined && first - seen[0] > least) gaps.push([seen[0], first]);
  x.forEach((at, i) => {
    if (y[i] === null || y[i] === undefined) return;
    if (before !== null && i > 0 && isNull(y[i - 1]) && at - before > least) gaps.push([before, at]);
    before = at;
  });
  if (before !== null && seen[1] - before > least) gaps.push([before, seen[1]]);
  return gaps;
}

const isNull = (value: number | null | undefined): boolean => value === null || value === undefined;
