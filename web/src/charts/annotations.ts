/** Everything of a chart that is not a line or a point: axes, bands, bars, limits, events, names. */

import { gapsOf } from "./extent";
import type { EndLabel, Frame, PanelFrame, Tick } from "./layout";
import { DASHES, textTone, type Palette } from "./palette";
import type { Band, Bars, Column, Event, Interval, Limit, Line, Range, Segments, Series } from "./spec";

/** A shape as ECharts' `graphic` takes it. */
export interface Shape {
  type: "line" | "rect" | "polygon" | "text" | "circle";
  z: number;
  silent: true;
  shape?: Record<string, unknown>;
  style: Record<string, unknown>;
}

type Point = [number, number];
type Span = { left: number; right: number };

const AXIS_SIZE = 11;

/** All shapes, the ones below the data first. */
export function annotations(frame: Frame, palette: Palette): Shape[] {
  return [
    ...stretches(frame, palette),
    ...frame.panels.flatMap((panel) => panelShapes(panel, frame, palette)),
    ...xAxis(frame, palette),
    ...events(frame, palette),
  ];
}

function panelShapes(panel: PanelFrame, frame: Frame, palette: Palette): Shape[] {
  return [
    ...yAxis(panel, frame, palette),
    ...goal(panel, frame, palette),
    ...panel.panel.series.flatMap((series) => filled(series, panel, frame, palette)),
    ...(panel.panel.hatch ? hatches(panel, frame, palette) : []),
    ...(panel.panel.limits ?? []).flatMap((limit) => limitShapes(limit, panel, frame, palette)),
    ...panel.ends.map((end) => endText(end, frame, palette)),
    ...panelName(panel, frame, palette),
  ];
}

function line(x1: number, y1: number, x2: number, y2: number, style: Record<string, unknown>, z = 0): Shape {
  return { type: "line", z, silent: true, shape: { x1, y1, x2, y2 }, style: { lineWidth: 1, ...style } };
}

function words(
  text: string,
  x: number,
  y: number,
  fill: string,
  more: Record<string, unknown> = {},
  z = 10,
): Shape {
  const { size = AXIS_SIZE, weight = 400, family, ...rest } = more;
  const font = { fontSize: size, fontWeight: weight, fontFamily: family };
  return {
    type: "text",
    z,
    silent: true,
    style: { text, x, y, fill, verticalAlign: "middle", ...font, ...rest },
  };
}

// --- axes

function yAxis(panel: PanelFrame, frame: Frame, palette: Palette): Shape[] {
  const shapes = panel.ticks.flatMap((tick) => yTick(tick, frame, palette));
  if (panel.panel.y?.zero && panel.domain[0] < 0 && panel.domain[1] > 0) {
    shapes.push(
      line(
        frame.left,
        crisp(panel.y(0)),
        frame.right,
        crisp(panel.y(0)),
        { stroke: palette.of("cohort") },
        1,
      ),
    );
  }
  return shapes;
}

function yTick(tick: Tick, frame: Frame, palette: Palette): Shape[] {
  const fill = palette.of(tick.strong ? "ink" : "ink-3");
  const font = { align: "right", weight: tick.strong ? 600 : 400, family: palette.font };
  return [
    line(frame.left, crisp(tick.at), frame.right, crisp(tick.at), { stroke: palette.of("grid") }),
    words(tick.text, frame.left - 8, tick.at, fill, font),
  ];
}

function xAxis(frame: Frame, palette: Palette): Shape[] {
  const at = crisp(frame.bottom);
  const rule = line(frame.left, at, frame.right, at, { stroke: palette.of("line-strong") }, 1);
  return [rule, ...frame.ticks.flatMap((tick) => xTick(tick, frame, palette))];
}

function xTick(tick: Tick, frame: Frame, palette: Palette): Shape[] {
  const x = crisp(tick.at);
  const font = { align: "center", family: palette.font };
  return [
    line(x, frame.bottom, x, frame.bottom + 4, { stroke: palette.of("line-strong") }),
    words(tick.text, tick.at, frame.bottom + 12, palette.of("ink-3"), font),
  ];
}

function panelName({ panel, top, labelLeft }: PanelFrame, frame: Frame, palette: Palette): Shape[] {
  if (!panel.label) return [];
  if (!labelLeft) {
    const text = panel.sublabel ? `${panel.label}, ${panel.sublabel}` : panel.label;
    const ground = { backgroundColor: palette.of("surface"), padding: [0, 3] };
    return [
      words(text, frame.left + 4, top + 4, palette.of("ink-2"), { family: palette.font, ...ground }, 6),
    ];
  }
  const name = words(panel.label, 2, top + 13, palette.of("ink-2"), { family: palette.font });
  if (!panel.sublabel) return [name];
  return [name, words(panel.sublabel, 2, top + 27, palette.of("ink-3"), { family: palette.font })];
}

// --- limits, events, goals

function limitShapes(limit: Limit, panel: PanelFrame, frame: Frame, palette: Palette): Shape[] {
  if (limit.y < panel.domain[0] || limit.y > panel.domain[1]) return [];
  const y = crisp(panel.y(limit.y));
  const stroke = palette.of(limit.tone);
  const dash = line(
    frame.left,
    y,
    frame.right,
    y,
    { stroke, lineWidth: 1.4, lineDash: DASHES[limit.dash ?? "limit"] },
    2,
  );
  if ((limit.at ?? "end") === "end") return [dash];
  const font = { align: "right", family: palette.font };
  return [
    dash,
    words(
      limit.label,
      frame.right - 6,
      y + (limit.at === "below" ? 9 : -9),
      palette.of(textTone(limit.tone)),
      font,
    ),
  ];
}

function endText(end: EndLabel, frame: Frame, palette: Palette): Shape {
  const font = { size: end.large ? 13 : AXIS_SIZE, weight: end.large ? 650 : 600, family: palette.font };
  return words(end.text, frame.right + 6, end.at, palette.of(textTone(end.tone)), font);
}

function stretches(frame: Frame, palette: Palette): Shape[] {
  return frame.events.flatMap((event) => {
    if (event.until === undefined) return [];
    const x = frame.x(Math.max(event.x, frame.domain[0]));
    const to = frame.x(Math.min(event.until, frame.domain[1]));
    const shape = { x, y: frame.top, width: Math.max(1, to - x), height: frame.bottom - frame.top };
    const ground: Shape = {
      type: "rect",
      z: 0,
      silent: true,
      shape,
      style: { fill: palette.of(event.tone), opacity: 0.12 },
    };
    if (!event.label) return [ground];
    const at = frame.panels[0];
    const y = at ? at.top + at.height - 10 : frame.bottom - 10;
    const font = { weight: 600, family: palette.font };
    return [ground, words(event.label, x + 6, y, palette.of(textTone(event.tone)), font, 6)];
  });
}

function events(frame: Frame, palette: Palette): Shape[] {
  const lines = frame.events.flatMap((event) =>
    event.until === undefined ? eventLines(event, frame, palette) : [],
  );
  const names = frame.labels.map((label) => {
    const font = { align: "center", weight: label.strong ? 600 : 400, family: palette.font };
    return words(label.text, label.at, 7, palette.of(textTone(label.tone)), font);
  });
  return [...lines, ...names];
}

function eventLines(event: Event, frame: Frame, palette: Palette): Shape[] {
  const x = crisp(frame.x(event.x));
  const style = { stroke: palette.of(event.tone), lineDash: event.solid ? "solid" : DASHES.event };
  return frame.panels.map(({ top, height }, i) =>
    line(x, i === 0 ? frame.top - 6 : top, x, top + height, style, 2),
  );
}

function goal(panel: PanelFrame, frame: Frame, palette: Palette): Shape[] {
  const range = panel.panel.goal;
  if (!range) return [];
  const y = panel.y(range.high);
  const shape = { x: frame.left, y, width: frame.right - frame.left, height: panel.y(range.low) - y };
  return [{ type: "rect", z: 0, silent: true, shape, style: { fill: palette.of("accent-soft") } }];
}

// --- filled shapes

function filled(series: Series, panel: PanelFrame, frame: Frame, palette: Palette): Shape[] {
  switch (series.kind) {
    case "band":
      return bandShapes(series, panel, frame, palette);
    case "bars":
      return barShapes(series, panel, frame, palette);
    case "segments":
      return segmentShapes(series, panel, frame, palette);
    case "line":
      return series.live ? liveDisc(series, panel, frame, palette) : [];
    default:
      return [];
  }
}

/** Polygons of a band, one for each stretch without a gap, cut at the edges of the plot. */
export function bandPolygons(
  band: Pick<Band, "x" | "low" | "high" | "step">,
  panel: PanelFrame,
  frame: Frame,
): Point[][] {
  const clampY = (value: number): number =>
    panel.y(Math.min(panel.domain[1], Math.max(panel.domain[0], value)));
  return stretchesOf(band.x, band.low, band.high)
    .map((rows) => {
      const cut = cutRows(band.step ? stepRows(rows) : rows, frame.domain);
      const top = cut.map(([x, , high]): Point => [frame.x(x), clampY(high)]);
      const under = cut.map(([x, low]): Point => [frame.x(x), clampY(low)]).reverse();
      return [...top, ...under];
    })
    .filter((polygon) => polygon.length > 2);
}

type Row = [x: number, low: number, high: number];

function stretchesOf(x: readonly number[], low: Column, high: Column): Row[][] {
  const all: Row[][] = [];
  let open: Row[] = [];
  x.forEach((at, i) => {
    const [a, b] = [low[i] ?? null, high[i] ?? null];
    if (a !== null && b !== null) open.push([at, a, b]);
    else if (open.length > 0) {
      all.push(open);
      open = [];
    }
  });
  return open.length > 0 ? [...all, open] : all;
}

const stepRows = (rows: Row[]): Row[] =>
  rows.flatMap((row, i): Row[] => {
    const before = rows[i - 1];
    return before ? [[row[0], before[1], before[2]], row] : [row];
  });

/** Rows inside a range of x, with the edges worked out between the rows that lie on both sides. */
function cutRows(rows: Row[], [low, high]: Interval): Row[] {
  const inside = rows.filter(([x]) => x >= low && x <= high);
  const edge = (x: number): Row[] => {
    const after = rows.findIndex((row) => row[0] >= x);
    const [a, b] = [rows[after - 1], rows[after]];
    if (!a || !b || b[0] === a[0]) return [];
    const part = (x - a[0]) / (b[0] - a[0]);
    return [[x, a[1] + (b[1] - a[1]) * part, a[2] + (b[2] - a[2]) * part]];
  };
  return [...edge(low), ...inside, ...edge(high)];
}

function bandShapes(band: Band, panel: PanelFrame, frame: Frame, palette: Palette): Shape[] {
  const style = { fill: palette.of(band.tone), opacity: palette.band(band.tone) };
  return bandPolygons(band, panel, frame).map((points) => ({
    type: "polygon",
    z: 2,
    silent: true,
    shape: { points },
    style,
  }));
}

function barShapes(bars: Bars, panel: PanelFrame, frame: Frame, palette: Palette): Shape[] {
  const span: Span = { left: frame.left, right: frame.right };
  const zero = panel.y(Math.max(0, panel.domain[0]));
  return bars.from.flatMap((from, i) => {
    const value = bars.y[i] ?? null;
    if (value === null || value === 0) return [];
    const x = Math.max(span.left, frame.x(from) + 0.5);
    const width = Math.min(span.right, frame.x(bars.to[i] ?? from) - 0.5) - x;
    if (width <= 0) return [];
    const y = Math.min(zero - 1, panel.y(value));
    return [
      {
        type: "rect",
        z: 2,
        silent: true,
        shape: { x, y, width, height: zero - y },
        style: { fill: palette.of(bars.tone), opacity: 0.82 },
      },
    ];
  });
}

function segmentShapes(series: Segments, panel: PanelFrame, frame: Frame, palette: Palette): Shape[] {
  const style = { stroke: palette.of(series.tone), lineWidth: series.width ?? 1 };
  return series.x1.flatMap((x1, i) => {
    const [y1, y2, x2] = [series.y1[i] ?? null, series.y2[i] ?? null, series.x2[i] ?? x1];
    if (y1 === null || y2 === null) return [];
    return [line(frame.x(x1), panel.y(y1), frame.x(x2), panel.y(y2), style, 2)];
  });
}

function liveDisc(series: Line | Range, panel: PanelFrame, frame: Frame, palette: Palette): Shape[] {
  if (series.kind !== "line") return [];
  const i = series.y.findLastIndex((v) => v !== null);
  const [x, y] = [series.x[i], series.y[i]];
  if (x === undefined || y === null || y === undefined) return [];
  if (x < frame.domain[0] || x > frame.domain[1]) return [];
  const style = { fill: palette.of(series.tone), stroke: palette.of("surface"), lineWidth: 1.6 };
  return [{ type: "circle", z: 6, silent: true, shape: { cx: frame.x(x), cy: panel.y(y), r: 4 }, style }];
}

// --- gaps

/** Stretches as long as this part of what is seen are hatched. */
const LONG_GAP = 0.02;

function hatches(panel: PanelFrame, frame: Frame, palette: Palette): Shape[] {
  const series = panel.panel.series.find((s): s is Line | Range => s.kind === "line" || s.kind === "range");
  if (!series) return [];
  const least = (frame.domain[1] - frame.domain[0]) * LONG_GAP;
  const gaps = gapsOf(series.x, series.kind === "line" ? series.y : series.mean, least, frame.domain);
  const lines = { stroke: palette.of("line-strong"), opacity: 0.7 };
  return gaps.flatMap(([from, to]) => {
    const left = Math.max(frame.left, frame.x(from));
    const right = Math.min(frame.right, frame.x(to));
    return right > left ? hatchLines({ left, right }, panel, lines) : [];
  });
}

/** Slanted lines 8 pixels apart, cut at the edges of the gap. */
function hatchLines(
  { left, right }: Span,
  { top, height }: PanelFrame,
  style: Record<string, unknown>,
): Shape[] {
  const shapes: Shape[] = [];
  for (let x = left - height; x < right; x += 8) {
    const from = Math.max(left, x);
    const to = Math.min(right, x + height);
    if (to > from) shapes.push(line(from, top + height - (from - x), to, top + height - (to - x), style));
  }
  return shapes;
}

/** Lines one pixel wide are sharp on half pixels. */
const crisp = (at: number): number => Math.round(at - 0.5) + 0.5;
