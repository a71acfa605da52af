/** The keyboard on a chart: arrows step, Home and End jump, plus and minus zoom, 0 shows all, Enter picks. */

import type { KeyboardEvent } from "react";

import { xExtent } from "./extent";
import type { Frame } from "./layout";
import { nearest, stopsOf } from "./reading";
import type { ChartSpec, Interval } from "./spec";
import type { Pick } from "./useChartPointer";

interface Wanted {
  spec: ChartSpec;
  frame: Frame | null;
  cursor: number | null;
  move: (at: number | null) => void;
  show: (view: Interval | null) => void;
  onPick?: ((pick: Pick) => void) | undefined;
}

const STRIDE = 10;

export function useChartKeys(wanted: Wanted) {
  return {
    onKeyDown: (event: KeyboardEvent<HTMLElement>) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (stepped(wanted, event) || zoomed(wanted, event.key) || picked(wanted, event.key)) {
        event.preventDefault();
        event.stopPropagation();
      }
    },
    onBlur: () => wanted.move(null),
  };
}

function stepped({ spec, frame, cursor, move }: Wanted, { key, shiftKey }: KeyboardEvent): boolean {
  const stops = stopsOf(spec).filter((x) => !frame || (x >= frame.domain[0] && x <= frame.domain[1]));
  const last = stops.length - 1;
  const here = cursor === null ? last : nearest(stops, cursor);
  const stride = shiftKey ? STRIDE : 1;
  const to: Record<string, number> = {
    ArrowLeft: here - stride,
    ArrowRight: here + stride,
    Home: 0,
    End: last,
  };
  const next = to[key];
  if (next === undefined || last < 0) return false;
  move(stops[Math.min(last, Math.max(0, next))] ?? null);
  return true;
}

function zoomed({ spec, frame, cursor, show }: Wanted, key: string): boolean {
  if (!frame || !["+", "-", "0"].includes(key)) return false;
  if (key === "0") show(null);
  else show(zoomedTo(frame.domain, cursor, key === "+" ? 0.5 : 2, xExtent(spec)));
  return true;
}

/** A view made narrower or wider about a place; null when all would be seen. */
export function zoomedTo(
  view: Interval,
  about: number | null,
  factor: number,
  all: Interval,
): Interval | null {
  const centre = about ?? (view[0] + view[1]) / 2;
  const low = Math.max(all[0], centre - (centre - view[0]) * factor);
  const high = Math.min(all[1], centre + (view[1] - centre) * factor);
  return low <= all[0] && high >= all[1] ? null : [low, high];
}

function picked({ cursor, onPick, move }: Wanted, key: string): boolean {
  if (key === "Escape" && cursor !== null) {
    move(null);
    return true;
  }
  if (key !== "Enter" || cursor === null || !onPick) return false;
  onPick({ x: cursor, point: null });
  return true;
}
