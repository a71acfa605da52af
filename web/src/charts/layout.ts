/** Where everything of a chart stands, in pixels. */

import { number } from "@/format";
import { xExtent, yExtent } from "./extent";
import { decimals, linear, niceTicks, ticksWithin, timeTicks, type Scale } from "./scale";
import type { ChartSpec, Event, Interval, Line, Panel, Range, Series, Tone, XAxis } from "./spec";

export interface Size {
  width: number;
  height: number;
}

export interface Tick {
  at: number;
  value: number;
  text: string;
  strong?: boolean;
}

export interface EndLabel {
  text: string;
  tone: Tone;
  at: number;
  large: boolean;
}

export interface PanelFrame {
  panel: Panel;
  top: number;
  height: number;
  domain: Interval;
  y: Scale;
  ticks: Tick[];
  digits: number;
  ends: EndLabel[];
  labelLeft: boolean;
}

export interface EventLabel {
  text: string;
  tone: Tone;
  at: number;
  strong: boolean;
}

export interface Frame extends Size {
  spec: ChartSpec;
  left: number;
  right: number;
  top: number;
  bottom: number;
  domain: Interval;
  x: Scale;
  ticks: Tick[];
  panels: PanelFrame[];
  /** Events that are seen. */
  events: Event[];
  labels: EventLabel[];
}

const AXIS_ROOM = 20;
const LABEL_ROOM = 76;
const PANEL_GAP = 12;
const NARROW = 520;
const SEVERE: Partial<Record<Tone, number>> = { crit: 3, warn: 2, note: 1 };

/** Width of text in the axis size; near enough to leave room by. */
export function textWidth(text: string, size = 11): number {
  return text.length * size * 0.57;
}

/** Where everything stands, when `view` of the x axis is seen. */
export function frameOf(spec: ChartSpec, size: Size, view?: Interval | null): Frame {
  const domain = view ?? xExtent(spec);
  const top = (spec.events ?? []).some((e) => e.label && e.until === undefined) ? 20 : 8;
  const bottom = size.height - AXIS_ROOM;
  const panels = stacked(spec, size, top, bottom);
  const left = Math.max(...panels.map(leftRoom), 12);
  const right = size.width - rightRoom(spec, panels);
  const x = linear(domain[0], domain[1], left, Math.max(left + 10, right));
  const ticks = xTicks(spec.x, domain, x, right - left);
  const events = (spec.events ?? []).filter((e) => e.x <= domain[1] && (e.until ?? e.x) >= domain[0]);
  const frame = { ...size, spec, left, right, top, bottom, domain, x, ticks, panels, events };
  return { ...frame, labels: eventLabels(frame) };
}

function stacked(spec: ChartSpec, size: Size, top: number, bottom: number): PanelFrame[] {
  const weights = spec.panels.map((panel) => panel.weight ?? 1);
  const whole = weights.reduce((a, b) => a + b, 0);
  const room = Math.max(20, bottom - top - PANEL_GAP * (spec.panels.length - 1));
  let at = top;
  return spec.panels.map((panel, i) => {
    const height = (room * (weights[i] ?? 1)) / whole;
    const frame = panelFrame(panel, at, height, size.width);
    at += height + PANEL_GAP;
    return frame;
  });
}

function panelFrame(panel: Panel, top: number, height: number, width: number): PanelFrame {
  const axis = yAxis(panel, height);
  const y = linear(axis.domain[0], axis.domain[1], top + height, top);
  const ticks = axis.ticks.map((tick) => ({ ...tick, at: y(tick.value) }));
  const labelLeft = panel.label !== undefined && (panel.labelAt ?? "left") === "left" && width >= NARROW;
  return {
    panel,
    top,
    height,
    domain: axis.domain,
    y,
    ticks,
    digits: axis.digits,
    ends: apart(endLabels(panel, y, axis.domain), top, top + height),
    labelLeft,
  };
}

function yAxis(panel: Panel, height: number) {
  const axis = panel.y ?? {};
  const extent = spanning(yExtent(panel) ?? [0, 1], axis.least ?? 0);
  const low = axis.min ?? extent[0];
  const high = axis.max ?? extent[1];
  if (axis.ticks) {
    return { domain: [low, high] as Interval, ticks: axis.ticks.map((t) => ({ ...t })), digits: 0 };
  }
  const count = axis.count ?? Math.max(3, Math.min(5, Math.floor(height / 26)));
  const fixed = axis.min !== undefined && axis.max !== undefined;
  const nice = fixed ? ticksWithin(low, high, count) : niceTicks(low, high, count);
  const digits = decimals(nice.step);
  const format = axis.format ?? ((value: number) => number(value, digits));
  const last = nice.values.length - 1;
  const ticks = nice.values.map((value, i) => ({ value, text: format(value, i === last) }));
  return { domain: [nice.min, nice.max] as Interval, ticks, digits };
}

/** Widened to both sides to the least that it is to span; nothing that is positive goes below zero by that. */
function spanning([low, high]: Interval, least: number): Interval {
  const more = Math.max(0, least - (high - low)) / 2;
  const down = low >= 0 ? Math.min(more, low) : more;
  return [low - down, high + 2 * more - down];
}

function leftRoom(frame: PanelFrame): number {
  const ticks = Math.max(0, ...frame.ticks.map((tick) => textWidth(tick.text)));
  return Math.ceil(ticks) + 10 + (frame.labelLeft ? LABEL_ROOM : 0);
}

function rightRoom(spec: ChartSpec, panels: PanelFrame[]): number {
  const ends = panels.flatMap((p) => p.ends).map((end) => textWidth(end.text, end.large ? 13.5 : 11.5) + 10);
  return Math.ceil(Math.max(spec.x.unit ? 18 : 14, ...ends));
}

const ending = (series: Series): series is Line | Range => series.kind === "line" || series.kind === "range";

function endLabels(panel: Panel, y: Scale, domain: Interval): EndLabel[] {
  const within = (value: number): number => Math.min(domain[1], Math.max(domain[0], value));
  const lines = panel.series.filter(ending).flatMap((series) => {
    const last = (series.kind === "line" ? series.y : series.mean).findLast((v) => v !== null);
    if (!series.end || last === null || last === undefined) return [];
    return [{ text: series.end, tone: series.tone, at: y(within(last)), large: series.endLarge ?? false }];
  });
  const limits = (panel.limits ?? [])
    .filter((limit) => (limit.at ?? "end") === "end")
    .map((limit) => ({ text: limit.label, tone: limit.tone, at: y(within(limit.y)), large: false }));
  return [...lines, ...limits];
}

/** Labels moved so that none lies on another, kept as near as can be to where they belong. */
export function apart<L extends { at: number }>(
  labels: readonly L[],
  top: number,
  bottom: number,
  least = 14,
): L[] {
  const sorted = labels.map((label) => ({ ...label })).sort((a, b) => a.at - b.at);
  let floor = top - least / 2;
  for (const label of sorted) {
    label.at = Math.max(label.at, floor);
    floor = label.at + least;
  }
  let ceiling = bottom + least / 2;
  for (const label of sorted.reverse()) {
    label.at = Math.min(label.at, ceiling);
    ceiling = label.at - least;
  }
  return sorted.reverse();
}

function xTicks(axis: XAxis, domain: Interval, x: Scale, width: number): Tick[] {
  const each = axis.kind === "time" ? 84 : 52;
  const count = Math.max(3, Math.min(10, Math.floor(width / each)));
  if (axis.kind === "time" && !axis.ticks) {
    const { values, texts } = timeTicks(domain[0], domain[1], count);
    return values.map((value, i) => ({
      value,
      at: x(value),
      text: axis.format?.(value, "middle") ?? texts[i] ?? "",
    }));
  }
  return roomy(valueTicks(axis, domain, count).map((tick) => ({ ...tick, at: x(tick.value) })));
}

function valueTicks(axis: XAxis, domain: Interval, count: number) {
  const nice = ticksWithin(domain[0], domain[1], count);
  const values = axis.ticks?.filter((v) => v >= domain[0] && v <= domain[1]) ?? nice.values;
  const shown = axis.whole ? values.filter(Number.isInteger) : values;
  const digits = axis.whole ? 0 : decimals(nice.step);
  return shown.map((value, i) => {
    const place = i === 0 ? "first" : i === shown.length - 1 ? "last" : "middle";
    const plain = number(value, digits) + (place === "last" && axis.unit ? ` ${axis.unit}` : "");
    return { value, text: axis.format?.(value, place) ?? plain };
  });
}

/** Ticks whose texts do not touch; the first ones stay. */
function roomy(ticks: Tick[]): Tick[] {
  let free = -Infinity;
  return ticks.filter((tick) => {
    const half = textWidth(tick.text) / 2;
    if (tick.at - half < free) return false;
    free = tick.at + half + 8;
    return true;
  });
}

/** Names of events at the top; one that would lie on another is dropped, solid ones first served, then the more severe. */
function eventLabels(frame: Omit<Frame, "labels">): EventLabel[] {
  const taken: Interval[] = [];
  const seen = frame.events.filter((e) => e.label && e.until === undefined);
  const rank = ({ solid, tone }: Event) => (solid ? 10 : (SEVERE[tone] ?? 0));
  const order = [...seen].sort((a, b) => rank(b) - rank(a) || b.x - a.x);
  return order.flatMap((event) => {
    const text = event.label ?? "";
    const half = textWidth(text) / 2;
    const at = Math.min(frame.right - half + 8, Math.max(frame.left + half - 8, frame.x(event.x)));
    if (taken.some(([from, to]) => at + half + 6 > from && at - half - 6 < to)) return [];
    taken.push([at - half, at + half]);
    return [{ text, tone: event.tone, at, strong: event.solid ?? false }];
  });
}

/** How a value of x is written where it is read out. */
export function xText(
  axis: XAxis,
  value: number,
  domain: Interval,
  moment: (t: number, span: number) => string,
): string {
  if (axis.read) return axis.read(value);
  if (axis.kind === "time") return moment(value, domain[1] - domain[0]);
  const nice = ticksWithin(domain[0], domain[1], 10);
  const text = axis.whole ? number(Math.round(value), 0) : number(value, decimals(nice.step) + 1);
  return axis.unit ? `${text} ${axis.unit}` : text;
}
