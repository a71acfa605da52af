/** The pointer over a chart: hover moves the cross-hair, a drag zooms or brushes, Shift and a drag pans. */

import { useRef, useState, type PointerEvent } from "react";

import { xExtent } from "./extent";
import type { Frame } from "./layout";
import { pointAt, snapped, stopsOf } from "./reading";
import type { ChartSpec, Interval } from "./spec";

export type Drag = "zoom" | "brush-x" | "brush" | "none";

/** What was brushed: part of x, and of y where both are. */
export interface Box {
  x: Interval;
  y?: Interval;
}

export interface PointRef {
  series: string;
  index: number;
}

/** What was clicked: the nearest x, and the point under the pointer if there is one. */
export interface Pick {
  x: number;
  point: PointRef | null;
}

interface Wanted {
  spec: ChartSpec;
  frame: Frame | null;
  drag: Drag;
  move: (at: number | null) => void;
  /** Shows a part of the axis while it is dragged. */
  pan: (view: Interval) => void;
  show: (view: Interval | null) => void;
  onBrush?: (box: Box | null) => void;
  onPick?: (pick: Pick) => void;
}

interface Hold {
  x: number;
  y: number;
  pan: boolean;
  view: Interval;
  last?: Interval;
}

/** A press that moves less is a click. */
const CLICK = 4;

export function useChartPointer(wanted: Wanted) {
  const { spec, frame, drag, move } = wanted;
  const hold = useRef<Hold>(undefined);
  const [pulled, setPulled] = useState<Box | null>(null);
  const [point, setPoint] = useState<PointRef | null>(null);

  const hover = (px: number, py: number): void => {
    if (!frame) return;
    move(snapped(stopsOf(spec), frame.x.back(clamp(px, frame.left, frame.right))));
    const found = pointAt(frame, px, py);
    setPoint((old) => (old?.series === found?.series && old?.index === found?.index ? old : found));
  };
  const finish = (px: number, py: number): void => {
    const held = hold.current;
    hold.current = undefined;
    setPulled(null);
    if (!held || !frame) return;
    if (Math.abs(px - held.x) < CLICK && Math.abs(py - held.y) < CLICK) return click(wanted, px, py);
    if (held.pan) return wanted.show(held.last ?? held.view);
    const box = boxOf(frame, drag, held, px, py);
    if (drag === "zoom") wanted.show(box.x);
    else wanted.onBrush?.(box);
  };
  const drawn = (px: number, py: number): void => {
    const held = hold.current;
    if (!held || !frame) return;
    if (held.pan) {
      held.last = shifted(held.view, frame.x.back(held.x) - frame.x.back(px), xExtent(spec));
      wanted.pan(held.last);
    } else if (drag !== "none" && Math.abs(px - held.x) >= CLICK) setPulled(boxOf(frame, drag, held, px, py));
  };
  const handlers = {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      if (event.button !== 0 || !frame) return;
      const [x, y] = placeOf(event);
      // A finger moves the cross-hair; only a mouse or a pen drags a range.
      if (event.pointerType !== "touch") event.currentTarget.setPointerCapture(event.pointerId);
      hold.current = { x, y, pan: event.shiftKey && drag === "zoom", view: frame.domain };
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      const [x, y] = placeOf(event);
      if (hold.current && event.pointerType !== "touch") drawn(x, y);
      if (!hold.current?.pan) hover(x, y);
    },
    onPointerUp: (event: PointerEvent<HTMLElement>) => {
      const [x, y] = placeOf(event);
      if (event.pointerType === "touch" && hold.current) hold.current = { ...hold.current, x, y };
      finish(x, y);
    },
    onPointerCancel: () => {
      hold.current = undefined;
      setPulled(null);
    },
    onPointerLeave: () => {
      move(null);
      setPoint(null);
    },
    onDoubleClick: () => {
      if (drag === "zoom") wanted.show(null);
      else wanted.onBrush?.(null);
    },
  };
  return { handlers, pulled, point };
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

function placeOf(event: PointerEvent<HTMLElement>): [number, number] {
  const box = event.currentTarget.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function click({ spec, frame, onPick }: Wanted, px: number, py: number): void {
  if (!frame || !onPick) return;
  const point = pointAt(frame, px, py);
  const x = snapped(stopsOf(spec), frame.x.back(px));
  if (x !== null || point) onPick({ x: x ?? frame.x.back(px), point });
}

function boxOf(frame: Frame, drag: Drag, held: Hold, px: number, py: number): Box {
  const sorted = (a: number, b: number): Interval => (a < b ? [a, b] : [b, a]);
  const within = (x: number): number => frame.x.back(clamp(x, frame.left, frame.right));
  const x = sorted(within(held.x), within(px));
  const panel = frame.panels[0];
  if (drag !== "brush" || !panel) return { x };
  const height = (y: number): number => panel.y.back(clamp(y, panel.top, panel.top + panel.height));
  return { x, y: sorted(height(held.y), height(py)) };
}

/** A view moved along the axis, held within what there is. */
export function shifted([low, high]: Interval, by: number, [first, last]: Interval): Interval {
  const room = clamp(by, Math.min(0, first - low), Math.max(0, last - high));
  return [low + room, high + room];
}
