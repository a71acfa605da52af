/** Which dots of the scatter a brush holds, and the pictures made of them. */

import type { Filters, Over } from "./filters";
import { within } from "./filters";
import type { Scatter } from "./read";

const STEP_PCT = 1;
/** So many vehicles at least for a point of the fleet's own band. */
const FEW = 5;
const WINDOWS = 24;

/** Whether anything is brushed. */
export function isBrushed({ health, distance, age }: Filters): boolean {
  return health !== null || distance !== null || age !== null;
}

/** Which dots are brushed, by their place in the columns. */
export function brushedDots(dots: Scatter, filters: Filters): boolean[] {
  const { health, distance, age } = filters;
  return dots.vehicle_id.map(
    (_, i) =>
      within(dots.health_pct[i], health) &&
      within(dots.distance_km[i], distance) &&
      within(dots.age_years[i], age),
  );
}

/** How many of the brushed fall into each step of the histogram. */
export function brushedSteps(dots: Scatter, brushed: readonly boolean[], edges: readonly number[]): number[] {
  const counts = edges.map(() => 0);
  const first = edges[0] ?? 0;
  dots.health_pct.forEach((value, i) => {
    if (value === null || brushed[i] !== true) return;
    const at = Math.min(Math.max(Math.floor((value - first) / STEP_PCT), 0), counts.length - 1);
    counts[at] = (counts[at] ?? 0) + 1;
  });
  return counts;
}

export interface BandOver {
  name: string;
  x: number[];
  low: (number | null)[];
  middle: (number | null)[];
  high: (number | null)[];
}

/**
 * The band that the dots lie in: of the cohort where one model is shown; else of all that is shown, since several bands
 * of one colour over each other cannot be told apart.
 */
export function bandOf(dots: Scatter, over: Over): BandOver | null {
  const cohorts = over === "age" ? dots.by_age : dots.by_distance;
  const packs = new Set(dots.pack);
  const only = cohorts.find((cohort) => packs.has(cohort.pack));
  if (packs.size === 1 && only) {
    const { p10_pct: low, median_pct: middle, p90_pct: high } = only;
    return { name: "cohort p10–p90", x: only.x.map((value) => value ?? 0), low, middle, high };
  }
  return pooled(over === "age" ? dots.age_years : dots.distance_km, dots.health_pct);
}

/** Quantiles in a window that runs along the axis; none where it holds few. */
function pooled(xs: readonly (number | null)[], ys: readonly (number | null)[]): BandOver | null {
  const known = xs.flatMap((x, i) => {
    const y = ys[i];
    return x === null || y == null ? [] : [{ x, y }];
  });
  const last = known.reduce((most, dot) => Math.max(most, dot.x), 0);
  const half = last / WINDOWS;
  const band: BandOver = { name: "all models p10–p90", x: [], low: [], middle: [], high: [] };
  for (let at = 0; at <= WINDOWS; at++) {
    const x = at * half;
    const some = known.filter((dot) => Math.abs(dot.x - x) <= half).map((dot) => dot.y);
    if (some.length < FEW) continue;
    some.sort((a, b) => a - b);
    band.x.push(x);
    band.low.push(quantile(some, 0.1));
    band.middle.push(quantile(some, 0.5));
    band.high.push(quantile(some, 0.9));
  }
  return band.x.length < 2 ? null : band;
}

/** A quantile of values in order, with values between two of them interpolated. */
export function quantile(sorted: readonly number[], share: number): number | null {
  if (sorted.length === 0) return null;
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? 0;
  const above = sorted[Math.ceil(at)] ?? below;
  return below + (above - below) * (at - Math.floor(at));
}

/** Round whole numbers from zero to at least `most`, at most six of them: nobody counts half a vehicle. */
export function wholeTicks(most: number): number[] {
  const steps = [1, 2, 5].flatMap((round) => [0, 1, 2, 3, 4, 5, 6].map((power) => round * 10 ** power));
  const step = steps.sort((a, b) => a - b).find((each) => each * 5 >= most) ?? most;
  return Array.from({ length: Math.max(1, Math.ceil(most / step)) + 1 }, (_, i) => i * step);
}
