/** Where a line goes on, and where it breaks because nothing was sent. */

import type { Column } from "./spec";

/** Samples further apart than so many of their usual intervals are not joined. */
const INTERVALS = 20;
/** Nor are those further apart than this part of what is seen, however seldom they come. */
const PART = 0.02;

/**
 * Rows of which `columns[0]` is known, with a row of nulls where there is a gap. A vehicle sends once a second while it
 * drives and once a minute while it charges: what lies within its usual interval is one line, the rest a gap.
 */
export function withGaps(
  x: readonly number[],
  columns: readonly Column[],
  span: number,
): { x: number[]; columns: Column[] } {
  const known = x.flatMap((_, i) => ((columns[0]?.[i] ?? null) === null ? [] : [i]));
  const most = Math.max(INTERVALS * usual(known.map((i) => x[i] ?? 0)), PART * span);
  const kept: (number | null)[] = [];
  const at: number[] = [];
  known.forEach((i, n) => {
    const here = x[i] ?? 0;
    const before = x[known[n - 1] ?? -1];
    if (before !== undefined && here - before > most) {
      kept.push(null);
      at.push(before + 1);
    }
    kept.push(i);
    at.push(here);
  });
  return {
    x: at,
    columns: columns.map((column) => kept.map((i) => (i === null ? null : (column[i] ?? null)))),
  };
}

/** Median of the intervals. */
function usual(times: readonly number[]): number {
  const intervals = times.slice(1).map((at, i) => at - (times[i] ?? at));
  return intervals.sort((a, b) => a - b)[Math.floor(intervals.length / 2)] ?? 0;
}
