/** The picture of capacity health against distance or age, one dot a vehicle. */

import type { Band, ChartSpec, Interval, Line, Points } from "@/charts";
import { number, type Formatter } from "@/format";
import { bandOf } from "./chosen";
import type { Over } from "./filters";
import type { Scatter } from "./read";

const END_OF_LIFE = 80;
/** So many of the brushed are named beside their dot. */
const NAMED = 3;
/** With more dots than this, they are drawn smaller and fainter. */
const MANY = 2000;
/** An axis begins at zero unless all lies in its upper part. */
const FROM_ZERO = 0.4;
/** It spans at least this part of its end. */
const LEAST = 0.2;

/** Distances on the axis are in the unit that is liked. */
export const toX = (over: Over, format: Formatter) => (value: number) =>
  over === "age" ? value : format.toDistance(value);

export function scatterSpec(
  dots: Scatter,
  brushed: readonly boolean[] | null,
  over: Over,
  format: Formatter,
): ChartSpec {
  const x = toX(over, format);
  const column = over === "age" ? dots.age_years : dots.distance_km;
  const places = dots.vehicle_id.flatMap((_, i) =>
    column[i] == null || dots.health_pct[i] == null ? [] : [i],
  );
  const [low, high] = extent(places.map((i) => dots.health_pct[i] ?? 0)) ?? [END_OF_LIFE, 100];
  const [first, last] = ends(extent(places.map((i) => x(column[i] ?? 0))));
  const isChosen = (i: number) => brushed?.[i] ?? false;
  const at = (those: readonly number[]) => ({
    x: those.map((i) => x(column[i] ?? 0)),
    y: those.map((i) => dots.health_pct[i] ?? null),
    ids: those.map((i) => dots.vehicle_id[i] ?? ""),
  });
  const rest = places.filter((i) => !isChosen(i));
  const chosen = places.filter(isChosen);
  return {
    name: `Capacity health against ${over}`,
    summary:
      `Capacity health of ${number(places.length)} vehicles against ${over}, ` +
      `from ${number(low, 1)} to ${number(high, 1)} %.`,
    x: {
      kind: "value",
      label: over === "age" ? "Age" : "Distance",
      unit: over === "age" ? "years" : format.distanceUnit,
      min: first,
      max: last,
    },
    panels: [
      {
        id: "health",
        unit: "%",
        digits: 1,
        y: {
          min: Math.min(76, Math.floor(low / 4) * 4),
          max: Math.max(100, Math.ceil(high)),
          format: (value, top) => number(value) + (top ? "\u00a0%" : ""),
        },
        series: [
          ...bandSeries(dots, over, x),
          others(at(rest)),
          ...(brushed ? [held(dots, chosen, at(chosen))] : []),
        ],
        limits: [{ y: END_OF_LIFE, label: "80 %", tone: "ink-3", dash: "reference" }],
      },
    ],
  };
}

type At = Pick<Points, "x" | "y"> & { ids: readonly string[] };

function others(at: At): Points {
  const many = at.x.length > MANY;
  const looks = many ? { opacity: 0.3, size: 3 } : { opacity: 0.45, size: 4 };
  return {
    kind: "points",
    id: "others",
    name: "vehicle",
    legend: false,
    tone: "ink-3",
    mark: "disc",
    many,
    ...looks,
    ...at,
  };
}

function held(dots: Scatter, places: readonly number[], at: At): Points {
  const deviation = (i: number) => dots.deviation_pts[i] ?? 0;
  const named = new Set([...places].sort((a, b) => deviation(a) - deviation(b)).slice(0, NAMED));
  const labels = places.map((i) => (named.has(i) ? (dots.vehicle_id[i] ?? "") : ""));
  const many = places.length > MANY;
  return {
    kind: "points",
    id: "brushed",
    name: "brushed",
    tone: "accent",
    mark: "disc",
    size: many ? 3 : 6,
    labels,
    many,
    ...at,
  };
}

function bandSeries(dots: Scatter, over: Over, x: (value: number) => number): (Band | Line)[] {
  const band = bandOf(dots, over);
  if (band === null) return [];
  const xs = band.x.map(x);
  const { name, low, high, middle: y } = band;
  return [
    { kind: "band", id: "band", name, tone: "cohort", x: xs, low, high },
    { kind: "line", id: "median", name: "median", tone: "cohort", x: xs, y, end: "median" },
  ];
}

function extent(values: readonly number[]): Interval | null {
  if (values.length === 0) return null;
  return values.reduce<Interval>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );
}

/** The axis that holds a range, with a little room; what is nearly the same is not drawn far apart. */
export function ends(range: Interval | null): Interval {
  if (range === null) return [0, 1];
  const [low, high] = range;
  if (low < high * FROM_ZERO) return [0, high * 1.02 || 1];
  const room = Math.max((high - low) * 0.03, (high * LEAST - (high - low)) / 2);
  return [low - room, high + room];
}
