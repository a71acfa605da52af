/** From a chart's description to what ECharts draws. Axes, limits, events and bands are placed by `layout`. */

import type { EChartsCoreOption } from "echarts/core";

import { columnsOf } from "./extent";
import { annotations } from "./annotations";
import type { Frame, PanelFrame } from "./layout";
import { DASHES, textTone, WIDTHS, type Palette } from "./palette";
import type { Line, Points, Range, Series } from "./spec";

type Pair = [number, number | null];

/** All that ECharts needs, in pixels that were worked out before. */
export function optionOf(frame: Frame, palette: Palette): EChartsCoreOption {
  return {
    animation: false,
    textStyle: { fontFamily: palette.font },
    grid: frame.panels.map((panel) => gridOf(frame, panel)),
    xAxis: frame.panels.map((_, i) => ({ ...hidden(frame.domain), gridIndex: i })),
    yAxis: frame.panels.map((panel, i) => ({ ...hidden(panel.domain), gridIndex: i })),
    series: frame.panels.flatMap((panel, i) =>
      panel.panel.series.flatMap((series) =>
        drawn(series, frame, palette).map((s) => ({ ...s, ...axes(i) })),
      ),
    ),
    graphic: annotations(frame, palette),
  };
}

function gridOf(frame: Frame, panel: PanelFrame) {
  const width = Math.max(1, frame.right - frame.left);
  return { left: frame.left, top: panel.top, width, height: panel.height, outerBoundsMode: "none" };
}

const hidden = ([min, max]: readonly [number, number]) => ({ type: "value", show: false, min, max });
const axes = (i: number) => ({ xAxisIndex: i, yAxisIndex: i });

function drawn(series: Series, frame: Frame, palette: Palette): object[] {
  switch (series.kind) {
    case "line":
      return [lineOf(series, series.step ? stepPairs(series) : pairs(series.x, series.y), palette)];
    case "range":
      return [lineOf(series, zigzag(series), palette)];
    case "points":
      return [pointsOf(series, frame, palette)];
    default:
      return []; // bands, bars and segments are shapes among the annotations
  }
}

export function pairs(x: readonly number[], y: Line["y"]): Pair[] {
  return x.map((at, i) => [at, y[i] ?? null]);
}

/** A line that holds each value until the next one. */
export function stepPairs({ x, y }: Pick<Line, "x" | "y">): Pair[] {
  return x.flatMap((at, i): Pair[] => {
    const before = i > 0 ? (y[i - 1] ?? null) : null;
    const here: Pair = [at, y[i] ?? null];
    return before === null ? [here] : [[at, before], here];
  });
}

/** Minimum and maximum of each step, the nearer to where the line is first, so that it crosses the step once. */
export function zigzag({ x, min, max }: Pick<Range, "x" | "min" | "max">): Pair[] {
  const path: Pair[] = [];
  let last: number | null = null;
  x.forEach((at, i) => {
    const [low, high] = [min[i] ?? null, max[i] ?? null];
    if (low === null || high === null) {
      if (last !== null) path.push([at, null]);
      last = null;
    } else if (low === high) {
      path.push([at, low]);
      last = low;
    } else {
      const up = last === null || Math.abs(low - last) <= Math.abs(high - last);
      path.push([at, up ? low : high], [at, up ? high : low]);
      last = up ? high : low;
    }
  });
  return path;
}

function lineOf(series: Line | Range, data: Pair[], palette: Palette): object {
  const dash = series.kind === "line" ? (series.dash ?? "solid") : "solid";
  return {
    id: series.id,
    name: series.name,
    type: "line",
    data,
    showSymbol: lonely(data),
    symbol: "circle",
    symbolSize: 3,
    silent: true,
    z: series.tone === "measured" ? 4 : 3,
    lineStyle: {
      color: palette.of(series.tone),
      width: series.width ?? WIDTHS[series.tone] ?? 1.4,
      type: DASHES[dash],
      join: "round",
    },
    itemStyle: { color: palette.of(series.tone) },
  };
}

/** A value with nothing on both sides has no line to be seen by. */
function lonely(data: Pair[]): boolean {
  if (data.length > 400) return false;
  return data.some(
    ([, y], i) => y !== null && (data[i - 1]?.[1] ?? null) === null && (data[i + 1]?.[1] ?? null) === null,
  );
}

const CROSS = "path://M0,0L8,8M8,0L0,8";
const SYMBOLS = {
  disc: "circle",
  ring: "circle",
  half: "circle",
  triangle: "triangle",
  cross: CROSS,
  diamond: "diamond",
};

function pointsOf(series: Points, frame: Frame, palette: Palette): object {
  const colour = palette.of(series.tone);
  const hollow = series.mark === "ring" || series.mark === "diamond";
  const cross = series.mark === "cross";
  return {
    id: series.id,
    name: series.name,
    type: "scatter",
    data: dots(series),
    symbol: SYMBOLS[series.mark],
    symbolSize: series.size ?? (series.mark === "disc" ? 6 : 9),
    large: series.many ?? false,
    largeThreshold: 2000,
    progressive: 4000,
    silent: true,
    clip: true,
    z: 5,
    itemStyle: {
      color: hollow ? palette.of("surface") : cross ? "transparent" : colour,
      borderColor: colour,
      borderWidth: hollow || cross ? 1.6 : series.outlined ? 1 : 0,
      opacity: series.opacity ?? 1,
    },
    ...labelled(series, frame, palette),
  };
}

function dots(series: Points): unknown[] {
  const { colours } = series;
  if (!colours) return pairs(series.x, series.y);
  return pairs(series.x, series.y).map((value, i) => ({ value, itemStyle: { color: colours[i] } }));
}

function labelled(series: Points, frame: Frame, palette: Palette): object {
  const { labels } = series;
  if (!labels) return {};
  const right = (x: number): boolean => frame.x(x) > frame.right - 90;
  return {
    label: {
      show: true,
      color: palette.of(textTone(series.tone)),
      fontSize: 11,
      fontWeight: 600,
      position: series.labelSide ?? (series.x.some(right) ? "left" : "right"),
      formatter: ({ dataIndex }: { dataIndex: number }) => labels[dataIndex] ?? "",
    },
    labelLayout: { hideOverlap: true },
  };
}

/** How many values a chart has; used to tell whether a picture is worth redrawing. */
export function sizeOf(series: readonly Series[]): number {
  return series.reduce((sum, s) => sum + columnsOf(s).reduce((n, column) => n + column.length, 0), 0);
}
